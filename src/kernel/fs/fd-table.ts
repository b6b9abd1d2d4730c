import { E, fail } from '../errno.ts';
import type { OpenFile } from './open-file.ts';

interface Slot {
  readonly file: OpenFile;
  closeOnExec: boolean;
}

/** A process's file descriptors: its own, or shared by clone(CLONE_FILES). */
export class FdTable {
  readonly #slots: (Slot | undefined)[] = [];
  #users = 1;
  /** Told of every descriptor that is closed: record locks end with the first one of their file. */
  onClose: ((file: OpenFile) => void) | null = null;
  /** How many descriptors there may be (RLIMIT_NOFILE of whoever asked last). */
  limit = 1024;

  /** One process more that uses it. */
  retain(): this {
    this.#users++;
    return this;
  }
  /** One process fewer; the last one closes everything. */
  release(): void {
    if (--this.#users === 0) this.closeAll();
  }
  get shared(): boolean {
    return this.#users > 1;
  }

  /** A table of its own with the same open files, for a child. */
  copy(): FdTable {
    const table = new FdTable();
    table.limit = this.limit;
    for (const fd of this.numbers()) {
      const { file, closeOnExec } = this.#slots[fd]!;
      table.#slots[fd] = { file: file.retain(), closeOnExec };
    }
    return table;
  }

  /** Closes what exec(2) does not keep. */
  closeForExec(): void {
    for (const fd of this.numbers()) if (this.#slots[fd]!.closeOnExec) this.close(fd);
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
    if (fd >= this.limit) {
      file.retain().release();
      fail(E.EMFILE);
    }
    this.#slots[fd] = { file: file.retain(), closeOnExec };
    return fd;
  }

  /** Puts `file` at `fd`, closing what was there. @throws SysError EBADF past the limit */
  put(fd: number, file: OpenFile, closeOnExec = false): void {
    if (!(fd >= 0 && fd < this.limit)) fail(E.EBADF);
    const old = this.#slots[fd];
    this.#slots[fd] = { file: file.retain(), closeOnExec };
    if (old === undefined) return;
    this.onClose?.(old.file);
    old.file.release();
  }

  close(fd: number): void {
    const slot = this.#slots[fd];
    if (slot === undefined) fail(E.EBADF);
    this.#slots[fd] = undefined;
    this.onClose?.(slot.file);
    slot.file.release();
  }

  closeOnExec(fd: number): boolean {
    return (this.#slots[fd] ?? fail(E.EBADF)).closeOnExec;
  }
  setCloseOnExec(fd: number, value: boolean): void {
    (this.#slots[fd] ?? fail(E.EBADF)).closeOnExec = value;
  }

  /** How many descriptors the table has room for: it begins with 64 and grows by powers of two (Linux: max_fds). */
  get room(): number {
    let room = 64;
    while (room < this.#slots.length) room = Math.max(256, 2 * room);
    return room;
  }

  /** Open descriptors in ascending order. */
  numbers(): number[] {
    return this.#slots.flatMap((slot, fd) => (slot === undefined ? [] : [fd]));
  }

  closeAll(): void {
    for (const fd of this.numbers()) this.close(fd);
  }
}
