import { F64, F80, type FloatFormat, PE, ROUND_DOWN, ROUND_UP } from '../../bits/softfloat.ts';
import { TYPE } from '../../ir/wasm-opcodes.ts';
import { SCRATCH, X87_CW, X87_REG, X87_SW, X87_TW } from '../../state/layout.ts';
import { CW_FIXED, CW_WRITABLE, SW, TAG_EMPTY, TAG_SPECIAL, TAG_VALID, TAG_ZERO } from '../../state/x87.ts';
import { type Expr, type Expressions, expressions } from './expressions.ts';
import type { FunctionEmitter } from './fast.ts';

/**
 * Fast paths of the x87 helpers: numbers and zeros that are there, with room for them, and nothing to raise but a masked inexact.
 * Everything else goes to the definitions behind them.
 */
export type FastPath = (e: FunctionEmitter, slow: () => void) => void;

/** Where a store instruction leaves what is to be stored, up to 80 bits, and whether there is anything (u32). */
export const X87_RESULT = SCRATCH;
export const X87_DELIVERED = SCRATCH + 16;

const EXPONENT = X87_REG + 8;
const TOP_AT = 11;
const C1_AT = 9;
const PE_AT = 5;
const SIGN_AT = 15;
const RC_AT = 10;
const MSB = 1n << 63n;
const TOP_AND_C1 = (7 << TOP_AT) | SW.C1;
/** Exponents of numbers, less one, are below this; those that stay so when rounding adds one are below one less. */
const NORMAL = 0x7ffe;

/** The registers and words of the stack, as expressions. `sw` and `tw` are locals that hold the words beforehand. */
class Stack {
  readonly x: Expressions;
  readonly sw: Expr;
  readonly tw: Expr;

  constructor(x: Expressions, sw: Expr, tw: Expr) {
    this.x = x;
    this.sw = sw;
    this.tw = tw;
  }

  /** Number of the physical register that ST(i) is; `i` up to 8. */
  physical(i: Expr): Expr {
    const { x } = this;
    return x.and(x.add(x.shr(this.sw, x.i32(TOP_AT)), i), x.i32(7));
  }
  slot(i: Expr): Expr {
    return this.x.shl(this.physical(i), this.x.i32(4));
  }
  /** A tag value moved to the place of ST(i). */
  place(tag: Expr, i: Expr): Expr {
    return this.x.shl(tag, this.x.shl(this.physical(i), this.x.i32(1)));
  }
  tag(i: Expr): Expr {
    const { x } = this;
    return x.and(x.shr(this.tw, x.shl(this.physical(i), x.i32(1))), x.i32(3));
  }
  significand(i: Expr): Expr {
    return this.x.load64(this.slot(i), X87_REG);
  }
  /** Sign and exponent. */
  exponent(i: Expr): Expr {
    return this.x.load16(this.slot(i), EXPONENT);
  }

  present(i: Expr): Expr {
    return this.x.ne(this.tag(i), this.x.i32(TAG_EMPTY));
  }
  /** There is room for a push. */
  get room(): Expr {
    return this.x.eq(this.tag(this.x.i32(7)), this.x.i32(TAG_EMPTY));
  }

  write(i: Expr, significand: Expr, exponent: Expr): void {
    this.x.store64(this.slot(i), X87_REG, significand);
    this.x.store16(this.slot(i), EXPONENT, exponent);
  }
  tags(word: Expr): void {
    this.x.store16(this.x.i32(0), X87_TW, word);
  }
  /** The tag word with ST(i) tagged otherwise. */
  retagged(i: Expr, tag: Expr): Expr {
    const { x } = this;
    return x.or(x.and(this.tw, x.xor(this.place(x.i32(3), i), x.i32(-1))), this.place(tag, i));
  }
  /** The status word with TOP moved by `by`, C1 as given (0 or 1) and PE set where `inexact` is 1. */
  status(by: Expr, up?: Expr, inexact?: Expr): void {
    const { x } = this;
    let word = x.or(x.and(this.sw, x.i32(~TOP_AND_C1)), x.shl(this.physical(by), x.i32(TOP_AT)));
    if (up !== undefined) word = x.or(word, x.shl(up, x.i32(C1_AT)));
    if (inexact !== undefined) word = x.or(word, x.shl(inexact, x.i32(PE_AT)));
    x.store16(x.i32(0), X87_SW, word);
  }
  /** Pushes; the new register's tag is given. */
  push(significand: Expr, exponent: Expr, tag: Expr): void {
    const top = this.x.i32(7);
    this.write(top, significand, exponent);
    this.tags(this.retagged(top, tag));
    this.status(top);
  }
  /** Tag word `word` with ST(0) empty where `pop` is 1. */
  popped(word: Expr, pop: Expr): Expr {
    const { x } = this;
    return x.or(word, this.place(x.and(x.sub(x.i32(0), pop), x.i32(3)), x.i32(0)));
  }
}

/** Loads the status and tag words into locals. */
function withStack(e: FunctionEmitter, body: (s: Stack, x: Expressions) => void): void {
  const x = expressions(e);
  x.locals(['i32', 'i32'], (sw, tw) => {
    x.set(sw, x.load16(x.i32(0), X87_SW));
    x.set(tw, x.load16(x.i32(0), X87_TW));
    body(new Stack(x, x.get(sw), x.get(tw)), x);
  });
}

/** An operand as significand and sign with exponent, and the condition under which it is so: a normal number, or perhaps zero. */
interface Extended {
  readonly significand: Expr;
  readonly exponent: Expr;
  readonly normal: Expr;
  readonly zero: Expr;
}
const tagOf = (x: Expressions, v: Extended): Expr => x.select(x.i32(TAG_VALID), x.i32(TAG_ZERO), v.normal);

/** A float in parameter 0. */
function widened(x: Expressions, fmt: FloatFormat): Extended {
  const wide = fmt === F64;
  const bits = wide ? x.get(0) : x.long(x.get(0));
  const field = x.and(x.short(x.shrL(bits, x.i64(fmt.storedShift))), x.i32(fmt.exponentMask));
  const sign = x.shl(x.short(x.shrL(bits, x.i64(BigInt(fmt.width - 1)))), x.i32(SIGN_AT));
  const normal = x.below(x.sub(field, x.i32(1)), x.i32(fmt.exponentMask - 1));
  const shift = x.i64(BigInt(64 - fmt.precision));
  return {
    normal,
    zero: x.eqzL(x.andL(bits, x.i64(fmt.signBit - 1n))),
    significand: x.orL(x.shlL(bits, shift), x.select(x.i64(MSB), x.i64(0n), normal)),
    exponent: x.or(x.select(x.add(field, x.i32(F80.bias - fmt.bias)), x.i32(0), normal), sign),
  };
}

/** A signed integer in parameter 0. */
function converted(x: Expressions, width: 16 | 32 | 64): Extended {
  const value = width === 64 ? x.get(0) : x.longSigned(width === 16 ? x.word(x.get(0)) : x.get(0));
  const negative = x.negativeL(value, x.i64(0n));
  const magnitude = x.select(x.subL(x.i64(0n), value), value, negative);
  const zeros = x.clzL(magnitude);
  const normal = x.neL(value, x.i64(0n));
  const exponent = x.sub(x.i32(F80.bias + 63), x.short(zeros));
  return {
    normal,
    zero: x.eqzL(value),
    significand: x.shlL(magnitude, zeros),
    exponent: x.select(x.or(exponent, x.shl(negative, x.i32(SIGN_AT))), x.i32(0), normal),
  };
}

/** Parameters 0 and 1 as they are. */
function given(x: Expressions): Extended {
  const exponent = x.and(x.get(1), x.i32(F80.exponentMask));
  return {
    normal: x.all(x.below(x.sub(exponent, x.i32(1)), x.i32(NORMAL)), x.negativeL(x.get(0), x.i64(0n))),
    zero: x.all(x.eqz(exponent), x.eqzL(x.get(0))),
    significand: x.get(0),
    exponent: x.get(1),
  };
}

const pushing =
  (operand: (x: Expressions) => Extended): FastPath =>
  (e, slow) =>
    withStack(e, (s, x) => {
      const v = operand(x);
      x.when(x.all(s.room, x.or(v.normal, v.zero)), () => s.push(v.significand, v.exponent, tagOf(x, v)), slow);
    });

export const fastFld = (fmt: FloatFormat): FastPath => pushing((x) => widened(x, fmt));
export const fastFild = (width: 16 | 32 | 64): FastPath => pushing((x) => converted(x, width));
export const fastFldExtended: FastPath = pushing(given);

/** FLD1 and FLDZ. */
export const fastConstant =
  (one: boolean): FastPath =>
  (e, slow) =>
    withStack(e, (s, x) => {
      const push = (): void =>
        s.push(x.i64(one ? MSB : 0n), x.i32(one ? F80.bias : 0), x.i32(one ? TAG_VALID : TAG_ZERO));
      x.when(s.room, push, slow);
    });

/** FLD ST(i). */
export const fastFldRegister: FastPath = (e, slow) =>
  withStack(e, (s, x) => {
    const i = x.get(0);
    x.when(x.all(s.room, s.present(i)), () => s.push(s.significand(i), s.exponent(i), s.tag(i)), slow);
  });

/** FST ST(i) with parameter 1 telling whether to pop. */
export const fastFstRegister: FastPath = (e, slow) =>
  withStack(e, (s, x) => {
    const i = x.get(0);
    const zero = x.i32(0);
    x.when(
      s.present(zero),
      () => {
        s.write(i, s.significand(zero), s.exponent(zero));
        s.tags(s.popped(s.retagged(i, s.tag(zero)), x.get(1)));
        s.status(x.get(1));
      },
      slow,
    );
  });

/** FXCH ST(i). */
export const fastFxch: FastPath = (e, slow) =>
  withStack(e, (s, x) => {
    const i = x.get(0);
    const zero = x.i32(0);
    x.when(
      x.all(s.present(zero), s.present(i)),
      () =>
        x.locals(['i64', 'i32', 'i32'], (significand, exponent, difference) => {
          x.set(significand, s.significand(i));
          x.set(exponent, s.exponent(i));
          x.set(difference, x.xor(s.tag(zero), s.tag(i)));
          s.write(i, s.significand(zero), s.exponent(zero));
          s.write(zero, x.get(significand), x.get(exponent));
          s.tags(x.xor(x.xor(s.tw, s.place(x.get(difference), zero)), s.place(x.get(difference), i)));
          s.status(zero);
        }),
      slow,
    );
  });

/** FCHS, or FABS. */
export const fastSign =
  (change: boolean): FastPath =>
  (e, slow) =>
    withStack(e, (s, x) => {
      const zero = x.i32(0);
      const exponent = change
        ? x.xor(s.exponent(zero), x.i32(1 << SIGN_AT))
        : x.and(s.exponent(zero), x.i32(F80.exponentMask));
      x.when(
        s.present(zero),
        () => {
          x.store16(s.slot(zero), EXPONENT, exponent);
          s.status(zero);
        },
        slow,
      );
    });

/** FLDCW of parameter 0, where that makes no exception pending; none is beforehand. */
export const fastFldcw: FastPath = (e, slow) =>
  withStack(e, (s, x) => {
    const word = x.or(x.and(x.get(0), x.i32(CW_WRITABLE)), x.i32(CW_FIXED));
    const unmasked = x.and(x.and(s.sw, x.xor(word, x.i32(-1))), x.i32(0x3f));
    x.when(x.eqz(unmasked), () => x.store16(x.i32(0), X87_CW, word), slow);
  });

// ——— stores; parameter 0 tells whether to pop ———

/** Leaves the result for the definition, and ends the instruction. */
function deliver(s: Stack, low: Expr, high: Expr, up?: Expr, inexact?: Expr): void {
  const { x } = s;
  const pop = x.get(0);
  x.store64(x.i32(0), X87_RESULT, low);
  x.store16(x.i32(0), X87_RESULT + 8, high);
  x.store32(x.i32(0), X87_DELIVERED, x.i32(1));
  s.tags(s.popped(s.tw, pop));
  s.status(pop, up, inexact);
}

/** FST m80. */
export const fastFstExtended: FastPath = (e, slow) =>
  withStack(e, (s, x) => {
    const zero = x.i32(0);
    x.when(s.present(zero), () => deliver(s, s.significand(zero), s.exponent(zero)), slow);
  });

const controlWord = (x: Expressions): Expr => x.load16(x.i32(0), X87_CW);
const isTag = (s: Stack, tag: number): Expr => s.x.eq(s.tag(s.x.i32(0)), s.x.i32(tag));

/** FST m32, m64: rounding to nearest with inexact masked, or exact. */
export const fastFst =
  (fmt: FloatFormat): FastPath =>
  (e, slow) =>
    withStack(e, (s, x) => {
      const zero = x.i32(0);
      const cut = 64 - fmt.precision;
      const sign = x.shlL(x.long(x.shr(s.exponent(zero), x.i32(SIGN_AT))), x.i64(BigInt(fmt.width - 1)));
      // The exponent field less one, in a range that rounding does not leave.
      const field = x.sub(x.and(s.exponent(zero), x.i32(F80.exponentMask)), x.i32(F80.bias - fmt.bias + 1));
      const rest = x.andL(s.significand(zero), x.i64((1n << BigInt(cut)) - 1n));
      const half = 1n << BigInt(cut - 1);
      const kept = x.shrL(s.significand(zero), x.i64(BigInt(cut)));
      const nearest = x.eq(x.and(controlWord(x), x.i32((3 << RC_AT) | PE)), x.i32(PE));
      x.when(
        x.all(isTag(s, TAG_VALID), x.below(field, x.i32(fmt.exponentMask - 2)), x.or(x.eqzL(rest), nearest)),
        () =>
          x.locals(['i32', 'i32'], (up, inexact) => {
            const odd = x.short(x.andL(kept, x.i64(1n)));
            x.set(up, x.or(x.belowL(x.i64(half), rest), x.and(x.eqL(rest, x.i64(half)), odd)));
            x.set(inexact, x.neL(rest, x.i64(0n)));
            // The integer bit adds itself to the exponent field, and so does a carry.
            const rounded = x.addL(kept, x.long(x.get(up)));
            const packed = x.addL(x.shlL(x.long(field), x.i64(fmt.storedShift)), rounded);
            deliver(s, x.orL(packed, sign), zero, x.get(up), x.get(inexact));
          }),
        () => x.when(isTag(s, TAG_ZERO), () => deliver(s, sign, zero), slow),
      );
    });

/** FIST m16, m32, m64 of magnitudes from 1 to a quarter of the range, by RC; inexact masked, or exact. */
export const fastFist =
  (width: 16 | 32 | 64): FastPath =>
  (e, slow) =>
    withStack(e, (s, x) => {
      const zero = x.i32(0);
      const sign = x.shr(s.exponent(zero), x.i32(SIGN_AT));
      const power = x.sub(x.and(s.exponent(zero), x.i32(F80.exponentMask)), x.i32(F80.bias));
      const mask = (1n << BigInt(width)) - 1n;
      x.when(
        x.all(isTag(s, TAG_VALID), x.below(power, x.i32(width - 2))),
        () =>
          x.locals(['i64', 'i64', 'i32', 'i32', 'i32'], (integer, rest, up, inexact, mode) => {
            x.set(integer, x.shrL(s.significand(zero), x.long(x.sub(x.i32(63), power))));
            x.set(rest, x.shlL(s.significand(zero), x.long(x.add(power, x.i32(1)))));
            x.set(inexact, x.neL(x.get(rest), x.i64(0n)));
            x.set(mode, x.and(x.shr(controlWord(x), x.i32(RC_AT)), x.i32(3)));
            const odd = x.short(x.andL(x.get(integer), x.i64(1n)));
            const above = x.belowL(x.i64(MSB), x.get(rest));
            const nearest = x.or(above, x.and(x.eqL(x.get(rest), x.i64(MSB)), odd));
            const away = x.or(
              x.and(x.eq(x.get(mode), x.i32(ROUND_DOWN)), sign),
              x.and(x.eq(x.get(mode), x.i32(ROUND_UP)), x.eqz(sign)),
            );
            x.set(up, x.select(x.and(away, x.get(inexact)), nearest, x.get(mode)));
            const magnitude = x.addL(x.get(integer), x.long(x.get(up)));
            const value = x.select(x.subL(x.i64(0n), magnitude), magnitude, sign);
            x.when(
              x.or(x.eqz(x.get(inexact)), x.and(controlWord(x), x.i32(PE))),
              () => deliver(s, x.andL(value, x.i64(mask)), zero, x.get(up), x.get(inexact)),
              slow,
            );
          }),
        () => x.when(isTag(s, TAG_ZERO), () => deliver(s, x.i64(0n), zero), slow),
      );
    });

// ——— arithmetic ———

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

/** The sum: the larger magnitude is `a` afterwards. Slow where the exponents are 64 or more apart or little is left. */
function sum(x: Expressions, p: Pair, r: Unrounded, done: () => void, slow: () => void): void {
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
  x.locals(['i64'], (distance) => {
    const left = x.subL(x.i64(64n), x.get(distance));
    x.set(distance, x.long(x.sub(x.get(p.ea), x.get(p.eb))));
    x.when(
      x.belowL(x.get(distance), x.i64(64n)),
      () => {
        x.set(r.low, x.select(x.shlL(x.get(p.b), left), x.i64(0n), x.neL(x.get(distance), x.i64(0n))));
        x.set(r.high, x.shrL(x.get(p.b), x.get(distance)));
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
              slow,
            );
          },
        );
      },
      slow,
    );
  });
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

/** ST(dst) op another number, both normal. */
function arithmetic(
  s: Stack,
  op: 'add' | 'mul' | 'sub' | 'subr',
  dst: Expr,
  other: Omit<Extended, 'zero'>,
  pop: Expr,
  slow: () => void,
): void {
  const { x } = s;
  const fits = x.all(
    x.eq(x.and(controlWord(x), x.i32(CONTROL_MASK)), x.i32(CONTROL_DEFAULT)),
    x.eq(s.tag(dst), x.i32(TAG_VALID)),
    other.normal,
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
          if (op === 'mul') product(x, pair, r, done);
          else sum(x, pair, r, done, slow);
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
      const normal = x.eq(s.tag(src), x.i32(TAG_VALID));
      const other = { significand: s.significand(src), exponent: s.exponent(src), normal };
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

// ——— comparison ———

/** FCOMI and FUCOMI of ST(0) and ST(i), parameter 0, both numbers or zeros; pops where parameter 2 is 1. */
export const fastFcomi: FastPath = (e, slow) =>
  withStack(e, (s, x) => {
    const zero = x.i32(0);
    const i = x.get(0);
    const pop = x.get(2);
    const special = x.and(x.or(s.tag(zero), s.tag(i)), x.i32(TAG_SPECIAL));
    x.when(
      x.eqz(special),
      () =>
        x.locals(['i32', 'i32', 'i64', 'i64'], (ea, eb, a, b) => {
          x.set(ea, s.exponent(zero));
          x.set(eb, s.exponent(i));
          x.set(a, s.significand(zero));
          x.set(b, s.significand(i));
          s.tags(s.popped(s.tw, pop));
          s.status(pop);
          const sign = x.shr(x.get(ea), x.i32(SIGN_AT));
          const sameExponent = x.eq(x.get(ea), x.get(eb));
          const same = x.and(sameExponent, x.eqL(x.get(a), x.get(b)));
          const zeros = x.eqzL(x.orL(x.get(a), x.get(b)));
          const lower = x.or(x.below(x.get(ea), x.get(eb)), x.and(sameExponent, x.belowL(x.get(a), x.get(b))));
          // Of two with the same sign the one of lower magnitude is less, unless negative; else the negative one is.
          const differ = x.shr(x.xor(x.get(ea), x.get(eb)), x.i32(SIGN_AT));
          const less = x.select(sign, x.xor(lower, sign), differ);
          x.select(x.i32(0x40), less, x.or(same, zeros))();
        }),
      slow,
      TYPE.i32,
    );
  });
