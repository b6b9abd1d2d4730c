import { AT, FORM, UT } from './constants.ts';
import { Cursor, DwarfError } from './cursor.ts';
import type { InfoSection } from './info-section.ts';
import type { DebugSections } from './sections.ts';

/**
 * An attribute's value: a number, a text, an offset in a section of units (`ref`), the signature of a type that has a unit of its own, or
 * an address with its section in an object.
 */
export type Value =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'ref'; readonly value: number; readonly info: InfoSection }
  | { readonly kind: 'signature'; readonly value: bigint }
  | { readonly kind: 'address'; readonly value: number; readonly section: number }
  /** A place in the unit's table of range lists. */
  | { readonly kind: 'index'; readonly value: number }
  | { readonly kind: 'block'; readonly value: Uint8Array };

/** An address, with its section in an object. */
export type AddressValue = Extract<Value, { kind: 'address' }>;

/** A debugging information entry. */
export interface Die {
  /** Offset in its section of units. */
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

const EXTENDED_LENGTH = 0xffff_ffff;
const MAX_STRING = 4096;
const MAX_NESTING = 512;

/** One unit. Its bytes are read when an entry is. */
export class Unit {
  readonly info: InfoSection;
  readonly offset: number;
  /** Behind its last byte. */
  readonly end: number;
  readonly version: number;
  readonly addressSize: number;
  /** Offset of its first entry. */
  readonly first: number;
  /** Of a unit that is one type: its signature, and the offset of the type's entry; null of others. */
  readonly type: { readonly signature: bigint; readonly at: number } | null;
  /** Of a split unit: the one in the program that has the addresses. */
  skeleton: Unit | null = null;
  readonly #id: bigint | null;
  /** Bytes of offsets in debug sections: 4 or 8. */
  readonly offsetSize: number;
  readonly #abbreviations: number;
  /** Where the strings of a unit in a package begin. */
  readonly #strings: number;
  #table: ReadonlyMap<number, Abbreviation> | null = null;
  #bytes: Uint8Array | null = null;
  #bases: { readonly strings: number; readonly addresses: number } | null = null;

  /** The unit at an offset. @throws DwarfError */
  constructor(info: InfoSection, offset: number) {
    this.info = info;
    this.offset = offset;
    const c = new Cursor(info.read(offset, 64));
    let length = c.unsigned(4);
    this.offsetSize = 4;
    if (length === EXTENDED_LENGTH) {
      length = c.unsigned(8);
      this.offsetSize = 8;
    }
    this.end = offset + c.at + length;
    if (this.end > info.size) throw new DwarfError('a unit of it ends behind the section');
    this.version = c.unsigned(2);
    if (this.version < 2 || this.version > 5)
      throw new DwarfError(`version ${this.version} of DWARF is not known here`);
    const kind = this.version >= 5 ? c.unsigned(1) : info.isTypes ? UT.type : UT.compile;
    this.addressSize = this.version >= 5 ? c.unsigned(1) : 0;
    const abbreviations = c.unsigned(this.offsetSize);
    if (this.version < 5) this.addressSize = c.unsigned(1);
    this.#id = kind === UT.skeleton || kind === UT.split_compile ? c.big() : null;
    const signature = kind === UT.type || kind === UT.split_type ? c.big() : null;
    this.type = signature === null ? null : { signature, at: offset + c.unsigned(this.offsetSize) };
    this.first = offset + c.at;
    const part = info.file.contributionOf(info, offset);
    this.#abbreviations = abbreviations + (part?.abbreviations ?? 0);
    this.#strings = part?.strings ?? 0;
  }

  get #sections(): DebugSections {
    return this.info.file.sections;
  }

  /** Where its table of range lists begins in a package; 0 elsewhere. */
  get rangeLists(): number {
    return this.info.file.contributionOf(this.info, this.offset)?.rangeLists ?? 0;
  }

  /** What names the split unit that belongs to a skeleton, and the skeleton to it; null where it is not split. */
  get id(): bigint | null {
    if (this.#id !== null) return this.#id;
    const id = this.version < 5 ? this.root?.attributes.get(AT.gnu_dwo_id) : undefined;
    return id?.kind === 'signature' ? id.value : null;
  }

  /** The entry at an offset; null for the end of a list of children. @throws DwarfError */
  die(offset: number): Die | null {
    if (offset < this.first || offset >= this.end) throw new DwarfError('an entry of it refers outside its unit');
    this.#bytes ??= this.info.read(this.offset, this.end - this.offset);
    const c = new Cursor(this.#bytes, offset - this.offset);
    const code = c.uleb();
    if (code === 0) return null;
    this.#table ??= readAbbreviations(this.#sections, `.debug_abbrev${this.info.suffix}`, this.#abbreviations);
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
    const { info } = this;
    const ref = (value: number): Value => ({ kind: 'ref', value: this.offset + value, info });
    switch (form) {
      case FORM.addr: {
        const section = this.#sections.sectionAt(info.section, this.offset + c.at);
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
        return at === AT.gnu_dwo_id ? { kind: 'signature', value: c.big() } : number(c.address(8));
      case FORM.ref_sig8:
        return { kind: 'signature', value: c.big() };
      case FORM.data16:
        return skipped(c, 16);
      case FORM.sdata:
        return number(c.sleb());
      case FORM.udata:
      case FORM.loclistx:
        return number(c.uleb());
      case FORM.rnglistx:
        return { kind: 'index', value: c.uleb() };
      case FORM.implicit_const:
        return number(constant);
      case FORM.flag_present:
        return number(1);
      case FORM.sec_offset:
        return number(c.unsigned(this.offsetSize));
      case FORM.gnu_ref_alt:
        return this.#elsewhere(c.unsigned(this.offsetSize));
      case FORM.ref_sup4:
        return this.#elsewhere(c.unsigned(4));
      case FORM.ref_sup8:
        return this.#elsewhere(c.unsigned(8));
      case FORM.gnu_strp_alt:
      case FORM.strp_sup: {
        const offset = c.unsigned(this.offsetSize);
        const { supplementary } = info.file;
        return supplementary === null ? null : textAt(supplementary.sections, '.debug_str', offset);
      }
      case FORM.string:
        return { kind: 'text', value: c.text() };
      case FORM.strp:
        return textAt(this.#sections, `.debug_str${info.suffix}`, c.unsigned(this.offsetSize));
      case FORM.line_strp:
        return textAt(this.#sections, '.debug_line_str', c.unsigned(this.offsetSize));
      case FORM.strx:
      case FORM.gnu_str_index:
        return this.#indexedText(c.uleb(), at);
      case FORM.strx1:
      case FORM.strx2:
      case FORM.strx3:
      case FORM.strx4:
        return this.#indexedText(c.unsigned(form - FORM.strx1 + 1), at);
      case FORM.addrx:
      case FORM.gnu_addr_index:
        return this.indexedAddress(c.uleb());
      case FORM.addrx1:
      case FORM.addrx2:
      case FORM.addrx3:
      case FORM.addrx4:
        return this.indexedAddress(c.unsigned(form - FORM.addrx1 + 1));
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
        return this.#anywhere(c, this.version === 2 ? this.addressSize : this.offsetSize);
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

  /** An entry of any unit of the file: in an object a relocation says of which section. */
  #anywhere(c: Cursor, size: number): Value {
    const index = this.#sections.sectionAt(this.info.section, this.offset + c.at);
    const info = this.info.file.infoAt(index) ?? (this.info.isTypes ? this.info.file.info[0] : undefined) ?? this.info;
    return { kind: 'ref', value: c.unsigned(size), info };
  }

  /** An entry of the supplementary file; where that is missing there is one all the same. */
  #elsewhere(value: number): Value {
    const info = this.info.file.supplementary?.info[0];
    return info === undefined ? { kind: 'number', value } : { kind: 'ref', value, info };
  }

  /** Tables of texts and addresses; the unit's own entry says where its part begins, and is read without them. */
  get #tables(): { readonly strings: number; readonly addresses: number } {
    if (this.#bases === null) {
      // The parts of a split file have no base but their header's end, and that only since DWARF 5.
      const header = this.version < 5 ? 0 : this.offsetSize === 8 ? 16 : 8;
      this.#bases = { strings: this.#strings + header, addresses: header };
      const root = this.die(this.first);
      const base = (at: number): number | null => {
        const value = root?.attributes.get(at);
        return value?.kind === 'number' ? value.value : null;
      };
      this.#bases = {
        strings: base(AT.str_offsets_base) ?? this.#bases.strings,
        addresses: base(AT.addr_base) ?? base(AT.gnu_addr_base) ?? this.#bases.addresses,
      };
    }
    return this.#bases;
  }

  #indexedText(index: number, at: number): Value | null {
    if (at === AT.str_offsets_base) return null;
    const size = this.offsetSize;
    const { suffix } = this.info;
    const bytes = this.#sections.read(`.debug_str_offsets${suffix}`, this.#tables.strings + index * size, size);
    return textAt(this.#sections, `.debug_str${suffix}`, new Cursor(bytes).unsigned(size));
  }

  /** An address of the program's table. */
  indexedAddress(index: number): AddressValue {
    if (this.skeleton !== null) return this.skeleton.indexedAddress(index);
    const offset = this.#tables.addresses + index * this.addressSize;
    const bytes = this.#sections.read('.debug_addr', offset, this.addressSize);
    const section = this.#sections.sectionAt('.debug_addr', offset);
    return { kind: 'address', value: new Cursor(bytes).address(this.addressSize), section };
  }
}

function textAt(sections: DebugSections, section: string, offset: number): Value {
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

function skipped(c: Cursor, size: number): null {
  c.skip(size);
  return null;
}

function block(c: Cursor, size: number): Value {
  const from = c.at;
  c.skip(size);
  return { kind: 'block', value: c.bytes.subarray(from, c.at) };
}

/** A table of abbreviations is read in one piece of this size, or a larger one where it does not fit. */
const PIECE = 1 << 16;
const tables = new WeakMap<DebugSections, Map<string, ReadonlyMap<number, Abbreviation>>>();

function readAbbreviations(
  sections: DebugSections,
  section: string,
  offset: number,
): ReadonlyMap<number, Abbreviation> {
  const known = tables.get(sections) ?? new Map<string, ReadonlyMap<number, Abbreviation>>();
  tables.set(sections, known);
  const key = `${section} ${offset}`;
  let table: ReadonlyMap<number, Abbreviation> | null | undefined = known.get(key);
  if (table === undefined) {
    const size = sections.size(section) - offset;
    table = parse(sections.read(section, offset, Math.min(PIECE, size)), size > PIECE);
    table ??= parse(sections.read(section, offset, size), false);
    known.set(key, table!);
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
