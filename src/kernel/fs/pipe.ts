import { Blocked } from '../block.ts';
import { E, fail } from '../errno.ts';
import { ANONYMOUS_DEV } from './anonymous.ts';
import type { Attributes, Inode } from './inode.ts';
import { O, POLL, S_IF } from './mode.ts';
import { OpenFile } from './open-file.ts';

/** Bytes that a pipe holds before a writer waits, unless fcntl(F_SETPIPE_SZ) says otherwise. */
const PIPE_CAPACITY = 65536;
/** Most that anybody may ask for (/proc/sys/fs/pipe-max-size). */
export const PIPE_MAX_SIZE = 1 << 20;
/** Writes of up to this many bytes go in whole or not at all (POSIX, PIPE_BUF). */
const PIPE_ATOMIC = 4096;

/** The buffer between the ends of a pipe or FIFO. */
export class Pipe {
  readers = 0;
  writers = 0;
  /** How often an end was opened, and how often something was written and read, or a last end closed. */
  readersEver = 0;
  writersEver = 0;
  written = 0;
  taken = 0;
  size = 0;
  capacity = PIPE_CAPACITY;
  readonly chunks: Uint8Array[] = [];

  /** The next bytes, left where they are. */
  peek(length: number): Uint8Array {
    return Uint8Array.from(Buffer.concat(this.chunks).subarray(0, length));
  }

  /** Adds bytes, for which there must be room. */
  put(bytes: Uint8Array): void {
    this.chunks.push(bytes);
    this.size += bytes.length;
    this.written++;
  }

  take(length: number): Uint8Array {
    const out = new Uint8Array(Math.min(length, this.size));
    for (let done = 0; done < out.length; ) {
      const chunk = this.chunks[0]!;
      const part = chunk.subarray(0, out.length - done);
      out.set(part, done);
      done += part.length;
      if (part.length === chunk.length) this.chunks.shift();
      else this.chunks[0] = chunk.subarray(part.length);
    }
    this.size -= out.length;
    this.taken++;
    return out;
  }
}

/** One end of a pipe or FIFO; O_RDWR makes it both. */
export class PipeEnd extends OpenFile {
  readonly pipe: Pipe;
  readonly #attributes: () => Attributes;
  readonly #inode: Inode | null;
  /** How often the other end had been opened when this one was. */
  readonly #before: number;

  constructor(pipe: Pipe, path: string, flags: number, attributes: () => Attributes, inode: Inode | null = null) {
    super(path, flags);
    this.pipe = pipe;
    this.#attributes = attributes;
    this.#inode = inode;
    this.#before = this.writable ? pipe.readersEver : pipe.writersEver;
    if (this.readable) {
      pipe.readers++;
      pipe.readersEver++;
    }
    if (this.writable) {
      pipe.writers++;
      pipe.writersEver++;
    }
  }

  /** Whether the other end is open, or was since this one is: what open(2) of a FIFO waits for. */
  get met(): boolean {
    const pipe = this.pipe;
    if (this.readable && this.writable) return true;
    return this.readable
      ? pipe.writers > 0 || pipe.writersEver !== this.#before
      : pipe.readers > 0 || pipe.readersEver !== this.#before;
  }

  override get inode(): Inode | null {
    return this.#inode;
  }
  override get pollable(): boolean {
    return true;
  }
  attributes(): Attributes {
    return this.#attributes();
  }
  override read(length: number): Uint8Array {
    const pipe = this.pipe;
    if (length > 0 && pipe.size === 0 && pipe.writers > 0) {
      if (this.nonblocking) fail(E.EAGAIN);
      throw new Blocked('data in a pipe', { ready: () => pipe.size > 0 || pipe.writers === 0 });
    }
    return pipe.take(length);
  }
  override write(bytes: Uint8Array): number {
    const pipe = this.pipe;
    if (bytes.length === 0) return 0;
    if (pipe.readers === 0) fail(E.EPIPE);
    const room = pipe.capacity - pipe.size;
    if (room === 0 || (bytes.length <= PIPE_ATOMIC && room < bytes.length)) {
      if (this.nonblocking) fail(E.EAGAIN);
      const enough = bytes.length <= PIPE_ATOMIC ? bytes.length : 1;
      throw new Blocked('room in a pipe', {
        ready: () => pipe.readers === 0 || pipe.capacity - pipe.size >= enough,
      });
    }
    const part = bytes.slice(0, room);
    pipe.put(part);
    return part.length;
  }
  override available(): number {
    return this.pipe.size;
  }
  override poll(): number {
    const { size, capacity, readers, writers } = this.pipe;
    let events = 0;
    if (this.readable) events |= (size > 0 ? POLL.IN | POLL.RDNORM : 0) | (writers === 0 ? POLL.HUP : 0);
    if (this.writable)
      events |= (size <= capacity - PIPE_ATOMIC ? POLL.OUT | POLL.WRNORM : 0) | (readers === 0 ? POLL.ERR : 0);
    return events;
  }
  override get activity(): number {
    return (this.readable ? this.pipe.written : 0) + (this.writable ? this.pipe.taken : 0);
  }
  protected override closed(): void {
    const pipe = this.pipe;
    if (this.readable) {
      pipe.readers--;
      pipe.taken++;
    }
    if (this.writable) {
      pipe.writers--;
      pipe.written++;
    }
    // What nobody has read is gone with the last end.
    if (pipe.readers === 0 && pipe.writers === 0) pipe.take(pipe.size);
  }
}

/** pipe2(2): the reading and the writing end. */
export function makePipe(ino: number, now: bigint, flags: number): [OpenFile, OpenFile] {
  const pipe = new Pipe();
  const time = { atime: now, mtime: now, ctime: now };
  const attributes = (): Attributes => {
    return { dev: ANONYMOUS_DEV, ino, mode: S_IF.FIFO | 0o600, nlink: 1, uid: 0, gid: 0, rdev: 0, size: 0, ...time };
  };
  const path = `pipe:[${ino}]`;
  return [new PipeEnd(pipe, path, O.RDONLY | flags, attributes), new PipeEnd(pipe, path, O.WRONLY | flags, attributes)];
}
