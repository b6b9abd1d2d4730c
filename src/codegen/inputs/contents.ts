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
/** Sections of constants; Linux keeps in its own also what is written once while it boots, and so has it writable. */
const CONSTANTS = /^\.rodata(\.|$)/;

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
}

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
    if (size === 0 || size > MOST_CONSTANT || section.type !== SHT.PROGBITS) return null;
    if (section.flags & (SHF.WRITE | SHF.EXECINSTR)) return null;
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
    if (section.type !== SHT.PROGBITS || section.flags & SHF.EXECINSTR) return null;
    if (section.flags & SHF.WRITE && !CONSTANTS.test(section.name)) return null;
    if (offset < 0 || offset >= section.size) return null;
    if (size === 0) {
      const bytes = this.#read(section, offset, MAX_STRING);
      const end = bytes.indexOf(0);
      if (end > 0 && bytes.subarray(0, end).every(isText)) {
        return JSON.stringify(Buffer.from(bytes.subarray(0, end)).toString('utf8'));
      }
      if (section.flags & SHF.STRINGS && end === 0) return '""';
    }
    return `bytes ${this.#text(section, offset, size > 0 ? size : CONTENT_BYTES)}`;
  }

  /**
   * The jump table at a place of a linked file, as the order of the places in the function that its entries lead to; null where
   * none is. Entries are addresses, or distances from the table in 32 bits.
   */
  table(section: Section, offset: number, fn: Range): string | null {
    const start = this.#addresses.startOf(section) + offset;
    if (section.type !== SHT.PROGBITS || section.flags & SHF.EXECINSTR) return null;
    const first = this.#read(section, offset, WORD);
    if (first.length < WORD) return null;
    const view = new DataView(first.buffer, first.byteOffset, WORD);
    const inside = (address: number): boolean => address >= fn.address && address < fn.address + fn.size;
    const wide = inside(Number(view.getBigInt64(0, true)));
    const narrow = inside(start + view.getInt32(0, true)) && inside(start + view.getInt32(4, true));
    if (!wide && !narrow) return null;
    const bytes = this.#read(section, offset, MOST_ENTRIES * (wide ? WORD : 4));
    const entries = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const places: number[] = [];
    for (let at = 0; at + WORD <= bytes.length; at += wide ? WORD : 4) {
      const address = wide ? Number(entries.getBigInt64(at, true)) : start + entries.getInt32(at, true);
      if (!inside(address)) break;
      places.push(address);
    }
    const order = [...new Set(places)].sort((a, b) => a - b);
    return `table ${places.map((place) => order.indexOf(place)).join(' ')}`;
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

const isText = (byte: number): boolean => byte >= 0x20 || (byte >= 7 && byte <= 13) || byte === 1;
