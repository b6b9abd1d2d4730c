import { milliseconds } from '../../bits/clock.ts';
import type { Exit } from '../../exec/exit.ts';
import type { GuestMachine } from '../../kernel/guest-machine.ts';
import type { PhysicalMemory } from '../../memory/physical.ts';
import type { CpuState } from '../../state/cpu-state.ts';

/** A machine that looks at the clock every `slice` instructions and returns once the deadline is over. */
export class DeadlineMachine implements GuestMachine {
  readonly #machine: GuestMachine;
  readonly #deadline: number;
  readonly #slice: number;

  /** @param deadline in milliseconds of `milliseconds()` */
  constructor(machine: GuestMachine, deadline: number, slice: number) {
    this.#machine = machine;
    this.#deadline = deadline;
    this.#slice = slice;
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

  run(budget: number): Exit {
    const { cpu } = this;
    const end = cpu.icount + budget;
    for (;;) {
      const exit = this.#machine.run(Math.min(this.#slice, end - cpu.icount));
      if (exit.kind !== 'count' || cpu.icount >= end || milliseconds() >= this.#deadline) return exit;
    }
  }
}
