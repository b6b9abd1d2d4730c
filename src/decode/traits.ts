import {
  Code,
  type Decoder,
  FlowControl,
  type Instruction,
  InstructionInfoFactory,
  MemorySizeExt,
  Mnemonic,
  OpAccess,
  OpKind,
} from './iced.ts';
import { registerOf } from './registers.ts';

/** What an instruction does with its explicit memory operand. */
export const ACCESS = { none: 0, read: 1, write: 2, update: 3 } as const;

/** Where execution goes after an instruction. */
export const FLOW = {
  next: 0,
  jump: 1,
  conditional: 2,
  call: 3,
  indirectJump: 4,
  indirectCall: 5,
  return: 6,
  stop: 7,
} as const;

/** What is the same of every instruction with one `Code`, memory operand or not: found once, then looked up. */
export interface CodeTraits {
  /** Lower case, without a width: `mov`. */
  readonly mnemonic: string;
  readonly codeName: string;
  /** A number of `FLOW`. */
  readonly flow: number;
  /** Bytes of all immediates; of a near branch, of its displacement. */
  readonly immediate: number;
  /** Whether the last immediate counts for all 64 bits: sign-extended, or that long. */
  readonly widened: boolean;
  /** Index of the operand that is memory, or -1. */
  readonly memory: number;
  /** A number of `ACCESS` for the explicit memory operand. */
  readonly access: number;
  /** Bytes of that operand; 0 where the manual gives no fixed size. */
  readonly size: number;
  /** Indices of the operands that are written where they are registers. */
  readonly written: readonly number[];
  /** General-purpose registers written without being named, as bits in encoding order. */
  readonly implied: number;
  /** String instructions: how many memory reads and writes by RSI and RDI. */
  readonly stringReads: number;
  readonly stringWrites: number;
}

const FLOWS = new Map<number, number>([
  [FlowControl.Next, FLOW.next],
  [FlowControl.UnconditionalBranch, FLOW.jump],
  [FlowControl.ConditionalBranch, FLOW.conditional],
  [FlowControl.XbeginXabortXend, FLOW.next],
  [FlowControl.Call, FLOW.call],
  [FlowControl.IndirectBranch, FLOW.indirectJump],
  [FlowControl.IndirectCall, FLOW.indirectCall],
  [FlowControl.Return, FLOW.return],
  [FlowControl.Interrupt, FLOW.next],
  [FlowControl.Exception, FLOW.stop],
]);
const KINDS = new Map<number, number>([
  [OpAccess.Read, ACCESS.read],
  [OpAccess.CondRead, ACCESS.read],
  [OpAccess.Write, ACCESS.write],
  [OpAccess.CondWrite, ACCESS.write],
  [OpAccess.ReadWrite, ACCESS.update],
  [OpAccess.ReadCondWrite, ACCESS.update],
]);
const WRITES = new Set<number>([OpAccess.Write, OpAccess.CondWrite, OpAccess.ReadWrite, OpAccess.ReadCondWrite]);
const STRINGS: Readonly<Record<string, readonly [reads: number, writes: number]>> = {
  movs: [1, 1],
  cmps: [2, 0],
  scas: [1, 0],
  lods: [1, 0],
  stos: [0, 1],
  ins: [0, 1],
  outs: [1, 0],
};
const RCX = 1 << 1;
/** Immediates of 64-bit operands. */
const WIDE = new Set<number>([OpKind.Immediate8to64, OpKind.Immediate32to64, OpKind.Immediate64]);
const SYSRETS = /^(sysret|sysexit|iret)/;

const known = new Map<number, CodeTraits>();
let factory: InstructionInfoFactory | undefined;

/** SYSCALL, VMCALL and their like are calls to the library, and go on behind themselves here. */
function flowOf(i: Instruction, mnemonic: string): number {
  if (SYSRETS.test(mnemonic)) return FLOW.return;
  if (i.flowControl === FlowControl.Call && i.opCount === 0) return FLOW.next;
  return FLOWS.get(i.flowControl) ?? FLOW.next;
}

function examine(i: Instruction, decoder: Decoder): CodeTraits {
  factory ??= new InstructionInfoFactory();
  const codeName = Code[i.code] as string;
  const mnemonic = (Mnemonic[i.mnemonic] as string).toLowerCase();
  const info = factory.info(i);
  let memory = -1;
  const written: number[] = [];
  let named = 0;
  for (let n = 0; n < i.opCount; n++) {
    if (i.opKind(n) === OpKind.Memory) memory = n;
    else if (WRITES.has(info.opAccess(n)) && (i.opKind(n) as number) === OpKind.Register) {
      written.push(n);
      const { file, n: number } = registerOf(i.opRegister(n));
      if (file === 'gpr') named |= 1 << number;
    }
  }
  let implied = 0;
  for (const used of info.usedRegisters()) {
    const { file, n } = registerOf(used.register);
    if (WRITES.has(used.access) && file === 'gpr') implied |= 1 << n;
    used.free();
  }
  const string = i.isStringInstruction ? STRINGS[mnemonic.slice(0, -1)] : undefined;
  const offsets = decoder.getConstantOffsets(i);
  const access = memory < 0 ? ACCESS.none : (KINDS.get(info.opAccess(memory)) ?? ACCESS.none);
  const traits: CodeTraits = {
    mnemonic,
    codeName,
    flow: flowOf(i, mnemonic),
    immediate: offsets.immediateSize + offsets.immediateSize2,
    widened: i.opCount > 0 && WIDE.has(i.opKind(i.opCount - 1)),
    memory,
    access,
    size: memory < 0 ? 0 : MemorySizeExt.size(i.memorySize),
    written,
    implied: (implied & ~named) | (string === undefined ? 0 : RCX) | (mnemonic === 'cmpxchg' ? 1 : 0),
    stringReads: string?.[0] ?? 0,
    stringWrites: string?.[1] ?? 0,
  };
  offsets.free();
  info.free();
  return traits;
}

/** The traits of what `decoder` has just decoded into `i`. */
export function traitsOf(i: Instruction, decoder: Decoder, code: number, memoryForm: boolean): CodeTraits {
  const key = code * 2 + (memoryForm ? 1 : 0);
  let traits = known.get(key);
  if (traits === undefined) {
    traits = examine(i, decoder);
    known.set(key, traits);
  }
  return traits;
}
