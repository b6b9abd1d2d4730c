import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GrantError, parseGrant } from '../../../src/kernel/fs/namespace.ts';
import { SyscallBench } from '../../support/syscalls.ts';

const O_CREAT = 0o100;
const O_WRONLY = 1;
const O_NOFOLLOW = 0o400000;

let base: string;
let granted: string;

/** A granted directory beside a secret one. */
beforeEach(() => {
  base = fs.mkdtempSync(join(tmpdir(), 'grant-'));
  granted = join(base, 'granted');
  fs.mkdirSync(join(granted, 'sub'), { recursive: true });
  fs.mkdirSync(join(base, 'secret'));
  fs.writeFileSync(join(base, 'secret', 'key'), 'SECRET');
  fs.writeFileSync(join(granted, 'file'), 'hello');
});
afterEach(() => fs.rmSync(base, { recursive: true }));

const bench = (readOnly = false, guest = '/work') => new SyscallBench({ grants: [{ host: granted, guest, readOnly }] });
const open = (b: SyscallBench, path: string, flags = 0, mode = 0o644) => b.call('open', b.text(path), flags, mode);

describe('a granted directory', () => {
  it('is read, written, listed, renamed and removed', () => {
    const b = bench();
    expect(b.contents('/work/file')).toBe('hello');
    const fd = open(b, '/work/sub/new', O_CREAT | O_WRONLY, 0o640) as number;
    expect(b.call('write', fd, b.text('data'), 4)).toBe(4);
    b.call('close', fd);
    expect(fs.readFileSync(join(granted, 'sub/new'), 'utf8')).toBe('data');
    expect(fs.statSync(join(granted, 'sub/new')).mode & 0o777).toBe(0o640);
    expect(b.call('rename', b.text('/work/sub/new'), b.text('/work/moved'))).toBe(0);
    expect(b.call('mkdir', b.text('/work/dir'), 0o755)).toBe(0);
    expect(b.call('rename', b.text('/work/dir'), b.text('/work/sub/dir'))).toBe(0);
    expect(b.call('rmdir', b.text('/work/sub'))).toBe('ENOTEMPTY');
    expect(b.call('rmdir', b.text('/work/sub/dir'))).toBe(0);
    expect(b.call('unlink', b.text('/work/moved'))).toBe(0);
    expect(b.call('unlink', b.text('/work/sub'))).toBe('EISDIR');
    expect(fs.readdirSync(granted).sort()).toEqual(['file', 'sub']);
  });

  it('keeps a working directory that the guest renames', () => {
    const b = bench();
    b.call('mkdir', b.text('/work/a'), 0o755);
    expect(b.call('chdir', b.text('/work/a'))).toBe(0);
    b.call('rename', b.text('/work/a'), b.text('/work/sub/b'));
    expect(open(b, 'x', O_CREAT | O_WRONLY)).toBeTypeOf('number');
    expect(fs.existsSync(join(granted, 'sub/b/x'))).toBe(true);
    const at = b.room(100);
    b.call('getcwd', at, 100);
    expect(b.user.path(at)).toBe('/work/sub/b');
  });

  it('takes no change when it is granted read-only', () => {
    const b = bench(true);
    expect(b.contents('/work/file')).toBe('hello');
    expect(open(b, '/work/file', O_WRONLY)).toBe('EROFS');
    expect(open(b, '/work/new', O_CREAT | O_WRONLY)).toBe('EROFS');
    expect(open(b, '/work/file', 0o1000)).toBe('EROFS');
    for (const [name, ...args] of [
      ['mkdir', '/work/d'],
      ['rmdir', '/work/sub'],
      ['unlink', '/work/file'],
      ['rename', '/work/file', '/work/other'],
      ['link', '/work/file', '/work/other'],
      ['symlink', 'file', '/work/other'],
      ['chmod', '/work/file'],
      ['truncate', '/work/file'],
      ['utimes', '/work/file'],
    ] as const) {
      expect([name, b.call(name, ...args.map((arg) => b.text(arg)))]).toEqual([name, 'EROFS']);
    }
    expect(b.call('access', b.text('/work/file'), 2)).toBe('EROFS');
    expect(fs.readFileSync(join(granted, 'file'), 'utf8')).toBe('hello');
  });

  it('cannot be left by `..`', () => {
    const b = bench();
    for (const path of ['/work/../secret/key', '/work/../../secret/key', '/work/sub/../../secret/key']) {
      expect(open(b, path)).toBe('ENOENT');
    }
    b.call('chdir', b.text('/work'));
    expect(open(b, '../secret/key')).toBe('ENOENT');
    expect(open(b, '../../../../../../etc/shadow')).toBe('ENOENT');
  });

  it('cannot be left by a symbolic link, whoever made it', () => {
    fs.symlinkSync('../secret/key', join(granted, 'relative'));
    fs.symlinkSync(join(base, 'secret/key'), join(granted, 'absolute'));
    fs.symlinkSync('../secret', join(granted, 'directory'));
    fs.symlinkSync('/work/file', join(granted, 'inside'));
    const b = bench();
    for (const name of ['relative', 'absolute', 'directory/key']) expect(open(b, `/work/${name}`)).toBe('ENOENT');
    // An absolute link means the guest's own root.
    expect(b.contents('/work/inside')).toBe('hello');
    expect(open(b, '/work/absolute', O_NOFOLLOW)).toBe('ELOOP');
    expect(open(b, '/work/absolute', O_CREAT | O_WRONLY)).toBe('ENOENT');
    expect(open(b, '/work/relative', O_CREAT | O_WRONLY)).toBe('ENOENT');
    expect(b.call('symlink', b.text(join(base, 'secret/key')), b.text('/work/mine'))).toBe('EPERM');
    expect(b.call('symlink', b.text('../secret/key'), b.text('/work/mine'))).toBe('EPERM');
    expect(b.call('symlink', b.text('file'), b.text('/work/mine'))).toBe(0);
    expect(b.contents('/work/mine')).toBe('hello');
    expect(b.call('link', b.text('/work/absolute'), b.text('/work/hard'))).toBe(0);
    expect(open(b, '/work/hard')).toBe('ENOENT');
    expect(b.call('chmod', b.text('/work/relative'), 0o777)).toBe('ENOENT');
    expect(b.call('truncate', b.text('/work/absolute'), 0)).toBe('ENOENT');
    expect(fs.readFileSync(join(base, 'secret/key'), 'utf8')).toBe('SECRET');
  });

  it('cannot be left by a directory that becomes a link between two steps', () => {
    const b = bench();
    expect(b.call('chdir', b.text('/work/sub'))).toBe(0);
    const dirfd = open(b, '/work/sub') as number;
    fs.rmdirSync(join(granted, 'sub'));
    fs.symlinkSync('../secret', join(granted, 'sub'));
    expect(['ENOTDIR', 'ELOOP']).toContain(open(b, 'key'));
    expect(['ENOTDIR', 'ELOOP']).toContain(b.call('openat', dirfd, b.text('key'), 0, 0));
    expect(['ENOTDIR', 'ELOOP']).toContain(open(b, 'planted', O_CREAT | O_WRONLY));
    expect(fs.readdirSync(join(base, 'secret'))).toEqual(['key']);
  });

  it('does not open what is no file: a FIFO would wait for ever', () => {
    execFileSync('mkfifo', [join(granted, 'fifo')]);
    const b = bench();
    expect(open(b, '/work/fifo')).toBe('ENXIO');
    expect(open(b, '/work/fifo', O_WRONLY)).toBe('ENXIO');
  });

  it('links nothing in or out', () => {
    const b = bench();
    open(b, '/tmp/x', O_CREAT | O_WRONLY);
    expect(b.call('link', b.text('/tmp/x'), b.text('/work/x'))).toBe('EXDEV');
    expect(b.call('link', b.text('/work/file'), b.text('/tmp/y'))).toBe('EXDEV');
    expect(b.call('rename', b.text('/work/file'), b.text('/tmp/y'))).toBe('EXDEV');
    expect(b.call('link', b.text('/work/file'), b.text('/work/two'))).toBe(0);
    expect(fs.statSync(join(granted, 'two')).nlink).toBe(2);
  });

  it('may be the root, with /dev and /proc laid over it and nothing made on the host', () => {
    const b = bench(true, '/');
    expect(b.contents('/file')).toBe('hello');
    expect(b.contents('/dev/null')).toBe('');
    expect(b.contents('/proc/self/comm')).toBe('test\n');
    expect(fs.readdirSync(granted).sort()).toEqual(['file', 'sub']);
    expect(open(b, '/../../secret/key')).toBe('ENOENT');
    expect(b.call('rmdir', b.text('/dev'))).toBe('EROFS');
    const writable = bench(false, '/');
    expect(writable.call('rmdir', writable.text('/dev'))).toBe('EBUSY');
  });

  it('keeps bytes of names that are not UTF-8', () => {
    fs.writeFileSync(Buffer.concat([Buffer.from(`${granted}/`), Buffer.from([0xff, 0x61])]), 'odd');
    const b = bench();
    expect(b.contents('/work/\udcffa')).toBe('odd');
  });

  it('maps a shared file, and what is written reaches the host', () => {
    const b = bench();
    const fd = open(b, '/work/file', 2) as number;
    const at = b.call('mmap', 0, 4096, 3, 1, fd, 0) as number;
    b.call('close', fd);
    expect(Buffer.from(b.user.read(at, 5)).toString()).toBe('hello');
    b.user.write(at, new TextEncoder().encode('J'));
    expect(b.contents('/work/file')).toBe('Jello');
    expect(b.call('munmap', at, 4096)).toBe(0);
    expect(fs.readFileSync(join(granted, 'file'), 'utf8')).toBe('Jello');
  });

  it('holds no descriptor of the host for longer than it must', () => {
    const count = () => fs.readdirSync('/proc/self/fd').length;
    const before = count();
    const b = bench();
    for (let i = 0; i < 50; i++) {
      b.contents('/work/file');
      b.call('stat', b.text('/work/sub/absent'), b.room(144));
      open(b, '/work/absent/x');
    }
    const fd = open(b, '/work/file') as number;
    b.call('mmap', 0, 4096, 1, 2, fd, 0);
    b.kernel.close();
    expect(count()).toBe(before);
  });
});

describe('parseGrant', () => {
  it('reads HOST=GUEST and :ro', () => {
    expect(parseGrant('/a=/b')).toEqual({ host: '/a', guest: '/b', readOnly: false });
    expect(parseGrant('.=/:ro')).toEqual({ host: '.', guest: '/', readOnly: true });
  });
  it.each(['', 'x', '=/a', '/a=', '/a=b', '/a=/b/../c'])('refuses %j in one line', (text) => {
    expect(() => parseGrant(text)).toThrow(GrantError);
  });
  it('names a directory that cannot be granted', () => {
    expect(() => new SyscallBench({ grants: [{ host: '/no/such', guest: '/x', readOnly: true }] })).toThrow(
      "cannot grant '/no/such': No such file or directory",
    );
  });
});
