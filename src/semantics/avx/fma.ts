import type { Val } from '../../ir/nodes.ts';
import { define } from '../define.ts';
import type { Lift } from '../lift.ts';
import {
  checkFloat,
  format,
  joinLanes,
  lanesOf,
  mergeLow,
  type Precision,
  readParts,
  writeParts,
} from '../sse/operands.ts';

/** What a lane does: the product, negated or not, and the third operand, added or subtracted. */
const OPERATIONS = ['fmadd', 'fmsub', 'fnmadd', 'fnmsub'] as const;
type Operation = (typeof OPERATIONS)[number];

/** Which operands are multiplied and which is added: 213 is second times first plus third. */
const ORDERS = ['132', '213', '231'] as const;

const fused = (x: Lift, op: Operation, order: string, w: Precision, operands: readonly Val[]): Val => {
  const [a, b, c] = [...order].map((n) => operands[Number(n) - 1]!) as [Val, Val, Val];
  return x.b.call(`${format(w)}.${op}`, w, a, b, c);
};

function definePacked(
  stem: string,
  order: string,
  suffix: string,
  w: Precision,
  op: (lane: number) => Operation,
): void {
  define(`v${stem}${order}p${suffix}`, 'Multiply and add with one rounding', (x, dst, b, c) => {
    const third = readParts(x, c!, dst!.w);
    const [first, second] = [dst!, b!].map((operand) => readParts(x, operand, dst!.w)) as [Val[], Val[]];
    const r = third.map((part, i) => {
      const [p, q, s] = [first[i]!, second[i]!, part].map((v) => lanesOf(x, v, w)) as [Val[], Val[], Val[]];
      return joinLanes(
        x,
        p.map((lane, n) => fused(x, op(n), order, w, [lane, q[n]!, s[n]!])),
      );
    });
    checkFloat(x);
    writeParts(x, dst!, r);
  });
}

for (const [suffix, w] of [
  ['s', 32],
  ['d', 64],
] as const)
  for (const order of ORDERS) {
    for (const op of OPERATIONS) {
      definePacked(op, order, suffix, w, () => op);
      define(`v${op}${order}s${suffix}`, 'Multiply and add scalars with one rounding', (x, dst, b, c) => {
        const third = x.read(c!, w);
        const r = fused(x, op, order, w, [x.read(dst!, w), x.read(b!, w), third]);
        checkFloat(x);
        mergeLow(x, dst!, dst!, r);
      });
    }
    definePacked('fmaddsub', order, suffix, w, (lane) => (lane % 2 ? 'fmadd' : 'fmsub'));
    definePacked('fmsubadd', order, suffix, w, (lane) => (lane % 2 ? 'fmsub' : 'fmadd'));
  }
