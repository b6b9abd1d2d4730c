import { type FloatEnv, invalid, ROUND_DOWN, raise, ZE } from './env.ts';
import { F80, type FloatFormat } from './format.ts';
import { roundPack } from './round.ts';
import {
  denormalOperand,
  FINITE,
  INFINITY,
  propagateNaN,
  QNAN,
  quieted,
  SNAN,
  UNSUPPORTED,
  type Unpacked,
  unpack,
  ZERO,
} from './unpack.ts';

/** Significand bits of an arithmetic result: only double extended obeys the x87 precision control. */
const resultPrecision = (fmt: FloatFormat, env: FloatEnv): number => (fmt === F80 ? env.precision : fmt.precision);

const infinityOf = (fmt: FloatFormat, sign: number): bigint => (sign ? fmt.signBit | fmt.infinity : fmt.infinity);
const zeroOf = (fmt: FloatFormat, sign: number): bigint => (sign ? fmt.signBit : 0n);

/** a + b (ADDSS, FADD …). SDM 1 4.8, 4.9. */
export function add(fmt: FloatFormat, env: FloatEnv, a: bigint, b: bigint): bigint {
  return addUnpacked(fmt, env, unpack(fmt, a, env.daz), unpack(fmt, b, env.daz), 0);
}

/** a − b. */
export function sub(fmt: FloatFormat, env: FloatEnv, a: bigint, b: bigint): bigint {
  return addUnpacked(fmt, env, unpack(fmt, a, env.daz), unpack(fmt, b, env.daz), 1);
}

/** a × b. */
export function mul(fmt: FloatFormat, env: FloatEnv, a: bigint, b: bigint): bigint {
  return mulUnpacked(fmt, env, unpack(fmt, a, env.daz), unpack(fmt, b, env.daz));
}

/** a ÷ b. */
export function div(fmt: FloatFormat, env: FloatEnv, a: bigint, b: bigint): bigint {
  return divUnpacked(fmt, env, unpack(fmt, a, env.daz), unpack(fmt, b, env.daz));
}

/** a + b, or a − b with `negateB` = 1, on operands taken apart. */
export function addUnpacked(fmt: FloatFormat, env: FloatEnv, a: Unpacked, b: Unpacked, negateB: number): bigint {
  if (a.kind > INFINITY || b.kind > INFINITY) return propagateNaN(fmt, env, a, b);
  const signB = b.sign ^ negateB;
  if (a.kind === INFINITY && b.kind === INFINITY && a.sign !== signB) return invalid(fmt, env);
  if (denormalOperand(env, a, b)) return 0n;
  if (a.kind === INFINITY) return infinityOf(fmt, a.sign);
  if (b.kind === INFINITY) return infinityOf(fmt, signB);
  return addExact(fmt, env, a.sign, a.exp, a.sig, signB, b.exp, b.sig);
}

/** Sum of two finite numbers with significands of `precision` to 2 × `precision` bits, or 0. */
function addExact(
  fmt: FloatFormat,
  env: FloatEnv,
  signA: number,
  expA: number,
  sigA: bigint,
  signB: number,
  expB: number,
  sigB: bigint,
): bigint {
  const precision = resultPrecision(fmt, env);
  if (sigA === 0n && sigB === 0n) return zeroOf(fmt, signA === signB ? signA : cancelledSign(env));
  if (sigA === 0n) return roundPack(fmt, env, signB, expB, sigB, precision);
  if (sigB === 0n) return roundPack(fmt, env, signA, expA, sigA, precision);
  if (expA < expB) return addExact(fmt, env, signB, expB, sigB, signA, expA, sigA);
  const distance = expA - expB;
  // Farther away than this, b lies below a quarter of a's last bit: an eighth stands for it.
  const far = distance > 2 * fmt.precision + 2;
  const exp = far ? expA - 3 : expB;
  const x = far ? sigA << 3n : sigA << BigInt(distance);
  const y = far ? 1n : sigB;
  if (signA === signB) return roundPack(fmt, env, signA, exp, x + y, precision);
  if (x === y) return zeroOf(fmt, cancelledSign(env));
  return x > y ? roundPack(fmt, env, signA, exp, x - y, precision) : roundPack(fmt, env, signB, exp, y - x, precision);
}

/** Sign of an exact zero sum of operands with different signs: negative only when rounding down. */
const cancelledSign = (env: FloatEnv): number => {
  env.roundedUp = false;
  return env.rounding === ROUND_DOWN ? 1 : 0;
};

/** a × b on operands taken apart. */
export function mulUnpacked(fmt: FloatFormat, env: FloatEnv, a: Unpacked, b: Unpacked): bigint {
  if (a.kind > INFINITY || b.kind > INFINITY) return propagateNaN(fmt, env, a, b);
  if (a.kind + b.kind === INFINITY + ZERO && a.kind !== FINITE) return invalid(fmt, env);
  if (denormalOperand(env, a, b)) return 0n;
  const sign = a.sign ^ b.sign;
  if (a.kind === INFINITY || b.kind === INFINITY) return infinityOf(fmt, sign);
  if (a.kind === ZERO || b.kind === ZERO) return zeroOf(fmt, sign);
  return roundPack(fmt, env, sign, a.exp + b.exp, a.sig * b.sig, resultPrecision(fmt, env));
}

/** a ÷ b on operands taken apart. */
export function divUnpacked(fmt: FloatFormat, env: FloatEnv, a: Unpacked, b: Unpacked): bigint {
  if (a.kind > INFINITY || b.kind > INFINITY) return propagateNaN(fmt, env, a, b);
  if (a.kind === b.kind && a.kind !== FINITE) return invalid(fmt, env);
  const sign = a.sign ^ b.sign;
  if (b.kind === ZERO && a.kind === FINITE) {
    raise(env, ZE);
    return infinityOf(fmt, sign);
  }
  if (denormalOperand(env, a, b)) return 0n;
  if (a.kind === INFINITY) return infinityOf(fmt, sign);
  if (a.kind === ZERO || b.kind === INFINITY) return zeroOf(fmt, sign);
  const extra = fmt.precision + 2;
  const dividend = a.sig << BigInt(extra);
  const quotient = dividend / b.sig;
  const sticky = quotient * b.sig === dividend ? 0n : 1n;
  return roundPack(fmt, env, sign, a.exp - b.exp - extra - 1, (quotient << 1n) | sticky, resultPrecision(fmt, env));
}

/** √a. −0 gives −0; other negative numbers are invalid. */
export function sqrt(fmt: FloatFormat, env: FloatEnv, bits: bigint): bigint {
  const a = unpack(fmt, bits, env.daz);
  if (a.kind > INFINITY) return propagateNaN(fmt, env, a, a);
  if (a.kind === ZERO) return a.bits;
  if (a.sign) return invalid(fmt, env);
  if (denormalOperand(env, a)) return 0n;
  if (a.kind === INFINITY) return a.bits;
  // An even exponent below, and 2 × precision + 4 bits or one more: the root has two bits beyond the precision.
  const extra = fmt.precision + 4 + ((a.exp ^ fmt.precision) & 1);
  const radicand = a.sig << BigInt(extra);
  const root = integerSqrt(radicand);
  const sticky = root * root === radicand ? 0n : 1n;
  return roundPack(fmt, env, 0, (a.exp - extra) / 2 - 1, (root << 1n) | sticky, resultPrecision(fmt, env));
}

/** ⌊√n⌋ for n below 2^1000: an estimate by double precision, one Newton step, and a correction. */
function integerSqrt(n: bigint): bigint {
  let root = BigInt(Math.floor(Math.sqrt(Number(n))));
  root = (root + n / root) >> 1n;
  while (root * root > n) root -= 1n;
  while ((root + 1n) * (root + 1n) <= n) root += 1n;
  return root;
}

/**
 * a × b + c with one rounding (VFMADD …; the negated forms flip signs of numbers first). Of several NaNs the first in
 * the order a, b, c is taken; ∞ × 0 + QNaN is that QNaN, without invalid. SDM 1 14.5.2.
 */
export function fma(fmt: FloatFormat, env: FloatEnv, aBits: bigint, bBits: bigint, cBits: bigint): bigint {
  const a = unpack(fmt, aBits, env.daz);
  const b = unpack(fmt, bBits, env.daz);
  const c = unpack(fmt, cBits, env.daz);
  for (const x of [a, b, c]) if (x.kind === SNAN || x.kind === UNSUPPORTED) invalid(fmt, env);
  for (const x of [a, b, c]) if (x.kind >= QNAN) return quieted(fmt, x.bits);
  const sign = a.sign ^ b.sign;
  const productInfinite = a.kind === INFINITY || b.kind === INFINITY;
  const productZero = a.kind === ZERO || b.kind === ZERO;
  if (productInfinite && productZero) return invalid(fmt, env);
  if (productInfinite && c.kind === INFINITY && c.sign !== sign) return invalid(fmt, env);
  if (denormalOperand(env, a, b) || denormalOperand(env, c)) return 0n;
  if (productInfinite) return infinityOf(fmt, sign);
  if (c.kind === INFINITY) return c.bits;
  return addExact(fmt, env, sign, a.exp + b.exp, a.sig * b.sig, c.sign, c.exp, c.sig);
}
