import type { Val } from '../../ir/nodes.ts';
import type { Lift } from '../lift.ts';
import { defineBinary, defineUnary } from './define.ts';
import { iota, splatByte } from './operands.ts';

/** The same byte in every lane. */
const bytes = (x: Lift, value: number): Val =>
  x.constant(BigInt(`0x${value.toString(16).padStart(2, '0').repeat(16)}`), 128);

// Any index above 15 gives zero in the row.
defineBinary(
  'pshufb',
  'Shuffle bytes by indices; a set top bit gives zero',
  (x, a, b) => x.b.i8x16_swizzle(a, x.b.v128_and(b, bytes(x, 0x8f))),
  {
    mmx: (x, a, b) => {
      const k = x.b;
      return k.low(k.i8x16_swizzle(k.vector(a, 128), k.v128_and(k.vector(b, 128), bytes(x, 0x87))), 64);
    },
  },
);

for (const [mnemonic, title, lanes, op] of [
  ['phaddw', 'Sums of neighbouring words', 'i16x8', 'add'],
  ['phaddd', 'Sums of neighbouring doublewords', 'i32x4', 'add'],
  ['phaddsw', 'Sums of neighbouring words, signed saturation', 'i16x8', 'add_sat_s'],
  ['phsubw', 'Differences of neighbouring words', 'i16x8', 'sub'],
  ['phsubd', 'Differences of neighbouring doublewords', 'i32x4', 'sub'],
  ['phsubsw', 'Differences of neighbouring words, signed saturation', 'i16x8', 'sub_sat_s'],
] as const)
  defineBinary(
    mnemonic,
    title,
    ({ b: k }, a, b) => {
      const even = k[`${lanes}_even`](a, b);
      const odd = k[`${lanes}_odd`](a, b);
      return lanes === 'i16x8' ? k[`i16x8_${op}`](even, odd) : k[`i32x4_${op}`](even, odd);
    },
    { mmx: 'joined' },
  );

defineBinary('pmaddubsw', 'Multiply unsigned by signed bytes and add pairs', (x, a, b) => x.b.i16x8_dot_us(a, b), {
  mmx: 'low',
});
defineBinary('pmulhrsw', 'Multiply words, high halves rounded', (x, a, b) => x.b.i16x8_mulr_s(a, b), { mmx: 'low' });

for (const [mnemonic, title, lanes] of [
  ['psignb', 'Bytes with the signs of the source', 'i8x16'],
  ['psignw', 'Words with the signs of the source', 'i16x8'],
  ['psignd', 'Doublewords with the signs of the source', 'i32x4'],
] as const)
  defineBinary(
    mnemonic,
    `${title}, zero where that is zero`,
    (x, a, b) => {
      const k = x.b;
      const zero = x.constant(0, 128);
      const negative = k[`${lanes}_gt_s`](zero, b);
      const signed = k[`${lanes}_sub`](k.v128_xor(a, negative), negative);
      return k.v128_andnot(signed, k[`${lanes}_eq`](b, zero));
    },
    { mmx: 'low' },
  );

for (const [mnemonic, title, lanes] of [
  ['pabsb', 'Absolute bytes', 'i8x16'],
  ['pabsw', 'Absolute words', 'i16x8'],
  ['pabsd', 'Absolute doublewords', 'i32x4'],
] as const)
  defineUnary(mnemonic, title, (x, b) => x.b[`${lanes}_abs`](b), { mmx: 'low' });

/** `n` where it is less than `most`, else that. */
const atMost = (x: Lift, n: Val, most: number): Val => {
  const limit = x.constant(most, 8);
  return x.b.select(x.b.ltu(n, limit), n, limit);
};

defineBinary(
  'palignr',
  'Bytes from the middle of both sources, the second low',
  (x, a, b, imm) => {
    const k = x.b;
    const from = k.i8x16_add(iota(x), splatByte(x, atMost(x, imm, 32)));
    return k.v128_or(k.i8x16_swizzle(b, from), k.i8x16_swizzle(a, k.i8x16_sub(from, bytes(x, 16))));
  },
  {
    mmx: (x, a, b, imm) => {
      const k = x.b;
      const from = k.i8x16_add(iota(x), splatByte(x, atMost(x, imm, 16)));
      return k.low(k.i8x16_swizzle(k.pair(b, a), from), 64);
    },
  },
);
