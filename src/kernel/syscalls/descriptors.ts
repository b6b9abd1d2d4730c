import { E, fail } from '../errno.ts';
import { Directory } from '../fs/inode.ts';
import { MemoryFile } from '../fs/memory.ts';
import { AT, O, SEAL } from '../fs/mode.ts';
import { openPath } from '../fs/open.ts';
import type { OpenFile } from '../fs/open-file.ts';
import { makePipe, PIPE_MAX_SIZE, type Pipe, PipeEnd } from '../fs/pipe.ts';
import { RegularFile } from '../fs/regular-file.ts';
import { RESOLVE, RESOLVE_ALL } from '../fs/resolve.ts';
import { NSIG } from '../signals/numbers.ts';
import type { Task } from '../task.ts';
import { TERMINAL_IOCTL } from '../tty/control.ts';
import { encodeName } from '../user-memory.ts';
import { PROT } from '../vm/flags.ts';
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

function open(task: Task, dirfd: number, address: number, bits: number, mode: number, scope = 0): number {
  const path = task.user.path(address);
  const opened = (): OpenFile => {
    // Within a scope an absolute path starts there too.
    const start = scope === 0 ? startOf(task, dirfd, path) : startOf(task, dirfd, path.replace(/^\/+/, './'));
    const context = scope === 0 ? task.process.paths : { ...task.process.paths, scope: { base: start, bits: scope } };
    return openPath(context, start, path, bits, mode & ~task.process.umask & 0o7777);
  };
  const file = task.resumed === null ? opened() : task.opening!;
  if (!(file instanceof PipeEnd) || file.nonblocking) return task.fds.add(file, (bits & O.CLOEXEC) !== 0);
  meetOther(task, file);
  try {
    return task.fds.add(file, (bits & O.CLOEXEC) !== 0);
  } finally {
    file.release();
  }
}

const OPEN_HOW_SIZE = 24;
const PAGE_SIZE = 4096;
const OPEN_ALL = BigInt(Object.values(O).reduce((all: number, bit) => all | bit, 0));

/** `struct open_how` of openat2(2), which is checked where open(2) is not. */
function openHow(task: Task, address: number, size: number): { bits: number; mode: number; scope: number } {
  if (size < OPEN_HOW_SIZE) fail(E.EINVAL);
  if (size > PAGE_SIZE) fail(E.E2BIG);
  const view = task.user.view(address, size);
  for (let at = OPEN_HOW_SIZE; at < size; at++) if (view.getUint8(at) !== 0) fail(E.E2BIG);
  const word = (at: number): bigint => view.getBigUint64(at, true);
  if (word(0) & ~OPEN_ALL || word(16) & ~BigInt(RESOLVE_ALL)) fail(E.EINVAL);
  const [bits, mode, scope] = [Number(word(0)), word(8), Number(word(16))];
  if (scope & RESOLVE.BENEATH && scope & RESOLVE.IN_ROOT) fail(E.EINVAL);
  const unnamed = (bits & O.TMPFILE) === O.TMPFILE;
  if (mode & ~0o7777n || (mode !== 0n && (bits & O.CREAT) === 0 && !unnamed)) fail(E.EINVAL);
  if (bits & O.PATH && bits & ~(O.PATH | O.DIRECTORY | O.NOFOLLOW | O.CLOEXEC)) fail(E.EINVAL);
  if (unnamed && (bits & O.ACCMODE) === O.RDONLY) fail(E.EINVAL);
  if (scope & RESOLVE.CACHED && (bits & (O.TRUNC | O.CREAT) || unnamed)) fail(E.EAGAIN);
  return { bits, mode: Number(mode), scope: scope & ~RESOLVE.CACHED };
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
  SETSIG: 10,
  GETSIG: 11,
  SETOWN_EX: 15,
  GETOWN_EX: 16,
  ...F_LOCK,
  SETLEASE: 1024,
  GETLEASE: 1025,
  NOTIFY: 1026,
  DUPFD_CLOEXEC: 1030,
  SETPIPE_SZ: 1031,
  GETPIPE_SZ: 1032,
  ADD_SEALS: 1033,
  GET_SEALS: 1034,
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
      file.signalOwner = value | 0;
      return 0;
    case F.GETOWN:
      return file.signalOwner;
    case F.SETOWN_EX:
      file.signalOwner = ownerAt(task, value);
      return 0;
    case F.GETOWN_EX:
      task.user.setU32(value, file.signalOwner < 0 ? F_OWNER_PGRP : F_OWNER_PID);
      task.user.setU32(value + 4, Math.abs(file.signalOwner));
      return 0;
    case F.SETSIG:
      if (value < 0 || value > NSIG) fail(E.EINVAL);
      file.signalOfOwner = value;
      return 0;
    case F.GETSIG:
      return file.signalOfOwner;
    case F.SETLEASE:
      return value === F_UNLCK ? fail(E.EAGAIN) : fail(E.EINVAL);
    case F.GETLEASE:
      return F_UNLCK;
    case F.NOTIFY:
      // Nothing is ever told: a guest alone changes its files.
      return file.inode instanceof Directory ? 0 : fail(E.ENOTDIR);
    case F.GETPIPE_SZ:
    case F.SETPIPE_SZ:
      if (!(file instanceof PipeEnd)) return fail(E.EBADF);
      if (command === F.SETPIPE_SZ) file.pipe.capacity = pipeSize(file.pipe, value);
      return file.pipe.capacity;
    case F.GET_SEALS:
      return file.seals ?? fail(E.EINVAL);
    case F.ADD_SEALS:
      return addSeals(task, file, value);
    default:
      return fail(E.EINVAL);
  }
}

const F_OWNER_PID = 1;
const F_OWNER_PGRP = 2;

/** `struct f_owner_ex`: a thread, a process, or a group, which is a negative number. */
function ownerAt(task: Task, address: number): number {
  const [kind, id] = [task.user.u32(address), task.user.u32(address + 4) | 0];
  if (kind > F_OWNER_PGRP) fail(E.EINVAL);
  return kind === F_OWNER_PGRP ? -id : id;
}

const F_UNLCK = 2;
const PIPE_MIN_SIZE = 4096;

/** The next power of two, as Linux makes it. @throws SysError EINVAL, EPERM, EBUSY */
function pipeSize(pipe: Pipe, wanted: number): number {
  if (wanted > 2 ** 31) fail(E.EINVAL);
  let size = PIPE_MIN_SIZE;
  while (size < wanted) size *= 2;
  if (size > PIPE_MAX_SIZE) fail(E.EPERM);
  return pipe.size > size ? fail(E.EBUSY) : size;
}

const SEALS = Object.values(SEAL).reduce((all: number, bit) => all | bit, 0);

function addSeals(task: Task, file: OpenFile, seals: number): number {
  if (!file.writable) fail(E.EPERM);
  if (seals & ~SEALS || file.seals === null) fail(E.EINVAL);
  if (file.seals & SEAL.SEAL) fail(E.EPERM);
  // Whoever could still write through memory stands against it.
  if (seals & SEAL.WRITE && file.seals !== null && (file.seals & SEAL.WRITE) === 0) {
    const pages = file.backing().sharedPages(task.space.memory);
    for (const { space } of task.kernel.processes.values())
      if (space.areas.all.some(({ shared, maxProt }) => shared === pages && maxProt & PROT.WRITE)) fail(E.EBUSY);
  }
  file.seal(seals);
  return 0;
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
const MFD = { MFD_CLOEXEC: 1, MFD_ALLOW_SEALING: 2, MFD_NOEXEC_SEAL: 8, MFD_EXEC: 16 } as const;
const MFD_ALL = Object.values(MFD).reduce((all: number, bit) => all | bit, 0);
/** Bytes of a name, as long as NAME_MAX less «memfd:». */
const MFD_NAME_MAX = 249;

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
    if (bits & ~MFD_ALL || (bits & MFD.MFD_EXEC && bits & MFD.MFD_NOEXEC_SEAL)) fail(E.EINVAL);
    const name = task.user.path(address);
    if (encodeName(name).length > MFD_NAME_MAX) fail(E.EINVAL);
    const noExec = (bits & MFD.MFD_NOEXEC_SEAL) !== 0;
    const file = new MemoryFile(task.kernel.namespace.memory, noExec ? 0o666 : 0o777);
    if (noExec || bits & MFD.MFD_ALLOW_SEALING) file.content.allowSeals();
    if (noExec) file.content.seal(SEAL.EXEC);
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
    const { bits, mode, scope } = openHow(task, how, size);
    return open(task, dirfd, path, bits, mode, scope);
  }),
];
