/** Nanoseconds in a second. */
export const SECOND = 1_000_000_000n;
/** Virtual time that one instruction takes: a CPU of one instruction per nanosecond. */
const NS_PER_INSTRUCTION = 1n;
/** When a virtual clock starts: 2024-01-01T00:00:00Z. */
export const DEFAULT_EPOCH = 1_704_067_200n * SECOND;

const sleeper = new Int32Array(new SharedArrayBuffer(4));
const MS = 1_000_000n;

export interface ClockOptions {
  /** Nanoseconds since 1970 at which the guest's wall clock starts. */
  readonly epoch?: bigint;
  /** True to show the host's time and to sleep in earnest; the run is not reproducible then. */
  readonly hostTime?: boolean;
}

/**
 * The guest's time. Virtual by default: it advances with the instructions retired and jumps over sleeps, so it is the same
 * in every run. All values are nanoseconds.
 */
export class Clock {
  readonly #icount: () => number;
  readonly #epoch: bigint;
  readonly #host: boolean;
  readonly #started = process.hrtime.bigint();
  /** Sleep that virtual time has jumped over. */
  #slept = 0n;
  /** Told when that grows. */
  onSleep: () => void = () => {};

  /** @param icount instructions retired so far. */
  constructor(icount: () => number, options: ClockOptions = {}) {
    this.#icount = icount;
    this.#host = options.hostTime === true;
    this.#epoch = this.#host ? BigInt(Date.now()) * MS : (options.epoch ?? DEFAULT_EPOCH);
  }

  /** Sleep that virtual time has jumped over, and the wall clock's start; nanoseconds. */
  get slept(): bigint {
    return this.#slept;
  }
  get epoch(): bigint {
    return this.#epoch;
  }
  /** Whether time is a function of the instructions. */
  get isVirtual(): boolean {
    return !this.#host;
  }

  /** CPU time used. */
  cpu(): bigint {
    return BigInt(this.#icount()) * NS_PER_INSTRUCTION;
  }

  /** Time since the machine was started: CLOCK_MONOTONIC. */
  monotonic(): bigint {
    return this.#host ? process.hrtime.bigint() - this.#started : this.cpu() + this.#slept;
  }

  /** Time since 1970: CLOCK_REALTIME. */
  realtime(): bigint {
    return this.#epoch + this.monotonic();
  }

  /** Lets monotonic time reach `deadline`: at once when time is virtual, by waiting when it is the host's. */
  sleepUntil(deadline: bigint): void {
    const wait = deadline - this.monotonic();
    if (wait <= 0n) return;
    if (this.#host) Atomics.wait(sleeper, 0, 0, Number(wait) / Number(MS));
    else {
      this.#slept += wait;
      this.onSleep();
    }
  }
}
