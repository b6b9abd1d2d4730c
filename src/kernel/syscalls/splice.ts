import { Blocked } from '../block.ts';
import { E, fail } from '../errno.ts';
import { Directory, RegularInode, Symlink } from '../fs/inode.ts';
import { O } from '../fs/mode.ts';
import type { OpenFile } from '../fs/open-file.ts';
import { type Pipe, PipeEnd } from '../fs/pipe.ts';
import type { Task } from '../task.ts';
import { ADDRESS, FD, flags, LONG, SIZE, UINT } from './args.ts';
import { withSigpipe } from './broken-pipe.ts';
import { vectorsAt } from './io.ts';
import { row, type SyscallRow } from './row.ts';
import { IN_IOVEC } from './structs.ts';

const SPLICE = { SPLICE_F_MOVE: 1, SPLICE_F_NONBLOCK: 2, SPLICE_F_MORE: 4, SPLICE_F_GIFT: 8 } as const;
const SPLICE_ALL = 15;

/** Waits for bytes in a pipe. False: there will be none. @throws SysError EAGAIN; Blocked */
function filled(pipe: Pipe, nonblocking: boolean): boolean {
  if (pipe.size > 0) return true;
  if (pipe.writers === 0) return false;
  if (nonblocking) fail(E.EAGAIN);
  throw new Blocked('data in a pipe', { ready: () => pipe.size > 0 || pipe.writers === 0 });
}

/** Waits for room in a pipe. @throws SysError EAGAIN, EPIPE; Blocked */
function roomIn(pipe: Pipe, nonblocking: boolean): number {
  if (pipe.readers === 0) fail(E.EPIPE);
  const room = pipe.capacity - pipe.size;
  if (room > 0) return room;
  if (nonblocking) fail(E.EAGAIN);
  throw new Blocked('room in a pipe', { ready: () => pipe.readers === 0 || pipe.size < pipe.capacity });
}

function ends(task: Task, inFd: number, outFd: number): { readonly input: OpenFile; readonly output: OpenFile } {
  const input = task.fds.get(inFd);
  const output = task.fds.get(outFd);
  if (!input.readable || !output.writable) fail(E.EBADF);
  return { input, output };
}

/** splice(2): bytes between a pipe and something else. Nothing is taken before there is room for it. */
function splice(
  task: Task,
  inFd: number,
  inAt: number,
  outFd: number,
  outAt: number,
  count: number,
  bits: number,
): number {
  if (bits & ~SPLICE_ALL) fail(E.EINVAL);
  if (count === 0) return 0;
  const { input, output } = ends(task, inFd, outFd);
  const from = input instanceof PipeEnd ? input.pipe : null;
  const to = output instanceof PipeEnd ? output.pipe : null;
  if ((from !== null && inAt !== 0) || (to !== null && outAt !== 0)) fail(E.ESPIPE);
  if ((from === null && to === null) || from === to) fail(E.EINVAL);
  if (to === null && output.flags & O.APPEND) fail(E.EINVAL);
  const nonblocking = (bits & SPLICE.SPLICE_F_NONBLOCK) !== 0;
  return withSigpipe(task, () => {
    if (from !== null && !filled(from, nonblocking || input.nonblocking)) return 0;
    const room = to === null ? count : Math.min(count, roomIn(to, nonblocking || output.nonblocking));
    const bytes = from === null ? readFrom(task, input, inAt, room) : from.peek(room);
    const done = bytes.length === 0 ? 0 : writeTo(task, output, outAt, bytes);
    from?.take(done);
    return done;
  });
}

function readFrom({ user }: Task, file: OpenFile, offsetAt: number, length: number): Uint8Array {
  if (offsetAt === 0) return file.read(length);
  const offset = user.word(offsetAt);
  if (offset < 0) fail(E.EINVAL);
  const bytes = file.readAt(offset, length);
  user.setU64(offsetAt, offset + bytes.length);
  return bytes;
}

function writeTo({ user }: Task, file: OpenFile, offsetAt: number, bytes: Uint8Array): number {
  if (offsetAt === 0) return file.write(bytes);
  const offset = user.word(offsetAt);
  if (offset < 0) fail(E.EINVAL);
  const done = file.writeAt(offset, bytes);
  user.setU64(offsetAt, offset + done);
  return done;
}

/** tee(2): what one pipe holds goes into another one too. */
function tee(task: Task, inFd: number, outFd: number, count: number, bits: number): number {
  if (bits & ~SPLICE_ALL) fail(E.EINVAL);
  if (count === 0) return 0;
  const { input, output } = ends(task, inFd, outFd);
  if (!(input instanceof PipeEnd && output instanceof PipeEnd) || input.pipe === output.pipe) return fail(E.EINVAL);
  const nonblocking = (bits & SPLICE.SPLICE_F_NONBLOCK) !== 0;
  return withSigpipe(task, () => {
    if (!filled(input.pipe, nonblocking || input.nonblocking)) return 0;
    const room = roomIn(output.pipe, nonblocking || output.nonblocking);
    return output.write(input.pipe.peek(Math.min(count, room)));
  });
}

/** vmsplice(2): memory into a pipe, or a pipe into memory; the bytes are copied. */
function vmsplice(task: Task, fd: number, vectors: number, count: number, bits: number): number {
  if (bits & ~SPLICE_ALL) fail(E.EINVAL);
  const file = task.fds.get(fd);
  if (!(file instanceof PipeEnd)) return fail(E.EBADF);
  const nonblocking = (bits & SPLICE.SPLICE_F_NONBLOCK) !== 0;
  const parts = vectorsAt(task, vectors, count);
  if (parts.every(({ length }) => length === 0)) return 0;
  return withSigpipe(task, () => {
    let done = 0;
    if (file.writable) {
      let room = roomIn(file.pipe, nonblocking || file.nonblocking);
      for (const { address, length } of parts) {
        const part = Math.min(length, room);
        if (part === 0) continue;
        file.pipe.put(task.user.read(address, part));
        done += part;
        room -= part;
      }
      return done;
    }
    if (!filled(file.pipe, nonblocking || file.nonblocking)) return 0;
    for (const { address, length } of parts) {
      const bytes = file.pipe.take(length);
      task.user.write(address, bytes);
      done += bytes.length;
    }
    return done;
  });
}

const SPLICE_FLAGS = flags({ '0': 0, ...SPLICE });
const SYNC_RANGE_ALL = 7;

export const SPLICING: readonly SyscallRow[] = [
  row(275, 'splice', [FD, ADDRESS, FD, ADDRESS, SIZE, SPLICE_FLAGS], splice),
  row(276, 'tee', [FD, FD, SIZE, SPLICE_FLAGS], tee),
  row(278, 'vmsplice', [FD, IN_IOVEC(2), SIZE, SPLICE_FLAGS], vmsplice),
  row(277, 'sync_file_range', [FD, LONG, LONG, UINT], (task, fd, offset, length, bits) => {
    const { inode } = task.fds.get(fd);
    if (bits & ~SYNC_RANGE_ALL || offset < 0 || offset + length < offset) fail(E.EINVAL);
    if (!(inode instanceof RegularInode || inode instanceof Directory || inode instanceof Symlink)) fail(E.ESPIPE);
    return 0;
  }),
];
