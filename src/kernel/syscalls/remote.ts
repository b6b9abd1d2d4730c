import { E, fail } from '../errno.ts';
import { PidFile } from '../fs/pid-file.ts';
import type { Process } from '../process.ts';
import type { Task } from '../task.ts';
import type { UserMemory } from '../user-memory.ts';
import { MADV } from '../vm/flags.ts';
import { ADDRESS, FD, INT, SIZE, UINT } from './args.ts';
import { row, type SyscallRow } from './row.ts';
import type { IoVector } from './structs.ts';

/** One process looks at another one. */

const IOV_MAX = 1024;
const IOVEC_SIZE = 16;
/** Most bytes that one call moves (Linux: MAX_RW_COUNT). */
const MAX_RW = 0x7fff_f000;
const PIECE = 1 << 16;

/** Whether the caller may read and change a process's memory (Linux: ptrace_may_access). @throws SysError EPERM */
export function requireAccessTo(task: Task, target: Process): void {
  if (target === task.process) return;
  const { euid, uid, gid } = task.process.credentials;
  const other = target.credentials;
  const same = [other.uid, other.euid, other.suid].every((id) => id === uid) && other.gid === gid;
  if (euid !== 0 && (!same || target.dumpable !== 1)) fail(E.EPERM);
}

function vectorsAt(user: UserMemory, address: number, count: number, untag: boolean): IoVector[] {
  if (count > IOV_MAX) fail(E.EINVAL);
  const view = user.view(address, IOVEC_SIZE * count);
  return Array.from({ length: count }, (_, index) => {
    const raw = view.getBigUint64(IOVEC_SIZE * index, true);
    const length = Number(view.getBigInt64(IOVEC_SIZE * index + 8, true));
    if (length < 0) fail(E.EINVAL);
    return { address: Number(untag ? user.untag(raw) : raw), length };
  });
}

/** process_vm_readv(2) and process_vm_writev(2): bytes between two processes; fewer where one of them has none there. */
function transfer(
  task: Task,
  pid: number,
  local: number,
  localCount: number,
  remote: number,
  remoteCount: number,
  bits: number,
  writes: boolean,
): number {
  if (bits !== 0) fail(E.EINVAL);
  const own = vectorsAt(task.user, local, localCount, true);
  const others = vectorsAt(task.user, remote, remoteCount, false);
  const target = task.kernel.tasks.get(pid)?.process ?? fail(E.ESRCH);
  requireAccessTo(task, target);
  const room = Math.min(
    MAX_RW,
    own.reduce((sum, { length }) => sum + length, 0),
  );
  let done = 0;
  let index = 0;
  let within = 0;
  for (const { address, length } of others) {
    for (let at = 0; at < length && done < room; ) {
      while (own[index] !== undefined && within === own[index]!.length) {
        index++;
        within = 0;
      }
      const place = own[index];
      if (place === undefined) return done;
      const part = Math.min(length - at, place.length - within, room - done, PIECE);
      const moved = copy(
        writes ? task.user : target.user,
        writes ? place.address + within : address + at,
        writes ? target.user : task.user,
        writes ? address + at : place.address + within,
        part,
      );
      done += moved;
      at += moved;
      within += moved;
      if (moved < part) return done === 0 ? fail(E.EFAULT) : done;
    }
  }
  return done;
}

function copy(from: UserMemory, source: number, to: UserMemory, target: number, length: number): number {
  const part = Math.min(from.span(source, length, false), to.span(target, length, true));
  to.write(target, from.read(source, part));
  return part;
}

const REMOTE_ADVICE: readonly number[] = [MADV.COLD, MADV.PAGEOUT, MADV.WILLNEED, MADV.COLLAPSE];

function processOf(task: Task, fd: number): Process {
  const file = task.fds.get(fd);
  return file instanceof PidFile ? file.process : fail(E.EBADF);
}

const VECTORS = [INT, ADDRESS, SIZE, ADDRESS, SIZE, UINT] as const;

export const REMOTE: readonly SyscallRow[] = [
  row(310, 'process_vm_readv', VECTORS, (task, pid, local, count, remote, others, bits) =>
    transfer(task, pid, local, count, remote, others, bits, false),
  ),
  row(311, 'process_vm_writev', VECTORS, (task, pid, local, count, remote, others, bits) =>
    transfer(task, pid, local, count, remote, others, bits, true),
  ),
  row(438, 'pidfd_getfd', [FD, INT, UINT], (task, pidfd, fd, bits) => {
    if (bits !== 0) fail(E.EINVAL);
    const target = processOf(task, pidfd);
    if (target.dead) fail(E.ESRCH);
    requireAccessTo(task, target);
    return task.fds.add(target.fds.get(fd), true);
  }),
  row(440, 'process_madvise', [FD, ADDRESS, SIZE, INT, UINT], (task, pidfd, vectors, count, advice, bits) => {
    if (bits !== 0) fail(E.EINVAL);
    const areas = vectorsAt(task.user, vectors, count, true);
    const target = processOf(task, pidfd);
    if (target.dead) fail(E.ESRCH);
    if (target !== task.process && !REMOTE_ADVICE.includes(advice)) fail(E.EINVAL);
    requireAccessTo(task, target);
    for (const { address, length } of areas) target.space.madvise(address, length, advice);
    return areas.reduce((sum, { length }) => sum + length, 0);
  }),
];
