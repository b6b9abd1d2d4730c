import {
  Code,
  Decoder,
  DecoderOptions,
  type Instruction,
  InstructionInfoFactory,
  OpAccess,
  OpKind,
  RflagsBits,
} from './iced.ts';
import type { Insn } from './insn.ts';
import { registerOf } from './registers.ts';

/** What an instruction does to flags, as the decoder's tables have it. */
export interface Usage {
  /** Arithmetic flags as RFLAGS bits: read; given a value on every path; left open by the manual. */
  readonly flagsRead: number;
  readonly flagsWritten: number;
  readonly flagsUndefined: number;
}

/** RFLAGS bits behind iced's numbering. */
const BITS: readonly (readonly [number, number])[] = [
  [RflagsBits.OF, 1 << 11],
  [RflagsBits.SF, 1 << 7],
  [RflagsBits.ZF, 1 << 6],
  [RflagsBits.AF, 1 << 4],
  [RflagsBits.CF, 1 << 0],
  [RflagsBits.PF, 1 << 2],
];
const flagsOf = (iced: number): number => BITS.reduce((all, [bit, flag]) => (iced & bit ? all | flag : all), 0);

const WRITES = new Set<number>([OpAccess.Write, OpAccess.CondWrite, OpAccess.ReadWrite, OpAccess.ReadCondWrite]);
/** A count of zero leaves the flags alone, so only an immediate one says what becomes of them. */
const SHIFTS = /^(sh[lr]d?|sa[lr]|ro[lr]|rc[lr])$/;

const known = new Map<number, Usage>();
let factory: InstructionInfoFactory | undefined;

function examine(insn: Insn, byCount: boolean): Usage {
  const decoder = new Decoder(64, insn.bytes, DecoderOptions.None);
  const i = decoder.decode();
  const undefinedBits = flagsOf(i.rflagsUndefined);
  const certain = !(insn.repeat !== null && insn.width > 0) && !(byCount && insn.operands.at(-1)?.kind !== 'imm');
  const written = flagsOf(i.rflagsWritten | i.rflagsCleared | i.rflagsSet) & ~undefinedBits;
  const usage: Usage = {
    flagsRead: flagsOf(i.rflagsRead),
    flagsWritten: certain ? written : 0,
    flagsUndefined: undefinedBits,
  };
  i.free();
  decoder.free();
  return usage;
}

/** What the instruction reads, writes and leaves open. */
export function usageOf(insn: Insn): Usage {
  const byCount = SHIFTS.test(insn.mnemonic);
  const last = insn.operands.at(-1);
  // The count decides about the flags of shifts; a repeated string instruction may do nothing.
  const count = byCount && last?.kind === 'imm' ? 1 + Number(last.value & 0xffn) : 0;
  const key = insn.code * 1024 + (count << 1) + (insn.repeat === null ? 0 : 1);
  let usage = known.get(key);
  if (usage === undefined) {
    usage = examine(insn, byCount);
    known.set(key, usage);
  }
  return usage;
}

/** Numbers of the general-purpose registers that the instruction writes, named as operands or not. */
export function writtenRegisters(insn: Insn): number[] {
  factory ??= new InstructionInfoFactory();
  const decoder = new Decoder(64, insn.bytes, DecoderOptions.None);
  const i = decoder.decode();
  const info = factory.info(i);
  const written: number[] = [];
  for (const used of info.usedRegisters()) {
    const register = WRITES.has(used.access) ? registerOf(used.register) : null;
    if (register?.file === 'gpr') written.push(register.n);
    used.free();
  }
  info.free();
  i.free();
  decoder.free();
  return written;
}

/** Where the displacement and the first immediate lie in the bytes of an instruction, 0 bytes long where there is none. */
export function constantFields(bytes: Uint8Array): {
  readonly displacement: { readonly at: number; readonly size: number };
  readonly immediate: { readonly at: number; readonly size: number };
} {
  const decoder = new Decoder(64, bytes, DecoderOptions.None);
  const i = decoder.decode();
  const offsets = decoder.getConstantOffsets(i);
  const result = {
    displacement: { at: offsets.displacementOffset, size: offsets.displacementSize },
    immediate: { at: offsets.immediateOffset, size: offsets.immediateSize },
  };
  offsets.free();
  i.free();
  decoder.free();
  return result;
}

/** Registers that an instruction reads and writes, named as operands or implied: general-purpose and vector ones as bits. */
export interface RegisterUse {
  readonly reads: number;
  readonly writes: number;
  readonly vectorReads: number;
  readonly vectorWrites: number;
  /** Bits of RAX, and of XMM0, that it writes; 0 where it does not. */
  readonly raxWidth: number;
  readonly xmm0Width: number;
}

const READS = new Set<number>([
  OpAccess.Read,
  OpAccess.CondRead,
  OpAccess.ReadWrite,
  OpAccess.ReadCondWrite,
  OpAccess.CondWrite,
]);
const SCALAR = /(?:^|_)(?:cvt\w*2)?\w*(ss|sd)(?:_|$)/i;

/** Width of a general-purpose register as an operand names it: what is written of a longer one is zeros. */
function namedWidth(i: Instruction, n: number): number | null {
  for (let operand = 0; operand < i.opCount; operand++) {
    if (i.opKind(operand) !== OpKind.Register) continue;
    const register = registerOf(i.opRegister(operand));
    if (register.file === 'gpr' && register.n === n) return register.width;
  }
  return null;
}

/** What the first instruction of `bytes` reads and writes; vector registers up to 31. */
export function registerUse(bytes: Uint8Array): RegisterUse {
  factory ??= new InstructionInfoFactory();
  const decoder = new Decoder(64, bytes, DecoderOptions.None);
  const i = decoder.decode();
  const info = factory.info(i);
  const use = { reads: 0, writes: 0, vectorReads: 0, vectorWrites: 0, raxWidth: 0, xmm0Width: 0 };
  for (const used of info.usedRegisters()) {
    const register = registerOf(used.register);
    const bit = 1 << register.n;
    if (register.file === 'gpr') {
      if (READS.has(used.access)) use.reads |= bit;
      if (WRITES.has(used.access)) {
        use.writes |= bit;
        if (register.n === 0) use.raxWidth = Math.max(use.raxWidth, namedWidth(i, register.n) ?? register.width);
      }
    } else if (register.file === 'vector') {
      if (READS.has(used.access)) use.vectorReads |= bit;
      if (WRITES.has(used.access)) {
        use.vectorWrites |= bit;
        const scalar = SCALAR.exec(Code[i.code] as string)?.[1]?.toLowerCase();
        if (register.n === 0) use.xmm0Width = scalar === 'ss' ? 32 : scalar === 'sd' ? 64 : register.width;
      }
    }
    used.free();
  }
  info.free();
  i.free();
  decoder.free();
  return use;
}
