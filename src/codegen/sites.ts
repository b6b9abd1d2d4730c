import { InsnStream } from '../decode/stream.ts';
import type { CodeFunction, CodeUnit } from './build.ts';
import { ElfUnit } from './inputs/elf.ts';
import { linesOf, STEPS, type Step } from './lines.ts';
import { baseName } from './names.ts';
import { referencesOf } from './references.ts';
import { type Alternative, alternatives } from './tables/alternatives.ts';
import { type JumpSite, jumpSites } from './tables/jump-labels.ts';
import type { ElfPlace } from './tables/places.ts';

/** Code of a function that the kernel patches while it boots or runs. */
export interface PatchSite {
  readonly kind: 'jump-label' | 'alternative';
  /** Its place and size from the function's start; a jump label is one instruction. */
  readonly at: number;
  readonly size: number;
  /** For comparison: the key, or the feature and the code that takes its place. */
  readonly key: string;
  readonly text: string;
  /** Where a jump label leads in the function, else null. */
  readonly target: number | null;
}

type Entry = { readonly offset: number } & ({ readonly jump: JumpSite } | { readonly alternative: Alternative });

/** The steps that make the code of replacements comparable. */
const REPLACEMENT_STEPS: ReadonlySet<Step> = new Set(STEPS);
const WORD_BITS = 32;

/** What a unit's tables say of each section (0 of a linked file), ascending. */
const known = new WeakMap<ElfUnit, Map<number, Entry[]>>();

function entriesOf(unit: ElfUnit): Map<number, Entry[]> {
  let sections = known.get(unit);
  if (sections !== undefined) return sections;
  sections = new Map();
  const add = ({ section, offset, undefined: name }: ElfPlace, entry: Entry): void => {
    if (name !== null) return;
    const all = sections.get(section) ?? [];
    sections.set(section, all);
    all.push({ ...entry, offset });
  };
  for (const jump of jumpSites(unit).values()) add(jump.code, { offset: 0, jump });
  for (const alternative of alternatives(unit)) add(alternative.code, { offset: 0, alternative });
  for (const all of sections.values()) all.sort((a, b) => a.offset - b.offset);
  known.set(unit, sections);
  return sections;
}

/** The sites in a function, ascending. */
export function sitesOf(fn: CodeFunction): readonly PatchSite[] {
  const { unit } = fn;
  if (!(unit instanceof ElfUnit)) return [];
  const all = entriesOf(unit).get(unit.kind === 'linked' ? 0 : fn.section);
  if (all === undefined) return [];
  let low = 0;
  let high = all.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (all[middle]!.offset < fn.address) low = middle + 1;
    else high = middle;
  }
  const found: PatchSite[] = [];
  for (; low < all.length && all[low]!.offset < fn.address + fn.size; low++) {
    const entry = all[low]!;
    const at = entry.offset - fn.address;
    found.push('jump' in entry ? jumpSite(fn, at, entry.jump) : alternativeSite(fn, unit, at, entry.alternative));
  }
  return found;
}

function jumpSite(fn: CodeFunction, at: number, { key, target, branch }: JumpSite): PatchSite {
  const inside =
    (fn.unit.kind === 'linked' || target.section === fn.section) &&
    target.offset >= fn.address &&
    target.offset < fn.address + fn.size;
  const to = target.offset - fn.address;
  return {
    kind: 'jump-label',
    at,
    size: 1,
    key: `static branch ${baseName(key)}${branch ? ' unlikely taken' : ''}`,
    text: inside ? `static key ${key}: +${to}` : `static key ${key}`,
    target: inside ? to : null,
  };
}

function alternativeSite(fn: CodeFunction, unit: ElfUnit, at: number, entry: Alternative): PatchSite {
  const feature = `${Math.trunc(entry.feature / WORD_BITS)}*${WORD_BITS}+${entry.feature % WORD_BITS}`;
  const when = `${entry.inverted ? 'without' : 'with'} feature ${feature}`;
  const code = replacementOf(unit, entry);
  const text = code.map((line) => line.text).join('; ') || 'nothing';
  // Where it leads in the function is told by the other lines.
  const own = `${baseName(fn.name)}+0x`;
  const key = code
    .map((line) => (line.key.includes(` ${own}`) ? line.key.replace(/ \S*$/, ' here') : line.key))
    .join('; ');
  return { kind: 'alternative', at, size: entry.size, key: `${when}: ${key}`, text: `${when}: ${text}`, target: null };
}

function replacementOf(
  unit: CodeUnit,
  { replacement, replacementSize: size }: Alternative,
): ReturnType<typeof linesOf> {
  if (size === 0) return [];
  const section = replacementSection(unit as ElfUnit, replacement);
  const fn = { name: '', aliases: [], address: replacement.offset, size, exact: true, section, unit };
  const stream = new InsnStream();
  stream.decode(unit.bytesOf(fn));
  return linesOf(fn, stream, referencesOf(fn, stream), REPLACEMENT_STEPS, []);
}

const replacementSection = (unit: ElfUnit, place: ElfPlace): number =>
  unit.kind === 'linked' ? unit.sectionAt(place.offset)!.index : place.section;
