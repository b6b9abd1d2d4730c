import type { CType } from '../../elf/dwarf/types.ts';
import { drawWord, mix, objectAt, type UnknownMemory } from './memory.ts';

// What functions outside a build return where nobody has said it: drawn by their name and number, so that builds that call in another order
// get the same.

/** Of the length of a text whose conversions are not known: compilers hold it for small. */
const SHORT_TEXT = 0x3f;
/** One pointer of so many is NULL. */
const NULLS = 4;
const FLOAT = 4;

/** The name of a call among others of the same function. */
export const callKey = (name: string, nth: number): string => `${name}#${nth}`;

/** The function that a call of such a name calls. */
export const calleeOf = (key: string): string => key.slice(0, key.lastIndexOf('#'));

/** The integer or pointer that a call returns. @param declared type of the result; null where it is not known */
export function drawResult({ seed, constants }: UnknownMemory, key: string, declared: CType | null): bigint {
  if (seed === null) return 0n;
  const hash = mix(seed, textHash(key));
  switch (declared?.kind) {
    case 'pointer':
      return hash % NULLS === 0 ? 0n : objectAt(hash >>> 2);
    case 'boolean':
      return BigInt(hash & 1);
    default:
      return drawWord(hash, constants);
  }
}

/** The length of a text that a call has written. */
export const drawLength = ({ seed }: UnknownMemory, key: string): bigint =>
  BigInt(mix(seed ?? 0, textHash(key)) & SHORT_TEXT);

/** The number that a call returns in XMM0: as a double, unless it is declared as a float. */
export function drawFloat({ seed }: UnknownMemory, key: string, declared: CType | null): bigint {
  const hash = seed === null ? 0 : mix(seed, textHash(key) + 1n);
  const value = hash % NULLS === 0 ? 0 : (hash >> 12) / 2 ** (hash & 31);
  const view = new DataView(new ArrayBuffer(8));
  if (declared?.kind === 'float' && declared.size === FLOAT) view.setFloat32(0, value, true);
  else view.setFloat64(0, value, true);
  return view.getBigUint64(0, true);
}

function textHash(text: string): bigint {
  let hash = 0n;
  for (const letter of text) hash = BigInt.asUintN(64, hash * 131n + BigInt(letter.codePointAt(0)!));
  return hash;
}
