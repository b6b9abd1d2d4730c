import { AT, FORM, UT } from './constants.ts';
import { Cursor, DwarfError } from './cursor.ts';
import type { DebugSections } from './sections.ts';

/** An attribute's value: a number, a text, an offset of `.debug_info` (`ref`), or an address with its section in an object. */
export type Value =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'ref'; readonly value: number }
  | { readonly kind: 'address'; readonly value: number; readonly section: number }
  | { readonly kind: 'block'; readonly value: Uint8Array };

/** A debugging information entry. */
export interface Die {
  /** Offset in `.debug_info`. */
  readonly offset: number;
  readonly tag: number;
  readonly hasChildren: boolean;
  readonly attributes: ReadonlyMap<number, Value>;
  /** Offset behind it: of its first child, or of the next entry. */
  readonly end: number;
  readonly unit: Unit;
}

interface Abbreviation {
  readonly tag: number;
  readonly hasChildren: boolean;
  readonly fields: readonly (readonly [at: number, form: number, constant: number])[];
}

const INFO = '.debug_info';
const EXTENDED_LENGTH = 0xffff_ffff;
const MAX_STRING = 4096;
const MAX_NESTING = 512;

/** One unit of `.debug_info`. Its bytes are read when an entry is. */
export class Unit {
  readonly offset: number;
  /** Behind its last byte. */
  readonly end: number;
  readonly version: number;
  readonly addressSize: number;
  /** Offset of its first entry. */
  readonly first: number;
  readonly #sections: DebugSections;
  readonly #offsetSize: number;
  readonly #abbreviations: number;
  #table: ReadonlyMap<number, Abbreviation> | null = null;
  #bytes: Uint8Array | null = null;
  #bases: { readonly strings: number; readonly addresses: number } | null = null;

  /** The unit at an offset. @throws DwarfError */
  constructor(sections: DebugSections, offset: number) {
    this.#sections = sections;
    this.offset = offset;
    const c = new Cursor(sections.read(INFO, offset, 64));
    let length = c.unsigned(4);
    this.#offsetSize = 4;
    if (length === EXTENDED_LENGTH) {
      length = c.unsigned(8);
      this.#offsetSize = 8;
    }
    this.end = offset + c.at + length;
    if (this.end > sections.size(INFO)) throw new DwarfError('a unit of it ends behind the section');
    this.version = c.unsigned(2);
    if (this.version < 2 || this.version > 5)
      throw new DwarfError(`version ${this.version} of DWARF is not known here`);
    const kind = this.version >= 5 ? c.unsigned(1) : UT.compile;
    this.addressSize = this.version >= 5 ? c.unsigned(1) : 0;
    this.#abbreviations = c.unsigned(this.#offsetSize);
    if (this.version < 5) this.addressSize = c.unsigned(1);
    if (kind === UT.skeleton || kind === UT.split_compile) c.skip(8);
    if (kind === UT.type || kind === UT.split_type) c.skip(8 + this.#offsetSize);
    this.first = offset + c.at;
  }

  /** The entry at an offset of `.debug_info`; null for the end of a list of children. @throws DwarfError */
  die(offset: number): Die | null {
    if (offset < this.first || offset >= this.end) throw new DwarfError('an entry of it refers outside its unit');
    this.#bytes ??= this.#sections.read(INFO, this.offset, this.end - this.offset);
    const c = new Cursor(this.#bytes, offset - this.offset);
    const code = c.uleb();
    if (code === 0) return null;
    this.#table ??= readAbbreviations(this.#sections, this.#abbreviations);
    const abbreviation = this.#table.get(code);
    if (abbreviation === undefined) throw new DwarfError('an entry of it has no abbreviation');
    const attributes = new Map<number, Value>();
    for (const [at, form, constant] of abbreviation.fields) {
      const value = this.#value(c, form, constant, at);
      if (value !== null) attributes.set(at, value);
    }
    const { tag, hasChildren } = abbreviation;
    return { offset, tag, hasChildren, attributes, end: this.offset + c.at, unit: this };
  }

  /** The entry that the unit is. */
  get root(): Die | null {
    return this.die(this.first);
  }

  /** The children of an entry, one after the other. */
  *children(parent: Die): Generator<Die> {
    if (!parent.hasChildren) return;
    for (let at = parent.end; at < this.end; ) {
      const die = this.die(at);
      if (die === null) return;
      yield die;
      at = this.#behind(die, 0);
    }
  }

  /** The offset behind an entry and all below it. */
  #behind(die: Die, depth: number): number {
    if (!die.hasChildren) return die.end;
    const sibling = die.attributes.get(AT.sibling);
    if (sibling?.kind === 'ref' && sibling.value > die.offset) return sibling.value;
    if (depth > MAX_NESTING) throw new DwarfError('its entries are nested too deeply');
    let at = die.end;
    while (at < this.end) {
      const child = this.die(at);
      if (child === null) return at + 1;
      at = this.#behind(child, depth + 1);
    }
    return this.end;
  }

  #value(c: Cursor, form: number, constant: number, at: number): Value | null {
    const number = (value: number): Value => ({ kind: 'number', value });
    const ref = (value: number): Value => ({ kind: 'ref', value: this.offset + value });
    switch (form) {
      case FORM.addr: {
        const section = this.#sections.sectionAt(INFO, this.offset + c.at);
        return { kind: 'address', value: c.address(this.addressSize), section };
      }
      case FORM.data1:
      case FORM.flag:
        return number(c.unsigned(1));
      case FORM.data2:
        return number(c.unsigned(2));
      case FORM.data4:
        return number(c.unsigned(4));
      case FORM.data8:
      case FORM.ref_sig8:
      case FORM.ref_sup8:
        return number(c.address(8));
      case FORM.data16:
        return skipped(c, 16);
      case FORM.sdata:
        return number(c.sleb());
      case FORM.udata:
      case FORM.loclistx:
      case FORM.rnglistx:
        return number(c.uleb());
      case FORM.implicit_const:
        return number(constant);
      case FORM.flag_present:
        return number(1);
      case FORM.sec_offset:
      case FORM.gnu_ref_alt:
      case FORM.gnu_strp_alt:
      case FORM.strp_sup:
        return number(c.unsigned(this.#offsetSize));
      case FORM.ref_sup4:
        return number(c.unsigned(4));
      case FORM.string:
        return { kind: 'text', value: c.text() };
      case FORM.strp:
        return this.#text('.debug_str', c.unsigned(this.#offsetSize));
      case FORM.line_strp:
        return this.#text('.debug_line_str', c.unsigned(this.#offsetSize));
      case FORM.strx:
        return this.#indexedText(c.uleb(), at);
      case FORM.strx1:
      case FORM.strx2:
      case FORM.strx3:
      case FORM.strx4:
        return this.#indexedText(c.unsigned(form - FORM.strx1 + 1), at);
      case FORM.addrx:
        return this.#indexedAddress(c.uleb());
      case FORM.addrx1:
      case FORM.addrx2:
      case FORM.addrx3:
      case FORM.addrx4:
        return this.#indexedAddress(c.unsigned(form - FORM.addrx1 + 1));
      case FORM.ref1:
        return ref(c.unsigned(1));
      case FORM.ref2:
        return ref(c.unsigned(2));
      case FORM.ref4:
        return ref(c.unsigned(4));
      case FORM.ref8:
        return ref(c.unsigned(8));
      case FORM.ref_udata:
        return ref(c.uleb());
      case FORM.ref_addr:
        return { kind: 'ref', value: c.unsigned(this.version === 2 ? this.addressSize : this.#offsetSize) };
      case FORM.block1:
        return block(c, c.unsigned(1));
      case FORM.block2:
        return block(c, c.unsigned(2));
      case FORM.block4:
        return block(c, c.unsigned(4));
      case FORM.block:
      case FORM.exprloc:
        return block(c, c.uleb());
      case FORM.indirect:
        return this.#value(c, c.uleb(), 0, at);
      default:
        throw new DwarfError(`form 0x${form.toString(16)} is not known here`);
    }
  }

  #text(section: string, offset: number): Value {
    const sections = this.#sections;
    // Most names are never looked at.
    return {
      kind: 'text',
      get value(): string {
        const bytes = sections.read(section, offset, MAX_STRING);
        const end = bytes.indexOf(0);
        return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString('utf8');
      },
    };
  }

  /** Tables of texts and addresses; the unit's own entry says where its part begins, and is read without them. */
  get #tables(): { readonly strings: number; readonly addresses: number } {
    if (this.#bases === null) {
      const headers = this.#offsetSize === 8 ? 16 : 8;
      this.#bases = { strings: headers, addresses: 8 };
      const root = this.die(this.first);
      const base = (at: number, otherwise: number): number => {
        const value = root?.attributes.get(at);
        return value?.kind === 'number' ? value.value : otherwise;
      };
      this.#bases = { strings: base(AT.str_offsets_base, headers), addresses: base(AT.addr_base, 8) };
    }
    return this.#bases;
  }

  #indexedText(index: number, at: number): Value | null {
    if (at === AT.str_offsets_base) return null;
    const size = this.#offsetSize;
    const bytes = this.#sections.read('.debug_str_offsets', this.#tables.strings + index * size, size);
    return this.#text('.debug_str', new Cursor(bytes).unsigned(size));
  }

  #indexedAddress(index: number): Value {
    const offset = this.#tables.addresses + index * this.addressSize;
    const bytes = this.#sections.read('.debug_addr', offset, this.addressSize);
    const section = this.#sections.sectionAt('.debug_addr', offset);
    return { kind: 'address', value: new Cursor(bytes).address(this.addressSize), section };
  }
}

function skipped(c: Cursor, size: number): null {
  c.skip(size);
  return null;
}

function block(c: Cursor, size: number): Value {
  const from = c.at;
  c.skip(size);
  return { kind: 'block', value: c.bytes.subarray(from, c.at) };
}

const ABBREVIATIONS = '.debug_abbrev';
/** A table of abbreviations is read in one piece of this size, or a larger one where it does not fit. */
const PIECE = 1 << 16;
const tables = new WeakMap<DebugSections, Map<number, ReadonlyMap<number, Abbreviation>>>();

function readAbbreviations(sections: DebugSections, offset: number): ReadonlyMap<number, Abbreviation> {
  const known = tables.get(sections) ?? new Map<number, ReadonlyMap<number, Abbreviation>>();
  tables.set(sections, known);
  let table: ReadonlyMap<number, Abbreviation> | null | undefined = known.get(offset);
  if (table === undefined) {
    const size = sections.size(ABBREVIATIONS) - offset;
    table = parse(sections.read(ABBREVIATIONS, offset, Math.min(PIECE, size)), size > PIECE);
    table ??= parse(sections.read(ABBREVIATIONS, offset, size), false);
    known.set(offset, table!);
  }
  return table!;
}

/** One table of abbreviations; null where it goes on behind `bytes` and more of them can be had. */
function parse(bytes: Uint8Array, more: boolean): ReadonlyMap<number, Abbreviation> | null {
  const c = new Cursor(bytes);
  const table = new Map<number, Abbreviation>();
  try {
    for (let code = c.uleb(); code !== 0; code = c.uleb()) {
      const tag = c.uleb();
      const hasChildren = c.unsigned(1) !== 0;
      const fields: (readonly [number, number, number])[] = [];
      for (;;) {
        const at = c.uleb();
        const form = c.uleb();
        const constant = form === FORM.implicit_const ? c.sleb() : 0;
        if (at === 0 && form === 0) break;
        fields.push([at, form, constant]);
      }
      table.set(code, { tag, hasChildren, fields });
    }
    return table;
  } catch (error) {
    if (more && error instanceof DwarfError) return null;
    throw error;
  }
}
