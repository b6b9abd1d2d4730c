import type { Width } from '../../bits/width.ts';
import type { DecodeFailure, Insn, LegacyInsn } from '../../decode/insn.ts';
import type { CpuState } from '../../state/cpu-state.ts';
import type { FunctionEmitter } from './fast.ts';

/**
 * What a helper may touch: the CPU's state, memory through the MMU, and the machine around it. Implemented by `exec/context.ts`;
 * both engines call helpers through the same object.
 */
export interface HelperContext {
  readonly cpu: CpuState;
  /** Instructions retired before this one. */
  readonly icount: number;
  readonly machine: MachineServices;
  /** Marks an exception as pending; the helper must then return at once, having changed nothing. */
  fault(vector: number, errorCode: number | null): void;
  /** Marks another end of the instruction (`exec/exit.ts`, PENDING); the instruction does not retire. */
  stop(reason: number): void;
  /** Reads `width` bits at a linear address; null when a fault is now pending. */
  read(address: bigint, width: number, fault?: 'general' | 'stack'): bigint | null;
  /** Writes; false when a fault is now pending. */
  write(address: bigint, value: bigint, width: number, fault?: 'general' | 'stack'): boolean;
  /** Checks that a range could be written, without writing; false when a fault is now pending. */
  probeWrite(address: bigint, bytes: number, fault?: 'general' | 'stack'): boolean;
  /** Reads a descriptor table or a task-state segment: a supervisor access whatever the privilege level (SDM 3A 4.6). */
  readSystem(address: bigint, width: number): bigint | null;
  /** Writes there, or to the new stack of an event. */
  writeSystem(address: bigint, value: bigint, width: number, fault?: 'general' | 'stack'): boolean;
  /** Checks that a range of a new stack could be written; false when a fault is now pending. */
  probeSystem(address: bigint, bytes: number, fault?: 'general' | 'stack'): boolean;
  /**
   * Ends the instruction here: it retires and goes on at `rip`, and the engine returns, so that what follows may run in another
   * mode. The helper must be the instruction's last part.
   */
  retire(rip: bigint, reason?: number): void;
  /** No single-step trap follows the instruction that runs: it has been delivered elsewhere, or TF was masked. */
  cancelStep(): void;
  /** The privilege, paging or alignment mode changed: translations kept for speed must be made anew. */
  modeChanged(): void;
  /** CR0.EM, CR0.TS or CR4.OSFXSR changed, and with it what some bytes mean: whatever has been decoded is forgotten. */
  decodingChanged(): void;
  /** An instruction is about to use ports: for breakpoints on them. */
  portUsed(port: number, bytes: number): void;
}

/** What the machine decides for the CPU: identity, time, policy. */
export interface MachineServices {
  /** EAX, EBX, ECX, EDX of a CPUID leaf; some bits mirror CR4. */
  cpuid(leaf: number, subleaf: number): readonly [number, number, number, number];
  /** Whether it has a feature, by iced's name. */
  has(feature: string): boolean;
  /** The instruction at the start of these bytes; 'invalid' for one that this CPU does not have. */
  decode(bytes: Uint8Array): Insn | DecodeFailure;
  /** The same of 16- and 32-bit code. */
  decodeLegacy(bytes: Uint8Array, bits: 16 | 32): LegacyInsn | DecodeFailure;
  /** Random number `n`, 64 bits, a function of the machine's seed. */
  random(n: bigint): bigint;
  /** Time-stamp counter, a function of the instruction count. */
  tsc(icount: number): bigint;
  /** HLT ends the run at any privilege level (a bare guest) instead of raising #GP at CPL 3. */
  readonly haltEnds: boolean;
  /** An interrupt from outside waits for RFLAGS.IF. */
  interruptWaits(): boolean;
  /** MONITOR: the line of memory at a linear address is watched. */
  monitor(linear: bigint): void;
  /** MWAIT: whether the CPU sleeps, since the watched line is as it was; interrupts may wake it although RFLAGS.IF is clear. */
  mwait(interruptsBreak: boolean): boolean;
  /** SYSCALL ends the run: somebody outside plays the kernel. */
  readonly syscallExits: boolean;
  /** Vectors that INT n may reach while the guest has no IDT: those with a gate that user code may use. */
  readonly interruptGates: ReadonlySet<number>;
  /** CR0, CR3 or CR4 has been loaded. */
  pagingChanged(): void;
  /**
   * Drops translations (SDM 3A 4.10.4.1): those of the current PCID that are not global, or with the global ones; of every PCID, or all
   * of those that are not global.
   */
  flushTlb(scope: 'non-global' | 'current' | 'all' | 'all non-global'): void;
  /** Drops the translations of one page under the current PCID, and global ones. */
  flushPage(linear: bigint): void;
  /** Drops translations of a PCID that are not global: of one page, or (null) all. */
  flushContext(pcid: number, linear: bigint | null): void;
  /**
   * Whether the instruction that runs may reach devices. If not it is to stop with PENDING_KIND.resume before it has done anything: the
   * machine runs it again, by itself.
   */
  alone(): boolean;
  /** A model-specific register that is not the CPU's own; null where there is none. */
  readMsr(number: number): bigint | null;
  /** False where there is none, or it refuses the value. */
  writeMsr(number: number, value: bigint): boolean;
  /** Reads `bytes` ≤ 4 from a port. */
  portIn(port: number, bytes: number): number;
  /** Writes to a port; true where the machine wants to be asked before the next instruction. */
  portOut(port: number, bytes: number, value: number): boolean;
}

/** A whole instruction, or a part of one, in TypeScript. */
export interface Helper {
  readonly name: string;
  readonly doc: string;
  readonly args: readonly Width[];
  readonly result: Width | 0;
  readonly run: (c: HelperContext, ...args: bigint[]) => bigint | void;
  /** False where it never leaves an exception or a stop pending. */
  readonly faults?: false;
  /** 'fp' where it reads and writes nothing of the CPU but MXCSR, FP_RAISED and the x87: no register, no flag, no translation. */
  readonly state?: 'fp';
  /** The common case in WebAssembly: leaves the result on the stack, or falls back to `run` through `slow`. */
  readonly fast?: (e: FunctionEmitter, slow: () => void) => void;
}

const HELPERS = new Map<string, Helper>();

/** Registers a helper. Values wider than 64 bits do not cross into TypeScript: split them, or use the state. */
export function defineHelper(helper: Helper): void {
  if (HELPERS.has(helper.name)) throw new Error(`helper ${helper.name} is defined twice`);
  HELPERS.set(helper.name, helper);
}

export function helperNamed(name: string): Helper {
  const helper = HELPERS.get(name);
  if (helper === undefined) throw new Error(`no helper ${name}`);
  return helper;
}

export const allHelpers = (): Helper[] => [...HELPERS.values()];
