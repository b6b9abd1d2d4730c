import { mapLanes, mask, signed } from '../bits/width.ts';
import type { Row } from './ops.ts';
import { type BinaryRow, clampSigned, lanes, simd, V128 } from './ops-vector.ts';
import { type Emitter, TYPE, V } from './wasm-opcodes.ts';

/** Operations on 128-bit vectors that change the width of lanes or work across them. */

type UnaryRow = Row & { readonly kind: 'unary' };

const lane = (v: bigint, i: number, width: number): bigint => (v >> BigInt(i * width)) & mask(width);

/** Joins lanes, lowest first. */
const join = (width: number, values: readonly bigint[]): bigint =>
  values.reduce((out, value, i) => out | ((value & mask(width)) << BigInt(i * width)), 0n);

const count = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** Every byte of a lane, for lanes at these positions. */
const bytesOf = (width: number, positions: readonly number[]): number[] =>
  positions.flatMap((at) => count(width / 8).map((i) => at * (width / 8) + i));

const zero = (e: Emitter): void => e.simd(V.v128_const, ...new Array<number>(16).fill(0));

/** Constant of equal lanes. */
function splat(e: Emitter, width: number, value: number): void {
  const bytes = count(16).map((i) => (value >>> (8 * (i % (width / 8)))) & 0xff);
  e.simd(V.v128_const, ...bytes);
}

/** The low half of the vector in lanes of twice the width. */
function widen(from: number, kind: 's' | 'u', opcode: number): UnaryRow {
  const to = 2 * from;
  return {
    doc: `the low lanes of ${from} bits with ${kind === 's' ? 'signs' : 'zeros'} above, in lanes of ${to} bits`,
    kind: 'unary',
    widths: V128,
    eval: (_w, [a]) =>
      join(
        to,
        count(128 / to).map((i) => (kind === 's' ? signed(lane(a!, i, from), from) : lane(a!, i, from))),
      ),
    emit: simd(opcode),
  };
}

/** The even or odd lanes of a, then those of b. */
function unzip(width: number, odd: boolean): BinaryRow {
  const half = 64 / width;
  const order = bytesOf(
    width,
    count(2 * half).map((i) => 2 * i + (odd ? 1 : 0)),
  );
  return {
    doc: `the ${odd ? 'odd' : 'even'} lanes of ${width} bits of a, then of b`,
    kind: 'binary',
    widths: V128,
    eval: (_w, [a, b]) => {
      const both = a! | (b! << 128n);
      return join(
        8,
        order.map((at) => lane(both, at, 8)),
      );
    },
    emit: (e) => e.simd(V.i8x16_shuffle, ...order),
  };
}

/** Leaves a and b in locals. */
function two(e: Emitter, body: (a: number, b: number) => void): void {
  e.temp(TYPE.v128, (b) => {
    e.set(b);
    e.temp(TYPE.v128, (a) => {
      e.set(a);
      body(a, b);
    });
  });
}

export const ACROSS_ROWS = {
  i16x8_widen_s: widen(8, 's', V.i16x8_extend_low_i8x16_s),
  i16x8_widen_u: widen(8, 'u', V.i16x8_extend_low_i8x16_u),
  i32x4_widen_s: widen(16, 's', V.i32x4_extend_low_i16x8_s),
  i32x4_widen_u: widen(16, 'u', V.i32x4_extend_low_i16x8_u),
  i64x2_widen_s: widen(32, 's', V.i64x2_extend_low_i32x4_s),
  i64x2_widen_u: widen(32, 'u', V.i64x2_extend_low_i32x4_u),
  i16x8_even: unzip(16, false),
  i16x8_odd: unzip(16, true),
  i32x4_even: unzip(32, false),
  i32x4_odd: unzip(32, true),
  i64x2_mul_even_s: {
    doc: 'products of the low doublewords of each quadword, signed (PMULDQ)',
    kind: 'binary',
    widths: V128,
    eval: (_w, [a, b]) => mapLanes(64, (x, y) => signed(x! & mask(32), 32) * signed(y! & mask(32), 32), a!, b!),
    emit: (e) =>
      two(e, (a, b) => {
        const even = [0, 1, 2, 3, 8, 9, 10, 11, 0, 0, 0, 0, 0, 0, 0, 0];
        for (const local of [a, b]) {
          e.get(local);
          e.get(local);
          e.simd(V.i8x16_shuffle, ...even);
        }
        e.simd(V.i64x2_extmul_low_i32x4_s);
      }),
  },
  i16x8_dot_us: {
    doc: 'sums of the two products of each pair of bytes, unsigned of a by signed of b, saturated to words (PMADDUBSW)',
    kind: 'binary',
    widths: V128,
    eval: (_w, [a, b]) =>
      mapLanes(
        16,
        (x, y) => clampSigned((x! & 0xffn) * signed(y! & 0xffn, 8) + (x! >> 8n) * signed(y! >> 8n, 8), 16),
        a!,
        b!,
      ),
    emit: (e) =>
      two(e, (a, b) => {
        // Both products fit a word.
        e.get(a);
        splat(e, 16, 0xff);
        e.simd(V.v128_and);
        e.get(b);
        e.i32(8);
        e.simd(V.i16x8_shl);
        e.i32(8);
        e.simd(V.i16x8_shr_s);
        e.simd(V.i16x8_mul);
        e.get(a);
        e.i32(8);
        e.simd(V.i16x8_shr_u);
        e.get(b);
        e.i32(8);
        e.simd(V.i16x8_shr_s);
        e.simd(V.i16x8_mul);
        e.simd(V.i16x8_add_sat_s);
      }),
  },
  i16x8_mulr_s: lanes(
    'a · b / 2^15, rounded, its low word (PMULHRSW)',
    16,
    (a, b) => (signed(a, 16) * signed(b, 16) + 0x4000n) >> 15n,
    (e) =>
      two(e, (a, b) => {
        e.get(a);
        e.get(b);
        e.simd(V.i16x8_q15mulr_sat_s);
        // The product of the two least values does not saturate here.
        e.get(a);
        splat(e, 16, 0x8000);
        e.simd(V.i16x8_eq);
        e.get(b);
        splat(e, 16, 0x8000);
        e.simd(V.i16x8_eq);
        e.simd(V.v128_and);
        e.simd(V.v128_xor);
      }),
  ),
  i16x8_sad4: {
    doc: 'word i is the sum of the absolute differences of bytes i … i + 3 of a and bytes 0 … 3 of b (MPSADBW)',
    kind: 'binary',
    widths: V128,
    eval: (_w, [a, b]) =>
      join(
        16,
        count(8).map((i) =>
          count(4).reduce((sum, j) => {
            const d = lane(a!, i + j, 8) - lane(b!, j, 8);
            return sum + (d < 0n ? -d : d);
          }, 0n),
        ),
      ),
    emit: (e) =>
      two(e, (a, b) =>
        e.temp(TYPE.v128, (x) =>
          e.temp(TYPE.v128, (y) => {
            for (const j of count(4)) {
              e.get(a);
              e.get(a);
              e.simd(V.i8x16_shuffle, ...count(16).map((i) => (i + j) % 16));
              e.set(x);
              e.get(b);
              e.get(b);
              e.simd(V.i8x16_shuffle, ...new Array<number>(16).fill(j));
              e.set(y);
              e.get(x);
              e.get(y);
              e.simd(V.i8x16_sub_sat_u);
              e.get(y);
              e.get(x);
              e.simd(V.i8x16_sub_sat_u);
              e.simd(V.v128_or);
              e.simd(V.i16x8_extend_low_i8x16_u);
              if (j > 0) e.simd(V.i16x8_add);
            }
          }),
        ),
      ),
  },
  i16x8_minpos: {
    doc: 'the least unsigned word and, above it, the number of the first lane that holds it; zeros above (PHMINPOSUW)',
    kind: 'unary',
    widths: V128,
    eval: (_w, [a]) => {
      const words = count(8).map((i) => lane(a!, i, 16));
      const least = words.reduce((m, v) => (v < m ? v : m));
      return least | (BigInt(words.indexOf(least)) << 16n);
    },
    emit: (e) =>
      e.temp(TYPE.v128, (v) => {
        e.set(v);
        // Doublewords of the word above its number: the least of them is the answer, halves changed.
        const packed = (opcode: number, first: number): void => {
          e.get(v);
          e.simd(opcode);
          e.i32(16);
          e.simd(V.i32x4_shl);
          e.simd(V.v128_const, ...count(4).flatMap((i) => [first + i, 0, 0, 0]));
          e.simd(V.v128_or);
        };
        packed(V.i32x4_extend_low_i16x8_u, 0);
        packed(V.i32x4_extend_high_i16x8_u, 4);
        e.simd(V.i32x4_min_u);
        for (const distance of [8, 4]) {
          e.tee(v);
          e.get(v);
          e.get(v);
          e.simd(V.i8x16_shuffle, ...count(16).map((i) => (i + distance) % 16));
          e.simd(V.i32x4_min_u);
        }
        e.set(v);
        e.get(v);
        zero(e);
        e.simd(V.i8x16_shuffle, 2, 3, 0, 1, ...new Array<number>(12).fill(16));
      }),
  },
} as const satisfies Record<string, Row>;
