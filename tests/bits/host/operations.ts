import * as S from '../../../src/bits/softfloat.ts';
import { F32, F64, F80, type FloatEnv, type FloatFormat } from '../../../src/bits/softfloat.ts';

/**
 * An instruction and the function that models it. SSE operands are in XMM0, XMM1, XMM2 (or EAX) and the result in XMM0 or
 * RAX; x87 operands are in ST(0), ST(1) and the result in ST(0), or at [rdi].
 */
export interface Operation {
  readonly name: string;
  readonly unit: 'sse' | 'x87';
  readonly code: readonly number[];
  readonly operands: readonly FloatFormat[];
  /** Where the result is: a number in the first operand's place, RAX, EFLAGS, or memory of that many bits. */
  readonly result: FloatFormat | 'rax32' | 'rax64' | 'eflags' | number;
  readonly model: (env: FloatEnv, a: bigint, b: bigint, c: bigint) => bigint;
}

const scalar = (
  name: string,
  opcode: number,
  model: (fmt: FloatFormat) => Operation['model'],
  operands = 2,
): Operation[] =>
  [F32, F64].map((fmt) => ({
    name: `${name}${fmt === F32 ? 'ss' : 'sd'}`,
    unit: 'sse',
    code: [fmt === F32 ? 0xf3 : 0xf2, 0x0f, opcode, operands === 2 ? 0xc1 : 0xc0],
    operands: Array(operands).fill(fmt) as FloatFormat[],
    result: fmt,
    model: model(fmt),
  }));

/** ZF PF CF as COMISS and FCOMI set them. */
const EFLAGS_BY_RELATION = [0x01n, 0x40n, 0x00n, 0x45n] as const;
const ALL_ONES = (fmt: FloatFormat): bigint => (1n << BigInt(fmt.width)) - 1n;

const toInteger = (fmt: FloatFormat, opcode: number, wide: boolean): Operation => ({
  name: `cvt${opcode === 0x2c ? 't' : ''}${fmt === F32 ? 'ss' : 'sd'}2si${wide ? 'q' : 'l'}`,
  unit: 'sse',
  code: [fmt === F32 ? 0xf3 : 0xf2, ...(wide ? [0x48] : []), 0x0f, opcode, 0xc0],
  operands: [fmt],
  result: wide ? 'rax64' : 'rax32',
  model: (env, a) => S.toInt(fmt, env, a, wide ? 64 : 32, opcode === 0x2c),
});

const predicates = [0, 1, 2, 3, 4, 5, 6, 7];
const avxPredicates = Array.from({ length: 32 }, (_, i) => i);

export const OPERATIONS: readonly Operation[] = [
  ...scalar('add', 0x58, (fmt) => (env, a, b) => S.add(fmt, env, a, b)),
  ...scalar('sub', 0x5c, (fmt) => (env, a, b) => S.sub(fmt, env, a, b)),
  ...scalar('mul', 0x59, (fmt) => (env, a, b) => S.mul(fmt, env, a, b)),
  ...scalar('div', 0x5e, (fmt) => (env, a, b) => S.div(fmt, env, a, b)),
  ...scalar('min', 0x5d, (fmt) => (env, a, b) => S.min(fmt, env, a, b)),
  ...scalar('max', 0x5f, (fmt) => (env, a, b) => S.max(fmt, env, a, b)),
  ...scalar('sqrt', 0x51, (fmt) => (env, a) => S.sqrt(fmt, env, a), 1),
  ...predicates.flatMap((p) =>
    scalar(`cmp${p}`, 0xc2, (fmt) => (env, a, b) => (S.cmpPredicate(fmt, env, a, b, p) ? ALL_ONES(fmt) : 0n)).map(
      (op) => ({
        ...op,
        code: [...op.code, p],
      }),
    ),
  ),
  ...avxPredicates.map(
    (p): Operation => ({
      name: `vcmp${p}ss`,
      unit: 'sse',
      code: [0xc5, 0xfa, 0xc2, 0xc1, p],
      operands: [F32, F32],
      result: F32,
      model: (env, a, b) => (S.cmpPredicate(F32, env, a, b, p) ? ALL_ONES(F32) : 0n),
    }),
  ),
  ...[true, false].flatMap((signalling) =>
    [F32, F64].map(
      (fmt): Operation => ({
        name: `${signalling ? '' : 'u'}comi${fmt === F32 ? 'ss' : 'sd'}`,
        unit: 'sse',
        code: [...(fmt === F64 ? [0x66] : []), 0x0f, signalling ? 0x2f : 0x2e, 0xc1],
        operands: [fmt, fmt],
        result: 'eflags',
        model: (env, a, b) => EFLAGS_BY_RELATION[S.compare(fmt, env, a, b, signalling)],
      }),
    ),
  ),
  ...[F32, F64].flatMap((fmt) => [0x2d, 0x2c].flatMap((op) => [true, false].map((wide) => toInteger(fmt, op, wide)))),
  ...[F32, F64].flatMap((fmt) =>
    [0, 1, 2, 3, 4].map(
      (mode): Operation => ({
        name: `round${mode}${fmt === F32 ? 'ss' : 'sd'}`,
        unit: 'sse',
        code: [0x66, 0x0f, 0x3a, fmt === F32 ? 0x0a : 0x0b, 0xc0, mode],
        operands: [fmt],
        result: fmt,
        model: (env, a) => S.roundToInt(fmt, env, a, mode === 4 ? env.rounding : (mode as S.RoundingMode)),
      }),
    ),
  ),
  {
    name: 'cvtss2sd',
    unit: 'sse',
    code: [0xf3, 0x0f, 0x5a, 0xc0],
    operands: [F32],
    result: F64,
    model: (env, a) => S.convert(F32, F64, env, a),
  },
  {
    name: 'cvtsd2ss',
    unit: 'sse',
    code: [0xf2, 0x0f, 0x5a, 0xc0],
    operands: [F64],
    result: F32,
    model: (env, a) => S.convert(F64, F32, env, a),
  },
  // The integer operand is the bit pattern of a number: any will do.
  ...[F32, F64].flatMap((fmt) =>
    [F32, F64].map(
      (int): Operation => ({
        name: `cvtsi${int.width}2${fmt === F32 ? 'ss' : 'sd'}`,
        unit: 'sse',
        code: [fmt === F32 ? 0xf3 : 0xf2, ...(int === F64 ? [0x48] : []), 0x0f, 0x2a, 0xc0],
        operands: [int],
        result: fmt,
        model: (env, a) => S.fromInt(fmt, env, a, int === F64 ? 64 : 32),
      }),
    ),
  ),
  ...[F32, F64].map(
    (fmt): Operation => ({
      name: `vfmadd213${fmt === F32 ? 'ss' : 'sd'}`,
      unit: 'sse',
      code: [0xc4, 0xe2, fmt === F32 ? 0x71 : 0xf1, 0xa9, 0xc2],
      operands: [fmt, fmt, fmt],
      result: fmt,
      model: (env, a, b, c) => S.fma(fmt, env, b, a, c),
    }),
  ),
  x87('fadd', [0xd8, 0xc1], 2, (env, a, b) => S.add(F80, env, a, b)),
  x87('fsub', [0xd8, 0xe1], 2, (env, a, b) => S.sub(F80, env, a, b)),
  x87('fsubr', [0xd8, 0xe9], 2, (env, a, b) => S.sub(F80, env, b, a)),
  x87('fmul', [0xd8, 0xc9], 2, (env, a, b) => S.mul(F80, env, a, b)),
  x87('fdiv', [0xd8, 0xf1], 2, (env, a, b) => S.div(F80, env, a, b)),
  x87('fdivr', [0xd8, 0xf9], 2, (env, a, b) => S.div(F80, env, b, a)),
  x87('fsqrt', [0xd9, 0xfa], 1, (env, a) => S.sqrt(F80, env, a)),
  x87('frndint', [0xd9, 0xfc], 1, (env, a) => S.roundToInt(F80, env, a)),
  x87('fscale', [0xd9, 0xfd], 2, (env, a, b) => S.scale(env, a, b)),
  x87('fprem', [0xd9, 0xf8], 2, (env, a, b) => S.remainder(env, a, b, false).value),
  x87('fprem1', [0xd9, 0xf5], 2, (env, a, b) => S.remainder(env, a, b, true).value),
  x87('fxtract', [0xd9, 0xf4], 1, (env, a) => S.extract(env, a).significand),
  {
    ...x87('fcomi', [0xdb, 0xf1], 2, (env, a, b) => EFLAGS_BY_RELATION[S.compare(F80, env, a, b, true)]),
    result: 'eflags',
  },
  {
    ...x87('fucomi', [0xdb, 0xe9], 2, (env, a, b) => EFLAGS_BY_RELATION[S.compare(F80, env, a, b, false)]),
    result: 'eflags',
  },
  { ...x87('fsts', [0xd9, 0x17], 1, (env, a) => S.convert(F80, F32, env, a)), result: 32 },
  { ...x87('fstl', [0xdd, 0x17], 1, (env, a) => S.convert(F80, F64, env, a)), result: 64 },
  { ...x87('fists', [0xdf, 0x17], 1, (env, a) => S.toInt(F80, env, a, 16)), result: 16 },
  { ...x87('fistl', [0xdb, 0x17], 1, (env, a) => S.toInt(F80, env, a, 32)), result: 32 },
  { ...x87('fistpq', [0xdf, 0x3f], 1, (env, a) => S.toInt(F80, env, a, 64)), result: 64 },
  { ...x87('fisttpq', [0xdd, 0x0f], 1, (env, a) => S.toInt(F80, env, a, 64, true)), result: 64 },
  { ...x87('fbstp', [0xdf, 0x37], 1, (env, a) => S.toBcd(env, a)), result: 80 },
];

function x87(name: string, code: number[], operands: number, model: Operation['model']): Operation {
  return { name, unit: 'x87', code, operands: Array(operands).fill(F80) as FloatFormat[], result: F80, model };
}
