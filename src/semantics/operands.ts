import type { Insn, MemoryOperand, Operand } from '../decode/insn.ts';
import type { AddressFault, Field, Place } from '../ir/nodes.ts';
import { FS_BASE, GS_BASE, gprAt, mmxAt, opmaskAt, SELECTORS, tileAt, vectorAt } from '../state/layout.ts';

/** An operand as a definition sees it: a width and places, never a register number or an immediate's value. */
export type Op = RegisterOp | MemoryOp | ImmediateOp | RelativeOp;

export interface RegisterOp {
  readonly kind: 'reg';
  readonly file: string;
  readonly w: number;
  readonly place: Place;
  /** Register number where the lift knows it (constants); a definition may use it only for system, x87 and MMX registers. */
  readonly n: number;
}

export interface MemoryOp {
  readonly kind: 'mem';
  readonly w: number;
  readonly base: Place | null;
  readonly index: Place | null;
  /** Index of a gather or scatter: a vector register. */
  readonly vector: { readonly place: Place; readonly w: number } | null;
  readonly shift: number | Field;
  readonly displacement: bigint | Field;
  readonly segment: Place | null;
  readonly address32: boolean;
  readonly fault: AddressFault;
}

export interface ImmediateOp {
  readonly kind: 'imm';
  readonly w: number;
  readonly value: bigint | Field;
  /** Known not to be zero as a shift count, although the value itself is in the record. */
  readonly nonzero?: boolean;
}

export interface RelativeOp {
  readonly kind: 'rel';
  readonly w: number;
  /** Target as a linear address (constant lifts) or as an offset from the page of the instruction (records). */
  readonly target: bigint | Field;
}

/** Byte offset in the CPU state of a register operand. */
export function placeOf(op: Extract<Operand, { kind: 'reg' }>): number {
  const { file, n, high } = op.register;
  switch (file) {
    case 'gpr':
      return gprAt(n) + (high ? 1 : 0);
    case 'vector':
      return vectorAt(n);
    case 'mm':
      return mmxAt(n);
    case 'k':
      return opmaskAt(n);
    case 'tmm':
      return tileAt(n);
    case 'seg':
      return SELECTORS + 2 * n;
    default:
      return 0;
  }
}

export const segmentPlace = (segment: 'fs' | 'gs' | null): number | null =>
  segment === null ? null : segment === 'fs' ? FS_BASE : GS_BASE;

/** Byte offset of the register that a memory operand is indexed by. */
export function indexPlace({ index, vector }: MemoryOperand): number | null {
  return vector !== null ? vectorAt(vector.n) : index !== null ? gprAt(index) : null;
}

function memoryOp(op: MemoryOperand, rip: bigint): MemoryOp {
  const ripBase = op.base === 'rip' ? rip : 0n;
  return {
    kind: 'mem',
    w: op.width,
    base: typeof op.base === 'number' ? gprAt(op.base) : null,
    index: op.index === null ? null : gprAt(op.index),
    vector: op.vector === null ? null : { place: vectorAt(op.vector.n), w: op.vector.width },
    shift: op.shift,
    displacement: BigInt.asUintN(64, ripBase + op.displacement),
    segment: segmentPlace(op.segment),
    address32: op.address32,
    fault: op.stack ? 'stack' : 'general',
  };
}

/** The operands of an instruction at `rip`, everything constant. */
export function constantOperands(insn: Insn, rip: bigint): Op[] {
  return insn.operands.map((op): Op => {
    switch (op.kind) {
      case 'reg':
        return { kind: 'reg', file: op.register.file, w: op.width, place: placeOf(op), n: op.register.n };
      case 'mem':
        return memoryOp(op, rip);
      case 'imm':
        return { kind: 'imm', w: op.width, value: op.value };
      case 'rel':
        return { kind: 'rel', w: 64, target: BigInt.asUintN(64, rip + op.offset) };
    }
  });
}
