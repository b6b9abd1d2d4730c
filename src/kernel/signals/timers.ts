import { RLIM_INFINITY, RLIMIT } from '../limits.ts';
import type { Process } from '../process.ts';
import type { Task } from '../task.ts';
import type { Timer } from '../timers.ts';
import { SIG } from './numbers.ts';
import { SI, type SignalInfo } from './state.ts';

/** What setitimer(2) sets, in nanoseconds. */
export interface Setting {
  readonly value: bigint;
  readonly interval: bigint;
}

/** Time that a timer counts: the machine's, or the CPU time of the process. */
export type TimeBase = 'monotonic' | 'cpu';

/** One timer, armed or not. */
class Countdown {
  readonly #process: Process;
  readonly #base: TimeBase;
  readonly #fire: () => void;
  #timer: Timer | null = null;
  /** When it is due next, in its own time; null: not armed. */
  at: bigint | null = null;
  interval = 0n;

  constructor(process: Process, base: TimeBase, fire: () => void) {
    this.#process = process;
    this.#base = base;
    this.#fire = fire;
  }

  now(): bigint {
    return this.#base === 'cpu' ? BigInt(this.#process.cpuTime) : this.#process.kernel.clock.monotonic();
  }

  /** Time left and interval; zeros where it is not armed. */
  get(): Setting {
    const left = this.at === null ? 0n : this.at - this.now();
    return { value: this.at === null ? 0n : left > 0n ? left : 1n, interval: this.interval };
  }

  /** Arms it for a time of its own clock; null disarms it. */
  set(at: bigint | null, interval: bigint): void {
    this.#process.kernel.timers.cancel(this.#timer);
    this.#timer = null;
    this.at = at;
    this.interval = interval;
    if (at !== null && this.#base === 'monotonic') this.#timer = this.#process.kernel.timers.add(at, () => this.due());
  }

  /** Its time has come. */
  due(): void {
    const at = this.at;
    if (at === null) return;
    const next = this.interval > 0n ? at + this.interval : null;
    this.set(next, this.interval);
    this.#fire();
  }
}

/** Whom a POSIX timer tells, and how (`struct sigevent`). */
export interface TimerNotice {
  readonly signal: number;
  readonly value: bigint;
  /** The thread that gets the signal; null: the process. */
  readonly task: Task | null;
  readonly silent: boolean;
}

export class PosixTimer {
  readonly countdown: Countdown;
  readonly clock: number;
  /** Expirations behind the one that the signal told. */
  overrun = 0;
  #told: { readonly id: number; overrun: number } | null = null;

  constructor(process: Process, id: number, clock: number, base: TimeBase, notice: TimerNotice) {
    this.clock = clock;
    this.countdown = new Countdown(process, base, () => {
      if (notice.silent) return;
      const pending = notice.task?.pending ?? process.pending;
      const waits = this.#told !== null && pending.holds(this.#told);
      if (waits) {
        this.#told!.overrun++;
        this.overrun = this.#told!.overrun;
        return;
      }
      this.overrun = 0;
      this.#told = { id, overrun: 0 };
      const info: SignalInfo = { signal: notice.signal, code: SI.TIMER, value: notice.value, timer: this.#told };
      if (notice.task !== null) process.kernel.signals.send(notice.task, info);
      else process.kernel.signals.sendToProcess(process, info);
    });
  }
}

/** The timers of a process: three of setitimer(2), and those of timer_create(2). */
export class IntervalTimers {
  readonly #process: Process;
  /** ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF. */
  readonly interval: readonly Countdown[];
  readonly posix = new Map<number, PosixTimer>();
  #nextId = 0;
  /** CPU seconds at which SIGXCPU is due again. */
  #toldSeconds = 0n;

  constructor(process: Process) {
    this.#process = process;
    const sends = (signal: number) => () => process.kernel.signals.sendToProcess(process, { signal, code: SI.KERNEL });
    this.interval = [
      new Countdown(process, 'monotonic', sends(SIG.ALRM)),
      new Countdown(process, 'cpu', sends(SIG.VTALRM)),
      new Countdown(process, 'cpu', sends(SIG.PROF)),
    ];
  }

  create(clock: number, base: TimeBase, notice: (id: number) => TimerNotice): number {
    const id = this.#nextId++;
    this.posix.set(id, new PosixTimer(this.#process, id, clock, base, notice(id)));
    return id;
  }

  /** CPU time that may pass before a timer of CPU time is due; Infinity: there is none. */
  cpuLeft(): number {
    let left = this.#limitLeft();
    for (const countdown of this.#cpuTimers()) left = Math.min(left, Number(countdown.at! - countdown.now()));
    return Math.max(1, left);
  }

  /** RLIMIT_CPU: SIGXCPU at the soft limit and every second behind it, SIGKILL at the hard one. */
  #checkLimit(): void {
    const { limits, cpuTime, kernel } = this.#process;
    const { current, maximum } = limits.get(RLIMIT.CPU);
    const seconds = BigInt(Math.floor(cpuTime / 1e9));
    if (seconds >= maximum) kernel.signals.sendToProcess(this.#process, { signal: SIG.KILL, code: SI.KERNEL });
    else if (seconds >= current && seconds >= this.#toldSeconds) {
      this.#toldSeconds = seconds + 1n;
      kernel.signals.sendToProcess(this.#process, { signal: SIG.XCPU, code: SI.KERNEL });
    }
  }

  /** CPU time until a limit may be reached. */
  #limitLeft(): number {
    const { current, maximum } = this.#process.limits.get(RLIMIT.CPU);
    if (current === RLIM_INFINITY && maximum === RLIM_INFINITY) return Number.POSITIVE_INFINITY;
    const next = this.#toldSeconds > current ? this.#toldSeconds : current;
    const seconds = next < maximum ? next : maximum;
    return Math.max(1, Number(seconds) * 1e9 - this.#process.cpuTime);
  }

  /** Fires what CPU time has made due. */
  checkCpu(): void {
    if (this.#limitLeft() !== Number.POSITIVE_INFINITY) this.#checkLimit();
    for (const countdown of this.#cpuTimers()) if (countdown.at! <= countdown.now()) countdown.due();
  }

  #cpuTimers(): Countdown[] {
    const [, virtual, prof] = this.interval;
    const all = [virtual!, prof!];
    for (const { countdown, clock } of this.posix.values()) if (CPU_CLOCKS.includes(clock)) all.push(countdown);
    return all.filter(({ at }) => at !== null);
  }

  /** POSIX timers do not outlive exec; setitimer's do. */
  deletePosix(): void {
    for (const { countdown } of this.posix.values()) countdown.set(null, 0n);
    this.posix.clear();
  }

  clear(): void {
    this.deletePosix();
    for (const countdown of this.interval) countdown.set(null, 0n);
  }
}

/** CLOCK_PROCESS_CPUTIME_ID and CLOCK_THREAD_CPUTIME_ID. */
const CPU_CLOCKS: readonly number[] = [2, 3];
