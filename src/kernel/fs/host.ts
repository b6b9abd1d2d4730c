import fs from 'node:fs';
import { E, type ErrnoName, fail, SysError } from '../errno.ts';
import { decodeName, encodeName } from '../user-memory.ts';
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
import { S_IF, S_IFMT } from './mode.ts';

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL } = fs.constants;
// A host without these (Windows) has no symbolic links that a guest could plant either.
const O_NOFOLLOW = fs.constants.O_NOFOLLOW ?? 0;
const O_DIRECTORY = fs.constants.O_DIRECTORY ?? 0;
const O_NONBLOCK = fs.constants.O_NONBLOCK ?? 0;
/** Linux only; Node does not name it. */
const O_PATH = 0o10000000;

/** Where Linux lets a path start at an open directory. */
const FD_PATH = '/proc/self/fd';
const HAVE_FD_PATH = process.platform === 'linux' && fs.existsSync(FD_PATH);

/** Runs a call of the host and turns its error into the same one for the guest; what Linux does not know is EIO. */
export function hostCall<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (error instanceof SysError) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    if (code === undefined) throw error;
    return fail(E[code as ErrnoName] ?? E.EIO);
  }
}

/** Who the guest sees as the owner of every granted file. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * A directory of the host, granted to the guest. Nothing outside it can be reached through it: every access starts at the
 * descriptor of the granted directory and goes down one component at a time, none of which may be a symbolic link. Links
 * are read, never followed; the guest's own name space resolves them.
 * On Linux each step opens relative to the last (through /proc/self/fd), so that a rename in between changes nothing.
 * Elsewhere a step is checked and then used, which a process of the host that swaps directories meanwhile could upset.
 */
export class HostMount {
  readonly dev: number;
  readonly readOnly: boolean;
  readonly owner: Owner;
  readonly root: HostDirectory;
  readonly #path: string;
  readonly #rootFd: number;
  /** Small stable numbers for the host's inodes, in the order in which the guest meets them. */
  readonly #inos = new Map<string, number>();
  readonly #open = new Map<number, HostContent>();

  /** @throws SysError when `path` is no directory that can be opened */
  constructor(path: string, options: { dev: number; readOnly: boolean; owner: Owner }) {
    this.dev = options.dev;
    this.readOnly = options.readOnly;
    this.owner = options.owner;
    this.#path = hostCall(() => fs.realpathSync(path));
    this.#rootFd = hostCall(() => fs.openSync(this.#path, O_RDONLY | O_DIRECTORY));
    this.root = new HostDirectory(this, null, '');
  }

  /** Closes the grant; files that are still open stay usable. */
  close(): void {
    hostCall(() => fs.closeSync(this.#rootFd));
  }

  /** Runs `use` with a path prefix that leads into `directory` and cannot be redirected while `use` runs. */
  within<T>(directory: HostDirectory, use: (name: (child: string) => Buffer) => T): T {
    const names = directory.hostNames();
    if (!HAVE_FD_PATH) return this.#withinByPath(names, use);
    let fd = this.#rootFd;
    const prefix = (child: string): Buffer => Buffer.concat([Buffer.from(`${FD_PATH}/${fd}/`), encodeName(child)]);
    try {
      for (const name of names) {
        const path = prefix(name);
        const next = hostCall(() => fs.openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
        if (fd !== this.#rootFd) fs.closeSync(fd);
        fd = next;
      }
      return hostCall(() => use(prefix));
    } finally {
      if (fd !== this.#rootFd) fs.closeSync(fd);
    }
  }

  #withinByPath<T>(names: readonly string[], use: (name: (child: string) => Buffer) => T): T {
    let path = this.#path;
    for (const name of names) {
      path = `${path}/${name}`;
      const stat = hostCall(() => fs.lstatSync(path));
      if (!stat.isDirectory()) fail(E.ENOTDIR);
    }
    return hostCall(() => use((child) => Buffer.from(`${path}/${child}`)));
  }

  attributes(stat: fs.BigIntStats): Attributes {
    const key = `${stat.dev}:${stat.ino}`;
    let ino = this.#inos.get(key);
    if (ino === undefined) {
      ino = this.#inos.size + 1;
      this.#inos.set(key, ino);
    }
    return {
      dev: this.dev,
      ino,
      mode: Number(stat.mode),
      nlink: Number(stat.nlink),
      uid: Number(stat.uid),
      gid: Number(stat.gid),
      rdev: 0,
      size: Number(stat.size),
      blocks: Number(stat.blocks),
      atime: stat.atimeNs,
      mtime: stat.mtimeNs,
      ctime: stat.ctimeNs,
    };
  }

  requireWritable(): void {
    if (this.readOnly) fail(E.EROFS);
  }

  /** The one content object of a host file, with a descriptor for the wanted direction. */
  content(directory: HostDirectory, name: string, read: boolean, write: boolean): HostContent {
    if (write) this.requireWritable();
    let content: HostContent | undefined;
    for (const flags of [...(read ? [O_RDONLY] : []), ...(write ? [O_WRONLY] : [])]) {
      // Non-blocking, and looked at before use: a FIFO or a device that took the file's place must not hold us up.
      const fd = this.within(directory, (child) => fs.openSync(child(name), flags | O_NOFOLLOW | O_NONBLOCK));
      const stat = hostCall(() => fs.fstatSync(fd, { bigint: true }));
      if (!stat.isFile()) {
        fs.closeSync(fd);
        fail(E.EACCES);
      }
      const { ino } = this.attributes(stat);
      content = this.#open.get(ino) ?? new HostContent(this, () => this.#open.delete(ino));
      this.#open.set(ino, content);
      content.adopt(fd, flags === O_WRONLY);
    }
    if (content === undefined) return fail(E.EINVAL);
    content.retain();
    return content;
  }
}

/** An open file of the host. Reading and writing have a descriptor each, so that the host's own rights decide. */
class HostContent extends CachedContent {
  readonly #mount: HostMount;
  readonly #closed: () => void;
  #readFd = -1;
  #writeFd = -1;
  #users = 0;

  constructor(mount: HostMount, closed: () => void) {
    super();
    this.#mount = mount;
    this.#closed = closed;
  }

  adopt(fd: number, write: boolean): void {
    if (write ? this.#writeFd >= 0 : this.#readFd >= 0) fs.closeSync(fd);
    else if (write) this.#writeFd = fd;
    else this.#readFd = fd;
  }

  get #any(): number {
    return this.#readFd >= 0 ? this.#readFd : this.#writeFd;
  }
  get size(): number {
    return hostCall(() => fs.fstatSync(this.#any)).size;
  }

  protected load(offset: number, into: Uint8Array): number {
    return hostCall(() => {
      let done = 0;
      while (done < into.length) {
        const part = fs.readSync(this.#readFd, into, done, into.length - done, offset + done);
        if (part === 0) break;
        done += part;
      }
      return done;
    });
  }

  protected store(offset: number, bytes: Uint8Array): number {
    return hostCall(() => fs.writeSync(this.#writeFd, bytes, 0, bytes.length, offset));
  }

  protected resize(size: number): void {
    hostCall(() => fs.ftruncateSync(this.#writeFd, size));
  }

  sync(): void {
    hostCall(() => fs.fsyncSync(this.#any));
  }

  attributes(): Attributes {
    return this.#mount.attributes(hostCall(() => fs.fstatSync(this.#any, { bigint: true })));
  }

  retain(): void {
    this.#users++;
  }

  release(): void {
    if (--this.#users > 0) return;
    if (this.#readFd >= 0) fs.closeSync(this.#readFd);
    if (this.#writeFd >= 0) fs.closeSync(this.#writeFd);
    this.#readFd = this.#writeFd = -1;
    this.#closed();
  }
}

/** What every granted file has in common: it is found by its directory and its name. */
function statOf(directory: HostDirectory, name: string): fs.BigIntStats {
  return directory.host.within(directory, (child) => fs.lstatSync(child(name), { bigint: true }));
}

/** Runs `use` on a path that leads to the very file under `name`, never through a link. */
function onFile(directory: HostDirectory, name: string, use: (path: Buffer) => void): void {
  directory.host.requireWritable();
  directory.host.within(directory, (child) => {
    if (!HAVE_FD_PATH) return use(child(name));
    const fd = fs.openSync(child(name), O_PATH | O_NOFOLLOW);
    try {
      use(Buffer.from(`${FD_PATH}/${fd}`));
    } finally {
      fs.closeSync(fd);
    }
  });
}

function setTimes(directory: HostDirectory, name: string, atime: bigint | null, mtime: bigint | null): void {
  const old = statOf(directory, name);
  const seconds = (time: bigint): number => Number(time) / 1e9;
  onFile(directory, name, (path) => fs.utimesSync(path, seconds(atime ?? old.atimeNs), seconds(mtime ?? old.mtimeNs)));
}

class HostFile extends RegularInode {
  readonly directory: HostDirectory;
  readonly name: string;
  constructor(directory: HostDirectory, name: string) {
    super();
    this.directory = directory;
    this.name = name;
  }
  get dev(): number {
    return this.directory.host.dev;
  }
  override get readOnly(): boolean {
    return this.directory.host.readOnly;
  }
  attributes(): Attributes {
    return this.directory.host.attributes(statOf(this.directory, this.name));
  }
  open(read: boolean, write: boolean): Content {
    return this.directory.host.content(this.directory, this.name, read, write);
  }
  override chmod(mode: number): void {
    onFile(this.directory, this.name, (path) => fs.chmodSync(path, mode & 0o777));
  }
  override setTimes(atime: bigint | null, mtime: bigint | null): void {
    setTimes(this.directory, this.name, atime, mtime);
  }
}

class HostSymlink extends Symlink {
  readonly directory: HostDirectory;
  readonly name: string;
  constructor(directory: HostDirectory, name: string) {
    super();
    this.directory = directory;
    this.name = name;
  }
  get dev(): number {
    return this.directory.host.dev;
  }
  override get readOnly(): boolean {
    return this.directory.host.readOnly;
  }
  attributes(): Attributes {
    return this.directory.host.attributes(statOf(this.directory, this.name));
  }
  get target(): string {
    return this.directory.host.within(this.directory, (child) =>
      decodeName(fs.readlinkSync(child(this.name), { encoding: 'buffer' })),
    );
  }
}

/** A FIFO, socket or device of the host: it can be seen, not opened. */
class HostSpecial extends Inode {
  readonly directory: HostDirectory;
  readonly name: string;
  constructor(directory: HostDirectory, name: string) {
    super();
    this.directory = directory;
    this.name = name;
  }
  get dev(): number {
    return this.directory.host.dev;
  }
  attributes(): Attributes {
    return this.directory.host.attributes(statOf(this.directory, this.name));
  }
}

export class HostDirectory extends Directory {
  readonly host: HostMount;
  #hostParent: HostDirectory | null;
  #hostName: string;
  /** Directories seen so far, so that one stays itself when the guest renames it. */
  readonly #known = new Map<string, HostDirectory>();

  constructor(host: HostMount, parent: HostDirectory | null, name: string) {
    super();
    this.host = host;
    this.#hostParent = parent;
    this.#hostName = name;
    if (parent !== null) this.parent = parent;
    this.name = name;
  }

  get dev(): number {
    return this.host.dev;
  }
  override get readOnly(): boolean {
    return this.host.readOnly;
  }

  /** Components from the granted directory down to this one. */
  hostNames(): string[] {
    const names: string[] = [];
    for (let at: HostDirectory = this; at.#hostParent !== null; at = at.#hostParent) names.unshift(at.#hostName);
    return names;
  }

  attributes(): Attributes {
    return this.host.within(this, (child) => this.host.attributes(fs.statSync(child('.'), { bigint: true })));
  }

  override chmod(mode: number): void {
    this.host.requireWritable();
    this.host.within(this, (child) => fs.chmodSync(child('.'), mode & 0o777));
  }
  override setTimes(atime: bigint | null, mtime: bigint | null): void {
    setTimes(this, '.', atime, mtime);
  }

  lookup(name: string): Inode | null {
    let stat: fs.BigIntStats;
    try {
      stat = statOf(this, name);
    } catch (error) {
      if (error instanceof SysError && error.errno === E.ENOENT) return null;
      throw error;
    }
    return this.#inode(name, Number(stat.mode) & S_IFMT);
  }

  #inode(name: string, type: number): Inode {
    switch (type) {
      case S_IF.DIR: {
        let known = this.#known.get(name);
        if (known === undefined) {
          known = new HostDirectory(this.host, this, name);
          this.#known.set(name, known);
        }
        return known;
      }
      case S_IF.REG:
        return new HostFile(this, name);
      case S_IF.LNK:
        return new HostSymlink(this, name);
      default:
        return new HostSpecial(this, name);
    }
  }

  list(): Entry[] {
    return this.host.within(this, (child) => {
      const entries: Entry[] = [];
      for (const bytes of namesIn(child('.'))) {
        const name = decodeName(bytes);
        const stat = fs.lstatSync(child(name), { bigint: true, throwIfNoEntry: false });
        if (stat === undefined) continue;
        const { ino, mode } = this.host.attributes(stat);
        entries.push({ name, ino, mode });
      }
      return entries;
    });
  }

  override createFile(name: string, mode: number): RegularInode {
    this.host.requireWritable();
    this.host.within(this, (child) => {
      const fd = fs.openSync(child(name), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode & 0o777);
      // The host's umask is not the guest's.
      fs.fchmodSync(fd, mode & 0o777);
      fs.closeSync(fd);
    });
    return new HostFile(this, name);
  }

  override mkdir(name: string, mode: number): Directory {
    this.host.requireWritable();
    this.host.within(this, (child) => fs.mkdirSync(child(name), mode & 0o777));
    const made = this.#inode(name, S_IF.DIR) as HostDirectory;
    made.chmod(mode);
    return made;
  }

  /**
   * The link is made on the host, where other programs may follow it. So it may only lead down: an absolute target, or one
   * with `..`, which a rename could turn outward, is refused with EPERM.
   */
  override symlink(name: string, target: string): void {
    this.host.requireWritable();
    if (target.startsWith('/') || target.split('/').includes('..')) fail(E.EPERM);
    this.host.within(this, (child) => fs.symlinkSync(Buffer.from(encodeName(target)), child(name)));
  }

  override link(name: string, inode: Inode): void {
    this.host.requireWritable();
    if (!(inode instanceof HostFile || inode instanceof HostSymlink)) fail(E.EPERM);
    if (inode.directory.host !== this.host) fail(E.EXDEV);
    this.host.within(inode.directory, (from) => {
      const source = from(inode.name);
      this.host.within(this, (child) => fs.linkSync(source, child(name)));
    });
  }

  override unlink(name: string): void {
    this.host.requireWritable();
    // unlink(2) of a directory says EISDIR on Linux, EPERM elsewhere.
    if ((Number(statOf(this, name).mode) & S_IFMT) === S_IF.DIR) fail(E.EISDIR);
    this.host.within(this, (child) => fs.unlinkSync(child(name)));
  }

  override rmdir(name: string): void {
    this.host.requireWritable();
    if ((this.#known.get(name)?.mounts.size ?? 0) > 0) fail(E.EBUSY);
    this.host.within(this, (child) => fs.rmdirSync(child(name)));
    this.#known.delete(name);
  }

  override rename(name: string, target: Directory, newName: string): void {
    this.host.requireWritable();
    if (!(target instanceof HostDirectory) || target.host !== this.host) fail(E.EXDEV);
    this.host.within(this, (from) => {
      const source = from(name);
      this.host.within(target, (to) => fs.renameSync(source, to(newName)));
    });
    const moved = this.#known.get(name);
    this.#known.delete(name);
    target.#known.delete(newName);
    if (moved === undefined) return;
    moved.#hostParent = target;
    moved.#hostName = newName;
    moved.parent = target;
    moved.name = newName;
    target.#known.set(newName, moved);
  }
}

/** Names in a directory in the order in which the host lists them, as its own programs see them. */
function namesIn(path: fs.PathLike): Buffer[] {
  // The declarations know no buffers here: only text that is valid UTF-8 would survive the default.
  const dir = fs.opendirSync(path, { encoding: 'buffer' as BufferEncoding });
  const names: Buffer[] = [];
  for (let entry = dir.readSync(); entry !== null; entry = dir.readSync()) names.push(entry.name as unknown as Buffer);
  dir.closeSync();
  return names;
}
