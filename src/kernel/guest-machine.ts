import type { Exit } from '../exec/exit.ts';
import type { PhysicalMemory } from '../memory/physical.ts';
import type { CpuState } from '../state/cpu-state.ts';

/** What the kernel stub needs of a machine. */
export interface GuestMachine {
  readonly memory: PhysicalMemory;
  readonly cpu: CpuState;
  /** Runs at most that many instructions. On `syscall` RIP is behind SYSCALL, and RCX and R11 are set. */
  run(maxInstructions: number): Exit;
  /** Drops every cached translation of the current address space. */
  flushTlb(): void;
  /** Drops the cached translation of one page. */
  flushPage(linear: bigint): void;
}
