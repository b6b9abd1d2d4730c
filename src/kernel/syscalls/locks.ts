import { Blocked } from '../block.ts';
import { E, fail } from '../errno.ts';
import type { LockRange, RecordLock } from '../fs/locks.ts';
import { O, SEEK } from '../fs/mode.ts';
import type { OpenFile } from '../fs/open-file.ts';
import type { Task } from '../task.ts';
import { FD, flags } from './args.ts';
import { row, type SyscallRow } from './row.ts';

/** Commands of fcntl(2) that are about locks. */
export const F_LOCK = { GETLK: 5, SETLK: 6, SETLKW: 7, OFD_GETLK: 36, OFD_SETLK: 37, OFD_SETLKW: 38 } as const;
const F_RDLCK = 0;
const F_WRLCK = 1;
const F_UNLCK = 2;
/** `struct flock`: type, whence, start, length, process. */
const FLOCK_BYTES = 32;
const PID_AT = 24;

function rangeOf(file: OpenFile, whence: number, start: number, length: number): LockRange {
  let base = 0;
  if (whence === SEEK.CUR) base = file.seek(0, SEEK.CUR);
  else if (whence === SEEK.END) base = file.attributes().size;
  else if (whence !== SEEK.SET) fail(E.EINVAL);
  const from = base + start;
  const range = length < 0 ? { start: from + length, end: from - 1 } : { start: from, end: from + length - 1 };
  if (range.start < 0) fail(E.EINVAL);
  return length === 0 ? { start: from, end: Number.POSITIVE_INFINITY } : range;
}

/** The lock commands of fcntl(2). @throws SysError EAGAIN, EBADF, EDEADLK, EINVAL; Blocked */
export function recordLock(task: Task, file: OpenFile, command: number, address: number): number {
  const { process, kernel, user } = task;
  const { locks } = kernel.namespace;
  const view = user.view(address, FLOCK_BYTES);
  const type = view.getInt16(0, true);
  const [start, length] = [8, 16].map((at) => Number(view.getBigInt64(at, true))) as [number, number];
  const range = rangeOf(file, view.getInt16(2, true), start, length);
  const open = command >= F_LOCK.OFD_GETLK;
  if (open && view.getInt32(PID_AT, true) !== 0) fail(E.EINVAL);
  const owner = open ? file : task.fds;
  const lock: RecordLock = { ...range, owner, exclusive: type === F_WRLCK, pid: open ? -1 : process.pid };
  if (command === F_LOCK.GETLK || command === F_LOCK.OFD_GETLK) {
    if (type !== F_RDLCK && type !== F_WRLCK) fail(E.EINVAL);
    tell(task, address, locks.conflict(file, lock));
    return 0;
  }
  switch (type) {
    case F_UNLCK:
      locks.unset(file, owner, range);
      return 0;
    case F_RDLCK:
      if (!file.readable) fail(E.EBADF);
      break;
    case F_WRLCK:
      if (!file.writable) fail(E.EBADF);
      break;
    default:
      fail(E.EINVAL);
  }
  locks.stopWaiting(task);
  if (locks.conflict(file, lock) !== null) {
    if (command === F_LOCK.SETLK || command === F_LOCK.OFD_SETLK) fail(E.EAGAIN);
    if (!open && locks.wouldDeadlock(file, lock)) fail(E.EDEADLK);
    if (!open) locks.wait(task, file, lock);
    throw new Blocked('a lock on a file', {
      ready: () => locks.conflict(file, lock) === null,
      leave: () => locks.stopWaiting(task),
    });
  }
  locks.set(file, lock);
  return 0;
}

/** F_GETLK: what is in the way, or that nothing is. */
function tell({ user }: Task, address: number, found: RecordLock | null): void {
  if (found === null) {
    user.write(address, Uint8Array.of(F_UNLCK, 0));
    return;
  }
  user.write(address, Uint8Array.of(found.exclusive ? F_WRLCK : F_RDLCK, 0, SEEK.SET, 0));
  user.setU64(address + 8, found.start);
  user.setU64(address + 16, found.end === Number.POSITIVE_INFINITY ? 0 : found.end - found.start + 1);
  user.setU32(address + PID_AT, found.pid >>> 0);
}

const LOCK = { LOCK_SH: 1, LOCK_EX: 2, LOCK_NB: 4, LOCK_UN: 8 } as const;

export const LOCKS: readonly SyscallRow[] = [
  row(73, 'flock', [FD, flags(LOCK)], (task, fd, operation) => {
    const { locks } = task.kernel.namespace;
    const file = task.fds.get(fd);
    const kind = operation & ~LOCK.LOCK_NB;
    if (![LOCK.LOCK_SH, LOCK.LOCK_EX, LOCK.LOCK_UN].includes(kind as 1)) fail(E.EINVAL);
    if (file.flags & O.PATH) fail(E.EBADF);
    // A lock that is to change its kind is let go first (flock(2)).
    locks.letGo(file);
    if (kind === LOCK.LOCK_UN) return 0;
    const exclusive = kind === LOCK.LOCK_EX;
    if (locks.isHeld(file, exclusive)) {
      if (operation & LOCK.LOCK_NB) fail(E.EAGAIN);
      throw new Blocked('a lock on a file', { ready: () => !locks.isHeld(file, exclusive) });
    }
    locks.hold(file, exclusive);
    return 0;
  }),
];
