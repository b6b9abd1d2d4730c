import { bitLength, INFINITY, unpack, ZERO } from '../../bits/float/unpack.ts';
import type { FloatEnv, FloatFormat } from '../../bits/softfloat.ts';
import { SINGLE_AND_DOUBLE } from './formats.ts';
import { evex } from './row.ts';

/**
 * Reciprocals and reciprocal square roots. The manual bounds their relative error by 2^-14 and CPUs differ within it; these are the
 * exact ones rounded to 16 bits behind the point, an error of at most 2^-17. No exception is reported (SDM 2C VRCP14PS, VRSQRT14PS).
 */
const PLACES = 16;
/** Bits of the quotient or root before it is rounded. */
const WORKING = 64n;

/** ±m · 2^(exp − PLACES) with 1 ≤ m · 2^-PLACES < 2, as a number of `fmt`; what is tiny loses its last bits, or all with FTZ. */
function packed(fmt: FloatFormat, sign: number, exp: number, m: bigint, ftz = false): bigint {
  const signBit = sign ? fmt.signBit : 0n;
  if (exp > fmt.maxExponent) return signBit | fmt.infinity;
  const fraction = m << BigInt(fmt.precision - 1 - PLACES);
  const below = fmt.minExponent - exp;
  if (below > 0) return ftz ? signBit : signBit | (fraction >> BigInt(below));
  return signBit | (BigInt(exp + fmt.bias) << fmt.storedShift) | (fraction & fmt.storedMask);
}

/** Rounds m / 2^shift to nearest and gives it with its exponent, as `packed` takes them. */
function rounded(fmt: FloatFormat, sign: number, exp: number, m: bigint, ftz = false): bigint {
  const shift = BigInt(bitLength(m) - 1 - PLACES);
  const near = (m + (1n << (shift - 1n))) >> shift;
  const carry = bitLength(near) - 1 - PLACES;
  return packed(fmt, sign, exp + carry, near >> BigInt(carry), ftz);
}

function reciprocal(fmt: FloatFormat, { daz, ftz }: FloatEnv, bits: bigint): bigint {
  const a = unpack(fmt, bits, daz);
  const signBit = a.sign ? fmt.signBit : 0n;
  if (a.kind > INFINITY) return bits | fmt.quietBit;
  if (a.kind === INFINITY) return signBit;
  if (a.kind === ZERO) return signBit | fmt.infinity;
  const exponent = a.exp + fmt.precision - 1;
  const power = a.sig === fmt.integerBit;
  if (power) return packed(fmt, a.sign, -exponent, 1n << BigInt(PLACES), ftz);
  return rounded(fmt, a.sign, -exponent - 1, (fmt.integerBit << WORKING) / a.sig, ftz);
}

function rootReciprocal(fmt: FloatFormat, { daz }: FloatEnv, bits: bigint): bigint {
  const a = unpack(fmt, bits, daz);
  if (a.kind > INFINITY) return bits | fmt.quietBit;
  if (a.kind === ZERO) return (a.sign ? fmt.signBit : 0n) | fmt.infinity;
  if (a.sign) return fmt.defaultNaN;
  if (a.kind === INFINITY) return 0n;
  // sig · 2^exp with an even exponent: 2^W / sqrt(sig) is the root of 2^2W / sig.
  const odd = a.exp & 1;
  const sig = a.sig << BigInt(odd);
  const exp = (a.exp - odd) / 2;
  const root = squareRoot((1n << (2n * WORKING + 2n * BigInt(fmt.precision))) / sig);
  return rounded(fmt, 0, -exp - Number(WORKING) - fmt.precision + bitLength(root) - 1, root);
}

/** Floor of the square root. */
function squareRoot(n: bigint): bigint {
  let x = 1n << BigInt((bitLength(n) + 1) >> 1);
  for (;;) {
    const next = (x + n / x) >> 1n;
    if (next >= x) return x;
    x = next;
  }
}

for (const [suffix, fmt, w] of SINGLE_AND_DOUBLE)
  for (const scalar of [false, true]) {
    const form = `14${scalar ? 's' : 'p'}${suffix}`;
    evex(`vrcp${form}`, w, (s, i) => reciprocal(fmt, s.env, s.b[i]!), { scalar });
    evex(`vrsqrt${form}`, w, (s, i) => rootReciprocal(fmt, s.env, s.b[i]!), { scalar });
  }
