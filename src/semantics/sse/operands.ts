import type { Place, Val } from '../../ir/nodes.ts';
import { vectorAt } from '../../state/layout.ts';
import { VECTOR } from '../../state/pending.ts';
import type { Lift } from '../lift.ts';
import type { MemoryOp, Op } from '../operands.ts';

/** Whether the instruction is encoded with a VEX prefix: an own destination, zeros above it, no alignment asked for. */
export const isVex = (x: Lift): boolean => x.insn.codeName.startsWith('VEX_');

/** #GP(0) unless the address is a multiple of 16, which legacy SSE asks of most 128-bit memory operands (SDM 1 11.6.10.1). */
export function checkAligned(x: Lift, address: Val, bytes = 16): void {
  const k = x.b;
  x.trapIf(k.ne(k.and(address, x.constant(bytes - 1, 64)), x.constant(0, 64)), VECTOR.GP, 0);
}

/** The address of the 128-bit part `i` of a vector in memory. */
export const partAddress = (x: Lift, address: Val, i: number): Val =>
  i === 0 ? address : x.b.add(address, x.constant(16 * i, 64));

/** Vector registers have this many parts of 128 bits. */
const MOST_PARTS = 4;
const partNumbers = (w: number): number[] => Array.from({ length: Math.max(1, w / 128) }, (_, i) => i);

/**
 * The parts of 128 bits of a vector operand of `w` bits, lowest first. In memory it must be aligned where `aligned` says so: legacy
 * encodings ask for it (SDM 1 14.9).
 */
export function readParts(x: Lift, op: Op, w = op.w, aligned = !isVex(x)): Val[] {
  const parts = partNumbers(w);
  if (op.kind === 'reg') return parts.map((i) => x.b.get(op.place, 128, 16 * i));
  if (op.kind !== 'mem') throw new TypeError('a vector was expected');
  const address = x.address(op);
  if (aligned) checkAligned(x, address, w / 8);
  return parts.map((i) => x.load(partAddress(x, address, i), 128, op.fault));
}

/** A 128-bit source; in memory a legacy one must be aligned. */
export const readAligned = (x: Lift, op: Op): Val => readParts(x, op, 128)[0]!;

/** Faults where storing this part would. */
export const probePart = (x: Lift, op: MemoryOp, address: Val, i: number): void =>
  void x.b.load(partAddress(x, address, i), 128, op.fault, 'write');

/** Stores a vector of several parts: all of it or, where a part would fault, nothing. */
export function storeParts(x: Lift, op: MemoryOp, parts: readonly Val[], aligned = false): void {
  const k = x.b;
  const address = x.address(op);
  if (aligned) checkAligned(x, address, 16 * parts.length);
  if (parts.length > 1 && !aligned) for (const i of parts.keys()) probePart(x, op, address, i);
  parts.forEach((part, i) => {
    k.store(partAddress(x, address, i), part, op.fault);
  });
}

/** Writes a vector register: the low 128 bits by a legacy encoding, by VEX all of it, with zeros above the parts. */
export function writeParts(x: Lift, dst: Op, parts: readonly Val[]): void {
  const k = x.b;
  const place = vectorPlace(dst);
  if (!isVex(x)) return k.put(place, parts[0]!);
  for (let i = 0; i < MOST_PARTS; i++) k.put(place, parts[i] ?? x.constant(0, 128), 16 * i);
}

/** Writes bits of the low part; the rest of that part comes from `a`, which is the destination of a legacy encoding. */
export function mergeLow(x: Lift, dst: Op, a: Op, value: Val, offset = 0): void {
  if (isVex(x)) writeParts(x, dst, [x.read(a, 128)]);
  x.b.put(vectorPlace(dst), value, offset);
}

/** Destination, first source and the others: a legacy encoding names the first source only as the destination. */
export function sourcesOf(x: Lift, [dst, ...sources]: readonly Op[]): [dst: Op, a: Op, b: Op, by: Op | undefined] {
  const [a, b, by] = isVex(x) ? sources : [dst, ...sources];
  return [dst!, a!, b!, by];
}

/** The place of a vector register operand. */
export function vectorPlace(op: Op): Place {
  if (op.kind !== 'reg') throw new TypeError('a vector register was expected');
  return op.place;
}

/** A vector that holds a byte in all sixteen lanes. */
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

/** Lanes of `mask` with the top bit set take from a, the others from b: `signs` holds all ones or zeros in every lane. */
export const choose = (x: Lift, signs: Val, a: Val, b: Val): Val =>
  x.b.v128_or(x.b.v128_and(a, signs), x.b.v128_andnot(b, signs));

/** Merges the exceptions of the operation and raises the unmasked ones; nothing has been written yet. */
export const checkFloat = (x: Lift): void => void x.b.call('fpCheck', 0);

/** XMM0 where an instruction names it without an operand. */
export const XMM0: Op = { kind: 'reg', file: 'vector', w: 128, place: vectorAt(0), n: 0 };

/** Width of a floating-point lane, and what the helpers of that format are called. */
export type Precision = 32 | 64;
export const format = (w: Precision): string => (w === 32 ? 'f32' : 'f64');
