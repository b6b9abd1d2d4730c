import type { Val } from '../../ir/nodes.ts';
import { define } from '../define.ts';
import type { Lift } from '../lift.ts';
import { defineBinary, defineUnary } from './define.ts';
import { format, joinLanes, lanesOf, type Precision, readParts, writeParts } from './operands.ts';

const call = (x: Lift, op: 'add' | 'sub', w: Precision, a: Val, b: Val): Val => x.b.call(`${format(w)}.${op}`, w, a, b);

for (const [suffix, w] of [
  ['ps', 32],
  ['pd', 64],
] as const) {
  defineBinary(
    `addsub${suffix}`,
    'Subtract even lanes and add odd ones',
    (x, a, b) => {
      const sources = lanesOf(x, b, w);
      return joinLanes(
        x,
        lanesOf(x, a, w).map((lane, i) => call(x, i % 2 ? 'add' : 'sub', w, lane, sources[i]!)),
      );
    },
    { float: true },
  );
  for (const [stem, op, title] of [
    ['hadd', 'add', 'Sums of neighbours'],
    ['hsub', 'sub', 'Differences of neighbours'],
  ] as const)
    defineBinary(
      stem + suffix,
      `${title}: those of the first source, then of the second`,
      (x, a, b) => {
        const lanes = [...lanesOf(x, a, w), ...lanesOf(x, b, w)];
        const even = lanes.filter((_, i) => i % 2 === 0);
        return joinLanes(
          x,
          even.map((lane, i) => call(x, op, w, lane, lanes[2 * i + 1]!)),
        );
      },
      { float: true },
    );
}

defineUnary('movsldup', 'Even singles, each twice', (x, b) => {
  const even = x.b.i32x4_even(b, b);
  return x.b.i32x4_interleave_low(even, even);
});
defineUnary('movshdup', 'Odd singles, each twice', (x, b) => {
  const odd = x.b.i32x4_odd(b, b);
  return x.b.i32x4_interleave_low(odd, odd);
});
define('movddup vmovddup', 'Even doubles, each twice', (x, dst, src) => {
  const k = x.b;
  const even = dst!.w === 128 ? [x.read(src!, 64)] : readParts(x, src!, dst!.w).map((part) => k.low(part, 64));
  writeParts(
    x,
    dst!,
    even.map((v) => k.pair(v, v)),
  );
});

define('lddqu vlddqu', 'Load a vector from anywhere', (x, dst, src) =>
  writeParts(x, dst!, readParts(x, src!, dst!.w, false)),
);
