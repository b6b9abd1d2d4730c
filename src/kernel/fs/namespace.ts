import type { Random } from '../../bits/random.ts';
import { errnoText, SysError } from '../errno.ts';
import { standardDevices } from './device.ts';
import { HostMount, type Owner } from './host.ts';
import { Directory, type Inode } from './inode.ts';
import { FileLocks } from './locks.ts';
import { MemoryDirectory, MemoryFile, MemoryFs, MemorySymlink } from './memory.ts';
import { makeProc, type SystemInfo } from './proc.ts';

/** A directory of the host that the guest may use. */
export interface Grant {
  readonly host: string;
  readonly guest: string;
  readonly readOnly: boolean;
}

/** A grant that cannot be understood or made: one line. */
export class GrantError extends Error {
  override readonly name = 'GrantError';
}

/** Reads `HOST=GUEST` or `HOST`, which the guest sees at the same path; `:ro` behind it. @throws GrantError */
export function parseGrant(text: string): Grant {
  const readOnly = text.endsWith(':ro');
  const whole = readOnly ? text.slice(0, -3) : text;
  const cut = whole.indexOf('=');
  const host = cut < 0 ? whole : whole.slice(0, cut);
  const guest = cut < 0 ? whole : whole.slice(cut + 1);
  if (host === '' || guest === '' || (cut < 0 && !whole.startsWith('/')))
    throw new GrantError(`'${text}' is not HOST=GUEST or HOST=GUEST:ro`);
  if (!guest.startsWith('/')) throw new GrantError(`'${text}': the guest's path must start with /`);
  if (guest.split('/').some((part) => part === '.' || part === '..')) {
    throw new GrantError(`'${text}': the guest's path must not hold . or ..`);
  }
  return { host, guest, readOnly };
}

export interface NamespaceOptions {
  readonly grants: readonly Grant[];
  readonly now: () => bigint;
  readonly random: Random;
  readonly system: SystemInfo;
  readonly owner: Owner;
  /** Nodes of /dev besides the standard ones. */
  readonly devices: (fs: MemoryFs) => ReadonlyMap<string, Inode>;
  /** Bytes that files in memory may have together. */
  readonly memoryLimit: number;
}

const ROOT_DEV = 1;
const PROC_DEV = 2;
const DEV_DEV = 3;
const FIRST_HOST_DEV = 16;

/** Files that a C library looks for, so that names of users and hosts resolve. */
const ETC: Readonly<Record<string, string>> = {
  passwd: 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n',
  group: 'root:x:0:\nnogroup:x:65534:\n',
  hostname: 'swapgs\n',
  hosts: '127.0.0.1\tlocalhost swapgs\n',
};

/** The guest's file system: memory, with the granted directories, /dev and /proc mounted into it. */
export class Namespace {
  readonly root: Directory;
  readonly memory: MemoryFs;
  readonly locks = new FileLocks();
  readonly #mounts: HostMount[] = [];

  /** @throws GrantError when a granted directory cannot be opened */
  constructor(options: NamespaceOptions) {
    this.memory = new MemoryFs(ROOT_DEV, options.now, options.memoryLimit);
    let root: Directory = new MemoryDirectory(this.memory);
    // Outer grants first, so that inner ones are mounted inside them.
    const grants = [...options.grants].sort((a, b) => depth(a.guest) - depth(b.guest));
    const mounted = grants.map((grant) => ({ grant, mount: this.#open(grant, options.owner) }));
    for (const { grant, mount } of mounted) if (depth(grant.guest) === 0) root = mount.root;
    this.root = root;
    if (root instanceof MemoryDirectory) {
      this.#provide(root, '/tmp', 0o1777);
      this.#provide(root, '/root', 0o700);
      const etc = this.#provide(root, '/etc', 0o755);
      for (const [name, text] of Object.entries(ETC)) {
        const file = etc.createFile(name, 0o644);
        file.open(false, true).write(0, new TextEncoder().encode(text));
      }
    }
    for (const { grant, mount } of mounted) if (depth(grant.guest) > 0) this.#mount(grant.guest, mount.root);
    this.#mount('/proc', makeProc(new MemoryFs(PROC_DEV, options.now, 0), options.system));
    this.#mount('/dev', this.#devices(options));
  }

  #open(grant: Grant, owner: Owner): HostMount {
    try {
      const dev = FIRST_HOST_DEV + this.#mounts.length;
      const mount = new HostMount(grant.host, { dev, readOnly: grant.readOnly, owner });
      this.#mounts.push(mount);
      return mount;
    } catch (error) {
      this.close();
      if (!(error instanceof SysError)) throw error;
      throw new GrantError(`cannot grant '${grant.host}': ${errnoText(error.errno)}`);
    }
  }

  #devices(options: NamespaceOptions): Directory {
    const fs = new MemoryFs(DEV_DEV, options.now, 0);
    const dev = new MemoryDirectory(fs);
    for (const [name, device] of standardDevices(fs, options.random)) dev.add(name, device);
    for (const [name, node] of options.devices(fs)) dev.add(name, node);
    // Shared memory and semaphores of POSIX are files there.
    dev.add('shm', new MemoryDirectory(this.memory, 0o1777));
    dev.add('fd', new MemorySymlink(fs, '/proc/self/fd'));
    for (const [number, name] of ['stdin', 'stdout', 'stderr'].entries()) {
      dev.add(name, new MemorySymlink(fs, `/proc/self/fd/${number}`));
    }
    return dev;
  }

  /** The directory at `path`, made in memory as far as it does not exist. Nothing is made on the host. */
  #provide(root: Directory, path: string, mode: number): Directory {
    let at = root;
    for (const part of path.split('/').filter((name) => name !== '')) {
      const child = at.child(part);
      if (child instanceof Directory) {
        at = child;
      } else if (at instanceof MemoryDirectory && child === null) {
        at = at.mkdir(part, mode);
        at.chmod(mode);
      } else {
        const overlay = new MemoryDirectory(this.memory, mode);
        at.mount(part, overlay);
        at = overlay;
      }
    }
    return at;
  }

  #mount(path: string, root: Directory): void {
    const parts = path.split('/').filter((name) => name !== '');
    const name = parts.pop()!;
    this.#provide(this.root, parts.join('/'), 0o755).mount(name, root);
  }

  /**
   * Puts a program into memory at `path`, where nothing stands yet, so that /proc/self/exe leads somewhere.
   * Returns false when something stands there already.
   */
  install(path: string, bytes: Uint8Array): boolean {
    const parts = path.split('/').filter((name) => name !== '');
    const name = parts.pop();
    if (name === undefined) return false;
    const directory = this.#provide(this.root, parts.join('/'), 0o755);
    if (!(directory instanceof MemoryDirectory) || directory.child(name) !== null) return false;
    const file = new MemoryFile(this.memory, 0o755);
    const content = file.open();
    content.write(0, bytes);
    content.release();
    directory.add(name, file);
    return true;
  }

  /** Closes what is open on the host. */
  close(): void {
    for (const mount of this.#mounts.splice(0)) mount.close();
  }
}

const depth = (path: string): number => path.split('/').filter((name) => name !== '').length;
