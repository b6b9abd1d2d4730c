import type { Val } from '../../ir/nodes.ts';
import type { Lift } from '../lift.ts';
import { lanesOf } from './operands.ts';

/** Lanes of a vector by an index that is known only when the instruction runs. */

/** Which half the lane of `w` bits with this index is in, and its shift there. */
function laneAt(x: Lift, index: Val, w: number): { high: Val; shift: Val } {
  const k = x.b;
  const perHalf = 64 / w;
  const n = k.zext(index, 64);
  return {
    high: k.trunc(k.shr(n, x.constant(Math.log2(perHalf), 64)), 1),
    shift: k.shl(k.and(n, x.constant(perHalf - 1, 64)), x.constant(Math.log2(w), 64)),
  };
}

/** The lane of `w` bits with that index, modulo the number of lanes. */
export function extractLane(x: Lift, v: Val, index: Val, w: 8 | 16 | 32 | 64): Val {
  const k = x.b;
  const { high, shift } = laneAt(x, index, w);
  const half = v.w === 64 ? v : k.select(high, k.high(v, 64), k.low(v, 64));
  return k.trunc(k.shr(half, shift), w);
}

/** The vector with the lane of that index replaced. */
export function insertLane(x: Lift, v: Val, index: Val, value: Val): Val {
  const k = x.b;
  const { high, shift } = laneAt(x, index, value.w);
  const placed = k.shl(k.zext(value, 64), shift);
  const hole = k.not(k.shl(x.constant((1n << BigInt(value.w)) - 1n, 64), shift));
  const inserted = (half: Val): Val => k.or(k.and(half, hole), placed);
  if (v.w === 64) return inserted(v);
  const [low, upper] = lanesOf(x, v, 64);
  return k.pair(k.select(high, low!, inserted(low!)), k.select(high, inserted(upper!), upper!));
}

/** Lanes of ones where the bit of the same number in an immediate is set, from bit `first` on. */
export function maskLanes(x: Lift, imm: Val, w: 16 | 32 | 64, first = 0): Val {
  const k = x.b;
  const count = 128 / w;
  const moved = first === 0 ? imm : k.shr(imm, x.constant(first, 8));
  const half = k.mul(k.zext(moved, 64), x.constant(w === 64 ? 1 : w === 32 ? 0x1_0000_0001n : 0x1_0001_0001_0001n, 64));
  let bits = 0n;
  for (let i = 0; i < count; i++) bits |= 1n << BigInt(i * w + i);
  const each = x.constant(bits, 128);
  const chosen = k.v128_and(k.pair(half, half), each);
  return w === 16 ? k.i16x8_eq(chosen, each) : w === 32 ? k.i32x4_eq(chosen, each) : k.i64x2_eq(chosen, each);
}
