import { DE, type FloatEnv, IE, invalid, PE, raise, ZE } from './env.ts';
import { F80 } from './format.ts';
import { roundPack } from './round.ts';
import { arcTangent, cosine, exponentialLessOne, LN2, logarithm, ONE, P, PI, sine } from './series.ts';
import { bitLength, denormalOperand, FINITE, INFINITY, propagateNaN, type Unpacked, unpack, ZERO } from './unpack.ts';

/**
 * The x87's transcendental functions (SDM 1 8.3.10). CPUs give them within one unit in the last place; here they are rounded
 * correctly by RC, but for the reduction of angles, which uses the π of 66 bits that CPUs use. PC does not apply.
 */

/** Exponent of a finite number's first bit. */
const exponentOf = (a: Unpacked): number => a.exp + F80.precision - 1;
const signBitOf = (sign: number): bigint => (sign ? F80.signBit : 0n);

/** Numbers below 2^-NEAR differ from the first term of their series by less than a bit behind 128. */
const NEAR = 68;
const EXTRA = 64;

/** ±sig · 2^exp, sig normalised, with something further behind (`beyond` 1) or missing (−1), which no RC takes for exact. */
function inexact(env: FloatEnv, sign: number, exp: number, sig: bigint, beyond: 1 | -1 = 1): bigint {
  return roundPack(F80, env, sign, exp - EXTRA, (sig << BigInt(EXTRA)) + BigInt(beyond));
}

/** A fixed-point number, whose last bits are not right. */
function fromFixed(env: FloatEnv, value: bigint): bigint {
  const sign = value < 0n ? 1 : 0;
  return roundPack(F80, env, sign, -P, (sign ? -value : value) | 1n);
}

/** A finite number above 2^-NEAR as a fixed-point one, exactly. */
function toFixed(a: Unpacked): bigint {
  const magnitude = a.exp + P >= 0 ? a.sig << BigInt(a.exp + P) : a.sig >> BigInt(-a.exp - P);
  return a.sign ? -magnitude : magnitude;
}

/** 2^x − 1 for −1 ≤ x ≤ 1; farther out CPUs leave x as it is. SDM 2 F2XM1. */
export function powerLessOne(env: FloatEnv, bits: bigint): bigint {
  const a = unpack(F80, bits);
  env.roundedUp = false;
  if (a.kind > INFINITY) return propagateNaN(F80, env, a, a);
  if (a.kind === INFINITY) return a.sign ? F80.signBit | ONE_80 : bits;
  if (a.kind === ZERO || denormalOperand(env, a)) return bits;
  const e = exponentOf(a);
  if (e >= 0) {
    env.flags |= PE;
    return a.sign && bits === (F80.signBit | ONE_80) ? F80.signBit | HALF_80 : bits;
  }
  if (e >= -NEAR) return fromFixed(env, exponentialLessOne((toFixed(a) * LN2) >> BigInt(P)));
  return inexact(env, a.sign, a.exp - P, a.sig * LN2, a.sign ? -1 : 1);
}

const ONE_80 = 0x3fff_8000_0000_0000_0000n;
const HALF_80 = 0x3ffe_8000_0000_0000_0000n;

/** y · log, where log is not zero. */
function times(env: FloatEnv, y: Unpacked, log: bigint, exactly: boolean): bigint {
  const sign = y.sign ^ (log < 0n ? 1 : 0);
  const product = y.sig * (log < 0n ? -log : log);
  return exactly ? roundPack(F80, env, sign, y.exp - P, product) : inexact(env, sign, y.exp - P, product);
}

/** y · log2 x where x or y is zero, infinite, or x is 1: `relation` is the sign of log2 x, `far` where that is infinite. */
function specialLog(env: FloatEnv, y: Unpacked, relation: number, far: boolean): bigint {
  const sign = y.sign ^ (relation < 0 ? 1 : 0);
  if (far ? y.kind === ZERO : relation === 0 && y.kind === INFINITY) return invalid(F80, env);
  return far || y.kind === INFINITY ? signBitOf(sign) | F80.infinity : signBitOf(sign);
}

/** y · log2 x. SDM 2 FYL2X. */
export function yLog2(env: FloatEnv, xBits: bigint, yBits: bigint): bigint {
  const x = unpack(F80, xBits);
  const y = unpack(F80, yBits);
  env.roundedUp = false;
  if (x.kind > INFINITY || y.kind > INFINITY) return propagateNaN(F80, env, x, y);
  if (x.sign && x.kind !== ZERO) return invalid(F80, env);
  if (x.kind === ZERO) {
    if (y.kind === FINITE) raise(env, ZE);
    return specialLog(env, y, -1, true);
  }
  if (denormalOperand(env, x, y)) return 0n;
  if (x.kind === INFINITY) return specialLog(env, y, 1, true);
  const relation = xBits === ONE_80 ? 0 : exponentOf(x) < 0 ? -1 : 1;
  if (y.kind !== FINITE || relation === 0) return specialLog(env, y, relation, false);
  let e = exponentOf(x);
  let unit = F80.integerBit;
  // Between √½ and √2.
  if (x.sig * x.sig > 2n * unit * unit) {
    e += 1;
    unit <<= 1n;
  }
  if (x.sig === unit) return times(env, y, BigInt(e) * ONE, true);
  return times(env, y, BigInt(e) * ONE + (logarithm(x.sig, unit) << BigInt(P)) / LN2, false);
}

/** y · log2(x + 1) for |x| < 1 − √½; above that as far as the logarithm goes, and from −1 down CPUs give x · y. SDM 2 FYL2XP1. */
export function yLog2PlusOne(env: FloatEnv, xBits: bigint, yBits: bigint): bigint {
  const x = unpack(F80, xBits);
  const y = unpack(F80, yBits);
  env.roundedUp = false;
  if (x.kind > INFINITY || y.kind > INFINITY) return propagateNaN(F80, env, x, y);
  if (x.kind === INFINITY) {
    if (x.sign) return invalid(F80, env);
    if (y.denormal) env.flags |= DE;
    return specialLog(env, y, 1, true);
  }
  if (denormalOperand(env, x, y)) return 0n;
  const relation = x.kind === ZERO ? 0 : x.sign ? -1 : 1;
  if (x.kind === ZERO && y.kind !== INFINITY) return signBitOf(x.sign ^ y.sign);
  if (y.kind !== FINITE || relation === 0) return specialLog(env, y, relation, false);
  const e = exponentOf(x);
  if (e < -NEAR) {
    const sig = (x.sig * y.sig * ONE) / LN2;
    return inexact(env, x.sign ^ y.sign, x.exp + y.exp, sig, x.sign ? 1 : -1);
  }
  if (x.sign && e >= 0) return inexact(env, x.sign ^ y.sign, x.exp + y.exp, x.sig * y.sig);
  const z = ONE + toFixed(x);
  const power = bitLength(z) - 1 - P;
  const unit = power < 0 ? ONE >> BigInt(-power) : ONE << BigInt(power);
  return times(env, y, BigInt(power) * ONE + (logarithm(z, unit) << BigInt(P)) / LN2, false);
}

/** The angle of the point (x, y). SDM 2 FPATAN. */
export function angle(env: FloatEnv, xBits: bigint, yBits: bigint): bigint {
  const x = unpack(F80, xBits);
  const y = unpack(F80, yBits);
  env.roundedUp = false;
  if (x.kind > INFINITY || y.kind > INFINITY) return propagateNaN(F80, env, x, y);
  if (denormalOperand(env, x, y)) return 0n;
  const turned = (value: bigint): bigint => fromFixed(env, y.sign ? -value : value);
  if (y.kind === ZERO || (x.kind === INFINITY && y.kind !== INFINITY)) return x.sign ? turned(PI) : signBitOf(y.sign);
  if (x.kind === INFINITY) return turned(x.sign ? (3n * PI) / 4n : PI / 4n);
  if (y.kind === INFINITY || x.kind === ZERO) return turned(PI / 2n);
  const distance = exponentOf(y) - exponentOf(x);
  if (!x.sign && distance < -NEAR) {
    // A quotient so small is its own angle but for its last bits.
    return inexact(env, y.sign, y.exp - x.exp - 2 * EXTRA, (y.sig << BigInt(2 * EXTRA)) / x.sig, -1);
  }
  if (distance < -P) return turned(PI);
  if (distance > P) return turned(PI / 2n);
  const exp = Math.min(x.exp, y.exp);
  const [p, q] = [x.sig << BigInt(x.exp - exp), y.sig << BigInt(y.exp - exp)];
  const first = p >= q ? arcTangent((q * ONE) / p) : PI / 2n - arcTangent((p * ONE) / q);
  return turned(x.sign ? PI - first : first);
}

/** π of 66 bits, and how many of them stand behind its point (SDM 1 8.3.8). */
const PI_66 = 0xc90f_daa2_2168_c234_cn;
const PI_66_PLACES = 66;
/** Angles from 2^63 on are left alone (C2). */
const REACH = 63;

/** An angle within the reach of FSIN and its kin, its quarter turns taken off. */
interface Reduced {
  readonly quarters: number;
  /** What is left, between −π/4 and π/4: a fixed-point number, or the angle itself where it is tiny. */
  readonly rest: bigint;
  readonly tiny: Unpacked | null;
}

function reduced(a: Unpacked): Reduced {
  if (exponentOf(a) < -NEAR) return { quarters: 0, rest: 0n, tiny: a };
  const x = toFixed(a);
  const quarter = PI_66 << BigInt(P - PI_66_PLACES - 1);
  const magnitude = x < 0n ? -x : x;
  const turns = (2n * magnitude + quarter) / (2n * quarter);
  const rest = magnitude - turns * quarter;
  const quarters = Number(turns & 3n);
  return x < 0n ? { quarters: (4 - quarters) & 3, rest: -rest, tiny: null } : { quarters, rest, tiny: null };
}

/** Results of FSIN, FCOS, FSINCOS and FPTAN: a value for each; null where the angle is out of reach. */
export type Trigonometric = 'sin' | 'cos' | 'tan';

/** Sine, cosine or tangent. `exact` is what zeros and infinities give. SDM 2 FSIN, FCOS, FPTAN. */
export function trigonometric(env: FloatEnv, bits: bigint, f: Trigonometric): bigint | null {
  const a = unpack(F80, bits);
  env.roundedUp = false;
  if (a.kind > INFINITY) return propagateNaN(F80, env, a, a);
  if (a.kind === INFINITY) {
    env.flags |= IE;
    return F80.defaultNaN;
  }
  if (a.kind === ZERO) return f === 'cos' ? ONE_80 : bits;
  if (exponentOf(a) >= REACH) return null;
  if (denormalOperand(env, a)) return 0n;
  const { quarters, rest, tiny } = reduced(a);
  if (tiny !== null) {
    if (f === 'cos') return inexact(env, 0, 1 - F80.precision, F80.integerBit, -1);
    return inexact(env, a.sign, a.exp, a.sig, f === 'tan' ? 1 : -1);
  }
  if (f === 'tan') {
    const [s, c] = [sine(rest), cosine(rest)];
    return fromFixed(env, quarters & 1 ? (-c * ONE) / s : (s * ONE) / c);
  }
  const turns = f === 'cos' ? (quarters + 1) & 3 : quarters;
  const value = turns & 1 ? cosine(rest) : sine(rest);
  return fromFixed(env, turns & 2 ? -value : value);
}
