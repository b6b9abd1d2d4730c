import type { Val } from '../../ir/nodes.ts';
import { define } from '../define.ts';
import type { Lift } from '../lift.ts';
import { checkFloat, joinLanes, lanesOf, writeParts } from '../sse/operands.ts';

/** The four words of a quadword. */
const words = (x: Lift, v: Val): Val[] =>
  [0, 16, 32, 48].map((at) => x.b.zext(x.b.trunc(x.b.shr(v, x.constant(at, 64)), 16), 32));

define('vcvtph2ps', 'Convert halves to singles', (x, dst, src) => {
  const k = x.b;
  const quadwords = dst!.w === 256 ? lanesOf(x, x.read(src!, 128), 64) : [x.read(src!, 64)];
  const r = quadwords.map((v) =>
    joinLanes(
      x,
      words(x, v).map((word) => k.call('f16.toF32', 32, word)),
    ),
  );
  checkFloat(x);
  writeParts(x, dst!, r);
});

define('vcvtps2ph', 'Convert singles to halves; the immediate says how to round', (x, dst, src, by) => {
  const k = x.b;
  const control = k.zext(x.read(by!, 8), 32);
  const quadwords: Val[] = [];
  for (let at = 0; at < src!.w / 8; at += 16) {
    if (src!.kind !== 'reg') throw new TypeError('a register was expected');
    const halves = lanesOf(x, k.get(src!.place, 128, at), 32).map((lane) =>
      k.zext(k.call('f32.toF16', 32, lane, control), 64),
    );
    quadwords.push(halves.reduce((v, half, i) => k.or(v, k.shl(half, x.constant(16 * i, 64)))));
  }
  const r = quadwords.length === 1 ? k.vector(quadwords[0]!, 128) : joinLanes(x, quadwords);
  if (dst!.kind !== 'mem') {
    checkFloat(x);
    return writeParts(x, dst!, [r]);
  }
  // A page fault comes before a floating-point exception.
  const address = x.address(dst!);
  const stored = quadwords.length === 1 ? quadwords[0]! : r;
  k.load(address, stored.w, dst!.fault, 'write');
  checkFloat(x);
  k.store(address, stored, dst!.fault);
});
