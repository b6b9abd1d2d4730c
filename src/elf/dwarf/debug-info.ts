import { ElfError } from '../error.ts';
import type { Section } from '../sections.ts';
import type { ByteSource } from '../source.ts';
import type { SymbolRow } from '../symbol-rows.ts';
import type { Companions } from './companions.ts';
import { AT, TAG } from './constants.ts';
import { DwarfError } from './cursor.ts';
import { DebugFile } from './debug-file.ts';
import { startOf } from './range-lists.ts';
import { type AddressRange, readAddressRanges } from './ranges.ts';
import { DebugSections } from './sections.ts';
import { type CType, nameOf, Types } from './types.ts';
import type { Die, Unit } from './unit.ts';

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

interface NamedEntry {
  readonly unit: Unit;
  readonly offset: number;
}

/** Names in damaged files are any bytes; a note is a line all the same. */
const UNPRINTABLE = /\p{C}/gu;
const MAX_CHAIN = 16;
const MAX_NESTING = 64;
const placeKey = ({ address, section }: FunctionPlace): string => `${section}:${address}`;
const NOBODY: Companions = { path: '', open: () => null };

/**
 * DWARF 2 to 5 of an ELF file, read where it is asked: units, entries and names as they are wanted, so that gigabytes of it cost nothing.
 * Types with units of their own, split files (.dwo, .dwp) and what dwz shares are followed. What is damaged or missing is unknown, and
 * a note says so.
 */
export class DebugInfo {
  readonly #sections: DebugSections;
  readonly #file: DebugFile;
  readonly #types: Types;
  #ranges: readonly AddressRange[] | null = null;
  /** Units that the ranges speak of. */
  #described: ReadonlySet<number> | null = null;
  readonly #functions = new Map<Unit, ReadonlyMap<string, number>>();
  readonly #names = new Map<Unit, ReadonlyMap<string, NamedEntry>>();
  readonly #notes = new Set<string>();
  #damaged = false;

  private constructor(sections: DebugSections, companions: Companions) {
    this.#sections = sections;
    this.#file = new DebugFile(
      sections,
      '',
      companions,
      (text) => void this.#notes.add(text.replace(UNPRINTABLE, '?')),
    );
    this.#types = new Types(
      (signature, from) => from.unit.info.file.typeOf(signature) ?? this.#file.typeOf(signature),
      (error) => this.#leaveAside(error),
    );
  }

  /** The debug information of a file, or null where it has none. @param type e_type */
  static of(
    source: ByteSource,
    sections: readonly Section[],
    symbols: readonly SymbolRow[],
    type: number,
    companions: Companions = NOBODY,
  ): DebugInfo | null {
    const debug = new DebugSections(source, sections, symbols, type);
    return debug.has('.debug_info') && debug.has('.debug_abbrev') ? new DebugInfo(debug, companions) : null;
  }

  /** What is damaged or missing of what has been looked at, a line each. */
  get notes(): readonly string[] {
    return [...this.#notes];
  }

  /** The declaration of the function that begins at a place; null where none is described there. */
  signatureOf(place: FunctionPlace): Signature | null {
    return this.#read(() => {
      const found = this.#at(place);
      return found === null ? null : this.#signature(found.die);
    });
  }

  /** The declaration of a function by its name in the unit that describes the function at a place. */
  declarationOf(place: FunctionPlace, name: string): Signature | null {
    return this.#read(() => {
      const found = this.#at(place);
      const named = found === null ? undefined : this.#namesOf(found.unit).get(name);
      return named === undefined ? null : this.#signature(named.unit.die(named.offset)!);
    });
  }

  #read<T>(read: () => T | null): T | null {
    try {
      return read();
    } catch (error) {
      this.#leaveAside(error);
      return null;
    }
  }

  #leaveAside(error: unknown): void {
    if (!(error instanceof DwarfError || error instanceof ElfError)) throw error;
    if (!this.#damaged) this.#notes.add(`damaged debug information: ${error.message}; types are not used`);
    this.#damaged = true;
  }

  /** The function that begins at a place, and the unit that describes it. */
  #at(place: FunctionPlace): { readonly unit: Unit; readonly die: Die } | null {
    for (const candidate of this.#candidates(place)) {
      if (candidate.type !== null) continue;
      const unit = this.#file.whole(candidate);
      const offset = unit === null ? undefined : this.#functionsOf(unit).get(placeKey(place));
      if (offset !== undefined) return { unit: unit!, die: unit!.die(offset)! };
    }
    return null;
  }

  /** Units that may describe a place: what `.debug_aranges` says first, then all others. */
  *#candidates({ address, section }: FunctionPlace): Generator<Unit> {
    const { info } = this.#file;
    if (section === 0) {
      this.#ranges ??= readAddressRanges(this.#sections);
      const said = new Set<number>();
      for (const { from, to, unit } of this.#ranges) {
        if (address < from || address >= to || said.has(unit)) continue;
        said.add(unit);
        yield info[0]!.unit(unit);
      }
      this.#described ??= new Set(this.#ranges.map(({ unit }) => unit));
    }
    for (const one of info) for (const offset of one.offsets) if (!this.#described?.has(offset)) yield one.unit(offset);
  }

  /** A unit's functions by where they begin. */
  #functionsOf(unit: Unit): ReadonlyMap<string, number> {
    let functions = this.#functions.get(unit);
    if (functions === undefined) {
      const found = new Map<string, number>();
      const visit = (parent: Die, depth: number): void => {
        for (const die of unit.children(parent)) {
          if (die.tag === TAG.namespace && depth < MAX_NESTING) visit(die, depth + 1);
          const low = die.tag === TAG.subprogram ? startOf(die) : null;
          if (low !== null) found.set(placeKey({ address: low.value, section: low.section }), die.offset);
        }
      };
      const { root } = unit;
      if (root !== null) visit(root, 0);
      functions = found;
      this.#functions.set(unit, functions);
    }
    return functions;
  }

  /** A unit's functions by name, with those of the parts that it shares with others. */
  #namesOf(unit: Unit): ReadonlyMap<string, NamedEntry> {
    let names = this.#names.get(unit);
    if (names === undefined) {
      const found = new Map<string, NamedEntry>();
      const seen = new Set<Unit>();
      const visit = (root: Die | null, depth: number): void => {
        if (root === null || depth > MAX_CHAIN || seen.has(root.unit)) return;
        seen.add(root.unit);
        for (const die of root.unit.children(root)) {
          if (die.tag === TAG.imported_unit) visit(this.#types.referred(die, AT.import), depth + 1);
          else if (die.tag === TAG.subprogram && nameOf(die) !== '')
            found.set(nameOf(die), { unit: die.unit, offset: die.offset });
        }
      };
      visit(unit.root, 0);
      names = found;
      this.#names.set(unit, names);
    }
    return names;
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
