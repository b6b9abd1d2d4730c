import type { Exit } from '../../exec/exit.ts';
import type { GuestMachine } from '../../kernel/guest-machine.ts';
import type { PhysicalMemory } from '../../memory/physical.ts';
import type { CpuState } from '../../state/cpu-state.ts';

/** A machine that stops for `act` whenever the instruction count is a multiple of `every`; in between it runs undisturbed. */
export class PeriodicMachine implements GuestMachine {
  readonly #machine: GuestMachine;
  readonly #every: number;
  readonly #act: (icount: number) => void;

  constructor(machine: GuestMachine, every: number, act: (icount: number) => void) {
    this.#machine = machine;
    this.#every = every;
    this.#act = act;
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
      const before = cpu.icount;
      const next = before - (before % this.#every) + this.#every;
      const exit = this.#machine.run(Math.min(next, end) - before);
      if (cpu.icount === next) this.#act(next);
      if (exit.kind !== 'count' || cpu.icount >= end) return exit;
    }
  }
}
