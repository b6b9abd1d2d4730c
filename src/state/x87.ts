import {
  ALL_EXCEPTIONS,
  F80,
  type FloatEnv,
  floatEnv,
  IE,
  PRE_COMPUTATION,
  setFromX87ControlWord,
} from '../bits/softfloat.ts';
import { X87_CW, X87_DP, X87_IP, X87_OP, X87_REG, X87_SW, X87_TW } from './layout.ts';

/**
 * Status word (SDM 1 8.1.3):
 *
 *     15  14  13..11  10  9   8   7   6   5..0
 *     B   C3  TOP     C2  C1  C0  ES  SF  PE UE OE ZE DE IE
 */
export const SW = { SF: 1 << 6, ES: 1 << 7, C0: 1 << 8, C1: 1 << 9, C2: 1 << 10, C3: 1 << 14, B: 1 << 15 } as const;
export const CONDITION_CODES = SW.C0 | SW.C1 | SW.C2 | SW.C3;
const TOP_SHIFT = 11;
const TOP_MASK = 7 << TOP_SHIFT;

/** Tags of a register (SDM 1 8.1.7). */
export const TAG_VALID = 0;
export const TAG_ZERO = 1;
export const TAG_SPECIAL = 2;
export const TAG_EMPTY = 3;

/** Control word after FNINIT: 64 bits, to nearest, all exceptions masked. Bit 6 is reserved and always set. */
const CW_INIT = 0x37f;
/** Bits of the control word that FLDCW changes, and the one that is always set. */
export const CW_WRITABLE = 0x1f3f;
export const CW_FIXED = 0x40;
const TW_EMPTY = 0xffff;
const REG_STRIDE = 16;
const OPCODE_MASK = 0x7ff;

const EXPONENT_AT = 8;
/** Ten bytes as memory and registers hold a double extended number: significand, then sign and exponent. */
export function readExtended(view: DataView, at: number): bigint {
  return view.getBigUint64(at, true) | (BigInt(view.getUint16(at + EXPONENT_AT, true)) << F80.storedShift);
}
export function writeExtended(view: DataView, at: number, bits: bigint): void {
  view.setBigUint64(at, bits & F80.storedMask, true);
  view.setUint16(at + EXPONENT_AT, Number(bits >> F80.storedShift), true);
}

/**
 * The x87 state of one CPU as a typed window on the bytes of `layout.ts`, with what every instruction shares: the stack and
 * its faults, condition codes, exceptions, and the pointers of the last instruction.
 *
 * The tag word is always that of the contents: a register that is not empty has the tag of its value.
 */
export class X87 {
  private readonly view: DataView;
  private readonly env: FloatEnv = floatEnv();

  constructor(memory: { readonly view: DataView }) {
    this.view = memory.view;
  }

  get controlWord(): number {
    return this.view.getUint16(X87_CW, true);
  }
  /** Bits 7 and 13 … 15 are reserved and stay 0. Unmasking an exception that is flagged makes it pending. */
  set controlWord(value: number) {
    this.view.setUint16(X87_CW, (value & CW_WRITABLE) | CW_FIXED, true);
    this.summarise();
  }

  get statusWord(): number {
    return this.view.getUint16(X87_SW, true);
  }
  /** ES and B follow from the exceptions and their masks, whatever is written to them. */
  set statusWord(value: number) {
    this.view.setUint16(X87_SW, value, true);
    this.summarise();
  }

  get tagWord(): number {
    return this.view.getUint16(X87_TW, true);
  }

  /** Address of the last instruction other than a control instruction. */
  get instructionPointer(): bigint {
    return this.view.getBigUint64(X87_IP, true);
  }
  /** Offset of the memory operand and low 11 bits of the opcode of the last one that raised an unmasked exception. */
  get lastDataPointer(): bigint {
    return this.view.getBigUint64(X87_DP, true);
  }
  get lastOpcode(): number {
    return this.view.getUint16(X87_OP, true);
  }
  setPointers(ip: bigint, dp: bigint, opcode: number): void {
    this.view.setBigUint64(X87_IP, ip, true);
    this.view.setBigUint64(X87_DP, dp, true);
    this.view.setUint16(X87_OP, opcode & OPCODE_MASK, true);
  }

  get top(): number {
    return (this.statusWord & TOP_MASK) >> TOP_SHIFT;
  }
  set top(value: number) {
    this.view.setUint16(X87_SW, (this.statusWord & ~TOP_MASK) | ((value & 7) << TOP_SHIFT), true);
  }

  /** An unmasked exception is waiting: the next waiting x87, MMX or WAIT instruction takes #MF before it executes. */
  pendingException(): boolean {
    return (this.statusWord & SW.ES) !== 0;
  }

  private summarise(): void {
    const sw = this.statusWord;
    const pending = sw & ~this.controlWord & ALL_EXCEPTIONS;
    this.view.setUint16(X87_SW, pending ? sw | SW.ES | SW.B : sw & ~(SW.ES | SW.B), true);
  }

  /** The environment of one arithmetic operation, from the control word. There is one: use it before asking again. */
  environment(): FloatEnv {
    return setFromX87ControlWord(this.env, this.controlWord);
  }

  /** Sets C1 and raises exceptions; false when one of `stopping` is unmasked, and the result must not be delivered. */
  private report(raised: number, c1: boolean, stopping: number): boolean {
    const cw = this.controlWord;
    let sw = (this.statusWord & ~SW.C1) | raised | (c1 ? SW.C1 : 0);
    const unmasked = raised & ~cw & ALL_EXCEPTIONS;
    if (unmasked) sw |= SW.ES | SW.B;
    this.view.setUint16(X87_SW, sw, true);
    return !(unmasked & stopping);
  }

  /**
   * Ends an arithmetic operation: takes the exceptions and the rounding direction from `env`. False when an unmasked
   * pre-computation exception forbids delivering the result.
   */
  settle(env: FloatEnv): boolean {
    return this.report(env.flags, env.roundedUp, PRE_COMPUTATION);
  }

  /** Clears C1, as instructions do that raise nothing. */
  clearC1(): void {
    this.view.setUint16(X87_SW, this.statusWord & ~SW.C1, true);
  }

  /** Stack underflow: an operand is empty. False when the exception is unmasked; else respond with the default NaN. */
  underflow(): boolean {
    return this.report(IE | SW.SF, false, IE);
  }

  /** Stack overflow: there is no room to push. False when the exception is unmasked; else push the default NaN. */
  overflow(): boolean {
    return this.report(IE | SW.SF, true, IE);
  }

  /** C3, C2 and C0 from the three bits of `codes`; C1 stays. */
  setConditionCodes(codes: number): void {
    const bits = (codes & 4 ? SW.C3 : 0) | (codes & 2 ? SW.C2 : 0) | (codes & 1 ? SW.C0 : 0);
    this.view.setUint16(X87_SW, (this.statusWord & ~(SW.C3 | SW.C2 | SW.C0)) | bits, true);
  }
  setC2(value: boolean): void {
    this.view.setUint16(X87_SW, (this.statusWord & ~SW.C2) | (value ? SW.C2 : 0), true);
  }
  setC1(value: boolean): void {
    this.view.setUint16(X87_SW, (this.statusWord & ~SW.C1) | (value ? SW.C1 : 0), true);
  }

  /** Number of the physical register that ST(i) is. */
  private physical(i: number): number {
    return (this.top + i) & 7;
  }

  tag(i: number): number {
    return (this.tagWord >> (2 * this.physical(i))) & 3;
  }
  isEmpty(i: number): boolean {
    return this.tag(i) === TAG_EMPTY;
  }

  /** The 80 bits of ST(i), empty or not. */
  read(i: number): bigint {
    return this.readPhysical(this.physical(i));
  }
  /** Writes ST(i) and tags it. */
  write(i: number, bits: bigint): void {
    const n = this.physical(i);
    this.writePhysical(n, bits);
    this.setTag(n, tagOf(bits));
  }

  readPhysical(n: number): bigint {
    return readExtended(this.view, X87_REG + REG_STRIDE * n);
  }
  /** Writes a physical register without tagging it. */
  writePhysical(n: number, bits: bigint): void {
    writeExtended(this.view, X87_REG + REG_STRIDE * n, bits);
  }

  private setTag(n: number, tag: number): void {
    this.view.setUint16(X87_TW, (this.tagWord & ~(3 << (2 * n))) | (tag << (2 * n)), true);
  }
  /** Marks ST(i) empty; its contents stay. */
  free(i: number): void {
    this.setTag(this.physical(i), TAG_EMPTY);
  }
  /** Tags every physical register whose bit is set in `full` by its contents, and the others as empty. */
  retag(full: number): void {
    for (let n = 0; n < 8; n++) this.setTag(n, (full >> n) & 1 ? tagOf(this.readPhysical(n)) : TAG_EMPTY);
  }
  /** One bit for each physical register that is not empty: the abridged tag word of FXSAVE. */
  get abridgedTags(): number {
    let full = 0;
    for (let n = 0; n < 8; n++) if (((this.tagWord >> (2 * n)) & 3) !== TAG_EMPTY) full |= 1 << n;
    return full;
  }

  /** Whether a push would overwrite a register in use. */
  pushOverflows(): boolean {
    return !this.isEmpty(7);
  }
  /** Pushes without looking: see `pushOverflows`. */
  push(bits: bigint): void {
    this.top -= 1;
    this.write(0, bits);
  }
  pop(): void {
    this.free(0);
    this.top += 1;
  }

  /** FNINIT: control and status words, tags and pointers; the registers keep their contents. */
  init(): void {
    this.view.setUint16(X87_CW, CW_INIT, true);
    this.view.setUint16(X87_SW, 0, true);
    this.view.setUint16(X87_TW, TW_EMPTY, true);
    this.setPointers(0n, 0n, 0);
  }

  /** FNCLEX: clears the exceptions, SF, ES and B. */
  clearExceptions(): void {
    this.view.setUint16(X87_SW, this.statusWord & ~(ALL_EXCEPTIONS | SW.SF | SW.ES | SW.B), true);
  }

  /** What every MMX instruction but EMMS does: TOP is 0 and all registers are in use. */
  enterMmx(): void {
    this.top = 0;
    this.retag(0xff);
  }
  /** EMMS: TOP is 0 and every register is empty. */
  emptyMmx(): void {
    this.top = 0;
    this.view.setUint16(X87_TW, TW_EMPTY, true);
  }
}

/** The tag of a value: valid, zero, or special (NaN, infinity, denormal, unsupported). */
function tagOf(bits: bigint): number {
  const field = Number(bits >> F80.storedShift) & F80.exponentMask;
  const sig = bits & F80.storedMask;
  if (field === 0) return sig === 0n ? TAG_ZERO : TAG_SPECIAL;
  return field === F80.exponentMask || !(sig & F80.integerBit) ? TAG_SPECIAL : TAG_VALID;
}
