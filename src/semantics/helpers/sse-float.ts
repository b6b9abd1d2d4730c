import {
  add,
  cmpPredicate,
  compare,
  convert,
  DE,
  div,
  EQUAL,
  F16,
  F32,
  F64,
  type FloatEnv,
  type FloatFormat,
  floatEnv,
  fma,
  fromInt,
  LESS,
  max,
  min,
  mul,
  PE,
  PRE_COMPUTATION,
  type RoundingMode,
  roundToInt,
  setFromMxcsr,
  sqrt,
  sub,
  toInt,
  UNORDERED,
} from '../../bits/softfloat.ts';
import { TYPE, W } from '../../ir/wasm-opcodes.ts';
import { CR4, FP_RAISED } from '../../state/layout.ts';
import { VECTOR } from '../../state/pending.ts';
import { defineHelper, type HelperContext } from './helper.ts';
import {
  asDouble,
  defaultControl,
  FAST32,
  FAST64,
  fastArithmetic,
  fastCompare,
  fastFromInt,
  fastRound,
  fastSelect,
  fastSqrt,
  fastTruncate,
  finish,
  middling,
} from './sse-float-fast.ts';

/** SSE floating point: `run` is softfloat under MXCSR, `fast` the host's arithmetic where it gives the same. */

const env = floatEnv();

/** Runs an operation under MXCSR; what it raises waits in FP_RAISED for `fpCheck`. */
function under<T>(c: HelperContext, f: (env: FloatEnv) => T): T {
  setFromMxcsr(env, c.cpu.mxcsr);
  const result = f(env);
  c.cpu.view.setUint32(FP_RAISED, c.cpu.view.getUint32(FP_RAISED, true) | env.flags, true);
  return result;
}

/** Comparison result as the flags that UCOMIS sets: CF bit 0, PF bit 2, ZF bit 6. */
function comparisonFlags(relation: number): bigint {
  return relation === UNORDERED ? 0x45n : relation === EQUAL ? 0x40n : relation === LESS ? 1n : 0n;
}

for (const [name, format, fast] of [
  ['f32', F32, FAST32],
  ['f64', F64, FAST64],
] as const) {
  const w = fast.w;
  const binary = { args: [w, w], result: w, faults: false, state: 'fp' } as const;
  for (const [op, f] of [
    ['add', add],
    ['sub', sub],
    ['mul', mul],
    ['div', div],
  ] as const)
    defineHelper({
      name: `${name}.${op}`,
      doc: `${op} under MXCSR`,
      ...binary,
      run: (c, a, b) => under(c, (e) => f(format, e, a!, b!)),
      fast: fastArithmetic(op, fast),
    });
  for (const [op, f, opcode] of [
    ['min', min, W.f64_lt],
    ['max', max, W.f64_gt],
  ] as const)
    defineHelper({
      name: `${name}.${op}`,
      doc: `${op} as MINPS and MAXPS have it: the second operand for a NaN or two zeros`,
      ...binary,
      run: (c, a, b) => under(c, (e) => f(format, e, a!, b!)),
      fast: fastSelect(fast, opcode),
    });
  defineHelper({
    name: `${name}.sqrt`,
    doc: 'square root under MXCSR',
    args: [w],
    result: w,
    faults: false,
    state: 'fp',
    run: (c, a) => under(c, (e) => sqrt(format, e, a!)),
    fast: fastSqrt(fast),
  });
  for (const [op, signalling] of [
    ['ucomi', false],
    ['comi', true],
  ] as const)
    defineHelper({
      name: `${name}.${op}`,
      doc: 'comparison as flags: CF bit 0, PF bit 2, ZF bit 6',
      args: [w, w],
      result: 32,
      faults: false,
      state: 'fp',
      run: (c, a, b) => comparisonFlags(under(c, (e) => compare(format, e, a!, b!, signalling))),
      fast: fastCompare(fast),
    });
  defineHelper({
    name: `${name}.cmp`,
    doc: 'CMPPS predicate (0 to 31) as a lane of ones or zeros',
    args: [w, w, 32],
    result: w,
    faults: false,
    state: 'fp',
    run: (c, a, b, predicate) => under(c, (e) => (cmpPredicate(format, e, a!, b!, Number(predicate)) ? -1n : 0n)),
  });
  defineHelper({
    name: `${name}.round`,
    doc: 'to an integral number: rounding in bits 1:0, or by MXCSR.RC with bit 2; without inexact with bit 3 (SDM 2B ROUNDPS)',
    args: [w, 32],
    result: w,
    faults: false,
    state: 'fp',
    run: (c, a, control) =>
      under(c, (e) => {
        const how = Number(control);
        const result = roundToInt(format, e, a!, how & 4 ? e.rounding : ((how & 3) as RoundingMode));
        if (how & 8) e.flags &= ~PE;
        return result;
      }),
    fast: fastRound(fast),
  });
  for (const to of [32, 64] as const) {
    defineHelper({
      name: `${name}.to${to}`,
      doc: `to a signed ${to}-bit integer by MXCSR.RC; the integer indefinite where it does not fit`,
      args: [w],
      result: to,
      faults: false,
      state: 'fp',
      run: (c, a) => under(c, (e) => toInt(format, e, a!, to)),
    });
    defineHelper({
      name: `${name}.trunc${to}`,
      doc: `to a signed ${to}-bit integer toward zero`,
      args: [w],
      result: to,
      faults: false,
      state: 'fp',
      run: (c, a) => under(c, (e) => toInt(format, e, a!, to, true)),
      fast: fastTruncate(fast, to),
    });
    defineHelper({
      name: `${name}.from${to}`,
      doc: `from a signed ${to}-bit integer`,
      args: [to],
      result: w,
      faults: false,
      state: 'fp',
      run: (c, a) => under(c, (e) => fromInt(format, e, BigInt.asIntN(to, a!), to)),
      fast: fastFromInt(fast, to),
    });
  }
}

const conversion = (from: FloatFormat, to: FloatFormat) => (c: HelperContext, a: bigint | undefined) =>
  under(c, (e) => convert(from, to, e, a!));
defineHelper({
  name: 'f32.toF64',
  doc: 'single to double: exact but for NaNs and denormals',
  args: [32],
  result: 64,
  faults: false,
  state: 'fp',
  run: conversion(F32, F64),
  fast: (e, slow) => {
    middling(e, 0, FAST32, true);
    e.ifElse(
      TYPE.i64,
      () => {
        asDouble(e, 0, FAST32);
        e.op(W.i64_reinterpret_f64);
      },
      slow,
    );
  },
});
defineHelper({
  name: 'f64.toF32',
  doc: 'double to single under MXCSR',
  args: [64],
  result: 32,
  faults: false,
  state: 'fp',
  run: conversion(F64, F32),
  fast: (e, slow) => {
    defaultControl(e);
    middling(e, 0, { w: 64, from: 1023 - 60, count: 120 }, true);
    e.op(W.i32_and);
    e.ifElse(
      TYPE.i32,
      () =>
        e.temp(TYPE.f64, (a) => {
          asDouble(e, 0, FAST64);
          e.set(a);
          finish(e, FAST32, a, () => e.i32(0));
        }),
      slow,
    );
  },
});

for (const [name, format, w] of [
  ['f32', F32, 32],
  ['f64', F64, 64],
] as const)
  for (const [op, negated, subtracted] of [
    ['fmadd', false, false],
    ['fmsub', false, true],
    ['fnmadd', true, false],
    ['fnmsub', true, true],
  ] as const) {
    // The sign of a NaN stays as it is.
    const turned = (value: bigint, turn: boolean): bigint =>
      turn && (value & ~format.signBit) <= format.infinity ? value ^ format.signBit : value;
    defineHelper({
      name: `${name}.${op}`,
      doc: `${negated ? '−' : ''}a · b ${subtracted ? '−' : '+'} c with one rounding under MXCSR`,
      args: [w, w, w],
      result: w,
      faults: false,
      state: 'fp',
      run: (c, a, b, d) => under(c, (e) => fma(format, e, turned(a!, negated), b!, turned(d!, subtracted))),
    });
  }

defineHelper({
  name: 'f16.toF32',
  doc: 'half to single: exact, DAZ and denormals without effect (SDM 2C VCVTPH2PS)',
  args: [32],
  result: 32,
  faults: false,
  state: 'fp',
  run: (c, a) =>
    under(c, (e) => {
      e.daz = false;
      e.masks |= DE;
      const result = convert(F16, F32, e, a!);
      e.flags &= ~DE;
      return result;
    }),
});
defineHelper({
  name: 'f32.toF16',
  doc: 'single to half: rounding in bits 1:0, or by MXCSR.RC with bit 2; FTZ without effect (SDM 2C VCVTPS2PH)',
  args: [32, 32],
  result: 32,
  faults: false,
  state: 'fp',
  run: (c, a, control) =>
    under(c, (e) => {
      const how = Number(control);
      e.ftz = false;
      if (!(how & 4)) e.rounding = (how & 3) as RoundingMode;
      return convert(F32, F16, e, a!);
    }),
});

const OSXMMEXCPT = 1n << 10n;

defineHelper({
  name: 'fpCheck',
  doc: 'Ends an SSE operation: merges what it raised into MXCSR; #XM (or #UD without CR4.OSXMMEXCPT) for an unmasked exception',
  args: [],
  result: 0,
  state: 'fp',
  run: (c) => {
    const { view } = c.cpu;
    const raised = view.getUint32(FP_RAISED, true);
    view.setUint32(FP_RAISED, 0, true);
    const mxcsr = c.cpu.mxcsr;
    const unmasked = raised & ~(mxcsr >> 7);
    // An unmasked exception before the computation keeps the ones after it from being reported (SDM 1 11.5.3).
    c.cpu.mxcsr = mxcsr | (unmasked & PRE_COMPUTATION ? raised & PRE_COMPUTATION : raised);
    if (unmasked) c.fault(c.cpu.u64(CR4) & OSXMMEXCPT ? VECTOR.XM : VECTOR.UD, null);
  },
  fast: (e, slow) => {
    e.loadState(FP_RAISED, 32);
    e.ifElse(null, slow);
  },
});

// ——— RCPPS and RSQRTPS: table look-ups of 12 bits, without exceptions ———

/** Reciprocal of the middle of each of 2,048 intervals, rounded to 12 bits behind the point. */
function approximateReciprocal(bits: number): number {
  const sign = bits & 0x8000_0000;
  const exponent = (bits >>> 23) & 0xff;
  const fraction = bits & 0x7f_ffff;
  if (exponent === 0xff) return fraction ? bits | 0x40_0000 : sign;
  if (exponent === 0) return sign | 0x7f80_0000;
  const middle = 4096 + 2 * (fraction >>> 12) + 1;
  const mantissa = Math.round(2 ** 25 / middle) - 4096;
  const result = 253 - exponent;
  // A tiny result is flushed to zero.
  return result <= 0 ? sign : sign | (result << 23) | (mantissa << 11);
}

/** Reciprocal square root of the middle of each of 1,024 intervals per octave, two octaves. */
function approximateRootReciprocal(bits: number): number {
  const sign = bits & 0x8000_0000;
  const exponent = (bits >>> 23) & 0xff;
  const fraction = bits & 0x7f_ffff;
  if (exponent === 0xff && fraction) return bits | 0x40_0000;
  if (exponent === 0) return sign | 0x7f80_0000;
  if (sign) return 0xffc0_0000;
  if (exponent === 0xff) return 0;
  const power = exponent - 127;
  const odd = power & 1;
  const middle = (1 + ((fraction >>> 13) + 0.5) / 1024) * (odd ? 2 : 1);
  const mantissa = Math.round((2 / Math.sqrt(middle)) * 4096) - 4096;
  return ((126 - (power - odd) / 2) << 23) | (mantissa << 11);
}

for (const [name, f] of [
  ['f32.rcp', approximateReciprocal],
  ['f32.rsqrt', approximateRootReciprocal],
] as const)
  defineHelper({
    name,
    doc: 'approximation within 1.5 · 2^-12, as the CPU’s table gives it',
    args: [32],
    result: 32,
    faults: false,
    state: 'fp',
    run: (_c, a) => BigInt(f(Number(a)) >>> 0),
  });

defineHelper({
  name: 'maskedStore',
  doc: 'MASKMOVDQU: stores the bytes whose bit in the mask is set, none when one would fault',
  args: [64, 64, 64, 32],
  result: 0,
  run: (c, address, low, high, mask) => {
    const value = low! | (high! << 64n);
    const chosen = [...Array(16).keys()].filter((i) => (mask! >> BigInt(i)) & 1n);
    const at = (i: number): bigint => BigInt.asUintN(64, address! + BigInt(i));
    if (!chosen.every((i) => c.probeWrite(at(i), 1))) return;
    for (const i of chosen) c.write(at(i), (value >> BigInt(8 * i)) & 0xffn, 8);
  },
});
