import { ET } from '../format.ts';
import { R, readRelocations } from '../relocations.ts';
import type { Section } from '../sections.ts';
import type { ByteSource } from '../source.ts';
import type { SymbolRow } from '../symbol-rows.ts';
import { isCompressed, unpackSection } from './compression.ts';

/** The debug sections of a file, unpacked and relocated. Those of a linked file are read where they are wanted. */
export class DebugSections {
  readonly #source: ByteSource;
  readonly #sections: readonly Section[];
  readonly #symbols: readonly SymbolRow[];
  readonly #relocatable: boolean;
  readonly #named = new Map<string, readonly Section[]>();
  readonly #whole = new Map<number, Uint8Array>();
  /** Of an object, by section: the section that the address at an offset lies in. */
  readonly #places = new Map<number, Map<number, number>>();

  /** @param type e_type */
  constructor(source: ByteSource, sections: readonly Section[], symbols: readonly SymbolRow[], type: number) {
    this.#source = source;
    this.#sections = sections;
    this.#symbols = symbols;
    this.#relocatable = type === ET.REL;
  }

  /** All sections of a name, `.debug_…` or as older tools compress it `.zdebug_…`: an object has one for each group of types. */
  all(name: string): readonly Section[] {
    let found = this.#named.get(name);
    if (found === undefined) {
      const old = name.replace(/^\.debug_/, '.zdebug_');
      found = this.#sections.filter((section) => (section.name === name || section.name === old) && section.size > 0);
      this.#named.set(name, found);
    }
    return found;
  }

  has(name: string): boolean {
    return this.all(name).length > 0;
  }

  /** Bytes of a section, by name or itself; fewer where it ends, none where there is none. */
  read(which: string | Section, offset: number, size: number): Uint8Array {
    const section = this.#section(which);
    if (section === undefined || offset < 0) return new Uint8Array(0);
    if (!this.#relocatable && !isCompressed(section)) {
      return this.#source.read(section.offset + offset, Math.max(0, Math.min(size, section.size - offset)));
    }
    return this.#all(section).subarray(offset, offset + size);
  }

  size(which: string | Section): number {
    const section = this.#section(which);
    if (section === undefined) return 0;
    return isCompressed(section) ? this.#all(section).length : section.size;
  }

  /** The section of an object that the address at an offset lies in; 0 in a linked file. */
  sectionAt(which: string | Section, offset: number): number {
    const section = this.#section(which);
    return section === undefined ? 0 : (this.#places.get(section.index)?.get(offset) ?? 0);
  }

  #section(which: string | Section): Section | undefined {
    return typeof which === 'string' ? this.all(which)[0] : which;
  }

  #all(section: Section): Uint8Array {
    let bytes = this.#whole.get(section.index);
    if (bytes === undefined) {
      bytes = this.#source.read(section.offset, section.size);
      if (isCompressed(section)) bytes = unpackSection(section, bytes);
      if (this.#relocatable) bytes = this.#relocate(section, bytes.slice());
      this.#whole.set(section.index, bytes);
    }
    return bytes;
  }

  #relocate(section: Section, bytes: Uint8Array): Uint8Array {
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
    this.#places.set(section.index, places);
    return bytes;
  }
}
