import type { PhysicalMemory } from '../../memory/physical.ts';
import { E, fail } from '../errno.ts';
import { type Backing, SharedPages } from '../vm/backing.ts';
import { S_IF, S_IFMT } from './mode.ts';

/** What stat(2) tells. Times are nanoseconds since 1970. */
export interface Attributes {
  readonly dev: number;
  readonly ino: number;
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  readonly rdev: number;
  readonly size: number;
  readonly atime: bigint;
  readonly mtime: bigint;
  readonly ctime: bigint;
  /** Preferred size of a read; a page where nothing is said. */
  readonly blockSize?: number;
  /** Blocks of 512 bytes that the file takes; what its size needs where nothing is said. */
  readonly blocks?: number;
}

/** One name in a directory. */
export interface Entry {
  readonly name: string;
  readonly ino: number;
  readonly mode: number;
}

/** A file of any kind, whatever it is called and wherever it is kept. */
export abstract class Inode {
  /** A number of its file system: links and renames do not cross from one to another. */
  abstract readonly dev: number;
  /** True when its file system takes no changes. */
  get readOnly(): boolean {
    return false;
  }
  abstract attributes(): Attributes;

  get mode(): number {
    return this.attributes().mode;
  }
  get isDirectory(): boolean {
    return (this.mode & S_IFMT) === S_IF.DIR;
  }

  /** Sets the permission bits. */
  chmod(_mode: number): void {
    fail(E.EPERM);
  }
  /** Sets owner and group; -1 leaves one as it is. */
  chown(_uid: number, _gid: number): void {
    fail(E.EPERM);
  }
  /** Sets the times of last access and change, null leaving one as it is. */
  setTimes(_atime: bigint | null, _mtime: bigint | null): void {
    fail(E.EPERM);
  }
}

/** A symbolic link. */
export abstract class Symlink extends Inode {
  abstract readonly target: string;
  /** A link of /proc that leads to an object and not to a name. */
  follow(): Inode | null {
    return null;
  }
}

/** The bytes of a regular file while it is open or mapped. */
export interface Content {
  readonly size: number;
  /** Reads at `offset`; returns the number of bytes, 0 behind the end. */
  read(offset: number, into: Uint8Array): number;
  write(offset: number, bytes: Uint8Array): number;
  truncate(size: number): void;
  /** Where the next bytes that are stored begin, from `offset` on; null: there are none. */
  nextData(offset: number): number | null;
  /** Where the next hole begins; the end of the file is one. */
  nextHole(offset: number): number;
  /** Makes a part of the file zero, and gives its room back where that can be done. */
  punch(offset: number, length: number): void;
  sync(): void;
  attributes(): Attributes;
  /** What fcntl(F_ADD_SEALS) has forbidden; null for a file that knows no seals. */
  readonly seals: number | null;
  seal(seals: number): void;
  sharedPages(memory: PhysicalMemory): SharedPages;
  retain(): void;
  release(): void;
}

/** A regular file. */
export abstract class RegularInode extends Inode {
  /** The file's bytes, retained once for the caller. @throws SysError EACCES, EROFS … */
  abstract open(read: boolean, write: boolean): Content;
}

/** A directory. Names given to it are single components, neither `.` nor `..`. */
export abstract class Directory extends Inode {
  /** The directory that holds it and its name there; the root is its own parent. */
  parent: Directory = this;
  name = '';
  /** File systems that hide whatever stands under these names. */
  readonly mounts = new Map<string, Directory>();

  abstract lookup(name: string): Inode | null;
  abstract list(): Entry[];

  createFile(_name: string, _mode: number): RegularInode {
    return fail(E.EPERM);
  }
  /** A file without a name (O_TMPFILE), which link(2) may give one if it is linkable. */
  createUnnamed(_mode: number, _linkable: boolean): RegularInode {
    return fail(E.EOPNOTSUPP);
  }
  /** Makes a FIFO or a socket: what the type bits of `mode` say. */
  mknod(_name: string, _mode: number): Inode {
    return fail(E.EPERM);
  }
  mkdir(_name: string, _mode: number): Directory {
    return fail(E.EPERM);
  }
  symlink(_name: string, _target: string): void {
    fail(E.EPERM);
  }
  link(_name: string, _inode: Inode): void {
    fail(E.EPERM);
  }
  /** Removes a name that is not a directory's. */
  unlink(_name: string): void {
    fail(E.EPERM);
  }
  /** Removes an empty directory. */
  rmdir(_name: string): void {
    fail(E.EPERM);
  }
  /** Moves `name` to `newName` of `target`, a directory of the same file system, replacing what may be replaced. */
  rename(_name: string, _target: Directory, _newName: string): void {
    fail(E.EPERM);
  }

  /** Lets `name` and `newName` of `target` change places. */
  exchange(_name: string, _target: Directory, _newName: string): void {
    fail(E.EINVAL);
  }

  /** What stands under `name`, mounts first. */
  child(name: string): Inode | null {
    return this.mounts.get(name) ?? this.lookup(name);
  }

  /** Every name, `.` and `..` included, mounts in place of what they hide. */
  entries(): Entry[] {
    const own = this.list().filter((entry) => !this.mounts.has(entry.name));
    const mounted = [...this.mounts].map(([name, { mode, ino }]) => ({ name, ino, mode }));
    const dots = [
      { name: '.', ino: this.ino, mode: S_IF.DIR },
      { name: '..', ino: this.parent.ino, mode: S_IF.DIR },
    ];
    return [...dots, ...own, ...mounted];
  }

  get ino(): number {
    return this.attributes().ino;
  }

  /** Puts another file system's root under `name`. */
  mount(name: string, root: Directory): void {
    root.parent = this;
    root.name = name;
    this.mounts.set(name, root);
  }

  /** Absolute path inside the guest. */
  path(): string {
    if (this.parent === this) return '/';
    const above = this.parent.path();
    return above === '/' ? `/${this.name}` : `${above}/${this.name}`;
  }
}

/** Lets the memory system map a file's bytes. */
export function backingOf(content: Content, label: string): Backing {
  const { dev, ino } = content.attributes();
  return {
    label,
    device: dev,
    inode: ino,
    get size() {
      return content.size;
    },
    read: (offset, into) => content.read(offset, into),
    sharedPages: (memory) => content.sharedPages(memory),
    retain: () => content.retain(),
    release: () => content.release(),
  };
}

/** Bytes that are made zero at once. */
const PUNCHED = 1 << 16;

/**
 * A file's bytes together with the frames that shared mappings of it use, so that read(2), write(2) and memory agree.
 * A subclass brings the bytes themselves.
 */
export abstract class CachedContent implements Content {
  #pages: SharedPages | null = null;

  abstract readonly size: number;
  protected abstract load(offset: number, into: Uint8Array): number;
  protected abstract store(offset: number, bytes: Uint8Array): number;
  protected abstract resize(size: number): void;
  abstract sync(): void;
  abstract attributes(): Attributes;
  abstract retain(): void;
  abstract release(): void;

  read(offset: number, into: Uint8Array): number {
    const length = this.load(offset, into);
    this.#pages?.overlay(offset, into.subarray(0, length));
    return length;
  }

  write(offset: number, bytes: Uint8Array): number {
    const length = this.store(offset, bytes);
    this.#pages?.update(offset, bytes.subarray(0, length));
    return length;
  }

  truncate(size: number): void {
    this.resize(size);
    this.#pages?.truncate(size);
  }

  nextData(offset: number): number | null {
    return offset < this.size ? offset : null;
  }

  nextHole(_offset: number): number {
    return this.size;
  }

  punch(offset: number, length: number): void {
    const end = Math.min(offset + length, this.size);
    for (let at = offset; at < end; at += PUNCHED) this.write(at, new Uint8Array(Math.min(PUNCHED, end - at)));
  }

  get seals(): number | null {
    return null;
  }
  seal(_seals: number): void {
    fail(E.EINVAL);
  }

  sharedPages(memory: PhysicalMemory): SharedPages {
    this.#pages ??= new SharedPages(
      memory,
      (offset, into) => this.load(offset, into),
      (offset, page) => {
        const inside = Math.min(page.length, this.size - offset);
        if (inside > 0) this.store(offset, page.slice(0, inside));
      },
    );
    return this.#pages;
  }
}
