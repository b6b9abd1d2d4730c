import type { Scheduler } from '../../machine/system/scheduler.ts';
import type { Task } from '../task.ts';

/** A CPU of the guest: what the kernel sees of it is the thread that it runs. */
export interface Cpu {
  readonly id: number;
  task: Task | null;
  /** Instructions that its thread may still run before it is another one's turn, if one waits. */
  slice: number;
}

/** Who runs next, and for how long at most. */
export interface Turn {
  readonly cpu: Cpu;
  readonly task: Task;
  readonly instructions: number;
}

/** A thread's time slice is so many turns of its CPU. */
const TURNS_IN_A_SLICE = 10;

/**
 * The CPUs and the threads that wait for one. Two kinds of switch happen here, and only the second is one that the thread
 * notices: CPUs take turns on the one engine as `scheduler` says, since in truth they run at the same time; and a CPU changes
 * its thread when that blocks, ends, or has used up its slice while another one waits.
 */
export class Cpus {
  readonly all: readonly Cpu[];
  readonly #scheduler: Scheduler;
  readonly #quantum: number;
  #queue: Task[] = [];
  #running = 0;
  /** How often a CPU has got a thread. */
  switches = 0;

  constructor(count: number, scheduler: Scheduler, quantum: number) {
    this.all = Array.from({ length: count }, (_, id) => ({ id, task: null, slice: 0 }));
    this.#scheduler = scheduler;
    this.#quantum = quantum;
  }

  get count(): number {
    return this.all.length;
  }

  /** A thread that can go on: it gets a CPU when one is free. Threads of a stopped process wait for its continuation. */
  add(task: Task): void {
    if (task.process.stopped && task.process.end === null) {
      task.state = 'stopped';
      return;
    }
    task.state = 'queued';
    this.#queue.push(task);
  }

  /** Takes a thread off its CPU or out of the queue; the caller says what becomes of it. */
  remove(task: Task): void {
    if (task.state === 'running') {
      this.all[task.cpu]!.task = null;
      this.#running--;
    } else if (task.state === 'queued') {
      this.#queue.splice(this.#queue.indexOf(task), 1);
    }
  }

  /** Whether a thread waits for a CPU that this one could give it. */
  wanted(cpu: Cpu): boolean {
    return this.#queue.some((task) => allowed(task, cpu.id));
  }

  /** Puts the thread of a CPU behind those that wait. */
  preempt(cpu: Cpu): void {
    const { task } = cpu;
    if (task === null) return;
    this.remove(task);
    this.add(task);
  }

  /** A thread that ran `instructions` has used its time as far as others want it; true: it must go. */
  spend(cpu: Cpu, instructions: number): boolean {
    cpu.slice -= instructions;
    if (cpu.slice > 0) return false;
    cpu.slice = this.#slice();
    return this.#queue.length > 0 && this.wanted(cpu);
  }

  /** Gives idle CPUs threads and says whose turn it is; null: nobody can run. */
  next(): Turn | null {
    if (this.#queue.length > 0 && this.#running < this.all.length) this.#fill();
    if (this.#running === 0) return null;
    if (this.#running === 1) {
      // Alone on the machine: only those that wait for this CPU limit its time.
      const cpu = this.all.find(({ task }) => task !== null)!;
      const instructions = this.#queue.length > 0 ? Math.max(1, cpu.slice) : Number.POSITIVE_INFINITY;
      return { cpu, task: cpu.task!, instructions };
    }
    const runnable = this.all.filter(({ task }) => task !== null).map(({ id }) => id);
    const decision = this.#scheduler.next(runnable);
    const cpu = this.all[decision.cpu]!;
    const instructions = this.#queue.length > 0 ? Math.min(decision.instructions, cpu.slice) : decision.instructions;
    return { cpu, task: cpu.task!, instructions: Math.max(1, instructions) };
  }

  #fill(): void {
    for (const cpu of this.all) {
      if (cpu.task !== null) continue;
      const own = this.#queue.findIndex((task) => task.cpu === cpu.id && allowed(task, cpu.id));
      let at = own >= 0 ? own : this.#queue.findIndex((task) => allowed(task, cpu.id));
      // Where there is no other CPU for it, it stays.
      if (at < 0 && this.#running === 0 && cpu === this.all.at(-1))
        at = this.#queue.findIndex((task) => may(task, cpu.id));
      if (at < 0) continue;
      const task = this.#queue[at]!;
      this.#queue.splice(at, 1);
      task.state = 'running';
      if (task.cpu !== cpu.id) task.migrated = true;
      task.scheduledIn = true;
      this.switches++;
      task.leaves = null;
      task.cpu = cpu.id;
      cpu.task = task;
      cpu.slice = this.#slice();
      this.#running++;
    }
  }

  #slice(): number {
    // The scheduler's own randomness decides the slice too, so that a seed changes where threads are preempted.
    return this.#scheduler.slice?.(TURNS_IN_A_SLICE) ?? TURNS_IN_A_SLICE * this.#quantum;
  }
}

const may = (task: Task, cpu: number): boolean => ((task.affinity >> BigInt(cpu)) & 1n) === 1n;
const allowed = (task: Task, cpu: number): boolean => may(task, cpu) && task.leaves !== cpu;
