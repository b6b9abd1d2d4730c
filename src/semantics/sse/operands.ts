import type { Place, Val } from '../../ir/nodes.ts';
import { VECTOR } from '../../state/pending.ts';
import type { Lift } from '../lift.ts';
import type { MemoryOp, Op } from '../operands.ts';

/** #GP(0) unless the address is a multiple of 16, which legacy SSE asks of most 128-bit memory operands (SDM 1 11.6.10.1). */
export function checkAligned(x: Lift, address: Val): void {
  const k = x.b;
  x.trapIf(k.ne(k.and(address, x.constant(15, 64)), x.constant(0, 64)), VECTOR.GP, 0);
}

/** A 128-bit source; in memory it must be aligned. */
export function readAligned(x: Lift, op: Op): Val {
  if (op.kind !== 'mem') return x.read(op, 128);
  const address = x.address(op);
  checkAligned(x, address);
  return x.load(address, 128, op.fault);
}

export function storeAligned(x: Lift, op: MemoryOp, value: Val): void {
  const address = x.address(op);
  checkAligned(x, address);
  x.b.store(address, value, op.fault);
}

/** The place of a vector register operand. */
export function vectorPlace(op: Op): Place {
  if (op.kind !== 'reg') throw new TypeError('a vector register was expected');
  return op.place;
}

/** The same byte in all sixteen lanes. */
export function splatByte(x: Lift, byte: Val): Val {
  const k = x.b;
  const half = k.mul(k.zext(byte, 64), x.constant(0x0101_0101_0101_0101n, 64));
  return k.pair(half, half);
}

/** Byte lanes 0 … 15 holding their own numbers. */
export const iota = (x: Lift): Val => x.constant(0x0f0e0d0c_0b0a0908_07060504_03020100n, 128);

/** Splits a vector into its lanes of 32 or 64 bits, lowest first. */
export function lanesOf(x: Lift, v: Val, width: 32 | 64): Val[] {
  const k = x.b;
  const halves = [k.low(v, 64), k.high(v, 64)];
  if (width === 64) return halves;
  return halves.flatMap((half) => [k.trunc(half, 32), k.trunc(k.shr(half, x.constant(32, 64)), 32)]);
}

/** Joins lanes of 32 or 64 bits to a vector; missing upper lanes are zero. */
export function joinLanes(x: Lift, lanes: readonly Val[]): Val {
  const k = x.b;
  const zero = x.constant(0, 64);
  if (lanes[0]!.w === 64) return k.pair(lanes[0]!, lanes[1] ?? zero);
  const half = (low: Val | undefined, high: Val | undefined): Val => {
    const l = low === undefined ? zero : k.zext(low, 64);
    return high === undefined ? l : k.or(l, k.shl(k.zext(high, 64), x.constant(32, 64)));
  };
  return k.pair(half(lanes[0], lanes[1]), half(lanes[2], lanes[3]));
}
