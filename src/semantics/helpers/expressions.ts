import { type Emitter, TYPE, W, type WasmType } from '../../ir/wasm-opcodes.ts';
import type { FunctionEmitter } from './fast.ts';

/** Puts a value on the stack. */
export type Expr = () => void;

/** Operators by a short name; those of 64 bits end in L. */
const OPERATORS = {
  add: W.i32_add,
  sub: W.i32_sub,
  and: W.i32_and,
  or: W.i32_or,
  xor: W.i32_xor,
  shl: W.i32_shl,
  shr: W.i32_shr_u,
  eqz: W.i32_eqz,
  eq: W.i32_eq,
  ne: W.i32_ne,
  below: W.i32_lt_u,
  addL: W.i64_add,
  subL: W.i64_sub,
  mulL: W.i64_mul,
  andL: W.i64_and,
  orL: W.i64_or,
  shlL: W.i64_shl,
  shrL: W.i64_shr_u,
  clzL: W.i64_clz,
  eqzL: W.i64_eqz,
  eqL: W.i64_eq,
  neL: W.i64_ne,
  belowL: W.i64_lt_u,
  negativeL: W.i64_lt_s,
  /** The first where the third is not zero, else the second. */
  select: W.select,
  /** Zero-extends. */
  long: W.i64_extend_i32_u,
  /** Sign-extends. */
  longSigned: W.i64_extend_i32_s,
  word: W.i32_extend16_s,
  /** The low 32 bits. */
  short: W.i32_wrap_i64,
} as const;

type Operators = { readonly [K in keyof typeof OPERATORS]: (...args: Expr[]) => Expr };

/** A helper's fast path written as expressions over a function emitter. */
export type Expressions = Operators & ReturnType<typeof statements>;

export function expressions(e: FunctionEmitter): Expressions {
  const operators = Object.fromEntries(
    Object.entries(OPERATORS).map(([name, opcode]) => [name, operator(e, opcode)]),
  ) as unknown as Operators;
  return { ...operators, ...statements(e) };
}

const operator =
  (e: Emitter, opcode: number) =>
  (...args: Expr[]): Expr =>
  () => {
    for (const arg of args) arg();
    e.op(opcode);
  };

function statements(e: FunctionEmitter) {
  const access =
    (opcode: number) =>
    (address: Expr, offset: number): Expr =>
    () => {
      address();
      e.access(opcode, offset);
    };
  const store =
    (opcode: number) =>
    (address: Expr, offset: number, value: Expr): void => {
      address();
      value();
      e.access(opcode, offset);
    };
  return {
    i32:
      (value: number): Expr =>
      () =>
        e.i32(value),
    i64:
      (value: bigint): Expr =>
      () =>
        e.i64(value),
    get:
      (local: number): Expr =>
      () =>
        e.get(local),
    set: (local: number, value: Expr): void => {
      value();
      e.set(local);
    },
    load16: access(W.i32_load16_u),
    load64: access(W.i64_load),
    store16: store(W.i32_store16),
    store32: store(W.i32_store),
    store64: store(W.i64_store),
    /** Every condition holds, all of them evaluated. */
    all:
      (...conditions: Expr[]): Expr =>
      () =>
        conditions.forEach((condition, i) => {
          condition();
          if (i > 0) e.op(W.i32_and);
        }),
    when: (condition: Expr, then: () => void, otherwise?: () => void, type: WasmType | null = null): void => {
      condition();
      e.ifElse(type, then, otherwise);
    },
    /** Locals for the duration of `body`. */
    locals: <const T extends readonly ('i32' | 'i64')[]>(
      types: T,
      body: (...locals: { [K in keyof T]: number }) => void,
    ): void => {
      const take = (taken: number[]): void => {
        const type = types[taken.length];
        if (type === undefined) body(...(taken as { [K in keyof T]: number }));
        else e.temp(TYPE[type], (local) => take([...taken, local]));
      };
      take([]);
    },
  };
}
