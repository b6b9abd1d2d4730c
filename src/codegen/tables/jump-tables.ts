import { type InsnStream, RIP_REGISTER, signedAt } from '../../decode/stream.ts';
import { FLOW } from '../../decode/traits.ts';
import { SHF, SHT } from '../../elf/format.ts';
import { firstFrom, isPcRelative } from '../../elf/relocations.ts';
import type { Section } from '../../elf/sections.ts';
import { isPlaced } from '../../elf/symbol-rows.ts';
import type { CodeFunction } from '../build.ts';
import type { ElfUnit } from '../inputs/elf.ts';

/** Instructions before an indirect jump among which the one that names its table is. */
const LOOK_BACK = 24;
/** Entries of a table, at most. */
const MOST = 4096;
const WIDE = 8;
const NARROW = 4;

interface DataPlace {
  readonly section: Section;
  readonly offset: number;
}

/**
 * Where an indirect jump of a switch leads, as offsets in its function; null where no table is seen.
 * Entries are addresses, or distances from the table in 32 bits.
 */
export function jumpTableTargets(unit: ElfUnit, fn: CodeFunction, stream: InsnStream, n: number): number[] | null {
  for (let i = n; i >= 0 && i > n - LOOK_BACK; i--) {
    if (i < n && stream.traits[i]!.flow === FLOW.indirectJump) return null;
    const place = dataPlace(unit, fn, stream, i);
    if (place === null) continue;
    const targets = unit.kind === 'relocatable' ? relocatedTable(unit, fn, place) : byValue(unit, fn, place);
    if (targets.length > 0) return targets;
  }
  return null;
}

/** The entries of the table that relocations make at a place of an object, as offsets in the function; none where no table is. */
export function relocatedTable(unit: ElfUnit, fn: CodeFunction, { section, offset }: DataPlace): number[] {
  const targets: number[] = [];
  const all = unit.sectionRelocations(section.index);
  let expected = offset;
  for (let i = firstFrom(all, offset); i < all.length && targets.length < MOST; i++) {
    const relocation = all[i]!;
    const row = unit.symbols[relocation.symbol];
    const relative = isPcRelative(relocation.type);
    if (relocation.offset !== expected || row?.section !== fn.section) break;
    const target = row.value + relocation.addend - (relative ? relocation.offset - offset : 0) - fn.address;
    if (target < 0 || target >= fn.size) break;
    targets.push(target);
    expected += relative ? NARROW : WIDE;
  }
  return targets;
}

const isConstant = (section: Section | null | undefined): section is Section =>
  section != null &&
  section.type === SHT.PROGBITS &&
  !(section.flags & SHF.EXECINSTR) &&
  section.name.startsWith('.rodata');

/** The constants that an instruction names. */
function dataPlace(unit: ElfUnit, fn: CodeFunction, stream: InsnStream, n: number): DataPlace | null {
  const from = stream.at[n]!;
  const end = from + stream.length[n]!;
  if (unit.kind === 'linked') {
    if (stream.displacementSize[n] !== 4) return null;
    const address = stream.displacement[n]! + (stream.base[n] === RIP_REGISTER ? fn.address + end : 0);
    const section = unit.sectionAt(address);
    return isConstant(section) ? { section, offset: address - startOf(section) } : null;
  }
  for (const relocation of unit.relocationsOf(fn)) {
    if (relocation.offset < from || relocation.offset >= end) continue;
    const row = unit.symbols[relocation.symbol];
    const section = row !== undefined && isPlaced(row, unit.sections) ? unit.sections[row.section] : undefined;
    if (!isConstant(section)) continue;
    const distance = isPcRelative(relocation.type) ? end - relocation.offset : 0;
    return { section, offset: row!.value + relocation.addend + distance };
  }
  return null;
}

function byValue(unit: ElfUnit, fn: CodeFunction, { section, offset }: DataPlace): number[] {
  const bytes = unit.sectionBytes(section).subarray(offset, offset + MOST * WIDE);
  const read = (size: 4 | 8, base: number): number[] => {
    const targets: number[] = [];
    for (let at = 0; at + size <= bytes.length; at += size) {
      const target = base + signedAt(bytes, at, size) - fn.address;
      if (target < 0 || target >= fn.size) break;
      targets.push(target);
    }
    return targets;
  };
  const wide = read(WIDE, 0);
  return wide.length > 0 ? wide : read(NARROW, startOf(section) + offset);
}

const startOf = (section: Section): number => Number(BigInt.asIntN(64, section.address));
