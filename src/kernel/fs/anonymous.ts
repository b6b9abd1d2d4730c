import type { Attributes } from './inode.ts';
import { O } from './mode.ts';
import { OpenFile } from './open-file.ts';

/** Device number of files without a name. */
export const ANONYMOUS_DEV = 12;

/** An open file without a name: `anon_inode:[eventfd]` and its like. */
export abstract class AnonymousFile extends OpenFile {
  readonly #ino: number;

  /** @param kind what /proc/self/fd shows in brackets */
  constructor(kind: string, ino: number, flags = 0) {
    super(`anon_inode:[${kind}]`, O.RDWR | flags);
    this.#ino = ino;
  }

  /** There is nothing to seek in, and no error (Linux: noop_llseek). */
  override seek(): number {
    return 0;
  }

  attributes(): Attributes {
    const time = { atime: 0n, mtime: 0n, ctime: 0n };
    return { dev: ANONYMOUS_DEV, ino: this.#ino, mode: 0o600, nlink: 1, uid: 0, gid: 0, rdev: 0, size: 0, ...time };
  }
}
