import { hex } from '../bits/hex.ts';
import { ElfError } from './error.ts';
import { SHN_LORESERVE, SHN_UNDEF, SHT, STB, STT, SYM_SIZE } from './format.ts';
import { viewOf } from './header.ts';
import { readSections, type Section } from './sections.ts';

/** One symbol that has an address. */
export interface ElfSymbol {
  readonly name: string;
  readonly address: bigint;
  /** Bytes; 0 when the file does not say. */
  readonly size: number;
  /** STT_FUNC, STT_OBJECT, STT_NOTYPE … */
  readonly type: number;
  /** STB_LOCAL, STB_GLOBAL, STB_WEAK … */
  readonly binding: number;
  /** Index of the section that defines it. */
  readonly section: number;
}

/** An address as a symbol and a distance. */
export interface SymbolHit {
  readonly symbol: ElfSymbol;
  readonly offset: bigint;
}

/**
 * Tail-merged names share bytes, so the names of an honest file may add up to a few times its string table. A forged one
 * can make them add up to gigabytes; past this sum the table is refused.
 */
const MAX_NAME_BYTES = 256 * 1024 * 1024;

/** How many labels inside one function are looked past to find it. */
const MAX_NESTED_LABELS = 256;

/** The symbols of one file, by address and by name. Makes no guess: an address behind a sized symbol's end has no name. */
export class SymbolTable {
  /** In ascending order of address; at one address the preferred name comes first. */
  readonly symbols: readonly ElfSymbol[];
  #byName: Map<string, ElfSymbol> | undefined;

  /** @param symbols in any order; sorted here, once. */
  constructor(symbols: readonly ElfSymbol[]) {
    this.symbols = [...symbols].sort((a, b) =>
      a.address < b.address ? -1 : a.address > b.address ? 1 : rank(b) - rank(a) || (a.name < b.name ? -1 : 1),
    );
  }

  /**
   * The symbol that covers `address`: the nearest one at or below it, unless its size says that it ends before.
   * Functions and globals are preferred where several start at one address.
   */
  at(address: bigint): SymbolHit | undefined {
    let low = 0;
    let high = this.symbols.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.symbols[middle]!.address <= address) low = middle + 1;
      else high = middle;
    }
    // Walk down a little: a sized symbol that encloses the address beats a label inside it, and one that ends before it
    // makes every label below it meaningless.
    let label: SymbolHit | undefined;
    let ended = false;
    for (let i = low - 1; i >= Math.max(0, low - MAX_NESTED_LABELS); i--) {
      const symbol = this.symbols[i]!;
      const offset = address - symbol.address;
      if (symbol.size > 0) {
        if (offset < BigInt(symbol.size)) return this.#preferred(i, offset);
        ended = true;
      } else if (label === undefined && !ended) {
        label = this.#preferred(i, offset);
      }
    }
    return label;
  }

  /** `address` as `name` or `name+0x12`, or undefined when no symbol covers it. */
  describe(address: bigint): string | undefined {
    const hit = this.at(address);
    if (hit === undefined) return undefined;
    return hit.offset === 0n ? hit.symbol.name : `${hit.symbol.name}+${hex(hit.offset)}`;
  }

  /** The symbol of that name; a global one when a local one has the same name. */
  named(name: string): ElfSymbol | undefined {
    if (this.#byName === undefined) {
      this.#byName = new Map();
      for (const symbol of this.symbols) {
        const known = this.#byName.get(symbol.name);
        if (known === undefined || rank(symbol) > rank(known)) this.#byName.set(symbol.name, symbol);
      }
    }
    return this.#byName.get(name);
  }

  /** The same symbols, `bias` bytes further up: those of a PIE at its load address. */
  moved(bias: bigint): SymbolTable {
    if (bias === 0n) return this;
    return new SymbolTable(this.symbols.map((symbol) => ({ ...symbol, address: symbol.address + bias })));
  }

  #preferred(index: number, offset: bigint): SymbolHit {
    let first = index;
    const { address } = this.symbols[index]!;
    while (first > 0 && this.symbols[first - 1]!.address === address) first--;
    for (let i = first; i < index; i++) {
      const symbol = this.symbols[i]!;
      if (symbol.size === 0 || offset < BigInt(symbol.size)) return { symbol, offset };
    }
    return { symbol: this.symbols[index]!, offset };
  }
}

/** Which of several names an address shall have: functions before data before labels, global before weak before local. */
function rank(symbol: ElfSymbol): number {
  const type = symbol.type === STT.FUNC || symbol.type === STT.GNU_IFUNC ? 2 : symbol.type === STT.OBJECT ? 1 : 0;
  const binding = symbol.binding === STB.LOCAL ? 0 : symbol.binding === STB.WEAK ? 1 : 2;
  return type * 8 + binding * 2 + (symbol.size > 0 ? 1 : 0);
}

/**
 * Reads `.symtab` and `.dynsym` in one pass: functions, objects and labels that are defined in a section.
 * A stripped file has an empty table.
 * @throws ElfError when a table, its strings or their sum is not credible.
 */
export function readSymbols(bytes: Uint8Array): SymbolTable {
  const sections = readSections(bytes);
  const found: ElfSymbol[] = [];
  const tables = sections.filter((section) => section.type === SHT.SYMTAB);
  const chosen = tables.length > 0 ? tables : sections.filter((section) => section.type === SHT.DYNSYM);
  for (const table of chosen) readTable(bytes, sections, table, found);
  return new SymbolTable(found);
}

function readTable(bytes: Uint8Array, sections: readonly Section[], table: Section, found: ElfSymbol[]): void {
  const where = `symbol table (section ${table.index})`;
  if (table.entrySize !== SYM_SIZE) {
    throw new ElfError(`${where}: entry size ${table.entrySize} is not ${SYM_SIZE}; the file is damaged`);
  }
  const strings = sections[table.link];
  if (strings === undefined || strings.type !== SHT.STRTAB) {
    throw new ElfError(`${where}: its link ${table.link} is not a string table; the file is damaged`);
  }
  const names = Buffer.from(bytes.buffer, bytes.byteOffset + strings.offset, strings.size);
  const view = viewOf(bytes);
  const end = table.offset + Math.floor(table.size / SYM_SIZE) * SYM_SIZE;
  let nameBytes = 0;
  for (let at = table.offset; at < end; at += SYM_SIZE) {
    const info = view.getUint8(at + 4);
    const type = info & 15;
    const section = view.getUint16(at + 6, true);
    const nameAt = view.getUint32(at, true);
    if (section === SHN_UNDEF || section >= SHN_LORESERVE || nameAt === 0) continue;
    if (type === STT.SECTION || type === STT.FILE || type === STT.TLS) continue;
    if (nameAt >= names.length) {
      throw new ElfError(
        `${where}: a name at ${hex(nameAt)} lies past the string table's ${hex(names.length)} bytes; the file is damaged`,
      );
    }
    const stop = names.indexOf(0, nameAt);
    if (stop < 0) {
      throw new ElfError(`${where}: the name at ${hex(nameAt)} of the string table has no end; the file is damaged`);
    }
    nameBytes += stop - nameAt;
    if (nameBytes > MAX_NAME_BYTES) {
      throw new ElfError(
        `${where}: its names add up to more than ${MAX_NAME_BYTES} bytes; the string table is forged, strip the file`,
      );
    }
    const size = view.getBigUint64(at + 16, true);
    found.push({
      name: names.toString('utf8', nameAt, stop),
      address: view.getBigUint64(at + 8, true),
      size: size > BigInt(Number.MAX_SAFE_INTEGER) ? 0 : Number(size),
      type,
      binding: info >> 4,
      section,
    });
  }
}
