import { Blocked, ERESTART, type Wait } from './block.ts';
import { E, fail } from './errno.ts';
import type { Task } from './task.ts';

/**
 * Lets a call wait until `ready`; behind it the call is made anew, with the same arguments. Returns true when it can go on,
 * false when its time is over.
 * @throws Blocked
 */
export function waitFor(task: Task, reason: string, wait: Partial<Omit<Wait, 'reason'>>): boolean {
  if (wait.ready?.()) return true;
  if (task.resumed?.timedOut) return false;
  const { deadline } = wait;
  if (deadline !== undefined && deadline !== null && deadline <= task.kernel.clock.monotonic()) return false;
  throw new Blocked(reason, wait);
}

/** When a relative timeout ends: the same time however often the call is made anew. Null is no timeout. */
export function deadlineAfter(task: Task, timeout: bigint | null): bigint | null {
  if (task.resumed !== null) return task.resumed.wait.deadline;
  return timeout === null ? null : task.kernel.clock.monotonic() + timeout;
}

/** Gives a wait the time of SO_RCVTIMEO or SO_SNDTIMEO; behind it the call fails with `late`. */
export function within<T>(task: Task, timeout: bigint, late: number, step: () => T): T {
  try {
    return step();
  } catch (error) {
    if (!(error instanceof Blocked) || timeout === 0n) throw error;
    if (task.resumed?.timedOut) return fail(late);
    const { interrupted } = error.wait;
    throw new Blocked(error.wait.reason, {
      ...error.wait,
      deadline: deadlineAfter(task, timeout),
      interrupted: () => (interrupted() === -ERESTART.SYS ? -E.EINTR : interrupted()),
    });
  }
}
