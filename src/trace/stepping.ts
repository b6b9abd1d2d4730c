import type { Exit } from '../exec/exit.ts';
import type { GuestMachine } from '../kernel/guest-machine.ts';
import type { PhysicalMemory } from '../memory/physical.ts';
import type { CpuState } from '../state/cpu-state.ts';
import { inRanges, type Window } from './filter.ts';
import { type Step, Watcher } from './watcher.ts';

/** A machine for the kernel stub that runs instruction by instruction inside a window. */
export class SteppingMachine implements GuestMachine {
  readonly #machine: GuestMachine;
  readonly #window: Window;
  readonly #done: (step: Step) => void;
  readonly watcher: Watcher;

  constructor(machine: GuestMachine, window: Window, done: (step: Step) => void) {
    this.#machine = machine;
    this.#window = window;
    this.#done = done;
    this.watcher = new Watcher(machine);
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
    return runWindow(this.#machine, this.watcher, this.#window, this.#done, budget);
  }

  /** To be called at the end: a last SYSCALL that never returned is given out. */
  finish(): void {
    this.watcher.flush(this.#done);
  }
}

/** Runs at most `budget` instructions, those inside the window one by one. */
export function runWindow(
  machine: { readonly cpu: CpuState; run(budget: number): Exit },
  watcher: Watcher,
  window: Window,
  done: (step: Step) => void,
  budget: number,
): Exit {
  const { cpu } = machine;
  const end = cpu.icount + budget;
  for (;;) {
    const number = cpu.icount + 1;
    const left = end - cpu.icount;
    if (left <= 0) return { kind: 'count' };
    let exit: Exit;
    if (number < window.from) exit = machine.run(Math.min(left, window.from - number));
    else if (number <= window.to && inRanges(cpu.rip, window)) exit = watcher.step(done);
    else {
      watcher.flush(done);
      exit = machine.run(number > window.to ? left : 1);
    }
    if (exit.kind !== 'count' || cpu.icount >= end) return exit;
  }
}
