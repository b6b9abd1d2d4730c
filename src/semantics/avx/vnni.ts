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

/** The low doubleword of a signed sum, or the nearest there is. */
function saturated(x: Lift, sum: Val): Val {
  const k = x.b;
  const [least, most] = [x.constant(-(2n ** 31n), 64), x.constant(2n ** 31n - 1n, 64)];
  const atMost = k.select(k.lts(most, sum), most, sum);
  return k.trunc(k.select(k.lts(atMost, least), least, atMost), 32);
}

for (const [stem, w, unsigned] of [
  ['vpdpbusd', 8, true],
  ['vpdpwssd', 16, false],
] as const)
  for (const saturates of [false, true])
    define(stem + (saturates ? 's' : ''), 'Products of neighbours, added to a doubleword', (x, dst, a, b) => {
      const k = x.b;
      const [third, second, first] = [b!, a!, dst!].map((op) => readParts(x, op, dst!.w)) as [Val[], Val[], Val[]];
      const r = first.map((part, i) => {
        const [ps, qs] = [second[i]!, third[i]!].map((v) => lanesOf(x, v, 32)) as [Val[], Val[]];
        const sums = lanesOf(x, part, 32).map((lane, n) => {
          const [p, q] = [elements(x, ps[n]!, w, !unsigned), elements(x, qs[n]!, w, true)];
          const sum = p.reduce((s, v, j) => k.add(s, k.mul(v, q[j]!)), k.sext(lane, 64));
          return saturates ? saturated(x, sum) : k.trunc(sum, 32);
        });
        return joinLanes(x, sums);
      });
      writeParts(x, dst!, r);
    });
