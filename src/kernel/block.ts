/** How a system call waits. */
export interface Wait {
  /** What is waited for, as a phrase: «data in a pipe». */
  readonly reason: string;
  /** Whether the call can go on. It is made anew then, with the same arguments. */
  readonly ready: () => boolean;
  /** Monotonic time at which the wait is over by itself; null: never. */
  readonly deadline: bigint | null;
  /** The result when a signal ends the wait: a negative error, or a restart code. */
  readonly interrupted: () => number;
  /** Only what ends the process ends the wait too (Linux: TASK_KILLABLE). */
  readonly patient: boolean;
  /** Takes the call out of the queue that it waits in, when anything but `ready` ends the wait. */
  readonly leave: () => void;
}

/**
 * Results that user code never sees (include/linux/errno.h): what becomes of a call that a signal has interrupted.
 * SYS: made anew if the handler has SA_RESTART or there is none; NOINTR: always; NOHAND: only without a handler; BLOCK: by
 * restart_syscall, only without a handler.
 */
export const ERESTART = { SYS: 512, NOINTR: 513, NOHAND: 514, BLOCK: 516 } as const;

/**
 * A system call that cannot go on until something else happens: another thread, another process, a signal, time.
 * The kernel catches it; with nobody else to run, it is a deadlock.
 */
export class Blocked extends Error {
  readonly wait: Wait;
  constructor(reason: string, wait: Partial<Omit<Wait, 'reason'>> = {}) {
    super(`waiting for ${reason}`);
    this.wait = {
      ready: () => false,
      deadline: null,
      interrupted: () => -ERESTART.SYS,
      patient: false,
      leave: () => {},
      ...wait,
      reason,
    };
  }
}
