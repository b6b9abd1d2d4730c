import type { Val } from '../../ir/nodes.ts';
import { define } from '../define.ts';
import type { Lift } from '../lift.ts';
import { joinLanes, lanesOf, readParts, writeParts } from '../sse/operands.ts';

/** Signed or unsigned elements of `w` bits of a doubleword, in 64 bits each. */
function elements(x: Lift, lane: Val, w: 8 | 16, signed: boolean): Val[] {
  const k = x.b;
  return Array.from({ length: 32 / w }, (_, i) => {
    const element = k.trunc(k.shr(lane, x.constant(w * i, 32)), w);
    return signed ? k.sext(element, 64) : k.zext(element, 64);
  });
}

/** The low doubleword of a sum, or the nearest there is. */
function saturated(x: Lift, sum: Val, signed: boolean): Val {
  const k = x.b;
  const [least, most] = signed
    ? [x.constant(-(2n ** 31n), 64), x.constant(2n ** 31n - 1n, 64)]
    : [x.constant(0, 64), x.constant(2n ** 32n - 1n, 64)];
  const atMost = k.select(k.lts(most, sum), most, sum);
  return k.trunc(k.select(k.lts(atMost, least), least, atMost), 32);
}

for (const [stem, w, firstSigned, secondSigned] of [
  ['vpdpbusd', 8, false, true],
  ['vpdpwssd', 16, true, true],
  ['vpdpbssd', 8, true, true],
  ['vpdpbsud', 8, true, false],
  ['vpdpbuud', 8, false, false],
  ['vpdpwsud', 16, true, false],
  ['vpdpwusd', 16, false, true],
  ['vpdpwuud', 16, false, false],
] as const)
  for (const saturates of [false, true])
    define(stem + (saturates ? 's' : ''), 'Products of neighbours, added to a doubleword', (x, dst, a, b) => {
      const k = x.b;
      const signed = firstSigned || secondSigned;
      const [third, second, first] = [b!, a!, dst!].map((op) => readParts(x, op, dst!.w)) as [Val[], Val[], Val[]];
      const r = first.map((part, i) => {
        const [ps, qs] = [second[i]!, third[i]!].map((v) => lanesOf(x, v, 32)) as [Val[], Val[]];
        const sums = lanesOf(x, part, 32).map((lane, n) => {
          const [p, q] = [elements(x, ps[n]!, w, firstSigned), elements(x, qs[n]!, w, secondSigned)];
          const sum = p.reduce((s, v, j) => k.add(s, k.mul(v, q[j]!)), signed ? k.sext(lane, 64) : k.zext(lane, 64));
          return saturates ? saturated(x, sum, signed) : k.trunc(sum, 32);
        });
        return joinLanes(x, sums);
      });
      writeParts(x, dst!, r);
    });

/** Bits of the factors of VPMADD52LUQ and VPMADD52HUQ. */
const FACTOR = 52;

for (const high of [false, true])
  define(
    `vpmadd52${high ? 'h' : 'l'}uq`,
    `${high ? 'Upper' : 'Lower'} 52 bits of products of 52 bits, added to a quadword`,
    (x, dst, a, b) => {
      const k = x.b;
      const factor = (v: Val): Val => k.and(v, x.constant((1n << BigInt(FACTOR)) - 1n, 64));
      const [third, second, first] = [b!, a!, dst!].map((op) => readParts(x, op, dst!.w)) as [Val[], Val[], Val[]];
      const r = first.map((part, i) => {
        const [ps, qs] = [second[i]!, third[i]!].map((v) => lanesOf(x, v, 64)) as [Val[], Val[]];
        const sums = lanesOf(x, part, 64).map((lane, n) => {
          const [p, q] = [factor(ps[n]!), factor(qs[n]!)];
          return k.add(lane, high ? k.mulhu(k.shl(p, x.constant(64 - FACTOR, 64)), q) : factor(k.mul(p, q)));
        });
        return joinLanes(x, sums);
      });
      writeParts(x, dst!, r);
    },
  );
