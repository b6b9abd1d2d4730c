import type { Exit } from '../../exec/exit.ts';
import type { GuestMachine } from '../../kernel/guest-machine.ts';
import type { PhysicalMemory } from '../../memory/physical.ts';
import type { CpuState } from '../../state/cpu-state.ts';
import { countingExits, type ExitCounts } from '../stats.ts';

/** A machine whose exits are counted. */
export class CountingMachine implements GuestMachine {
  readonly #machine: GuestMachine;
  readonly run: (budget: number) => Exit;

  constructor(machine: GuestMachine, counts: ExitCounts) {
    this.#machine = machine;
    this.run = countingExits(counts, (budget) => machine.run(budget));
  }

  get memory(): PhysicalMemory {
    return this.#machine.memory;
  }
  get cpu(): CpuState {
    return this.#machine.cpu;
  }
  cpuid(leaf: number, subleaf: number): ReturnType<GuestMachine['cpuid']> {
    return this.#machine.cpuid(leaf, subleaf);
  }
  has(feature: string): boolean {
    return this.#machine.has(feature);
  }
  flushTlb(): void {
    this.#machine.flushTlb();
  }
  flushPage(linear: bigint): void {
    this.#machine.flushPage(linear);
  }
}
