import type { Place, Val } from '../../ir/nodes.ts';
import { define } from '../define.ts';
import type { Lift } from '../lift.ts';
import type { MemoryOp, Op } from '../operands.ts';
import { readParts, vectorPlace } from '../sse/operands.ts';

/** Masked and gathered accesses are helpers: which elements are touched is known only when the instruction runs. */

/** A place as a value: its offset in the state. */
const placeValue = (x: Lift, place: Place): Val =>
  typeof place === 'number' ? x.constant(place, 32) : x.b.field(place, 32);

/** One where the operand goes through SS. */
const throughStack = (x: Lift, { fault }: MemoryOp): Val =>
  fault === 'operand' ? x.b.field('stack', 32) : x.constant(fault === 'stack' ? 1 : 0, 32);

function memoryOf(op: Op): MemoryOp {
  if (op.kind !== 'mem') throw new TypeError('a memory operand was expected');
  return op;
}

for (const [mnemonics, w] of [
  ['vmaskmovps vpmaskmovd', 32],
  ['vmaskmovpd vpmaskmovq', 64],
] as const)
  define(mnemonics, 'Load or store the elements whose mask has its top bit set', (x, dst, mask, src) => {
    const k = x.b;
    const load = src!.kind === 'mem';
    const [memory, register] = load ? [memoryOf(src!), dst!] : [memoryOf(dst!), src!];
    const row = w === 32 ? 'i32x4_bitmask' : 'i64x2_bitmask';
    const bits = readParts(x, mask!).map((part, i) => k.shl(k[row](part, 32), x.constant((128 / w) * i, 32)));
    k.call(
      `masked${load ? 'Load' : 'Store'}${w}`,
      0,
      x.address(memory),
      throughStack(x, memory),
      placeValue(x, vectorPlace(register)),
      bits.reduce((a, b) => k.or(a, b)),
      x.constant(register.w / w, 32),
    );
  });

for (const [mnemonics, w, indexWidth] of [
  ['vgatherdps vpgatherdd', 32, 32],
  ['vgatherdpd vpgatherdq', 64, 32],
  ['vgatherqps vpgatherqd', 32, 64],
  ['vgatherqpd vpgatherqq', 64, 64],
] as const)
  define(mnemonics, 'Load elements from where a vector points; a fault leaves what is done', (x, dst, src, mask) => {
    const memory = memoryOf(src!);
    const { vector, shift, segment, address32 } = memory;
    x.b.call(
      `gather${w}.${indexWidth}`,
      0,
      segment === null ? x.constant(0, 64) : x.b.get(segment, 64),
      x.offset(memory),
      placeValue(x, vector!.place),
      typeof shift === 'number' ? x.constant(shift, 32) : x.b.field(shift, 32),
      throughStack(x, memory),
      placeValue(x, vectorPlace(dst!)),
      placeValue(x, vectorPlace(mask!)),
      x.constant(Math.min(dst!.w / w, vector!.w / indexWidth), 32),
      x.constant(address32 ? 32 : 64, 32),
    );
  });
