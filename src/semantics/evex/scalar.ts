import { roundMagnitude } from '../../bits/float/convert.ts';
import { roundPack } from '../../bits/float/round.ts';
import { INFINITY, QNAN, SNAN, unpack, ZERO } from '../../bits/float/unpack.ts';
import {
  compare,
  convert,
  DE,
  EQUAL,
  F16,
  F32,
  F64,
  type FloatEnv,
  type FloatFormat,
  fromInt,
  type IntWidth,
  LESS,
  PE,
  type RoundingMode,
  roundToInt,
  toInt,
  UE,
  UNORDERED,
} from '../../bits/softfloat.ts';
import { toUnsigned } from './convert.ts';
import { FORMATS } from './formats.ts';
import { evex } from './row.ts';

const whole = { whole: true } as const;

/** To a multiple of 2^-M: M in imm[7:4], rounding in bits 1:0 or the environment's with bit 2, without inexact with bit 3 (SDM 2C VRNDSCALEPS). */
export function roundScale(fmt: FloatFormat, env: FloatEnv, bits: bigint, imm: number): bigint {
  const rounding = imm & 4 ? env.rounding : ((imm & 3) as RoundingMode);
  const places = imm >> 4;
  const a = unpack(fmt, bits, env.daz);
  let result: bigint;
  if (a.kind >= INFINITY || a.kind === ZERO) result = roundToInt(fmt, env, bits, rounding);
  else if (a.exp + places >= 0) return bits;
  else {
    const earlier = env.flags;
    env.flags &= ~PE;
    const magnitude = roundMagnitude(env, { ...a, exp: a.exp + places }, rounding);
    const inexact = (env.flags & PE) !== 0;
    const before = env.flags | earlier;
    const { masks } = env;
    env.masks |= UE;
    result = magnitude === 0n ? (a.sign ? fmt.signBit : 0n) : roundPack(fmt, env, a.sign, -places, magnitude);
    env.masks = masks;
    env.flags = before;
    // Only halves have numbers below the smallest normal one among the multiples of 2^-15.
    const tiny = magnitude !== 0n && (result & fmt.infinity) === 0n;
    if (tiny && inexact) env.flags |= UE;
  }
  if (imm & 8) env.flags &= ~PE;
  return result;
}

/** The exponent as a number (SDM 2C VGETEXPPS). */
function exponent(fmt: FloatFormat, env: FloatEnv, bits: bigint): bigint {
  const a = unpack(fmt, bits, env.daz);
  if (a.kind > INFINITY) return roundToInt(fmt, env, bits);
  if (a.kind === INFINITY) return fmt.infinity;
  if (a.kind === ZERO) return fmt.infinity | fmt.signBit;
  if ((bits & fmt.infinity) === 0n) env.flags |= DE;
  return fromInt(fmt, env, BigInt(a.exp + a.sig.toString(2).length - 1), 64);
}

/** Classes of imm (SDM 2C VFPCLASSPS). */
function isOfClass(fmt: FloatFormat, env: FloatEnv, bits: bigint, imm: number): bigint {
  const a = unpack(fmt, bits, env.daz);
  const sign = (bits & fmt.signBit) !== 0n;
  const tiny = (bits & fmt.infinity) === 0n && a.kind !== ZERO;
  const classes = [
    a.kind === QNAN,
    a.kind === ZERO && !sign,
    a.kind === ZERO && sign,
    a.kind === INFINITY && !sign,
    a.kind === INFINITY && sign,
    tiny,
    sign && a.kind < INFINITY && a.kind !== ZERO,
    a.kind === SNAN,
  ];
  return classes.some((is, n) => is && (imm >> n) & 1) ? 1n : 0n;
}

for (const [suffix, fmt, w, common] of FORMATS) {
  for (const scalar of [false, true]) {
    const form = `${scalar ? 's' : 'p'}${suffix}`;
    evex(`vrndscale${form}`, w, (s, i) => roundScale(fmt, s.env, s.b[i]!, s.imm), {
      ...common,
      sae: true,
      float: true,
      scalar,
    });
    evex(`vgetexp${form}`, w, (s, i) => exponent(fmt, s.env, s.b[i]!), { ...common, float: true, scalar });
    evex(`vfpclass${form}`, w, (s, i) => isOfClass(fmt, s.env, s.b[i]!, s.imm), {
      ...common,
      scalar,
      test: true,
    });
  }
  const name = `s${suffix}`;
  const general = { ...common, float: true, scalar: true, from: w };
  for (const truncate of [false, true]) {
    const t = truncate ? 't' : '';
    evex(`vcvt${t}${name}2si`, 64, (s) => toInt(fmt, s.env, s.b[0]!, s.to as IntWidth, truncate), general);
    evex(`vcvt${t}${name}2usi`, 64, (s) => toUnsigned(fmt, s.env, s.b[0]!, s.to, truncate), general);
  }
  const integer = { ...common, float: true, scalar: true, from: 64, fromA: w };
  evex(`vcvtsi2${name}`, w, (s) => fromInt(fmt, s.env, s.b[0]!, s.by as IntWidth), integer);
  evex(`vcvtusi2${name}`, w, (s) => fromInt(fmt, s.env, s.b[0]!, 65), integer);
  for (const [stem, signalling] of [
    ['ucomi', false],
    ['comi', true],
  ] as const)
    evex(
      `v${stem}${name}`,
      w,
      (s) => {
        const relation = compare(fmt, s.env, s.a[0]!, s.b[0]!, signalling);
        return relation === UNORDERED ? 0x45n : relation === EQUAL ? 0x40n : relation === LESS ? 1n : 0n;
      },
      { ...common, float: true, scalar: true, flags: true },
    );
}
evex('vcvtss2sd', 64, (s) => convert(F32, F64, s.env, s.b[0]!), { float: true, scalar: true, from: 32, fromA: 64 });
evex('vcvtsd2ss', 32, (s) => convert(F64, F32, s.env, s.b[0]!), { float: true, scalar: true, from: 64, fromA: 32 });
evex(
  'vcvtph2ps',
  32,
  (s, i) => {
    s.env.daz = false;
    const before = s.env.flags & DE;
    const masks = s.env.masks;
    s.env.masks |= DE;
    const result = convert(F16, F32, s.env, s.b[i]!);
    s.env.masks = masks;
    s.env.flags = (s.env.flags & ~DE) | before;
    return result;
  },
  { float: true, from: 16 },
);
evex(
  'vcvtps2ph',
  16,
  (s, i) => {
    s.env.ftz = false;
    if (!(s.imm & 4)) s.env.rounding = (s.imm & 3) as RoundingMode;
    return convert(F32, F16, s.env, s.b[i]!);
  },
  { float: true, from: 32, sae: true },
);

// Halves of 128 bits; a store has one source.
evex('vmovlps vmovlpd', 64, (s, i) => (i === 0 ? s.b[0]! : s.a[1]!), { lanes: 2 });
evex('vmovhps vmovhpd', 64, (s, i) => (i === 1 ? s.b[0]! : s.a === s.b ? s.b[1]! : s.a[0]!), { lanes: 2 });
evex('vmovhlps', 64, (s, i) => (i === 0 ? s.b[1]! : s.a[1]!), { lanes: 2 });
evex('vmovlhps', 64, (s, i) => (i === 0 ? s.a[0]! : s.b[0]!), { lanes: 2 });
for (const [suffix, w] of [
  ['b', 8],
  ['w', 16],
  ['d', 32],
  ['q', 64],
] as const) {
  const lanes = 128 / w;
  evex(`vpinsr${suffix}`, w, (s, i) => (i === (s.imm & (lanes - 1)) ? s.b[0]! : s.a[i]!), { lanes });
  evex(`vpextr${suffix}`, w, (s) => s.b[s.imm & (lanes - 1)]!, { lanes: 1 });
}
evex('vextractps', 32, (s) => s.b[s.imm & 3]!, { lanes: 1 });
evex(
  'vinsertps',
  32,
  (s, i) => {
    if ((s.imm >> i) & 1) return 0n;
    return i === ((s.imm >> 4) & 3) ? s.b[s.imm >> 6]! : s.a[i]!;
  },
  { lanes: 4 },
);
evex(
  'vdbpsadbw',
  16,
  (s, i) => {
    const [q, k] = [i >> 2, i & 3];
    const shuffled = (at: number): bigint => {
      const dword = (at >> 2) & 3;
      return s.b[(at & ~15) | (((s.imm >> (2 * dword)) & 3) * 4) | (at & 3)]!;
    };
    let sum = 0n;
    for (let j = 0; j < 4; j++) {
      const d = s.a[8 * q + (k & 2) * 2 + j]! - shuffled(8 * q + k + j);
      sum += d < 0n ? -d : d;
    }
    return sum;
  },
  { from: 8, ...whole },
);
