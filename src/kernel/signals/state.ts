import { SIG } from './numbers.ts';

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
  /** si_value, for sigqueue. */
  readonly value?: bigint;
}

/** An alternate stack as sigaltstack(2) keeps it. */
export interface AltStack {
  readonly base: number;
  readonly size: number;
  readonly flags: number;
}

export const SS = { ONSTACK: 1, DISABLE: 2, AUTODISARM: 0x8000_0000 } as const;
export const MINSIGSTKSZ = 2048;
export const NO_ALT_STACK: AltStack = { base: 0, size: 0, flags: SS.DISABLE };

export const signalBit = (signal: number): bigint => 1n << BigInt(signal - 1);

/** SIGKILL and SIGSTOP can be neither blocked nor handled. */
export const UNBLOCKABLE = signalBit(SIG.KILL) | signalBit(SIG.STOP);

const DEFAULT: SignalAction = { handler: SIG_DFL, flags: 0n, restorer: 0n, mask: 0n };

/** A process's signal actions. */
export class SignalActions {
  readonly #actions = new Map<number, SignalAction>();

  get(signal: number): SignalAction {
    return this.#actions.get(signal) ?? DEFAULT;
  }
  set(signal: number, action: SignalAction): void {
    this.#actions.set(signal, { ...action, mask: action.mask & ~UNBLOCKABLE });
  }
}

/** Signals that wait to be delivered. A standard signal waits once, a real-time one as often as it was sent. */
export class PendingSignals {
  #queue: SignalInfo[] = [];

  add(info: SignalInfo): void {
    const standard = info.signal < 32;
    if (standard && this.#queue.some((waiting) => waiting.signal === info.signal)) return;
    this.#queue.push(info);
  }

  /** The set of waiting signals. */
  get mask(): bigint {
    return this.#queue.reduce((mask, { signal }) => mask | signalBit(signal), 0n);
  }

  /** Takes the lowest waiting signal of `allowed` out. */
  take(allowed: bigint): SignalInfo | undefined {
    let best: SignalInfo | undefined;
    for (const info of this.#queue) {
      if (allowed & signalBit(info.signal) && (best === undefined || info.signal < best.signal)) best = info;
    }
    if (best !== undefined) this.#queue.splice(this.#queue.indexOf(best), 1);
    return best;
  }

  discard(signal: number): void {
    this.#queue = this.#queue.filter((waiting) => waiting.signal !== signal);
  }
}
