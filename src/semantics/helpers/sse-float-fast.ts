import { type Emitter, TYPE, W } from '../../ir/wasm-opcodes.ts';
import { MXCSR } from '../../state/layout.ts';
import type { FunctionEmitter } from './fast.ts';

/**
 * Host arithmetic where it cannot differ from softfloat: default MXCSR control bits and operands of middling exponents or zero,
 * so that only the inexact flag can be raised, and that one is computed exactly from the rounding error.
 */

const PE = 1 << 5;
/** RC, FTZ, DAZ and the masks in their default state: the lower six bits are the sticky flags. */
const CONTROL_MASK = 0xffc0;
const CONTROL_DEFAULT = 0x1f80;

// ——— pieces of the fast paths; doubles live in f64 locals ———

export interface FastFormat {
  readonly w: 32 | 64;
  /** Biased exponents that take the fast path: low, and how many. */
  readonly from: number;
  readonly count: number;
}
export const FAST64: FastFormat = { w: 64, from: 1023 - 300, count: 600 };
export const FAST32: FastFormat = { w: 32, from: 127 - 60, count: 120 };

/** Puts on the stack whether MXCSR is in its default state. */
export function defaultControl(e: FunctionEmitter): void {
  e.loadState(MXCSR, 32);
  e.i32(CONTROL_MASK);
  e.op(W.i32_and);
  e.i32(CONTROL_DEFAULT);
  e.op(W.i32_eq);
}

/** Puts on the stack whether the parameter is zero or of a middling exponent (`zero` false: only the latter). */
export function middling(e: FunctionEmitter, param: number, fmt: FastFormat, zero: boolean): void {
  if (fmt.w === 64) {
    e.get(param);
    e.i64(52n);
    e.op(W.i64_shr_u, W.i32_wrap_i64);
    e.i32(0x7ff);
  } else {
    e.get(param);
    e.i32(23);
    e.op(W.i32_shr_u);
    e.i32(0xff);
  }
  e.op(W.i32_and);
  e.i32(fmt.from);
  e.op(W.i32_sub);
  e.i32(fmt.count);
  e.op(W.i32_lt_u);
  if (!zero) return;
  e.get(param);
  if (fmt.w === 64) {
    e.i64(1n);
    e.op(W.i64_shl, W.i64_eqz);
  } else {
    e.i32(1);
    e.op(W.i32_shl, W.i32_eqz);
  }
  e.op(W.i32_or);
}

/** Parameter as a double. */
export function asDouble(e: FunctionEmitter, param: number, fmt: FastFormat): void {
  e.get(param);
  if (fmt.w === 64) e.op(W.f64_reinterpret_i64);
  else e.op(W.f32_reinterpret_i32, W.f64_promote_f32);
}

/** Sets MXCSR.PE when the condition that `inexact` puts on the stack holds; skipped while it is set anyway. */
function noteInexact(e: FunctionEmitter, inexact: () => void): void {
  e.loadState(MXCSR, 32);
  e.i32(PE);
  e.op(W.i32_and, W.i32_eqz);
  e.ifElse(null, () => {
    inexact();
    e.ifElse(null, () =>
      e.storeState(MXCSR, 32, () => {
        e.loadState(MXCSR, 32);
        e.i32(PE);
        e.op(W.i32_or);
      }),
    );
  });
}

const f64 = (value: number, e: Emitter): void => {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, value);
  e.i64(bits.getBigInt64(0));
  e.op(W.f64_reinterpret_i64);
};

/** Rounding error of a + b in doubles is not zero (TwoSum, Knuth). */
function sumInexact(e: FunctionEmitter, a: number, b: number, sum: number): void {
  e.temp(TYPE.f64, (t) => {
    e.get(sum);
    e.get(a);
    e.op(W.f64_sub);
    e.set(t);
    e.get(a);
    e.get(sum);
    e.get(t);
    e.op(W.f64_sub, W.f64_sub);
    e.get(b);
    e.get(t);
    e.op(W.f64_sub, W.f64_add);
    f64(0, e);
    e.op(W.f64_ne);
  });
}

/** Leaves the rounding error of a · b on the stack (Dekker with Veltkamp's split). */
function productError(e: FunctionEmitter, a: number, b: number, product: number): void {
  const split = (x: number, high: number, low: number): void => {
    e.get(x);
    f64(134217729, e);
    e.op(W.f64_mul);
    e.tee(high);
    e.get(high);
    e.get(x);
    e.op(W.f64_sub, W.f64_sub);
    e.set(high);
    e.get(x);
    e.get(high);
    e.op(W.f64_sub);
    e.set(low);
  };
  e.temp(TYPE.f64, (ah) =>
    e.temp(TYPE.f64, (al) =>
      e.temp(TYPE.f64, (bh) =>
        e.temp(TYPE.f64, (bl) => {
          split(a, ah, al);
          split(b, bh, bl);
          e.get(ah);
          e.get(bh);
          e.op(W.f64_mul);
          e.get(product);
          e.op(W.f64_sub);
          for (const [p, q] of [
            [ah, bl],
            [al, bh],
            [al, bl],
          ] as const) {
            e.get(p);
            e.get(q);
            e.op(W.f64_mul, W.f64_add);
          }
        }),
      ),
    ),
  );
}

const OPCODE = {
  add: W.f64_add,
  sub: W.f64_sub,
  mul: W.f64_mul,
  div: W.f64_div,
} as const;
type Arithmetic = keyof typeof OPCODE;

/** Whether the double result of a operation is inexact; for singles the operands are exact and the product needs no error. */
function arithmeticInexact(e: FunctionEmitter, op: Arithmetic, w: number, a: number, b: number, r: number): void {
  switch (op) {
    case 'add':
      return sumInexact(e, a, b, r);
    case 'sub':
      return e.temp(TYPE.f64, (negated) => {
        f64(0, e);
        e.get(b);
        e.op(W.f64_sub);
        e.set(negated);
        sumInexact(e, a, negated, r);
      });
    case 'mul':
      if (w === 32) e.i32(0);
      else {
        productError(e, a, b, r);
        f64(0, e);
        e.op(W.f64_ne);
      }
      return;
    case 'div':
      // q is exact when q · b is a without an error.
      return e.temp(TYPE.f64, (back) => {
        e.get(r);
        e.get(b);
        e.op(W.f64_mul);
        e.tee(back);
        e.get(a);
        e.op(W.f64_ne);
        productError(e, r, b, back);
        f64(0, e);
        e.op(W.f64_ne, W.i32_or);
      });
  }
}

/** Leaves the result, rounded to the format, of a double computed from operands of that format. */
export function finish(e: FunctionEmitter, fmt: FastFormat, r: number, inexact: () => void): void {
  if (fmt.w === 64) {
    noteInexact(e, inexact);
    e.get(r);
    e.op(W.i64_reinterpret_f64);
    return;
  }
  // Rounding twice is innocuous: 53 ≥ 2 · 24 + 2.
  noteInexact(e, () => {
    e.get(r);
    e.op(W.f32_demote_f64, W.f64_promote_f32);
    e.get(r);
    e.op(W.f64_ne);
    inexact();
    e.op(W.i32_or);
  });
  e.get(r);
  e.op(W.f32_demote_f64, W.i32_reinterpret_f32);
}

const resultType = (w: number) => (w === 64 ? TYPE.i64 : TYPE.i32);

export function fastArithmetic(op: Arithmetic, fmt: FastFormat) {
  return (e: FunctionEmitter, slow: () => void): void => {
    defaultControl(e);
    middling(e, 0, fmt, true);
    e.op(W.i32_and);
    middling(e, 1, fmt, op !== 'div');
    e.op(W.i32_and);
    e.ifElse(
      resultType(fmt.w),
      () =>
        e.temp(TYPE.f64, (a) =>
          e.temp(TYPE.f64, (b) =>
            e.temp(TYPE.f64, (r) => {
              asDouble(e, 0, fmt);
              e.tee(a);
              asDouble(e, 1, fmt);
              e.tee(b);
              e.op(OPCODE[op]);
              e.set(r);
              finish(e, fmt, r, () => arithmeticInexact(e, op, fmt.w, a, b, r));
            }),
          ),
        ),
      slow,
    );
  };
}

export function fastSqrt(fmt: FastFormat) {
  return (e: FunctionEmitter, slow: () => void): void => {
    defaultControl(e);
    middling(e, 0, fmt, false);
    e.op(W.i32_and);
    asDouble(e, 0, fmt);
    f64(0, e);
    e.op(W.f64_gt, W.i32_and);
    e.ifElse(
      resultType(fmt.w),
      () =>
        e.temp(TYPE.f64, (a) =>
          e.temp(TYPE.f64, (r) =>
            e.temp(TYPE.f64, (back) => {
              asDouble(e, 0, fmt);
              e.tee(a);
              e.op(W.f64_sqrt);
              e.set(r);
              finish(e, fmt, r, () => {
                e.get(r);
                e.get(r);
                e.op(W.f64_mul);
                e.tee(back);
                e.get(a);
                e.op(W.f64_ne);
                productError(e, r, r, back);
                f64(0, e);
                e.op(W.f64_ne, W.i32_or);
              });
            }),
          ),
        ),
      slow,
    );
  };
}

export function fastCompare(fmt: FastFormat) {
  return (e: FunctionEmitter, slow: () => void): void => {
    middling(e, 0, fmt, true);
    middling(e, 1, fmt, true);
    e.op(W.i32_and);
    e.ifElse(
      TYPE.i32,
      () => {
        asDouble(e, 0, fmt);
        asDouble(e, 1, fmt);
        e.op(W.f64_lt);
        asDouble(e, 0, fmt);
        asDouble(e, 1, fmt);
        e.op(W.f64_eq);
        e.i32(6);
        e.op(W.i32_shl, W.i32_or);
      },
      slow,
    );
  };
}

export function fastSelect(fmt: FastFormat, opcode: number) {
  return (e: FunctionEmitter, slow: () => void): void => {
    middling(e, 0, fmt, true);
    middling(e, 1, fmt, true);
    e.op(W.i32_and);
    e.ifElse(
      resultType(fmt.w),
      () => {
        e.get(0);
        e.get(1);
        asDouble(e, 0, fmt);
        asDouble(e, 1, fmt);
        e.op(opcode, W.select);
      },
      slow,
    );
  };
}

/** Largest magnitude below which a double converts without leaving the integer type, as a biased exponent. */
export function fastTruncate(fmt: FastFormat, to: 32 | 64) {
  return (e: FunctionEmitter, slow: () => void): void => {
    // |x| < 2^31 or 2^63, or zero: exponents below 127 + 31 or 1023 + 63.
    const bias = fmt.w === 64 ? 1023 : 127;
    defaultControl(e);
    middling(e, 0, { w: fmt.w, from: fmt.from, count: bias + to - 1 - fmt.from }, true);
    e.op(W.i32_and);
    e.ifElse(
      resultType(to),
      () =>
        e.temp(TYPE.f64, (a) =>
          e.temp(resultType(to), (r) => {
            asDouble(e, 0, fmt);
            e.tee(a);
            e.op(to === 64 ? W.i64_trunc_f64_s : W.i32_trunc_f64_s);
            e.set(r);
            noteInexact(e, () => {
              e.get(r);
              e.op(to === 64 ? W.f64_convert_i64_s : W.f64_convert_i32_s);
              e.get(a);
              e.op(W.f64_ne);
            });
            e.get(r);
          }),
        ),
      slow,
    );
  };
}

/** Bits of the second parameter of `round`. */
const BY_MXCSR = 4;
const QUIET = 8;
/** Rounding by its number in MXCSR.RC. */
const ROUNDINGS = [W.f64_nearest, W.f64_floor, W.f64_ceil, W.f64_trunc] as const;

/** A number of middling exponent to an integral one; under the default MXCSR its RC is «to nearest». */
export function fastRound(fmt: FastFormat) {
  return (e: FunctionEmitter, slow: () => void): void => {
    defaultControl(e);
    middling(e, 0, fmt, true);
    e.op(W.i32_and);
    e.ifElse(
      resultType(fmt.w),
      () =>
        e.temp(TYPE.f64, (a) =>
          e.temp(TYPE.f64, (r) =>
            e.temp(TYPE.i32, (how) => {
              asDouble(e, 0, fmt);
              e.set(a);
              e.i32(0);
              e.get(1);
              e.i32(3);
              e.op(W.i32_and);
              e.get(1);
              e.i32(BY_MXCSR);
              e.op(W.i32_and, W.select);
              e.set(how);
              const by = (n: number): void => {
                e.get(a);
                e.op(ROUNDINGS[n]!);
              };
              const choose = (n: number): void => {
                if (n === ROUNDINGS.length - 1) return by(n);
                e.get(how);
                e.i32(n);
                e.op(W.i32_eq);
                e.ifElse(
                  TYPE.f64,
                  () => by(n),
                  () => choose(n + 1),
                );
              };
              choose(0);
              e.set(r);
              noteInexact(e, () => {
                e.get(r);
                e.get(a);
                e.op(W.f64_ne);
                e.get(1);
                e.i32(QUIET);
                e.op(W.i32_and, W.i32_eqz, W.i32_and);
              });
              e.get(r);
              if (fmt.w === 64) e.op(W.i64_reinterpret_f64);
              else e.op(W.f32_demote_f64, W.i32_reinterpret_f32);
            }),
          ),
        ),
      slow,
    );
  };
}

/** Integers up to 2^24 or 2^53 in magnitude are exact. */
export function fastFromInt(fmt: FastFormat, from: 32 | 64) {
  const bits = fmt.w === 64 ? 53 : 24;
  return (e: FunctionEmitter, slow: () => void): void => {
    e.get(0);
    if (from === 32) e.op(W.i64_extend_i32_s);
    e.i64(1n << BigInt(bits));
    e.op(W.i64_add);
    e.i64(1n << BigInt(bits + 1));
    e.op(W.i64_lt_u);
    e.ifElse(
      resultType(fmt.w),
      () => {
        e.get(0);
        if (from === 32) e.op(W.i64_extend_i32_s);
        e.op(W.f64_convert_i64_s);
        if (fmt.w === 64) e.op(W.i64_reinterpret_f64);
        else e.op(W.f32_demote_f64, W.i32_reinterpret_f32);
      },
      slow,
    );
  };
}
