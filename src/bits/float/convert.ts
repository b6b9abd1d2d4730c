import { type FloatEnv, IE, invalid, OE, PE, ROUND_ZERO, UE } from './env.ts';
import { F80, type FloatFormat } from './format.ts';
import { roundPack, roundsUp } from './round.ts';
import { denormalOperand, INFINITY, QNAN, quieted, SNAN, UNSUPPORTED, type Unpacked, unpack, ZERO } from './unpack.ts';

/**
 * Converts between formats (CVTSS2SD, FLD m32fp, FST m64fp …). A NaN keeps its sign and the top of its payload and becomes
 * quiet. Storing a double extended number does not report a denormal operand, and loading one gives its result even
 * where that exception is unmasked.
 */
export function convert(from: FloatFormat, to: FloatFormat, env: FloatEnv, bits: bigint): bigint {
  const a = unpack(from, bits, env.daz);
  const signBit = a.sign ? to.signBit : 0n;
  env.roundedUp = false;
  if (a.kind === UNSUPPORTED) return invalid(to, env);
  if (a.kind >= QNAN) {
    if (a.kind === SNAN) env.flags |= IE;
    const payload = bits & from.fractionMask;
    const widening = BigInt(to.precision - from.precision);
    return signBit | to.infinity | to.quietBit | (payload << widening);
  }
  if (from !== F80 && denormalOperand(env, a) && to !== F80) return 0n;
  if (a.kind === INFINITY) return signBit | to.infinity;
  if (a.kind === ZERO) return signBit;
  const result = roundPack(to, env, a.sign, a.exp, a.sig);
  if (from === F80 && env.flags & ~env.masks & (OE | UE)) {
    // FST to memory then stores nothing, and reports no rounding.
    env.flags &= ~PE;
    env.roundedUp = false;
  }
  return result;
}

/** Widths of the integers that x86 converts from and to. */
/** 65: an unsigned number of 64 bits with its sign. */
export type IntWidth = 16 | 32 | 64 | 65;

/** The magnitude of a finite number rounded to an integer; raises inexact. */
export function roundMagnitude(env: FloatEnv, a: Unpacked, rounding = env.rounding): bigint {
  env.roundedUp = false;
  if (a.exp >= 0) return a.sig << BigInt(a.exp);
  // Past two bits beyond the significand every fraction rounds alike.
  const shift = Math.min(-a.exp, F80.precision + 2);
  const m = a.sig >> BigInt(shift);
  const rest = BigInt.asUintN(shift, a.sig);
  if (rest === 0n) return m;
  env.flags |= PE;
  if (!roundsUp(rounding, a.sign, m, rest, shift)) return m;
  env.roundedUp = true;
  return m + 1n;
}

/** Largest exponent of a significand's last bit that may still fit an integer of 64 bits, or 18 digits. */
const MAX_INTEGER_EXPONENT = 64;

/**
 * A signed integer of `width` bits in two's complement (CVTSS2SI, FIST …), or by truncation (CVTTSS2SI, FISTTP). Out of
 * range and NaN give the integer indefinite, invalid, and nothing else. Denormal operands are not reported.
 */
export function toInt(fmt: FloatFormat, env: FloatEnv, bits: bigint, width: IntWidth, truncate = false): bigint {
  const a = unpack(fmt, bits, env.daz);
  env.roundedUp = false;
  if (a.kind === ZERO) return 0n;
  const indefinite = 1n << BigInt(width - 1);
  if (a.kind < INFINITY && a.exp < MAX_INTEGER_EXPONENT) {
    const before = env.flags;
    const magnitude = roundMagnitude(env, a, truncate ? ROUND_ZERO : env.rounding);
    if (magnitude < indefinite || (a.sign && magnitude === indefinite))
      return BigInt.asUintN(width, a.sign ? -magnitude : magnitude);
    env.flags = before;
    env.roundedUp = false;
  }
  env.flags |= IE;
  return indefinite;
}

/** A signed integer of `width` bits as a number of `fmt` (CVTSI2SS, FILD …). */
export function fromInt(fmt: FloatFormat, env: FloatEnv, value: bigint, width: IntWidth): bigint {
  const n = BigInt.asIntN(width, value);
  if (n === 0n) return 0n;
  return n < 0n ? roundPack(fmt, env, 1, 0, -n) : roundPack(fmt, env, 0, 0, n);
}

/** Rounds to an integral number in the same format (ROUNDSS, FRNDINT). Only FRNDINT reports a denormal operand. */
export function roundToInt(fmt: FloatFormat, env: FloatEnv, bits: bigint, rounding = env.rounding): bigint {
  const a = unpack(fmt, bits, env.daz);
  env.roundedUp = false;
  if (a.kind === UNSUPPORTED) return invalid(fmt, env);
  if (a.kind === SNAN) env.flags |= IE;
  if (a.kind >= QNAN) return quieted(fmt, bits);
  if (fmt === F80 && denormalOperand(env, a)) return 0n;
  if (a.kind !== ZERO && a.kind !== INFINITY && a.exp < 0) {
    const magnitude = roundMagnitude(env, a, rounding);
    if (magnitude === 0n) return a.sign ? fmt.signBit : 0n;
    const up = env.roundedUp;
    const result = roundPack(fmt, env, a.sign, 0, magnitude);
    env.roundedUp = up;
    return result;
  }
  return a.bits;
}
