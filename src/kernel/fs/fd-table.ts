import { E, fail } from '../errno.ts';
import type { OpenFile } from './open-file.ts';

interface Slot {
  readonly file: OpenFile;
  closeOnExec: boolean;
}

/** A process's file descriptors. */
export class FdTable {
  readonly #slots: (Slot | undefined)[] = [];
  readonly #limit: () => number;

  /** @param limit how many descriptors there may be (RLIMIT_NOFILE). */
  constructor(limit: () => number) {
    this.#limit = limit;
  }

  /** The open file behind a descriptor. @throws SysError EBADF */
  get(fd: number): OpenFile {
    return this.#slots[fd]?.file ?? fail(E.EBADF);
  }
  has(fd: number): boolean {
    return this.#slots[fd] !== undefined;
  }

  /** Puts `file` at the lowest free number from `from` on. @throws SysError EMFILE; the file is closed then */
  add(file: OpenFile, closeOnExec = false, from = 0): number {
    let fd = from;
    while (this.#slots[fd] !== undefined) fd++;
    if (fd >= this.#limit()) {
      file.retain().release();
      fail(E.EMFILE);
    }
    this.#slots[fd] = { file: file.retain(), closeOnExec };
    return fd;
  }

  /** Puts `file` at `fd`, closing what was there. @throws SysError EBADF past the limit */
  put(fd: number, file: OpenFile, closeOnExec = false): void {
    if (!(fd >= 0 && fd < this.#limit())) fail(E.EBADF);
    const old = this.#slots[fd];
    this.#slots[fd] = { file: file.retain(), closeOnExec };
    old?.file.release();
  }

  close(fd: number): void {
    const slot = this.#slots[fd];
    if (slot === undefined) fail(E.EBADF);
    this.#slots[fd] = undefined;
    slot.file.release();
  }

  closeOnExec(fd: number): boolean {
    return (this.#slots[fd] ?? fail(E.EBADF)).closeOnExec;
  }
  setCloseOnExec(fd: number, value: boolean): void {
    (this.#slots[fd] ?? fail(E.EBADF)).closeOnExec = value;
  }

  /** Open descriptors in ascending order. */
  numbers(): number[] {
    return this.#slots.flatMap((slot, fd) => (slot === undefined ? [] : [fd]));
  }

  closeAll(): void {
    for (const fd of this.numbers()) this.close(fd);
  }
}
