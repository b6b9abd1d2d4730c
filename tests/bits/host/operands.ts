import { F80, type FloatFormat } from '../../../src/bits/softfloat.ts';

/** A small seeded generator (mulberry32): 32-bit numbers. */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
}

export const random64 = (next: () => number): bigint => (BigInt(next()) << 32n) | BigInt(next());

/** A significand with a pattern that rounding finds interesting. */
function significand(next: () => number, width: number): bigint {
  const full = (1n << BigInt(width)) - 1n;
  const bit = 1n << BigInt(next() % width);
  switch (next() % 8) {
    case 0:
      return 0n;
    case 1:
      return full;
    case 2:
      return bit;
    case 3:
      return full ^ bit;
    case 4:
      return bit - 1n;
    case 5:
      return (full ^ (bit - 1n)) & full;
    default:
      return random64(next) & full;
  }
}

/** An operand of `fmt`: random, or near a corner of the format, or near `other` so that sums cancel. */
export function operand(fmt: FloatFormat, next: () => number, other?: bigint): bigint {
  const sign = next() & 1 ? fmt.signBit : 0n;
  if (other !== undefined && next() % 4 === 0) {
    const exponent =
      Number((other & ~fmt.signBit) >> fmt.storedShift) + (next() % 5) - 2 - (next() % 8 ? 0 : fmt.precision);
    const field = Math.min(Math.max(exponent, 0), fmt.exponentMask);
    return build(fmt, sign, field, next() % 3 ? significand(next, fmt.precision - 1) : other & fmt.fractionMask, next);
  }
  const m = fmt.exponentMask;
  const fields = [0, 0, 1, 2, m, m, m - 1, m - 2, fmt.bias, fmt.bias + 1, fmt.bias - 1, fmt.precision];
  const pick = next() % 24;
  let field = fields[pick] ?? next() & m;
  if (pick >= 16) field = fmt.bias + (next() % (4 * fmt.precision)) - 2 * fmt.precision;
  return build(fmt, sign, Math.min(Math.max(field, 0), m), significand(next, fmt.precision - 1), next);
}

function build(fmt: FloatFormat, sign: bigint, field: number, fraction: bigint, next: () => number): bigint {
  let bits = sign | (BigInt(field) << fmt.storedShift) | fraction;
  // Now and then an encoding that the x87 does not support, or a pseudo-denormal.
  if (fmt === F80 && (field !== 0) !== (next() % 32 === 0)) bits |= fmt.integerBit;
  return bits;
}
