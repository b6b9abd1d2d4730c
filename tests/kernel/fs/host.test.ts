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

const bench = (readOnly = false, guest = '/granted') =>
  new SyscallBench({ grants: [{ host: granted, guest, readOnly }] });
const open = (b: SyscallBench, path: string, flags = 0, mode = 0o644) => b.call('open', b.text(path), flags, mode);

describe('a granted directory', () => {
  it('is read, written, listed, renamed and removed', () => {
    const b = bench();
    expect(b.contents('/granted/file')).toBe('hello');
    const fd = open(b, '/granted/sub/new', O_CREAT | O_WRONLY, 0o640) as number;
    expect(b.call('write', fd, b.text('data'), 4)).toBe(4);
    b.call('close', fd);
    expect(fs.readFileSync(join(granted, 'sub/new'), 'utf8')).toBe('data');
    expect(fs.statSync(join(granted, 'sub/new')).mode & 0o777).toBe(0o640);
    expect(b.call('rename', b.text('/granted/sub/new'), b.text('/granted/moved'))).toBe(0);
    expect(b.call('mkdir', b.text('/granted/dir'), 0o755)).toBe(0);
    expect(b.call('rename', b.text('/granted/dir'), b.text('/granted/sub/dir'))).toBe(0);
    expect(b.call('rmdir', b.text('/granted/sub'))).toBe('ENOTEMPTY');
    expect(b.call('rmdir', b.text('/granted/sub/dir'))).toBe(0);
    expect(b.call('unlink', b.text('/granted/moved'))).toBe(0);
    expect(b.call('unlink', b.text('/granted/sub'))).toBe('EISDIR');
    expect(fs.readdirSync(granted).sort()).toEqual(['file', 'sub']);
  });

  it('keeps a working directory that the guest renames', () => {
    const b = bench();
    b.call('mkdir', b.text('/granted/a'), 0o755);
    expect(b.call('chdir', b.text('/granted/a'))).toBe(0);
    b.call('rename', b.text('/granted/a'), b.text('/granted/sub/b'));
    expect(open(b, 'x', O_CREAT | O_WRONLY)).toBeTypeOf('number');
    expect(fs.existsSync(join(granted, 'sub/b/x'))).toBe(true);
    const at = b.room(100);
    b.call('getcwd', at, 100);
    expect(b.user.path(at)).toBe('/granted/sub/b');
  });

  it('takes no change when it is granted read-only', () => {
    const b = bench(true);
    expect(b.contents('/granted/file')).toBe('hello');
    expect(open(b, '/granted/file', O_WRONLY)).toBe('EROFS');
    expect(open(b, '/granted/new', O_CREAT | O_WRONLY)).toBe('EROFS');
    expect(open(b, '/granted/file', 0o1000)).toBe('EROFS');
    for (const [name, ...args] of [
      ['mkdir', '/granted/d'],
      ['rmdir', '/granted/sub'],
      ['unlink', '/granted/file'],
      ['rename', '/granted/file', '/granted/other'],
      ['link', '/granted/file', '/granted/other'],
      ['symlink', 'file', '/granted/other'],
      ['chmod', '/granted/file'],
      ['truncate', '/granted/file'],
      ['utimes', '/granted/file'],
    ] as const) {
      expect([name, b.call(name, ...args.map((arg) => b.text(arg)))]).toEqual([name, 'EROFS']);
    }
    expect(b.call('access', b.text('/granted/file'), 2)).toBe('EROFS');
    expect(fs.readFileSync(join(granted, 'file'), 'utf8')).toBe('hello');
  });

  it('cannot be left by `..`', () => {
    const b = bench();
    for (const path of ['/granted/../secret/key', '/granted/../../secret/key', '/granted/sub/../../secret/key']) {
      expect(open(b, path)).toBe('ENOENT');
    }
    b.call('chdir', b.text('/granted'));
    expect(open(b, '../secret/key')).toBe('ENOENT');
    expect(open(b, '../../../../../../etc/shadow')).toBe('ENOENT');
  });

  it('cannot be left by a symbolic link, whoever made it', () => {
    fs.symlinkSync('../secret/key', join(granted, 'relative'));
    fs.symlinkSync(join(base, 'secret/key'), join(granted, 'absolute'));
    fs.symlinkSync('../secret', join(granted, 'directory'));
    fs.symlinkSync('/granted/file', join(granted, 'inside'));
    const b = bench();
    for (const name of ['relative', 'absolute', 'directory/key']) expect(open(b, `/work/${name}`)).toBe('ENOENT');
    // An absolute link means the guest's own root.
    expect(b.contents('/granted/inside')).toBe('hello');
    expect(open(b, '/granted/absolute', O_NOFOLLOW)).toBe('ELOOP');
    expect(open(b, '/granted/absolute', O_CREAT | O_WRONLY)).toBe('ENOENT');
    expect(open(b, '/granted/relative', O_CREAT | O_WRONLY)).toBe('ENOENT');
    expect(b.call('symlink', b.text(join(base, 'secret/key')), b.text('/granted/mine'))).toBe('EPERM');
    expect(b.call('symlink', b.text('../secret/key'), b.text('/granted/mine'))).toBe('EPERM');
    expect(b.call('symlink', b.text('file'), b.text('/granted/mine'))).toBe(0);
    expect(b.contents('/granted/mine')).toBe('hello');
    expect(b.call('link', b.text('/granted/absolute'), b.text('/granted/hard'))).toBe(0);
    expect(open(b, '/granted/hard')).toBe('ENOENT');
    expect(b.call('chmod', b.text('/granted/relative'), 0o777)).toBe('ENOENT');
    expect(b.call('truncate', b.text('/granted/absolute'), 0)).toBe('ENOENT');
    expect(fs.readFileSync(join(base, 'secret/key'), 'utf8')).toBe('SECRET');
  });

  it('cannot be left by a directory that becomes a link between two steps', () => {
    const b = bench();
    expect(b.call('chdir', b.text('/granted/sub'))).toBe(0);
    const dirfd = open(b, '/granted/sub') as number;
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
    expect(open(b, '/granted/fifo')).toBe('ENXIO');
    expect(open(b, '/granted/fifo', O_WRONLY)).toBe('ENXIO');
  });

  it('links nothing in or out', () => {
    const b = bench();
    open(b, '/tmp/x', O_CREAT | O_WRONLY);
    expect(b.call('link', b.text('/tmp/x'), b.text('/granted/x'))).toBe('EXDEV');
    expect(b.call('link', b.text('/granted/file'), b.text('/tmp/y'))).toBe('EXDEV');
    expect(b.call('rename', b.text('/granted/file'), b.text('/tmp/y'))).toBe('EXDEV');
    expect(b.call('link', b.text('/granted/file'), b.text('/granted/two'))).toBe(0);
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
    expect(b.contents('/granted/\udcffa')).toBe('odd');
  });

  it('maps a shared file, and what is written reaches the host', () => {
    const b = bench();
    const fd = open(b, '/granted/file', 2) as number;
    const at = b.call('mmap', 0, 4096, 3, 1, fd, 0) as number;
    b.call('close', fd);
    expect(Buffer.from(b.user.read(at, 5)).toString()).toBe('hello');
    b.user.write(at, new TextEncoder().encode('J'));
    expect(b.contents('/granted/file')).toBe('Jello');
    expect(b.call('munmap', at, 4096)).toBe(0);
    expect(fs.readFileSync(join(granted, 'file'), 'utf8')).toBe('Jello');
  });

  it('holds no descriptor of the host for longer than it must', () => {
    const count = () => fs.readdirSync('/proc/self/fd').length;
    const before = count();
    const b = bench();
    for (let i = 0; i < 50; i++) {
      b.contents('/granted/file');
      b.call('stat', b.text('/granted/sub/absent'), b.room(144));
      open(b, '/granted/absent/x');
    }
    const fd = open(b, '/granted/file') as number;
    b.call('mmap', 0, 4096, 1, 2, fd, 0);
    b.kernel.close();
    expect(count()).toBe(before);
  });
});

describe('parseGrant', () => {
  it('reads HOST=GUEST and :ro', () => {
    expect(parseGrant('/a=/b')).toEqual({ host: '/a', guest: '/b', readOnly: false });
    expect(parseGrant('.=/:ro')).toEqual({ host: '.', guest: '/', readOnly: true });
    expect(parseGrant('/lib:ro')).toEqual({ host: '/lib', guest: '/lib', readOnly: true });
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
