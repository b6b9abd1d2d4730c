import childProcess from 'node:child_process';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { AT, O, S_IF } from '../../src/kernel/fs/mode.ts';
import { syscallName } from '../../src/kernel/syscalls/names.ts';
import { SyscallBench } from '../support/syscalls.ts';

const NUMBERS = new Map(Array.from({ length: 512 }, (_, number) => [syscallName(number), number]));
const CANARY = 'nobody inside may read this';

/** Outside: what the guest must not reach. Inside: what a grant gives it. */
const outside = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'isolation-')));
const inside = join(outside, 'granted');
const secret = join(outside, 'secret');
fs.writeFileSync(secret, CANARY);
fs.mkdirSync(join(inside, 'sub'), { recursive: true });
fs.writeFileSync(join(inside, 'file'), 'granted');
fs.chmodSync(join(inside, 'file'), 0o644);
for (const [name, target] of [
  ['relative', '../secret'],
  ['absolute', secret],
  ['above', '..'],
  ['outside', outside],
  ['deep', 'sub/../../secret'],
  ['sub/twice', '../../secret'],
  ['chain', 'relative'],
  ['descriptor', '/proc/self/fd/3'],
  ['loop', 'loop'],
  ['slash', '/'],
] as const)
  fs.symlinkSync(target, join(inside, name));
afterAll(() => fs.rmSync(outside, { recursive: true }));
afterEach(() => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
});

/** Everything below a directory of the host, by name: type, rights, contents. */
function snapshot(directory: string): Record<string, string> {
  const found: Record<string, string> = {};
  const visit = (path: string): void => {
    for (const name of fs.readdirSync(path)) {
      const at = join(path, name);
      const stat = fs.lstatSync(at);
      const content = stat.isSymbolicLink() ? fs.readlinkSync(at) : stat.isFile() ? fs.readFileSync(at, 'utf8') : '';
      found[at] = `${stat.mode.toString(8)} ${stat.nlink} ${content}`;
      if (stat.isDirectory()) visit(at);
    }
  };
  visit(directory);
  return found;
}

/** Counts every call of the host's files, programs and network from here on. */
function watchHost(): () => string[] {
  const called: string[] = [];
  for (const [prefix, module] of [
    ['fs', fs],
    ['child_process', childProcess],
    ['net', net],
  ] as const)
    for (const [name, value] of Object.entries(module)) {
      if (typeof value !== 'function' || /^[A-Z_]/.test(name)) continue;
      vi.spyOn(module as unknown as Record<string, () => unknown>, name).mockImplementation((): never => {
        called.push(`${prefix}.${name}`);
        throw new Error(`${prefix}.${name} was called`);
      });
    }
  syncBuiltinESMExports();
  return () => called;
}

/** Tries things and keeps count; whatever it can read is looked at. */
class Prisoner {
  readonly bench: SyscallBench;
  tries = 0;
  readonly results = new Map<string, number | string>();

  constructor(bench: SyscallBench) {
    this.bench = bench;
  }

  try(name: string, ...args: (number | bigint | string)[]): number | string {
    const { bench } = this;
    const mark = bench.mark();
    const raw = args.map((arg) => (typeof arg === 'string' ? bench.text(arg) : arg));
    const result = bench.number(NUMBERS.get(name)!, ...raw);
    bench.reset(mark);
    this.results.set(`${name}(${args.join(', ')})`, result);
    this.tries++;
    return result;
  }

  /** Opens a path, reads what is there, and closes it. */
  look(path: string, flags: number): void {
    const fd = this.try('open', path, flags, 0o666);
    if (typeof fd === 'string') return;
    expect(this.bench.readText(fd), path).not.toContain(CANARY);
    if (flags & O.ACCMODE) this.try('write', fd, this.bench.scratch, 4);
    this.try('close', fd);
  }

  /** Every call that takes a path. */
  path(path: string): void {
    const { bench } = this;
    const out = bench.room(4096);
    const list = bench.words(bench.text('x'), 0);
    for (const flags of [O.RDONLY, O.RDWR, O.WRONLY | O.TRUNC, O.CREAT | O.RDWR, O.PATH, O.TMPFILE | O.RDWR])
      this.look(path, flags);
    this.try('openat2', AT.FDCWD, path, bench.words(0, 0, 8), 24);
    this.try('execve', path, list, list);
    this.try('execveat', AT.FDCWD, path, list, list, 0);
    this.try('stat', path, out);
    this.try('truncate', path, 0);
    this.try('chmod', path, 0o777);
    this.try('chown', path, 1, 1);
    this.try('utimensat', AT.FDCWD, path, 0, 0);
    this.try('link', path, '/stolen');
    this.try('linkat', AT.FDCWD, path, AT.FDCWD, '/stolen2', AT.SYMLINK_FOLLOW);
    this.try('rename', path, '/moved');
    this.try('rename', '/etc/hosts', path);
    this.try('unlink', path);
    this.try('mkdir', path, 0o777);
    this.try('rmdir', path);
    this.try('mknod', path, S_IF.CHR | 0o666, 0x103);
    this.try('mknod', path, S_IF.FIFO | 0o666, 0);
    this.try('symlink', secret, path);
    this.try('chdir', path);
    this.try('name_to_handle_at', AT.FDCWD, path, out, out, 0);
    this.try('readlink', path, out, 4096);
    expect(Buffer.from(bench.user.read(out, 4096)).toString()).not.toContain(CANARY);
    const socket = this.try('socket', 1, 1, 0) as number;
    this.try('connect', socket, this.unix(path), 110);
    this.try('bind', socket, this.unix(path), 110);
    this.try('close', socket);
    this.try('chdir', '/');
  }

  unix(path: string): number {
    const address = new Uint8Array(110);
    address[0] = 1;
    address.set(Buffer.from(path).subarray(0, 107), 2);
    return this.bench.bytes(address);
  }

  inet(ip: readonly number[], port: number): number {
    return this.bench.bytes(Uint8Array.of(2, 0, port >> 8, port & 255, ...ip, 0, 0, 0, 0, 0, 0, 0, 0));
  }
}

/** What a kernel says that does not have a call, or has it turned off. */
const REFUSED = ['ENOSYS', 'EPERM', 'EOPNOTSUPP', 'EINVAL', 'ENODEV', 'EACCES'];

const HOST_PATHS = [
  secret,
  `${outside}/granted/file`,
  `/../../..${secret}`,
  `/proc/self/root${secret}`,
  `/proc/1/root${secret}`,
  `/proc/1000/root${secret}`,
  `/proc/self/cwd/../../..${secret}`,
  `/proc/self/fd/0/../..${secret}`,
  `/dev/fd/3${secret}`,
  '/proc/1/mem',
  '/proc/self/mem',
  '/proc/kcore',
  '/proc/sysrq-trigger',
  '/dev/mem',
  '/dev/sda',
  '/dev/kvm',
  '/dev/pts/0',
  '/sys/kernel',
  '/run/docker.sock',
  '/tmp/link',
  '/tmp/up/secret',
];

describe('a guest without grants', () => {
  it('reads and writes nothing of the host by any path', () => {
    const bench = new SyscallBench();
    const before = snapshot(outside);
    const called = watchHost();
    const prisoner = new Prisoner(bench);
    bench.call('symlink', bench.text(secret), bench.text('/tmp/link'));
    bench.call('symlink', bench.text(outside), bench.text('/tmp/up'));
    for (const path of HOST_PATHS) prisoner.path(path);
    expect(called()).toEqual([]);
    expect(prisoner.tries).toBeGreaterThan(500);
    expect(prisoner.results.get(`open(${secret}, 0, 438)`)).toBe('ENOENT');
    expect(prisoner.results.get('open(/dev/mem, 0, 438)')).toBe('ENOENT');
    vi.restoreAllMocks();
    expect(snapshot(outside)).toEqual(before);
  });

  it('has no call that leads out', () => {
    const bench = new SyscallBench();
    const called = watchHost();
    const prisoner = new Prisoner(bench);
    const out = bench.room(4096);
    const refused = (
      expected: string | readonly string[],
      name: string,
      ...args: (number | bigint | string)[]
    ): void => {
      expect([expected].flat(), `${name}(${args.join(', ')})`).toContain(prisoner.try(name, ...args));
    };
    for (const pid of [1, process.pid, process.ppid, bench.process.pid]) {
      for (const request of [0, 1, 2, 4, 12, 16, 0x4206]) refused(REFUSED, 'ptrace', request, pid, 0, 0);
      refused(REFUSED, 'kcmp', pid, pid, 0, 0, 0);
    }
    for (const pid of [1, process.pid, process.ppid]) {
      refused('ESRCH', 'kill', pid, 9);
      for (const name of ['process_vm_readv', 'process_vm_writev'])
        refused('ESRCH', name, pid, bench.words(out, 8), 1, bench.words(0x400000, 8), 1, 0);
      refused('ESRCH', 'pidfd_open', pid, 0);
    }
    refused('ESRCH', 'tkill', process.pid, 9);
    refused('ESRCH', 'sched_getparam', process.pid, out);
    refused('ESRCH', 'setpgid', process.pid, 0);
    refused('ESRCH', 'prlimit64', process.pid, 7, 0, out);
    const absent = [
      ['mount', '/dev/sda', '/tmp', 'ext4', 0, 0],
      ['mount', 'proc', '/tmp', 'proc', 0, 0],
      ['mount', '/', '/tmp', '', 0x1000, 0],
      ['umount2', '/proc', 2],
      ['pivot_root', '/tmp', '/tmp'],
      ['unshare', 0x0002_0000],
      ['setns', 0, 0],
      ['open_tree', AT.FDCWD, '/', 1],
      ['move_mount', 0, '', AT.FDCWD, '/tmp', 4],
      ['fsopen', 'ext4', 0],
      ['open_by_handle_at', AT.FDCWD, out, 0],
      ['name_to_handle_at', AT.FDCWD, '/', out, out, 0],
      ['init_module', out, 16, ''],
      ['finit_module', 0, '', 0],
      ['kexec_load', 0, 0, 0, 0],
      ['bpf', 0, out, 64],
      ['perf_event_open', out, 0, -1, -1, 0],
      ['io_uring_setup', 8, out],
      ['io_setup', 8, out],
      ['userfaultfd', 0],
      ['iopl', 3],
      ['ioperm', 0x60, 8, 1],
      ['reboot', 0xfee1_dead, 0x2812_1969, 0x0123_4567, 0],
      ['swapon', '/dev/sda', 0],
      ['acct', secret],
      ['quotactl', 0, '/dev/sda', 0, 0],
      ['settimeofday', out, 0],
      ['clock_settime', 0, out],
      ['adjtimex', out],
      ['syslog', 3, out, 100],
      ['keyctl', 0, 0],
      ['add_key', 'user', 'a', out, 1, 0],
      ['fanotify_init', 0, 0],
      ['shmget', 1, 4096, 0o1666],
      ['semget', 1, 1, 0o1666],
      ['msgget', 1, 0o1666],
      ['mq_open', '/queue', O.CREAT | O.RDWR, 0o666, 0],
      ['modify_ldt', 1, out, 16],
      ['vhangup'],
      ['uselib', secret],
      ['memfd_secret', 0],
      ['landlock_create_ruleset', 0, 0, 1],
      ['migrate_pages', 0, 0, 0, 0],
      ['setxattr', '/etc/hosts', 'user.a', out, 1, 0],
      ['lookup_dcookie', 0, out, 16],
    ] as const;
    for (const [name, ...args] of absent) refused(REFUSED, name, ...args);
    // What these are given is no process and, in standard input, nothing to write to.
    refused('EBADF', 'process_madvise', 0, bench.words(out, 8), 1, 4, 0);
    refused('EBADF', 'pidfd_getfd', 0, 0, 0);
    refused('EBADF', 'vmsplice', 0, bench.words(out, 8), 1, 0);

    for (const type of [S_IF.CHR, S_IF.BLK])
      for (const device of [0x101, 0x103, 0x800, 0xfd00, 0x501, 0xa7d])
        refused('EPERM', 'mknod', `/tmp/device${device}`, type | 0o666, device);
    // Sockets: only this machine's own loopback is there.
    for (const family of [0, 3, 4, 5, 9, 16, 17, 29, 31, 38, 40, 44]) refused('EAFNOSUPPORT', 'socket', family, 3, 0);
    for (const type of [3, 4, 6, 10]) refused(['EPERM', 'EPROTONOSUPPORT'], 'socket', 2, type, 0);
    const stream = bench.call('socket', 2, 1, 0) as number;
    const datagram = bench.call('socket', 2, 2, 0) as number;
    for (const ip of [
      [8, 8, 8, 8],
      [10, 0, 0, 1],
      [172, 17, 0, 1],
      [192, 168, 1, 1],
      [169, 254, 169, 254],
      [255, 255, 255, 255],
      [224, 0, 0, 1],
    ]) {
      refused('ENETUNREACH', 'connect', stream, prisoner.inet(ip, 80), 16);
      refused('ENETUNREACH', 'sendto', datagram, out, 4, 0, prisoner.inet(ip, 53), 16);
      refused('EADDRNOTAVAIL', 'bind', datagram, prisoner.inet(ip, 5353), 16);
    }
    for (const port of [22, 80, 631, 3000, 8080])
      refused('ECONNREFUSED', 'connect', stream, prisoner.inet([127, 0, 0, 1], port), 16);
    // Descriptors: the host's own are not there, and requests reach no driver.
    for (let fd = 5; fd < 40; fd++) {
      refused('EBADF', 'read', fd, out, 1);
      refused('EBADF', 'fchdir', fd);
    }
    for (const request of [0x5412, 0x541c, 0x5401, 0x1268, 0x8904, 0x8912, 0xae00, 0xc018_6b01])
      for (const fd of [0, 1, 2]) refused('ENOTTY', 'ioctl', fd, request, out);
    refused('ENOTDIR', 'fchdir', 0);
    refused(['EINVAL', 'ENODEV', 'EACCES'], 'mmap', 0, 4096, 3, 1, 1, 0);
    expect(called()).toEqual([]);
    expect(prisoner.tries).toBeGreaterThan(200);
  });

  it('stays inside with descriptors, roots and links that it makes', () => {
    const bench = new SyscallBench();
    const called = watchHost();
    const prisoner = new Prisoner(bench);
    // The way out of chroot(2): a descriptor of the old root, and `..` from a directory outside the new one.
    const root = bench.call('open', bench.text('/'), O.DIRECTORY, 0) as number;
    bench.call('mkdir', bench.text('/jail'), 0o755);
    expect(prisoner.try('chroot', '/jail')).toBe(0);
    expect(prisoner.try('fchdir', root)).toBe(0);
    for (let i = 0; i < 40; i++) prisoner.try('chdir', '..');
    expect(prisoner.try('chroot', '.')).toBe(0);
    for (const path of [secret, `.${secret}`, `../../../..${secret}`]) prisoner.look(path, O.RDONLY);
    for (const path of [secret, `.${secret}`, `../../..${secret}`])
      expect(prisoner.try('openat', root, path, 0)).toBe('ENOENT');
    // A descriptor sent to oneself is what it was before.
    const pair = bench.room(8);
    bench.call('socketpair', 1, 1, 0, pair);
    const [a, b] = [bench.user.u32(pair), bench.user.u32(pair + 4)];
    const control = bench.bytes(
      new Uint8Array([20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, root, 0, 0, 0, 0, 0, 0, 0]),
    );
    const header = bench.words(0, 0, bench.words(bench.text('x'), 1), 1, control, 24, 0);
    expect(prisoner.try('sendmsg', a, header, 0)).toBe(1);
    expect(prisoner.try('recvmsg', b, header, 0)).toBe(1);
    const received = bench.user.u32(control + 16);
    expect(prisoner.try('openat', received, `..${secret}`, 0)).toBe('ENOENT');
    for (const fd of [17, 33, 99, 1000, -1, -2]) {
      bench.user.setU32(control + 16, fd);
      bench.user.setU64(header + 40, 24);
      expect(prisoner.try('sendmsg', a, header, 0)).toBe('EBADF');
    }
    expect(called()).toEqual([]);
  });
});

const ESCAPES = [
  '/g/relative',
  '/g/absolute',
  '/g/above/secret',
  '/g/outside/secret',
  '/g/deep',
  '/g/sub/twice',
  '/g/chain',
  '/g/descriptor',
  '/g/loop',
  '/g/../secret',
  '/g/sub/../../secret',
  `/g/slash${secret}`,
  `/g/../..${secret}`,
  '/proc/self/cwd/../secret',
  '/proc/self/fd/3/../secret',
  '/proc/self/fd/4/../../secret',
  '/made/secret',
];

for (const readOnly of [false, true])
  describe(`a guest with one ${readOnly ? 'read-only' : 'writable'} directory`, () => {
    it('does not leave it', () => {
      const bench = new SyscallBench({ grants: [{ host: inside, guest: '/g', readOnly }] });
      const before = snapshot(outside);
      const prisoner = new Prisoner(bench);
      bench.call('open', bench.text('/g'), O.DIRECTORY, 0);
      bench.call('open', bench.text('/g/sub'), O.DIRECTORY, 0);
      bench.call('symlink', bench.text('/g/..'), bench.text('/made'));
      for (const cwd of ['/g', '/g/sub', '/']) {
        bench.call('chdir', bench.text(cwd));
        for (const path of ESCAPES) {
          prisoner.look(path, O.RDONLY);
          prisoner.try('stat', path, bench.scratch + 4096);
        }
      }
      for (const target of ['..', '../secret', '/', secret, 'sub/../../secret'])
        expect(prisoner.try('symlink', target, '/g/new')).toBe(readOnly ? 'EROFS' : 'EPERM');
      for (const type of [S_IF.CHR, S_IF.BLK, S_IF.FIFO, S_IF.SOCK])
        expect(['EPERM', 'EROFS']).toContain(prisoner.try('mknod', '/g/node', type | 0o666, 0x103));
      for (const name of ['file', 'sub'])
        expect(['EXDEV', 'EROFS']).toContain(prisoner.try('rename', `/g/${name}`, '/tmp/out'));
      expect(prisoner.try('link', '/g/file', '/tmp/out')).toBe('EXDEV');
      expect(snapshot(outside)).toEqual(before);
      // Everything that changes something, aimed outward; what is granted is made again below.
      for (const path of ESCAPES) prisoner.path(path);
      const after = snapshot(outside);
      if (readOnly) {
        for (const path of ['/g/file', '/g/sub', '/g/new']) prisoner.path(path);
        expect(snapshot(outside)).toEqual(before);
      }
      for (const text of Object.keys(after)) expect(text === secret || text.startsWith(inside)).toBe(true);
      expect(after[secret]).toBe(before[secret]);
      expect(after[join(inside, 'file')]).toBe(before[join(inside, 'file')]);
      expect(prisoner.tries).toBeGreaterThan(200);
      bench.kernel.close();
    });

    it('is what the watch on the host sees', () => {
      const bench = new SyscallBench({ grants: [{ host: inside, guest: '/g', readOnly }] });
      const called = watchHost();
      expect(() => bench.contents('/g/file')).toThrow('was called');
      expect(called()).not.toEqual([]);
    });
  });
