import { Cursor } from './cursor.ts';
import type { DebugSections } from './sections.ts';

/** Where a unit of a package finds the parts of sections that were its own file's. */
export interface Contribution {
  /** Offset of its units in `.debug_info.dwo`, or `.debug_types.dwo`. */
  readonly units: number;
  readonly abbreviations: number;
  readonly strings: number;
  readonly rangeLists: number;
}

/** Columns of an index (DWARF 5 7.3.5.3); of the GNU form before it types have their own. */
const COLUMN = { info: 1, types: 2, abbreviations: 3, strings: 6, rangeLists: 8 } as const;
const HEADER = 16;
const MOST_COLUMNS = 8;

/** The contributions of an index of a .dwp file, by the unit's id or the type's signature; none where it is damaged. @throws DwarfError */
export function readPackageIndex(sections: DebugSections, name: string): Map<bigint, Contribution> {
  const rows = new Map<bigint, Contribution>();
  const size = sections.size(name);
  if (size < HEADER) return rows;
  const c = new Cursor(sections.read(name, 0, size));
  c.skip(4);
  const columns = c.unsigned(4);
  const units = c.unsigned(4);
  const slots = c.unsigned(4);
  const table = HEADER + slots * 12;
  if (columns > MOST_COLUMNS || table + (1 + units) * columns * 4 > size) return rows;
  const ids = new Cursor(c.bytes, table);
  const column = new Map(Array.from({ length: columns }, (_, n) => [ids.unsigned(4), n] as const));
  const numbers = new DataView(c.bytes.buffer, c.bytes.byteOffset, c.bytes.byteLength);
  for (let slot = 0; slot < slots; slot++) {
    const row = numbers.getUint32(HEADER + slots * 8 + slot * 4, true);
    if (row === 0 || row > units) continue;
    const part = (id: number): number => {
      const n = column.get(id);
      return n === undefined ? 0 : numbers.getUint32(table + (row * columns + n) * 4, true);
    };
    rows.set(numbers.getBigUint64(HEADER + slot * 8, true), {
      units: column.has(COLUMN.types) ? part(COLUMN.types) : part(COLUMN.info),
      abbreviations: part(COLUMN.abbreviations),
      strings: part(COLUMN.strings),
      rangeLists: part(COLUMN.rangeLists),
    });
  }
  return rows;
}
