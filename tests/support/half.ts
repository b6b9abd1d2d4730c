/**
 * Numbers of 16 bits by a second, slow definition: exact integers, and a search among all numbers that there are. Nothing of
 * `src/bits` is used.
 */

export const IE = 1;
export const DE = 2;
export const ZE = 4;
export const OE = 8;
export const UE = 16;
export const PE = 32;

/** MXCSR.RC: nearest, down, up, to zero. */
export type Mode = 0 | 1 | 2 | 3;
const DOWN = 1;
const UP = 2;

const SIGN = 0x8000;
export const INFINITY = 0x7c00;
const LARGEST = 0x7bff;
const QUIET = 0x200;
const DEFAULT_NAN = 0xfe00;

export const isNaN16 = (h: number): boolean => (h & 0x7fff) > INFINITY;
export const isSignalling = (h: number): boolean => isNaN16(h) && (h & QUIET) === 0;
export const isDenormal = (h: number): boolean => (h & 0x7fff) !== 0 && (h & INFINITY) === 0;
const isInfinite = (h: number): boolean => (h & 0x7fff) === INFINITY;
const isZero = (h: number): boolean => (h & 0x7fff) === 0;

/** Magnitude in units of 2^-24; of infinity what would come behind the largest number. */
export function magnitude(h: number): bigint {
  const e = (h >> 10) & 31;
  const m = BigInt(h & 0x3ff);
  return e === 0 ? m : (m | 0x400n) << BigInt(e - 1);
}
/** The same with its sign. */
export const units = (h: number): bigint => (h & SIGN ? -magnitude(h) : magnitude(h));

/** Rounding and what has been raised. */
export class Half {
  flags = 0;
  readonly mode: Mode;

  constructor(mode: Mode) {
    this.mode = mode;
  }

  /** Rounds a magnitude r of which only comparisons are known: `compare(v)` is the sign of v − r, v in units of 2^-27. */
  round(sign: number, compare: (v: bigint) => number): number {
    let low = 0;
    let high = INFINITY;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (compare(magnitude(middle) << 3n) <= 0) low = middle;
      else high = middle;
    }
    if (compare(magnitude(low) << 3n) === 0) return sign | low;
    const beyond = compare(magnitude(INFINITY) << 3n) <= 0;
    const away = this.mode === (sign ? DOWN : UP);
    const half = compare((magnitude(low) + magnitude(low + 1)) << 2n);
    const up = this.mode === 0 ? half < 0 || (half === 0 && (low & 1) === 1) : away;
    this.flags |= PE;
    if (low === LARGEST && (beyond || up)) {
      this.flags |= OE;
      return sign | (this.mode === 0 || away ? INFINITY : LARGEST);
    }
    // With 11 bits and any exponent, what lies below 2^-14 may still round to it.
    const normal = 1n << 13n;
    const reaches = this.mode === 0 ? compare(normal - 2n) <= 0 : away && compare(normal - 4n) < 0;
    if (compare(normal) > 0 && !reaches) this.flags |= UE;
    return sign | (low + (up ? 1 : 0));
  }

  /** Rounds ±n / d, in units of 2^-24. */
  ratio(sign: number, n: bigint, d: bigint): number {
    return this.round(sign, (v) => {
      const difference = v * d - (n << 3n);
      return difference < 0n ? -1 : difference > 0n ? 1 : 0;
    });
  }

  /** A sum in units of 2^-24 / d; the sign of a sum of nothing is `zero`. */
  #sum(n: bigint, d: bigint, zero: number): number {
    return n === 0n ? zero : n < 0n ? this.ratio(SIGN, -n, d) : this.ratio(0, n, d);
  }

  invalid(): number {
    this.flags |= IE;
    return DEFAULT_NAN;
  }

  /** The first operand that is a NaN, quiet; null without. */
  nan(...operands: readonly number[]): number | null {
    if (operands.some(isSignalling)) this.flags |= IE;
    const first = operands.find(isNaN16);
    return first === undefined ? null : first | QUIET;
  }

  denormals(...operands: readonly number[]): void {
    if (operands.some(isDenormal)) this.flags |= DE;
  }

  #cancelled(a: number, b: number): number {
    return (a & SIGN) === (b & SIGN) ? a & SIGN : this.mode === DOWN ? SIGN : 0;
  }

  add(a: number, b: number): number {
    const nan = this.nan(a, b);
    if (nan !== null) return nan;
    if (isInfinite(a) && isInfinite(b) && a !== b) return this.invalid();
    this.denormals(a, b);
    if (isInfinite(a)) return a;
    if (isInfinite(b)) return b;
    return this.#sum(units(a) + units(b), 1n, this.#cancelled(a, b));
  }

  sub(a: number, b: number): number {
    return this.nanAware(a, b) ?? this.add(a, b ^ SIGN);
  }

  /** A NaN keeps its sign where a number is subtracted. */
  nanAware(a: number, b: number): number | null {
    return isNaN16(a) || isNaN16(b) ? this.nan(a, b) : null;
  }

  mul(a: number, b: number): number {
    const nan = this.nan(a, b);
    if (nan !== null) return nan;
    const sign = (a ^ b) & SIGN;
    if ((isInfinite(a) && isZero(b)) || (isZero(a) && isInfinite(b))) return this.invalid();
    this.denormals(a, b);
    if (isInfinite(a) || isInfinite(b)) return sign | INFINITY;
    return this.ratio(sign, magnitude(a) * magnitude(b), 1n << 24n);
  }

  div(a: number, b: number): number {
    const nan = this.nan(a, b);
    if (nan !== null) return nan;
    const sign = (a ^ b) & SIGN;
    if ((isInfinite(a) && isInfinite(b)) || (isZero(a) && isZero(b))) return this.invalid();
    if (isZero(b) && !isInfinite(a)) {
      this.flags |= ZE;
      return sign | INFINITY;
    }
    this.denormals(a, b);
    if (isInfinite(a)) return sign | INFINITY;
    if (isInfinite(b) || isZero(a)) return sign;
    return this.ratio(sign, magnitude(a) << 24n, magnitude(b));
  }

  sqrt(a: number): number {
    const nan = this.nan(a);
    if (nan !== null) return nan;
    if (isZero(a)) return a;
    if (a & SIGN) return this.invalid();
    this.denormals(a);
    if (isInfinite(a)) return a;
    const square = magnitude(a) << 30n;
    return this.round(0, (v) => (v * v < square ? -1 : v * v > square ? 1 : 0));
  }

  /** ±a · b ± c; the signs of NaNs stay. */
  fma(a0: number, b: number, c0: number, negated = false, subtracted = false): number {
    if ([a0, b, c0].some(isNaN16)) return this.nan(a0, b, c0)!;
    const a = negated ? a0 ^ SIGN : a0;
    const c = subtracted ? c0 ^ SIGN : c0;
    if ((isInfinite(a) && isZero(b)) || (isZero(a) && isInfinite(b))) return this.invalid();
    const sign = (a ^ b) & SIGN;
    const infinite = isInfinite(a) || isInfinite(b);
    if (infinite && isInfinite(c) && (c & SIGN) !== sign) return this.invalid();
    this.denormals(a, b, c);
    if (infinite) return sign | INFINITY;
    if (isInfinite(c)) return c;
    return this.#sum(units(a) * units(b) + (units(c) << 24n), 1n << 24n, this.#cancelled(sign, c));
  }

  /** Which way a and b lie: −1, 0, 1, or null for a NaN. */
  order(a: number, b: number, signalling: boolean): number | null {
    if (isNaN16(a) || isNaN16(b)) {
      if (signalling || isSignalling(a) || isSignalling(b)) this.flags |= IE;
      return null;
    }
    this.denormals(a, b);
    const [x, y] = [units(a), units(b)];
    return x < y ? -1 : x > y ? 1 : 0;
  }

  min = (a: number, b: number): number => (this.order(a, b, true) === -1 ? a : b);
  max = (a: number, b: number): number => (this.order(a, b, true) === 1 ? a : b);

  /** An integer as a number. */
  fromInteger(n: bigint): number {
    return this.#sum(n << 24n, 1n, 0);
  }

  /** A single or double, of which JavaScript knows the value. */
  fromNumber(x: number, denormal: boolean): number {
    if (denormal) this.flags |= DE;
    const sign = Object.is(x, -0) || x < 0 ? SIGN : 0;
    if (!Number.isFinite(x)) return sign | INFINITY;
    if (x === 0) return sign;
    let d = 1n;
    let m = Math.abs(x);
    while (!Number.isSafeInteger(m) && m < 2 ** 53) {
      m *= 2;
      d *= 2n;
    }
    return this.ratio(sign, BigInt(m) << 24n, d);
  }

  /** To an integer from `least` to `most`, or what stands for all others. */
  toInteger(h: number, least: bigint, most: bigint, other: bigint, truncate: boolean): bigint {
    const before = this.flags;
    if (!isNaN16(h) && !isInfinite(h)) {
      const n = this.nearestInteger(h, truncate ? 3 : this.mode);
      if (n >= least && n <= most) return n;
    }
    this.flags = before | IE;
    return other;
  }

  nearestInteger(h: number, mode: Mode): bigint {
    const floor = units(h) >> 24n;
    const rest = units(h) - (floor << 24n);
    if (rest === 0n) return floor;
    this.flags |= PE;
    const half = 1n << 23n;
    if (mode === DOWN || (mode === 3 && floor >= 0n)) return floor;
    if (mode === UP || mode === 3) return floor + 1n;
    return rest > half || (rest === half && floor & 1n) ? floor + 1n : floor;
  }

  /** a · 2^floor(b). */
  scale(a: number, b: number): number {
    if (isNaN16(a) || isNaN16(b)) {
      const nan = this.nan(a, b)!;
      return isNaN16(a) && !isSignalling(a) && isInfinite(b) ? (b & SIGN ? 0 : INFINITY) : nan;
    }
    if (isInfinite(b)) {
      if (b & SIGN ? isInfinite(a) : isZero(a)) return this.invalid();
      this.denormals(a);
      return (a & SIGN) | (b & SIGN ? 0 : INFINITY);
    }
    if (isZero(a) || isInfinite(a)) return a;
    this.denormals(a);
    const floor = units(b) >> 24n;
    const by = floor > 64n ? 64n : floor < -64n ? -64n : floor;
    return by < 0n ? this.ratio(a & SIGN, magnitude(a), 1n << -by) : this.ratio(a & SIGN, magnitude(a) << by, 1n);
  }
}

/** A half as JavaScript has numbers; NaNs aside. */
export const numberOf = (h: number): number => {
  const x = isInfinite(h) ? Number.POSITIVE_INFINITY : Number(magnitude(h)) / 2 ** 24;
  return h & SIGN ? -x : x;
};
