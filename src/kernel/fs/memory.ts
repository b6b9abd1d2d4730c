import { E, fail } from '../errno.ts';
import {
  type Attributes,
  CachedContent,
  type Content,
  Directory,
  type Entry,
  Inode,
  RegularInode,
  Symlink,
} from './inode.ts';
import { S_IF, S_IFMT, SEAL } from './mode.ts';
import { Pipe } from './pipe.ts';

/** Bytes are kept in pieces of this size, so that holes cost nothing. */
const CHUNK = 0x1000;
/** Largest file, as tmpfs has it on x86-64. */
export const MAX_FILE_SIZE = 2 ** 43;

/** What the files of one in-memory file system share: its number, its clock, its owner and how much it may hold. */
export class MemoryFs {
  readonly dev: number;
  readonly #now: () => bigint;
  readonly #limit: number;
  #used = 0;
  #nextIno = 1;

  /** @param limit bytes that all files together may have. */
  constructor(dev: number, now: () => bigint, limit: number) {
    this.dev = dev;
    this.#now = now;
    this.#limit = limit;
  }

  get limit(): number {
    return this.#limit;
  }
  get used(): number {
    return this.#used;
  }
  now(): bigint {
    return this.#now();
  }
  inode(): number {
    return this.#nextIno++;
  }
  hasRoom(bytes: number): boolean {
    return this.#used + bytes <= this.#limit;
  }
  /** Takes (or, negative, gives back) bytes of the file system's room. @throws SysError ENOSPC */
  take(bytes: number): void {
    if (!this.hasRoom(bytes)) fail(E.ENOSPC);
    this.#used += bytes;
  }
}

/** Attributes and their changes, for each kind of in-memory file. */
class Node {
  readonly fs: MemoryFs;
  readonly ino: number;
  mode: number;
  nlink = 1;
  /** Made by O_TMPFILE: linkat(2) may still name it. */
  linkable = false;
  uid = 0;
  gid = 0;
  atime: bigint;
  mtime: bigint;
  ctime: bigint;

  constructor(fs: MemoryFs, mode: number) {
    this.fs = fs;
    this.ino = fs.inode();
    this.mode = mode;
    this.atime = this.mtime = this.ctime = fs.now();
  }

  attributes(size: number, blocks?: number): Attributes {
    const { ino, mode, nlink, uid, gid, atime, mtime, ctime } = this;
    const common = { dev: this.fs.dev, ino, mode, nlink, uid, gid, rdev: 0, size, atime, mtime, ctime };
    return blocks === undefined ? common : { ...common, blocks };
  }
  chmod(mode: number): void {
    this.mode = (this.mode & S_IFMT) | (mode & 0o7777);
    this.ctime = this.fs.now();
  }
  chown(uid: number, gid: number): void {
    if (uid !== -1) this.uid = uid;
    if (gid !== -1) this.gid = gid;
    this.ctime = this.fs.now();
  }
  setTimes(atime: bigint | null, mtime: bigint | null): void {
    if (atime !== null) this.atime = atime;
    if (mtime !== null) this.mtime = mtime;
    this.ctime = this.fs.now();
  }
  touch(): void {
    this.mtime = this.ctime = this.fs.now();
  }
}

class MemoryContent extends CachedContent {
  readonly node: Node;
  readonly #chunks = new Map<number, Uint8Array>();
  #size = 0;
  #seals: number = SEAL.SEAL;
  /** Descriptors and mappings; names are counted in the node. */
  #users = 0;

  constructor(node: Node) {
    super();
    this.node = node;
  }

  get size(): number {
    return this.#size;
  }

  override get seals(): number {
    return this.#seals;
  }
  /** @throws SysError EPERM where no further seal may be added */
  override seal(seals: number): void {
    if (this.#seals & SEAL.SEAL) fail(E.EPERM);
    this.#seals |= seals;
  }

  override nextData(offset: number): number | null {
    if (offset >= this.#size) return null;
    const first = Math.floor(offset / CHUNK);
    if (this.#chunks.has(first)) return offset;
    let next = Number.POSITIVE_INFINITY;
    for (const index of this.#chunks.keys()) if (index > first) next = Math.min(next, index);
    return next * CHUNK < this.#size ? next * CHUNK : null;
  }

  override nextHole(offset: number): number {
    let index = Math.floor(offset / CHUNK);
    if (!this.#chunks.has(index)) return offset;
    while (this.#chunks.has(index)) index++;
    return Math.min(index * CHUNK, this.#size);
  }

  override punch(offset: number, length: number): void {
    if (this.#seals & (SEAL.WRITE | SEAL.FUTURE_WRITE)) fail(E.EPERM);
    super.punch(offset, length);
    const end = Math.floor((offset + length) / CHUNK);
    for (let index = Math.ceil(offset / CHUNK); index < end && index * CHUNK < this.#size; index++)
      if (this.#chunks.delete(index)) this.node.fs.take(-CHUNK);
  }

  protected load(offset: number, into: Uint8Array): number {
    const length = Math.max(0, Math.min(into.length, this.#size - offset));
    for (let done = 0; done < length; ) {
      const within = (offset + done) % CHUNK;
      const part = Math.min(length - done, CHUNK - within);
      const chunk = this.#chunks.get(Math.floor((offset + done) / CHUNK));
      if (chunk === undefined) into.fill(0, done, done + part);
      else into.set(chunk.subarray(within, within + part), done);
      done += part;
    }
    return length;
  }

  protected store(offset: number, bytes: Uint8Array): number {
    if (offset + bytes.length > MAX_FILE_SIZE) fail(E.EFBIG);
    if (this.#seals & (SEAL.WRITE | SEAL.FUTURE_WRITE)) fail(E.EPERM);
    if (this.#seals & SEAL.GROW && offset + bytes.length > this.#size) fail(E.EPERM);
    for (let done = 0; done < bytes.length; ) {
      const within = (offset + done) % CHUNK;
      const part = Math.min(bytes.length - done, CHUNK - within);
      const index = Math.floor((offset + done) / CHUNK);
      let chunk = this.#chunks.get(index);
      if (chunk === undefined) {
        if (done > 0 && !this.node.fs.hasRoom(CHUNK)) return this.#stored(done);
        this.node.fs.take(CHUNK);
        chunk = new Uint8Array(CHUNK);
        this.#chunks.set(index, chunk);
      }
      chunk.set(bytes.subarray(done, done + part), within);
      done += part;
      this.#size = Math.max(this.#size, offset + done);
    }
    return this.#stored(bytes.length);
  }

  #stored(length: number): number {
    this.node.touch();
    return length;
  }

  protected resize(size: number): void {
    if (size > MAX_FILE_SIZE) fail(E.EFBIG);
    if (size < this.#size && this.#seals & SEAL.SHRINK) fail(E.EPERM);
    if (size > this.#size && this.#seals & SEAL.GROW) fail(E.EPERM);
    for (const [index, chunk] of this.#chunks) {
      if (index * CHUNK >= size) {
        this.#chunks.delete(index);
        this.node.fs.take(-CHUNK);
      } else if (size < (index + 1) * CHUNK) {
        chunk.fill(0, size - index * CHUNK);
      }
    }
    this.#size = size;
    this.node.touch();
  }

  sync(): void {}
  attributes(): Attributes {
    return this.node.attributes(this.#size, this.#chunks.size * (CHUNK / 512));
  }
  /** It begins without the seal that forbids seals. */
  allowSeals(): void {
    this.#seals = 0;
  }
  retain(): void {
    this.#users++;
  }
  release(): void {
    this.#users--;
    this.dropIfUnused();
  }
  /** A file without a name and without users gives its room back. */
  dropIfUnused(): void {
    if (this.#users > 0 || this.node.nlink > 0) return;
    this.node.fs.take(-CHUNK * this.#chunks.size);
    this.#chunks.clear();
    this.#size = 0;
  }
}

/** A regular file in memory. */
export class MemoryFile extends RegularInode {
  readonly node: Node;
  readonly content: MemoryContent;

  constructor(fs: MemoryFs, mode: number) {
    super();
    this.node = new Node(fs, S_IF.REG | mode);
    this.content = new MemoryContent(this.node);
  }

  get dev(): number {
    return this.node.fs.dev;
  }
  attributes(): Attributes {
    return this.content.attributes();
  }
  open(): Content {
    this.content.retain();
    return this.content;
  }
  override chmod(mode: number): void {
    this.node.chmod(mode);
  }
  override chown(uid: number, gid: number): void {
    this.node.chown(uid, gid);
  }
  override setTimes(atime: bigint | null, mtime: bigint | null): void {
    this.node.setTimes(atime, mtime);
  }
}

/** A symbolic link in memory. */
export class MemorySymlink extends Symlink {
  readonly node: Node;
  readonly target: string;

  constructor(fs: MemoryFs, target: string) {
    super();
    this.node = new Node(fs, S_IF.LNK | 0o777);
    this.target = target;
  }

  get dev(): number {
    return this.node.fs.dev;
  }
  attributes(): Attributes {
    return this.node.attributes(Buffer.byteLength(this.target));
  }
  override chown(uid: number, gid: number): void {
    this.node.chown(uid, gid);
  }
  override setTimes(atime: bigint | null, mtime: bigint | null): void {
    this.node.setTimes(atime, mtime);
  }
}

/** A FIFO or a socket in memory: a name for something that is not in the file system. */
export class MemorySpecial extends Inode {
  readonly node: Node;
  /** What a FIFO's ends have between them. */
  readonly pipe = new Pipe();

  constructor(fs: MemoryFs, mode: number) {
    super();
    this.node = new Node(fs, mode);
  }

  get dev(): number {
    return this.node.fs.dev;
  }
  attributes(): Attributes {
    return this.node.attributes(0);
  }
  override chmod(mode: number): void {
    this.node.chmod(mode);
  }
  override chown(uid: number, gid: number): void {
    this.node.chown(uid, gid);
  }
  override setTimes(atime: bigint | null, mtime: bigint | null): void {
    this.node.setTimes(atime, mtime);
  }
}

/** A directory in memory. It also holds nodes of other kinds: devices, and what /proc makes up. */
export class MemoryDirectory extends Directory {
  readonly node: Node;
  readonly #children = new Map<string, Inode>();
  #removed = false;

  constructor(fs: MemoryFs, mode = 0o755) {
    super();
    this.node = new Node(fs, S_IF.DIR | mode);
    this.node.nlink = 2;
  }

  get dev(): number {
    return this.node.fs.dev;
  }
  attributes(): Attributes {
    return this.node.attributes(20 * (this.#children.size + 2));
  }
  override chmod(mode: number): void {
    this.node.chmod(mode);
  }
  override chown(uid: number, gid: number): void {
    this.node.chown(uid, gid);
  }
  override setTimes(atime: bigint | null, mtime: bigint | null): void {
    this.node.setTimes(atime, mtime);
  }

  lookup(name: string): Inode | null {
    return this.#children.get(name) ?? null;
  }

  list(): Entry[] {
    return [...this.#children].map(([name, inode]) => {
      const { ino, mode } = inode.attributes();
      return { name, ino, mode };
    });
  }

  /** Puts any inode under `name`. @throws SysError ENOENT when this directory has been removed */
  add<T extends Inode>(name: string, inode: T): T {
    if (this.#removed) fail(E.ENOENT);
    this.#children.set(name, inode);
    if (inode instanceof Directory) {
      inode.parent = this;
      inode.name = name;
      this.node.nlink++;
    }
    this.node.touch();
    return inode;
  }

  #take(name: string): void {
    if (this.#children.get(name) instanceof Directory) this.node.nlink--;
    this.#children.delete(name);
    this.node.touch();
  }

  override createFile(name: string, mode: number): RegularInode {
    return this.add(name, new MemoryFile(this.node.fs, mode & 0o7777));
  }

  override createUnnamed(mode: number, linkable: boolean): RegularInode {
    const file = new MemoryFile(this.node.fs, mode & 0o7777);
    file.node.nlink = 0;
    file.node.linkable = linkable;
    return file;
  }

  override mkdir(name: string, mode: number): Directory {
    return this.add(name, new MemoryDirectory(this.node.fs, mode & 0o1777));
  }

  override mknod(name: string, mode: number): Inode {
    return this.add(name, new MemorySpecial(this.node.fs, mode & (S_IFMT | 0o7777)));
  }

  override symlink(name: string, target: string): void {
    this.add(name, new MemorySymlink(this.node.fs, target));
  }

  override link(name: string, inode: Inode): void {
    if (!(inode instanceof MemoryFile || inode instanceof MemorySymlink || inode instanceof MemorySpecial))
      fail(E.EPERM);
    if (inode.node.nlink === 0 && !inode.node.linkable) fail(E.ENOENT);
    this.add(name, inode);
    inode.node.nlink++;
    inode.node.ctime = this.node.fs.now();
  }

  override unlink(name: string): void {
    const inode = this.#children.get(name);
    if (inode === undefined) fail(E.ENOENT);
    if (inode instanceof Directory) fail(E.EISDIR);
    this.#take(name);
    forget(inode);
  }

  override rmdir(name: string): void {
    const inode = this.#children.get(name);
    if (inode === undefined) fail(E.ENOENT);
    if (!(inode instanceof MemoryDirectory)) fail(E.ENOTDIR);
    inode.requireEmpty();
    this.#take(name);
    inode.#removed = true;
    inode.node.nlink = 0;
  }

  /** @throws SysError ENOTEMPTY, or EBUSY below a mount */
  requireEmpty(): void {
    if (this.mounts.size > 0) fail(E.EBUSY);
    if (this.#children.size > 0) fail(E.ENOTEMPTY);
  }

  override exchange(name: string, target: Directory, newName: string): void {
    const inode = this.#children.get(name);
    const other = target instanceof MemoryDirectory ? target.#children.get(newName) : undefined;
    if (inode === undefined || other === undefined || !(target instanceof MemoryDirectory)) return fail(E.ENOENT);
    if (inode === other) return;
    if (contains(inode, target) || contains(other, this)) fail(E.EINVAL);
    this.#take(name);
    target.#take(newName);
    this.add(name, other);
    target.add(newName, inode);
  }

  override rename(name: string, target: Directory, newName: string): void {
    const inode = this.#children.get(name);
    if (inode === undefined || !(target instanceof MemoryDirectory)) fail(E.ENOENT);
    const old = target.#children.get(newName);
    if (old === inode) return;
    if (old !== undefined && contains(old, this)) fail(E.ENOTEMPTY);
    if (inode instanceof Directory) {
      if (contains(inode, target)) fail(E.EINVAL);
      if (old !== undefined && !(old instanceof MemoryDirectory)) fail(E.ENOTDIR);
      old?.requireEmpty();
    } else if (old instanceof Directory) {
      fail(E.EISDIR);
    }
    if (target.#removed) fail(E.ENOENT);
    if (old !== undefined) {
      target.#take(newName);
      if (old instanceof MemoryDirectory) old.#removed = true;
      else forget(old);
    }
    this.#take(name);
    target.add(newName, inode);
  }
}

/** Whether `inode` is `directory` or stands above it. */
function contains(inode: Inode, directory: Directory): boolean {
  for (let above = directory; ; above = above.parent) {
    if (above === inode) return true;
    if (above.parent === above) return false;
  }
}

/** One name fewer. */
function forget(inode: Inode): void {
  if (inode instanceof MemoryFile || inode instanceof MemorySymlink) {
    inode.node.nlink--;
    inode.node.ctime = inode.node.fs.now();
  }
  if (inode instanceof MemoryFile) inode.content.dropIfUnused();
}
