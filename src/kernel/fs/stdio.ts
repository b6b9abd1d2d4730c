import fs from 'node:fs';
import { Blocked } from '../block.ts';
import { E, type ErrnoName, fail } from '../errno.ts';
import type { Attributes } from './inode.ts';
import { O, POLL, S_IF } from './mode.ts';
import { OpenFile } from './open-file.ts';

/** The three streams that a program starts with. */
export interface Stdio {
  /** Up to `length` bytes of standard input; empty at its end. Waits until there is something. */
  read(length: number): Uint8Array;
  /** Writes to standard output (1) or error (2); returns how many bytes were taken. @throws SysError EPIPE … */
  write(stream: 1 | 2, bytes: Uint8Array): number;
  /** As `read`, but null where it would have to wait. What does not know it waits with the whole machine. */
  tryRead?(length: number): Uint8Array | null;
}

/** How long to wait before a host stream that was not ready is tried again. */
const RETRY_MS = 5;
/** Bytes asked for at once, whatever the guest wants. */
const MAX_READ = 1 << 20;
const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** The host's own standard streams. One that is set to non-blocking is waited for. */
export class HostStdio implements Stdio {
  readonly #fds: readonly [number, number, number];
  /** Standard input as a descriptor that does not wait; -1: reading it as it is never does. */
  #input: number | null = null;

  /** @param fds descriptors of the host for input, output and error */
  constructor(fds: readonly [number, number, number] = [0, 1, 2]) {
    this.#fds = fds;
  }

  read(length: number): Uint8Array {
    const buffer = new Uint8Array(Math.min(length, MAX_READ));
    const got = this.#retry(() => fs.readSync(this.#fds[0], buffer, 0, buffer.length, null));
    return buffer.subarray(0, got);
  }

  tryRead(length: number): Uint8Array | null {
    this.#input ??= this.#openInput();
    if (this.#input < 0) return this.read(length);
    const buffer = new Uint8Array(Math.min(length, MAX_READ));
    try {
      return buffer.subarray(0, fs.readSync(this.#input, buffer, 0, buffer.length, null));
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'EAGAIN' ? null : this.read(length);
    }
  }

  /** Pipes and terminals are opened anew, since both share one position; a socket cannot be, and Node makes it so. */
  #openInput(): number {
    const [input] = this.#fds;
    try {
      const stat = fs.fstatSync(input);
      if (stat.isSocket() && input === 0 && process.stdin) return input;
      if (stat.isFIFO() || stat.isCharacterDevice())
        return fs.openSync(`/proc/self/fd/${input}`, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
    } catch {
      // A host without /proc, or a stream that cannot be opened again: it is read as it is.
    }
    return -1;
  }

  write(stream: 1 | 2, bytes: Uint8Array): number {
    return this.#retry(() => fs.writeSync(this.#fds[stream], bytes));
  }

  #retry(call: () => number): number {
    for (;;) {
      try {
        return call();
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code;
        if (code === 'EOF') return 0;
        if (code !== 'EAGAIN') return fail(E[code as ErrnoName] ?? E.EIO);
        Atomics.wait(sleeper, 0, 0, RETRY_MS);
      }
    }
  }
}

/** A standard stream as an open file. It looks like a pipe wherever it leads, so that programs behave the same everywhere. */
export class StdioFile extends OpenFile {
  readonly #stdio: Stdio;
  readonly #stream: 0 | 1 | 2;
  /** What was read ahead by a look at whether there is anything. */
  #ahead: Uint8Array | null = null;
  /** Somebody has looked for input, and there was none yet. */
  waiting = false;

  constructor(stdio: Stdio, stream: 0 | 1 | 2) {
    super(`pipe:[${stream + 1}]`, stream === 0 ? O.RDONLY : O.WRONLY);
    this.#stdio = stdio;
    this.#stream = stream;
  }

  attributes(): Attributes {
    const time = { atime: 0n, mtime: 0n, ctime: 0n };
    const ino = this.#stream + 1;
    return { dev: 12, ino, mode: S_IF.FIFO | 0o600, nlink: 1, uid: 0, gid: 0, rdev: 0, size: 0, ...time };
  }
  override read(length: number): Uint8Array {
    if (length === 0) return new Uint8Array(0);
    if (this.#stdio.tryRead === undefined) return this.#stdio.read(length);
    if (!this.#look(length)) {
      if (this.nonblocking) fail(E.EAGAIN);
      throw new Blocked('standard input', { ready: () => this.#look(length) });
    }
    const ahead = this.#ahead!;
    const part = ahead.subarray(0, length);
    this.#ahead = part.length < ahead.length ? ahead.subarray(part.length) : null;
    return part;
  }

  /** Whether a read would give something, the end of the input among it. */
  #look(length: number): boolean {
    this.#ahead ??= this.#stdio.tryRead!(length);
    this.waiting = this.#ahead === null;
    return !this.waiting;
  }
  override write(bytes: Uint8Array): number {
    if (bytes.length === 0 || this.#stream === 0) return 0;
    return this.#stdio.write(this.#stream, bytes);
  }
  override available(): number {
    return 0;
  }
  override poll(): number {
    if (this.#stream !== 0) return POLL.OUT | POLL.WRNORM;
    return this.#stdio.tryRead === undefined || this.#look(1) ? POLL.IN | POLL.RDNORM : 0;
  }
}
