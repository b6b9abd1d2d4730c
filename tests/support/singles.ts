/**
 * Sums and products of singles by a second definition: an integer times a power of two, rounded once. Nothing of `src/bits` is used.
 * Denormal singles are zeros on both sides; NaNs and infinities are no numbers here.
 */

/** m · 2^e; of a zero only the sign counts. */
export interface Exact {
  readonly m: bigint;
  readonly e: number;
  readonly negative: boolean;
}

const exact = (negative: boolean, size: bigint, e: number): Exact => ({ m: negative ? -size : size, e, negative });

export function half(bits: number): Exact {
  const e = (bits >> 10) & 31;
  const fraction = BigInt(bits & 0x3ff);
  return exact(bits >> 15 === 1, e === 0 ? fraction : fraction + 1024n, Math.max(e, 1) - 25);
}

export function single(bits: number): Exact {
  const e = (bits >>> 23) & 255;
  return exact(bits >>> 31 === 1, e === 0 ? 0n : BigInt(bits & 0x7f_ffff) + (1n << 23n), e - 150);
}

export const bfloat = (bits: number): Exact => single((bits << 16) >>> 0);

export const negated = ({ m, e, negative }: Exact): Exact => ({ m: -m, e, negative: !negative });

export const ZERO = exact(false, 0n, 0);

/** The exact sum of numbers; a zero is negative where all of them are. */
function total(...terms: readonly Exact[]): Exact {
  const e = Math.min(...terms.map((term) => term.e));
  const m = terms.reduce((sum, term) => sum + (term.m << BigInt(term.e - e)), 0n);
  return { m, e, negative: m === 0n ? terms.every(({ negative }) => negative) : m < 0n };
}

/** To 24 bits, the nearest, of two the even one; what is then smaller than every normal number is a zero. */
function rounded({ m, e, negative }: Exact): Exact {
  const size = m < 0n ? -m : m;
  const extra = Math.max(size.toString(2).length - 24, 0);
  let kept = size >> BigInt(extra);
  const rest = size - (kept << BigInt(extra));
  const middle = extra === 0 ? 1n : 1n << BigInt(extra - 1);
  if (rest > middle || (rest === middle && kept & 1n)) kept += 1n;
  const top = kept.toString(2).length - 1 + e + extra;
  if (kept !== 0n && top > 127) throw new RangeError('infinite');
  return exact(negative, top < -126 ? 0n : kept, e + extra);
}

export const sum = (a: Exact, b: Exact): Exact => rounded(total(a, b));
/** a · b + c with one rounding. */
export const multiplyAdd = (a: Exact, b: Exact, c: Exact): Exact =>
  rounded(total({ m: a.m * b.m, e: a.e + b.e, negative: a.negative !== b.negative }, c));

/** The bits of a number that is a single. */
export function bitsOf({ m, e, negative }: Exact): number {
  const sign = negative ? 0x8000_0000 : 0;
  const digits = (m < 0n ? -m : m).toString(2);
  if (m === 0n) return sign;
  const fraction = Number.parseInt(digits.slice(1).padEnd(23, '0').slice(0, 23), 2);
  return (sign | ((e + digits.length - 1 + 127) << 23) | fraction) >>> 0;
}
