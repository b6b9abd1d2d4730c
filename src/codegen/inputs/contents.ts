import { InsnStream, RIP_REGISTER } from '../../decode/stream.ts';
import { FLOW } from '../../decode/traits.ts';
import { SHF, SHT } from '../../elf/format.ts';
import type { Section } from '../../elf/sections.ts';
import type { ByteSource } from '../../elf/source.ts';

/** Bytes of data that tell what an unnamed place holds. */
const CONTENT_BYTES = 8;
const MAX_STRING = 4096;
/** Constants up to this many bytes are compared whole. */
const MOST_CONSTANT = 4096;
const MOST_ENTRIES = 4096;
/** Bytes of code that are looked at, and of the constants at the end of an instruction. */
const MOST_CODE = 64;
const MOST_FIELDS = 12;
const WORD = 8;
/** Sections of constants that are writable by their flags: Linux keeps in its own what is written once while it boots, others have pointers. */
const CONSTANTS = /^\.(rodata|data\.rel\.ro)(\.|$)/;

/** A stretch of addresses. */
export interface Range {
  readonly address: number;
  readonly size: number;
}

/** What the contents of a file need to know of its addresses. */
export interface Addresses {
  /** Address of a section's first byte, 0 in an object. */
  startOf(section: Section): number;
  /** The name of an address of the file, or null where it is none. */
  nameOf(address: number): string | null;
  /** What relocations put into a part of a section, ascending; null in a linked file, which has it in its bytes. */
  pointersIn(section: Section, offset: number, size: number): readonly Pointer[] | null;
}

/** A field of data that refers elsewhere. */
export interface Pointer {
  /** From the section's start. */
  readonly offset: number;
  readonly size: number;
  readonly name: string;
}

const isConstant = ({ type, flags, name }: Section): boolean =>
  type === SHT.PROGBITS && !(flags & SHF.EXECINSTR) && (!(flags & SHF.WRITE) || CONSTANTS.test(name));

/** What stands in the sections that do not change: the text by which two builds are compared where no name tells what a place is. */
export class Contents {
  readonly #source: ByteSource;
  readonly #addresses: Addresses;
  readonly #constants = new Map<number, string>();

  constructor(source: ByteSource, addresses: Addresses) {
    this.#source = source;
    this.#addresses = addresses;
  }

  /** The whole of a constant that is this file's own: its name says nothing, as the compiler has numbered it. */
  constant(section: Section, { address, size }: Range): string | null {
    if (size === 0 || size > MOST_CONSTANT || !isConstant(section)) return null;
    const offset = address - this.#addresses.startOf(section);
    let text = this.#constants.get(section.offset + offset);
    if (text === undefined) {
      text = `constant ${this.#text(section, offset, size)}`;
      this.#constants.set(section.offset + offset, text);
    }
    return text;
  }

  /**
   * What stands at a place without a name: a string, or some bytes; null where that can change.
   * @param size bytes that are looked at there, 0 where unknown
   */
  at(section: Section, offset: number, size: number): string | null {
    if (!isConstant(section) || offset < 0 || offset >= section.size) return null;
    const string = size === 0 ? this.string(section, offset) : null;
    if (string !== null) return string;
    return `bytes ${this.#text(section, offset, size > 0 ? size : CONTENT_BYTES)}`;
  }

  /** The string at a place as JSON, or null where none is. */
  string(section: Section, offset: number): string | null {
    if (!isConstant(section) || offset < 0 || offset >= section.size) return null;
    const bytes = this.#read(section, offset, MAX_STRING);
    const end = bytes.indexOf(0);
    if (end > 0 && bytes.subarray(0, end).every(isText)) {
      return JSON.stringify(Buffer.from(bytes.subarray(0, end)).toString('utf8'));
    }
    return section.flags & SHF.STRINGS && end === 0 ? '""' : null;
  }

  /**
   * The jump table at a place of a linked file, as the offsets in the function that its entries lead to; none where none is. Entries
   * are addresses, or distances from the table in 32 bits.
   */
  table(section: Section, offset: number, fn: Range): number[] {
    const start = this.#addresses.startOf(section) + offset;
    if (section.type !== SHT.PROGBITS || section.flags & SHF.EXECINSTR) return [];
    const first = this.#read(section, offset, WORD);
    if (first.length < WORD) return [];
    const view = new DataView(first.buffer, first.byteOffset, WORD);
    const inside = (address: number): boolean => address >= fn.address && address < fn.address + fn.size;
    const wide = inside(Number(view.getBigInt64(0, true)));
    const narrow = inside(start + view.getInt32(0, true)) && inside(start + view.getInt32(4, true));
    if (!wide && !narrow) return [];
    const bytes = this.#read(section, offset, MOST_ENTRIES * (wide ? WORD : 4));
    const entries = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const places: number[] = [];
    for (let at = 0, step = wide ? WORD : 4; at + step <= bytes.length; at += step) {
      const address = wide ? Number(entries.getBigInt64(at, true)) : start + entries.getInt32(at, true);
      if (!inside(address)) break;
      places.push(address - fn.address);
    }
    return places;
  }

  /** Code without a name, as Linux has it beside alternatives: its first instructions, with names for what they refer to. */
  code(section: Section, offset: number): string {
    const start = this.#addresses.startOf(section) + offset;
    const stream = new InsnStream();
    stream.decode(this.#read(section, offset, MOST_CODE));
    let text = 'code';
    for (let n = 0; n < stream.count; n++) {
      const { flow, immediate, mnemonic } = stream.traits[n]!;
      const end = stream.at[n]! + stream.length[n]!;
      const fields = Math.min(MOST_FIELDS, immediate + stream.displacementSize[n]!);
      const relative = stream.base[n] === RIP_REGISTER ? start + end : 0;
      const named = this.#addresses.nameOf(relative + stream.displacement[n]!) ?? '';
      const kept = stream.bytes.subarray(stream.at[n]!, fields >= 4 ? end - fields : end);
      text += ` ${mnemonic} ${Buffer.from(kept).toString('hex')} ${named}`;
      if (flow === FLOW.jump || flow === FLOW.return || flow === FLOW.stop) break;
    }
    return text;
  }

  #read(section: Section, offset: number, size: number): Uint8Array {
    return this.#source.read(section.offset + offset, Math.max(0, Math.min(size, section.size - offset)));
  }

  /** Bytes as digits; words that are addresses of the file by their names, as they move with the rest. */
  #text(section: Section, offset: number, size: number): string {
    const bytes = this.#read(section, offset, size);
    const pointers = this.#addresses.pointersIn(section, offset, bytes.length);
    if (pointers !== null) return withPointers(bytes, offset, pointers);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const address = this.#addresses.startOf(section) + offset;
    let text = '';
    let from = 0;
    for (let at = -address & (WORD - 1); at + WORD <= bytes.length; at += WORD) {
      const name = this.#addresses.nameOf(Number(view.getBigInt64(at, true)));
      if (name === null) continue;
      text += `${Buffer.from(bytes.subarray(from, at)).toString('hex')}<${name}>`;
      from = at + WORD;
    }
    return text + Buffer.from(bytes.subarray(from)).toString('hex');
  }
}

/** A jump table as the order of the places that its entries lead to. */
export function tableText(places: readonly number[]): string {
  const order = [...new Set(places)].sort((a, b) => a - b);
  const numbers = new Map(order.map((place, n) => [place, n]));
  return `table ${places.map((place) => numbers.get(place)).join(' ')}`;
}

function withPointers(bytes: Uint8Array, start: number, pointers: readonly Pointer[]): string {
  const hex = (from: number, to?: number): string => Buffer.from(bytes.subarray(from, to)).toString('hex');
  let text = '';
  let from = 0;
  for (const { offset, size, name } of pointers) {
    const at = offset - start;
    if (at < from) continue;
    text += `${hex(from, at)}<${name}>`;
    from = at + size;
  }
  return text + hex(from);
}

const isText = (byte: number): boolean => byte >= 0x20 || (byte >= 7 && byte <= 13) || byte === 1;
