import { signedAt } from '../../decode/stream.ts';
import { SHT } from '../../elf/format.ts';
import type { Section } from '../../elf/sections.ts';
import { isPlaced } from '../../elf/symbol-rows.ts';
import type { ElfUnit } from '../inputs/elf.ts';

/** A place of code or data: its section in an object, 0 in a linked file, and the offset or address. */
export interface ElfPlace {
  readonly section: number;
  readonly offset: number;
  /** Of a name that the file does not define. */
  readonly undefined: string | null;
}

/** The same for the same place. */
export const placeId = ({ section, offset, undefined: name }: ElfPlace): string => `${section}:${name ?? ''}:${offset}`;

const startOf = (section: Section): number => Number(BigInt.asIntN(64, section.address));

/**
 * The sections of a name; in a linked file also the part of another section that a linker script has put them into and bounded by
 * `__start_NAME` and `__stop_NAME` (Linux include/asm-generic/vmlinux.lds.h).
 */
export function sectionsNamed(unit: ElfUnit, name: string): Section[] {
  const sections = unit.sections.filter((section) => section.name === name);
  const from = unit.addressOf(`__start_${name}`);
  const to = unit.addressOf(`__stop_${name}`);
  if (sections.length > 0 || unit.kind !== 'linked' || from === undefined || to === undefined) return sections;
  const around = unit.sectionAt(from);
  if (around === null || around.type === SHT.NOBITS || to <= from || to > startOf(around) + around.size) return [];
  const offset = around.offset + from - startOf(around);
  return [{ ...around, name, address: BigInt.asUintN(64, BigInt(from)), offset, size: to - from }];
}

/** Reads tables of self-relative pointers, which are relocations in an object and numbers in a linked file. */
export class TableReader {
  readonly #unit: ElfUnit;
  readonly #section: Section;
  readonly #bytes: Uint8Array;
  readonly #relocations: ReadonlyMap<number, { readonly symbol: number; readonly addend: number }>;

  constructor(unit: ElfUnit, section: Section) {
    this.#unit = unit;
    this.#section = section;
    this.#bytes = unit.sectionBytes(section);
    this.#relocations = new Map(
      unit.kind === 'relocatable' ? unit.sectionRelocations(section.index).map((row) => [row.offset, row]) : [],
    );
  }

  get length(): number {
    return this.#bytes.length;
  }

  /** A plain number. */
  number(at: number, size: 4 | 8): number {
    return signedAt(this.#bytes, at, size);
  }

  /** Where the self-relative pointer at an offset leads; null where there is none. */
  relative(at: number, size: 4 | 8): ElfPlace | null {
    if (this.#unit.kind === 'linked') {
      if (at + size > this.#bytes.length) return null;
      return { section: 0, offset: startOf(this.#section) + at + signedAt(this.#bytes, at, size), undefined: null };
    }
    return this.#relocated(at);
  }

  /** Where the absolute pointer at an offset leads. */
  absolute(at: number): ElfPlace | null {
    if (this.#unit.kind === 'linked') {
      const offset = at + 8 > this.#bytes.length ? 0 : signedAt(this.#bytes, at, 8);
      return offset === 0 ? null : { section: 0, offset, undefined: null };
    }
    return this.#relocated(at);
  }

  #relocated(at: number): ElfPlace | null {
    const relocation = this.#relocations.get(at);
    const row = relocation === undefined ? undefined : this.#unit.symbols[relocation.symbol];
    if (relocation === undefined || row === undefined) return null;
    if (!isPlaced(row, this.#unit.sections)) return { section: 0, offset: relocation.addend, undefined: row.name };
    return { section: row.section, offset: row.value + relocation.addend, undefined: null };
  }
}

/** The section that a place lies in. */
export function sectionOf(unit: ElfUnit, place: ElfPlace): Section | null {
  if (place.undefined !== null) return null;
  return unit.kind === 'linked' ? unit.sectionAt(place.offset) : (unit.sections[place.section] ?? null);
}
