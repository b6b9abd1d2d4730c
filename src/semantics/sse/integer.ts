import type { RowName } from '../../ir/builder.ts';
import type { Val } from '../../ir/nodes.ts';
import { define } from '../define.ts';
import type { Lift } from '../lift.ts';
import type { Op } from '../operands.ts';
import { iota, lanesOf, readAligned, splatByte } from './operands.ts';

type VectorBinary = Extract<RowName, `i${string}` | `v128_${string}`>;

/** Instructions that are one row: destination op source. */
const BINARY: readonly [string, VectorBinary, string][] = [
  ['paddb', 'i8x16_add', 'Add bytes'],
  ['paddw', 'i16x8_add', 'Add words'],
  ['paddd', 'i32x4_add', 'Add doublewords'],
  ['paddq', 'i64x2_add', 'Add quadwords'],
  ['psubb', 'i8x16_sub', 'Subtract bytes'],
  ['psubw', 'i16x8_sub', 'Subtract words'],
  ['psubd', 'i32x4_sub', 'Subtract doublewords'],
  ['psubq', 'i64x2_sub', 'Subtract quadwords'],
  ['paddsb', 'i8x16_add_sat_s', 'Add bytes, signed saturation'],
  ['paddsw', 'i16x8_add_sat_s', 'Add words, signed saturation'],
  ['paddusb', 'i8x16_add_sat_u', 'Add bytes, unsigned saturation'],
  ['paddusw', 'i16x8_add_sat_u', 'Add words, unsigned saturation'],
  ['psubsb', 'i8x16_sub_sat_s', 'Subtract bytes, signed saturation'],
  ['psubsw', 'i16x8_sub_sat_s', 'Subtract words, signed saturation'],
  ['psubusb', 'i8x16_sub_sat_u', 'Subtract bytes, unsigned saturation'],
  ['psubusw', 'i16x8_sub_sat_u', 'Subtract words, unsigned saturation'],
  ['pmullw', 'i16x8_mul', 'Multiply words, low halves'],
  ['pmulhw', 'i16x8_mulh_s', 'Multiply signed words, high halves'],
  ['pmulhuw', 'i16x8_mulh_u', 'Multiply unsigned words, high halves'],
  ['pmaddwd', 'i32x4_dot_s', 'Multiply words and add pairs'],
  ['pmuludq', 'i64x2_mul_even_u', 'Multiply even doublewords'],
  ['psadbw', 'i64x2_sad_u', 'Sums of absolute differences of bytes'],
  ['pavgb', 'i8x16_avg_u', 'Average bytes, rounded up'],
  ['pavgw', 'i16x8_avg_u', 'Average words, rounded up'],
  ['pminub', 'i8x16_min_u', 'Lesser unsigned bytes'],
  ['pmaxub', 'i8x16_max_u', 'Greater unsigned bytes'],
  ['pminsw', 'i16x8_min_s', 'Lesser signed words'],
  ['pmaxsw', 'i16x8_max_s', 'Greater signed words'],
  ['pcmpeqb', 'i8x16_eq', 'Compare bytes for equality'],
  ['pcmpeqw', 'i16x8_eq', 'Compare words for equality'],
  ['pcmpeqd', 'i32x4_eq', 'Compare doublewords for equality'],
  ['pcmpgtb', 'i8x16_gt_s', 'Compare signed bytes'],
  ['pcmpgtw', 'i16x8_gt_s', 'Compare signed words'],
  ['pcmpgtd', 'i32x4_gt_s', 'Compare signed doublewords'],
  ['packsswb', 'i8x16_narrow_s', 'Pack words to signed bytes'],
  ['packuswb', 'i8x16_narrow_u', 'Pack words to unsigned bytes'],
  ['packssdw', 'i16x8_narrow_s', 'Pack doublewords to signed words'],
  ['punpcklbw', 'i8x16_interleave_low', 'Interleave low bytes'],
  ['punpcklwd', 'i16x8_interleave_low', 'Interleave low words'],
  ['punpckldq', 'i32x4_interleave_low', 'Interleave low doublewords'],
  ['punpcklqdq', 'i64x2_interleave_low', 'Interleave low quadwords'],
  ['punpckhbw', 'i8x16_interleave_high', 'Interleave high bytes'],
  ['punpckhwd', 'i16x8_interleave_high', 'Interleave high words'],
  ['punpckhdq', 'i32x4_interleave_high', 'Interleave high doublewords'],
  ['punpckhqdq', 'i64x2_interleave_high', 'Interleave high quadwords'],
  ['unpcklps', 'i32x4_interleave_low', 'Interleave low singles'],
  ['unpckhps', 'i32x4_interleave_high', 'Interleave high singles'],
  ['unpcklpd', 'i64x2_interleave_low', 'Interleave low doubles'],
  ['unpckhpd', 'i64x2_interleave_high', 'Interleave high doubles'],
  ['pand', 'v128_and', 'Bitwise and'],
  ['andps', 'v128_and', 'Bitwise and'],
  ['andpd', 'v128_and', 'Bitwise and'],
  ['por', 'v128_or', 'Bitwise or'],
  ['orps', 'v128_or', 'Bitwise or'],
  ['orpd', 'v128_or', 'Bitwise or'],
  ['pxor', 'v128_xor', 'Bitwise exclusive or'],
  ['xorps', 'v128_xor', 'Bitwise exclusive or'],
  ['xorpd', 'v128_xor', 'Bitwise exclusive or'],
];

const row = (x: Lift, name: VectorBinary, a: Val, b: Val): Val =>
  (x.b[name] as (a: Val, b: Val) => Val).call(x.b, a, b);

for (const [mnemonic, name, title] of BINARY)
  define(mnemonic, title, (x, dst, src) => x.write(dst!, row(x, name, x.read(dst!, 128), readAligned(x, src!))));

define('pandn andnps andnpd', 'And with the complement of the destination', (x, dst, src) =>
  x.write(dst!, x.b.v128_andnot(readAligned(x, src!), x.read(dst!, 128))),
);

/** The count of a shift: an immediate, or the low quadword of a vector. */
function shiftCount(x: Lift, by: Op): Val {
  return by.kind === 'imm' ? x.b.vector(x.b.zext(x.read(by, 8), 64), 128) : readAligned(x, by);
}

for (const [mnemonic, name, title] of [
  ['psllw', 'i16x8_shl', 'Shift words left'],
  ['pslld', 'i32x4_shl', 'Shift doublewords left'],
  ['psllq', 'i64x2_shl', 'Shift quadwords left'],
  ['psrlw', 'i16x8_shr_u', 'Shift words right'],
  ['psrld', 'i32x4_shr_u', 'Shift doublewords right'],
  ['psrlq', 'i64x2_shr_u', 'Shift quadwords right'],
  ['psraw', 'i16x8_shr_s', 'Shift words right, signs in'],
  ['psrad', 'i32x4_shr_s', 'Shift doublewords right, signs in'],
] as const)
  define(mnemonic, title, (x, dst, by) => x.write(dst!, row(x, name, x.read(dst!, 128), shiftCount(x, by!))));

for (const [mnemonic, title, left] of [
  ['pslldq', 'Shift the register left by bytes', true],
  ['psrldq', 'Shift the register right by bytes', false],
] as const)
  define(mnemonic, title, (x, dst, by) => {
    const k = x.b;
    const n = x.read(by!, 8);
    const sixteen = x.constant(16, 8);
    const bytes = splatByte(x, k.select(k.ltu(n, sixteen), n, sixteen));
    // An index outside 0 … 15 selects zero.
    const from = left ? k.i8x16_sub(iota(x), bytes) : k.i8x16_add(iota(x), bytes);
    x.write(dst!, k.i8x16_swizzle(x.read(dst!, 128), from));
  });

// ——— shuffles: two-bit selectors in an immediate, turned into byte indices ———

/** Byte indices of one lane: selector · bytes per lane, in every byte of the lane, plus the byte's own number. */
function laneIndex(x: Lift, selectors: Val, at: number, bytes: 2 | 4): Val {
  const k = x.b;
  const selector = k.and(k.shr(selectors, x.constant(2 * at, 64)), x.constant(3, 64));
  return bytes === 4
    ? k.add(k.mul(selector, x.constant(0x04040404n, 64)), x.constant(0x03020100n, 64))
    : k.add(k.mul(selector, x.constant(0x0202n, 64)), x.constant(0x0100n, 64));
}

function joinIndices(x: Lift, indices: readonly Val[], bytes: number): Val {
  const k = x.b;
  return indices.reduce((sum, index, i) => k.or(sum, k.shl(index, x.constant(8 * bytes * i, 64))));
}

define('pshufd', 'Shuffle doublewords', (x, dst, src, order) => {
  const k = x.b;
  const v = readAligned(x, src!);
  const by = k.zext(x.read(order!, 8), 64);
  const index = (a: number, b: number): Val => joinIndices(x, [laneIndex(x, by, a, 4), laneIndex(x, by, b, 4)], 4);
  x.write(dst!, k.i8x16_swizzle(v, k.pair(index(0, 1), index(2, 3))));
});

for (const [mnemonic, title, high] of [
  ['pshuflw', 'Shuffle the low words', false],
  ['pshufhw', 'Shuffle the high words', true],
] as const)
  define(mnemonic, title, (x, dst, src, order) => {
    const k = x.b;
    const v = readAligned(x, src!);
    const by = k.zext(x.read(order!, 8), 64);
    const words = joinIndices(
      x,
      [0, 1, 2, 3].map((i) => laneIndex(x, by, i, 2)),
      2,
    );
    const low = x.constant(0x0706050403020100n, 64);
    const upper = x.constant(0x0808080808080808n, 64);
    const index = high ? k.pair(low, k.add(words, upper)) : k.pair(words, k.add(low, upper));
    x.write(dst!, k.i8x16_swizzle(v, index));
  });

define('shufps', 'Two singles of the destination, then two of the source', (x, dst, src, order) => {
  const k = x.b;
  const a = x.read(dst!, 128);
  const b = readAligned(x, src!);
  const by = k.zext(x.read(order!, 8), 64);
  const index = (i: number, j: number): Val => joinIndices(x, [laneIndex(x, by, i, 4), laneIndex(x, by, j, 4)], 4);
  const low = index(0, 1);
  const high = index(2, 3);
  const zero = x.constant(0, 64);
  x.write(
    dst!,
    k.pair(k.low(k.i8x16_swizzle(a, k.pair(low, zero)), 64), k.low(k.i8x16_swizzle(b, k.pair(high, zero)), 64)),
  );
});

define('shufpd', 'One double of the destination, then one of the source', (x, dst, src, order) => {
  const k = x.b;
  const [a0, a1] = lanesOf(x, x.read(dst!, 128), 64);
  const [b0, b1] = lanesOf(x, readAligned(x, src!), 64);
  const by = x.read(order!, 8);
  const second = k.shr(by, x.constant(1, 8));
  x.write(dst!, k.pair(k.select(k.trunc(by, 1), a1!, a0!), k.select(k.trunc(second, 1), b1!, b0!)));
});

/** Which half a word index is in, and its shift there. */
function wordAt(x: Lift, op: Op): { high: Val; shift: Val } {
  const k = x.b;
  const index = k.zext(x.read(op, 8), 64);
  return {
    high: k.trunc(k.shr(index, x.constant(2, 64)), 1),
    shift: k.shl(k.and(index, x.constant(3, 64)), x.constant(4, 64)),
  };
}

define('pinsrw', 'Insert a word', (x, dst, src, at) => {
  const k = x.b;
  const { high, shift } = wordAt(x, at!);
  const value = k.shl(k.zext(x.read(src!, 16), 64), shift);
  const hole = k.not(k.shl(x.constant(0xffff, 64), shift));
  const [low, upper] = lanesOf(x, x.read(dst!, 128), 64);
  const inserted = (half: Val): Val => k.or(k.and(half, hole), value);
  x.write(dst!, k.pair(k.select(high, low!, inserted(low!)), k.select(high, inserted(upper!), upper!)));
});

define('pextrw', 'Extract a word', (x, dst, src, at) => {
  const k = x.b;
  const { high, shift } = wordAt(x, at!);
  const [low, upper] = lanesOf(x, x.read(src!, 128), 64);
  const word = k.and(k.shr(k.select(high, upper!, low!), shift), x.constant(0xffff, 64));
  x.write(dst!, k.trunc(word, dst!.w));
});
