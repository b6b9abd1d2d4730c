import { type Insn, type MemoryOperand, x87Opcode } from '../../decode/insn.ts';
import type { Field } from '../../ir/nodes.ts';
import type { ShapeInfo } from '../../semantics/lift.ts';
import { indexPlace, type Op, placeOf, segmentPlace } from '../../semantics/operands.ts';
import { gprAt, RIP_PAGE, ZERO } from '../../state/layout.ts';
import { RECORD } from './record.ts';

/**
 * What instructions that share a handler have in common: the mnemonic, prefixes that matter and the kinds and widths of the
 * operands. Which registers, displacement and immediate stands in the record.
 */
export interface Shape {
  readonly key: string;
  readonly info: ShapeInfo;
  readonly operands: readonly Op[];
}

const SHIFTS = new Set('shl sal shr sar rol ror rcl rcr shld shrd'.split(' '));
const REGISTER_FIELDS = ['r0', 'r1', 'r2', 'r3'] as const;

/** Files whose members a definition tells apart by number: the number belongs to the shape. */
const NUMBERED = new Set(['seg', 'cr', 'dr', 'st', 'other']);

function memoryKey(op: MemoryOperand): string {
  if (op.vector !== null) return `v${op.vector.width}${op.segment === null ? '' : 's'}${op.address32 ? 'a' : ''}`;
  if (op.address32) return op.segment === null ? 'a' : 'z';
  if (op.segment !== null) return 's';
  return op.index === null ? 'b' : 'x';
}

function shiftsSomething(insn: Insn, value: bigint): boolean {
  return SHIFTS.has(insn.mnemonic) && (value & (insn.operands[0]!.width === 64 ? 63n : 31n)) !== 0n;
}

/** The key of an instruction's shape; equal keys share a handler. */
export function shapeKey(insn: Insn): string {
  let key = insn.mnemonic;
  if (insn.width) key += `.${insn.width}`;
  if (insn.lock) key += ' lock';
  if (insn.repeat !== null && insn.width) key += ` ${insn.repeat}`;
  // Implicit memory operands: a memory operand carries its own address size and segment.
  if ((insn.addressWidth === 32 || insn.segment !== null) && !insn.operands.some((op) => op.kind === 'mem'))
    key += ` ${insn.addressWidth}${insn.segment ?? ''}`;
  for (const op of insn.operands) {
    key += ' ';
    switch (op.kind) {
      case 'reg':
        key += NUMBERED.has(op.register.file) ? op.register.name : `${op.register.file[0]}${op.width}`;
        break;
      case 'mem':
        key += `m${op.width}${memoryKey(op)}`;
        break;
      case 'imm':
        key += `i${op.width}${shiftsSomething(insn, op.value) ? '!' : ''}`;
        break;
      case 'rel':
        key += 'rel';
    }
  }
  return key;
}

/** Everything about the shape of `insn` that lifting it needs. */
export function shapeOf(insn: Insn, key: string): Shape {
  let registers = 0;
  let immediates = 0;
  const operands = insn.operands.map((op): Op => {
    switch (op.kind) {
      case 'reg':
        return {
          kind: 'reg',
          file: op.register.file,
          w: op.width,
          place: NUMBERED.has(op.register.file) ? placeOf(op) : REGISTER_FIELDS[registers++]!,
          n: op.register.n,
        };
      case 'mem':
        return {
          kind: 'mem',
          w: op.width,
          base: 'base',
          index: op.vector === null && (op.segment !== null || op.address32 || op.index !== null) ? 'index' : null,
          vector: op.vector === null ? null : { place: 'index', w: op.vector.width },
          shift: 'shift',
          displacement: 'displacement',
          segment: op.segment === null ? null : 'segment',
          address32: op.address32,
          fault: 'operand',
        };
      case 'imm': {
        const field: Field = immediates++ ? 'imm2' : 'imm';
        return { kind: 'imm', w: op.width, value: field, nonzero: shiftsSomething(insn, op.value) };
      }
      case 'rel':
        return { kind: 'rel', w: 64, target: 'imm' };
    }
  });
  const { mnemonic, codeName, lock, repeat, width, addressWidth, segment } = insn;
  return { key, info: { mnemonic, codeName, lock, repeat, width, addressWidth, segment }, operands };
}

/** Writes what is particular to an instruction at page offset `offset` into its record. */
export function fillRecord(view: DataView, at: number, insn: Insn, offset: number): void {
  view.setUint16(at + RECORD.offset, offset, true);
  view.setUint8(at + RECORD.length, insn.length);
  const opcode = x87Opcode(insn.bytes);
  if (opcode !== null) view.setUint16(at + RECORD.fop, opcode, true);
  let registers = 0;
  let immediates = 0;
  for (const op of insn.operands) {
    switch (op.kind) {
      case 'reg':
        if (!NUMBERED.has(op.register.file)) {
          view.setUint16(at + RECORD[REGISTER_FIELDS[registers++]!], placeOf(op), true);
        }
        break;
      case 'mem': {
        const rip = op.base === 'rip';
        const base = rip ? RIP_PAGE : op.base === null ? ZERO : gprAt(op.base as number);
        view.setUint16(at + RECORD.base, base, true);
        view.setUint16(at + RECORD.index, indexPlace(op) ?? ZERO, true);
        view.setUint16(at + RECORD.segment, segmentPlace(op.segment) ?? ZERO, true);
        view.setUint8(at + RECORD.shift, op.shift);
        view.setUint8(at + RECORD.stack, op.stack ? 1 : 0);
        view.setBigInt64(at + RECORD.displacement, op.displacement + (rip ? BigInt(offset) : 0n), true);
        break;
      }
      case 'imm':
        if (immediates++) view.setUint16(at + RECORD.imm2, Number(op.value), true);
        else view.setBigUint64(at + RECORD.imm, BigInt.asUintN(64, op.value), true);
        break;
      case 'rel':
        view.setBigInt64(at + RECORD.imm, op.offset + BigInt(offset), true);
    }
  }
}
