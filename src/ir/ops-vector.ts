import { flag, mapLanes, mask, signed } from '../bits/width.ts';
import { type Row, SCALAR_ROWS } from './ops.ts';
import { type Emitter, TYPE, V, W } from './wasm-opcodes.ts';

/** Operations on 128-bit vectors. A lane-wise row takes the scalar row's meaning; only its opcode is new. */

type ScalarName = keyof typeof SCALAR_ROWS;
export const V128 = [128] as const;
export type BinaryRow = Row & { readonly kind: 'binary' };

export const simd =
  (...opcodes: number[]) =>
  (e: Emitter): void => {
    for (const opcode of opcodes) e.simd(opcode);
  };

/** Lane by lane, as the scalar row of that name. */
function lanewise(width: number, name: ScalarName, opcode: number): BinaryRow {
  const scalar: Row = SCALAR_ROWS[name];
  return {
    doc: `${scalar.doc}, in lanes of ${width} bits`,
    kind: 'binary',
    widths: V128,
    eval: (_w, args) => mapLanes(width, (...lanes) => scalar.eval(width, lanes, width), ...args),
    emit: simd(opcode),
  };
}

export function lanes(
  doc: string,
  width: number,
  f: (a: bigint, b: bigint) => bigint,
  emit?: (e: Emitter) => void,
): BinaryRow {
  const row: BinaryRow = {
    doc: `${doc}, in lanes of ${width} bits`,
    kind: 'binary',
    widths: V128,
    eval: (_w, [a, b]) => mapLanes(width, (x, y) => f(x!, y!), a!, b!),
  };
  return emit ? { ...row, emit } : row;
}

type UnaryRow = Row & { readonly kind: 'unary' };

export function unaryLanes(doc: string, width: number, f: (a: bigint) => bigint, emit: (e: Emitter) => void): UnaryRow {
  return {
    doc: `${doc}, in lanes of ${width} bits`,
    kind: 'unary',
    widths: V128,
    eval: (_w, [a]) => mapLanes(width, (x) => f(x!), a!),
    emit,
  };
}

/** The lesser or greater of each two lanes. */
function extreme(width: number, kind: 'min' | 'max', sign: 's' | 'u', opcode: number): BinaryRow {
  const value = (a: bigint): bigint => (sign === 's' ? signed(a, width) : a);
  const least = (a: bigint, b: bigint): boolean => value(a) < value(b);
  return lanes(
    `the ${kind === 'min' ? 'lesser' : 'greater'}, ${sign === 's' ? 'signed' : 'unsigned'}`,
    width,
    (a, b) => (least(a, b) === (kind === 'min') ? a : b),
    simd(opcode),
  );
}

const absolute = (width: number, opcode: number): UnaryRow =>
  unaryLanes(
    '|a|, the least value staying',
    width,
    (a) => {
      const v = signed(a, width);
      return v < 0n ? -v : v;
    },
    simd(opcode),
  );

const ones = (condition: boolean): bigint => (condition ? -1n : 0n);
const clamp = (x: bigint, low: bigint, high: bigint): bigint => (x < low ? low : x > high ? high : x);
export const clampSigned = (x: bigint, w: number): bigint =>
  clamp(x, -(1n << BigInt(w - 1)), (1n << BigInt(w - 1)) - 1n);
const clampUnsigned = (x: bigint, w: number): bigint => clamp(x, 0n, mask(w));

/** Shift of every lane by one count, the low 64 bits of `b` (SDM 2B PSLLW): past the lane all zeros, or all signs. */
function shift(doc: string, width: number, kind: 'shl' | 'shr' | 'sar', opcode: number): BinaryRow {
  return {
    doc: `${doc}, in lanes of ${width} bits, by the low 64 bits of b`,
    kind: 'binary',
    widths: V128,
    eval: (_w, [a, b]) => {
      const count = b! & mask(64);
      const over = count >= BigInt(width);
      if (kind === 'sar') {
        const n = over ? BigInt(width - 1) : count;
        return mapLanes(width, (x) => signed(x!, width) >> n, a!);
      }
      return over ? 0n : mapLanes(width, (x) => (kind === 'shl' ? x! << count : x! >> count), a!);
    },
    emit: (e) =>
      e.temp(TYPE.i64, (count) =>
        e.temp(TYPE.v128, (a) => {
          e.simd(V.i64x2_extract_lane, 0);
          e.set(count);
          e.set(a);
          e.get(a);
          if (kind === 'sar') {
            e.get(count);
            e.i64(BigInt(width - 1));
            e.get(count);
            e.i64(BigInt(width));
            e.op(W.i64_lt_u, W.select, W.i32_wrap_i64);
            // select(count, width − 1, count < width)
            e.simd(opcode);
          } else {
            e.get(count);
            e.op(W.i32_wrap_i64);
            e.simd(opcode);
            e.simd(V.v128_const, ...new Array<number>(16).fill(0));
            e.get(count);
            e.i64(BigInt(width));
            e.op(W.i64_lt_u, W.select);
          }
        }),
      ),
  };
}

/** Narrows the lanes of a (low half of the result) and b (high half) with saturation. */
function narrow(from: number, to: 'signed' | 'unsigned', opcode: number): BinaryRow {
  const half = from / 2;
  return {
    doc: `the ${from}-bit lanes of a, then of b, saturated to ${to} ${half} bits`,
    kind: 'binary',
    widths: V128,
    eval: (_w, [a, b]) => {
      let out = 0n;
      const pair = a! | (b! << 128n);
      for (let i = 0; i < 256 / from; i++) {
        const lane = signed((pair >> BigInt(i * from)) & mask(from), from);
        const value = to === 'signed' ? clampSigned(lane, half) : clampUnsigned(lane, half);
        out |= (value & mask(half)) << BigInt(i * half);
      }
      return out;
    },
    emit: simd(opcode),
  };
}

/** Interleaves the low or high halves of a and b, a first (PUNPCKL…, PUNPCKH…). */
function interleave(width: number, high: boolean): BinaryRow {
  const bytes = width / 8;
  const order: number[] = [];
  for (let lane = 0; lane < 8 / bytes; lane++)
    for (const source of [0, 16])
      for (let i = 0; i < bytes; i++) order.push(source + (high ? 8 : 0) + lane * bytes + i);
  return {
    doc: `the ${high ? 'high' : 'low'} halves of a and b interleaved by ${width} bits`,
    kind: 'binary',
    widths: V128,
    eval: (_w, [a, b]) => {
      const pair = a! | (b! << 128n);
      return order.reduce((out, from, i) => out | (((pair >> BigInt(8 * from)) & 0xffn) << BigInt(8 * i)), 0n);
    },
    emit: (e) => e.simd(V.i8x16_shuffle, ...order),
  };
}

const bitwise = (name: 'and' | 'or' | 'xor', opcode: number): BinaryRow => ({
  doc: SCALAR_ROWS[name].doc,
  kind: 'binary',
  widths: V128,
  eval: (w, args) => SCALAR_ROWS[name].eval(w, args as [bigint, bigint]),
  emit: simd(opcode),
});

export const VECTOR_ROWS = {
  v128_and: bitwise('and', V.v128_and),
  v128_or: bitwise('or', V.v128_or),
  v128_xor: bitwise('xor', V.v128_xor),
  v128_andnot: {
    doc: 'a ∧ ¬b',
    kind: 'binary',
    widths: V128,
    eval: (_w, [a, b]) => a! & ~b!,
    emit: simd(V.v128_andnot),
  },
  i8x16_add: lanewise(8, 'add', V.i8x16_add),
  i16x8_add: lanewise(16, 'add', V.i16x8_add),
  i32x4_add: lanewise(32, 'add', V.i32x4_add),
  i64x2_add: lanewise(64, 'add', V.i64x2_add),
  i8x16_sub: lanewise(8, 'sub', V.i8x16_sub),
  i16x8_sub: lanewise(16, 'sub', V.i16x8_sub),
  i32x4_sub: lanewise(32, 'sub', V.i32x4_sub),
  i64x2_sub: lanewise(64, 'sub', V.i64x2_sub),
  i16x8_mul: lanewise(16, 'mul', V.i16x8_mul),
  i32x4_mul: lanewise(32, 'mul', V.i32x4_mul),
  i8x16_add_sat_s: lanes(
    'a + b, signed saturation',
    8,
    (a, b) => clampSigned(signed(a, 8) + signed(b, 8), 8),
    simd(V.i8x16_add_sat_s),
  ),
  i16x8_add_sat_s: lanes(
    'a + b, signed saturation',
    16,
    (a, b) => clampSigned(signed(a, 16) + signed(b, 16), 16),
    simd(V.i16x8_add_sat_s),
  ),
  i8x16_add_sat_u: lanes('a + b, unsigned saturation', 8, (a, b) => clampUnsigned(a + b, 8), simd(V.i8x16_add_sat_u)),
  i16x8_add_sat_u: lanes('a + b, unsigned saturation', 16, (a, b) => clampUnsigned(a + b, 16), simd(V.i16x8_add_sat_u)),
  i8x16_sub_sat_s: lanes(
    'a − b, signed saturation',
    8,
    (a, b) => clampSigned(signed(a, 8) - signed(b, 8), 8),
    simd(V.i8x16_sub_sat_s),
  ),
  i16x8_sub_sat_s: lanes(
    'a − b, signed saturation',
    16,
    (a, b) => clampSigned(signed(a, 16) - signed(b, 16), 16),
    simd(V.i16x8_sub_sat_s),
  ),
  i8x16_sub_sat_u: lanes('a − b, unsigned saturation', 8, (a, b) => clampUnsigned(a - b, 8), simd(V.i8x16_sub_sat_u)),
  i16x8_sub_sat_u: lanes('a − b, unsigned saturation', 16, (a, b) => clampUnsigned(a - b, 16), simd(V.i16x8_sub_sat_u)),
  i8x16_eq: lanes('all ones where a = b', 8, (a, b) => ones(a === b), simd(V.i8x16_eq)),
  i16x8_eq: lanes('all ones where a = b', 16, (a, b) => ones(a === b), simd(V.i16x8_eq)),
  i32x4_eq: lanes('all ones where a = b', 32, (a, b) => ones(a === b), simd(V.i32x4_eq)),
  i64x2_eq: lanes('all ones where a = b', 64, (a, b) => ones(a === b), simd(V.i64x2_eq)),
  i8x16_gt_s: lanes('all ones where a > b, signed', 8, (a, b) => ones(signed(a, 8) > signed(b, 8)), simd(V.i8x16_gt_s)),
  i16x8_gt_s: lanes(
    'all ones where a > b, signed',
    16,
    (a, b) => ones(signed(a, 16) > signed(b, 16)),
    simd(V.i16x8_gt_s),
  ),
  i32x4_gt_s: lanes(
    'all ones where a > b, signed',
    32,
    (a, b) => ones(signed(a, 32) > signed(b, 32)),
    simd(V.i32x4_gt_s),
  ),
  i64x2_gt_s: lanes(
    'all ones where a > b, signed',
    64,
    (a, b) => ones(signed(a, 64) > signed(b, 64)),
    simd(V.i64x2_gt_s),
  ),
  i8x16_min_s: extreme(8, 'min', 's', V.i8x16_min_s),
  i8x16_min_u: extreme(8, 'min', 'u', V.i8x16_min_u),
  i8x16_max_s: extreme(8, 'max', 's', V.i8x16_max_s),
  i8x16_max_u: extreme(8, 'max', 'u', V.i8x16_max_u),
  i8x16_abs: absolute(8, V.i8x16_abs),
  i16x8_min_s: extreme(16, 'min', 's', V.i16x8_min_s),
  i16x8_min_u: extreme(16, 'min', 'u', V.i16x8_min_u),
  i16x8_max_s: extreme(16, 'max', 's', V.i16x8_max_s),
  i16x8_max_u: extreme(16, 'max', 'u', V.i16x8_max_u),
  i16x8_abs: absolute(16, V.i16x8_abs),
  i32x4_min_s: extreme(32, 'min', 's', V.i32x4_min_s),
  i32x4_min_u: extreme(32, 'min', 'u', V.i32x4_min_u),
  i32x4_max_s: extreme(32, 'max', 's', V.i32x4_max_s),
  i32x4_max_u: extreme(32, 'max', 'u', V.i32x4_max_u),
  i32x4_abs: absolute(32, V.i32x4_abs),
  i8x16_avg_u: lanes('(a + b + 1) / 2, unsigned', 8, (a, b) => (a + b + 1n) >> 1n, simd(V.i8x16_avgr_u)),
  i16x8_avg_u: lanes('(a + b + 1) / 2, unsigned', 16, (a, b) => (a + b + 1n) >> 1n, simd(V.i16x8_avgr_u)),
  i16x8_mulh_s: lanes(
    'the high half of a · b, signed',
    16,
    (a, b) => (signed(a, 16) * signed(b, 16)) >> 16n,
    (e) => multiplyHighWords(e, V.i32x4_extmul_low_i16x8_s, V.i32x4_extmul_high_i16x8_s),
  ),
  i16x8_mulh_u: lanes(
    'the high half of a · b, unsigned',
    16,
    (a, b) => (a * b) >> 16n,
    (e) => multiplyHighWords(e, V.i32x4_extmul_low_i16x8_u, V.i32x4_extmul_high_i16x8_u),
  ),
  i32x4_dot_s: {
    doc: 'sums of the two products of each pair of signed words, in lanes of 32 bits (PMADDWD)',
    kind: 'binary',
    widths: V128,
    eval: (_w, [a, b]) =>
      mapLanes(
        32,
        (x, y) => {
          const product = (at: bigint): bigint => signed((x! >> at) & 0xffffn, 16) * signed((y! >> at) & 0xffffn, 16);
          return product(0n) + product(16n);
        },
        a!,
        b!,
      ),
    emit: simd(V.i32x4_dot_i16x8_s),
  },
  i64x2_mul_even_u: {
    doc: 'products of the low doublewords of each quadword, unsigned (PMULUDQ)',
    kind: 'binary',
    widths: V128,
    eval: (_w, [a, b]) => mapLanes(64, (x, y) => (x! & mask(32)) * (y! & mask(32)), a!, b!),
    emit: (e) =>
      e.temp(TYPE.v128, (b) => {
        const even = [0, 1, 2, 3, 8, 9, 10, 11, 0, 0, 0, 0, 0, 0, 0, 0];
        e.set(b);
        e.temp(TYPE.v128, (a) => {
          e.set(a);
          for (const local of [a, b]) {
            e.get(local);
            e.get(local);
            e.simd(V.i8x16_shuffle, ...even);
          }
          e.simd(V.i64x2_extmul_low_i32x4_u);
        });
      }),
  },
  i64x2_sad_u: {
    doc: 'sums of absolute differences of the eight bytes of each half (PSADBW)',
    kind: 'binary',
    widths: V128,
    eval: (_w, [a, b]) =>
      mapLanes(
        64,
        (x, y) => {
          let sum = 0n;
          for (let at = 0n; at < 64n; at += 8n) {
            const d = ((x! >> at) & 0xffn) - ((y! >> at) & 0xffn);
            sum += d < 0n ? -d : d;
          }
          return sum;
        },
        a!,
        b!,
      ),
    emit: (e) =>
      e.temp(TYPE.v128, (a) =>
        e.temp(TYPE.v128, (b) => {
          e.set(b);
          e.set(a);
          // |a − b| is whichever saturated difference is not zero.
          e.get(a);
          e.get(b);
          e.simd(V.i8x16_sub_sat_u);
          e.get(b);
          e.get(a);
          e.simd(V.i8x16_sub_sat_u);
          e.simd(V.v128_or);
          e.simd(V.i16x8_extadd_pairwise_i8x16_u);
          e.simd(V.i32x4_extadd_pairwise_i16x8_u);
          e.tee(a);
          e.get(a);
          e.i32(32);
          e.simd(V.i64x2_shr_u);
          e.simd(V.i32x4_add);
          // The high doubleword of each quadword still holds a partial sum.
          e.simd(V.v128_const, ...[0, 8].flatMap(() => [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]));
          e.simd(V.v128_and);
        }),
      ),
  },
  i16x8_shl: shift('a << b', 16, 'shl', V.i16x8_shl),
  i32x4_shl: shift('a << b', 32, 'shl', V.i32x4_shl),
  i64x2_shl: shift('a << b', 64, 'shl', V.i64x2_shl),
  i16x8_shr_u: shift('a >> b', 16, 'shr', V.i16x8_shr_u),
  i32x4_shr_u: shift('a >> b', 32, 'shr', V.i32x4_shr_u),
  i64x2_shr_u: shift('a >> b', 64, 'shr', V.i64x2_shr_u),
  i16x8_shr_s: shift('a >> b, signs in', 16, 'sar', V.i16x8_shr_s),
  i32x4_shr_s: shift('a >> b, signs in', 32, 'sar', V.i32x4_shr_s),
  i8x16_narrow_s: narrow(16, 'signed', V.i8x16_narrow_i16x8_s),
  i8x16_narrow_u: narrow(16, 'unsigned', V.i8x16_narrow_i16x8_u),
  i16x8_narrow_s: narrow(32, 'signed', V.i16x8_narrow_i32x4_s),
  i16x8_narrow_u: narrow(32, 'unsigned', V.i16x8_narrow_i32x4_u),
  i8x16_interleave_low: interleave(8, false),
  i16x8_interleave_low: interleave(16, false),
  i32x4_interleave_low: interleave(32, false),
  i64x2_interleave_low: interleave(64, false),
  i8x16_interleave_high: interleave(8, true),
  i16x8_interleave_high: interleave(16, true),
  i32x4_interleave_high: interleave(32, true),
  i64x2_interleave_high: interleave(64, true),
  i8x16_swizzle: {
    doc: 'byte i of the result is byte b[i] of a, 0 where b[i] > 15',
    kind: 'binary',
    widths: V128,
    eval: (_w, [a, b]) => mapLanes(8, (i) => (i! < 16n ? (a! >> (8n * i!)) & 0xffn : 0n), b!),
    emit: simd(V.i8x16_swizzle),
  },
  i8x16_bitmask: maskOf(8, V.i8x16_bitmask),
  i32x4_bitmask: maskOf(32, V.i32x4_bitmask),
  i64x2_bitmask: maskOf(64, V.i64x2_bitmask),
} as const satisfies Record<string, Row>;

function multiplyHighWords(e: Emitter, low: number, high: number): void {
  // The odd words of each 32-bit product, low products first.
  const odd = [2, 3, 6, 7, 10, 11, 14, 15, 18, 19, 22, 23, 26, 27, 30, 31];
  e.temp(TYPE.v128, (b) =>
    e.temp(TYPE.v128, (a) => {
      e.set(b);
      e.set(a);
      e.get(a);
      e.get(b);
      e.simd(low);
      e.get(a);
      e.get(b);
      e.simd(high);
      e.simd(V.i8x16_shuffle, ...odd);
    }),
  );
}

/** The top bit of every lane, lowest lane first, as a 32-bit value. */
function maskOf(width: number, opcode: number): Row & { readonly kind: 'resize' } {
  return {
    doc: `the top bits of the lanes of ${width} bits, as a 32-bit value`,
    kind: 'resize',
    widths: V128,
    eval: (_w, [a]) => {
      let out = 0n;
      for (let i = 0; i < 128 / width; i++) out |= ((a! >> BigInt(i * width + width - 1)) & 1n) << BigInt(i);
      return out;
    },
    emit: simd(opcode),
  };
}

/** Moving scalars in and out of vectors: resizing rows between 128 bits and 32 or 64. */
export const LANE_ROWS = {
  low: {
    doc: 'the low bits of a vector',
    kind: 'resize',
    widths: V128,
    eval: (_w, [a]) => a!,
    emit: (e, _w, to) => e.simd(to === 64 ? V.i64x2_extract_lane : V.i32x4_extract_lane, 0),
  },
  high: {
    doc: 'the high 64 bits of a vector',
    kind: 'resize',
    widths: V128,
    eval: (_w, [a]) => a! >> 64n,
    emit: (e) => e.simd(V.i64x2_extract_lane, 1),
  },
  vector: {
    doc: 'a scalar in the low lane, zeros above',
    kind: 'resize',
    widths: [32, 64],
    eval: (_w, [a]) => a!,
    emit: (e, w) => {
      if (w === 32) e.op(W.i64_extend_i32_u);
      e.temp(TYPE.i64, (low) => {
        e.set(low);
        e.simd(V.v128_const, ...new Array<number>(16).fill(0));
        e.get(low);
        e.simd(V.i64x2_replace_lane, 0);
      });
    },
  },
  pair: {
    doc: 'a vector of two quadwords: (low, high)',
    kind: 'join',
    widths: [64],
    eval: (_w, [a, b]) => a! | (b! << 64n),
    emit: (e) =>
      e.temp(TYPE.i64, (high) => {
        e.set(high);
        e.simd(V.i64x2_splat);
        e.get(high);
        e.simd(V.i64x2_replace_lane, 1);
      }),
  },
  anyTrue: {
    doc: 'whether any bit of a vector is one',
    kind: 'test',
    widths: V128,
    eval: (_w, [a]) => flag(a !== 0n),
    emit: simd(V.v128_any_true),
  },
} as const satisfies Record<string, Row>;
