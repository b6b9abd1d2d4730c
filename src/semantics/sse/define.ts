import type { Val } from '../../ir/nodes.ts';
import { define } from '../define.ts';
import type { Lift } from '../lift.ts';
import type { Op } from '../operands.ts';
import { checkFloat, readParts } from './operands.ts';

/**
 * What an instruction does with 128 bits of its sources, wherever they stand: a is the first source (in a legacy encoding the
 * destination), b the last. `imm` is the immediate, 8 bits; `part` tells which 128 bits of wider vectors these are.
 */
export type Binary = (x: Lift, a: Val, b: Val, imm: Val, part: number) => Val;
export type Unary = (x: Lift, b: Val, imm: Val, part: number) => Val;

/** What an instruction does with MMX operands of 64 bits. */
export type MmxBinary = (x: Lift, a: Val, b: Val, imm: Val) => Val;

export interface VectorOptions<F> {
  /** MMX forms. `low`: as with vectors whose upper halves are zero. `joined`: as with a vector of both operands, on both sides. */
  readonly mmx?: F | undefined;
  /** It may raise floating-point exceptions: they are settled before anything is written. */
  readonly float?: boolean;
}

const immediate = (x: Lift, op: Op | undefined): Val => (op === undefined ? x.constant(0, 8) : x.read(op, 8));

function mmxBinary(x: Lift, f: Binary, mmx: 'low' | 'joined' | MmxBinary, a: Val, b: Val, imm: Val): Val {
  const k = x.b;
  if (typeof mmx === 'function') return mmx(x, a, b, imm);
  if (mmx === 'low') return k.low(f(x, k.vector(a, 128), k.vector(b, 128), imm, 0), 64);
  const both = k.pair(a, b);
  return k.low(f(x, both, both, imm, 0), 64);
}

const isMmx = (op: Op): boolean => op.kind === 'reg' && op.file === 'mm';

/** A source of 64 bits, or of 32 where an interleaving instruction reads no more of memory. */
const readMmx = (x: Lift, op: Op): Val => x.b.zext(x.read(op, Math.min(op.w, 64)), 64);

/** Defines an instruction of two sources: with MMX operands where `mmx` says how, and with vectors. */
export function defineBinary(
  mnemonic: string,
  title: string,
  f: Binary,
  options: VectorOptions<'low' | 'joined' | MmxBinary> = {},
): void {
  define(mnemonic, title, (x, dst, src, by) => {
    if (isMmx(dst!)) {
      const b = readMmx(x, src!);
      return x.write(dst!, mmxBinary(x, f, options.mmx!, x.read(dst!, 64), b, immediate(x, by)));
    }
    const [b] = readParts(x, src!, 128);
    const r = f(x, x.read(dst!, 128), b!, immediate(x, by), 0);
    if (options.float) checkFloat(x);
    x.write(dst!, r);
  });
}

/** Defines an instruction of one source. */
export function defineUnary(mnemonic: string, title: string, f: Unary, options: VectorOptions<'low'> = {}): void {
  define(mnemonic, title, (x, dst, src, by) => {
    const k = x.b;
    if (isMmx(dst!)) return x.write(dst!, k.low(f(x, k.vector(readMmx(x, src!), 128), immediate(x, by), 0), 64));
    const [b] = readParts(x, src!, 128);
    const r = f(x, b!, immediate(x, by), 0);
    if (options.float) checkFloat(x);
    x.write(dst!, r);
  });
}

/** Defines an instruction on the low lane of `w` bits of two sources; the rest of the destination is the first source's. */
export function defineScalar(
  mnemonic: string,
  title: string,
  w: 32 | 64,
  f: (x: Lift, a: Val, b: Val, imm: Val) => Val,
): void {
  define(mnemonic, title, (x, dst, src, by) => {
    const b = x.read(src!, w);
    const r = f(x, x.read(dst!, w), b, immediate(x, by));
    checkFloat(x);
    if (dst!.kind === 'reg') x.b.put(dst!.place, r);
  });
}
