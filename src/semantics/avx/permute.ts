import type { Val } from '../../ir/nodes.ts';
import { define } from '../define.ts';
import type { Lift } from '../lift.ts';
import type { Op } from '../operands.ts';
import { shuffleDoublewords } from '../sse/integer.ts';
import { maskLanes } from '../sse/lanes.ts';
import { choose, joinLanes, lanesOf, readParts, writeParts } from '../sse/operands.ts';
import { testBits } from '../sse/sse41.ts';

const bit = (x: Lift, imm: Val, n: number): Val => x.b.trunc(x.b.shr(imm, x.constant(n, 8)), 1);

const isImmediate = (op: Op): boolean => op.kind === 'imm';

/** Numbers of bytes of the lanes of 32 bits whose numbers stand in `lanes`, which are below 64. */
function bytesOfLanes(x: Lift, lanes: Val): Val {
  const k = x.b;
  const each = x.constant(0x04040404_04040404_04040404_04040404n, 128);
  return k.i32x4_add(k.i32x4_mul(lanes, each), x.constant(0x03020100_03020100_03020100_03020100n, 128));
}

define('vpermilps', 'Singles within 128 bits, by an immediate or a vector', (x, dst, src, by) => {
  const k = x.b;
  if (isImmediate(by!)) {
    const imm = x.read(by!, 8);
    const r = readParts(x, src!, dst!.w).map((part, i) => shuffleDoublewords(x, part, imm, i));
    return writeParts(x, dst!, r);
  }
  const controls = readParts(x, by!, dst!.w);
  const three = x.constant(0x00000003_00000003_00000003_00000003n, 128);
  const r = readParts(x, src!).map((part, i) =>
    k.i8x16_swizzle(part, bytesOfLanes(x, k.v128_and(controls[i]!, three))),
  );
  writeParts(x, dst!, r);
});

define('vpermilpd', 'Doubles within 128 bits, by an immediate or a vector', (x, dst, src, by) => {
  const k = x.b;
  const immediate = isImmediate(by!);
  const imm = immediate ? x.read(by!, 8) : null;
  const controls = immediate ? null : readParts(x, by!, dst!.w);
  const r = readParts(x, src!, dst!.w).map((part, i) => {
    const upper = (lane: number): Val =>
      imm !== null
        ? bit(x, imm, 2 * i + lane)
        : k.trunc(k.shr(lanesOf(x, controls![i]!, 64)[lane]!, x.constant(1, 64)), 1);
    const [low, high] = lanesOf(x, part, 64) as [Val, Val];
    return k.pair(k.select(upper(0), high, low), k.select(upper(1), high, low));
  });
  writeParts(x, dst!, r);
});

define('vpermd vpermps', 'Doublewords of the whole vector by indices', (x, dst, by, src) => {
  const k = x.b;
  const [low, high] = readParts(x, src!);
  const seven = x.constant(0x00000007_00000007_00000007_00000007n, 128);
  const sixteen = x.constant(0x10101010_10101010_10101010_10101010n, 128);
  const r = readParts(x, by!).map((indices) => {
    // Numbers past 15, and those below zero, select nothing.
    const bytes = bytesOfLanes(x, k.v128_and(indices, seven));
    return k.v128_or(k.i8x16_swizzle(low!, bytes), k.i8x16_swizzle(high!, k.i8x16_sub(bytes, sixteen)));
  });
  writeParts(x, dst!, r);
});

define('vpermq vpermpd', 'Quadwords of the whole vector by an immediate', (x, dst, src, by) => {
  const k = x.b;
  const lanes = readParts(x, src!).flatMap((part) => lanesOf(x, part, 64)) as [Val, Val, Val, Val];
  const imm = x.read(by!, 8);
  const pick = (at: number): Val => {
    const odd = bit(x, imm, at);
    return k.select(bit(x, imm, at + 1), k.select(odd, lanes[3], lanes[2]), k.select(odd, lanes[1], lanes[0]));
  };
  writeParts(x, dst!, [k.pair(pick(0), pick(2)), k.pair(pick(4), pick(6))]);
});

define('vpblendd', 'Doublewords of the second source where the immediate has ones', (x, dst, a, b, by) => {
  const second = readParts(x, b!, dst!.w);
  const first = readParts(x, a!, dst!.w);
  const imm = x.read(by!, 8);
  writeParts(
    x,
    dst!,
    second.map((part, i) => choose(x, maskLanes(x, imm, 32, 4 * i), part, first[i]!)),
  );
});

for (const [mnemonic, signs] of [
  ['vtestps', 0x80000000_80000000_80000000_80000000n],
  ['vtestpd', 0x80000000_00000000_80000000_00000000n],
] as const)
  define(mnemonic, 'ZF: no common signs; CF: no signs of the source besides the first operand’s', (x, dst, src) => {
    const b = readParts(x, src!, dst!.w);
    testBits(x, readParts(x, dst!), b, x.constant(signs, 128));
  });

// ——— shifts of every lane by a count of its own ———

for (const [mnemonic, w, op] of [
  ['vpsllvd', 32, 'shl'],
  ['vpsllvq', 64, 'shl'],
  ['vpsrlvd', 32, 'shr'],
  ['vpsrlvq', 64, 'shr'],
  ['vpsravd', 32, 'sar'],
] as const)
  define(mnemonic, 'Shift lanes by counts in a vector', (x, dst, a, by) => {
    const k = x.b;
    const counts = readParts(x, by!, dst!.w);
    const shifted = (lane: Val, count: Val): Val => {
      const within = k.ltu(count, x.constant(w, w));
      if (op === 'sar') return k.sar(lane, k.select(within, count, x.constant(w - 1, w)));
      return k.select(within, k[op](lane, k.select(within, count, x.constant(0, w))), x.constant(0, w));
    };
    const r = readParts(x, a!, dst!.w).map((part, i) => {
      const by = lanesOf(x, counts[i]!, w);
      return joinLanes(
        x,
        lanesOf(x, part, w).map((lane, n) => shifted(lane, by[n]!)),
      );
    });
    writeParts(x, dst!, r);
  });
