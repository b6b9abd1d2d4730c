import type { Exit } from '../exec/exit.ts';
import type { GuestMachine } from '../kernel/guest-machine.ts';
import type { PhysicalMemory } from '../memory/physical.ts';
import type { CpuState } from '../state/cpu-state.ts';
import { type Step, Watcher } from './watcher.ts';

/** Which instructions are watched, by their number; the others run at full speed. */
export interface Window {
  readonly from: number;
  readonly to: number;
}

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
    let exit: Exit;
    if (number < window.from) exit = machine.run(Math.min(end, window.from - 1) - cpu.icount);
    else if (number <= window.to) exit = end > cpu.icount ? watcher.step(done) : { kind: 'count' };
    else {
      watcher.flush(done);
      exit = machine.run(end - cpu.icount);
    }
    if (exit.kind !== 'count' || cpu.icount >= end) return exit;
  }
}
