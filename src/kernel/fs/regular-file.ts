import { E, fail } from '../errno.ts';
import type { Backing } from '../vm/backing.ts';
import { type Attributes, backingOf, type Content, type RegularInode } from './inode.ts';
import { O, SEEK } from './mode.ts';
import { OpenFile, seekTo } from './open-file.ts';

/** An open regular file: an offset over a content. */
export class RegularFile extends OpenFile {
  readonly #inode: RegularInode;
  readonly #content: Content;
  #offset = 0;

  /** Opens `inode` as the access mode of `flags` says. @throws SysError EACCES, EROFS */
  constructor(inode: RegularInode, path: string, flags: number) {
    super(path, flags);
    this.#inode = inode;
    this.#content = inode.open(this.readable, this.writable);
  }

  override get inode(): RegularInode {
    return this.#inode;
  }
  attributes(): Attributes {
    return this.#content.attributes();
  }

  override readAt(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    return bytes.subarray(0, this.#content.read(offset, bytes));
  }
  override writeAt(offset: number, bytes: Uint8Array): number {
    // Linux appends even for pwrite when the file was opened with O_APPEND (pwrite(2), BUGS).
    return this.#content.write(this.flags & O.APPEND ? this.#content.size : offset, bytes);
  }
  override read(length: number): Uint8Array {
    const bytes = this.readAt(this.#offset, length);
    this.#offset += bytes.length;
    return bytes;
  }
  override write(bytes: Uint8Array): number {
    if (this.flags & O.APPEND) this.#offset = this.#content.size;
    const written = this.#content.write(this.#offset, bytes);
    this.#offset += written;
    return written;
  }
  override seek(offset: number, whence: number): number {
    const { size } = this.#content;
    if (whence === SEEK.DATA || whence === SEEK.HOLE) {
      if (offset < 0 || offset >= size) fail(E.ENXIO);
      const found = whence === SEEK.DATA ? this.#content.nextData(offset) : this.#content.nextHole(offset);
      this.#offset = found ?? fail(E.ENXIO);
    } else this.#offset = seekTo(this.#offset, size, offset, whence);
    return this.#offset;
  }
  override punch(offset: number, length: number): void {
    this.#content.punch(offset, length);
  }
  override get seals(): number | null {
    return this.#content.seals;
  }
  override seal(seals: number): void {
    this.#content.seal(seals);
  }
  override truncate(size: number): void {
    if (!this.writable) fail(E.EINVAL);
    this.#content.truncate(size);
  }
  override sync(): void {
    this.#content.sync();
  }
  override backing(): Backing {
    return backingOf(this.#content, this.path);
  }
  override available(): number {
    return Math.max(0, this.#content.size - this.#offset);
  }
  protected override closed(): void {
    this.#content.release();
  }
}
