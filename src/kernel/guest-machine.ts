import type { Exit } from '../exec/exit.ts';
import type { PhysicalMemory } from '../memory/physical.ts';
import type { CpuState } from '../state/cpu-state.ts';

/** What the kernel stub needs of a machine. */
export interface GuestMachine {
  readonly memory: PhysicalMemory;
  readonly cpu: CpuState;
  /** Runs at most that many instructions. On `syscall` RIP is behind SYSCALL, and RCX and R11 are set. */
  run(maxInstructions: number): Exit;
  /** EAX, EBX, ECX and EDX of a CPUID leaf. */
  cpuid(leaf: number, subleaf: number): readonly [number, number, number, number];
  /** Whether the CPU has a feature, by the names of its profile: LAM. */
  has(feature: string): boolean;
  /** Drops every cached translation of the current address space. */
  flushTlb(): void;
  /** Drops the cached translation of one page. */
  flushPage(linear: bigint): void;
}
