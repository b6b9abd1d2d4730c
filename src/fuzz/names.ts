import { knownNames } from './vocabulary.ts';

/** How users call mnemonics and features, and what they may have meant. */

/** The other names of conditions (SDM 2 Jcc): assemblers take both, the decoder gives the first. */
const CONDITIONS: Readonly<Record<string, string>> = {
  c: 'b',
  nae: 'b',
  nb: 'ae',
  nc: 'ae',
  z: 'e',
  nz: 'ne',
  na: 'be',
  nbe: 'a',
  pe: 'p',
  po: 'np',
  nge: 'l',
  nl: 'ge',
  ng: 'le',
  nle: 'g',
};
/** In front of the mnemonics of EVEX encodings. */
const EVEX = 'evex.';
const CONDITIONAL = /^(j|set|cmov)([a-z]+)$/;

/** The mnemonics of swapgs that a name means: `JNZ` is jne, `vaddps` both the VEX and the EVEX one, `evex.vaddps` the latter alone. */
export function mnemonicsNamed(name: string): string[] {
  const { mnemonics } = knownNames();
  const lower = name.toLowerCase();
  const [, verb, condition] = CONDITIONAL.exec(lower) ?? [];
  const other = condition === undefined ? undefined : CONDITIONS[condition];
  return [lower, `${EVEX}${lower}`, ...(other === undefined ? [] : [verb + other])].filter((one) => mnemonics.has(one));
}

/** Letters and digits alone: `sse4.1`, `SSE4_1` and `sse41` are one name. */
const plain = (name: string): string => name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '');

/** The name of a feature that the decoder uses, or null. */
export function featureNamed(name: string): string | null {
  const wanted = plain(name);
  for (const known of knownNames().features) if (plain(known) === wanted) return known;
  return null;
}

/** Letters to change, add, drop or exchange with their neighbour until one name is the other. */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min(row[j - 1]! + 1, rows[i - 1]![j]! + 1, rows[i - 1]![j - 1]! + same);
      const exchanged = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (exchanged) least = Math.min(least, rows[i - 2]![j - 2]! + 1);
      row.push(least);
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}

const MOST_SHOWN = 3;

/** The known names that are nearest to one that is none, or null where nothing is like it. */
export function nearest(name: string, known: Iterable<string>): string | null {
  const wanted = plain(name);
  const near = [...new Set([...known].map((other) => other.replace(EVEX, '')))].map((other) => ({
    other,
    far: distance(wanted, plain(other)),
  }));
  const least = Math.min(...near.map(({ far }) => far));
  if (least > Math.max(2, wanted.length / 2)) return null;
  const found = near.filter(({ far }) => far === least).map(({ other }) => other);
  return found.slice(0, MOST_SHOWN).join(', ');
}
