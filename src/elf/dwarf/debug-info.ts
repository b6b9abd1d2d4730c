import type { Section } from '../sections.ts';
import type { ByteSource } from '../source.ts';
import type { SymbolRow } from '../symbol-rows.ts';
import { AT, TAG } from './constants.ts';
import { Cursor, DwarfError } from './cursor.ts';
import { DebugSections } from './sections.ts';
import { type CType, nameOf, Types } from './types.ts';
import { type Die, Unit } from './unit.ts';

/** A function as its source declares it. */
export interface Signature {
  readonly name: string;
  readonly result: CType;
  readonly parameters: readonly { readonly name: string; readonly type: CType }[];
  /** `...` follows. */
  readonly variadic: boolean;
}

/** A function's address in a linked file, or its section and offset in an object. */
export interface FunctionPlace {
  readonly address: number;
  /** 0 in a linked file. */
  readonly section: number;
}

const INFO = '.debug_info';
const RANGES = '.debug_aranges';
const MAX_CHAIN = 16;
const placeKey = ({ address, section }: FunctionPlace): string => `${section}:${address}`;

/**
 * DWARF 2 to 5 of an ELF file, read where it is asked: units, entries and names as they are wanted, so that gigabytes of it cost nothing.
 * Split DWARF (.dwo) and supplementary files (dwz) are not followed.
 */
export class DebugInfo {
  readonly #sections: DebugSections;
  readonly #types: Types;
  readonly #units = new Map<number, Unit>();
  #offsets: readonly number[] | null = null;
  #ranges: readonly { readonly from: number; readonly to: number; readonly unit: number }[] | null = null;
  readonly #functions = new Map<number, ReadonlyMap<string, number>>();
  readonly #names = new Map<number, Map<string, number>>();

  private constructor(sections: DebugSections) {
    this.#sections = sections;
    this.#types = new Types((offset) => this.#unitOf(offset));
  }

  /** The debug information of a file, or null where it has none. @param type e_type */
  static of(
    source: ByteSource,
    sections: readonly Section[],
    symbols: readonly SymbolRow[],
    type: number,
  ): DebugInfo | null {
    const debug = new DebugSections(source, sections, symbols, type);
    return debug.has(INFO) && debug.has('.debug_abbrev') ? new DebugInfo(debug) : null;
  }

  /** The declaration of the function that begins at a place; null where none is described there. @throws DwarfError */
  signatureOf(place: FunctionPlace): Signature | null {
    for (const offset of this.#candidates(place)) {
      const unit = this.#unit(offset);
      const at = this.#functionsOf(unit).get(placeKey(place));
      if (at !== undefined) return this.#signature(unit.die(at)!);
    }
    return null;
  }

  /** The declaration of a function by its name in the unit that describes the function at a place. @throws DwarfError */
  declarationOf(place: FunctionPlace, name: string): Signature | null {
    for (const offset of this.#candidates(place)) {
      const unit = this.#unit(offset);
      if (!this.#functionsOf(unit).has(placeKey(place))) continue;
      let names = this.#names.get(unit.offset);
      if (names === undefined) {
        names = new Map();
        const root = unit.root;
        if (root !== null) {
          for (const die of unit.children(root)) {
            if (die.tag === TAG.subprogram && nameOf(die) !== '') names.set(nameOf(die), die.offset);
          }
        }
        this.#names.set(unit.offset, names);
      }
      const at = names.get(name);
      return at === undefined ? null : this.#signature(unit.die(at)!);
    }
    return null;
  }

  #unit(offset: number): Unit {
    let unit = this.#units.get(offset);
    if (unit === undefined) {
      unit = new Unit(this.#sections, offset);
      this.#units.set(offset, unit);
    }
    return unit;
  }

  /** Offsets of all units, ascending. */
  get #all(): readonly number[] {
    if (this.#offsets === null) {
      const offsets: number[] = [];
      const size = this.#sections.size(INFO);
      for (let at = 0; at < size; at = new Unit(this.#sections, at).end) offsets.push(at);
      this.#offsets = offsets;
    }
    return this.#offsets;
  }

  /** The unit that an entry lies in. */
  #unitOf(offset: number): Unit {
    const all = this.#all;
    let low = 0;
    let high = all.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (all[middle]! <= offset) low = middle + 1;
      else high = middle;
    }
    if (low === 0) throw new DwarfError('an entry of it refers outside every unit');
    return this.#unit(all[low - 1]!);
  }

  /** Units that may describe a place: what `.debug_aranges` says first, then all others. */
  *#candidates({ address, section }: FunctionPlace): Generator<number> {
    const said = new Set<number>();
    if (section === 0) {
      this.#ranges ??= this.#readRanges();
      for (const { from, to, unit } of this.#ranges) {
        if (address < from || address >= to || said.has(unit)) continue;
        said.add(unit);
        yield unit;
      }
      const described = new Set(this.#ranges.map(({ unit }) => unit));
      for (const unit of this.#all) if (!described.has(unit)) yield unit;
      return;
    }
    yield* this.#all;
  }

  #readRanges(): { readonly from: number; readonly to: number; readonly unit: number }[] {
    const rows: { readonly from: number; readonly to: number; readonly unit: number }[] = [];
    const size = this.#sections.size(RANGES);
    const c = new Cursor(this.#sections.read(RANGES, 0, size));
    while (c.at < size) {
      const start = c.at;
      let length = c.unsigned(4);
      const wide = length === 0xffff_ffff;
      if (wide) length = c.unsigned(8);
      const end = c.at + length;
      c.skip(2);
      const unit = c.unsigned(wide ? 8 : 4);
      const addressSize = c.unsigned(1);
      c.skip(1);
      if (addressSize !== 8) {
        c.at = end;
        continue;
      }
      c.skip(-(c.at - start) & (2 * addressSize - 1));
      while (c.at + 2 * addressSize <= end) {
        const from = c.address(addressSize);
        const bytes = c.unsigned(addressSize);
        if (from !== 0 || bytes !== 0) rows.push({ from, to: from + bytes, unit });
      }
      c.at = end;
    }
    return rows;
  }

  /** Offsets of a unit's functions by where they begin. */
  #functionsOf(unit: Unit): ReadonlyMap<string, number> {
    let functions = this.#functions.get(unit.offset);
    if (functions === undefined) {
      const found = new Map<string, number>();
      const visit = (parent: Die): void => {
        for (const die of unit.children(parent)) {
          if (die.tag === TAG.namespace) visit(die);
          const low = die.tag === TAG.subprogram ? die.attributes.get(AT.low_pc) : undefined;
          if (low?.kind === 'address') found.set(placeKey({ address: low.value, section: low.section }), die.offset);
        }
      };
      const root = unit.root;
      if (root !== null) visit(root);
      functions = found;
      this.#functions.set(unit.offset, functions);
    }
    return functions;
  }

  #signature(die: Die): Signature {
    // What inlining and declarations share stands where they refer to.
    let declared = die;
    for (let n = 0; n < MAX_CHAIN; n++) {
      const next =
        this.#types.referred(declared, AT.abstract_origin) ?? this.#types.referred(declared, AT.specification);
      if (next === null) break;
      declared = next;
    }
    const own = [...declared.unit.children(declared)];
    return {
      name: nameOf(declared),
      result: this.#types.typeOf(declared),
      parameters: own
        .filter(({ tag }) => tag === TAG.formal_parameter)
        .map((row) => ({ name: nameOf(row), type: this.#types.typeOf(row) })),
      variadic: own.some(({ tag }) => tag === TAG.unspecified_parameters),
    };
  }
}
