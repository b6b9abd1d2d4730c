import type { RegisterRef } from './registers.ts';

/** A memory operand, position independent: RIP-relative ones count from the instruction's first byte. */
export interface MemoryOperand {
  readonly kind: 'mem';
  /** Bits accessed; 0 where the instruction only computes with the address or has a format of its own. */
  readonly width: number;
  /** Base register number 0–15, `'rip'`, or null. */
  readonly base: number | 'rip' | null;
  readonly index: number | null;
  /** log2 of the scale: 0–3. */
  readonly shift: number;
  /** Signed displacement. With base `'rip'` it includes the instruction's length. */
  readonly displacement: bigint;
  /** Only FS and GS have a base in 64-bit mode. */
  readonly segment: 'fs' | 'gs' | null;
  /** 67h: the effective address is truncated to 32 bits before the segment base is added. */
  readonly address32: boolean;
  /** Addressed through SS by default (base RSP or RBP and no FS or GS): a non-canonical address is #SS(0), not #GP(0). */
  readonly stack: boolean;
}

export interface RegisterOperand {
  readonly kind: 'reg';
  readonly register: RegisterRef;
  readonly width: number;
}

export interface ImmediateOperand {
  readonly kind: 'imm';
  /** Sign- or zero-extended to `width` as the encoding says. */
  readonly value: bigint;
  readonly width: number;
}

/** A near branch: the target counts from the instruction's first byte. */
export interface RelativeOperand {
  readonly kind: 'rel';
  readonly offset: bigint;
  readonly width: number;
}

export type Operand = MemoryOperand | RegisterOperand | ImmediateOperand | RelativeOperand;

/** One decoded instruction: plain, frozen, without its address. */
export interface Insn {
  readonly bytes: Uint8Array;
  readonly length: number;
  /** iced's `Code`: one number per encoding. */
  readonly code: number;
  /** iced's name of that encoding, for instance `Add_rm64_r64`. */
  readonly codeName: string;
  /** Features that a CPU must have for it, by iced's names: `SSE4_1`, or `VAES` and `AVX`. */
  readonly features: readonly string[];
  /** Lower-case mnemonic under which the definition stands; string instructions have none of the SSE names (`movs`). */
  readonly mnemonic: string;
  readonly operands: readonly Operand[];
  readonly lock: boolean;
  readonly repeat: 'rep' | 'repne' | null;
  /** Width of an implicit operand that the encoding chooses (strings, PUSHF, LEAVE …), else 0. */
  readonly width: number;
  /** Address size, 32 or 64. */
  readonly addressWidth: 32 | 64;
  /** Segment override that matters in 64-bit mode. */
  readonly segment: 'fs' | 'gs' | null;
}

/** An instruction of 16- or 32-bit code: real mode, protected mode, compatibility mode. */
export interface LegacyInsn extends Insn {
  /** Default operand and address size of the code segment. */
  readonly bits: 16 | 32;
  readonly addressSize: 16 | 32;
  /** Segment register of the memory operand, in encoding order. */
  readonly memorySegment: number;
  /** Far pointer in the instruction. */
  readonly far: { readonly offset: number; readonly selector: number; readonly width: 16 | 32 } | null;
}

/** Legacy prefixes of SDM 2A 2.1.1 and REX. */
const PREFIXES = new Set([0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3]);
/** A legacy prefix or REX. */
export const isPrefix = (byte: number): boolean => PREFIXES.has(byte) || (byte & 0xf0) === 0x40;

/** What FOP holds of an x87 instruction: the low three bits of its first opcode byte and the second (SDM 1 8.1.9); else null. */
export function x87Opcode(bytes: Uint8Array): number | null {
  const at = bytes.findIndex((byte) => !isPrefix(byte));
  const first = bytes[at]!;
  return (first & 0xf8) === 0xd8 ? ((first & 7) << 8) | bytes[at + 1]! : null;
}

/** Why bytes are no instruction. */
export type DecodeFailure =
  /** #UD: no instruction begins with these bytes. */
  | 'invalid'
  /** The bytes end inside an instruction: the rest has to be fetched. */
  | 'more'
  /** Longer than 15 bytes: #GP(0). */
  | 'too-long';
