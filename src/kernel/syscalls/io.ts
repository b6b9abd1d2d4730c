import { Blocked } from '../block.ts';
import { ACCESS } from '../credentials.ts';
import { E, fail, SysError } from '../errno.ts';
import { RegularInode } from '../fs/inode.ts';
import { MAX_FILE_SIZE } from '../fs/memory.ts';
import { direntType, O, SEEK } from '../fs/mode.ts';
import { openInode } from '../fs/open.ts';
import type { OpenFile } from '../fs/open-file.ts';
import { PipeEnd } from '../fs/pipe.ts';
import { requireAccess, resolveExisting } from '../fs/resolve.ts';
import { RLIMIT } from '../limits.ts';
import { SIG } from '../signals/numbers.ts';
import { SI } from '../signals/state.ts';
import type { Task } from '../task.ts';
import { encodeName } from '../user-memory.ts';
import { MADV } from '../vm/flags.ts';
import { pageUp } from '../vm/layout.ts';
import { within } from '../wait.ts';
import { ADDRESS, choice, FD, INT, inBytes, LONG, OUT_BYTES, outStruct, PATH, SIZE, UINT } from './args.ts';
import { withSigpipe } from './broken-pipe.ts';
import { row, type SyscallRow } from './row.ts';
import { IN_IOVEC, type IoVector } from './structs.ts';

/** Most bytes that one call moves (Linux: MAX_RW_COUNT). */
const MAX_RW = 0x7fff_f000;
const IOV_MAX = 1024;
/** Bytes moved at once between guest and stub, so that a huge count makes no huge buffer. */
const PIECE = 1 << 20;
/** The same for pipes and sockets, which take no more at once. */
const STREAM_PIECE = 1 << 16;
const SSIZE_MAX = 2 ** 63;

type ReadFrom = (file: OpenFile, length: number, done: number) => Uint8Array;
type WriteTo = (file: OpenFile, bytes: Uint8Array, done: number) => number;

const atOffset: { read: (offset: number) => ReadFrom; write: (offset: number) => WriteTo } = {
  read: (offset) => (file, length, done) => file.readAt(offset + done, length),
  write: (offset) => (file, bytes, done) => file.writeAt(offset + done, bytes),
};
const current: { read: ReadFrom; write: WriteTo } = {
  read: (file, length) => file.read(length),
  write: (file, bytes) => file.write(bytes),
};

/** Runs a step that continues a transfer: once something has been moved, an error or a wait only ends it. */
function unlessFirst(done: number, step: () => number): number {
  try {
    return step();
  } catch (error) {
    if (done > 0 && (error instanceof SysError || error instanceof Blocked)) return 0;
    throw error;
  }
}

function readInto(task: Task, fd: number, vectors: readonly IoVector[], read: ReadFrom): number {
  const file = task.fds.get(fd);
  if (!file.readable) fail(E.EBADF);
  let done = 0;
  if (vectors.every(({ length }) => length === 0)) return read(file, 0, 0).length;
  for (const { address, length } of vectors) {
    for (let at = 0; at < length; ) {
      const want = Math.min(length - at, PIECE, MAX_RW - done);
      const got = unlessFirst(done, () => {
        const room = task.user.span(address + at, want, true);
        if (room === 0) fail(E.EFAULT);
        const bytes = within(task, file.readTimeout, E.EAGAIN, () => read(file, room, done));
        task.user.write(address + at, bytes);
        return bytes.length;
      });
      done += got;
      at += got;
      if (got < want) return done;
    }
  }
  return done;
}

function writeFrom(
  task: Task,
  fd: number,
  vectors: readonly IoVector[],
  write: WriteTo,
  at: number | null = null,
): number {
  return withSigpipe(task, () => writeAll(task, fd, vectors, write, at));
}

function writeAll(task: Task, fd: number, vectors: readonly IoVector[], write: WriteTo, offset: number | null): number {
  const file = task.fds.get(fd);
  if (!file.writable) fail(E.EBADF);
  // Behind a wait the call goes on where it was.
  const before = task.resumed === null ? 0 : task.progress;
  let done = 0;
  for (const { address, length } of vectors) {
    const skipped = Math.min(length, Math.max(0, before - done));
    done += skipped;
    for (let at = skipped; at < length; ) {
      const want = Math.min(length - at, waits(file) ? STREAM_PIECE : PIECE, MAX_RW - done);
      const put = piece(task, file, address + at, want, done, write, offset);
      done += put;
      at += put;
      if (put < want && !waits(file)) return done;
      if (put === 0) return done;
    }
  }
  task.progress = 0;
  return done;
}

/** A blocking pipe or socket takes everything before the call returns; other files say how much they took. */
const waits = (file: OpenFile): boolean => file.pollable && !file.nonblocking;

/** How many of the bytes still fit below RLIMIT_FSIZE. @throws SysError EFBIG where none does */
function withinLimit(task: Task, file: OpenFile, room: number, done: number, at: number | null): number {
  const limit = task.process.limits.soft(RLIMIT.FSIZE);
  if (limit === Number.POSITIVE_INFINITY || !(file.inode instanceof RegularInode)) return room;
  const position = file.flags & O.APPEND ? file.attributes().size : at === null ? file.seek(0, SEEK.CUR) : at + done;
  if (position >= limit && done === 0) requireSize(task, limit + 1);
  return Math.max(0, Math.min(room, limit - position));
}

function piece(
  task: Task,
  file: OpenFile,
  address: number,
  want: number,
  done: number,
  write: WriteTo,
  at: number | null,
): number {
  const room = task.user.span(address, want, false);
  if (room === 0) return done > 0 ? 0 : fail(E.EFAULT);
  try {
    const bytes = task.user.read(address, withinLimit(task, file, room, done, at));
    return within(task, done > 0 ? 0n : file.writeTimeout, E.EAGAIN, () => write(file, bytes, done));
  } catch (error) {
    if (done > 0 && error instanceof SysError) return 0;
    if (done > 0 && error instanceof Blocked) {
      if (file.nonblocking) return 0;
      task.progress = done;
      throw new Blocked(error.wait.reason, { ...error.wait, interrupted: () => done });
    }
    throw error;
  }
}

/** The vectors of readv(2) and its like. @throws SysError EINVAL, EFAULT */
export function vectorsAt(task: Task, address: number, count: number): IoVector[] {
  if (count > IOV_MAX || count < 0) fail(E.EINVAL);
  if (count === 0) return [];
  const view = task.user.view(address, 16 * count);
  const vectors: IoVector[] = [];
  let room = MAX_RW;
  for (let i = 0; i < count; i++) {
    const length = Number(view.getBigUint64(16 * i + 8, true));
    if (length >= SSIZE_MAX) fail(E.EINVAL);
    vectors.push({ address: Number(task.user.untag(view.getBigUint64(16 * i, true))), length: Math.min(length, room) });
    room -= Math.min(length, room);
  }
  return vectors;
}

const one = (address: number, length: number): IoVector[] => [{ address, length: Math.min(length, MAX_RW) }];

function checkOffset(offset: number): number {
  return offset < 0 ? fail(E.EINVAL) : offset;
}

/** Moves bytes between two files inside the stub; an offset of -1 means the file's own. */
function copy(input: OpenFile, inAt: number, output: OpenFile, outAt: number, count: number): number {
  let done = 0;
  while (done < count) {
    const moved = unlessFirst(done, () => {
      const length = Math.min(count - done, PIECE);
      const bytes = inAt < 0 ? input.read(length) : input.readAt(inAt + done, length);
      if (bytes.length === 0) return 0;
      return outAt < 0 ? output.write(bytes) : output.writeAt(outAt + done, bytes);
    });
    if (moved === 0) break;
    done += moved;
  }
  return done;
}

function sendfile(task: Task, outFd: number, inFd: number, offsetAt: number, count: number): number {
  const input = task.fds.get(inFd);
  const output = task.fds.get(outFd);
  if (!input.readable || !output.writable) fail(E.EBADF);
  if (!(input.inode instanceof RegularInode) || output.flags & O.APPEND) fail(E.EINVAL);
  const offset = offsetAt === 0 ? -1 : checkOffset(task.user.word(offsetAt));
  return withSigpipe(task, () => {
    const done = copy(input, offset, output, -1, Math.min(count, MAX_RW));
    if (offsetAt !== 0) task.user.setU64(offsetAt, offset + done);
    return done;
  });
}

function copyFileRange(
  task: Task,
  inFd: number,
  inAt: number,
  outFd: number,
  outAt: number,
  count: number,
  bits: number,
): number {
  const input = task.fds.get(inFd);
  const output = task.fds.get(outFd);
  if (bits !== 0) fail(E.EINVAL);
  if (!input.readable || !output.writable || output.flags & O.APPEND) fail(E.EBADF);
  for (const { inode } of [input, output]) {
    if (inode?.isDirectory) fail(E.EISDIR);
    if (!(inode instanceof RegularInode)) fail(E.EINVAL);
  }
  const from = inAt === 0 ? -1 : checkOffset(task.user.word(inAt));
  const to = outAt === 0 ? -1 : checkOffset(task.user.word(outAt));
  const done = copy(input, from, output, to, Math.min(count, MAX_RW));
  if (inAt !== 0) task.user.setU64(inAt, from + done);
  if (outAt !== 0) task.user.setU64(outAt, to + done);
  return done;
}

const DIRENT_NAME = 19;
const OLD_DIRENT_NAME = 18;

/** getdents(2) in its two layouts: the type stands before the name, or (old) in the record's last byte. */
function getdents(task: Task, fd: number, address: number, count: number, old: boolean): number {
  const file = task.fds.get(fd);
  if (!file.readable) fail(E.EBADF);
  const records: Uint8Array[] = [];
  let used = 0;
  let tooSmall = false;
  file.entries(({ name, ino, mode }, next) => {
    const text = encodeName(name);
    const length = ((old ? OLD_DIRENT_NAME + 2 : DIRENT_NAME + 1) + text.length + 7) & ~7;
    if (used + length > count) {
      tooSmall = used === 0;
      return false;
    }
    const bytes = new Uint8Array(length);
    const view = new DataView(bytes.buffer);
    view.setBigUint64(0, BigInt(ino), true);
    view.setBigUint64(8, BigInt(next), true);
    view.setUint16(16, length, true);
    if (old) bytes[length - 1] = direntType(mode);
    else bytes[18] = direntType(mode);
    bytes.set(text, old ? OLD_DIRENT_NAME : DIRENT_NAME);
    records.push(bytes);
    used += length;
    return true;
  });
  if (tooSmall) fail(E.EINVAL);
  task.user.write(address, Buffer.concat(records));
  return used;
}

/** How long a file may become; who goes on past it gets SIGXFSZ. @throws SysError EFBIG */
function requireSize(task: Task, size: number): void {
  if (size <= task.process.limits.soft(RLIMIT.FSIZE)) return;
  const { pid, credentials } = task.process;
  task.kernel.signals.send(task, { signal: SIG.XFSZ, code: SI.USER, pid, uid: credentials.uid });
  fail(E.EFBIG);
}

/** Makes a file so long. What private mappings have of it behind its end is gone too. */
function resize(task: Task, file: OpenFile, size: number): void {
  const { size: before, dev, ino } = file.attributes();
  if (size > before) requireSize(task, size);
  file.truncate(size);
  if (size >= before) return;
  for (const { space } of task.kernel.processes.values())
    for (const area of space.areas.all) {
      const { backing, start, end } = area;
      if (backing === null || area.shared !== null || backing.device !== dev || backing.inode !== ino) continue;
      const from = Math.max(start, start + pageUp(size) - area.offset);
      if (from < end) space.madvise(from, end - from, MADV.DONTNEED);
    }
}

function truncate(task: Task, address: number, size: number): number {
  if (size < 0) fail(E.EINVAL);
  const inode = resolveExisting(task.process.paths, task.process.cwd, task.user.path(address), true);
  if (inode.isDirectory) fail(E.EISDIR);
  if (!(inode instanceof RegularInode)) fail(E.EINVAL);
  if (inode.readOnly) fail(E.EROFS);
  requireAccess(inode, ACCESS.WRITE, task.process.credentials);
  const file = openInode(inode, '', O.WRONLY).retain();
  try {
    resize(task, file, size);
  } finally {
    file.release();
  }
  return 0;
}

/** fallocate(2): room is there anyway, so it makes files longer, or zero. */
function allocate(file: OpenFile, mode: number, offset: number, length: number): void {
  if (offset < 0 || length <= 0) fail(E.EINVAL);
  if (mode & ~FALLOC_ALL) fail(E.EOPNOTSUPP);
  const keeps = (mode & FALLOC.KEEP_SIZE) !== 0;
  if (mode & FALLOC.PUNCH_HOLE && !keeps) fail(E.EOPNOTSUPP);
  if (mode & (FALLOC.COLLAPSE_RANGE | FALLOC.INSERT_RANGE | FALLOC.UNSHARE)) fail(E.EOPNOTSUPP);
  if (!file.writable) fail(E.EBADF);
  if (file instanceof PipeEnd) fail(E.ESPIPE);
  if (!(file.inode instanceof RegularInode)) fail(E.ENODEV);
  if (offset + length > MAX_FILE_SIZE) fail(E.EFBIG);
  if (mode & FALLOC.PUNCH_HOLE) return file.punch(offset, length);
  if (mode & FALLOC.ZERO_RANGE) file.punch(offset, length);
  if (!keeps && file.attributes().size < offset + length) file.truncate(offset + length);
}

function sync(task: Task, fd: number): number {
  task.fds.get(fd).sync();
  return 0;
}

const WHENCE = choice({ SEEK_SET: 0, SEEK_CUR: 1, SEEK_END: 2, SEEK_DATA: 3, SEEK_HOLE: 4 });
const ADVICE_MAX = 5;
/** Modes of fallocate(2); the others are not there, as on many file systems. */
const FALLOC = {
  KEEP_SIZE: 1,
  PUNCH_HOLE: 2,
  COLLAPSE_RANGE: 8,
  ZERO_RANGE: 16,
  INSERT_RANGE: 32,
  UNSHARE: 64,
} as const;
const FALLOC_ALL = Object.values(FALLOC).reduce((all: number, bit) => all | bit, 0);
const RWF = { HIPRI: 1, DSYNC: 2, SYNC: 4, NOWAIT: 8, APPEND: 16, NOAPPEND: 32 } as const;
const RWF_ALL = Object.values(RWF).reduce((all: number, bit) => all | bit, 0);

const OUT_DIRENTS = outStruct((address, user, { result }) => {
  let count = 0;
  for (let at = 0; at < result; count++) at += user.view(address + at, 18).getUint16(16, true);
  return `0x${address.toString(16)} /* ${count} entries */`;
});

export const IO: readonly SyscallRow[] = [
  row(0, 'read', [FD, OUT_BYTES, SIZE], (task, fd, address, count) =>
    readInto(task, fd, one(address, count), current.read),
  ),
  row(1, 'write', [FD, inBytes(2), SIZE], (task, fd, address, count) =>
    writeFrom(task, fd, one(address, count), current.write),
  ),
  row(8, 'lseek', [FD, LONG, WHENCE], (task, fd, offset, whence) => {
    const file = task.fds.get(fd);
    if (file.flags & O.PATH) fail(E.EBADF);
    if (whence < SEEK.SET || whence > SEEK.HOLE) fail(E.EINVAL);
    return file.seek(offset, whence);
  }),
  row(17, 'pread64', [FD, OUT_BYTES, SIZE, LONG], (task, fd, address, count, offset) =>
    readInto(task, fd, one(address, count), atOffset.read(checkOffset(offset))),
  ),
  row(18, 'pwrite64', [FD, inBytes(2), SIZE, LONG], (task, fd, address, count, offset) =>
    writeFrom(task, fd, one(address, count), atOffset.write(checkOffset(offset)), offset),
  ),
  row(19, 'readv', [FD, ADDRESS, INT], (task, fd, vectors, count) =>
    readInto(task, fd, vectorsAt(task, vectors, count), current.read),
  ),
  row(20, 'writev', [FD, IN_IOVEC(2), INT], (task, fd, vectors, count) =>
    writeFrom(task, fd, vectorsAt(task, vectors, count), current.write),
  ),
  row(40, 'sendfile', [FD, FD, ADDRESS, SIZE], sendfile),
  row(74, 'fsync', [FD], sync),
  row(75, 'fdatasync', [FD], sync),
  row(76, 'truncate', [PATH, LONG], truncate),
  row(77, 'ftruncate', [FD, LONG], (task, fd, size) => {
    if (size < 0) fail(E.EINVAL);
    resize(task, task.fds.get(fd), size);
    return 0;
  }),
  row(78, 'getdents', [FD, OUT_DIRENTS, UINT], (task, fd, address, count) => getdents(task, fd, address, count, true)),
  row(162, 'sync', [], () => 0),
  row(187, 'readahead', [FD, LONG, SIZE], (task, fd) => (task.fds.get(fd).readable ? 0 : fail(E.EBADF))),
  row(217, 'getdents64', [FD, OUT_DIRENTS, UINT], (task, fd, address, count) =>
    getdents(task, fd, address, count, false),
  ),
  row(221, 'fadvise64', [FD, LONG, LONG, INT], (task, fd, _offset, _length, advice) => {
    const file = task.fds.get(fd);
    if (advice < 0 || advice > ADVICE_MAX) fail(E.EINVAL);
    if (!(file.inode instanceof RegularInode)) fail(E.ESPIPE);
    return 0;
  }),
  row(285, 'fallocate', [FD, INT, LONG, LONG], (task, fd, mode, offset, length) => {
    const file = task.fds.get(fd);
    if ((mode & FALLOC.KEEP_SIZE) === 0 && offset >= 0 && length > 0 && file.writable)
      requireSize(task, offset + length);
    allocate(file, mode, offset, length);
    return 0;
  }),
  row(295, 'preadv', [FD, ADDRESS, INT, LONG, LONG], (task, fd, vectors, count, offset) =>
    readInto(task, fd, vectorsAt(task, vectors, count), atOffset.read(checkOffset(offset))),
  ),
  row(296, 'pwritev', [FD, IN_IOVEC(2), INT, LONG, LONG], (task, fd, vectors, count, offset) =>
    writeFrom(task, fd, vectorsAt(task, vectors, count), atOffset.write(checkOffset(offset)), offset),
  ),
  row(306, 'syncfs', [FD], (task, fd) => task.fds.get(fd) && 0),
  row(326, 'copy_file_range', [FD, ADDRESS, FD, ADDRESS, SIZE, UINT], copyFileRange),
  row(327, 'preadv2', [FD, ADDRESS, INT, LONG, LONG, UINT], (task, fd, vectors, count, offset, _high, bits) => {
    if (bits & ~RWF_ALL) fail(E.EOPNOTSUPP);
    return readInto(
      task,
      fd,
      vectorsAt(task, vectors, count),
      offset === -1 ? current.read : atOffset.read(checkOffset(offset)),
    );
  }),
  row(328, 'pwritev2', [FD, IN_IOVEC(2), INT, LONG, LONG, UINT], (task, fd, vectors, count, offset, _high, bits) => {
    if (bits & ~RWF_ALL) fail(E.EOPNOTSUPP);
    const put = offset === -1 ? current.write : atOffset.write(checkOffset(offset));
    const append: WriteTo = (file, bytes) => file.writeAt(file.attributes().size, bytes);
    return writeFrom(task, fd, vectorsAt(task, vectors, count), bits & RWF.APPEND ? append : put);
  }),
];
