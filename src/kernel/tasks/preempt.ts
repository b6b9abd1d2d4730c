import type { Kernel } from '../kernel.ts';
import { SI } from '../signals/state.ts';
import type { Task } from '../task.ts';

/** Where whoever runs is interrupted, and how. Counts are instructions of the whole run. */
export interface Preemption {
  /** Whenever the count is a multiple of this. */
  readonly every?: number;
  /** At these counts, ascending. */
  readonly at?: readonly number[];
  /** A context switch (the default), a switch to the next CPU, or a signal of that number. */
  readonly by?: 'switch' | 'migrate' | number;
}

/** Interrupts at exact places: what timer interrupts of a real machine do at random. */
export class Preemptions {
  readonly #kernel: Kernel;
  readonly #plan: Preemption;
  #next = 0;
  /** Count at the last look: an instruction that has to be repeated is not interrupted again. */
  #last = 0;

  constructor(kernel: Kernel, plan: Preemption) {
    this.#kernel = kernel;
    this.#plan = plan;
  }

  /** Instructions until the next one; Infinity: there is none. */
  left(icount: number): number {
    const { every, at } = this.#plan;
    const periodic = every === undefined ? Number.POSITIVE_INFINITY : every - (icount % every);
    const single = (at?.[this.#next] ?? Number.POSITIVE_INFINITY) - icount;
    return Math.min(periodic, single);
  }

  /** Interrupts `task` where its time has come. */
  check(icount: number, task: Task): void {
    const { every, at } = this.#plan;
    let due = every !== undefined && icount % every === 0 && icount !== this.#last;
    this.#last = icount;
    while (at !== undefined && this.#next < at.length && at[this.#next]! <= icount) {
      this.#next++;
      due = true;
    }
    if (due && task.state === 'running') this.#interrupt(task);
  }

  #interrupt(task: Task): void {
    const { by = 'switch' } = this.#plan;
    const { cpus, signals } = this.#kernel;
    if (typeof by === 'number') {
      signals.send(task, { signal: by, code: SI.KERNEL });
      return;
    }
    if (by === 'migrate') task.leaves = task.cpu;
    cpus.preempt(cpus.all[task.cpu]!);
  }
}
