import type { ElfUnit } from '../inputs/elf.ts';
import { type ElfPlace, placeId, sectionOf, sectionsNamed, TableReader } from './places.ts';

/** One site of a static key (Linux include/linux/jump_label.h). */
export interface JumpSite {
  readonly code: ElfPlace;
  readonly target: ElfPlace;
  /** Name of the key. */
  readonly key: string;
  /** The branch is what the key's initial state does not take (bit 0 of the key's word). */
  readonly branch: boolean;
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
  for (const section of sectionsNamed(unit, '__jump_table')) {
    const table = new TableReader(unit, section);
    for (let at = 0; at + ENTRY <= table.length; at += ENTRY) {
      const code = table.relative(at, 4);
      const target = table.relative(at + TARGET_AT, 4);
      const flagged = table.relative(at + KEY_AT, 8);
      if (code === null || target === null || flagged === null) continue;
      const key = { ...flagged, offset: flagged.offset - (flagged.offset & KEY_FLAGS) };
      sites.set(placeId(code), {
        code,
        target,
        key: keyName(unit, key),
        branch: (flagged.offset & 1) !== 0,
        readOnly: isReadOnly(unit, key),
      });
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
