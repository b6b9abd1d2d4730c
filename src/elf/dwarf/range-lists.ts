import { AT, RLE } from './constants.ts';
import { Cursor } from './cursor.ts';
import type { AddressValue, Die, Unit } from './unit.ts';

/** Bytes of a list that are looked at for its first range. */
const ENOUGH = 64;
/** Of a table's header in front of its offsets (DWARF 5 7.28), with offsets of 4 and of 8 bytes. */
const HEADER = 12;
const WIDE_HEADER = 20;
/** In front of a base address in DWARF 2 to 4. */
const BASE_FOLLOWS = -1;

/** Where the code of an entry begins: its own address, or the first of its ranges, as a function with a part that is split off has. */
export function startOf(die: Die): AddressValue | null {
  for (const at of [AT.low_pc, AT.entry_pc]) {
    const value = die.attributes.get(at);
    if (value?.kind === 'address') return value;
  }
  const ranges = die.attributes.get(AT.ranges);
  if (ranges?.kind === 'number') return firstRange(die.unit, ranges.value);
  return ranges?.kind === 'index' ? firstRange(die.unit, listAt(die.unit, ranges.value)) : null;
}

const numberOf = (unit: Unit, at: number): number | null => {
  const value = unit.root?.attributes.get(at);
  return value?.kind === 'number' ? value.value : null;
};

/** The offset of a list by its number in the unit's table. */
function listAt(unit: Unit, index: number): number {
  const { offsetSize, info } = unit;
  const base = numberOf(unit, AT.rnglists_base) ?? unit.rangeLists + (offsetSize === 8 ? WIDE_HEADER : HEADER);
  const bytes = info.file.sections.read(`.debug_rnglists${info.suffix}`, base + index * offsetSize, offsetSize);
  return base + new Cursor(bytes).unsigned(offsetSize);
}

function firstRange(unit: Unit, list: number): AddressValue | null {
  const low = (unit.skeleton ?? unit).root?.attributes.get(AT.low_pc);
  const base: AddressValue = low?.kind === 'address' ? low : { kind: 'address', value: 0, section: 0 };
  return unit.version >= 5 ? inRangeLists(unit, list, base) : inRanges(unit, list, base);
}

function inRangeLists(unit: Unit, list: number, from: AddressValue): AddressValue | null {
  const { sections } = unit.info.file;
  const name = `.debug_rnglists${unit.info.suffix}`;
  const c = new Cursor(sections.read(name, list, ENOUGH));
  const address = (): AddressValue => {
    const section = sections.sectionAt(name, list + c.at);
    return { kind: 'address', value: c.address(unit.addressSize), section };
  };
  let base = from;
  for (;;) {
    switch (c.unsigned(1)) {
      case RLE.base_addressx:
        base = unit.indexedAddress(c.uleb());
        break;
      case RLE.base_address:
        base = address();
        break;
      case RLE.startx_endx:
      case RLE.startx_length:
        return unit.indexedAddress(c.uleb());
      case RLE.offset_pair:
        return { ...base, value: base.value + c.uleb() };
      case RLE.start_end:
      case RLE.start_length:
        return address();
      default:
        return null;
    }
  }
}

/** Pairs of addresses; those of a split unit stand in the program. */
function inRanges(unit: Unit, list: number, from: AddressValue): AddressValue | null {
  const { skeleton } = unit;
  const at = list + (skeleton === null ? 0 : (numberOf(skeleton, AT.gnu_ranges_base) ?? 0));
  const { sections } = (skeleton ?? unit).info.file;
  const c = new Cursor(sections.read('.debug_ranges', at, ENOUGH));
  let base = from;
  for (;;) {
    const section = sections.sectionAt('.debug_ranges', at + c.at);
    const first = c.address(unit.addressSize);
    const baseSection = sections.sectionAt('.debug_ranges', at + c.at);
    const second = c.address(unit.addressSize);
    if (first === BASE_FOLLOWS) base = { kind: 'address', value: second, section: baseSection };
    else if (first === 0 && second === 0) return null;
    else return { kind: 'address', value: base.value + first, section: section || base.section };
  }
}
