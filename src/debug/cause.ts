import { littleEndianNumber } from '../bits/bytes.ts';
import { hex } from '../bits/hex.ts';
import { decode } from '../decode/decode.ts';
import type { Insn, Operand } from '../decode/insn.ts';
import type { Fault } from '../exec/exit.ts';
import { isCanonical, type PageWalk, peek } from '../memory/page-walk.ts';
import type { PhysicalMemory } from '../memory/physical.ts';
import type { CpuState } from '../state/cpu-state.ts';
import * as L from '../state/layout.ts';
import { VECTOR } from '../state/pending.ts';
import { tilesConfigured } from '../state/tiles.ts';
import { X87 } from '../state/x87.ts';
import { STATE_BIT } from '../state/xsave.ts';
import type { ComposedAccess } from './accesses.ts';
import { failedCheck } from './walk.ts';

/** Everything that a cause may be found in. */
export interface Scene {
  readonly fault: Fault;
  readonly cpu: CpuState;
  readonly memory: PhysicalMemory;
  /** Bytes at RIP, as many as can be read. */
  readonly bytes: Uint8Array;
  readonly accesses: readonly ComposedAccess[];
  /** Of the faulting address, for a page fault. */
  readonly walk: PageWalk | null;
  /** Whether the CPU has a feature. */
  readonly has: (feature: string) => boolean;
}

const EXCEPTIONS = [
  'invalid operation',
  'denormal operand',
  'division by zero',
  'overflow',
  'underflow',
  'inexact result',
];
const MXCSR_MASKS = 7;

/** The unmasked floating-point exceptions among `flags`. */
const raised = (flags: number, masks: number): string =>
  EXCEPTIONS.filter((_, bit) => (flags & ~masks & (1 << bit)) !== 0).join(', ') || 'a floating-point exception';

const CR0_EM_TS = 0xcn;
const RAX = 0;
const RDX = 2;

function divideCause(scene: Scene): string {
  const insn = decode(scene.bytes);
  const operand = typeof insn === 'string' ? undefined : insn.operands[0];
  if (operand === undefined) return 'the division has no result';
  const divisor = divisorOf(operand, scene);
  if (divisor === 0n) return 'the divisor is 0';
  const { cpu } = scene;
  return `the quotient of RDX:RAX = ${hex(cpu.gpr(RDX))}:${hex(cpu.gpr(RAX))} and ${hex(divisor)} does not fit ${operand.width} bits`;
}

function divisorOf(operand: Operand, { cpu, memory, accesses }: Scene): bigint {
  if (operand.kind === 'reg') {
    const { n, high } = operand.register;
    return BigInt.asUintN(operand.width, cpu.gpr(n) >> (high ? 8n : 0n));
  }
  return littleEndianNumber(peek(memory, cpu, accesses[0]?.address ?? 0n, operand.width / 8));
}

/** Privileged instructions, by the mnemonics of their definitions. */
const PRIVILEGED = new Set(
  'hlt cli sti in ins out outs lgdt lidt lldt ltr lmsw clts invd wbinvd invlpg invpcid rdmsr wrmsr swapgs sysret sysexit rdpmc xsetbv'.split(
    ' ',
  ),
);

const isControlMove = (insn: Insn): boolean =>
  insn.operands.some((op) => op.kind === 'reg' && (op.register.file === 'cr' || op.register.file === 'dr'));

function protectionCause({ fault, cpu, bytes, accesses }: Scene): string {
  if (fault.errorCode !== null && fault.errorCode !== 0) {
    const code = fault.errorCode;
    if (code & 2) return `no gate that this privilege level may use stands at interrupt vector ${code >> 3}`;
    return `selector ${hex(code & ~7)} (index ${code >> 3}, ${code & 4 ? 'LDT' : 'GDT'}) may not be used so`;
  }
  const insn = decode(bytes);
  if (insn === 'too-long') return 'the instruction is longer than 15 bytes';
  if (typeof insn === 'string') return 'RIP is not canonical, or no instruction can be there';
  if (!isCanonical(cpu.rip)) return 'RIP is not canonical: its bits 63 to 47 differ';
  if (cpu.cpl !== 0 && (PRIVILEGED.has(insn.mnemonic) || isControlMove(insn))) {
    return `${insn.mnemonic} needs CPL 0, this is CPL ${cpu.cpl}`;
  }
  const wild = accesses.find((access) => !isCanonical(access.address));
  if (wild) return `${hex(wild.address)} is not canonical: its bits 63 to 47 differ`;
  if (insn.mnemonic === 'ldtilecfg')
    return `the 64 bytes at ${hex(accesses[0]?.address ?? 0n)} are no configuration of tiles`;
  const crooked = accesses.find((access) => access.bytes >= 16 && access.address % 16n !== 0n);
  if (crooked) return `${hex(crooked.address)} is not aligned to 16 bytes, as ${insn.mnemonic} demands`;
  const target = branchTarget(insn, cpu);
  if (target !== null && !isCanonical(target)) return `the target ${hex(target)} is not canonical`;
  return `${insn.mnemonic} may not be executed so`;
}

function branchTarget(insn: Insn, cpu: CpuState): bigint | null {
  const operand = insn.operands[0];
  const branches = insn.mnemonic === 'jmp' || insn.mnemonic === 'call';
  return branches && operand?.kind === 'reg' ? cpu.gpr(operand.register.n) : null;
}

/** #UD of an instruction of AMX. */
function tileCause({ mnemonic }: Insn, cpu: CpuState): string {
  const usable = BigInt(cpu.view.getUint32(L.USABLE, true));
  if ((usable & STATE_BIT.amx) !== STATE_BIT.amx) return 'tiles are not enabled: CR4.OSXSAVE, XCR0 bits 17 and 18';
  if (!tilesConfigured(cpu)) return 'no tiles are configured: LDTILECFG comes first';
  return `the tiles of ${mnemonic} are not configured, or their rows and columns do not fit`;
}

const isAmx = (insn: Insn): boolean => insn.features.some((feature) => feature.startsWith('AMX'));

function unavailableCause({ cpu }: Scene): string {
  if (cpu.u64(L.CR0) & CR0_EM_TS || cpu.u64(L.XFD) === 0n) return 'the FPU is switched off: CR0.TS or CR0.EM is set';
  return 'tile data is switched off by IA32_XFD: Linux programs ask for it by arch_prctl(ARCH_REQ_XCOMP_PERM, 18)';
}

function undefinedCause({ bytes, cpu, has }: Scene): string {
  const insn = decode(bytes);
  if (typeof insn === 'string') return 'these bytes are no instruction';
  if (/^ud[012]$/.test(insn.mnemonic)) return `${insn.mnemonic} is there to raise #UD`;
  const lacking = insn.features.filter((feature) => !has(feature));
  if (lacking.length > 0) return `${insn.mnemonic} needs ${lacking.join(' and ')}, which this CPU lacks (--cpu)`;
  if (insn.lock) return `LOCK is not allowed on this form of ${insn.mnemonic}`;
  if (isAmx(insn)) return tileCause(insn, cpu);
  return `${insn.mnemonic} is switched off (a bit in CR0, CR4 or EFER), or these operands are not allowed`;
}

/** Why an exception was raised, in one phrase. */
export function causeOf(scene: Scene): string {
  const { fault, cpu, accesses, walk } = scene;
  switch (fault.vector) {
    case VECTOR.DE:
      return divideCause(scene);
    case VECTOR.DB:
      return 'a single step or a breakpoint (INT1)';
    case VECTOR.BP:
      return 'a breakpoint (INT3)';
    case VECTOR.OF:
      return 'INTO or INT 4';
    case VECTOR.UD:
      return undefinedCause(scene);
    case VECTOR.NM:
      return unavailableCause(scene);
    case VECTOR.SS: {
      const wild = accesses.find((access) => !isCanonical(access.address));
      return `the stack address ${wild === undefined ? '' : `${hex(wild.address)} `}is not canonical: its bits 63 to 47 differ`;
    }
    case VECTOR.GP:
      return protectionCause(scene);
    case VECTOR.PF:
      return failedCheck(walk!, fault.errorCode ?? 0);
    case VECTOR.MF: {
      const x87 = new X87(cpu);
      return `an x87 instruction left ${raised(x87.statusWord, x87.controlWord)} unmasked`;
    }
    case VECTOR.AC: {
      const crooked = accesses.find((access) => access.bytes > 1 && access.address % BigInt(access.bytes) !== 0n);
      return `${crooked === undefined ? 'an address' : hex(crooked.address)} is not aligned, and RFLAGS.AC asks for it`;
    }
    case VECTOR.XM:
      return `${raised(cpu.view.getUint32(L.MXCSR, true), cpu.view.getUint32(L.MXCSR, true) >> MXCSR_MASKS)} is unmasked in MXCSR`;
    default:
      return 'an exception';
  }
}
