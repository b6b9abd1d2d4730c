import type { Random } from '../../bits/random.ts';
import type { PhysicalMemory } from '../../memory/physical.ts';
import { E, fail } from '../errno.ts';
import { type Backing, SharedPages } from '../vm/backing.ts';
import { type Attributes, Inode } from './inode.ts';
import type { MemoryFs } from './memory.ts';
import { makeDevice, S_IF } from './mode.ts';
import { OpenFile } from './open-file.ts';

/** Most bytes that one read of a device gives. */
const MAX_READ = 0x7fff_f000;

/** What a character device does with reads and writes. */
export interface DeviceOps {
  read(length: number): Uint8Array;
  write(bytes: Uint8Array): number;
  /** True when mmap(2) gives zeroed memory. */
  readonly mappable?: boolean;
}

/** A character device in /dev. */
export class DeviceInode extends Inode {
  readonly dev: number;
  readonly ops: DeviceOps;
  readonly #ino: number;
  readonly #rdev: number;
  readonly #created: bigint;

  constructor(fs: MemoryFs, rdev: number, ops: DeviceOps) {
    super();
    this.dev = fs.dev;
    this.ops = ops;
    this.#ino = fs.inode();
    this.#rdev = rdev;
    this.#created = fs.now();
  }

  attributes(): Attributes {
    const time = { atime: this.#created, mtime: this.#created, ctime: this.#created };
    const mode = S_IF.CHR | 0o666;
    return { dev: this.dev, ino: this.#ino, mode, nlink: 1, uid: 0, gid: 0, rdev: this.#rdev, size: 0, ...time };
  }
  override setTimes(): void {}
}

/** A node that knows itself how it is opened: a terminal's. */
export abstract class SelfOpening extends Inode {
  /** @param flags those of open(2), all of them */
  abstract openFile(path: string, flags: number): OpenFile;
}

/** An open device. */
export class DeviceFile extends OpenFile {
  readonly #inode: DeviceInode;
  readonly #ops: DeviceOps;

  constructor(inode: DeviceInode, path: string, flags: number) {
    super(path, flags);
    this.#inode = inode;
    this.#ops = inode.ops;
  }
  override get inode(): DeviceInode {
    return this.#inode;
  }
  attributes(): Attributes {
    return this.#inode.attributes();
  }
  override read(length: number): Uint8Array {
    return this.#ops.read(Math.min(length, MAX_READ));
  }
  override readAt(_offset: number, length: number): Uint8Array {
    return this.read(length);
  }
  override write(bytes: Uint8Array): number {
    return this.#ops.write(bytes);
  }
  override writeAt(_offset: number, bytes: Uint8Array): number {
    return this.write(bytes);
  }
  override seek(): number {
    return 0;
  }
  override backing(): Backing {
    if (!this.#ops.mappable) return fail(E.ENODEV);
    const { dev, ino } = this.attributes();
    return {
      label: this.path,
      device: dev,
      inode: ino,
      size: Number.MAX_SAFE_INTEGER,
      read: (_, into) => into.fill(0).length,
      // Each shared mapping of /dev/zero is memory of its own.
      sharedPages: (memory: PhysicalMemory) => new SharedPages(memory, null, null),
      retain: () => {},
      release: () => {},
    };
  }
}

const NOTHING = new Uint8Array(0);

/** The devices that every program may expect, by name. */
export function standardDevices(fs: MemoryFs, random: Random): Map<string, DeviceInode> {
  const swallow = (bytes: Uint8Array): number => bytes.length;
  const noise: DeviceOps = { read: (length) => random.bytes(length), write: swallow };
  const zeros = (length: number): Uint8Array => new Uint8Array(length);
  return new Map([
    ['null', new DeviceInode(fs, makeDevice(1, 3), { read: () => NOTHING, write: swallow })],
    ['zero', new DeviceInode(fs, makeDevice(1, 5), { read: zeros, write: swallow, mappable: true })],
    ['full', new DeviceInode(fs, makeDevice(1, 7), { read: zeros, write: () => fail(E.ENOSPC) })],
    ['random', new DeviceInode(fs, makeDevice(1, 8), noise)],
    ['urandom', new DeviceInode(fs, makeDevice(1, 9), noise)],
  ]);
}
