import { Cursor } from './cursor.ts';
import type { DebugSections } from './sections.ts';

/** Addresses that a unit describes, by its offset in `.debug_info`. */
export interface AddressRange {
  readonly from: number;
  readonly to: number;
  readonly unit: number;
}

const RANGES = '.debug_aranges';
const ADDRESS = 8;
const EXTENDED_LENGTH = 0xffff_ffff;

/** What `.debug_aranges` says (DWARF 5 6.1.2); nothing where it is missing. @throws DwarfError */
export function readAddressRanges(sections: DebugSections): AddressRange[] {
  const rows: AddressRange[] = [];
  const size = sections.size(RANGES);
  const c = new Cursor(sections.read(RANGES, 0, size));
  while (c.at < size) {
    const start = c.at;
    let length = c.unsigned(4);
    const wide = length === EXTENDED_LENGTH;
    if (wide) length = c.unsigned(8);
    const end = c.at + length;
    c.skip(2);
    const unit = c.unsigned(wide ? 8 : 4);
    const addressSize = c.unsigned(1);
    c.skip(1);
    if (addressSize === ADDRESS) {
      c.skip(-(c.at - start) & (2 * ADDRESS - 1));
      while (c.at + 2 * ADDRESS <= end) {
        const from = c.address(ADDRESS);
        const bytes = c.unsigned(ADDRESS);
        if (from !== 0 || bytes !== 0) rows.push({ from, to: from + bytes, unit });
      }
    }
    c.at = end;
  }
  return rows;
}
