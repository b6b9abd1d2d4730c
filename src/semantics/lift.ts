import type { Width } from '../bits/width.ts';
import { type Insn, x87Opcode } from '../decode/insn.ts';
import { type Builder, createBuilder } from '../ir/builder.ts';
import type { AddressFault, Block, Field, FlagName, Place, Val } from '../ir/nodes.ts';
import { removeDeadStores } from '../ir/passes/dead-stores.ts';
import { CANONICAL_HALF, CANONICAL_SPAN, gprAt, mmxAt, RIP_PAGE, SYSTEM_FLAGS, X87_TW } from '../state/layout.ts';
import { VECTOR } from '../state/pending.ts';
import { TAG_SPECIAL } from '../state/x87.ts';
import { instructionNamed } from './define.ts';
import { constantOperands, type MemoryOp, type Op, type RegisterOp, segmentPlace } from './operands.ts';
import { liftWithin } from './prologue.ts';

export const RAX = gprAt(0);
export const RCX = gprAt(1);
export const RDX = gprAt(2);
export const RBX = gprAt(3);
export const RSP = gprAt(4);
export const RBP = gprAt(5);
export const RSI = gprAt(6);
export const RDI = gprAt(7);
export const R11 = gprAt(11);

/** What every instance of a shape has in common; all that a definition may branch on. */
export interface ShapeInfo {
  readonly mnemonic: string;
  readonly codeName: string;
  readonly lock: boolean;
  readonly repeat: Insn['repeat'];
  readonly width: number;
  readonly addressWidth: 32 | 64;
  readonly segment: Insn['segment'];
}

/** What depends on where the instruction stands: constants, or fields of a record. */
export interface Site {
  /** Linear address of the instruction. */
  readonly start: (b: Builder) => Val;
  /** Linear address behind it. */
  readonly next: (b: Builder) => Val;
  /** Opcode of an x87 instruction as FOP holds it, 16 bits. */
  readonly fop: (b: Builder) => Val;
}

/** New values of some flags; the others stay. */
export type Flags = Partial<Record<FlagName, Val>>;

const FLAG_ORDER: readonly FlagName[] = ['cf', 'pf', 'af', 'zf', 'sf', 'of'];

/**
 * What a definition is written against: the builder and the verbs of x86. The same definition is lifted with constant
 * operands (reference, JIT) and with record fields (interpreter).
 */
export class Lift {
  readonly b: Builder;
  readonly insn: ShapeInfo;
  readonly #site: Site;

  constructor(insn: ShapeInfo, site: Site, builder: Builder = createBuilder()) {
    this.b = builder;
    this.insn = insn;
    this.#site = site;
  }

  /** Linear address of this instruction. */
  insnAddress(): Val {
    return this.#site.start(this.b);
  }

  /** Linear address of the following instruction. */
  next(): Val {
    return this.#site.next(this.b);
  }

  /** Opcode of this x87 instruction as FOP holds it. */
  lastOpcode(): Val {
    return this.#site.fop(this.b);
  }

  constant(value: bigint | number, w: number): Val {
    return this.b.constant(BigInt(value), w as Width);
  }

  #value(value: bigint | Field, w: number): Val {
    return typeof value === 'bigint' ? this.b.constant(value, w as Width) : this.b.field(value, w as Width);
  }

  /** Ends an instruction that may have changed how the next one is fetched: it is looked up anew. */
  refetch(): void {
    this.b.jump(this.next());
  }

  /** Linear address of a memory operand, FS or GS base included. */
  address(op: MemoryOp): Val {
    const offset = this.offset(op);
    return op.segment === null ? offset : this.b.add(offset, this.b.get(op.segment, 64));
  }

  /** Effective address: the offset within the segment, as LEA computes it. */
  offset(op: MemoryOp): Val {
    const b = this.b;
    let sum = this.#value(op.displacement, 64);
    if (op.base !== null) sum = b.add(b.get(op.base, 64), sum);
    if (op.index !== null) {
      const shift = typeof op.shift === 'number' ? b.constant(BigInt(op.shift), 64) : b.field(op.shift, 64);
      sum = b.add(sum, b.shl(b.get(op.index, 64), shift));
    }
    return op.address32 ? b.zext(b.trunc(sum, 32), 64) : sum;
  }

  /** The operand's value, `w` bits of it where it is wider (a vector register's low lane). */
  read(op: Op, w: number = op.w): Val {
    switch (op.kind) {
      case 'reg':
        return this.b.get(op.place, w as Width);
      case 'mem':
        return this.b.load(this.address(op), w as Width, op.fault);
      case 'imm':
        return this.#value(op.value, w);
      case 'rel':
        return this.target(op);
    }
  }

  /** Where a near branch goes. */
  target(op: Op): Val {
    if (op.kind !== 'rel') return this.read(op);
    if (typeof op.target === 'bigint') return this.b.constant(op.target, 64);
    return this.b.add(this.b.get(RIP_PAGE, 64), this.b.field(op.target, 64));
  }

  /** Writes the operand; a 32-bit general-purpose register is zero-extended, narrower ones merge. */
  write(op: Op, value: Val): void {
    if (op.kind === 'mem') this.b.store(this.address(op), value, op.fault);
    else if (op.kind === 'reg') {
      this.writePlace(op.place, value, op.file === 'gpr');
      if (op.file === 'mm') this.#finishMmx(op);
    } else throw new TypeError(`${this.insn.mnemonic}: a ${op.kind} operand cannot be written`);
  }

  /** A written MMX register is a NaN or infinity to the x87: sign and exponent are ones (SDM 1 9.2.1). */
  #finishMmx({ place }: RegisterOp): void {
    const k = this.b;
    k.put(place, this.constant(0xffff, 16), 8);
    // Twice the register's number.
    const shift =
      typeof place === 'number'
        ? this.constant((place - mmxAt(0)) / 8, 16)
        : k.trunc(k.shr(k.sub(k.field(place, 32), this.constant(mmxAt(0), 32)), this.constant(3, 32)), 16);
    const others = k.and(k.get(X87_TW, 16), k.not(k.shl(this.constant(3, 16), shift)));
    k.put(X87_TW, k.or(others, k.shl(this.constant(TAG_SPECIAL, 16), shift)));
  }

  /** Writes a general-purpose register by its place. */
  writePlace(place: Place, value: Val, extend = true): void {
    this.b.put(place, extend && value.w === 32 ? this.b.zext(value, 64) : value);
  }

  /**
   * Read-modify-write with one address computation: the page must be writable before anything is read.
   * Gives the old value and the new one, which is already written.
   */
  update(op: Op, f: (old: Val) => Val, w: number = op.w): [Val, Val] {
    if (op.kind !== 'mem') {
      const old = this.read(op, w);
      const result = f(old);
      this.write(op, result);
      return [old, result];
    }
    const address = this.address(op);
    const old = this.b.load(address, w as Width, op.fault, 'write');
    const result = f(old);
    this.b.store(address, result, op.fault);
    return [old, result];
  }

  /** One where the memory operand's base register is this one (POP to memory addressed through RSP). */
  baseIs(op: MemoryOp, place: number): Val {
    if (typeof op.base !== 'string') return this.constant(op.base === place ? 1 : 0, 1);
    return this.b.eq(this.b.field(op.base, 32), this.constant(place, 32));
  }

  load(address: Val, w: number, fault: AddressFault = 'general'): Val {
    return this.b.load(address, w as Width, fault);
  }

  flag(name: FlagName): Val {
    return this.b.getFlag(name);
  }

  setFlags(flags: Flags): void {
    for (const name of FLAG_ORDER) {
      const value = flags[name];
      if (value !== undefined) this.b.putFlag(name, value);
    }
  }

  /** Sets flags only when the condition holds (a shift by a variable count). */
  setFlagsIf(condition: Val, flags: Flags): void {
    if (condition.op === 'const') {
      if (condition.attr.value === 1n) this.setFlags(flags);
      return;
    }
    const chosen: Flags = {};
    for (const name of FLAG_ORDER) {
      const value = flags[name];
      if (value !== undefined) chosen[name] = this.b.select(condition, value, this.flag(name));
    }
    this.setFlags(chosen);
  }

  /** Raises an exception when the condition holds; nothing of the instruction has been written before. */
  trapIf(condition: Val, vector: number, errorCode: number | null = null): void {
    this.b.trapIf(condition, vector, errorCode);
  }

  /** Raises an exception always. */
  trap(vector: number, errorCode: number | null = null): void {
    this.b.trapIf(this.constant(1, 1), vector, errorCode);
  }

  /** INT n, INT3, INT1: the event is delivered with RIP behind the instruction. */
  softwareInterrupt(vector: Val, checked = true): void {
    this.b.call('softwareInterrupt', 0, vector, this.next(), this.constant(checked ? 1 : 0, 32));
  }

  /** #GP(0) where an address is not canonical. */
  checkCanonical(address: Val): void {
    const b = this.b;
    const shifted = b.add(address, b.get(CANONICAL_HALF, 64));
    this.trapIf(b.xor(b.ltu(shifted, b.get(CANONICAL_SPAN, 64)), this.constant(1, 1)), VECTOR.GP, 0);
  }

  /** Pushes below RSP; RSP moves only after the store succeeded. */
  push(value: Val): void {
    const b = this.b;
    const top = b.sub(b.get(RSP, 64), this.constant(value.w / 8, 64));
    b.store(top, value, 'stack');
    b.put(RSP, top);
  }

  /** Reads the top of the stack and moves RSP. */
  pop(w: number): Val {
    const b = this.b;
    const top = b.get(RSP, 64);
    const value = b.load(top, w as Width, 'stack');
    b.put(RSP, b.add(top, this.constant(w / 8, 64)));
    return value;
  }

  /** One step of a possibly repeated string instruction. `step` does an element; `stop` ends REPE/REPNE early. */
  repeated(step: () => Val | null): void {
    const b = this.b;
    if (this.insn.repeat === null) {
      step();
      return;
    }
    const w = this.insn.addressWidth;
    const count = b.get(RCX, w);
    b.skipIf(b.eqz(count));
    const stop = step();
    const left = b.sub(count, this.constant(1, w));
    this.writePlace(RCX, left);
    const more = b.ne(left, this.constant(0, w));
    b.again(stop === null ? more : b.and(more, b.xor(stop, this.constant(1, 1))));
  }

  /** Adds the base of the segment override to an offset. */
  segmented(offset: Val): Val {
    const segment = segmentPlace(this.insn.segment);
    return segment === null ? offset : this.b.add(offset, this.b.get(segment, 64));
  }

  /** Linear address that a string instruction reads (RSI, overridable) or writes (RDI, always ES). */
  stringAddress(place: Place, overridable: boolean): Val {
    const b = this.b;
    const w = this.insn.addressWidth;
    const offset = b.zext(b.get(place, w), 64);
    return overridable ? this.segmented(offset) : offset;
  }

  /** Moves RSI or RDI by one element in the direction of DF. */
  stringAdvance(place: Place, elementWidth: number): void {
    const b = this.b;
    const w = this.insn.addressWidth;
    const size = elementWidth / 8;
    const step = b.select(this.directionFlag(), this.constant(-size, w), this.constant(size, w));
    this.writePlace(place, b.add(b.get(place, w), step));
  }

  directionFlag(): Val {
    const b = this.b;
    return b.trunc(b.and(b.shr(b.get(SYSTEM_FLAGS, 32), this.constant(10, 32)), this.constant(1, 32)), 1);
  }
}

const FILES = new Set(['gpr', 'vector', 'mm', 'seg', 'cr', 'dr', 'st', 'k', 'tmm']);

/** Register files and widths that the definitions know. */
export function isSupported(op: { kind: string; file?: string; w: number }): boolean {
  return op.kind !== 'reg' || (FILES.has(op.file!) && (op.w <= 512 || op.file === 'tmm'));
}

/** IR of one instruction with these operands, or null where the mnemonic has no definition. */
export function liftShape(insn: ShapeInfo, operands: readonly Op[], site: Site): Block | null {
  const instruction = instructionNamed(insn.mnemonic);
  if (instruction === undefined || !operands.every(isSupported)) return null;
  const x = new Lift(insn, site);
  liftWithin(x, instruction, operands);
  return removeDeadStores(x.b.block());
}

/** The instruction at `rip` as a site: everything constant. */
export function constantSite(insn: Insn, rip: bigint): Site {
  const next = BigInt.asUintN(64, rip + BigInt(insn.length));
  return {
    start: (b) => b.constant(rip, 64),
    next: (b) => b.constant(next, 64),
    fop: (b) => b.constant(BigInt(x87Opcode(insn.bytes) ?? 0), 16),
  };
}

/** IR of the instruction at `rip`, everything constant. */
export function liftInsn(insn: Insn, rip: bigint): Block | null {
  return liftShape(insn, constantOperands(insn, rip), constantSite(insn, rip));
}

/** Adds the instruction at `rip` to a block under construction; it must have a definition. */
export function liftInto(builder: Builder, insn: Insn, rip: bigint): void {
  const x = new Lift(insn, constantSite(insn, rip), builder);
  liftWithin(x, instructionNamed(insn.mnemonic)!, constantOperands(insn, rip));
}
