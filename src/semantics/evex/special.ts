import { roundPack } from '../../bits/float/round.ts';
import { FINITE, INFINITY, QNAN, quieted, SNAN, type Unpacked, unpack, ZERO } from '../../bits/float/unpack.ts';
import {
  ALL_EXCEPTIONS,
  DE,
  type FloatEnv,
  type FloatFormat,
  IE,
  invalid,
  PE,
  type RoundingMode,
  sub,
  UE,
  ZE,
} from '../../bits/softfloat.ts';
import { FORMATS } from './formats.ts';
import { evex } from './row.ts';
import { roundScale } from './scalar.ts';

const isNotANumber = (a: Unpacked): boolean => a.kind > INFINITY;
const one = (fmt: FloatFormat): bigint => BigInt(fmt.bias) << fmt.storedShift;

/** The significand in the interval that imm[1:0] names, with the sign that imm[3:2] tells (SDM 2C VGETMANTPD). */
function significand(fmt: FloatFormat, env: FloatEnv, bits: bigint, imm: number): bigint {
  const a = unpack(fmt, bits, env.daz);
  if (a.kind === SNAN) env.flags |= IE;
  if (isNotANumber(a)) return quieted(fmt, bits);
  const signBit = a.sign && !(imm & 4) ? fmt.signBit : 0n;
  if (a.sign && imm & 8 && a.kind !== ZERO) return invalid(fmt, env);
  if (a.kind !== FINITE) return signBit | one(fmt);
  if (a.denormal) env.flags |= DE;
  const exponent = a.exp + fmt.precision - 1;
  const fraction = a.sig & fmt.storedMask;
  const halved = [false, (exponent & 1) === 1, true, (fraction & fmt.quietBit) !== 0n][imm & 3]!;
  return signBit | ((BigInt(fmt.bias) - (halved ? 1n : 0n)) << fmt.storedShift) | fraction;
}

/** a · 2^floor(b) (SDM 2C VSCALEFPD). */
function scaled(fmt: FloatFormat, env: FloatEnv, aBits: bigint, bBits: bigint): bigint {
  const a = unpack(fmt, aBits, env.daz);
  const b = unpack(fmt, bBits, env.daz);
  if (a.kind === SNAN || b.kind === SNAN) env.flags |= IE;
  const signBit = a.sign ? fmt.signBit : 0n;
  if (isNotANumber(a)) {
    if (a.kind === QNAN && b.kind === INFINITY) return b.sign ? 0n : fmt.infinity;
    return quieted(fmt, aBits);
  }
  if (isNotANumber(b)) return quieted(fmt, bBits);
  if (b.kind === INFINITY) {
    if (a.kind === (b.sign ? INFINITY : ZERO)) return invalid(fmt, env);
    if (a.denormal) env.flags |= DE;
    return b.sign ? signBit : signBit | fmt.infinity;
  }
  if (a.kind !== FINITE) return a.bits;
  if (a.denormal) env.flags |= DE;
  return roundPack(fmt, env, a.sign, a.exp + floorOf(b), a.sig);
}

/** The floor of a finite number, no further from zero than what decides every result. */
function floorOf(b: Unpacked): number {
  const FAR = 1 << 16;
  if (b.kind === ZERO) return 0;
  if (b.exp > 0) return b.sign ? -FAR : FAR;
  const shift = BigInt(-b.exp);
  const m = b.sig >> shift;
  const floor = b.sign ? -(m + (m << shift === b.sig ? 0n : 1n)) : m;
  return floor > FAR ? FAR : floor < -FAR ? -FAR : Number(floor);
}

/** Which column of the table a number stands for (SDM 2C VFIXUPIMMPD). */
const TOKEN = { qnan: 0, snan: 1, zero: 2, one: 3, minusInfinity: 4, infinity: 5, negative: 6, positive: 7 } as const;

function tokenOf(fmt: FloatFormat, a: Unpacked): number {
  if (a.kind === QNAN) return TOKEN.qnan;
  if (a.kind === SNAN) return TOKEN.snan;
  if (a.kind === ZERO) return TOKEN.zero;
  if (a.kind === INFINITY) return a.sign ? TOKEN.minusInfinity : TOKEN.infinity;
  if (a.bits === one(fmt)) return TOKEN.one;
  return a.sign ? TOKEN.negative : TOKEN.positive;
}

/** What imm reports, by token: pairs of a bit and an exception. */
const REPORTS: readonly (readonly (readonly [bit: number, exception: number])[])[] = [
  [],
  [[4, IE]],
  [
    [0, ZE],
    [1, IE],
  ],
  [
    [2, ZE],
    [3, IE],
  ],
  [[5, IE]],
  [[7, IE]],
  [[6, IE]],
  [],
];

/** Constants that a table may ask for. */
const CONSTANTS = {
  32: { ninety: 0x42b4_0000n, halfPi: 0x3fc9_0fdbn },
  64: { ninety: 0x4056_8000_0000_0000n, halfPi: 0x3ff9_21fb_5444_2d18n },
} as const;

function fixedUp(fmt: FloatFormat, env: FloatEnv, dst: bigint, src: bigint, table: bigint, imm: number): bigint {
  const a = unpack(fmt, src, env.daz);
  const token = tokenOf(fmt, a);
  for (const [bit, exception] of REPORTS[token]!) if ((imm >> bit) & 1) env.flags |= exception;
  const { ninety, halfPi } = CONSTANTS[fmt.width as 32 | 64];
  const unit = one(fmt);
  const largest = fmt.infinity - 1n;
  const answers = [
    dst,
    a.bits,
    quieted(fmt, a.bits | fmt.infinity),
    fmt.defaultNaN,
    fmt.signBit | fmt.infinity,
    fmt.infinity,
    (a.sign ? fmt.signBit : 0n) | fmt.infinity,
    fmt.signBit,
    0n,
    fmt.signBit | unit,
    unit,
    unit - fmt.integerBit,
    ninety,
    halfPi,
    largest,
    fmt.signBit | largest,
  ];
  return answers[Number((table >> BigInt(4 * token)) & 15n)]!;
}

/** The smaller or larger one, by value or magnitude, with a sign that imm[3:2] tells (SDM 2C VRANGEPD). */
function range(fmt: FloatFormat, env: FloatEnv, aBits: bigint, bBits: bigint, imm: number): bigint {
  const a = unpack(fmt, aBits, env.daz);
  const b = unpack(fmt, bBits, env.daz);
  for (const x of [a, b])
    if (x.kind === SNAN) {
      env.flags |= IE;
      return quieted(fmt, x.bits);
    }
  if ((a.denormal || b.denormal) && !isNotANumber(a) && !isNotANumber(b)) env.flags |= DE;
  const chosen = isNotANumber(b) ? a.bits : isNotANumber(a) ? b.bits : pick(fmt, a.bits, b.bits, imm);
  const magnitude = chosen & ~fmt.signBit;
  switch ((imm >> 2) & 3) {
    case 0:
      return magnitude | (a.bits & fmt.signBit);
    case 1:
      return chosen;
    case 2:
      return magnitude;
    default:
      return magnitude | fmt.signBit;
  }
}

function pick(fmt: FloatFormat, a: bigint, b: bigint, imm: number): bigint {
  const magnitude = (v: bigint): bigint => v & ~fmt.signBit;
  const value = (v: bigint): bigint => (v & fmt.signBit ? -magnitude(v) : v);
  const [p, q] = imm & 2 ? [magnitude(a), magnitude(b)] : [value(a), value(b)];
  // Of two that compare equal, the one with a sign is the smaller.
  const less = p === q ? (a & fmt.signBit) !== 0n : p < q;
  return less === ((imm & 1) === 0) ? a : b;
}

/** What rounding to 2^-M leaves over (SDM 2C VREDUCEPD); M and the rounding as in VRNDSCALE. */
function reduced(fmt: FloatFormat, env: FloatEnv, bits: bigint, imm: number): bigint {
  const a = unpack(fmt, bits, env.daz);
  if (a.kind === INFINITY) return 0n;
  const before = env.flags;
  const { rounding, masks, ftz } = env;
  const near = roundScale(fmt, env, bits, imm);
  if (isNotANumber(a)) return near;
  // Only a difference that needs more bits is inexact.
  env.flags = before;
  if (!(imm & 4)) env.rounding = (imm & 3) as RoundingMode;
  // Tiny differences do not raise; FTZ counts where underflow is masked.
  env.ftz = ftz && (masks & UE) !== 0;
  env.masks = ALL_EXCEPTIONS;
  const rest = sub(fmt, env, a.bits, near);
  env.rounding = rounding;
  env.masks = masks;
  env.ftz = ftz;
  env.flags = before | (imm & 8 ? 0 : env.flags & PE);
  return rest;
}

for (const [suffix, fmt, w, common] of FORMATS)
  for (const scalar of [false, true]) {
    const form = `${scalar ? 's' : 'p'}${suffix}`;
    const options = { ...common, float: true, scalar };
    const sae = { ...options, sae: true };
    evex(`vgetmant${form}`, w, (s, i) => significand(fmt, s.env, s.b[i]!, s.imm), sae);
    evex(`vscalef${form}`, w, (s, i) => scaled(fmt, s.env, s.a[i]!, s.b[i]!), options);
    evex(`vreduce${form}`, w, (s, i) => reduced(fmt, s.env, s.b[i]!, s.imm), sae);
    if (w === 16) continue;
    evex(`vfixupimm${form}`, w, (s, i) => fixedUp(fmt, s.env, s.d[i]!, s.a[i]!, s.b[i]!, s.imm), sae);
    evex(`vrange${form}`, w, (s, i) => range(fmt, s.env, s.a[i]!, s.b[i]!, s.imm), sae);
  }
