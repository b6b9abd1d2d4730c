import type { Companions } from '../../elf/dwarf/companions.ts';
import { DebugInfo, type FunctionPlace, type Signature } from '../../elf/dwarf/debug-info.ts';
import { EHDR_SIZE, ET, SHF, SHN_ABS, SHN_COMMON, SHN_UNDEF, SHT, STB, STT } from '../../elf/format.ts';
import { readHeader } from '../../elf/header.ts';
import {
  firstFrom,
  isPcRelative,
  R,
  type Relocation,
  readRelocations,
  readRelocationTable,
  relocationSize,
} from '../../elf/relocations.ts';
import { readSectionsFrom, type Section } from '../../elf/sections.ts';
import type { ByteSource } from '../../elf/source.ts';
import { isPlaced, readSymbolRows, readSymbolTable, type SymbolRow } from '../../elf/symbol-rows.ts';
import { type CodeFunction, type CodeUnit, type Place, type SizedSymbol, withOffset } from '../build.ts';
import { CodegenError } from '../error.ts';
import { baseName } from '../names.ts';
import { relocatedTable } from '../tables/jump-tables.ts';
import { Contents, type Pointer, tableText } from './contents.ts';
import { guessedFunctions } from './guess.ts';
import { type NamedPlace, PlaceNames } from './symbols.ts';

/** Sections of text are kept whole while their functions are read one by one; more than this at once is not. */
const WINDOW = 1 << 22;
const rankOf = (row: SymbolRow): number =>
  (row.type === STT.FUNC || row.type === STT.GNU_IFUNC ? 16 : row.type === STT.OBJECT ? 8 : 0) +
  (row.binding === STB.GLOBAL ? 4 : row.binding === STB.WEAK ? 2 : 0) +
  (row.size > 0 ? 1 : 0);

const isCode = (section: Section | undefined): boolean =>
  section !== undefined && section.type === SHT.PROGBITS && (section.flags & SHF.EXECINSTR) !== 0n && section.size > 0;

/** Labels of the assembler that name no function. */
const isLabel = (name: string): boolean => name === '' || name.startsWith('.L') || name.startsWith('$');
/** Kernel symbols in front of a function that are padding for patching. */
const isPrefixLabel = (name: string): boolean => name.startsWith('__pfx_') || name.startsWith('__cfi_');

/** Why there is no code, and what to do. */
function withoutCode(sections: readonly Section[]): string {
  if (sections.some(({ name }) => name.startsWith('.gnu.lto_')))
    return 'it has no code yet, only what the linker compiles; compile with -ffat-lto-objects or -fno-lto';
  if (sections.some(({ type, flags }) => type === SHT.NOBITS && (flags & SHF.EXECINSTR) !== 0n))
    return 'this is debug information alone, its code is in another file; give that one';
  return sections.length === 0
    ? 'it has no section headers; give a file that has them'
    : 'no executable section in it; give a file with code';
}

/** An x86-64 ELF object or linked file. */
export class ElfUnit implements CodeUnit {
  readonly name: string;
  readonly kind: 'relocatable' | 'linked';
  readonly functions: readonly CodeFunction[];
  readonly sized: readonly SizedSymbol[];
  readonly stripped: boolean;
  readonly sections: readonly Section[];
  readonly symbols: readonly SymbolRow[];
  readonly #source: ByteSource;
  /** Names by section in an object; all under 0 in a linked file. */
  readonly #names = new Map<number, PlaceNames>();
  readonly #byName = new Map<string, SymbolRow>();
  readonly #relocations = new Map<number, readonly Relocation[]>();
  /** Sections that addresses may lie in, ascending; linked files only. */
  readonly #places: readonly Section[];
  readonly #lowest: number;
  readonly #highest: number;
  readonly #contents: Contents;
  readonly #type: number;
  readonly #companions: Companions;
  /** Undefined until somebody asks. */
  #debug: DebugInfo | null | undefined;
  #window: { from: number; bytes: Uint8Array } = { from: 0, bytes: new Uint8Array(0) };

  /**
   * @param companions how files are opened that its debug information is in
   * @throws ElfError, CodegenError
   */
  constructor(name: string, source: ByteSource, companions: Companions = { path: name, open: () => null }) {
    this.#companions = companions;
    this.name = name;
    this.#source = source;
    const header = readHeader(source.read(0, EHDR_SIZE));
    if (header.type === ET.CORE) throw new CodegenError('this is a core dump; give the program that made it');
    this.#type = header.type;
    this.kind = header.type === ET.REL ? 'relocatable' : 'linked';
    this.sections = readSectionsFrom(source, header);
    if (!this.sections.some(isCode)) {
      throw new CodegenError(withoutCode(this.sections));
    }
    this.symbols = readSymbolRows(source, this.sections);
    this.#index();
    this.#places =
      this.kind === 'linked'
        ? this.sections
            .filter(
              (section) => (section.flags & SHF.ALLOC) !== 0n && (section.flags & SHF.TLS) === 0n && section.size > 0,
            )
            .sort((a, b) => addressOf(a) - addressOf(b))
        : [];
    const real = this.#places.filter((section) => addressOf(section) !== 0);
    this.#lowest = real.length === 0 ? 0 : addressOf(real[0]!);
    this.#highest = Math.max(...real.map((section) => addressOf(section) + section.size), this.#lowest);
    this.#contents = new Contents(source, {
      startOf: (section) => (this.kind === 'linked' ? addressOf(section) : 0),
      nameOf: (address) => this.#nameOf(address),
      pointersIn: (section, offset, size) => this.#pointersIn(section, offset, size),
    });
    const named = this.#namedFunctions();
    this.stripped = named.length === 0;
    this.functions = this.stripped ? this.#guessed() : named;
    this.sized = this.symbols.flatMap((row) => this.#sizedSymbol(row));
  }

  #index(): void {
    const rows = new Map<number, NamedPlace[]>();
    for (const row of this.symbols) {
      const absolute = row.section === SHN_ABS && this.kind === 'linked';
      if (row.name === '' || row.type === STT.SECTION || row.type === STT.FILE) continue;
      const known = this.#byName.get(row.name);
      const defined = isPlaced(row, this.sections) || absolute;
      if (known === undefined || (defined && rankOf(row) > rankOf(known))) this.#byName.set(row.name, row);
      if (!defined || row.type === STT.TLS || row.name.startsWith('.L')) continue;
      const key = this.kind === 'linked' ? 0 : row.section;
      let list = rows.get(key);
      if (list === undefined) {
        list = [];
        rows.set(key, list);
      }
      list.push({
        name: row.name,
        address: row.value,
        size: row.size,
        section: row.section,
        rank: rankOf(row),
        local: row.binding === STB.LOCAL,
      });
    }
    for (const [key, list] of rows) this.#names.set(key, new PlaceNames(list));
  }

  #namedFunctions(): CodeFunction[] {
    const candidates = this.symbols
      .filter(
        (row) =>
          isPlaced(row, this.sections) &&
          isCode(this.sections[row.section]) &&
          !isLabel(row.name) &&
          !isPrefixLabel(row.name) &&
          (row.type === STT.FUNC || row.type === STT.GNU_IFUNC || row.type === STT.NOTYPE),
      )
      .sort(
        (a, b) => a.section - b.section || a.value - b.value || rankOf(b) - rankOf(a) || (a.name < b.name ? -1 : 1),
      );
    const functions: CodeFunction[] = [];
    let covered = Number.NEGATIVE_INFINITY;
    let inside = -1;
    for (let i = 0; i < candidates.length; i++) {
      const row = candidates[i]!;
      const section = this.sections[row.section]!;
      const from = this.kind === 'linked' ? addressOf(section) : 0;
      if (row.section !== inside) {
        inside = row.section;
        covered = Number.NEGATIVE_INFINITY;
      }
      if (row.value < from || row.value >= from + section.size) continue;
      // A label inside a function with a size is no function of its own.
      if (row.type === STT.NOTYPE && row.value < covered) continue;
      let last = i;
      while (last + 1 < candidates.length && sameStart(candidates[last + 1]!, row)) last++;
      const next = candidates[last + 1];
      const end =
        row.size > 0
          ? row.value + row.size
          : next !== undefined && next.section === row.section
            ? next.value
            : from + section.size;
      const size = Math.min(end, from + section.size) - row.value;
      const aliases = candidates.slice(i + 1, last + 1).map((other) => other.name);
      if (size > 0)
        functions.push({
          name: row.name,
          aliases,
          address: row.value,
          size,
          exact: row.size > 0,
          section: row.section,
          unit: this,
        });
      covered = Math.max(covered, row.value + size);
      i = last;
    }
    return functions;
  }

  #guessed(): CodeFunction[] {
    return this.sections.filter(isCode).flatMap((section) => {
      const start = this.kind === 'linked' ? addressOf(section) : 0;
      return guessedFunctions(this.#source.read(section.offset, section.size), start).map(({ address, size }) => ({
        name: `sub_${BigInt.asUintN(64, BigInt(address)).toString(16)}`,
        aliases: [],
        address,
        size,
        exact: false,
        section: section.index,
        unit: this,
      }));
    });
  }

  /** Stretches of executable sections that no function covers. */
  get gaps(): readonly CodeFunction[] {
    const gaps: CodeFunction[] = [];
    for (const section of this.sections.filter(isCode)) {
      const start = this.kind === 'linked' ? addressOf(section) : 0;
      const rows = this.functions.filter((fn) => fn.section === section.index).sort((a, b) => a.address - b.address);
      let at = start;
      const add = (to: number): void => {
        if (to <= at) return;
        const name = withOffset(section.name, at - start);
        gaps.push({ name, aliases: [], address: at, size: to - at, exact: false, section: section.index, unit: this });
      };
      for (const { address, size } of rows) {
        add(address);
        at = Math.max(at, address + size);
      }
      add(start + section.size);
    }
    return gaps;
  }

  signatureOf(fn: CodeFunction): Signature | null {
    // Clones have other parameters than their source.
    return baseName(fn.name) === fn.name ? (this.#debugInfo?.signatureOf(this.#placeOf(fn)) ?? null) : null;
  }

  declarationOf(fn: CodeFunction, name: string): Signature | null {
    return this.#debugInfo?.declarationOf(this.#placeOf(fn), name) ?? null;
  }

  get debugNotes(): readonly string[] {
    return this.#debug?.notes ?? [];
  }

  get #debugInfo(): DebugInfo | null {
    if (this.#debug === undefined) {
      this.#debug = DebugInfo.of(this.#source, this.sections, this.symbols, this.#type, this.#companions);
    }
    return this.#debug;
  }

  #placeOf(fn: CodeFunction): FunctionPlace {
    return { address: fn.address, section: this.kind === 'linked' ? 0 : fn.section };
  }

  knows(name: string): boolean {
    return this.#byName.has(name);
  }

  #sizedSymbol(row: SymbolRow): SizedSymbol[] {
    if (row.size === 0 || row.section === SHN_UNDEF || row.type === STT.SECTION || row.type === STT.FILE) return [];
    return [{ name: row.name, size: row.size, letter: this.#letter(row) }];
  }

  /** The letter that nm(1) gives a symbol. */
  #letter(row: SymbolRow): string {
    if (row.type === STT.GNU_IFUNC) return 'i';
    if (row.binding === STB.GNU_UNIQUE) return 'u';
    if (row.section === SHN_COMMON) return 'C';
    if (row.binding === STB.WEAK) return row.type === STT.OBJECT ? 'V' : 'W';
    const section = this.sections[row.section];
    const letter =
      row.section === SHN_ABS || section === undefined
        ? 'a'
        : section.flags & SHF.EXECINSTR
          ? 't'
          : section.type === SHT.NOBITS
            ? 'b'
            : section.flags & SHF.WRITE
              ? 'd'
              : section.flags & SHF.ALLOC
                ? 'r'
                : 'n';
    return row.binding === STB.LOCAL ? letter : letter.toUpperCase();
  }

  bytesOf(fn: CodeFunction): Uint8Array {
    const section = this.sections[fn.section]!;
    return this.#read(section.offset + fn.address - (this.kind === 'linked' ? addressOf(section) : 0), fn.size);
  }

  /** Reads through a window of some megabytes: functions come in order of their addresses. */
  #read(offset: number, size: number): Uint8Array {
    const { from, bytes } = this.#window;
    if (offset < from || offset + size > from + bytes.length) {
      this.#window = { from: offset, bytes: this.#source.read(offset, Math.max(WINDOW, size)) };
    }
    const start = offset - this.#window.from;
    return this.#window.bytes.subarray(start, start + size);
  }

  /** The relocations of a whole section, offsets from its start. */
  sectionRelocations(section: number): readonly Relocation[] {
    let all = this.#relocations.get(section);
    if (all === undefined) {
      all = readRelocations(this.#source, this.sections, section);
      this.#relocations.set(section, all);
    }
    return all;
  }

  /** Bytes of a section; none of one that has none in the file. */
  sectionBytes(section: Section): Uint8Array {
    return section.type === SHT.NOBITS ? new Uint8Array(0) : this.#source.read(section.offset, section.size);
  }

  /** What a loader would fill in of a linked file: addresses, and the symbol or nothing to go there. */
  get loaderFixes(): readonly {
    readonly address: number;
    readonly symbol: SymbolRow | null;
    readonly addend: number;
  }[] {
    if (this.kind !== 'linked') return [];
    return this.sections
      .filter((section) => section.type === SHT.RELA && (section.flags & SHF.ALLOC) !== 0n)
      .flatMap((table) => {
        const linked = this.sections[table.link];
        const symbols = linked?.type === SHT.DYNSYM ? readSymbolTable(this.#source, this.sections, linked) : [];
        return readRelocationTable(this.#source, table)
          .filter(({ type }) => type === R.RELATIVE || type === R.GLOB_DAT || type === R.JUMP_SLOT || type === R.ABS64)
          .map(({ offset, type, symbol, addend }) => ({
            address: offset,
            symbol: type === R.RELATIVE ? null : (symbols[symbol] ?? null),
            addend,
          }));
      });
  }

  relocationsOf(fn: CodeFunction): readonly Relocation[] {
    if (this.kind === 'linked') return [];
    const all = this.sectionRelocations(fn.section);
    const found: Relocation[] = [];
    for (let i = firstFrom(all, fn.address); i < all.length && all[i]!.offset < fn.address + fn.size; i++) {
      found.push({ ...all[i]!, offset: all[i]!.offset - fn.address });
    }
    return found;
  }

  relocated({ symbol: index }: Relocation, distance: number, size: number, from?: CodeFunction): Place {
    const row = this.symbols[index];
    if (row === undefined) return { symbol: null, offset: distance, content: null };
    if (row.type !== STT.SECTION && !row.name.startsWith('.L')) {
      return { symbol: row.name, offset: distance, content: null };
    }
    const section = this.sections[row.section];
    if (section === undefined) return { symbol: row.name, offset: distance, content: null };
    return this.placeIn(section, row.value + distance, size, from);
  }

  /** What stands in a section of an object. */
  placeIn(section: Section, offset: number, size = 0, from?: CodeFunction): Place {
    const named = this.#names.get(section.index)?.at(offset);
    if (named != null) {
      return { symbol: named.name, offset: offset - named.address, content: this.#constant(section, named) };
    }
    const table = from === undefined || isCode(section) ? [] : relocatedTable(this, from, { section, offset });
    if (table.length > 0) return { symbol: section.name, offset, content: tableText(table), table };
    return { symbol: section.name, offset, content: this.#contents.at(section, offset, size) };
  }

  /** What the relocations of an object put into data. */
  #pointersIn(section: Section, offset: number, size: number): Pointer[] | null {
    if (this.kind === 'linked') return null;
    const all = this.sectionRelocations(section.index);
    const pointers: Pointer[] = [];
    for (let i = firstFrom(all, offset); i < all.length && all[i]!.offset < offset + size; i++) {
      const { offset: at, type, symbol, addend } = all[i]!;
      const distance = addend - (isPcRelative(type) ? at - offset : 0);
      pointers.push({ offset: at, size: relocationSize(type), name: this.#pointerName(symbol, distance) });
    }
    return pointers;
  }

  #pointerName(symbol: number, distance: number): string {
    const row = this.symbols[symbol];
    if (row === undefined) return `0x${distance.toString(16)}`;
    if (row.type !== STT.SECTION && !row.name.startsWith('.L')) return withOffset(baseName(row.name), distance);
    const section = this.sections[row.section];
    if (section === undefined) return row.name;
    const named = this.#names.get(section.index)?.at(row.value + distance);
    if (named != null) return withOffset(baseName(named.name), row.value + distance - named.address);
    return this.#contents.string(section, row.value + distance) ?? section.name;
  }

  /** The constant that a local name stands for. */
  #constant(section: Section, named: NamedPlace): string | null {
    return named.local ? this.#contents.constant(section, named) : null;
  }

  placeOf(address: number, size: number, from?: CodeFunction): Place | null {
    if (this.kind === 'relocatable') {
      const own = from === undefined ? undefined : this.sections[from.section];
      return own === undefined || address < 0 || address >= own.size ? null : this.placeIn(own, address, size, from);
    }
    const section = this.sectionAt(address);
    if (section === null) return null;
    const named = this.#nameIn(section, address);
    const begins = addressOf(section);
    if (named !== null) {
      return { symbol: named.name, offset: address - named.address, content: this.#constant(section, named) };
    }
    const offset = address - begins;
    if (isCode(section)) return { symbol: section.name, offset, content: this.#contents.code(section, offset) };
    const table = from === undefined ? [] : this.#contents.table(section, offset, from);
    if (table.length > 0) return { symbol: null, offset: address, content: tableText(table), table };
    const content = this.#contents.at(section, offset, size);
    if (content !== null) return { symbol: null, offset: address, content };
    return { symbol: section.name, offset, content: null };
  }

  #nameOf(address: number): string | null {
    const section = this.sectionAt(address);
    if (section === null) return null;
    const named = this.#nameIn(section, address);
    if (named === null) return this.#contents.string(section, address - addressOf(section)) ?? section.name;
    return withOffset(baseName(named.name), address - named.address);
  }

  /** The symbol that covers an address of a linked file; a label without a size covers code of its own section alone. */
  #nameIn(section: Section, address: number): NamedPlace | null {
    const named = this.#names.get(0)?.at(address);
    if (named == null) return null;
    return named.size > 0 || (isCode(section) && named.section === section.index) ? named : null;
  }

  /** The section that an address of a linked file lies in; sections at address 0 (per-CPU templates) are none. */
  sectionAt(address: number): Section | null {
    if (address < this.#lowest || address >= this.#highest) return null;
    const places = this.#places;
    let low = 0;
    let high = places.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (addressOf(places[middle]!) <= address) low = middle + 1;
      else high = middle;
    }
    const section = places[low - 1];
    return section !== undefined && address < addressOf(section) + section.size && addressOf(section) !== 0
      ? section
      : null;
  }

  slotName(address: number): string | null {
    const names = this.#names.get(0);
    if (names === undefined || this.kind !== 'linked') return null;
    const named = names.at(address);
    if (named === null || (named.size === 0 && named.address !== address)) return null;
    return withOffset(named.name, address - named.address);
  }

  addressOf(name: string): number | undefined {
    const match = /^(.*?)(?:\+(0x[0-9a-f]+|\d+))?$/i.exec(name)!;
    const row = this.#byName.get(name) ?? this.#byName.get(match[1]!);
    if (row === undefined || row.section === SHN_UNDEF) return undefined;
    return this.#byName.has(name) ? row.value : row.value + Number(match[2] ?? 0);
  }

  sectionName(section: number): string {
    return this.sections[section]?.name ?? '';
  }
}

const addressOf = (section: Section): number => Number(BigInt.asIntN(64, section.address));

const sameStart = (a: SymbolRow, b: SymbolRow): boolean => a.section === b.section && a.value === b.value;
