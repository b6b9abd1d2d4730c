import { Blocked } from '../block.ts';
import { E, fail } from '../errno.ts';
import type { Attributes } from './inode.ts';
import { O, POLL, S_IF } from './mode.ts';
import { OpenFile } from './open-file.ts';

/** Bytes that a pipe holds before a writer waits. */
export const PIPE_CAPACITY = 65536;
/** Writes of up to this many bytes go in whole or not at all (POSIX, PIPE_BUF). */
const PIPE_ATOMIC = 4096;

/** The buffer between two ends. */
class Pipe {
  readonly ino: number;
  readonly created: bigint;
  readers = 1;
  writers = 1;
  size = 0;
  /** How often something was written to it, and read from it. */
  written = 0;
  taken = 0;
  readonly chunks: Uint8Array[] = [];

  constructor(ino: number, created: bigint) {
    this.ino = ino;
    this.created = created;
  }

  attributes(): Attributes {
    const time = { atime: this.created, mtime: this.created, ctime: this.created };
    return { dev: 12, ino: this.ino, mode: S_IF.FIFO | 0o600, nlink: 1, uid: 0, gid: 0, rdev: 0, size: 0, ...time };
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

class PipeReader extends OpenFile {
  readonly #pipe: Pipe;
  constructor(pipe: Pipe, flags: number) {
    super(`pipe:[${pipe.ino}]`, O.RDONLY | flags);
    this.#pipe = pipe;
  }
  attributes(): Attributes {
    return this.#pipe.attributes();
  }
  override read(length: number): Uint8Array {
    if (length > 0 && this.#pipe.size === 0 && this.#pipe.writers > 0) {
      if (this.nonblocking) fail(E.EAGAIN);
      throw new Blocked('data in a pipe', { ready: () => this.#pipe.size > 0 || this.#pipe.writers === 0 });
    }
    return this.#pipe.take(length);
  }
  override available(): number {
    return this.#pipe.size;
  }
  override poll(): number {
    return (this.#pipe.size > 0 ? POLL.IN | POLL.RDNORM : 0) | (this.#pipe.writers === 0 ? POLL.HUP : 0);
  }
  override get activity(): number {
    return this.#pipe.written;
  }
  protected override closed(): void {
    this.#pipe.readers--;
    this.#pipe.taken++;
  }
}

class PipeWriter extends OpenFile {
  readonly #pipe: Pipe;
  constructor(pipe: Pipe, flags: number) {
    super(`pipe:[${pipe.ino}]`, O.WRONLY | flags);
    this.#pipe = pipe;
  }
  attributes(): Attributes {
    return this.#pipe.attributes();
  }
  override write(bytes: Uint8Array): number {
    if (bytes.length === 0) return 0;
    if (this.#pipe.readers === 0) fail(E.EPIPE);
    const room = PIPE_CAPACITY - this.#pipe.size;
    if (room === 0 || (bytes.length <= PIPE_ATOMIC && room < bytes.length)) {
      if (this.nonblocking) fail(E.EAGAIN);
      const enough = bytes.length <= PIPE_ATOMIC ? bytes.length : 1;
      throw new Blocked('room in a pipe', {
        ready: () => this.#pipe.readers === 0 || PIPE_CAPACITY - this.#pipe.size >= enough,
      });
    }
    const part = bytes.slice(0, room);
    this.#pipe.chunks.push(part);
    this.#pipe.size += part.length;
    this.#pipe.written++;
    return part.length;
  }
  override available(): number {
    return this.#pipe.size;
  }
  override poll(): number {
    const room = this.#pipe.size <= PIPE_CAPACITY - PIPE_ATOMIC ? POLL.OUT | POLL.WRNORM : 0;
    return room | (this.#pipe.readers === 0 ? POLL.ERR : 0);
  }
  override get activity(): number {
    return this.#pipe.taken;
  }
  protected override closed(): void {
    this.#pipe.writers--;
    this.#pipe.written++;
  }
}

/** pipe2(2): the reading and the writing end. */
export function makePipe(ino: number, now: bigint, flags: number): [OpenFile, OpenFile] {
  const pipe = new Pipe(ino, now);
  return [new PipeReader(pipe, flags), new PipeWriter(pipe, flags)];
}
