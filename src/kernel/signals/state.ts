import type { Fault } from '../../exec/exit.ts';
import { SIG, SIGRTMIN } from './numbers.ts';

export const SIG_DFL = 0n;
export const SIG_IGN = 1n;

export const SA = {
  NOCLDSTOP: 1,
  NOCLDWAIT: 2,
  SIGINFO: 4,
  RESTORER: 0x0400_0000,
  ONSTACK: 0x0800_0000,
  RESTART: 0x1000_0000,
  NODEFER: 0x4000_0000,
  RESETHAND: 0x8000_0000,
} as const;

/** si_code of a signal that was sent, not raised by the CPU. */
export const SI = { USER: 0, KERNEL: 128, QUEUE: -1, TIMER: -2, TKILL: -6 } as const;
/** si_code of SIGCHLD. */
export const CLD = { EXITED: 1, KILLED: 2, DUMPED: 3, STOPPED: 5, CONTINUED: 6 } as const;

/** What a process does about one signal (Linux: `struct k_sigaction`). */
export interface SignalAction {
  readonly handler: bigint;
  readonly flags: bigint;
  readonly restorer: bigint;
  /** Signals blocked while the handler runs; bit n−1 is signal n. */
  readonly mask: bigint;
}

/** A signal on its way. */
export interface SignalInfo {
  readonly signal: number;
  readonly code: number;
  /** Sender, for kill and tgkill. */
  readonly pid?: number;
  readonly uid?: number;
  /** si_addr, for a fault. */
  readonly address?: bigint;
  /** si_value, for sigqueue and timers. */
  readonly value?: bigint;
  /** si_errno. */
  readonly errno?: number;
  /** si_status, si_utime, si_stime, for SIGCHLD. */
  readonly status?: number;
  readonly userTime?: number;
  /** Number and overruns of a POSIX timer. */
  readonly timer?: { readonly id: number; overrun: number };
  /** The exception that the CPU raised. */
  readonly fault?: Fault;
}

/** An alternate stack as sigaltstack(2) keeps it. */
export interface AltStack {
  readonly base: number;
  readonly size: number;
  readonly flags: number;
}

export const SS = { ONSTACK: 1, DISABLE: 2, AUTODISARM: 0x8000_0000 } as const;
export const MINSIGSTKSZ = 2048;
/** What a thread begins with; SS_DISABLE is told of every stack without a size. */
export const INITIAL_ALT_STACK: AltStack = { base: 0, size: 0, flags: 0 };

export const signalBit = (signal: number): bigint => 1n << BigInt(signal - 1);

/** SIGKILL and SIGSTOP can be neither blocked nor handled. */
export const UNBLOCKABLE = signalBit(SIG.KILL) | signalBit(SIG.STOP);

const DEFAULT: SignalAction = { handler: SIG_DFL, flags: 0n, restorer: 0n, mask: 0n };

/** A process's signal actions: its own, or shared by clone(CLONE_SIGHAND). */
export class SignalActions {
  readonly #actions = new Map<number, SignalAction>();

  get(signal: number): SignalAction {
    return this.#actions.get(signal) ?? DEFAULT;
  }
  set(signal: number, action: SignalAction): void {
    this.#actions.set(signal, { ...action, mask: action.mask & ~UNBLOCKABLE });
  }
  reset(signal: number): void {
    this.#actions.delete(signal);
  }
  /** SA_RESETHAND: the handler is gone, the flags stay. */
  once(signal: number): void {
    this.#actions.set(signal, { ...this.get(signal), handler: SIG_DFL });
  }

  /** The same actions for a child. */
  copy(): SignalActions {
    const actions = new SignalActions();
    for (const [signal, action] of this.#actions) actions.#actions.set(signal, action);
    return actions;
  }

  /** What exec(2) leaves: handlers are gone, ignored signals stay ignored. */
  afterExec(): SignalActions {
    const actions = new SignalActions();
    for (const [signal, { handler }] of this.#actions)
      if (handler === SIG_IGN) actions.#actions.set(signal, { ...DEFAULT, handler: SIG_IGN });
    return actions;
  }
}

/** Exceptions of the CPU come before everything else (Linux: SYNCHRONOUS_MASK). */
const SYNCHRONOUS = [SIG.SEGV, SIG.BUS, SIG.ILL, SIG.TRAP, SIG.FPE, SIG.SYS].reduce(
  (mask, signal) => mask | signalBit(signal),
  0n,
);

/** Signals that wait to be delivered. A standard signal waits once, a real-time one as often as it was sent. */
export class PendingSignals {
  #queue: SignalInfo[] = [];
  #mask = 0n;

  /** @param bare without what is known of the sender: there is no room for it in the queue */
  add(info: SignalInfo, bare = false): void {
    const bit = signalBit(info.signal);
    const waits = (this.#mask & bit) !== 0n;
    if (waits && (bare || info.signal < SIGRTMIN)) return;
    this.#mask |= bit;
    this.#queue.push(bare ? { signal: info.signal, code: SI.USER, pid: 0, uid: 0 } : info);
  }

  /** How many wait. */
  get count(): number {
    return this.#queue.length;
  }

  /** The set of waiting signals. */
  get mask(): bigint {
    return this.#mask;
  }

  /** Takes the next waiting signal of `allowed` out: what the CPU raised, then the lowest. */
  take(allowed: bigint): SignalInfo | undefined {
    const waiting = this.#mask & allowed;
    if (waiting === 0n) return undefined;
    const raised = this.#queue.find(({ signal, code }) => code > 0 && signalBit(signal) & waiting & SYNCHRONOUS);
    const best = raised ?? this.#lowest(waiting);
    this.#queue.splice(this.#queue.indexOf(best), 1);
    if (!this.#queue.some(({ signal }) => signal === best.signal)) this.#mask &= ~signalBit(best.signal);
    return best;
  }

  #lowest(waiting: bigint): SignalInfo {
    let best: SignalInfo | undefined;
    for (const info of this.#queue)
      if (waiting & signalBit(info.signal) && (best === undefined || info.signal < best.signal)) best = info;
    return best!;
  }

  /** Whether the signal of that timer expiration still waits. */
  holds(timer: SignalInfo['timer']): boolean {
    return this.#queue.some((info) => info.timer === timer);
  }

  discard(mask: bigint): void {
    this.#queue = this.#queue.filter(({ signal }) => (signalBit(signal) & mask) === 0n);
    this.#mask &= ~mask;
  }
}
