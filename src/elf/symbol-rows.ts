import { hex } from '../bits/hex.ts';
import { ElfError } from './error.ts';
import { SHN_LORESERVE, SHN_XINDEX, SHT, SYM_SIZE } from './format.ts';
import { viewOf } from './header.ts';
import type { Section } from './sections.ts';
import type { ByteSource } from './source.ts';

/** One row of a symbol table, defined or not: relocations name them by number. */
export interface SymbolRow {
  readonly name: string;
  /** Address in a linked file, offset in its section in an object; signed, so that kernel addresses are exact. */
  readonly value: number;
  readonly size: number;
  readonly type: number;
  readonly binding: number;
  /** Index of its section, or a special one: SHN_UNDEF, SHN_ABS, SHN_COMMON. */
  readonly section: number;
}

/** The names of an honest file add up to a few times its string table; a forged one can make them gigabytes. */
const MAX_NAME_BYTES = 256 * 1024 * 1024;

/**
 * Every row of `.symtab`, or of `.dynsym` where it has been stripped, in the file's order.
 * @throws ElfError when a table, its strings or their sum is not credible
 */
export function readSymbolRows(source: ByteSource, sections: readonly Section[]): SymbolRow[] {
  const table =
    sections.find((section) => section.type === SHT.SYMTAB) ?? sections.find((section) => section.type === SHT.DYNSYM);
  return table === undefined ? [] : readSymbolTable(source, sections, table);
}

/** Every row of one table. @throws ElfError as `readSymbolRows` */
export function readSymbolTable(source: ByteSource, sections: readonly Section[], table: Section): SymbolRow[] {
  const where = `symbol table (section ${table.index})`;
  if (table.entrySize !== SYM_SIZE) {
    throw new ElfError(`${where}: entry size ${table.entrySize} is not ${SYM_SIZE}; the file is damaged`);
  }
  const strings = sections[table.link];
  if (strings === undefined || strings.type !== SHT.STRTAB) {
    throw new ElfError(`${where}: its link ${table.link} is not a string table; the file is damaged`);
  }
  const raw = source.read(strings.offset, strings.size);
  const names = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength);
  const view = viewOf(source.read(table.offset, table.size));
  const extended = sections.find((section) => section.type === SHT.SYMTAB_SHNDX && section.link === table.index);
  const indices = extended === undefined ? null : viewOf(source.read(extended.offset, extended.size));
  const rows: SymbolRow[] = [];
  let nameBytes = 0;
  for (let at = 0; at + SYM_SIZE <= view.byteLength; at += SYM_SIZE) {
    const nameAt = view.getUint32(at, true);
    if (nameAt > names.length || (nameAt === names.length && nameAt > 0)) {
      throw new ElfError(
        `${where}: a name at ${hex(nameAt)} lies past the string table's ${hex(names.length)} bytes; the file is damaged`,
      );
    }
    const end = nameAt === 0 ? 0 : names.indexOf(0, nameAt);
    if (end < 0) {
      throw new ElfError(`${where}: the name at ${hex(nameAt)} of the string table has no end; the file is damaged`);
    }
    nameBytes += end - nameAt;
    if (nameBytes > MAX_NAME_BYTES) {
      throw new ElfError(
        `${where}: its names add up to more than ${MAX_NAME_BYTES} bytes; the string table is forged, strip the file`,
      );
    }
    const info = view.getUint8(at + 4);
    const index = view.getUint16(at + 6, true);
    const far = (at / SYM_SIZE) * 4;
    const size = Number(view.getBigUint64(at + 16, true));
    rows.push({
      name: names.toString('utf8', nameAt, end),
      value: Number(view.getBigInt64(at + 8, true)),
      size: Number.isSafeInteger(size) ? size : 0,
      type: info & 15,
      binding: info >> 4,
      section:
        index === SHN_XINDEX && indices !== null && far + 4 <= indices.byteLength
          ? indices.getUint32(far, true)
          : index,
    });
  }
  return rows;
}

/** Whether a symbol lies in a section of the file. */
export const isPlaced = (row: SymbolRow, sections: readonly Section[]): boolean =>
  row.section > 0 && row.section < sections.length && !(row.section >= SHN_LORESERVE && row.section < 0x10000);
