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
export const SIGN_AT = 15;
export const RC_AT = 10;
export const MSB = 1n << 63n;
const TOP_AND_C1 = (7 << TOP_AT) | SW.C1;
/** Exponents of numbers, less one, are below this; those that stay so when rounding adds one are below one less. */
export const NORMAL = 0x7ffe;

/** The registers and words of the stack, as expressions. `sw` and `tw` are locals that hold the words beforehand. */
export class Stack {
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
export function withStack(e: FunctionEmitter, body: (s: Stack, x: Expressions) => void): void {
  const x = expressions(e);
  x.locals(['i32', 'i32'], (sw, tw) => {
    x.set(sw, x.load16(x.i32(0), X87_SW));
    x.set(tw, x.load16(x.i32(0), X87_TW));
    body(new Stack(x, x.get(sw), x.get(tw)), x);
  });
}

/** An operand as significand and sign with exponent, and the condition under which it is so: a normal number, or perhaps zero. */
export interface Extended {
  readonly significand: Expr;
  readonly exponent: Expr;
  readonly normal: Expr;
  readonly zero: Expr;
}
const tagOf = (x: Expressions, v: Extended): Expr => x.select(x.i32(TAG_VALID), x.i32(TAG_ZERO), v.normal);

/** A float in parameter 0. */
export function widened(x: Expressions, fmt: FloatFormat): Extended {
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
export function converted(x: Expressions, width: 16 | 32 | 64): Extended {
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

export const controlWord = (x: Expressions): Expr => x.load16(x.i32(0), X87_CW);
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
