/** Widths of values in bits: a flag, the four integer operand sizes, an SSE register. */
export type Width = 1 | 8 | 16 | 32 | 64 | 128;

const MASKS = new Map<number, bigint>();

/** 2^width − 1. */
export function mask(width: number): bigint {
  let m = MASKS.get(width);
  if (m === undefined) {
    m = (1n << BigInt(width)) - 1n;
    MASKS.set(width, m);
  }
  return m;
}

/** The low `width` bits of a mathematical integer. */
export const wrap = (value: bigint, width: number): bigint => value & mask(width);

/** Reads a `width`-bit pattern as two's complement. */
export function signed(value: bigint, width: number): bigint {
  return BigInt.asIntN(width, value);
}

/** Bit `index` of `value`, 0 or 1. */
export const bit = (value: bigint, index: number): bigint => (value >> BigInt(index)) & 1n;

/** 1n for true, 0n for false. */
export const flag = (condition: boolean): bigint => (condition ? 1n : 0n);

/** Splits a 128-bit pattern into lanes of `width` bits, lowest first, applies `f` to each, and joins the results. */
export function mapLanes(width: number, f: (...lanes: bigint[]) => bigint, ...vectors: bigint[]): bigint {
  const m = mask(width);
  let out = 0n;
  for (let at = 0; at < 128; at += width) {
    const shift = BigInt(at);
    out |= (f(...vectors.map((v) => (v >> shift) & m)) & m) << shift;
  }
  return out;
}
