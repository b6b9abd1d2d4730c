import { E, fail } from '../errno.ts';
import { MemoryFile } from '../fs/memory.ts';
import { AT, O } from '../fs/mode.ts';
import { openPath } from '../fs/open.ts';
import type { OpenFile } from '../fs/open-file.ts';
import { makePipe, PIPE_CAPACITY, PipeEnd } from '../fs/pipe.ts';
import { RegularFile } from '../fs/regular-file.ts';
import type { Task } from '../task.ts';
import { TERMINAL_IOCTL } from '../tty/control.ts';
import { waitFor } from '../wait.ts';
import {
  ADDRESS,
  type ArgKind,
  choice,
  DIRFD,
  FD,
  type FlagNames,
  flags,
  flagText,
  HEX,
  MODE,
  outStruct,
  PATH,
  SIZE,
  UINT,
} from './args.ts';
import { F_LOCK, recordLock } from './locks.ts';
import { startOf } from './paths.ts';
import { row, type SyscallRow } from './row.ts';

const OPEN_BITS: FlagNames = {
  O_CREAT: O.CREAT,
  O_EXCL: O.EXCL,
  O_NOCTTY: O.NOCTTY,
  O_TRUNC: O.TRUNC,
  O_APPEND: O.APPEND,
  O_NONBLOCK: O.NONBLOCK,
  O_SYNC: O.SYNC,
  O_DSYNC: O.DSYNC,
  O_DIRECT: O.DIRECT,
  O_LARGEFILE: O.LARGEFILE,
  O_NOFOLLOW: O.NOFOLLOW,
  O_NOATIME: O.NOATIME,
  O_CLOEXEC: O.CLOEXEC,
  O_PATH: O.PATH,
  O_TMPFILE: O.TMPFILE,
  O_DIRECTORY: O.DIRECTORY,
};
const ACCESS_MODES = ['O_RDONLY', 'O_WRONLY', 'O_RDWR', 'O_ACCMODE'] as const;

export function openFlagsText(value: number): string {
  const rest = value & ~O.ACCMODE;
  return ACCESS_MODES[value & O.ACCMODE]! + (rest ? `|${flagText(rest >>> 0, OPEN_BITS)}` : '');
}
const OPEN_FLAGS: ArgKind = { decode: UINT.decode, show: openFlagsText };
/** The mode is an argument only of a call that may create a file. */
const openMode = (flagsIndex: number): ArgKind => ({
  decode: MODE.decode,
  show: (value, context) => (context.args[flagsIndex]! & (O.CREAT | 0o20000000) ? MODE.show(value, context) : ''),
});

function open(task: Task, dirfd: number, address: number, bits: number, mode: number): number {
  const path = task.user.path(address);
  const opened = (): OpenFile =>
    openPath(task.process.paths, startOf(task, dirfd, path), path, bits, mode & ~task.process.umask & 0o7777);
  const file = task.resumed === null ? opened() : task.opening!;
  if (!(file instanceof PipeEnd) || file.nonblocking) return task.fds.add(file, (bits & O.CLOEXEC) !== 0);
  meetOther(task, file);
  try {
    return task.fds.add(file, (bits & O.CLOEXEC) !== 0);
  } finally {
    file.release();
  }
}

/** A FIFO is open once both its ends are. */
function meetOther(task: Task, file: PipeEnd): void {
  if (task.resumed === null) task.opening = file.retain();
  waitFor(task, 'the other end of a FIFO', { ready: () => file.met, leave: () => file.release() });
}

function pipe(task: Task, address: number, bits: number): number {
  if (bits & ~(O.CLOEXEC | O.NONBLOCK | O.DIRECT)) fail(E.EINVAL);
  const [reader, writer] = makePipe(task.kernel.anonymousInode(), task.kernel.clock.realtime(), bits & O.NONBLOCK);
  const closeOnExec = (bits & O.CLOEXEC) !== 0;
  const readFd = task.fds.add(reader, closeOnExec);
  let writeFd = -1;
  try {
    writeFd = task.fds.add(writer, closeOnExec);
    task.user.write(address, new Uint8Array(Int32Array.of(readFd, writeFd).buffer));
  } catch (error) {
    task.fds.close(readFd);
    if (writeFd >= 0) task.fds.close(writeFd);
    throw error;
  }
  return 0;
}
const OUT_PIPE = outStruct((address, user) => `[${user.u32(address)}, ${user.u32(address + 4)}]`);

const F = {
  DUPFD: 0,
  GETFD: 1,
  SETFD: 2,
  GETFL: 3,
  SETFL: 4,
  SETOWN: 8,
  GETOWN: 9,
  ...F_LOCK,
  DUPFD_CLOEXEC: 1030,
  SETPIPE_SZ: 1031,
  GETPIPE_SZ: 1032,
} as const;
const FCNTL = choice(Object.fromEntries(Object.entries(F).map(([name, value]) => [`F_${name}`, value])));
const FD_CLOEXEC = 1;
/** Flags that F_SETFL may change. */
const SETTABLE = O.APPEND | O.NONBLOCK | O.DIRECT | O.NOATIME | O.ASYNC;
const FCNTL_FLAGS = new Set<number>([F.SETFL]);

const FCNTL_ARG: ArgKind = {
  decode: HEX.decode,
  show: (value, { args }) => {
    const command = args[1]!;
    if (command === F.GETFD || command === F.GETFL) return '';
    if (command === F.SETFD) return value === FD_CLOEXEC ? 'FD_CLOEXEC' : String(value);
    return FCNTL_FLAGS.has(command)
      ? openFlagsText(value)
      : command < F.GETLK || command >= F.DUPFD_CLOEXEC
        ? String(value)
        : HEX.show(value, { args } as never);
  },
};

function fcntl(task: Task, fd: number, command: number, value: number): number {
  const file = task.fds.get(fd);
  if (file.flags & O.PATH && ![F.DUPFD, F.DUPFD_CLOEXEC, F.GETFD, F.SETFD, F.GETFL].includes(command as 0))
    fail(E.EBADF);
  switch (command) {
    case F.DUPFD:
    case F.DUPFD_CLOEXEC:
      if (value >= task.process.limits.soft(7)) fail(E.EINVAL);
      return task.fds.add(file, command === F.DUPFD_CLOEXEC, value);
    case F.GETFD:
      return task.fds.closeOnExec(fd) ? FD_CLOEXEC : 0;
    case F.SETFD:
      task.fds.setCloseOnExec(fd, (value & FD_CLOEXEC) !== 0);
      return 0;
    case F.GETFL:
      return file.flags;
    case F.SETFL:
      file.flags = (file.flags & ~SETTABLE) | (value & SETTABLE);
      return 0;
    case F.GETLK:
    case F.SETLK:
    case F.SETLKW:
    case F.OFD_GETLK:
    case F.OFD_SETLK:
    case F.OFD_SETLKW:
      return recordLock(task, file, command, value);
    case F.SETOWN:
      return 0;
    case F.GETOWN:
      return 0;
    case F.GETPIPE_SZ:
    case F.SETPIPE_SZ:
      if (!(file instanceof PipeEnd)) fail(E.EBADF);
      if (command === F.SETPIPE_SZ && value > PIPE_CAPACITY) fail(E.EPERM);
      return PIPE_CAPACITY;
    default:
      return fail(E.EINVAL);
  }
}

const IOCTL = {
  ...TERMINAL_IOCTL,
  FIONREAD: 0x541b,
  FIONBIO: 0x5421,
  FIONCLEX: 0x5450,
  FIOCLEX: 0x5451,
} as const;

function ioctl(task: Task, fd: number, request: number, argument: number): number {
  const file = task.fds.get(fd);
  if (file.flags & O.PATH) fail(E.EBADF);
  switch (request) {
    case IOCTL.FIOCLEX:
    case IOCTL.FIONCLEX:
      task.fds.setCloseOnExec(fd, request === IOCTL.FIOCLEX);
      return 0;
    case IOCTL.FIONBIO:
      file.flags = task.user.u32(argument) ? file.flags | O.NONBLOCK : file.flags & ~O.NONBLOCK;
      return 0;
    case IOCTL.FIONREAD:
      task.user.setU32(argument, file.available());
      return 0;
    default:
      // No stream of the host is a terminal, so that a program behaves the same everywhere; the guest's own are.
      return file.control(task, request, argument);
  }
}

function dup2(task: Task, from: number, to: number, closeOnExec: boolean): number {
  task.fds.put(to, task.fds.get(from), closeOnExec);
  return to;
}

const CLOSE_RANGE_CLOEXEC = 4;
const MFD = { MFD_CLOEXEC: 1, MFD_ALLOW_SEALING: 2 } as const;

export const DESCRIPTORS: readonly SyscallRow[] = [
  row(2, 'open', [PATH, OPEN_FLAGS, openMode(1)], (task, path, bits, mode) => open(task, AT.FDCWD, path, bits, mode)),
  row(3, 'close', [FD], (task, fd) => {
    task.fds.close(fd);
    return 0;
  }),
  row(16, 'ioctl', [FD, { ...choice(IOCTL), decode: UINT.decode }, ADDRESS], ioctl),
  row(22, 'pipe', [OUT_PIPE], (task, address) => pipe(task, address, 0)),
  row(32, 'dup', [FD], (task, fd) => task.fds.add(task.fds.get(fd))),
  row(33, 'dup2', [FD, FD], (task, from, to) => {
    if (from === to) return task.fds.get(from) && to;
    return dup2(task, from, to, false);
  }),
  row(72, 'fcntl', [FD, FCNTL, FCNTL_ARG], fcntl),
  row(85, 'creat', [PATH, MODE], (task, path, mode) => open(task, AT.FDCWD, path, O.CREAT | O.WRONLY | O.TRUNC, mode)),
  row(257, 'openat', [DIRFD, PATH, OPEN_FLAGS, openMode(2)], open),
  row(292, 'dup3', [FD, FD, flags({ O_CLOEXEC: O.CLOEXEC })], (task, from, to, bits) => {
    if (bits & ~O.CLOEXEC || from === to) fail(E.EINVAL);
    return dup2(task, from, to, (bits & O.CLOEXEC) !== 0);
  }),
  row(293, 'pipe2', [OUT_PIPE, flags(OPEN_BITS)], pipe),
  row(319, 'memfd_create', [PATH, flags(MFD)], (task, address, bits) => {
    if (bits & ~(MFD.MFD_CLOEXEC | MFD.MFD_ALLOW_SEALING)) fail(E.EINVAL);
    const name = task.user.path(address);
    const file = new MemoryFile(task.kernel.namespace.memory, 0o777);
    file.node.nlink = 0;
    return task.fds.add(
      new RegularFile(file, `/memfd:${name} (deleted)`, O.RDWR | O.LARGEFILE),
      (bits & MFD.MFD_CLOEXEC) !== 0,
    );
  }),
  row(436, 'close_range', [UINT, UINT, UINT], (task, first, last, bits) => {
    if (first > last || bits & ~(CLOSE_RANGE_CLOEXEC | 2)) fail(E.EINVAL);
    for (const fd of task.fds.numbers()) {
      if (fd < first || fd > last) continue;
      if (bits & CLOSE_RANGE_CLOEXEC) task.fds.setCloseOnExec(fd, true);
      else task.fds.close(fd);
    }
    return 0;
  }),
  row(437, 'openat2', [DIRFD, PATH, ADDRESS, SIZE], (task, dirfd, path, how, size) => {
    if (size < 24) fail(E.EINVAL);
    const view = task.user.view(how, 24);
    const bits = Number(view.getBigUint64(0, true));
    const mode = Number(view.getBigUint64(8, true));
    // RESOLVE_… asks for more checks than are made here; a caller must not believe that they were.
    if (view.getBigUint64(16, true) !== 0n) fail(E.EOPNOTSUPP);
    if (mode !== 0 && (bits & O.CREAT) === 0) fail(E.EINVAL);
    return open(task, dirfd, path, bits, mode);
  }),
];
