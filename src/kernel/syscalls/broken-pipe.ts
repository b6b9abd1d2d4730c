import { E, SysError } from '../errno.ts';
import type { Task } from '../task.ts';

/** Writes, and raises SIGPIPE where nobody reads any more; `silent` leaves it at EPIPE (MSG_NOSIGNAL). */
export function withSigpipe(task: Task, write: () => number, silent = false): number {
  try {
    return write();
  } catch (error) {
    if (error instanceof SysError && error.errno === E.EPIPE && !silent) task.process.brokenPipe(task);
    throw error;
  }
}
