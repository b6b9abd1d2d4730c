import type { LegacyInsn } from '../../decode/insn.ts';
import { createBuilder } from '../../ir/builder.ts';
import type { Block, Place, Val } from '../../ir/nodes.ts';
import { removeDeadStores } from '../../ir/passes/dead-stores.ts';
import { SEGMENT } from '../../state/descriptors.ts';
import { instructionNamed } from '../define.ts';
import { constantSite, isSupported, Lift } from '../lift.ts';
import { constantOperands, type MemoryOp, type Op } from '../operands.ts';
import { legacyNamed } from './define.ts';

/**
 * The verbs of x86 for 16- and 32-bit code: every address has a segment with base and limit, the stack is as wide as SS says,
 * and instruction pointers are offsets into CS. Definitions that name none of this serve 64-bit mode and these alike.
 */
export class LegacyLift extends Lift {
  readonly legacy: LegacyInsn;

  constructor(insn: LegacyInsn, eip: bigint) {
    super(insn as unknown as ConstructorParameters<typeof Lift>[0], constantSite(insn, eip), createBuilder());
    this.legacy = insn;
  }

  /** Operand size: what the encoding says where it says it, else that of the code segment. */
  get operandSize(): 16 | 32 {
    const { bits, codeName, width } = this.legacy;
    if (width === 16 || width === 32) return width;
    const said = /^(?:Push|Pop|Retn|Retf)(a?)([wd])|_(?:r|rm|rel|imm|m|ptr)?(?:8_)?(16|32)(?:_|$)/.exec(codeName);
    if (!said) return bits;
    return said[2] === 'w' || said[3] === '16' ? 16 : 32;
  }

  override offset(op: MemoryOp): Val {
    const k = this.b;
    const sum = super.offset({ ...op, address32: false });
    return this.legacy.addressSize === 16 ? k.zext(k.trunc(sum, 16), 64) : k.zext(k.trunc(sum, 32), 64);
  }

  override address(op: MemoryOp): Val {
    return this.linear(this.legacy.memorySegment, this.offset({ ...op, segment: null }), op.w / 8);
  }

  /** Linear address of an offset into a segment, of `bytes` bytes. */
  linear(segment: number, offset: Val, bytes: number): Val {
    return this.b.call('legacy.linear', 64, this.constant(segment, 32), offset, this.constant(bytes, 32));
  }

  override segmented(offset: Val): Val {
    return this.linear(this.legacy.memorySegment, offset, 1);
  }

  override stringAddress(place: Place, overridable: boolean): Val {
    const k = this.b;
    const offset = k.zext(k.get(place, this.legacy.addressSize), 64);
    return this.linear(overridable ? this.legacy.memorySegment : SEGMENT.ES, offset, this.legacy.width / 8);
  }

  override target(op: Op): Val {
    if (op.kind !== 'rel') return this.b.zext(this.read(op), 64);
    if (typeof op.target !== 'bigint') throw new TypeError('a legacy branch has a constant target');
    return this.constant(BigInt.asUintN(this.operandSize, op.target), 64);
  }

  override checkCanonical(_: Val): void {
    // Every address of 32 bits is.
  }

  override push(value: Val): void {
    this.b.call('legacy.push', 0, this.b.zext(value, 64), this.constant(value.w, 32));
  }

  override pop(w: number): Val {
    const value = this.top(w);
    this.release(w / 8);
    return value;
  }

  /** The value `n` places above the stack pointer. */
  top(w: number, n = 0): Val {
    const value = this.b.call('legacy.top', 64, this.constant(w, 32), this.constant(n, 32));
    return w === 64 ? value : this.b.trunc(value, w as 32);
  }

  release(bytes: number): void {
    this.b.call('legacy.release', 0, this.constant(bytes, 32));
  }
}

/** IR of an instruction of 16- or 32-bit code at EIP, or null where it has no definition there. */
export function liftLegacy(insn: LegacyInsn, eip: bigint): Block | null {
  const operands = constantOperands(insn, eip);
  if (!operands.every(isSupported)) return null;
  const x = new LegacyLift({ ...insn, addressWidth: insn.addressSize as 32 }, eip);
  const legacy = legacyNamed(insn.mnemonic);
  if (legacy !== undefined) legacy(x, ...operands);
  else {
    const instruction = instructionNamed(insn.mnemonic);
    if (instruction === undefined) return null;
    instruction.define(x, ...operands);
  }
  return removeDeadStores(x.b.block());
}
