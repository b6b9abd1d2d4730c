import type { RowName } from '../../ir/builder.ts';
import type { Val } from '../../ir/nodes.ts';
import { define } from '../define.ts';
import type { Lift } from '../lift.ts';
import type { Op } from '../operands.ts';
import { defineBinary, defineUnary, type Unary } from './define.ts';
import { extractLane, insertLane } from './lanes.ts';
import { iota, readAligned, readParts, sourcesOf, splatByte, writeParts } from './operands.ts';

type VectorBinary = Extract<RowName, `i${string}x${string}` | `v128_${string}`>;

/** Instructions that are one row: destination op source. */
const BINARY: readonly [string, VectorBinary, string, ('low' | 'joined')?][] = [
  ['paddb', 'i8x16_add', 'Add bytes', 'low'],
  ['paddw', 'i16x8_add', 'Add words', 'low'],
  ['paddd', 'i32x4_add', 'Add doublewords', 'low'],
  ['paddq', 'i64x2_add', 'Add quadwords', 'low'],
  ['psubb', 'i8x16_sub', 'Subtract bytes', 'low'],
  ['psubw', 'i16x8_sub', 'Subtract words', 'low'],
  ['psubd', 'i32x4_sub', 'Subtract doublewords', 'low'],
  ['psubq', 'i64x2_sub', 'Subtract quadwords', 'low'],
  ['paddsb', 'i8x16_add_sat_s', 'Add bytes, signed saturation', 'low'],
  ['paddsw', 'i16x8_add_sat_s', 'Add words, signed saturation', 'low'],
  ['paddusb', 'i8x16_add_sat_u', 'Add bytes, unsigned saturation', 'low'],
  ['paddusw', 'i16x8_add_sat_u', 'Add words, unsigned saturation', 'low'],
  ['psubsb', 'i8x16_sub_sat_s', 'Subtract bytes, signed saturation', 'low'],
  ['psubsw', 'i16x8_sub_sat_s', 'Subtract words, signed saturation', 'low'],
  ['psubusb', 'i8x16_sub_sat_u', 'Subtract bytes, unsigned saturation', 'low'],
  ['psubusw', 'i16x8_sub_sat_u', 'Subtract words, unsigned saturation', 'low'],
  ['pmullw', 'i16x8_mul', 'Multiply words, low halves', 'low'],
  ['pmulhw', 'i16x8_mulh_s', 'Multiply signed words, high halves', 'low'],
  ['pmulhuw', 'i16x8_mulh_u', 'Multiply unsigned words, high halves', 'low'],
  ['pmaddwd', 'i32x4_dot_s', 'Multiply words and add pairs', 'low'],
  ['pmuludq', 'i64x2_mul_even_u', 'Multiply even doublewords', 'low'],
  ['psadbw', 'i64x2_sad_u', 'Sums of absolute differences of bytes', 'low'],
  ['pavgb', 'i8x16_avg_u', 'Average bytes, rounded up', 'low'],
  ['pavgw', 'i16x8_avg_u', 'Average words, rounded up', 'low'],
  ['pminub', 'i8x16_min_u', 'Lesser unsigned bytes', 'low'],
  ['pmaxub', 'i8x16_max_u', 'Greater unsigned bytes', 'low'],
  ['pminsw', 'i16x8_min_s', 'Lesser signed words', 'low'],
  ['pmaxsw', 'i16x8_max_s', 'Greater signed words', 'low'],
  ['pcmpeqb', 'i8x16_eq', 'Compare bytes for equality', 'low'],
  ['pcmpeqw', 'i16x8_eq', 'Compare words for equality', 'low'],
  ['pcmpeqd', 'i32x4_eq', 'Compare doublewords for equality', 'low'],
  ['pcmpgtb', 'i8x16_gt_s', 'Compare signed bytes', 'low'],
  ['pcmpgtw', 'i16x8_gt_s', 'Compare signed words', 'low'],
  ['pcmpgtd', 'i32x4_gt_s', 'Compare signed doublewords', 'low'],
  ['packsswb', 'i8x16_narrow_s', 'Pack words to signed bytes', 'joined'],
  ['packuswb', 'i8x16_narrow_u', 'Pack words to unsigned bytes', 'joined'],
  ['packssdw', 'i16x8_narrow_s', 'Pack doublewords to signed words', 'joined'],
  ['punpcklbw', 'i8x16_interleave_low', 'Interleave low bytes', 'low'],
  ['punpcklwd', 'i16x8_interleave_low', 'Interleave low words', 'low'],
  ['punpckldq', 'i32x4_interleave_low', 'Interleave low doublewords', 'low'],
  ['punpcklqdq', 'i64x2_interleave_low', 'Interleave low quadwords'],
  ['punpckhqdq', 'i64x2_interleave_high', 'Interleave high quadwords'],
  ['unpcklps', 'i32x4_interleave_low', 'Interleave low singles'],
  ['unpckhps', 'i32x4_interleave_high', 'Interleave high singles'],
  ['unpcklpd', 'i64x2_interleave_low', 'Interleave low doubles'],
  ['unpckhpd', 'i64x2_interleave_high', 'Interleave high doubles'],
  ['pand', 'v128_and', 'Bitwise and', 'low'],
  ['andps', 'v128_and', 'Bitwise and'],
  ['andpd', 'v128_and', 'Bitwise and'],
  ['por', 'v128_or', 'Bitwise or', 'low'],
  ['orps', 'v128_or', 'Bitwise or'],
  ['orpd', 'v128_or', 'Bitwise or'],
  ['pxor', 'v128_xor', 'Bitwise exclusive or', 'low'],
  ['xorps', 'v128_xor', 'Bitwise exclusive or'],
  ['xorpd', 'v128_xor', 'Bitwise exclusive or'],
];

const row = (x: Lift, name: VectorBinary, a: Val, b: Val): Val =>
  (x.b[name] as (a: Val, b: Val) => Val).call(x.b, a, b);

for (const [mnemonic, name, title, mmx] of BINARY)
  defineBinary(mnemonic, title, (x, a, b) => row(x, name, a, b), { mmx });

for (const [mnemonic, lanes, title] of [
  ['punpckhbw', 'i8x16', 'Interleave high bytes'],
  ['punpckhwd', 'i16x8', 'Interleave high words'],
  ['punpckhdq', 'i32x4', 'Interleave high doublewords'],
] as const)
  defineBinary(mnemonic, title, (x, a, b) => x.b[`${lanes}_interleave_high`](a, b), {
    mmx: ({ b: k }, a, b) => k.high(k[`${lanes}_interleave_low`](k.vector(a, 128), k.vector(b, 128)), 64),
  });

for (const [mnemonic, mmx] of [
  ['pandn', 'low'],
  ['andnps', undefined],
  ['andnpd', undefined],
] as const)
  defineBinary(mnemonic, 'And with the complement of the first source', (x, a, b) => x.b.v128_andnot(b, a), { mmx });

/** The count of a shift: an immediate, or the low quadword of a vector. */
function shiftCount(x: Lift, by: Op, mmx: boolean): Val {
  if (by.kind === 'imm') return x.b.vector(x.b.zext(x.read(by, 8), 64), 128);
  return mmx ? x.b.vector(x.read(by, 64), 128) : readAligned(x, by);
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
  define(`${mnemonic} v${mnemonic}`, title, (x, ...operands) => {
    const k = x.b;
    const [dst, a, by] = sourcesOf(x, operands);
    const count = shiftCount(x, by, dst.w === 64);
    if (dst.w === 64) return x.write(dst, k.low(row(x, name, k.vector(x.read(dst, 64), 128), count), 64));
    writeParts(
      x,
      dst,
      readParts(x, a, dst.w).map((part) => row(x, name, part, count)),
    );
  });

for (const [mnemonic, title, left] of [
  ['pslldq', 'Shift the register left by bytes', true],
  ['psrldq', 'Shift the register right by bytes', false],
] as const)
  define(`${mnemonic} v${mnemonic}`, title, (x, ...operands) => {
    const k = x.b;
    const [dst, a, by] = sourcesOf(x, operands);
    const n = x.read(by, 8);
    const sixteen = x.constant(16, 8);
    const bytes = splatByte(x, k.select(k.ltu(n, sixteen), n, sixteen));
    // An index outside 0 … 15 selects zero.
    const from = left ? k.i8x16_sub(iota(x), bytes) : k.i8x16_add(iota(x), bytes);
    writeParts(
      x,
      dst,
      readParts(x, a, dst.w).map((part) => k.i8x16_swizzle(part, from)),
    );
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

/** Doublewords by the selectors in an immediate. */
export const shuffleDoublewords: Unary = (x, v, imm) => {
  const k = x.b;
  const by = k.zext(imm, 64);
  const index = (a: number, b: number): Val => joinIndices(x, [laneIndex(x, by, a, 4), laneIndex(x, by, b, 4)], 4);
  return k.i8x16_swizzle(v, k.pair(index(0, 1), index(2, 3)));
};
defineUnary('pshufd', 'Shuffle doublewords', shuffleDoublewords);

for (const [mnemonic, title, high, mmx] of [
  ['pshuflw', 'Shuffle the low words', false, undefined],
  ['pshufhw', 'Shuffle the high words', true, undefined],
  ['pshufw', 'Shuffle words', false, 'low'],
] as const)
  defineUnary(
    mnemonic,
    title,
    (x, v, imm) => {
      const k = x.b;
      const by = k.zext(imm, 64);
      const words = joinIndices(
        x,
        [0, 1, 2, 3].map((i) => laneIndex(x, by, i, 2)),
        2,
      );
      const low = x.constant(0x0706050403020100n, 64);
      const upper = x.constant(0x0808080808080808n, 64);
      return k.i8x16_swizzle(v, high ? k.pair(low, k.add(words, upper)) : k.pair(words, k.add(low, upper)));
    },
    { mmx, legacy: mnemonic === 'pshufw' },
  );

defineBinary('shufps', 'Two singles of the first source, then two of the second', (x, a, b, imm) => {
  const k = x.b;
  const by = k.zext(imm, 64);
  const index = (i: number, j: number): Val => joinIndices(x, [laneIndex(x, by, i, 4), laneIndex(x, by, j, 4)], 4);
  const low = index(0, 1);
  const high = index(2, 3);
  const zero = x.constant(0, 64);
  return k.pair(k.low(k.i8x16_swizzle(a, k.pair(low, zero)), 64), k.low(k.i8x16_swizzle(b, k.pair(high, zero)), 64));
});

defineBinary('shufpd', 'One double of the first source, then one of the second', (x, a, b, imm, part) => {
  const k = x.b;
  const bit = (n: number): Val => k.trunc(k.shr(imm, x.constant(2 * part + n, 8)), 1);
  return k.pair(k.select(bit(0), k.high(a, 64), k.low(a, 64)), k.select(bit(1), k.high(b, 64), k.low(b, 64)));
});

define('pinsrw vpinsrw', 'Insert a word', (x, ...operands) => {
  const [dst, a, src, at] = sourcesOf(x, operands);
  const value = x.read(src, 16);
  const r = insertLane(x, x.read(a, Math.min(dst.w, 128)), x.read(at!, 8), value);
  if (dst.w === 64) x.write(dst, r);
  else writeParts(x, dst, [r]);
});

define('pextrw vpextrw', 'Extract a word', (x, dst, src, at) => {
  const word = extractLane(x, x.read(src!, Math.min(src!.w, 128)), x.read(at!, 8), 16);
  x.write(dst!, x.b.zext(word, dst!.w));
});
