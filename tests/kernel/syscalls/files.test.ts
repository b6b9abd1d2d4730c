import { describe, expect, it } from 'vitest';
import { SyscallBench } from '../../support/syscalls.ts';

const O = {
  WRONLY: 1,
  RDWR: 2,
  CREAT: 0o100,
  EXCL: 0o200,
  TRUNC: 0o1000,
  APPEND: 0o2000,
  NONBLOCK: 0o4000,
  DIRECTORY: 0o200000,
  NOFOLLOW: 0o400000,
  CLOEXEC: 0o2000000,
  PATH: 0o10000000,
};
const AT_FDCWD = -100;

const open = (b: SyscallBench, path: string, flags = 0, mode = 0o644) => b.call('open', b.text(path), flags, mode);
const make = (b: SyscallBench, path: string, text = ''): void => {
  const fd = open(b, path, O.CREAT | O.WRONLY | O.TRUNC);
  b.call('write', fd as number, b.text(text), text.length);
  b.call('close', fd as number);
};
const stat = (b: SyscallBench, path: string) => {
  const out = b.room(144);
  const result = b.call('stat', b.text(path), out);
  if (result !== 0) return result;
  const view = b.user.view(out, 144);
  return {
    mode: view.getUint32(24, true),
    nlink: Number(view.getBigUint64(16, true)),
    size: Number(view.getBigInt64(48, true)),
    mtime: Number(view.getBigInt64(88, true)),
    ino: Number(view.getBigUint64(8, true)),
  };
};

describe('open', () => {
  it('fails as Linux does', () => {
    const b = new SyscallBench();
    make(b, '/tmp/f');
    b.call('symlink', b.text('f'), b.text('/tmp/l'));
    b.call('symlink', b.text('loop'), b.text('/tmp/loop'));
    const cases: [string, number, string][] = [
      ['', 0, 'ENOENT'],
      ['/nope', 0, 'ENOENT'],
      ['/nope/x', O.CREAT, 'ENOENT'],
      ['/tmp/f/x', 0, 'ENOTDIR'],
      ['/tmp/f/', 0, 'ENOTDIR'],
      ['/tmp/new/', O.CREAT, 'EISDIR'],
      ['/tmp', O.WRONLY, 'EISDIR'],
      ['/tmp', O.CREAT, 'EISDIR'],
      ['/tmp/f', O.CREAT | O.EXCL, 'EEXIST'],
      ['/tmp/l', O.CREAT | O.EXCL, 'EEXIST'],
      ['/tmp/l', O.NOFOLLOW, 'ELOOP'],
      ['/tmp/loop', 0, 'ELOOP'],
      ['/tmp/f', O.DIRECTORY, 'ENOTDIR'],
      [`/tmp/${'x'.repeat(256)}`, O.CREAT, 'ENAMETOOLONG'],
      [`/${'x/'.repeat(2100)}`, 0, 'ENAMETOOLONG'],
      ['/dev/tty', 0, 'ENXIO'],
      ['/proc/self/maps', O.WRONLY, 'EACCES'],
    ];
    for (const [path, flags, error] of cases) expect([path, open(b, path, flags)]).toEqual([path, error]);
    expect(b.call('open', 8, 0, 0)).toBe('EFAULT');
    expect(b.call('openat', 99, b.text('x'), 0, 0)).toBe('EBADF');
    expect(b.call('openat', 0, b.text('x'), 0, 0)).toBe('ENOTDIR');
  });

  it('creates through a dangling link, obeys the umask and O_PATH', () => {
    const b = new SyscallBench();
    b.call('symlink', b.text('target'), b.text('/tmp/dangling'));
    expect(b.call('umask', 0o027)).toBe(0o022);
    expect(open(b, '/tmp/dangling', O.CREAT | O.WRONLY, 0o666)).toBeTypeOf('number');
    expect(stat(b, '/tmp/target')).toMatchObject({ mode: 0o100640 });
    const fd = open(b, '/tmp/target', O.PATH) as number;
    expect(b.call('read', fd, b.scratch, 1)).toBe('EBADF');
    expect(b.call('fstat', fd, b.room(144))).toBe(0);
    expect(b.call('fchmod', fd, 0o777)).toBe('EBADF');
  });

  it('gives the lowest number and stops at the limit', () => {
    const b = new SyscallBench();
    expect(open(b, '/dev/null')).toBe(3);
    expect(open(b, '/dev/null')).toBe(4);
    b.call('close', 3);
    expect(open(b, '/dev/null')).toBe(3);
    b.call('setrlimit', 7, b.words(6, 6));
    expect(open(b, '/dev/null')).toBe(5);
    expect(open(b, '/dev/null')).toBe('EMFILE');
    expect(b.call('dup2', 3, 6)).toBe('EBADF');
    expect(b.call('close', 77)).toBe('EBADF');
  });
});

describe('reading and writing', () => {
  it('moves the shared offset of duplicates', () => {
    const b = new SyscallBench();
    make(b, '/tmp/f', '0123456789');
    const fd = open(b, '/tmp/f', O.RDWR) as number;
    const twin = b.call('dup', fd) as number;
    expect(b.readText(fd, 4)).toBe('0123');
    expect(b.readText(twin, 2)).toBe('45');
    expect(b.call('lseek', fd, -2, 2)).toBe(8);
    expect(b.readText(twin)).toBe('89');
    expect(b.call('lseek', fd, -1, 0)).toBe('EINVAL');
    expect(b.call('lseek', fd, 0, 9)).toBe('EINVAL');
    expect(b.call('lseek', fd, 3, 3)).toBe(3);
    expect(b.call('lseek', fd, 3, 4)).toBe(10);
    expect(b.call('lseek', fd, 10, 3)).toBe('ENXIO');
    const at = b.room(16);
    expect(b.call('pread64', fd, at, 3, 7)).toBe(3);
    expect(b.call('pread64', fd, at, 3, -1)).toBe('EINVAL');
    expect(b.call('pwrite64', fd, b.text('ab'), 2, 12)).toBe(2);
    b.call('lseek', fd, 0, 0);
    expect(b.readText(fd)).toBe('0123456789\0\0ab');
  });

  it('appends wherever the offset is', () => {
    const b = new SyscallBench();
    make(b, '/tmp/f', 'one');
    const fd = open(b, '/tmp/f', O.WRONLY | O.APPEND) as number;
    b.call('lseek', fd, 0, 0);
    b.call('write', fd, b.text('two'), 3);
    expect(b.contents('/tmp/f')).toBe('onetwo');
    expect(b.call('read', fd, b.scratch, 1)).toBe('EBADF');
  });

  it('gathers and scatters, and stops at a bad buffer', () => {
    const b = new SyscallBench();
    const fd = open(b, '/tmp/f', O.CREAT | O.RDWR) as number;
    expect(b.call('writev', fd, b.words(b.text('ab'), 2, b.text('cde'), 3), 2)).toBe(5);
    expect(b.call('writev', fd, b.words(b.text('xy'), 2, 8, 3), 2)).toBe(2);
    expect(b.call('writev', fd, b.words(8, 3), 1)).toBe('EFAULT');
    expect(b.call('writev', fd, 0, 1025)).toBe('EINVAL');
    expect(b.call('writev', fd, b.words(0, -1), 1)).toBe('EINVAL');
    const [one, two] = [b.room(16), b.room(16)];
    expect(b.call('preadv', fd, b.words(one, 3, two, 16), 2, 1, 0)).toBe(6);
    expect(Buffer.from(b.user.read(one, 3)).toString() + Buffer.from(b.user.read(two, 3)).toString()).toBe('bcdexy');
    expect(b.call('write', fd, 8, 1)).toBe('EFAULT');
    expect(b.call('write', fd, 8, 0)).toBe(0);
    const end = b.scratch + (1 << 20) - 4096;
    b.call('munmap', end, 4096);
    expect(b.call('write', fd, end - 5, 100)).toBe(5);
  });

  it('truncates, allocates and copies', () => {
    const b = new SyscallBench();
    make(b, '/tmp/f', 'hello world');
    expect(b.call('truncate', b.text('/tmp/f'), 5)).toBe(0);
    expect(b.call('truncate', b.text('/tmp/f'), 8)).toBe(0);
    expect(b.contents('/tmp/f')).toBe('hello\0\0\0');
    expect(b.call('truncate', b.text('/tmp'), 8)).toBe('EISDIR');
    const from = open(b, '/tmp/f') as number;
    const to = open(b, '/tmp/g', O.CREAT | O.RDWR) as number;
    expect(b.call('ftruncate', from, 1)).toBe('EINVAL');
    expect(b.call('sendfile', to, from, 0, 100)).toBe(8);
    expect(b.call('sendfile', to, from, b.words(1), 3)).toBe(3);
    expect(b.call('copy_file_range', from, b.words(0), to, b.words(20), 2, 0)).toBe(2);
    expect(b.contents('/tmp/g')).toBe(`hello\0\0\0ell${'\0'.repeat(9)}he`);
    expect(b.call('fallocate', to, 0, 0, 100)).toBe(0);
    expect(stat(b, '/tmp/g')).toMatchObject({ size: 100 });
    expect(b.call('ftruncate', to, 2 ** 40)).toBe(0);
    expect(b.call('ftruncate', to, 2 ** 44)).toBe('EFBIG');
    expect(b.call('sendfile', to, 0, 0, 1)).toBe('EINVAL');
  });

  it('fills no host memory: files have a limit', () => {
    const b = new SyscallBench({ filesLimit: 1 << 20 });
    const fd = open(b, '/tmp/f', O.CREAT | O.RDWR) as number;
    const written = b.call('write', fd, b.scratch, 1 << 20) as number;
    expect(written).toBeGreaterThan(0);
    expect(written).toBeLessThan(1 << 20);
    expect(stat(b, '/tmp/f')).toMatchObject({ size: written });
    expect(b.call('pwrite64', fd, b.scratch, 1, 1 << 30)).toBe('ENOSPC');
    b.call('close', fd);
    b.call('unlink', b.text('/tmp/f'));
    make(b, '/tmp/g', 'room again');
    expect(b.contents('/tmp/g')).toBe('room again');
  });
});

describe('directories', () => {
  it('change as Linux has it', () => {
    const b = new SyscallBench();
    const path = (name: string, ...paths: string[]) => b.call(name, ...paths.map((text) => b.text(text)));
    expect(path('mkdir', '/tmp/d')).toBe(0);
    expect(path('mkdir', '/tmp/d')).toBe('EEXIST');
    expect(path('mkdir', '/tmp/d/')).toBe('EEXIST');
    expect(path('mkdir', '/tmp/e/')).toBe(0);
    expect(path('mkdir', '/')).toBe('EEXIST');
    expect(path('mkdir', '/nope/d')).toBe('ENOENT');
    make(b, '/tmp/d/f', 'x');
    expect(path('rmdir', '/tmp/d')).toBe('ENOTEMPTY');
    expect(path('rmdir', '/tmp/d/f')).toBe('ENOTDIR');
    expect(path('rmdir', '/tmp/e/.')).toBe('EINVAL');
    expect(path('rmdir', '/tmp/e/..')).toBe('ENOTEMPTY');
    expect(path('rmdir', '/')).toBe('EBUSY');
    expect(path('rmdir', '/proc')).toBe('EBUSY');
    expect(path('unlink', '/tmp/d')).toBe('EISDIR');
    expect(path('unlink', '/tmp/d/f/')).toBe('ENOTDIR');
    expect(path('rename', '/tmp/d', '/tmp/d/sub')).toBe('EINVAL');
    expect(path('rename', '/tmp/d/f', '/tmp/e')).toBe('EISDIR');
    expect(path('rename', '/tmp/e', '/tmp/d/f')).toBe('ENOTDIR');
    expect(path('rename', '/tmp/e', '/tmp/d')).toBe('ENOTEMPTY');
    expect(path('rename', '/tmp/.', '/tmp/x')).toBe('EBUSY');
    expect(path('rename', '/tmp/nope', '/tmp/x')).toBe('ENOENT');
    expect(path('rename', '/tmp/d/f', '/proc/f')).toBe('EXDEV');
    expect(path('link', '/tmp/d/f', '/tmp/hard')).toBe(0);
    expect(stat(b, '/tmp/hard')).toMatchObject({ nlink: 2 });
    expect(path('link', '/tmp/d', '/tmp/dd')).toBe('EPERM');
    expect(path('rename', '/tmp/d/f', '/tmp/hard')).toBe(0);
    expect(path('unlink', '/tmp/hard')).toBe(0);
    expect(b.contents('/tmp/d/f')).toBe('x');
    expect(b.call('renameat2', AT_FDCWD, b.text('/tmp/d/f'), AT_FDCWD, b.text('/tmp/e'), 1)).toBe('EEXIST');
    expect(path('rename', '/tmp/d', '/tmp/e')).toBe(0);
    expect(b.contents('/tmp/e/f')).toBe('x');
  });

  it('have a working directory, also one that is gone', () => {
    const b = new SyscallBench();
    b.call('mkdir', b.text('/tmp/a'), 0o755);
    expect(b.call('chdir', b.text('/tmp/a'))).toBe(0);
    make(b, '../up', 'above');
    expect(b.contents('/tmp/up')).toBe('above');
    expect(b.contents('.././up')).toBe('above');
    const at = b.room(64);
    expect(b.call('getcwd', at, 64)).toBe(7);
    expect(b.user.path(at)).toBe('/tmp/a');
    expect(b.call('getcwd', at, 6)).toBe('ERANGE');
    b.call('rmdir', b.text('/tmp/a'));
    expect(open(b, 'x', O.CREAT)).toBe('ENOENT');
    expect(b.call('chdir', b.text('/etc/passwd'))).toBe('ENOTDIR');
    const etc = open(b, '/etc', O.DIRECTORY) as number;
    expect(b.call('fchdir', etc)).toBe(0);
    expect(b.contents('hostname')).toBe('swapgs\n');
  });

  it('are listed in pieces of any size', () => {
    const b = new SyscallBench();
    b.call('mkdir', b.text('/tmp/d'), 0o755);
    const names = Array.from({ length: 40 }, (_, i) => `file-${i}`);
    for (const name of names) make(b, `/tmp/d/${name}`);
    const fd = open(b, '/tmp/d', O.DIRECTORY) as number;
    const at = b.room(256);
    expect(b.call('getdents64', fd, at, 10)).toBe('EINVAL');
    const list = (): string[] => {
      const found: string[] = [];
      for (;;) {
        const got = b.call('getdents64', fd, at, 256) as number;
        if (got === 0) return found;
        for (let p = 0; p < got; p += b.user.view(at + p, 18).getUint16(16, true)) found.push(b.user.path(at + p + 19));
      }
    };
    expect(list()).toEqual(['.', '..', ...names]);
    b.call('unlink', b.text('/tmp/d/file-3'));
    expect(b.call('lseek', fd, 0, 0)).toBe(0);
    expect(list()).toHaveLength(41);
    expect(b.call('read', fd, at, 1)).toBe('EISDIR');
    expect(b.call('getdents64', 0, at, 256)).toBe('ENOTDIR');
  });
});

describe('descriptors', () => {
  it('are duplicated, moved and flagged', () => {
    const b = new SyscallBench();
    make(b, '/tmp/f', 'text');
    const fd = open(b, '/tmp/f', O.CLOEXEC) as number;
    expect(b.call('fcntl', fd, 1, 0)).toBe(1);
    expect(b.call('fcntl', fd, 2, 0)).toBe(0);
    expect(b.call('fcntl', fd, 1, 0)).toBe(0);
    expect(b.call('fcntl', fd, 0, 10)).toBe(10);
    expect(b.call('fcntl', fd, 1030, 10)).toBe(11);
    expect(b.call('fcntl', 11, 1, 0)).toBe(1);
    expect(b.call('fcntl', fd, 3, 0)).toBe(0o100000);
    expect(b.call('fcntl', fd, 4, O.APPEND | O.NONBLOCK | O.WRONLY)).toBe(0);
    expect(b.call('fcntl', fd, 3, 0)).toBe(0o100000 | O.APPEND | O.NONBLOCK);
    expect(b.call('dup2', fd, 1)).toBe(1);
    expect(b.call('dup2', fd, fd)).toBe(fd);
    expect(b.call('dup3', fd, fd, 0)).toBe('EINVAL');
    expect(b.call('close_range', 3, 50, 0)).toBe(0);
    expect(b.readText(1)).toBe('text');
    expect(b.call('fcntl', 10, 1, 0)).toBe('EBADF');
  });

  it('of a pipe carry bytes, fill up, and end', () => {
    const b = new SyscallBench();
    const fds = b.room(8);
    expect(b.call('pipe2', fds, O.NONBLOCK)).toBe(0);
    const [reader, writer] = [b.user.u32(fds), b.user.u32(fds + 4)];
    const at = b.room(8);
    expect(b.call('read', reader, at, 8)).toBe('EAGAIN');
    expect(b.call('write', writer, b.text('abcdef'), 6)).toBe(6);
    expect(b.call('ioctl', reader, 0x541b, at)).toBe(0);
    expect(b.user.u32(at)).toBe(6);
    expect(b.readText(reader, 4)).toBe('abcd');
    expect(b.readText(reader, 4)).toBe('ef');
    expect(b.call('write', writer, b.scratch, 100_000)).toBe(65536);
    expect(b.call('write', writer, b.scratch, 1)).toBe('EAGAIN');
    expect(b.call('lseek', reader, 0, 0)).toBe('ESPIPE');
    const poll = (fd: number): number => {
      const entry = b.words(BigInt(fd) | (5n << 32n));
      b.call('poll', entry, 1, 0);
      return Number(b.user.u64(entry) >> 48n);
    };
    expect([poll(reader), poll(writer), poll(88)]).toEqual([1, 0, 0x20]);
    b.call('close', writer);
    expect(poll(reader)).toBe(0x11);
    expect(b.call('read', reader, b.scratch + 65536, 65536)).toBe(65536);
    expect(b.call('read', reader, at, 8)).toBe(0);
  });

  it('of a pipe without readers send SIGPIPE', () => {
    const b = new SyscallBench();
    const fds = b.room(8);
    b.call('pipe', fds);
    b.call('close', b.user.u32(fds));
    b.call('write', b.user.u32(fds + 4), fds, 1);
    expect(b.process.end).toMatchObject({ kind: 'killed', signal: 13 });
  });

  it('are selected', () => {
    const b = new SyscallBench();
    const set = b.words(0b111);
    const write = b.words(0b010);
    expect(b.call('select', 3, set, write, 0, b.words(0, 0))).toBe(2);
    expect([b.user.word(set), b.user.word(write)]).toEqual([0b001, 0b010]);
    expect(b.call('select', 64, b.words(1n << 40n), 0, 0, b.words(0, 0))).toBe('EBADF');
    expect(b.call('pselect6', 0, 0, 0, 0, b.words(1, 0), 0)).toBe(0);
  });
});

describe('metadata', () => {
  it('is told in every layout', () => {
    const b = new SyscallBench();
    make(b, '/tmp/f', 'hello');
    const out = b.room(256);
    expect(b.call('newfstatat', AT_FDCWD, b.text('/tmp/f'), out, 0)).toBe(0);
    const { ino } = stat(b, '/tmp/f') as { ino: number };
    expect(b.call('statx', AT_FDCWD, b.text('/tmp/f'), 0, 0xfff, out)).toBe(0);
    const view = b.user.view(out, 256);
    expect([
      view.getUint32(0, true),
      view.getUint16(28, true),
      view.getBigUint64(32, true),
      view.getBigUint64(40, true),
    ]).toEqual([0x7ff, 0o100644, BigInt(ino), 5n]);
    expect(b.call('newfstatat', 1, b.text(''), out, 0x1000)).toBe(0);
    expect(b.call('newfstatat', 1, b.text(''), out, 0)).toBe('ENOENT');
    expect(b.call('newfstatat', 1, b.text(''), out, 1)).toBe('EINVAL');
    expect(b.call('stat', b.text('/dev/null'), out)).toBe(0);
    expect([b.user.u32(out + 24), b.user.word(out + 40)]).toEqual([0o020666, 0x103]);
    expect(b.call('statfs', b.text('/'), out)).toBe(0);
  });

  it('changes: mode, owner, times', () => {
    const b = new SyscallBench();
    make(b, '/tmp/f');
    const file = b.text('/tmp/f');
    expect(b.call('chmod', file, 0o4711)).toBe(0);
    expect(b.call('chown', file, 5, 6)).toBe(0);
    expect(b.call('utimensat', AT_FDCWD, file, b.words(1, 2, 1234, 5), 0)).toBe(0);
    expect(stat(b, '/tmp/f')).toMatchObject({ mode: 0o100711, mtime: 1234 });
    expect(b.call('utimensat', AT_FDCWD, file, b.words(0, 0x3ffffffe, 0, 0x3fffffff), 0)).toBe(0);
    expect(stat(b, '/tmp/f')).toMatchObject({ mtime: 1_704_067_200 });
    expect(b.call('utimensat', AT_FDCWD, file, b.words(0, -1, 0, 0), 0)).toBe('EINVAL');
    expect(b.call('access', file, 1)).toBe(0);
    b.call('chmod', file, 0o600);
    expect(b.call('access', file, 1)).toBe('EACCES');
    b.call('setresuid', 9, 9, 9);
    expect(b.call('access', file, 4)).toBe('EACCES');
    expect(open(b, '/tmp/f')).toBe('EACCES');
    expect(open(b, '/etc/new', O.CREAT)).toBe('EACCES');
    expect(b.call('chmod', file, 0o777)).toBe('EPERM');
    expect(b.call('chown', file, 9, 9)).toBe('EPERM');
  });

  it('of links is read and not followed', () => {
    const b = new SyscallBench();
    expect(b.call('symlink', b.text('/etc/hostname'), b.text('/tmp/l'))).toBe(0);
    const at = b.room(64);
    expect(b.call('readlink', b.text('/tmp/l'), at, 64)).toBe(13);
    expect(b.call('readlink', b.text('/tmp/l'), at, 4)).toBe(4);
    expect(b.call('readlink', b.text('/etc/hostname'), at, 64)).toBe('EINVAL');
    expect(b.call('readlink', b.text('/tmp/l'), at, 0)).toBe('EINVAL');
    const out = b.room(144);
    expect(b.call('lstat', b.text('/tmp/l'), out)).toBe(0);
    expect(b.user.u32(out + 24)).toBe(0o120777);
    expect(b.call('symlink', b.text('tmp'), b.text('/t'))).toBe(0);
    expect(b.contents('/t/l')).toBe('swapgs\n');
    expect(b.call('lstat', b.text('/t/'), out)).toBe(0);
    expect(b.user.u32(out + 24)).toBe(0o041777);
  });
});

describe('/dev and /proc', () => {
  it('hold what programs look for', () => {
    const b = new SyscallBench({ input: 'typed' });
    expect(b.contents('/dev/null')).toBe('');
    expect(b.readText(open(b, '/dev/zero') as number, 3)).toBe('\0\0\0');
    const full = open(b, '/dev/full', O.WRONLY) as number;
    expect(b.call('write', full, b.scratch, 1)).toBe('ENOSPC');
    expect(b.readText(open(b, '/dev/urandom') as number, 16)).not.toBe('\0'.repeat(16));
    expect(b.contents('/dev/stdin')).toBe('typed');
    expect(b.contents('/proc/self/cmdline')).toBe('test\0');
    expect(b.contents('/proc/self/environ')).toBe('A=1\0');
    expect(b.contents('/proc/self/stat')).toMatch(/^1000 \(test\) R 1 1000 1000 0 -1 /);
    expect(b.contents('/proc/self/status')).toContain('Name:\ttest\n');
    expect(b.contents('/proc/1000/maps')).toMatch(/^00400000-00401000 r-xp 00001000 00:01 \d+ +\/bin\/test\n/);
    expect(b.contents('/proc/self/maps')).toMatch(/rw[-x]p 00000000 00:00 0 +\[stack\]\n$/);
    const at = b.room(64);
    expect(b.call('readlink', b.text('/proc/self/exe'), at, 64)).toBe(9);
    expect(stat(b, '/proc/self/exe')).toMatchObject({ mode: 0o100755, size: 0x1002 });
    make(b, '/tmp/f', 'again');
    const fd = open(b, '/tmp/f') as number;
    expect(b.contents(`/proc/self/fd/${fd}`)).toBe('again');
    b.call('unlink', b.text('/tmp/f'));
    expect(b.contents(`/dev/fd/${fd}`)).toBe('again');
    expect(open(b, '/proc/self/fd/99')).toBe('ENOENT');
    expect(b.call('unlink', b.text('/proc/self/maps'))).toBe('EROFS');
  });

  it('map zeros and files', () => {
    const b = new SyscallBench();
    const zero = open(b, '/dev/zero', O.RDWR) as number;
    const at = b.call('mmap', 0, 4096, 3, 1, zero, 0) as number;
    b.user.write(at, Uint8Array.of(1));
    expect(b.call('mmap', 0, 4096, 3, 1, 0, 0)).toBe('ENODEV');
    expect(b.call('mmap', 0, 4096, 3, 2, 99, 0)).toBe('EBADF');
    expect(b.call('mmap', 0, 4096, 3, 2, zero, 1)).toBe('EINVAL');
    make(b, '/tmp/f', 'mapped');
    const fd = open(b, '/tmp/f', O.RDWR) as number;
    const file = b.call('mmap', 0, 4096, 3, 1, fd, 0) as number;
    b.user.write(file, new TextEncoder().encode('M'));
    expect(b.contents('/tmp/f')).toBe('Mapped');
    b.call('pwrite64', fd, b.text('X'), 1, 1);
    expect(Buffer.from(b.user.read(file, 6)).toString()).toBe('MXpped');
    b.call('close', fd);
    b.call('unlink', b.text('/tmp/f'));
    expect(Buffer.from(b.user.read(file, 6)).toString()).toBe('MXpped');
    expect(b.call('munmap', file, 4096)).toBe(0);
    const anonymous = b.call('memfd_create', b.text('m'), 0) as number;
    expect(b.call('ftruncate', anonymous, 8192)).toBe(0);
    expect(b.call('mmap', 0, 8192, 3, 1, anonymous, 0)).toBeTypeOf('number');
  });
});
