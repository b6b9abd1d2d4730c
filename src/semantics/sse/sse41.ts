import type { Val } from '../../ir/nodes.ts';
import { define } from '../define.ts';
import type { Lift } from '../lift.ts';
import type { Op } from '../operands.ts';
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
  readParts,
  sourcesOf,
  splatByte,
  writeParts,
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
  ['pblendvb', 'Bytes of the source where the mask’s top bit is set'],
  ['blendvps', 'Singles of the source where the mask’s top bit is set'],
  ['blendvpd', 'Doubles of the source where the mask’s top bit is set'],
] as const)
  define(`${mnemonic} v${mnemonic}`, title, (x, ...operands) => {
    const [dst, a, src, by] = sourcesOf(x, operands);
    const second = readParts(x, src, dst.w);
    const first = readParts(x, a, dst.w);
    const masks = readParts(x, by ?? XMM0, dst.w);
    const r = second.map((b, i) => choose(x, SIGNS[mnemonic](x, masks[i]!), b, first[i]!));
    writeParts(x, dst, r);
  });

const blend =
  (w: 16 | 32 | 64, perPart: number): Binary =>
  (x, a, b, imm, part) =>
    choose(x, maskLanes(x, imm, w, perPart * part), b, a);
defineBinary('pblendw', 'Words of the second source where the immediate has ones', blend(16, 0));
defineBinary('blendps', 'Singles of the second source where the immediate has ones', blend(32, 4));
defineBinary('blendpd', 'Doubles of the second source where the immediate has ones', blend(64, 2));

/** ZF: a and b have no bits of `mask` in common; CF: b has none that a lacks. */
export function testBits(x: Lift, a: readonly Val[], b: readonly Val[], mask: Val | null = null): void {
  const k = x.b;
  const none = (parts: readonly Val[]): Val => {
    const all = parts.reduce((v, part) => k.v128_or(v, part));
    const any = mask === null ? all : k.v128_and(all, mask);
    return k.eqz(k.or(k.low(any, 64), k.high(any, 64)));
  };
  const no = x.constant(0, 1);
  const zf = none(b.map((part, i) => k.v128_and(a[i]!, part)));
  const cf = none(b.map((part, i) => k.v128_andnot(part, a[i]!)));
  x.setFlags({ zf, cf, of: no, sf: no, af: no, pf: no });
}

define('ptest vptest', 'ZF: no common ones; CF: no ones of the source besides the first operand’s', (x, dst, src) => {
  const b = readParts(x, src!, dst!.w);
  testBits(x, readParts(x, dst!), b);
});

// ——— widening moves ———

/** `count` pieces of 16, 32 or 64 bits, in the low bits of quadwords. */
function sourceParts(x: Lift, src: Op, bits: number, count: number): Val[] {
  const k = x.b;
  if (bits * count === 128) return lanesOf(x, x.read(src, 128), 64);
  const all = k.zext(x.read(src, bits * count), 64);
  return Array.from({ length: count }, (_, i) => k.shr(all, x.constant(bits * i, 64)));
}

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
      ['', 'v'].map((prefix) => `${prefix}pmov${kind === 's' ? 's' : 'z'}x${suffix}`),
      `Widen ${what} with ${kind === 's' ? 'signs' : 'zeros'}`,
      (x, dst, src) => {
        const k = x.b;
        const bits = 128 >> steps.length;
        const widened = sourceParts(x, src!, bits, dst!.w / 128).map((part) =>
          steps.reduce((v, lanes) => k[`${lanes}_widen_${kind}`](v), k.vector(part, 128)),
        );
        writeParts(x, dst!, widened);
      },
    );

// ——— single lanes ———

for (const [suffix, w] of [
  ['b', 8],
  ['d', 32],
  ['q', 64],
] as const) {
  define(`pextr${suffix} vpextr${suffix}`, 'Extract a lane', (x, dst, src, at) => {
    const lane = extractLane(x, x.read(src!, 128), x.read(at!, 8), w);
    x.write(dst!, dst!.kind === 'mem' ? lane : x.b.zext(lane, dst!.w));
  });
  define(`pinsr${suffix} vpinsr${suffix}`, 'Insert a lane', (x, ...operands) => {
    const [dst, a, src, at] = sourcesOf(x, operands);
    const value = x.read(src, w);
    writeParts(x, dst, [insertLane(x, x.read(a, 128), x.read(at!, 8), value)]);
  });
}

define('extractps vextractps', 'Extract a single as bits', (x, dst, src, at) => {
  const lane = extractLane(x, x.read(src!, 128), x.read(at!, 8), 32);
  x.write(dst!, dst!.kind === 'mem' ? lane : x.b.zext(lane, dst!.w));
});

define(
  'insertps vinsertps',
  'Insert a single and clear others: lane of the source in bits 7:6, where to in 5:4, clear in 3:0',
  (x, ...operands) => {
    const k = x.b;
    const [dst, a, src, by] = sourcesOf(x, operands);
    const imm = x.read(by!, 8);
    const at = (bit: number): Val => k.shr(imm, x.constant(bit, 8));
    // From memory there is only one.
    const value = src.kind === 'mem' ? x.read(src, 32) : extractLane(x, x.read(src, 128), at(6), 32);
    const inserted = insertLane(x, x.read(a, 128), at(4), value);
    writeParts(x, dst, [k.v128_andnot(inserted, maskLanes(x, imm, 32))]);
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
  define(`${mnemonic} v${mnemonic}`, 'Dot product of chosen lanes', (x, ...operands) => {
    const k = x.b;
    const [dst, a, src, by] = sourcesOf(x, operands);
    const second = readParts(x, src, dst.w);
    const first = readParts(x, a, dst.w);
    const imm = x.read(by!, 8);
    const zero = x.constant(0, w);
    const bit = (n: number): Val => k.trunc(k.shr(imm, x.constant(n, 8)), 1);
    const call = (op: 'add' | 'mul', p: Val, q: Val): Val => k.call(`${format(w)}.${op}`, w, p, q);
    // A lane that is left out is +0 without an exception.
    const chosen = (lane: Val, i: number): Val => k.select(bit(4 + i), lane, zero);
    let terms = first.map((part, n) => {
      const others = lanesOf(x, second[n]!, w);
      return lanesOf(x, part, w).map((lane, i) => call('mul', chosen(lane, i), chosen(others[i]!, i)));
    });
    while (terms[0]!.length > 1) {
      checkFloat(x);
      terms = terms.map((part) => {
        const sums: Val[] = [];
        for (let i = 0; i < part.length; i += 2) sums.push(call('add', part[i]!, part[i + 1]!));
        return sums;
      });
    }
    checkFloat(x);
    const spread = ([sum]: readonly Val[]): Val =>
      joinLanes(
        x,
        Array.from({ length: 128 / w }, (_, i) => k.select(bit(i), sum!, zero)),
      );
    writeParts(x, dst, terms.map(spread));
  });
}
dotProduct('dpps', 32);
dotProduct('dppd', 64);

define('movntdqa vmovntdqa', 'Load an aligned vector past the caches', (x, dst, src) =>
  writeParts(x, dst!, readParts(x, src!, dst!.w, true)),
);
