import { Random } from '../../bits/random.ts';

/** Who runs next, and for how many instructions at most. */
export interface Decision {
  readonly cpu: number;
  readonly instructions: number;
}

/** The only source of order among CPUs: the same decisions are the same run. */
export interface Scheduler {
  /** @param runnable CPUs that can run, ascending, at least one */
  next(runnable: readonly number[]): Decision;
  /** Virtual time that an interrupt between CPUs takes. */
  latency(): number;
  /** Instructions of a thread's time slice, which has so many turns; a fixed number where it is missing. */
  slice?(turns: number): number;
}

/** Instructions that a CPU runs until it is another one's turn, unless something else is said. */
export const DEFAULT_QUANTUM = 20_000;

/** Everyone in turn, for the same number of instructions; interrupts arrive at once. */
export class RoundRobin implements Scheduler {
  readonly #quantum: number;
  #last = -1;

  constructor(quantum = DEFAULT_QUANTUM) {
    this.#quantum = quantum;
  }

  next(runnable: readonly number[]): Decision {
    this.#last = runnable.find((cpu) => cpu > this.#last) ?? runnable[0]!;
    return { cpu: this.#last, instructions: this.#quantum };
  }

  latency(): number {
    return 0;
  }
}

/** Anyone, for a random time up to twice the quantum; interrupts take a random time up to half of it. */
export class Seeded implements Scheduler {
  readonly #random: Random;
  readonly #quantum: number;

  constructor(seed: number, quantum = DEFAULT_QUANTUM) {
    this.#random = new Random(seed);
    this.#quantum = quantum;
  }

  next(runnable: readonly number[]): Decision {
    const cpu = runnable[this.#random.below(runnable.length)]!;
    return { cpu, instructions: 1 + this.#random.below(2 * this.#quantum) };
  }

  latency(): number {
    return this.#random.below(Math.max(1, this.#quantum >> 1));
  }

  slice(turns: number): number {
    return 1 + this.#random.below(2 * turns * this.#quantum);
  }
}

/** Decisions as they were recorded: CPU and instructions, and latencies, each in order. */
export interface Recording {
  readonly decisions: Decision[];
  readonly latencies: number[];
  readonly slices?: number[];
}

/** Passes on another scheduler's decisions and keeps them. */
export class Recorder implements Scheduler {
  readonly recording = { decisions: [] as Decision[], latencies: [] as number[], slices: [] as number[] };
  readonly #from: Scheduler;

  constructor(from: Scheduler) {
    this.#from = from;
  }

  next(runnable: readonly number[]): Decision {
    const decision = this.#from.next(runnable);
    this.recording.decisions.push(decision);
    return decision;
  }

  latency(): number {
    const latency = this.#from.latency();
    this.recording.latencies.push(latency);
    return latency;
  }

  slice(turns: number): number {
    const slice = this.#from.slice?.(turns) ?? turns * DEFAULT_QUANTUM;
    this.recording.slices!.push(slice);
    return slice;
  }
}

/** A recording that does not fit the run: one line. */
export class ScriptError extends Error {
  override readonly name = 'ScriptError';
}

/** A run again, from its recording. */
export class Script implements Scheduler {
  readonly #recording: Recording;
  #decision = 0;
  #latency = 0;
  #slice = 0;

  constructor(recording: Recording) {
    this.#recording = recording;
  }

  /** @throws ScriptError where it has ended, or names a CPU that cannot run */
  next(runnable: readonly number[]): Decision {
    const decision = this.#recording.decisions[this.#decision++];
    if (decision === undefined) throw new ScriptError(`the script ends after ${this.#decision - 1} decisions`);
    if (!runnable.includes(decision.cpu))
      throw new ScriptError(`decision ${this.#decision} runs CPU ${decision.cpu}, which is halted`);
    return decision;
  }

  latency(): number {
    return this.#recording.latencies[this.#latency++] ?? 0;
  }

  slice(turns: number): number {
    return this.#recording.slices?.[this.#slice++] ?? turns * DEFAULT_QUANTUM;
  }
}
