import { E, fail } from '../errno.ts';
import type { UserMemory } from '../user-memory.ts';
import { SharedPages } from '../vm/backing.ts';
import { SelfOpening } from './device.ts';
import type { FdTable } from './fd-table.ts';
import { type Attributes, type Content, Directory, type Entry, Inode, RegularInode, Symlink } from './inode.ts';
import type { MemoryFs } from './memory.ts';
import { S_IF } from './mode.ts';
import { OpenFile, seekTo } from './open-file.ts';

/** What /proc tells of one process. */
export interface ProcessInfo {
  readonly pid: number;
  /** Absolute path of the program, and its file. */
  readonly exePath: string;
  readonly exe: Inode | null;
  readonly cwd: Directory;
  readonly fds: FdTable;
  dead(): boolean;
  comm(): string;
  /** Its threads. */
  tasks(): readonly { readonly tid: number; readonly name: string }[];
  cmdline(): Uint8Array;
  environ(): Uint8Array;
  auxv(): Uint8Array;
  maps(): string;
  /** Its memory, for /proc/self/mem. */
  memory(): UserMemory;
  stat(): string;
  statm(): string;
  status(): string;
}

/** What /proc tells of the machine. */
export interface SystemInfo {
  /** Whose /proc/self it is. */
  current(): ProcessInfo | null;
  processes(): readonly ProcessInfo[];
  meminfo(): string;
  cpuinfo(): string;
  uptime(): string;
  version(): string;
}

const PROC_BLOCK = 1024;
const DELETED = ' (deleted)';

/** Attributes of a file that /proc makes up on the spot. */
function attributesOf(fs: MemoryFs, ino: number, mode: number): Attributes {
  const now = fs.now();
  const time = { atime: now, mtime: now, ctime: now };
  return { dev: fs.dev, ino, mode, nlink: 1, uid: 0, gid: 0, rdev: 0, size: 0, blockSize: PROC_BLOCK, ...time };
}

/** A file whose bytes are made when it is opened. */
class GeneratedFile extends RegularInode {
  readonly #fs: MemoryFs;
  readonly #ino: number;
  readonly #make: () => Uint8Array | string;

  constructor(fs: MemoryFs, ino: number, make: () => Uint8Array | string) {
    super();
    this.#fs = fs;
    this.#ino = ino;
    this.#make = make;
  }
  get dev(): number {
    return this.#fs.dev;
  }
  attributes(): Attributes {
    return attributesOf(this.#fs, this.#ino, S_IF.REG | 0o444);
  }
  open(_read: boolean, write: boolean): Content {
    if (write) fail(E.EACCES);
    const made = this.#make();
    const bytes = typeof made === 'string' ? new TextEncoder().encode(made) : made;
    const attributes = this.attributes();
    return {
      size: bytes.length,
      read(offset, into) {
        const part = bytes.subarray(offset, offset + into.length);
        into.set(part);
        return part.length;
      },
      write: () => fail(E.EACCES),
      truncate: () => fail(E.EACCES),
      nextData: (offset) => (offset < bytes.length ? offset : null),
      nextHole: () => bytes.length,
      punch: () => fail(E.EACCES),
      seals: null,
      seal: () => fail(E.EINVAL),
      sync: () => fail(E.EINVAL),
      attributes: () => attributes,
      sharedPages: (memory) => new SharedPages(memory, null, null),
      retain: () => {},
      release: () => {},
    };
  }
}

/** /proc/self/mem: a process's memory as a file. */
class MemoryInode extends SelfOpening {
  readonly #fs: MemoryFs;
  readonly #ino: number;
  readonly #memory: () => UserMemory;

  constructor(fs: MemoryFs, ino: number, memory: () => UserMemory) {
    super();
    this.#fs = fs;
    this.#ino = ino;
    this.#memory = memory;
  }
  get dev(): number {
    return this.#fs.dev;
  }
  attributes(): Attributes {
    return attributesOf(this.#fs, this.#ino, S_IF.REG | 0o600);
  }
  openFile(path: string, flags: number): OpenFile {
    return new ProcessMemoryFile(this, this.#memory(), path, flags);
  }
}

class ProcessMemoryFile extends OpenFile {
  readonly #inode: MemoryInode;
  readonly #memory: UserMemory;
  #offset = 0;

  constructor(inode: MemoryInode, memory: UserMemory, path: string, flags: number) {
    super(path, flags);
    this.#inode = inode;
    this.#memory = memory;
  }
  attributes(): Attributes {
    return this.#inode.attributes();
  }
  override readAt(offset: number, length: number): Uint8Array {
    const room = this.#memory.span(offset, length, false);
    return room === 0 && length > 0 ? fail(E.EIO) : this.#memory.read(offset, room);
  }
  override writeAt(offset: number, bytes: Uint8Array): number {
    const room = this.#memory.span(offset, bytes.length, true);
    if (room === 0 && bytes.length > 0) fail(E.EIO);
    this.#memory.write(offset, bytes.subarray(0, room));
    return room;
  }
  override read(length: number): Uint8Array {
    const bytes = this.readAt(this.#offset, length);
    this.#offset += bytes.length;
    return bytes;
  }
  override write(bytes: Uint8Array): number {
    const done = this.writeAt(this.#offset, bytes);
    this.#offset += done;
    return done;
  }
  override seek(offset: number, whence: number): number {
    this.#offset = seekTo(this.#offset, 0, offset, whence);
    return this.#offset;
  }
}

/** An open file without a name, reached through /proc/self/fd: opening it shares it. */
export class StreamInode extends Inode {
  readonly file: OpenFile;
  constructor(file: OpenFile) {
    super();
    this.file = file;
  }
  get dev(): number {
    return this.file.attributes().dev;
  }
  attributes(): Attributes {
    return this.file.attributes();
  }
}

/** A link that shows a path and leads to an object, whatever stands at that path by now. */
class MagicLink extends Symlink {
  readonly target: string;
  readonly #fs: MemoryFs;
  readonly #ino: number;
  readonly #object: Inode | null;

  constructor(fs: MemoryFs, ino: number, target: string, object: Inode | null) {
    super();
    this.#fs = fs;
    this.#ino = ino;
    this.target = target;
    this.#object = object;
  }
  get dev(): number {
    return this.#fs.dev;
  }
  attributes(): Attributes {
    return attributesOf(this.#fs, this.#ino, S_IF.LNK | 0o777);
  }
  override follow(): Inode | null {
    return this.#object;
  }
}

/** A directory whose names are made at each look. */
class GeneratedDirectory extends Directory {
  readonly #fs: MemoryFs;
  readonly #ino: number;
  readonly #make: () => Map<string, (ino: number) => Inode>;
  /** Each name keeps the number that it got first. */
  readonly #inos = new Map<string, number>();

  constructor(fs: MemoryFs, make: () => Map<string, (ino: number) => Inode>) {
    super();
    this.#fs = fs;
    this.#ino = fs.inode();
    this.#make = make;
  }
  get dev(): number {
    return this.#fs.dev;
  }
  override get readOnly(): boolean {
    return true;
  }
  attributes(): Attributes {
    return attributesOf(this.#fs, this.#ino, S_IF.DIR | 0o555);
  }
  #inode(name: string, make: (ino: number) => Inode): Inode {
    let ino = this.#inos.get(name);
    if (ino === undefined) {
      ino = this.#fs.inode();
      this.#inos.set(name, ino);
    }
    const inode = make(ino);
    if (inode instanceof Directory) {
      inode.parent = this;
      inode.name = name;
    }
    return inode;
  }
  lookup(name: string): Inode | null {
    const make = this.#make().get(name);
    return make === undefined ? null : this.#inode(name, make);
  }
  list(): Entry[] {
    return [...this.#make()].map(([name, make]) => {
      const { ino, mode } = this.#inode(name, make).attributes();
      return { name, ino, mode };
    });
  }
}

/** What a descriptor's link shows: a file without a name says so. */
function pathOf({ path, inode }: OpenFile): string {
  const gone = inode instanceof RegularInode && !path.endsWith(DELETED) && inode.attributes().nlink === 0;
  return gone ? path + DELETED : path;
}

/** The root of /proc. */
export function makeProc(fs: MemoryFs, system: SystemInfo): Directory {
  const text = (make: () => string | Uint8Array) => (ino: number) => new GeneratedFile(fs, ino, make);
  const link = (target: string, object: Inode | null) => (ino: number) => new MagicLink(fs, ino, target, object);
  const perProcess = new WeakMap<ProcessInfo, Directory>();

  const directoryOf = (info: ProcessInfo): Directory => {
    let made = perProcess.get(info);
    if (made !== undefined) return made;
    const fd = new GeneratedDirectory(
      fs,
      () =>
        new Map(
          info.fds.numbers().map((number) => {
            const file = info.fds.get(number);
            return [String(number), link(pathOf(file), file.inode ?? new StreamInode(file))];
          }),
        ),
    );
    const threads = new GeneratedDirectory(
      fs,
      () =>
        new Map(
          info
            .tasks()
            .map(({ tid, name }) => [
              String(tid),
              () => new GeneratedDirectory(fs, () => new Map([['comm', text(() => `${name}\n`)]])),
            ]),
        ),
    );
    made = new GeneratedDirectory(
      fs,
      () =>
        new Map<string, (ino: number) => Inode>([
          ['auxv', text(() => info.auxv())],
          ['cmdline', text(() => info.cmdline())],
          ['comm', text(() => `${info.comm()}\n`)],
          ['cwd', link(info.cwd.path(), info.cwd)],
          ['environ', text(() => info.environ())],
          ['exe', link(info.exePath, info.exe)],
          ['fd', () => fd],
          ['maps', text(() => info.maps())],
          ['mem', (ino) => new MemoryInode(fs, ino, () => info.memory())],
          ['stat', text(() => info.stat())],
          ['statm', text(() => info.statm())],
          ['status', text(() => info.status())],
          ['task', () => threads],
        ]),
    );
    perProcess.set(info, made);
    return made;
  };

  return new GeneratedDirectory(fs, () => {
    const info = system.current();
    const names = new Map<string, (ino: number) => Inode>([
      ['cpuinfo', text(() => system.cpuinfo())],
      ['meminfo', text(() => system.meminfo())],
      ['uptime', text(() => system.uptime())],
      ['version', text(() => system.version())],
    ]);
    if (info !== null) names.set('self', link(String(info.pid), null));
    for (const process of system.processes()) names.set(String(process.pid), () => directoryOf(process));
    return names;
  });
}
