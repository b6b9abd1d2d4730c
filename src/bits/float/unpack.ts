import { DE, type FloatEnv, IE, invalid, raise } from './env.ts';
import { F80, type FloatFormat } from './format.ts';

/** Kinds of operand. Those above `INFINITY` need a NaN or an invalid response before anything else. */
export const ZERO = 0;
export const FINITE = 1;
export const INFINITY = 2;
export const QNAN = 3;
export const SNAN = 4;
export const UNSUPPORTED = 5;

/** An operand taken apart. A finite one is (−1)^sign × sig × 2^exp with exactly `precision` bits in `sig`. */
export interface Unpacked {
  readonly kind: number;
  readonly sign: number;
  readonly exp: number;
  readonly sig: bigint;
  readonly denormal: boolean;
  /** The operand's encoding; a denormal flushed by DAZ is a zero here. */
  readonly bits: bigint;
}

/** Number of bits up to the highest one that is set; 0 for 0. */
export function bitLength(x: bigint): number {
  let length = 0;
  let rest = x;
  while (rest > 0xffff_ffffn) {
    const high = rest >> 32n;
    length += 32;
    rest = high;
  }
  return length + 32 - Math.clz32(Number(rest));
}

/** Takes a bit pattern apart. With `daz` a denormal is a zero of the same sign. */
export function unpack(fmt: FloatFormat, bits: bigint, daz = false): Unpacked {
  const sign = bits >= fmt.signBit ? 1 : 0;
  const field = Number(bits >> fmt.storedShift) & fmt.exponentMask;
  const stored = bits & fmt.storedMask;
  if (field === 0) {
    if (stored === 0n) return { kind: ZERO, sign, exp: 0, sig: 0n, denormal: false, bits };
    if (daz) return { kind: ZERO, sign, exp: 0, sig: 0n, denormal: false, bits: sign ? fmt.signBit : 0n };
    const shift = fmt.precision - bitLength(stored);
    return { kind: FINITE, sign, exp: fmt.quantum - shift, sig: stored << BigInt(shift), denormal: true, bits };
  }
  if (fmt.explicitInteger && !(stored & fmt.integerBit))
    return { kind: UNSUPPORTED, sign, exp: 0, sig: 0n, denormal: false, bits };
  if (field === fmt.exponentMask) {
    let kind = INFINITY;
    if (stored & fmt.fractionMask) kind = stored & fmt.quietBit ? QNAN : SNAN;
    return { kind, sign, exp: 0, sig: 0n, denormal: false, bits };
  }
  return { kind: FINITE, sign, exp: fmt.quantum + field - 1, sig: stored | fmt.integerBit, denormal: false, bits };
}

/**
 * Takes an operand of a narrower format apart as an operand of `to`, without raising anything: the way x87 arithmetic
 * reads m32fp and m64fp, which still know that they were denormal or signalling.
 */
export function unpackWidened(from: FloatFormat, to: FloatFormat, bits: bigint): Unpacked {
  const x = unpack(from, bits);
  const widening = to.precision - from.precision;
  const sig = x.sig << BigInt(widening);
  const exp = x.exp - widening;
  const signBit = x.sign ? to.signBit : 0n;
  let wide = signBit;
  if (x.kind === FINITE)
    wide |= (BigInt(exp - to.quantum + 1) << to.storedShift) | (to.explicitInteger ? sig : sig & to.fractionMask);
  else if (x.kind !== ZERO) wide |= to.infinity | ((bits & from.fractionMask) << BigInt(widening));
  return { kind: x.kind, sign: x.sign, exp, sig, denormal: x.denormal, bits: wide };
}

/** A NaN of `fmt` made quiet. */
export const quieted = (fmt: FloatFormat, bits: bigint): bigint => bits | fmt.quietBit;

/**
 * The result of an operation with a NaN (or unsupported) operand. SSE takes the first operand that is a NaN; the x87
 * prefers a QNaN to an SNaN and else the larger significand, the positive one of equals (SDM 1 table 4-7).
 */
export function propagateNaN(fmt: FloatFormat, env: FloatEnv, a: Unpacked, b: Unpacked): bigint {
  if (a.kind === UNSUPPORTED || b.kind === UNSUPPORTED) return invalid(fmt, env);
  if (a.kind === SNAN || b.kind === SNAN) env.flags |= IE;
  if (b.kind < QNAN) return quieted(fmt, a.bits);
  if (a.kind < QNAN) return quieted(fmt, b.bits);
  if (fmt !== F80) return quieted(fmt, a.bits);
  if (a.kind !== b.kind) return a.kind === QNAN ? a.bits : b.bits;
  const sigA = quieted(fmt, a.bits) & fmt.storedMask;
  const sigB = quieted(fmt, b.bits) & fmt.storedMask;
  const takeA = sigA === sigB ? a.sign <= b.sign : sigA > sigB;
  return quieted(fmt, takeA ? a.bits : b.bits);
}

/** Raises the denormal-operand exception if an operand is denormal; true when that is unmasked. */
export function denormalOperand(env: FloatEnv, a: Unpacked, b?: Unpacked): boolean {
  return (a.denormal || b?.denormal === true) && raise(env, DE);
}
