import { ElfError } from './error.ts';
import { RELA_SIZE, SHT } from './format.ts';
import { viewOf } from './header.ts';
import type { Section } from './sections.ts';
import type { ByteSource } from './source.ts';

/** One relocation with its addend (x86-64 psABI 4.4). */
export interface Relocation {
  /** Offset of the field in its section. */
  readonly offset: number;
  /** R_X86_64_… */
  readonly type: number;
  /** Index into the symbol table. */
  readonly symbol: number;
  readonly addend: number;
}

/** The numbers of x86-64 psABI table 4.9 that compilers and assemblers use in objects. */
export const R = {
  NONE: 0,
  ABS64: 1,
  PC32: 2,
  PLT32: 4,
  GLOB_DAT: 6,
  JUMP_SLOT: 7,
  RELATIVE: 8,
  GOTPCREL: 9,
  ABS32: 10,
  ABS32S: 11,
  ABS16: 12,
  PC16: 13,
  ABS8: 14,
  PC8: 15,
  TLSGD: 19,
  TLSLD: 20,
  DTPOFF32: 21,
  GOTTPOFF: 22,
  TPOFF32: 23,
  PC64: 24,
  GOTPC32: 26,
  GOTPCRELX: 41,
  REX_GOTPCRELX: 42,
} as const;

const PC_RELATIVE: ReadonlySet<number> = new Set([
  R.PC32,
  R.PLT32,
  R.GOTPCREL,
  R.PC16,
  R.PC8,
  R.TLSGD,
  R.TLSLD,
  R.GOTTPOFF,
  R.PC64,
  R.GOTPC32,
  R.GOTPCRELX,
  R.REX_GOTPCRELX,
]);

/** Whether a field counts from its own place. */
export const isPcRelative = (type: number): boolean => PC_RELATIVE.has(type);

const BYTES = new Map<number, number>([
  [R.NONE, 0],
  [R.ABS64, 8],
  [R.GLOB_DAT, 8],
  [R.JUMP_SLOT, 8],
  [R.RELATIVE, 8],
  [R.PC64, 8],
  [R.ABS16, 2],
  [R.PC16, 2],
  [R.ABS8, 1],
  [R.PC8, 1],
]);

/** Bytes of the field that a relocation fills. */
export const relocationSize = (type: number): number => BYTES.get(type) ?? 4;

/** The relocations of a section, in ascending order of offset. @throws ElfError when a table is damaged */
export function readRelocations(source: ByteSource, sections: readonly Section[], section: number): Relocation[] {
  const found: Relocation[] = [];
  for (const table of sections) {
    if (table.type === SHT.RELA && table.info === section) found.push(...readRelocationTable(source, table));
  }
  return found.sort((a, b) => a.offset - b.offset);
}

/** Number of the first of some ascending relocations at an offset or behind it. */
export function firstFrom(relocations: readonly Relocation[], offset: number): number {
  let low = 0;
  let high = relocations.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (relocations[middle]!.offset < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The relocations of one table in its order; offsets are addresses in a linked file. @throws ElfError when it is damaged */
export function readRelocationTable(source: ByteSource, table: Section): Relocation[] {
  const found: Relocation[] = [];
  if (table.entrySize !== RELA_SIZE) {
    throw new ElfError(
      `relocations (section ${table.index}): entry size ${table.entrySize} is not ${RELA_SIZE}; the file is damaged`,
    );
  }
  const view = viewOf(source.read(table.offset, table.size));
  for (let at = 0; at + RELA_SIZE <= view.byteLength; at += RELA_SIZE) {
    found.push({
      offset: Number(view.getBigUint64(at, true)),
      type: view.getUint32(at + 8, true),
      symbol: view.getUint32(at + 12, true),
      addend: Number(view.getBigInt64(at + 16, true)),
    });
  }
  return found;
}
