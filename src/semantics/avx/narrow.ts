import type { Val } from '../../ir/nodes.ts';
import { define } from '../define.ts';
import type { Lift } from '../lift.ts';
import { joinLanes, lanesOf, readParts, writeParts } from '../sse/operands.ts';

/** Halves and numbers of 16 bits with a single's exponent, without exceptions (SDM 2C VCVTNEEPH2PS …): MXCSR is not looked at. */

const widened = (x: Lift, half: Val): Val => x.b.call('f16.widened', 32, half);
const shifted = (x: Lift, half: Val): Val => x.b.shl(half, x.constant(16, 32));

for (const [format, single] of [
  ['ph', widened],
  ['bf16', shifted],
] as const) {
  for (const [which, shift] of [
    ['e', 0],
    ['o', 16],
  ] as const)
    define(`vcvtne${which}${format}2ps`, 'Every other number of 16 bits as a single', (x, dst, src) => {
      const k = x.b;
      const half = (lane: Val): Val => k.and(k.shr(lane, x.constant(shift, 32)), x.constant(0xffff, 32));
      const r = readParts(x, src!, dst!.w).map((part) =>
        joinLanes(
          x,
          lanesOf(x, part, 32).map((lane) => single(x, half(lane))),
        ),
      );
      writeParts(x, dst!, r);
    });
  define(
    `vbcstne${format === 'ph' ? 'sh' : format}2ps`,
    'A number of 16 bits as a single in every lane',
    (x, dst, src) => {
      const lane = single(x, x.b.zext(x.read(src!, 16), 32));
      const part = joinLanes(x, [lane, lane, lane, lane]);
      writeParts(x, dst!, dst!.w === 256 ? [part, part] : [part]);
    },
  );
}

define('vcvtneps2bf16', 'Singles rounded to their upper 16 bits', (x, dst, src) => {
  const k = x.b;
  const rounded = readParts(x, src!).flatMap((part) =>
    lanesOf(x, part, 32).map((lane) => k.call('f32.toBfloat', 32, lane)),
  );
  const pairs = Array.from({ length: rounded.length / 2 }, (_, i) =>
    k.or(rounded[2 * i]!, k.shl(rounded[2 * i + 1]!, x.constant(16, 32))),
  );
  writeParts(x, dst!, [joinLanes(x, pairs)]);
});
