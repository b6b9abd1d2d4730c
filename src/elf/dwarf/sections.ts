import { inflateSync } from 'node:zlib';
import { ET } from '../format.ts';
import { R, readRelocations } from '../relocations.ts';
import type { Section } from '../sections.ts';
import type { ByteSource } from '../source.ts';
import type { SymbolRow } from '../symbol-rows.ts';
import { DwarfError } from './cursor.ts';

const COMPRESSED = 0x800n;
const COMPRESSION_HEADER = 24;
const ZLIB = 1;
/** More debug information than this at once is not unpacked. */
const LARGEST = 1 << 30;

/** The debug sections of a file, relocated. Those of a linked file are read where they are wanted. */
export class DebugSections {
  readonly #source: ByteSource;
  readonly #sections: readonly Section[];
  readonly #symbols: readonly SymbolRow[];
  readonly #relocatable: boolean;
  readonly #whole = new Map<string, Uint8Array>();
  /** Of an object: the section that the address at an offset of `.debug_info` and the like lies in. */
  readonly #places = new Map<string, Map<number, number>>();

  constructor(source: ByteSource, sections: readonly Section[], symbols: readonly SymbolRow[], type: number) {
    this.#source = source;
    this.#sections = sections;
    this.#symbols = symbols;
    this.#relocatable = type === ET.REL;
  }

  #find(name: string): Section | undefined {
    return this.#sections.find((section) => section.name === name && section.size > 0);
  }

  has(name: string): boolean {
    return this.#find(name) !== undefined;
  }

  /** Bytes of a section; those that it has as a linked file's are read from the file each time. */
  read(name: string, offset: number, size: number): Uint8Array {
    const section = this.#find(name);
    if (section === undefined) return new Uint8Array(0);
    if (!this.#relocatable && (section.flags & COMPRESSED) === 0n) {
      return this.#source.read(section.offset + offset, Math.max(0, Math.min(size, section.size - offset)));
    }
    return this.#all(name, section).subarray(offset, offset + size);
  }

  size(name: string): number {
    const section = this.#find(name);
    if (section === undefined) return 0;
    return (section.flags & COMPRESSED) === 0n ? section.size : this.#all(name, section).length;
  }

  /** The section of an object that the address at an offset lies in; 0 in a linked file. */
  sectionAt(name: string, offset: number): number {
    return this.#places.get(name)?.get(offset) ?? 0;
  }

  #all(name: string, section: Section): Uint8Array {
    let bytes = this.#whole.get(name);
    if (bytes === undefined) {
      bytes = this.#source.read(section.offset, section.size);
      if ((section.flags & COMPRESSED) !== 0n) bytes = inflate(bytes);
      if (this.#relocatable) bytes = this.#relocate(name, section, bytes.slice());
      this.#whole.set(name, bytes);
    }
    return bytes;
  }

  #relocate(name: string, section: Section, bytes: Uint8Array): Uint8Array {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const places = new Map<number, number>();
    for (const { offset, type, symbol, addend } of readRelocations(this.#source, this.#sections, section.index)) {
      const row = this.#symbols[symbol];
      if (row === undefined) continue;
      const value = row.value + addend;
      if (type === R.ABS64 && offset + 8 <= bytes.length) view.setBigInt64(offset, BigInt(value), true);
      else if (type === R.ABS32 && offset + 4 <= bytes.length) view.setUint32(offset, value >>> 0, true);
      else continue;
      places.set(offset, row.section);
    }
    this.#places.set(name, places);
    return bytes;
  }
}

function inflate(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < COMPRESSION_HEADER || view.getUint32(0, true) !== ZLIB) {
    throw new DwarfError('it is compressed in a way that is not known here');
  }
  try {
    return inflateSync(bytes.subarray(COMPRESSION_HEADER), { maxOutputLength: LARGEST });
  } catch {
    throw new DwarfError('its compressed data are damaged');
  }
}
