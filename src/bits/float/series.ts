import { bitLength } from './unpack.ts';

/** Elementary functions on fixed-point numbers with `P` bits behind the point: bigints, so that a result's first 100 bits are right. */

export const P = 420;
const BITS = BigInt(P);
export const ONE = 1n << BITS;

const multiply = (a: bigint, b: bigint): bigint => (a * b) >> BITS;
const divide = (a: bigint, b: bigint): bigint => (a << BITS) / b;

/** Floor of the square root. */
export function integerRoot(n: bigint): bigint {
  if (n < 2n) return n;
  let x = 1n << BigInt((bitLength(n) + 1) >> 1);
  for (;;) {
    const next = (x + n / x) >> 1n;
    if (next >= x) return x;
    x = next;
  }
}

/** Σ term, where each follows from the last by `next` until nothing is left. */
function sum(first: bigint, next: (term: bigint, n: bigint) => bigint): bigint {
  let total = 0n;
  let n = 1n;
  for (let term = first; term !== 0n && term !== -1n; n++) {
    total += term;
    term = next(term, n);
  }
  return total;
}

/** Σ ± z^(2n+1) / (2n+1). */
function oddPowers(z: bigint, alternating: boolean): bigint {
  const square = multiply(z, z);
  let power = z;
  let total = 0n;
  for (let n = 1n; power !== 0n && power !== -1n; n += 2n) {
    total += alternating && n % 4n === 3n ? -(power / n) : power / n;
    power = multiply(power, square);
  }
  return total;
}

export const sine = (x: bigint): bigint => {
  const square = multiply(x, x);
  return sum(x, (term, n) => -multiply(term, square) / (2n * n * (2n * n + 1n)));
};
export const cosine = (x: bigint): bigint => {
  const square = multiply(x, x);
  return sum(ONE, (term, n) => -multiply(term, square) / (2n * n * (2n * n - 1n)));
};
/** e^x − 1. */
export const exponentialLessOne = (x: bigint): bigint => sum(x, (term, n) => multiply(term, x) / (n + 1n));

/** ln of p / q; both positive, the quotient near 1. */
export const logarithm = (p: bigint, q: bigint): bigint => 2n * oddPowers(((p - q) << BITS) / (p + q), false);

const HALVINGS = 4;
/** Angle of a tangent between 0 and 1. */
export function arcTangent(t: bigint): bigint {
  let x = t;
  for (let n = 0; n < HALVINGS; n++) x = divide(x, ONE + integerRoot((ONE << BITS) + x * x));
  return oddPowers(x, true) << BigInt(HALVINGS);
}

export const LN2: bigint = logarithm(2n, 1n);
/** π by Machin's formula. */
export const PI: bigint = 4n * (4n * oddPowers(ONE / 5n, true) - oddPowers(ONE / 239n, true));
