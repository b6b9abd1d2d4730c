import { E, fail } from '../errno.ts';
import type { Task } from '../task.ts';
import type { Backing } from '../vm/backing.ts';
import type { Attributes, Directory, Entry, Inode } from './inode.ts';
import { O, POLL, SEEK } from './mode.ts';

/**
 * An open file description: what open(2) makes, and what descriptors made by dup(2) share.
 * Reads return what there is, as a new array; an empty one is the end of the file.
 */
export abstract class OpenFile {
  /** Path that /proc/self/fd shows. */
  readonly path: string;
  /** Access mode and the flags that fcntl(F_GETFL) returns. */
  flags: number;
  /** Told when the last descriptor is gone: locks of the open file end then. */
  onRelease: (() => void) | null = null;
  /** fcntl(F_SETOWN) and F_SETSIG, bookkeeping only: who is told of what happens to it, and how. */
  signalOwner = 0;
  signalOfOwner = 0;
  /** SO_RCVTIMEO and SO_SNDTIMEO of a socket in nanoseconds; 0: waits last. */
  readTimeout = 0n;
  writeTimeout = 0n;
  #users = 0;

  constructor(path: string, flags: number) {
    this.path = path;
    this.flags = flags;
  }

  get readable(): boolean {
    return (this.flags & O.ACCMODE) !== O.WRONLY && (this.flags & O.PATH) === 0;
  }
  get writable(): boolean {
    return (this.flags & O.ACCMODE) !== O.RDONLY && (this.flags & O.PATH) === 0;
  }
  get nonblocking(): boolean {
    return (this.flags & O.NONBLOCK) !== 0;
  }

  /** The file itself, for fchmod, fchdir, openat; null for a pipe or a stream of the host. */
  get inode(): Inode | null {
    return null;
  }
  abstract attributes(): Attributes;

  /** Reads at the current offset and moves it. */
  read(_length: number): Uint8Array {
    return fail(E.EINVAL);
  }
  /** Writes at the current offset and moves it; returns how many bytes were taken. */
  write(_bytes: Uint8Array): number {
    return fail(E.EINVAL);
  }
  readAt(_offset: number, _length: number): Uint8Array {
    return fail(E.ESPIPE);
  }
  writeAt(_offset: number, _bytes: Uint8Array): number {
    return fail(E.ESPIPE);
  }
  seek(_offset: number, _whence: number): number {
    return fail(E.ESPIPE);
  }
  truncate(_size: number): void {
    fail(E.EINVAL);
  }
  /** Makes a part of the file zero. */
  punch(_offset: number, _length: number): void {
    fail(E.EOPNOTSUPP);
  }
  /** What fcntl(F_ADD_SEALS) has forbidden; null for files that know no seals. */
  get seals(): number | null {
    return null;
  }
  seal(_seals: number): void {
    fail(E.EINVAL);
  }
  sync(): void {
    fail(E.EINVAL);
  }
  /** Directory entries from the current position on; `take` answers whether one still fits. */
  entries(_take: (entry: Entry, next: number) => boolean): void {
    fail(E.ENOTDIR);
  }
  /** What mmap(2) maps. */
  backing(): Backing {
    return fail(E.ENODEV);
  }
  /** ioctl(FIONREAD): bytes that can be read now. */
  available(): number {
    return fail(E.ENOTTY);
  }
  /** ioctl(2) requests that only files of this kind know. */
  control(_task: Task, _request: number, _argument: number): number {
    return fail(E.ENOTTY);
  }
  /** Events of poll(2) that hold now. */
  poll(): number {
    return POLL.IN | POLL.OUT | POLL.RDNORM | POLL.WRNORM;
  }
  /** Grows whenever something happens that an edge-triggered epoll(7) tells. */
  get activity(): number {
    return 0;
  }
  /** Whether epoll(7) takes it: not a file or directory. */
  get pollable(): boolean {
    return this.inode === null;
  }
  /** False once its last descriptor is gone. */
  get isOpen(): boolean {
    return this.#users > 0;
  }
  /** Called once, when the last descriptor is gone. */
  protected closed(): void {}

  retain(): this {
    this.#users++;
    return this;
  }
  release(): void {
    if (--this.#users > 0) return;
    this.onRelease?.();
    this.closed();
  }
}

/** The new offset of lseek(2) for a file of `size` bytes. @throws SysError EINVAL, ENXIO, EOVERFLOW */
export function seekTo(current: number, size: number, offset: number, whence: number): number {
  let base = 0;
  switch (whence) {
    case SEEK.SET:
      break;
    case SEEK.CUR:
      base = current;
      break;
    case SEEK.END:
      base = size;
      break;
    case SEEK.DATA:
      if (offset < 0 || offset >= size) fail(E.ENXIO);
      return offset;
    case SEEK.HOLE:
      if (offset < 0 || offset >= size) fail(E.ENXIO);
      return size;
    default:
      fail(E.EINVAL);
  }
  const target = base + offset;
  if (target < 0) fail(E.EINVAL);
  if (target > Number.MAX_SAFE_INTEGER) fail(E.EOVERFLOW);
  return target;
}

/** A descriptor made with O_PATH: it names a file and cannot touch its bytes. */
export class PathFile extends OpenFile {
  readonly #inode: Inode;
  constructor(inode: Inode, path: string, flags: number) {
    super(path, flags);
    this.#inode = inode;
  }
  override get inode(): Inode {
    return this.#inode;
  }
  attributes(): Attributes {
    return this.#inode.attributes();
  }
  override read(): Uint8Array {
    return fail(E.EBADF);
  }
  override write(): number {
    return fail(E.EBADF);
  }
}

/** An open directory. The entries are those at the first read after a rewind. */
export class DirectoryFile extends OpenFile {
  readonly #directory: Directory;
  #entries: Entry[] | null = null;
  #position = 0;

  constructor(directory: Directory, path: string, flags: number) {
    super(path, flags);
    this.#directory = directory;
  }
  override get inode(): Directory {
    return this.#directory;
  }
  attributes(): Attributes {
    return this.#directory.attributes();
  }
  override read(): Uint8Array {
    return fail(E.EISDIR);
  }
  override readAt(): Uint8Array {
    return fail(E.EISDIR);
  }
  override sync(): void {}
  override seek(offset: number, whence: number): number {
    if (whence !== SEEK.SET && whence !== SEEK.CUR) fail(E.EINVAL);
    this.#position = seekTo(this.#position, 0, offset, whence);
    if (this.#position === 0) this.#entries = null;
    return this.#position;
  }
  override entries(take: (entry: Entry, next: number) => boolean): void {
    this.#entries ??= this.#directory.entries();
    for (let entry = this.#entries[this.#position]; entry !== undefined; entry = this.#entries[this.#position]) {
      if (!take(entry, this.#position + 1)) return;
      this.#position++;
    }
  }
}
