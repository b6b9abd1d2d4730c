import { type FloatEnv, OE, PE, ROUND_DOWN, ROUND_NEAREST, ROUND_UP, type RoundingMode, UE } from './env.ts';
import type { FloatFormat } from './format.ts';
import { bitLength } from './unpack.ts';

/**
 * Whether a magnitude `m` followed by a non-zero `rest` of `shift` bits rounds away from zero.
 * `rest / 2^shift` is the part that is cut off.
 */
export function roundsUp(rounding: RoundingMode, sign: number, m: bigint, rest: bigint, shift: number): boolean {
  if (rounding === ROUND_NEAREST) {
    const half = 1n << BigInt(shift - 1);
    return rest > half || (rest === half && (m & 1n) === 1n);
  }
  return rounding === (sign ? ROUND_DOWN : ROUND_UP);
}

/**
 * Rounds (−1)^sign × sig × 2^exp, `sig` > 0, to a number of `fmt` with at most `precision` significant bits, and raises
 * overflow, underflow (tininess is detected after rounding) and inexact. The lowest bit of `sig` may be sticky, standing
 * for everything below it, when two bits or more lie beyond the precision.
 */
export function roundPack(
  fmt: FloatFormat,
  env: FloatEnv,
  sign: number,
  exp: number,
  sig: bigint,
  precision = fmt.precision,
): bigint {
  const length = bitLength(sig);
  const e = exp + length - 1;
  let shift = length - precision;
  let tiny = false;
  if (e < fmt.minExponent) {
    tiny = isTiny(fmt, env, sign, e, sig, shift);
    if (tiny && !(env.masks & UE)) {
      env.flags |= UE;
      return roundPack(fmt, env, sign, exp + fmt.exponentAdjust, sig, precision);
    } else if (tiny && env.ftz) {
      env.flags |= UE | PE;
      return sign ? fmt.signBit : 0n;
    }
    shift = fmt.quantum + (fmt.precision - precision) - exp;
  }
  let m: bigint;
  let inexact = false;
  let up = false;
  if (shift > 0) {
    m = sig >> BigInt(shift);
    const rest = BigInt.asUintN(shift, sig);
    if (rest !== 0n) {
      inexact = true;
      up = roundsUp(env.rounding, sign, m, rest, shift);
      if (up) m += 1n;
    }
  } else m = sig << BigInt(-shift);
  if (e >= fmt.maxExponent && (e > fmt.maxExponent || m >> BigInt(precision))) {
    env.flags |= OE;
    if (env.masks & OE) return overflowed(fmt, env, sign, precision);
    return roundPack(fmt, env, sign, exp - fmt.exponentAdjust, sig, precision);
  }
  env.roundedUp = up;
  if (inexact) env.flags |= tiny ? UE | PE : PE;
  return pack(fmt, sign, m << BigInt(fmt.precision - precision), exp + shift - (fmt.precision - precision));
}

/** A number below the smallest normal one is tiny unless rounding it, with an unbounded exponent, carries it up there. */
function isTiny(fmt: FloatFormat, env: FloatEnv, sign: number, e: number, sig: bigint, shift: number): boolean {
  if (e < fmt.minExponent - 1 || shift <= 0) return true;
  const m = sig >> BigInt(shift);
  const rest = BigInt.asUintN(shift, sig);
  return rest === 0n || !roundsUp(env.rounding, sign, m, rest, shift) || bitLength(m + 1n) === bitLength(m);
}

/** The masked response to overflow: infinity, or the largest finite number when rounding towards zero (SDM 1 table 4-10). */
function overflowed(fmt: FloatFormat, env: FloatEnv, sign: number, precision: number): bigint {
  const signBit = sign ? fmt.signBit : 0n;
  const toInfinity = env.rounding === ROUND_NEAREST || env.rounding === (sign ? ROUND_DOWN : ROUND_UP);
  env.flags |= PE;
  env.roundedUp = toInfinity;
  if (toInfinity) return signBit | fmt.infinity;
  const unused = (1n << BigInt(fmt.precision - precision)) - 1n;
  return signBit | (BigInt(fmt.exponentMask - 1) << fmt.storedShift) | (fmt.storedMask - unused);
}

/** Bit pattern of ±m × 2^q, where m has at most `precision` bits, or one more as the power of two a carry made. */
function pack(fmt: FloatFormat, sign: number, m: bigint, q: number): bigint {
  const signBit = sign ? fmt.signBit : 0n;
  const exponent = BigInt(q - fmt.quantum);
  // The implicit integer bit adds itself to the exponent field, and so does the carry.
  if (!fmt.explicitInteger) return signBit | ((exponent << fmt.storedShift) + m);
  if (m > fmt.storedMask) return signBit | ((exponent + 2n) << fmt.storedShift) | (m >> 1n);
  return signBit | ((exponent + (m >> BigInt(fmt.precision - 1))) << fmt.storedShift) | m;
}
