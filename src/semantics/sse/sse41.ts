import type { Val } from '../../ir/nodes.ts';
import { define } from '../define.ts';
import type { Lift } from '../lift.ts';
import { type Binary, defineBinary, defineScalar, defineUnary } from './define.ts';
import { extractLane, insertLane, maskLanes } from './lanes.ts';
import {
  checkFloat,
  choose,
  format,
  iota,
  joinLanes,
  lanesOf,
  type Precision,
  readAligned,
  splatByte,
  XMM0,
} from './operands.ts';

const ROWS = [
  ['pmulld', 'i32x4_mul', 'Multiply doublewords, low halves'],
  ['pmuldq', 'i64x2_mul_even_s', 'Multiply even doublewords, signed'],
  ['pcmpeqq', 'i64x2_eq', 'Compare quadwords for equality'],
  ['packusdw', 'i16x8_narrow_u', 'Pack doublewords to unsigned words'],
  ['pminsb', 'i8x16_min_s', 'Lesser signed bytes'],
  ['pmaxsb', 'i8x16_max_s', 'Greater signed bytes'],
  ['pminuw', 'i16x8_min_u', 'Lesser unsigned words'],
  ['pmaxuw', 'i16x8_max_u', 'Greater unsigned words'],
  ['pminsd', 'i32x4_min_s', 'Lesser signed doublewords'],
  ['pmaxsd', 'i32x4_max_s', 'Greater signed doublewords'],
  ['pminud', 'i32x4_min_u', 'Lesser unsigned doublewords'],
  ['pmaxud', 'i32x4_max_u', 'Greater unsigned doublewords'],
] as const;
for (const [mnemonic, row, title] of ROWS) defineBinary(mnemonic, title, (x, a, b) => x.b[row](a, b));

defineUnary('phminposuw', 'The least unsigned word and its number', (x, b) => x.b.i16x8_minpos(b));

// ——— blends ———

/** Lanes of ones where the lane's top bit is set. */
export const SIGNS = {
  pblendvb: (x: Lift, v: Val): Val => x.b.i8x16_gt_s(x.constant(0, 128), v),
  blendvps: (x: Lift, v: Val): Val => x.b.i32x4_gt_s(x.constant(0, 128), v),
  blendvpd: (x: Lift, v: Val): Val => x.b.i64x2_gt_s(x.constant(0, 128), v),
} as const;

for (const [mnemonic, title] of [
  ['pblendvb', 'Bytes of the source where the top bit in XMM0 is set'],
  ['blendvps', 'Singles of the source where the top bit in XMM0 is set'],
  ['blendvpd', 'Doubles of the source where the top bit in XMM0 is set'],
] as const)
  define(mnemonic, title, (x, dst, src) => {
    const b = readAligned(x, src!);
    x.write(dst!, choose(x, SIGNS[mnemonic](x, x.read(XMM0)), b, x.read(dst!, 128)));
  });

const blend =
  (w: 16 | 32 | 64, perPart: number): Binary =>
  (x, a, b, imm, part) =>
    choose(x, maskLanes(x, imm, w, perPart * part), b, a);
defineBinary('pblendw', 'Words of the second source where the immediate has ones', blend(16, 0));
defineBinary('blendps', 'Singles of the second source where the immediate has ones', blend(32, 4));
defineBinary('blendpd', 'Doubles of the second source where the immediate has ones', blend(64, 2));

define('ptest', 'ZF: no common ones; CF: no ones of the source besides the first operand’s', (x, dst, src) => {
  const k = x.b;
  const b = readAligned(x, src!);
  const a = x.read(dst!, 128);
  const none = (v: Val): Val => k.eqz(k.or(k.low(v, 64), k.high(v, 64)));
  const no = x.constant(0, 1);
  x.setFlags({ zf: none(k.v128_and(a, b)), cf: none(k.v128_andnot(b, a)), of: no, sf: no, af: no, pf: no });
});

// ——— widening moves ———

type Lanes = 'i16x8' | 'i32x4' | 'i64x2';
const WIDENED: readonly [string, string, readonly Lanes[]][] = [
  ['bw', 'bytes to words', ['i16x8']],
  ['bd', 'bytes to doublewords', ['i16x8', 'i32x4']],
  ['bq', 'bytes to quadwords', ['i16x8', 'i32x4', 'i64x2']],
  ['wd', 'words to doublewords', ['i32x4']],
  ['wq', 'words to quadwords', ['i32x4', 'i64x2']],
  ['dq', 'doublewords to quadwords', ['i64x2']],
];
for (const [suffix, what, steps] of WIDENED)
  for (const kind of ['s', 'u'] as const)
    define(
      `pmov${kind === 's' ? 's' : 'z'}x${suffix}`,
      `Widen ${what} with ${kind === 's' ? 'signs' : 'zeros'}`,
      (x, dst, src) => {
        const k = x.b;
        const source = k.vector(k.zext(x.read(src!, 128 >> steps.length), 64), 128);
        x.write(
          dst!,
          steps.reduce((v, lanes) => k[`${lanes}_widen_${kind}`](v), source),
        );
      },
    );

// ——— single lanes ———

for (const [suffix, w] of [
  ['b', 8],
  ['d', 32],
  ['q', 64],
] as const) {
  define(`pextr${suffix}`, 'Extract a lane', (x, dst, src, at) => {
    const lane = extractLane(x, x.read(src!, 128), x.read(at!, 8), w);
    x.write(dst!, dst!.kind === 'mem' ? lane : x.b.zext(lane, dst!.w));
  });
  define(`pinsr${suffix}`, 'Insert a lane', (x, dst, src, at) => {
    const value = x.read(src!, w);
    x.write(dst!, insertLane(x, x.read(dst!, 128), x.read(at!, 8), value));
  });
}

define('extractps', 'Extract a single as bits', (x, dst, src, at) => {
  const lane = extractLane(x, x.read(src!, 128), x.read(at!, 8), 32);
  x.write(dst!, dst!.kind === 'mem' ? lane : x.b.zext(lane, dst!.w));
});

define(
  'insertps',
  'Insert a single and clear others: lane of the source in bits 7:6, where to in 5:4, clear in 3:0',
  (x, dst, src, by) => {
    const k = x.b;
    const imm = x.read(by!, 8);
    const at = (bit: number): Val => k.shr(imm, x.constant(bit, 8));
    // From memory there is only one.
    const value = src!.kind === 'mem' ? x.read(src!, 32) : extractLane(x, x.read(src!, 128), at(6), 32);
    const inserted = insertLane(x, x.read(dst!, 128), at(4), value);
    x.write(dst!, k.v128_andnot(inserted, maskLanes(x, imm, 32)));
  },
);

defineBinary('mpsadbw', 'Sums of absolute differences of four bytes at eight places', (x, a, b, imm, part) => {
  const k = x.b;
  const at = (bit: number, mask: number): Val => {
    const n = k.and(k.shr(imm, x.constant(3 * part + bit, 8)), x.constant(mask, 8));
    return splatByte(x, k.shl(n, x.constant(2, 8)));
  };
  const from = (v: Val, offset: Val): Val => k.i8x16_swizzle(v, k.i8x16_add(iota(x), offset));
  return k.i16x8_sad4(from(a, at(2, 1)), from(b, at(0, 3)));
});

// ——— floating point ———

const round = (x: Lift, w: Precision, v: Val, imm: Val): Val => x.b.call(`${format(w)}.round`, w, v, x.b.zext(imm, 32));
for (const [suffix, w] of [
  ['s', 32],
  ['d', 64],
] as const) {
  defineScalar(`rounds${suffix}`, 'Round to an integer as the immediate says', w, (x, _a, b, imm) =>
    round(x, w, b, imm),
  );
  defineUnary(
    `roundp${suffix}`,
    'Round to integers as the immediate says',
    (x, b, imm) =>
      joinLanes(
        x,
        lanesOf(x, b, w).map((lane) => round(x, w, lane, imm)),
      ),
    { float: true },
  );
}

/**
 * DPPS and DPPD: products of the lanes that bits 7:4 name, their sum in the order of the manual (SDM 2A DPPS), in the lanes that bits
 * 3:0 name. Each step settles its exceptions before the next.
 */
function dotProduct(mnemonic: string, w: Precision): void {
  defineBinary(
    mnemonic,
    'Dot product of chosen lanes',
    (x, a, b, imm) => {
      const k = x.b;
      const zero = x.constant(0, w);
      const bit = (n: number): Val => k.trunc(k.shr(imm, x.constant(n, 8)), 1);
      const call = (op: 'add' | 'mul', p: Val, q: Val): Val => k.call(`${format(w)}.${op}`, w, p, q);
      const second = lanesOf(x, b, w);
      // A lane that is left out is +0 without an exception.
      let terms = lanesOf(x, a, w).map((lane, i) =>
        call('mul', k.select(bit(4 + i), lane, zero), k.select(bit(4 + i), second[i]!, zero)),
      );
      while (terms.length > 1) {
        checkFloat(x);
        const sums: Val[] = [];
        for (let i = 0; i < terms.length; i += 2) sums.push(call('add', terms[i]!, terms[i + 1]!));
        terms = sums;
      }
      const [sum] = terms;
      return joinLanes(
        x,
        second.map((_, i) => k.select(bit(i), sum!, zero)),
      );
    },
    { float: true },
  );
}
dotProduct('dpps', 32);
dotProduct('dppd', 64);

define('movntdqa', 'Load 16 aligned bytes past the caches', (x, dst, src) => x.write(dst!, readAligned(x, src!)));
