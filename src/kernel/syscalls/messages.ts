import { Blocked } from '../block.ts';
import { SysError } from '../errno.ts';
import type { Task } from '../task.ts';
import { ADDRESS, FD, HEX32, UINT } from './args.ts';
import { timeoutAt } from './poll.ts';
import { row, type SyscallRow } from './row.ts';
import { recvmsg, sendmsg } from './sockets.ts';

/** `struct mmsghdr`: a message header and how many bytes went. */
const MMSGHDR_BYTES = 64;
const LENGTH_AT = 56;
const MOST = 1024;
const MSG_DONTWAIT = 0x40;
const MSG_WAITFORONE = 0x1_0000;
const SECOND = 1_000_000_000n;

/** When the receiving that a thread waits in began. */
const BEGAN = new WeakMap<Task, bigint>();

/**
 * Does `step` for one message after the other. An error or a wait behind the first one ends the call, but a wait that may last:
 * the call goes on behind it where it was.
 */
function each(task: Task, count: number, step: (index: number) => boolean): number {
  let done = task.resumed === null ? 0 : task.progress;
  task.progress = 0;
  try {
    while (done < Math.min(count, MOST)) {
      const goesOn = step(done);
      done++;
      if (!goesOn) break;
    }
  } catch (error) {
    if (done > 0 && error instanceof SysError) return done;
    if (done > 0 && error instanceof Blocked) {
      const before = done;
      task.progress = before;
      throw new Blocked(error.wait.reason, { ...error.wait, interrupted: () => before });
    }
    throw error;
  }
  return done;
}

function sendmmsg(task: Task, fd: number, vector: number, count: number, bits: number): number {
  return each(task, count, (index) => {
    const at = vector + MMSGHDR_BYTES * index;
    task.user.setU32(at + LENGTH_AT, sendmsg(task, fd, at, bits));
    return true;
  });
}

/** recvmmsg(2). Its timeout is looked at behind each message, as Linux does. */
function recvmmsg(task: Task, fd: number, vector: number, count: number, bits: number, timeout: number): number {
  const { clock } = task.kernel;
  const limit = timeoutAt(task, timeout);
  const began = (task.resumed === null ? null : BEGAN.get(task)) ?? clock.monotonic();
  BEGAN.set(task, began);
  let flags = bits & ~MSG_WAITFORONE;
  const done = each(task, count, (index) => {
    if (index > 0 && bits & MSG_WAITFORONE) flags |= MSG_DONTWAIT;
    const at = vector + MMSGHDR_BYTES * index;
    task.user.setU32(at + LENGTH_AT, recvmsg(task, fd, at, flags));
    return limit === null || clock.monotonic() - began < limit;
  });
  if (limit !== null) {
    const spent = clock.monotonic() - began;
    const left = spent < limit ? limit - spent : 0n;
    task.user.setU64(timeout, left / SECOND);
    task.user.setU64(timeout + 8, left % SECOND);
  }
  return done;
}

export const MESSAGES: readonly SyscallRow[] = [
  row(299, 'recvmmsg', [FD, ADDRESS, UINT, HEX32, ADDRESS], recvmmsg),
  row(307, 'sendmmsg', [FD, ADDRESS, UINT, HEX32], sendmmsg),
];
