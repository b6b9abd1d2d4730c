import type { Exit } from '../../exec/exit.ts';
import type { GuestMachine } from '../../kernel/guest-machine.ts';
import { stateHash } from '../../machine/state-hash.ts';
import type { PhysicalMemory } from '../../memory/physical.ts';
import type { CpuState } from '../../state/cpu-state.ts';

/** A machine that tells a hash of its whole state whenever the instruction count is a multiple of `every`. */
export class HashingMachine implements GuestMachine {
  readonly #machine: GuestMachine;
  readonly #every: number;
  readonly #tell: (icount: number, hash: string) => void;

  constructor(machine: GuestMachine, every: number, tell: (icount: number, hash: string) => void) {
    this.#machine = machine;
    this.#every = every;
    this.#tell = tell;
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
      if (cpu.icount === next) this.#tell(next, stateHash(this));
      if (exit.kind !== 'count' || cpu.icount >= end) return exit;
    }
  }
}
