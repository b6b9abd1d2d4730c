import { SHF, SHN_ABS, SHN_COMMON, SHT, STT } from '../../elf/format.ts';
import { isPcRelative, R, type Relocation, relocationSize } from '../../elf/relocations.ts';
import type { Section } from '../../elf/sections.ts';
import { isPlaced } from '../../elf/symbol-rows.ts';
import { PAGE_SIZE } from '../../memory/physical.ts';
import { type CodeFunction, type CodeUnit, type Place, withOffset } from '../build.ts';
import { CodegenError } from '../error.ts';
import { ElfUnit } from '../inputs/elf.ts';
import { baseName } from '../names.ts';
import { type Externals, GOT, SECTIONS } from './layout.ts';
import { GlobalVariables } from './variables.ts';

/** A page as a program finds it. */
export interface ImagePage {
  readonly bytes: Uint8Array;
  readonly write: boolean;
  readonly execute: boolean;
}

interface Stretch {
  readonly address: number;
  readonly size: number;
  readonly write: boolean;
  readonly execute: boolean;
  readonly section: Section | null;
  bytes(): Uint8Array;
}

const SECTION_ALIGNMENT = 0x1000;
/** Eight bytes for each index of 32 bits, in either direction. */
const NEAR = 2 ** 35;
const GOT_RELOCATIONS: ReadonlySet<number> = new Set([R.GOTPCREL, R.GOTPCRELX, R.REX_GOTPCRELX]);
const TLS_RELOCATIONS: ReadonlySet<number> = new Set([R.TPOFF32, R.DTPOFF32]);

const unsigned = (address: number): bigint => BigInt.asUintN(64, BigInt(address));

/** The memory of a build: sections where they belong, an object's laid out and relocated. Pages are made when they are touched. */
export class CodeImage {
  readonly unit: CodeUnit;
  readonly #externals: Externals;
  readonly #stretches: Stretch[] = [];
  /** Address of each section of an object. */
  readonly #placed = new Map<number, number>();
  readonly #got = new Map<string, number>();
  /** Words that a loader fills in, by address. */
  readonly #fixes = new Map<number, number>();
  readonly #pages = new Map<bigint, ImagePage | null>();
  #variables: GlobalVariables | undefined;

  constructor(unit: CodeUnit, externals: Externals) {
    this.unit = unit;
    this.#externals = externals;
    if (unit instanceof ElfUnit) this.#layOut(unit);
    else this.#flat(unit);
    if (unit instanceof ElfUnit) {
      for (const { address, symbol, addend } of unit.loaderFixes) {
        const defined = symbol === null || isPlaced(symbol, unit.sections);
        const base = symbol === null ? 0 : defined ? symbol.value : externals.addressOf(symbol.name);
        this.#fixes.set(address, base + addend);
      }
    }
  }

  #flat(unit: CodeUnit): void {
    for (const fn of unit.functions) {
      const bytes = unit.bytesOf(fn);
      this.#stretches.push({
        address: fn.address,
        size: bytes.length,
        write: false,
        execute: true,
        section: null,
        bytes: () => bytes,
      });
    }
  }

  #layOut(unit: ElfUnit): void {
    let next = SECTIONS;
    for (const section of unit.sections) {
      if ((section.flags & SHF.ALLOC) === 0n || section.size === 0) continue;
      const linked = Number(BigInt.asIntN(64, section.address));
      const address = unit.kind === 'linked' ? linked : next;
      if (unit.kind === 'linked' && linked === 0) continue;
      next += Math.ceil(section.size / SECTION_ALIGNMENT) * SECTION_ALIGNMENT + SECTION_ALIGNMENT;
      this.#placed.set(section.index, address);
      let bytes: Uint8Array | undefined;
      this.#stretches.push({
        address,
        size: section.size,
        write: (section.flags & SHF.WRITE) !== 0n,
        execute: (section.flags & SHF.EXECINSTR) !== 0n,
        section,
        bytes: () => {
          bytes ??= this.#content(unit, section, address);
          return bytes;
        },
      });
    }
  }

  #content(unit: ElfUnit, section: Section, address: number): Uint8Array {
    // Pages are zero without it, and a damaged file may call for any size.
    if (section.type === SHT.NOBITS) return new Uint8Array(0);
    const raw = unit.sectionBytes(section);
    if (unit.kind === 'linked') return raw;
    const bytes = raw.slice();
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (const relocation of unit.sectionRelocations(section.index)) this.#apply(unit, relocation, view, address);
    return bytes;
  }

  #apply(unit: ElfUnit, relocation: Relocation, view: DataView, section: number): void {
    const { offset, type, addend } = relocation;
    const size = relocationSize(type);
    if (size === 0 || offset + size > view.byteLength) return;
    const target = GOT_RELOCATIONS.has(type)
      ? this.#gotSlot(unit, relocation)
      : TLS_RELOCATIONS.has(type)
        ? -this.#symbolAddress(unit, relocation.symbol)
        : this.#symbolAddress(unit, relocation.symbol);
    const value = target + addend - (isPcRelative(type) ? section + offset : 0);
    if (size === 8) view.setBigInt64(offset, BigInt(value), true);
    else if (size === 4) view.setInt32(offset, value | 0, true);
    else if (size === 2) view.setInt16(offset, value, true);
    else view.setInt8(offset, value);
  }

  #symbolAddress(unit: ElfUnit, index: number): number {
    const row = unit.symbols[index];
    if (row === undefined) return 0;
    if (row.section === SHN_ABS) return row.value;
    if (isPlaced(row, unit.sections) && row.section !== SHN_COMMON && row.type !== STT.TLS) {
      return (this.#placed.get(row.section) ?? 0) + row.value;
    }
    return this.#externals.addressOf(row.name);
  }

  #gotSlot(unit: ElfUnit, relocation: Relocation): number {
    const address = this.#symbolAddress(unit, relocation.symbol);
    const key = String(address);
    let slot = this.#got.get(key);
    if (slot === undefined) {
      slot = GOT + this.#got.size * 8;
      this.#got.set(key, slot);
    }
    return slot;
  }

  /** The variables that every file may write. */
  get variables(): GlobalVariables {
    const { unit } = this;
    this.#variables ??=
      unit instanceof ElfUnit
        ? new GlobalVariables(unit.symbols, unit.sections, (row) =>
            unit.kind === 'linked' ? row.value : (this.#placed.get(row.section) ?? 0) + row.value,
          )
        : new GlobalVariables([], [], () => 0);
    return this.#variables;
  }

  /** Address of a function, where this image has put it. */
  addressOf(fn: CodeFunction): bigint {
    return unsigned(fn.address + (this.unit.kind === 'relocatable' ? this.#placed.get(fn.section)! : 0));
  }

  /** Address of a name: of what the build defines, or of the page that stands for what it does not; null where it has no such name. */
  addressOfName(name: string): bigint | null {
    const { unit } = this;
    if (unit.kind !== 'relocatable' || !(unit instanceof ElfUnit)) {
      const address = unit.addressOf(name);
      return address === undefined ? null : unsigned(address);
    }
    const index = unit.symbols.findIndex((row) => row.name === name);
    return index < 0 ? null : unsigned(this.#symbolAddress(unit, index));
  }

  /** The function that an address lies in, and how far. */
  functionAt(address: bigint): { readonly fn: CodeFunction; readonly offset: number } | null {
    const signed = Number(BigInt.asIntN(64, address));
    for (const fn of this.unit.functions) {
      const base = this.unit.kind === 'relocatable' ? (this.#placed.get(fn.section) ?? Number.NaN) : 0;
      const offset = signed - base - fn.address;
      if (offset >= 0 && offset < fn.size) return { fn, offset };
    }
    return null;
  }

  /** Whether there is code at an address. */
  holdsCode(address: bigint): boolean {
    const signed = Number(BigInt.asIntN(64, address));
    return this.#stretches.some((row) => row.execute && signed >= row.address && signed < row.address + row.size);
  }

  /** Whether the image has something at an address. */
  holds(address: bigint): boolean {
    const signed = Number(BigInt.asIntN(64, address));
    return this.#stretches.some((row) => signed >= row.address && signed < row.address + row.size);
  }

  /** Whether nothing is on a page that an index of 32 bits from an object of the image leads to. */
  isBeyondObjects(page: bigint): boolean {
    const signed = Number(BigInt.asIntN(64, page));
    if (!this.#stretches.some((row) => Math.abs(signed - row.address) < NEAR)) return false;
    return this.page(page) === null && this.#externals.at(page) === null;
  }

  /** What is there from the start: null where the image has nothing. */
  page(page: bigint): ImagePage | null {
    let known = this.#pages.get(page);
    if (known === undefined) {
      known = this.#makePage(page);
      this.#pages.set(page, known);
    }
    return known;
  }

  #makePage(page: bigint): ImagePage | null {
    const from = Number(BigInt.asIntN(64, page));
    const bytes = new Uint8Array(PAGE_SIZE);
    let found = false;
    let write = false;
    let execute = false;
    for (const stretch of this.#stretches) {
      const start = Math.max(from, stretch.address);
      const end = Math.min(from + PAGE_SIZE, stretch.address + stretch.size);
      if (start >= end) continue;
      const content = stretch.bytes();
      bytes.set(content.subarray(start - stretch.address, end - stretch.address), start - from);
      found = true;
      write ||= stretch.write;
      execute ||= stretch.execute;
    }
    // Relocating may have made entries of the GOT: its page is looked at after the code that uses it.
    if (from >= GOT && from < GOT + 0x10_0000) {
      const view = new DataView(bytes.buffer);
      for (const [address, slot] of this.#got) {
        if (slot >= from && slot < from + PAGE_SIZE) view.setBigInt64(slot - from, BigInt(address), true);
      }
      return { bytes, write: false, execute: false };
    }
    const view = new DataView(bytes.buffer);
    if (found && this.#fixes.size > 0) {
      for (let at = 0; at < PAGE_SIZE; at += 8) {
        const value = this.#fixes.get(from + at);
        if (value !== undefined) view.setBigInt64(at, BigInt(value), true);
      }
    }
    return found ? { bytes, write, execute } : null;
  }

  /** The symbol that an address belongs to, without the compiler's numbers, and how far behind it; null for plain memory. */
  symbolAt(address: bigint): { readonly symbol: string; readonly offset: number } | null {
    const place = this.#placeOf(address);
    return place === null || place.symbol === null ? null : { symbol: baseName(place.symbol), offset: place.offset };
  }

  /** A name for an address in the image or outside: `sym+0x8`, or the string that stands there; null for plain memory. */
  nameOf(address: bigint): string | null {
    const place = this.#placeOf(address);
    if (place === null) return null;
    if (place.content?.startsWith('"')) return place.content;
    return place.symbol === null ? place.content : withOffset(baseName(place.symbol), place.offset);
  }

  #placeOf(address: bigint): Place | null {
    const external = this.#externals.at(address);
    if (external !== null) return { symbol: external.name, offset: external.offset, content: null };
    const signed = Number(BigInt.asIntN(64, address));
    if (this.unit.kind !== 'relocatable') return this.unit.placeOf(signed, 0);
    const stretch = this.#stretches.find((row) => signed >= row.address && signed < row.address + row.size);
    if (stretch === undefined || !(this.unit instanceof ElfUnit)) return null;
    return this.unit.placeIn(stretch.section!, signed - stretch.address);
  }
}

/** The function of a name in one of the units, or an error that offers others. */
export function findFunction(units: readonly CodeUnit[], name: string, hint: string): CodeFunction {
  for (const unit of units) {
    const found = unit.functions.find((fn) => fn.name === name || fn.aliases.includes(name));
    if (found !== undefined) return found;
  }
  throw new CodegenError(`no function ${name}${hint}`);
}
