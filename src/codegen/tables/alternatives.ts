import { signedAt } from '../../decode/stream.ts';
import type { Section } from '../../elf/sections.ts';
import type { ElfUnit } from '../inputs/elf.ts';
import { type ElfPlace, sectionOf, TableReader } from './places.ts';

/** One entry of `.altinstructions`: code that Linux exchanges at boot (arch/x86/include/asm/alternative.h). */
export interface Alternative {
  readonly code: ElfPlace;
  /** Bytes of the code, padding included. */
  readonly size: number;
  readonly replacement: ElfPlace;
  readonly replacementSize: number;
  /** Number of the CPU feature (X86_FEATURE_*: word·32 + bit). */
  readonly feature: number;
  /** Where the feature is absent. */
  readonly inverted: boolean;
  /** Its call is exchanged for one of what the indirect call beside it would call. */
  readonly direct: boolean;
}

/** Since Linux 6.3: offsets, feature and flags as 32 bits, two lengths. Before: 16 bits of feature; until 5.11 a length of padding too. */
const ENTRY_SIZES = [14, 12, 13] as const;
const NEW_ENTRY = 14;
const FEATURE_AT = 8;
const REPLACEMENT_AT = 4;
/** Old entries mark the absence in the feature's top bit, new ones in the flags. */
const OLD_INVERTED = 1 << 15;
const FLAG_INVERTED = 1 << 0;
const FLAG_DIRECT_CALL = 1 << 1;
/** Entries that decide which of the layouts it is. */
const PROBED = 64;

/** Every entry of a unit's tables, in their order. */
export function alternatives(unit: ElfUnit): Alternative[] {
  return unit.sections.filter(({ name }) => name === '.altinstructions').flatMap((section) => entries(unit, section));
}

function entries(unit: ElfUnit, section: Section): Alternative[] {
  const table = new TableReader(unit, section);
  const bytes = unit.sectionBytes(section);
  for (const size of ENTRY_SIZES) {
    if (bytes.length % size !== 0) continue;
    const found: Alternative[] = [];
    for (let at = 0; at < bytes.length; at += size) {
      const entry = entryAt(unit, table, bytes, at, size);
      if (entry === null) {
        if (found.length < PROBED) break;
        continue;
      }
      found.push(entry);
    }
    if (found.length === bytes.length / size || found.length >= PROBED) return found;
  }
  return [];
}

function entryAt(unit: ElfUnit, table: TableReader, bytes: Uint8Array, at: number, size: number): Alternative | null {
  const code = table.relative(at, 4);
  const replacement = table.relative(at + REPLACEMENT_AT, 4);
  if (code === null || replacement === null) return null;
  const wide = size === NEW_ENTRY;
  const lengths = at + FEATURE_AT + (wide ? 4 : 2);
  const feature = signedAt(bytes, at + FEATURE_AT, 2) & 0xffff;
  const flags = wide ? signedAt(bytes, at + FEATURE_AT + 2, 2) : 0;
  const entry = {
    code,
    size: bytes[lengths]!,
    replacement,
    replacementSize: bytes[lengths + 1]!,
    feature: wide ? feature : feature & ~OLD_INVERTED,
    inverted: wide ? (flags & FLAG_INVERTED) !== 0 : (feature & OLD_INVERTED) !== 0,
    direct: (flags & FLAG_DIRECT_CALL) !== 0,
  };
  const isCode = (place: ElfPlace): boolean => ((sectionOf(unit, place)?.flags ?? 0n) & 4n) !== 0n;
  const isWhole = entry.replacementSize <= entry.size && entry.size > 0;
  return isWhole && isCode(code) && (entry.replacementSize === 0 || isCode(replacement)) ? entry : null;
}
