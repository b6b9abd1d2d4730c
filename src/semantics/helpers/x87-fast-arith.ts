import { F80, type FloatFormat, PE } from '../../bits/softfloat.ts';
import { TAG_SPECIAL, TAG_VALID, TAG_ZERO } from '../../state/x87.ts';
import type { Expr, Expressions } from './expressions.ts';
import {
  controlWord,
  converted,
  type Extended,
  type FastPath,
  MSB,
  NORMAL,
  RC_AT,
  SIGN_AT,
  type Stack,
  widened,
  withStack,
} from './x87-fast.ts';

/** 64-bit precision, to nearest, inexact masked: the state after FNINIT as far as it matters. */
const CONTROL_MASK = (3 << 8) | (3 << RC_AT) | PE;
const CONTROL_DEFAULT = (3 << 8) | PE;

/** Locals with a result to be rounded: significand, what lies below it (sticky at the end), exponent, sign. */
interface Unrounded {
  readonly high: number;
  readonly low: number;
  readonly exponent: number;
  readonly sign: number;
}

/** Rounds to nearest even and writes ST(dst), then pops where `pop` is 1. */
function finish(s: Stack, r: Unrounded, dst: Expr, pop: Expr, slow: () => void): void {
  const { x } = s;
  const high = x.get(r.high);
  const low = x.get(r.low);
  x.when(
    x.below(x.sub(x.get(r.exponent), x.i32(1)), x.i32(NORMAL - 1)),
    () =>
      x.locals(['i32'], (up) => {
        const odd = x.short(x.andL(high, x.i64(1n)));
        x.set(up, x.or(x.belowL(x.i64(MSB), low), x.and(x.eqL(low, x.i64(MSB)), odd)));
        x.set(r.high, x.addL(high, x.long(x.get(up))));
        x.when(x.eqzL(high), () => {
          x.set(r.high, x.i64(MSB));
          x.set(r.exponent, x.add(x.get(r.exponent), x.i32(1)));
        });
        s.write(dst, high, x.or(x.get(r.exponent), x.shl(x.get(r.sign), x.i32(SIGN_AT))));
        s.tags(s.popped(s.retagged(dst, x.i32(TAG_VALID)), pop));
        s.status(pop, x.get(up), x.neL(low, x.i64(0n)));
      }),
    slow,
  );
}

/** Writes an exact result to ST(dst), zero perhaps, then pops where `pop` is 1. */
function exact(s: Stack, significand: Expr, exponent: Expr, sign: Expr, dst: Expr, pop: Expr): void {
  const { x } = s;
  x.locals(['i32'], (tag) => {
    x.set(tag, x.select(x.i32(TAG_ZERO), x.i32(TAG_VALID), x.eqzL(significand)));
    s.write(dst, significand, x.or(exponent, x.shl(sign, x.i32(SIGN_AT))));
    s.tags(s.popped(s.retagged(dst, x.get(tag)), pop));
    s.status(pop);
  });
}

/** Leaves the product of two 64-bit locals in `high` and `low`. */
function multiply(x: Expressions, a: number, b: number, high: number, low: number): void {
  const lower = (v: Expr): Expr => x.andL(v, x.i64(0xffff_ffffn));
  const upper = (v: Expr): Expr => x.shrL(v, x.i64(32n));
  const [a0, a1, b0, b1] = [lower(x.get(a)), upper(x.get(a)), lower(x.get(b)), upper(x.get(b))];
  x.locals(['i64', 'i64'], (p, q) => {
    x.set(p, x.addL(x.mulL(a1, b0), upper(x.mulL(a0, b0))));
    x.set(q, x.addL(x.mulL(a0, b1), lower(x.get(p))));
    x.set(high, x.addL(x.addL(x.mulL(a1, b1), upper(x.get(p))), upper(x.get(q))));
    x.set(low, x.mulL(x.get(a), x.get(b)));
  });
}

/** Two numbers in locals: significands, exponents, signs. */
interface Pair {
  readonly a: number;
  readonly b: number;
  readonly ea: number;
  readonly eb: number;
  readonly na: number;
  readonly nb: number;
}

function product(x: Expressions, p: Pair, r: Unrounded, done: () => void): void {
  multiply(x, p.a, p.b, r.high, r.low);
  x.set(r.sign, x.xor(x.get(p.na), x.get(p.nb)));
  x.set(r.exponent, x.sub(x.add(x.get(p.ea), x.get(p.eb)), x.i32(F80.bias - 1)));
  x.when(x.eqzL(x.shrL(x.get(r.high), x.i64(63n))), () => {
    x.set(r.high, x.orL(x.shlL(x.get(r.high), x.i64(1n)), x.shrL(x.get(r.low), x.i64(63n))));
    x.set(r.low, x.shlL(x.get(r.low), x.i64(1n)));
    x.set(r.exponent, x.sub(x.get(r.exponent), x.i32(1)));
  });
  done();
}

/** high and low ← b moved right by the distance of the exponents; what falls off stays as a sticky bit. */
function align(x: Expressions, p: Pair, r: Unrounded): void {
  x.locals(['i64', 'i64'], (distance, left) => {
    // Bits of b that stay within `low`, or in `high` where the distance is below 64.
    const outside = (v: Expr): Expr => x.select(x.shlL(x.get(p.b), x.get(left)), x.i64(0n), x.neL(v, x.i64(0n)));
    x.set(distance, x.long(x.sub(x.get(p.ea), x.get(p.eb))));
    x.set(left, x.subL(x.i64(64n), x.andL(x.get(distance), x.i64(63n))));
    x.when(
      x.belowL(x.get(distance), x.i64(64n)),
      () => {
        x.set(r.high, x.shrL(x.get(p.b), x.get(distance)));
        x.set(r.low, outside(x.get(distance)));
      },
      () => {
        const below = x.andL(x.get(distance), x.i64(63n));
        const sticky = x.long(x.neL(outside(below), x.i64(0n)));
        const within = x.orL(x.shrL(x.get(p.b), below), sticky);
        x.set(r.high, x.i64(0n));
        x.set(r.low, x.select(within, x.i64(1n), x.belowL(x.get(distance), x.i64(128n))));
      },
    );
  });
}

/** The sum: the larger magnitude is `a` afterwards. Slow where less than a bit is left; `nothing` where nothing is. */
function sum(x: Expressions, p: Pair, r: Unrounded, done: () => void, nothing: () => void, slow: () => void): void {
  const swap = (type: 'i32' | 'i64', one: number, other: number): void =>
    x.locals([type], (held) => {
      x.set(held, x.get(one));
      x.set(one, x.get(other));
      x.set(other, x.get(held));
    });
  const smaller = x.and(x.eq(x.get(p.ea), x.get(p.eb)), x.belowL(x.get(p.a), x.get(p.b)));
  x.when(x.or(x.below(x.get(p.ea), x.get(p.eb)), smaller), () => {
    swap('i64', p.a, p.b);
    swap('i32', p.ea, p.eb);
    swap('i32', p.na, p.nb);
  });
  x.set(r.sign, x.get(p.na));
  x.set(r.exponent, x.get(p.ea));
  align(x, p, r);
  x.when(
    x.eq(x.get(p.na), x.get(p.nb)),
    () => {
      added(x, p, r);
      done();
    },
    () => {
      // a − b, borrowing for what lies below.
      x.set(r.high, x.subL(x.subL(x.get(p.a), x.get(r.high)), x.long(x.neL(x.get(r.low), x.i64(0n)))));
      x.set(r.low, x.subL(x.i64(0n), x.get(r.low)));
      x.when(
        x.neL(x.get(r.high), x.i64(0n)),
        () => {
          normalise(x, r);
          done();
        },
        () => x.when(x.eqzL(x.get(r.low)), nothing, slow),
      );
    },
  );
}

/** high ← a + high; a carry shifts everything right, and what falls off stays as a sticky bit. */
function added(x: Expressions, p: Pair, r: Unrounded): void {
  x.set(r.high, x.addL(x.get(p.a), x.get(r.high)));
  x.when(x.belowL(x.get(r.high), x.get(p.a)), () => {
    const sticky = x.andL(x.get(r.low), x.i64(1n));
    const shifted = x.orL(x.shrL(x.get(r.low), x.i64(1n)), x.shlL(x.get(r.high), x.i64(63n)));
    x.set(r.low, x.orL(shifted, sticky));
    x.set(r.high, x.orL(x.shrL(x.get(r.high), x.i64(1n)), x.i64(MSB)));
    x.set(r.exponent, x.add(x.get(r.exponent), x.i32(1)));
  });
}

/** Shifts leading zeros of a difference out. */
function normalise(x: Expressions, r: Unrounded): void {
  x.locals(['i64'], (zeros) => {
    x.set(zeros, x.clzL(x.get(r.high)));
    x.when(x.neL(x.get(zeros), x.i64(0n)), () => {
      const moved = x.shrL(x.get(r.low), x.subL(x.i64(64n), x.get(zeros)));
      x.set(r.high, x.orL(x.shlL(x.get(r.high), x.get(zeros)), moved));
      x.set(r.low, x.shlL(x.get(r.low), x.get(zeros)));
      x.set(r.exponent, x.sub(x.get(r.exponent), x.short(x.get(zeros))));
    });
  });
}

/** ST(dst) op another number. */
function arithmetic(
  s: Stack,
  op: 'add' | 'mul' | 'sub' | 'subr',
  dst: Expr,
  other: Extended,
  pop: Expr,
  slow: () => void,
): void {
  const { x } = s;
  const fits = x.all(
    x.eq(x.and(controlWord(x), x.i32(CONTROL_MASK)), x.i32(CONTROL_DEFAULT)),
    x.below(s.tag(dst), x.i32(TAG_SPECIAL)),
    x.or(other.normal, other.zero),
  );
  const field = (exponent: Expr): Expr => x.and(exponent, x.i32(F80.exponentMask));
  const sign = (exponent: Expr, negate: boolean): Expr =>
    negate ? x.eqz(x.shr(exponent, x.i32(SIGN_AT))) : x.shr(exponent, x.i32(SIGN_AT));
  x.when(
    fits,
    () =>
      x.locals(
        ['i64', 'i64', 'i32', 'i32', 'i32', 'i32', 'i64', 'i64', 'i32', 'i32'],
        (a, b, ea, eb, na, nb, high, low, exponent, negative) => {
          x.set(a, s.significand(dst));
          x.set(b, other.significand);
          x.set(ea, field(s.exponent(dst)));
          x.set(eb, field(other.exponent));
          x.set(na, sign(s.exponent(dst), op === 'subr'));
          x.set(nb, sign(other.exponent, op === 'sub'));
          const pair = { a, b, ea, eb, na, nb };
          const r = { high, low, exponent, sign: negative };
          const done = (): void => finish(s, r, dst, pop, slow);
          const zero = (sign: Expr): void => exact(s, x.i64(0n), x.i32(0), sign, dst, pop);
          const [aZero, bZero] = [x.eqzL(x.get(a)), x.eqzL(x.get(b))];
          const differ = x.xor(x.get(na), x.get(nb));
          // A sum with zero is the other number; two zeros of different signs, as any two equal numbers, leave +0.
          const remaining = x.select(x.get(nb), x.get(na), aZero);
          const either = x.select(x.and(x.get(na), x.get(nb)), remaining, x.and(aZero, bZero));
          x.when(
            x.or(aZero, bZero),
            () => {
              if (op === 'mul') zero(differ);
              else exact(s, x.orL(x.get(a), x.get(b)), x.or(x.get(ea), x.get(eb)), either, dst, pop);
            },
            () => {
              if (op === 'mul') product(x, pair, r, done);
              else sum(x, pair, r, done, () => zero(x.i32(0)), slow);
            },
          );
        },
      ),
    slow,
  );
}

export type FastOperation = 'add' | 'mul' | 'sub' | 'subr';
export const isFast = (op: string): op is FastOperation => ['add', 'mul', 'sub', 'subr'].includes(op);

/** ST(dst) op ST(src), parameters 0 and 1, and a pop where parameter 2 is 1. */
export const fastArithmetic =
  (op: FastOperation): FastPath =>
  (e, slow) =>
    withStack(e, (s, x) => {
      const src = x.get(1);
      const is = (tag: number): Expr => x.eq(s.tag(src), x.i32(tag));
      const other = {
        significand: s.significand(src),
        exponent: s.exponent(src),
        normal: is(TAG_VALID),
        zero: is(TAG_ZERO),
      };
      arithmetic(s, op, x.get(0), other, x.get(2), slow);
    });

/** ST(0) op a float or an integer in parameter 0. */
export const fastArithmeticMemory =
  (op: FastOperation, kind: FloatFormat | 16 | 32): FastPath =>
  (e, slow) =>
    withStack(e, (s, x) => {
      const other = typeof kind === 'number' ? converted(x, kind) : widened(x, kind);
      arithmetic(s, op, x.i32(0), other, x.i32(0), slow);
    });
