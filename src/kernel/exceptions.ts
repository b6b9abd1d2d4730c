import { type Fault, VECTOR } from '../exec/exit.ts';
import type { CpuState } from '../state/cpu-state.ts';
import { DR, MXCSR, X87_CW, X87_SW } from '../state/layout.ts';
import { FLAG } from '../state/rflags.ts';
import { SIG } from './signals/numbers.ts';
import { SI } from './signals/state.ts';

/** The signal that Linux makes of an exception: number, si_code, si_addr. */
export interface FaultSignal {
  readonly signal: number;
  readonly code: number;
  readonly address: bigint;
}

const FPE = { INTDIV: 1, FLTDIV: 3, FLTOVF: 4, FLTUND: 5, FLTRES: 6, FLTINV: 7, FLTUNK: 14 } as const;
const ILL_ILLOPN = 2;
const BUS_ADRALN = 1;
const TRAP = { BRKPT: 1, TRACE: 2, HWBKPT: 4 } as const;
/** Exceptions that show the next instruction, and have not RF set in what they push (SDM 3A 6.8.3). */
const TRAPS: ReadonlySet<number> = new Set([VECTOR.DB, VECTOR.BP, VECTOR.OF]);
const DR6 = DR + 6 * 8;
/** B0–B3 and BS of DR6. */
const BREAKPOINTS = 0xfn;
const BS = 1n << 14n;

/** IEEE exceptions of MXCSR and of the x87 status word, in their common bit order. */
const IE = 1;
const DENORMAL = 2;
const ZE = 4;
const OE = 8;
const UE = 16;
const PE = 32;
const ALL_EXCEPTIONS = 63;
const MXCSR_MASKS = 7;

/** si_code of a floating-point exception: the first unmasked one (Linux: fpu__exception_code). */
function floatCode(cpu: CpuState, simd: boolean): number {
  const status = simd ? cpu.view.getUint32(MXCSR, true) : cpu.view.getUint16(X87_SW, true);
  const masks = simd ? status >> MXCSR_MASKS : cpu.view.getUint16(X87_CW, true);
  const raised = status & ~masks & ALL_EXCEPTIONS;
  if (raised & IE) return FPE.FLTINV;
  if (raised & ZE) return FPE.FLTDIV;
  if (raised & OE) return FPE.FLTOVF;
  if (raised & (DENORMAL | UE)) return FPE.FLTUND;
  return raised & PE ? FPE.FLTRES : 0;
}

/** si_code of a debug exception, whose reason is gone from DR6 afterwards (Linux: debug_read_reset_dr6, get_si_code). */
function trapCode(cpu: CpuState): number {
  const dr6 = cpu.u64(DR6);
  cpu.setU64(DR6, dr6 & ~(BS | BREAKPOINTS));
  if (dr6 & BS) return TRAP.TRACE;
  return dr6 & BREAKPOINTS ? TRAP.HWBKPT : TRAP.BRKPT;
}

/** Flags as the exception pushes them: an instruction that faults is to be tried again with RF set. */
export function pushFlags(fault: Fault, cpu: CpuState): void {
  if (!TRAPS.has(fault.vector)) cpu.rflags |= FLAG.RF;
}

/**
 * Every exception but the page fault, which the address space decides (arch/x86/kernel/traps.c). Addresses are those that
 * siginfo shows: RIP of the instruction where Linux tells it, else 0.
 */
export function faultSignal(fault: Fault, cpu: CpuState): FaultSignal {
  const { rip } = cpu;
  switch (fault.vector) {
    case VECTOR.DE:
      return { signal: SIG.FPE, code: FPE.INTDIV, address: rip };
    case VECTOR.DB:
      return { signal: SIG.TRAP, code: trapCode(cpu), address: rip };
    case VECTOR.BP:
      return { signal: SIG.TRAP, code: SI.KERNEL, address: 0n };
    case VECTOR.UD:
      return { signal: SIG.ILL, code: ILL_ILLOPN, address: rip };
    case VECTOR.SS:
    case VECTOR.NP:
      return { signal: SIG.BUS, code: SI.KERNEL, address: 0n };
    case VECTOR.AC:
      return { signal: SIG.BUS, code: BUS_ADRALN, address: 0n };
    case VECTOR.MF:
      return { signal: SIG.FPE, code: floatCode(cpu, false), address: rip };
    case VECTOR.XM:
      return { signal: SIG.FPE, code: floatCode(cpu, true), address: rip };
    default:
      // #OF, #BR, #TS, #GP and whatever a user process cannot raise.
      return { signal: SIG.SEGV, code: SI.KERNEL, address: 0n };
  }
}
