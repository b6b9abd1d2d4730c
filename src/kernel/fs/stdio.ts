import fs from 'node:fs';
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
}

/** How long to wait before a host stream that was not ready is tried again. */
const RETRY_MS = 5;
const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** The host's own standard streams. One that is set to non-blocking is waited for. */
export class HostStdio implements Stdio {
  read(length: number): Uint8Array {
    const buffer = new Uint8Array(length);
    return buffer.subarray(
      0,
      this.#retry(() => fs.readSync(0, buffer, 0, length, null)),
    );
  }

  write(stream: 1 | 2, bytes: Uint8Array): number {
    return this.#retry(() => fs.writeSync(stream, bytes));
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
    return this.#stdio.read(length);
  }
  override write(bytes: Uint8Array): number {
    if (bytes.length === 0 || this.#stream === 0) return 0;
    return this.#stdio.write(this.#stream, bytes);
  }
  override available(): number {
    return 0;
  }
  override poll(): number {
    return this.#stream === 0 ? POLL.IN | POLL.RDNORM : POLL.OUT | POLL.WRNORM;
  }
}
