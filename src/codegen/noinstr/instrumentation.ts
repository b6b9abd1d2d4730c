import type { ElfUnit } from '../inputs/elf.ts';
import { type ElfPlace, placeId, TableReader } from '../tables/places.ts';

const INSTR_BEGIN = 3;
const INSTR_END = 4;
const ANNOTATION = 8;

/** Where instrumentation begins (+1) and ends (−1), by code place (Linux include/linux/instrumentation.h). */
export function instrumentation(unit: ElfUnit): ReadonlyMap<string, number> {
  const changes = new Map<string, number>();
  const add = (place: ElfPlace | null, by: number): void => {
    if (place !== null) changes.set(placeId(place), (changes.get(placeId(place)) ?? 0) + by);
  };
  for (const section of unit.sections) {
    const by = section.name === '.discard.instr_begin' ? 1 : section.name === '.discard.instr_end' ? -1 : 0;
    if (by !== 0) {
      const table = new TableReader(unit, section);
      for (let at = 0; at + 4 <= table.length; at += 4) add(table.relative(at, 4), by);
    } else if (section.name === '.discard.annotate_insn') {
      const table = new TableReader(unit, section);
      for (let at = 0; at + ANNOTATION <= table.length; at += ANNOTATION) {
        const type = table.number(at + 4, 4);
        if (type === INSTR_BEGIN) add(table.relative(at, 4), 1);
        else if (type === INSTR_END) add(table.relative(at, 4), -1);
      }
    }
  }
  return changes;
}
