import { closest } from '../bits/closest.ts';
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

/** The known names that one that is none may mean, or null where nothing is like it. */
export function nearest(name: string, known: Iterable<string>): string | null {
  const names = new Map([...known].map((other) => [plain(other.replace(EVEX, '')), other.replace(EVEX, '')]));
  const found = closest(plain(name), [...names.keys()]).map((other) => names.get(other)!);
  return found.length === 0 ? null : found.join(', ');
}
