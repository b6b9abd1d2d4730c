import type { Process } from '../process.ts';
import type { Attributes } from './inode.ts';
import { O, POLL } from './mode.ts';
import { OpenFile } from './open-file.ts';

/** A descriptor of a process (pidfd_open(2)): readable once the process is over. */
export class PidFile extends OpenFile {
  readonly process: Process;
  readonly #ino: number;

  constructor(process: Process, ino: number, flags = 0) {
    super('anon_inode:[pidfd]', O.RDWR | flags);
    this.process = process;
    this.#ino = ino;
  }
  attributes(): Attributes {
    const time = { atime: 0n, mtime: 0n, ctime: 0n };
    return { dev: 12, ino: this.#ino, mode: 0o600, nlink: 1, uid: 0, gid: 0, rdev: 0, size: 0, ...time };
  }
  override poll(): number {
    return this.process.dead ? POLL.IN | POLL.RDNORM : 0;
  }
}
