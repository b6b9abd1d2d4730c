import type { ElfUnit } from '../inputs/elf.ts';
import { type ElfPlace, placeId, sectionOf, TableReader } from './places.ts';

/** One site of a static key (Linux include/linux/jump_label.h). */
export interface JumpSite {
  readonly target: ElfPlace;
  /** Name of the key. */
  readonly key: string;
  /** The key cannot change after boot. */
  readonly readOnly: boolean;
}

const ENTRY = 16;
const TARGET_AT = 4;
const KEY_AT = 8;
/** Bit 0: which way the branch goes by default; bit 1: the site is in code that boot frees. */
export const KEY_FLAGS = 3;
const RO_AFTER_INIT = '.data..ro_after_init';

/** The sites of `__jump_table` by their code place. */
export function jumpSites(unit: ElfUnit): ReadonlyMap<string, JumpSite> {
  const sites = new Map<string, JumpSite>();
  for (const section of unit.sections.filter(({ name }) => name === '__jump_table')) {
    const table = new TableReader(unit, section);
    for (let at = 0; at + ENTRY <= table.length; at += ENTRY) {
      const code = table.relative(at, 4);
      const target = table.relative(at + TARGET_AT, 4);
      const flagged = table.relative(at + KEY_AT, 8);
      if (code === null || target === null || flagged === null) continue;
      const key = { ...flagged, offset: flagged.offset - (flagged.offset & KEY_FLAGS) };
      sites.set(placeId(code), { target, key: keyName(unit, key), readOnly: isReadOnly(unit, key) });
    }
  }
  return sites;
}

function keyName(unit: ElfUnit, key: ElfPlace): string {
  if (key.undefined !== null) return key.undefined;
  const section = sectionOf(unit, key);
  const place =
    unit.kind === 'linked' ? unit.placeOf(key.offset, 0) : section === null ? null : unit.placeIn(section, key.offset);
  return place?.symbol ?? '?';
}

function isReadOnly(unit: ElfUnit, key: ElfPlace): boolean {
  const section = sectionOf(unit, key);
  if (section?.name.startsWith(RO_AFTER_INIT)) return true;
  const from = unit.addressOf('__start_ro_after_init');
  const to = unit.addressOf('__end_ro_after_init');
  return unit.kind === 'linked' && from !== undefined && to !== undefined && key.offset >= from && key.offset < to;
}

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
