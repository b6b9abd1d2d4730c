import type { Width } from '../../bits/width.ts';
import type { Val } from '../../ir/nodes.ts';
import { define } from '../define.ts';
import type { Lift } from '../lift.ts';
import type { Op } from '../operands.ts';

/** Instructions on opmask registers: the upper bits of a written one are zero (SDM 2A KAND …). */

const put = (x: Lift, dst: Op, value: Val): void => x.write(dst, dst.kind === 'reg' ? x.b.zext(value, 64) : value);

for (const [suffix, w] of [
  ['b', 8],
  ['w', 16],
  ['d', 32],
  ['q', 64],
] as const) {
  const binary = (stem: string, f: (x: Lift, a: Val, b: Val) => Val): void =>
    define(`k${stem}${suffix}`, 'Combine opmasks', (x, dst, a, b) => put(x, dst!, f(x, x.read(a!, w), x.read(b!, w))));
  binary('and', (x, a, b) => x.b.and(a, b));
  binary('andn', (x, a, b) => x.b.and(x.b.not(a), b));
  binary('or', (x, a, b) => x.b.or(a, b));
  binary('xor', (x, a, b) => x.b.xor(a, b));
  binary('xnor', (x, a, b) => x.b.not(x.b.xor(a, b)));
  binary('add', (x, a, b) => x.b.add(a, b));
  define(`knot${suffix}`, 'Invert an opmask', (x, dst, a) => put(x, dst!, x.b.not(x.read(a!, w))));
  define(`kmov${suffix}`, 'Move an opmask', (x, dst, src) => {
    const value = x.read(src!, w);
    if (dst!.kind === 'reg' && dst!.file === 'gpr') x.write(dst!, x.b.zext(value, dst!.w as Width));
    else put(x, dst!, value);
  });
  for (const left of [true, false])
    define(
      `kshift${left ? 'l' : 'r'}${suffix}`,
      'Shift an opmask; a count past its width clears it',
      (x, dst, a, by) => {
        const k = x.b;
        const count = k.zext(x.read(by!, 8), 64);
        const value = k.zext(x.read(a!, w), 64);
        const near = k.and(count, x.constant(63, 64));
        const moved = left ? k.shl(value, near) : k.shr(value, near);
        const inside = k.ltu(count, x.constant(w, 64));
        put(x, dst!, k.trunc(k.select(inside, moved, x.constant(0, 64)), w));
      },
    );
  for (const [stem, first, second] of [
    ['kortest', (x: Lift, a: Val, b: Val) => x.b.or(a, b), (x: Lift, a: Val, b: Val) => x.b.not(x.b.or(a, b))],
    ['ktest', (x: Lift, a: Val, b: Val) => x.b.and(a, b), (x: Lift, a: Val, b: Val) => x.b.and(x.b.not(a), b)],
  ] as const)
    define(`${stem}${suffix}`, 'Flags of two opmasks', (x, p, q) => {
      const [a, b] = [x.read(p!, w), x.read(q!, w)];
      const no = x.constant(0, 1);
      x.setFlags({ zf: x.b.eqz(first(x, a, b)), cf: x.b.eqz(second(x, a, b)), of: no, sf: no, af: no, pf: no });
    });
}

for (const [mnemonic, w] of [
  ['kunpckbw', 8],
  ['kunpckwd', 16],
  ['kunpckdq', 32],
] as const)
  define(mnemonic, 'Join two opmasks', (x, dst, a, b) => {
    const k = x.b;
    const high = k.shl(k.zext(x.read(a!, w), 64), x.constant(w, 64));
    put(x, dst!, k.or(high, k.zext(x.read(b!, w), 64)));
  });
