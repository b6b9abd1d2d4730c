import { type FloatEnv, invalid, OE, PE, raise, UE, ZE } from './env.ts';
import { F80 } from './format.ts';
import { roundPack } from './round.ts';
import {
  denormalOperand,
  FINITE,
  INFINITY,
  propagateNaN,
  QNAN,
  UNSUPPORTED,
  type Unpacked,
  unpack,
  ZERO,
} from './unpack.ts';

/** What FPREM and FPREM1 give. */
export interface Remainder {
  readonly value: bigint;
  /** The exponents were too far apart: the remainder is partial (C2). */
  readonly partial: boolean;
  /** Low three bits of the quotient (C0 C3 C1 from the highest); 0 of a partial one, null of a NaN. */
  readonly quotient: number | null;
}

/** Exponent difference from which a remainder is computed in more than one step. */
const PARTIAL_FROM = 64;

/**
 * a − b × q where q = a ÷ b truncated (FPREM) or rounded to nearest even (FPREM1). When the exponents differ by D ≥ 64, one
 * call reduces the difference by 32 to 63, as the hardware does. Exact: never raises inexact. SDM 2 FPREM, FPREM1.
 */
export function remainder(env: FloatEnv, aBits: bigint, bBits: bigint, nearest: boolean): Remainder {
  const a = unpack(F80, aBits);
  const b = unpack(F80, bBits);
  const none = (value: bigint): Remainder => ({ value, partial: false, quotient: null });
  const whole = (value: bigint): Remainder => ({ value, partial: false, quotient: 0 });
  env.roundedUp = false;
  if (a.kind > INFINITY || b.kind > INFINITY) return none(propagateNaN(F80, env, a, b));
  if (a.kind === INFINITY || b.kind === ZERO) return none(invalid(F80, env));
  if (denormalOperand(env, a, b)) return none(0n);
  if (a.kind === ZERO) return whole(a.bits);
  if (b.kind === INFINITY) return whole(roundPack(F80, env, a.sign, a.exp, a.sig));

  const distance = a.exp - b.exp;
  if (distance >= PARTIAL_FROM) {
    const steps = (distance & 31) | 32;
    const left = (a.sig << BigInt(steps)) % b.sig;
    return { value: exact(env, a.sign, a.exp - steps, left), partial: true, quotient: 0 };
  }
  if (distance < -1) return whole(exact(env, a.sign, a.exp, a.sig));
  // Both on the exponent of the lower one, so that the quotient is that of two integers.
  const exp = Math.min(a.exp, b.exp);
  const dividend = a.sig << BigInt(a.exp - exp);
  const divisor = b.sig << BigInt(b.exp - exp);
  let quotient = dividend / divisor;
  let left = dividend - quotient * divisor;
  let sign = a.sign;
  if (nearest && (left * 2n > divisor || (left * 2n === divisor && (quotient & 1n) === 1n))) {
    quotient += 1n;
    left = divisor - left;
    sign ^= 1;
  }
  if (left === 0n) sign = a.sign;
  return { value: exact(env, sign, exp, left), partial: false, quotient: Number(quotient & 7n) };
}

const exact = (env: FloatEnv, sign: number, exp: number, sig: bigint): bigint =>
  sig === 0n ? (sign ? F80.signBit : 0n) : roundPack(F80, env, sign, exp, sig);

/** Scaling farther than this overflows or underflows whatever it starts from. */
const MAX_SCALE = 0x20000;

/** a × 2^(b truncated to an integer): FSCALE. Precision control does not apply. SDM 2 FSCALE. */
export function scale(env: FloatEnv, aBits: bigint, bBits: bigint): bigint {
  const a = unpack(F80, aBits);
  const b = unpack(F80, bBits);
  env.roundedUp = false;
  if (a.kind > INFINITY || b.kind > INFINITY) return propagateNaN(F80, env, a, b);
  if (b.kind === INFINITY && a.kind === (b.sign ? INFINITY : ZERO)) return invalid(F80, env);
  if (denormalOperand(env, a, b)) return 0n;
  if (a.kind !== FINITE) return a.bits;
  const signBit = a.sign ? F80.signBit : 0n;
  if (b.kind === INFINITY) return b.sign ? signBit : signBit | F80.infinity;
  const exp = a.exp + truncatedScale(b);
  const adjusted = exp + F80.precision - 1;
  // So far out that not even the adjusted exponent of an unmasked response would do.
  if (adjusted > F80.maxExponent + F80.exponentAdjust && !(env.masks & OE)) {
    raise(env, OE | PE);
    env.roundedUp = true;
    return signBit | F80.infinity;
  }
  if (adjusted < F80.minExponent - F80.exponentAdjust && !(env.masks & UE)) {
    raise(env, UE | PE);
    return signBit;
  }
  return roundPack(F80, env, a.sign, exp, a.sig);
}

function truncatedScale(b: Unpacked): number {
  if (b.kind === ZERO || b.exp < -F80.precision) return 0;
  const magnitude = b.exp > 0 ? MAX_SCALE : Math.min(Number(b.sig >> BigInt(-b.exp)), MAX_SCALE);
  return b.sign ? -magnitude : magnitude;
}

/** FXTRACT: the exponent of a as a number, and its significand with exponent 0. */
export interface Extracted {
  readonly exponent: bigint;
  readonly significand: bigint;
}

/** Takes a apart into exponent and significand. Zero has exponent −∞ and raises divide-by-zero. SDM 2 FXTRACT. */
export function extract(env: FloatEnv, bits: bigint): Extracted {
  const a = unpack(F80, bits);
  env.roundedUp = false;
  if (a.kind > INFINITY) {
    const nan = propagateNaN(F80, env, a, a);
    return { exponent: nan, significand: nan };
  }
  if (a.kind === INFINITY) return { exponent: F80.infinity, significand: bits };
  if (a.kind === ZERO) {
    raise(env, ZE);
    return { exponent: F80.signBit | F80.infinity, significand: bits };
  }
  if (denormalOperand(env, a)) return { exponent: 0n, significand: 0n };
  const exponent = a.exp + F80.precision - 1;
  const e = BigInt(Math.abs(exponent));
  return {
    exponent: exponent === 0 ? 0n : roundPack(F80, env, exponent < 0 ? 1 : 0, 0, e),
    significand: roundPack(F80, env, a.sign, 1 - F80.precision, a.sig),
  };
}

/** Classes that FXAM tells apart, as C3 C2 C0 (SDM 2 FXAM); 5 is an empty register. */
export const FXAM_UNSUPPORTED = 0b000;
export const FXAM_NAN = 0b001;
export const FXAM_NORMAL = 0b010;
export const FXAM_INFINITY = 0b011;
export const FXAM_ZERO = 0b100;
export const FXAM_EMPTY = 0b101;
export const FXAM_DENORMAL = 0b110;

/** The FXAM class of a double extended encoding. Pseudo-denormals are denormals. */
export function classify(bits: bigint): number {
  const a = unpack(F80, bits);
  if (a.kind === UNSUPPORTED) return FXAM_UNSUPPORTED;
  if (a.kind >= QNAN) return FXAM_NAN;
  if (a.kind === INFINITY) return FXAM_INFINITY;
  if (a.kind === ZERO) return FXAM_ZERO;
  return a.denormal ? FXAM_DENORMAL : FXAM_NORMAL;
}
