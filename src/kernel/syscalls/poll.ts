import { ERESTART } from '../block.ts';
import { E, fail } from '../errno.ts';
import { POLL } from '../fs/mode.ts';
import { RLIMIT } from '../limits.ts';
import { UNBLOCKABLE } from '../signals/state.ts';
import type { Task } from '../task.ts';
import { deadlineAfter, waitFor } from '../wait.ts';
import { ADDRESS, type ArgKind, type FlagNames, flagText, INT, SIZE } from './args.ts';
import { row, type SyscallRow } from './row.ts';
import { IN_TIMESPEC, IN_TIMEVAL } from './structs.ts';

/** Events that poll(2) reports without being asked. */
const ALWAYS = POLL.ERR | POLL.HUP | POLL.NVAL;
const SECOND = 1_000_000_000n;
const POLLFD_SIZE = 8;
const SIGSET_BYTES = 8;
const MILLISECOND = 1_000_000n;

/** A `struct timespec` as nanoseconds; null for a null pointer. @throws SysError EINVAL */
export function timeoutAt(task: Task, address: number, unit: 1n | 1000n = 1n): bigint | null {
  if (address === 0) return null;
  const view = task.user.view(address, 16);
  const seconds = view.getBigInt64(0, true);
  const rest = view.getBigInt64(8, true) * unit;
  if (seconds < 0n || rest < 0n || rest >= SECOND) fail(E.EINVAL);
  return seconds * SECOND + rest;
}

/** Waits until a file has something to tell, or the time is over. */
export function waitForFiles(task: Task, call: string, timeout: bigint | null, ready: () => boolean): boolean {
  const deadline = deadlineAfter(task, timeout);
  return waitFor(task, `files (${call})`, { deadline, ready, interrupted: () => -ERESTART.NOHAND });
}

function poll(task: Task, address: number, count: number, timeout: bigint | null): number {
  if (count > task.process.limits.soft(RLIMIT.NOFILE)) fail(E.EINVAL);
  const bytes = task.user.read(address, POLLFD_SIZE * count);
  const view = new DataView(bytes.buffer);
  let ready = 0;
  for (let at = 0; at < bytes.length; at += POLLFD_SIZE) {
    const fd = view.getInt32(at, true);
    const wanted = view.getUint16(at + 4, true) | ALWAYS;
    const events = fd < 0 ? 0 : task.fds.has(fd) ? task.fds.get(fd).poll() & wanted : POLL.NVAL;
    view.setUint16(at + 6, events, true);
    if (events !== 0) ready++;
  }
  if (ready === 0 && timeout !== 0n) {
    const fds = Array.from(
      { length: count },
      (_, i) => [view.getInt32(POLLFD_SIZE * i, true), view.getUint16(POLLFD_SIZE * i + 4, true)] as const,
    );
    const some = (): boolean =>
      fds.some(([fd, wanted]) => fd >= 0 && (!task.fds.has(fd) || (task.fds.get(fd).poll() & (wanted | ALWAYS)) !== 0));
    waitForFiles(task, 'poll', timeout, some);
  }
  task.user.write(address, bytes);
  return ready;
}

const FD_SETSIZE = 1024;
/** What select(2) counts as readable, writable and exceptional. */
const READY_SETS = [POLL.IN | POLL.RDNORM | POLL.HUP | POLL.ERR, POLL.OUT | POLL.WRNORM | POLL.ERR, POLL.PRI] as const;

function select(task: Task, count: number, addresses: readonly number[], timeout: bigint | null): number {
  if (count < 0) fail(E.EINVAL);
  const top = Math.min(count, FD_SETSIZE, task.fds.room);
  const size = Math.ceil(top / 64) * 8;
  let ready = 0;
  const results = addresses.map((address, set) => {
    if (address === 0) return null;
    const wanted = task.user.read(address, size);
    const found = new Uint8Array(size);
    for (let fd = 0; fd < top; fd++) {
      const bit = 1 << (fd & 7);
      if ((wanted[fd >> 3]! & bit) === 0) continue;
      if (task.fds.get(fd).poll() & READY_SETS[set]!) {
        found[fd >> 3]! |= bit;
        ready++;
      }
    }
    return found;
  });
  if (ready === 0 && timeout !== 0n) {
    const sets = addresses.map((address) => (address === 0 ? null : task.user.read(address, size)));
    const some = (): boolean =>
      sets.some((wanted, set) =>
        wanted?.some((byte, at) => {
          for (let bit = 0; bit < 8; bit++) {
            const fd = 8 * at + bit;
            if ((byte >> bit) & 1 && fd < top && (!task.fds.has(fd) || task.fds.get(fd).poll() & READY_SETS[set]!))
              return true;
          }
          return false;
        }),
      );
    waitForFiles(task, 'select', timeout, some);
  }
  addresses.forEach((address, set) => {
    const found = results[set];
    if (found) task.user.write(address, found);
  });
  return ready;
}

/**
 * Runs a wait under another signal mask, as ppoll(2), pselect(2) and epoll_pwait(2) do. A signal that it lets in is handled under
 * it; the old mask comes back behind the handler.
 */
export function withMask(task: Task, address: number, size: number, wait: () => number): number {
  if (address === 0) return wait();
  if (size !== SIGSET_BYTES) fail(E.EINVAL);
  const mask = task.user.u64(address) & ~UNBLOCKABLE;
  task.savedMask ??= task.mask;
  task.mask = mask;
  if (task.deliverable !== 0n && task.resumed === null) {
    task.notify = true;
    return -ERESTART.NOHAND;
  }
  const result = wait();
  restoreMask(task);
  return result;
}

/** Ends what `withMask` or sigsuspend(2) has begun, where no signal came. */
function restoreMask(task: Task): void {
  if (task.savedMask !== null) task.mask = task.savedMask;
  task.savedMask = null;
}

const MAX_SHOWN = 32;
const EVENTS: FlagNames = { POLLIN: 1, POLLPRI: 2, POLLOUT: 4, POLLERR: 8, POLLHUP: 0x10, POLLNVAL: 0x20 };

const POLLFDS: ArgKind = {
  ...ADDRESS,
  show: (value, { user, args }) => {
    if (value === 0) return 'NULL';
    const count = Math.min(args[1]!, MAX_SHOWN);
    if (user.span(value, POLLFD_SIZE * count, false) < POLLFD_SIZE * count)
      return ADDRESS.show(value, { user, args, result: 0 });
    const view = user.view(value, POLLFD_SIZE * count);
    const one = (at: number): string =>
      `{fd=${view.getInt32(at, true)}, events=${flagText(view.getUint16(at + 4, true), EVENTS)}}`;
    return `[${Array.from({ length: count }, (_, i) => one(POLLFD_SIZE * i)).join(', ')}]`;
  },
};

export const POLLING: readonly SyscallRow[] = [
  row(
    7,
    'poll',
    [POLLFDS, SIZE, INT],
    (task, address, count, milliseconds) =>
      poll(task, address, count, milliseconds < 0 ? null : BigInt(milliseconds) * MILLISECOND),
    'ready',
  ),
  row(
    23,
    'select',
    [INT, ADDRESS, ADDRESS, ADDRESS, IN_TIMEVAL],
    (task, count, read, write, except, timeout) =>
      select(task, count, [read, write, except], timeoutAt(task, timeout, 1000n)),
    'ready',
  ),
  row(
    270,
    'pselect6',
    [INT, ADDRESS, ADDRESS, ADDRESS, IN_TIMESPEC, ADDRESS],
    (task, count, read, write, except, timeout, mask) => {
      const wanted = timeoutAt(task, timeout);
      const [address, size] = mask === 0 ? [0, 0] : [task.user.word(mask), task.user.word(mask + 8)];
      return withMask(task, address, size, () => select(task, count, [read, write, except], wanted));
    },
    'ready',
  ),
  row(
    271,
    'ppoll',
    [POLLFDS, SIZE, IN_TIMESPEC, ADDRESS, SIZE],
    (task, address, count, timeout, mask, size) => {
      const wanted = timeoutAt(task, timeout);
      return withMask(task, mask, size, () => poll(task, address, count, wanted));
    },
    'ready',
  ),
];
