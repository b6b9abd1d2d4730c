import type { Val } from '../../ir/nodes.ts';
import { define } from '../define.ts';
import type { Lift } from '../lift.ts';
import type { Op } from '../operands.ts';
import { checkFloat, mergeLow, readParts, sourcesOf, writeParts } from './operands.ts';

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
  /** There is no VEX form of it. */
  readonly legacy?: boolean;
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

/** Mnemonics of the legacy and VEX forms. */
const forms = (mnemonic: string, { legacy }: { readonly legacy?: boolean }): string =>
  legacy ? mnemonic : `${mnemonic} v${mnemonic}`;

/** Defines an instruction of two sources: with MMX operands where `mmx` says how, with vectors, and in its VEX form. */
export function defineBinary(
  mnemonic: string,
  title: string,
  f: Binary,
  options: VectorOptions<'low' | 'joined' | MmxBinary> = {},
): void {
  define(forms(mnemonic, options), title, (x, ...operands) => {
    const [dst, a, src, by] = sourcesOf(x, operands);
    if (isMmx(dst)) {
      const b = readMmx(x, src);
      return x.write(dst, mmxBinary(x, f, options.mmx!, x.read(dst, 64), b, immediate(x, by)));
    }
    const second = readParts(x, src, dst.w);
    const first = readParts(x, a, dst.w);
    const imm = immediate(x, by);
    const r = second.map((b, i) => f(x, first[i]!, b, imm, i));
    if (options.float) checkFloat(x);
    writeParts(x, dst, r);
  });
}

/** Defines an instruction of one source, and its VEX form. */
export function defineUnary(mnemonic: string, title: string, f: Unary, options: VectorOptions<'low'> = {}): void {
  define(forms(mnemonic, options), title, (x, dst, src, by) => {
    const k = x.b;
    const imm = immediate(x, by);
    if (isMmx(dst!)) return x.write(dst!, k.low(f(x, k.vector(readMmx(x, src!), 128), imm, 0), 64));
    const r = readParts(x, src!, dst!.w).map((b, i) => f(x, b, imm, i));
    if (options.float) checkFloat(x);
    writeParts(x, dst!, r);
  });
}

/** Defines an instruction on the low lane of `w` bits of two sources, and its VEX form; the rest is the first source's. */
export function defineScalar(
  mnemonic: string,
  title: string,
  w: 32 | 64,
  f: (x: Lift, a: Val, b: Val, imm: Val) => Val,
): void {
  define(forms(mnemonic, {}), title, (x, ...operands) => {
    const [dst, a, src, by] = sourcesOf(x, operands);
    const b = x.read(src, w);
    const r = f(x, x.read(a, w), b, immediate(x, by));
    checkFloat(x);
    mergeLow(x, dst, a, r);
  });
}
