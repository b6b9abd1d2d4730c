import { ACCESS } from '../credentials.ts';
import { E, fail } from '../errno.ts';
import { Directory } from '../fs/inode.ts';
import { AT, RENAME, S_IF, S_IFMT } from '../fs/mode.ts';
import { requireAccess, resolveExisting } from '../fs/resolve.ts';
import type { Task } from '../task.ts';
import { encodeName, PATH_MAX } from '../user-memory.ts';
import { DIRFD, FD, flags, HEX, MODE, OUT_BYTES, PATH, SIZE } from './args.ts';
import { fileAt, placeAt, requireChange, requireFree, requireNoMount } from './paths.ts';
import { row, type SyscallRow } from './row.ts';

function mkdir(task: Task, dirfd: number, path: number, mode: number): number {
  const place = placeAt(task, dirfd, path, false);
  requireFree(task, place);
  place.directory.mkdir(place.name, mode & ~task.process.umask & 0o1777);
  return 0;
}

function rmdir(task: Task, dirfd: number, path: number): number {
  const place = placeAt(task, dirfd, path, false);
  if (place.last === 'dot') fail(E.EINVAL);
  if (place.last === 'dotdot') fail(E.ENOTEMPTY);
  if (place.last === 'root') fail(E.EBUSY);
  if (place.inode === null) fail(E.ENOENT);
  requireChange(task, place);
  requireNoMount(place);
  if (!(place.inode instanceof Directory)) fail(E.ENOTDIR);
  place.directory.rmdir(place.name);
  return 0;
}

function unlink(task: Task, dirfd: number, path: number): number {
  const place = placeAt(task, dirfd, path, false);
  if (place.last !== 'name') fail(E.EISDIR);
  if (place.inode === null) fail(E.ENOENT);
  requireChange(task, place);
  if (place.inode instanceof Directory) fail(E.EISDIR);
  if (place.slash) fail(E.ENOTDIR);
  place.directory.unlink(place.name);
  return 0;
}

function rename(task: Task, fromFd: number, from: number, toFd: number, to: number, bits: number): number {
  if (bits & ~(RENAME.NOREPLACE | RENAME.EXCHANGE | RENAME.WHITEOUT)) fail(E.EINVAL);
  if (bits & RENAME.EXCHANGE && bits & (RENAME.NOREPLACE | RENAME.WHITEOUT)) fail(E.EINVAL);
  const source = placeAt(task, fromFd, from, false);
  const target = placeAt(task, toFd, to, false);
  if (source.directory.dev !== target.directory.dev) fail(E.EXDEV);
  const exchanges = (bits & RENAME.EXCHANGE) !== 0;
  if (source.last !== 'name' || target.last !== 'name') fail(E.EBUSY);
  if (source.inode === null) fail(E.ENOENT);
  if (bits & RENAME.NOREPLACE && target.inode !== null) fail(E.EEXIST);
  if (exchanges && target.inode === null) fail(E.ENOENT);
  if (bits & RENAME.WHITEOUT) fail(E.EINVAL);
  if (!(source.inode instanceof Directory) && (source.slash || target.slash)) fail(E.ENOTDIR);
  requireChange(task, source);
  requireChange(task, target);
  requireNoMount(source);
  requireNoMount(target);
  if (exchanges) source.directory.exchange(source.name, target.directory, target.name);
  else source.directory.rename(source.name, target.directory, target.name);
  return 0;
}

function link(task: Task, fromFd: number, from: number, toFd: number, to: number, bits: number): number {
  if (bits & ~(AT.SYMLINK_FOLLOW | AT.EMPTY_PATH)) fail(E.EINVAL);
  const follow = bits & AT.SYMLINK_FOLLOW ? 0 : AT.SYMLINK_NOFOLLOW;
  const { inode } = fileAt(task, fromFd, from, (bits & AT.EMPTY_PATH) | follow);
  const target = placeAt(task, toFd, to, false);
  requireFree(task, target);
  if (inode === null || inode.dev !== target.directory.dev) return fail(E.EXDEV);
  if (inode instanceof Directory) fail(E.EPERM);
  if (target.slash) fail(E.ENOENT);
  target.directory.link(target.name, inode);
  return 0;
}

function symlink(task: Task, target: number, dirfd: number, path: number): number {
  const text = task.user.path(target);
  if (text === '') fail(E.ENOENT);
  const place = placeAt(task, dirfd, path, false);
  requireFree(task, place);
  if (place.slash) fail(E.ENOENT);
  place.directory.symlink(place.name, text);
  return 0;
}

function enter(task: Task, directory: unknown): number {
  if (!(directory instanceof Directory)) return fail(E.ENOTDIR);
  requireAccess(directory, ACCESS.EXEC, task.process.credentials);
  task.process.cwd = directory;
  return 0;
}

/** mknod(2): files, FIFOs and sockets; devices would be the host's. */
function mknod(task: Task, dirfd: number, address: number, mode: number): number {
  const place = placeAt(task, dirfd, address, false);
  const type = mode & S_IFMT;
  if (type === S_IF.DIR) fail(E.EPERM);
  if (type === S_IF.CHR || type === S_IF.BLK) fail(E.EPERM);
  if (![0, S_IF.REG, S_IF.FIFO, S_IF.SOCK].includes(type as 0)) fail(E.EINVAL);
  requireFree(task, place);
  const bits = mode & ~task.process.umask & 0o7777;
  if (type === S_IF.FIFO || type === S_IF.SOCK) place.directory.mknod(place.name, type | bits);
  else place.directory.createFile(place.name, bits);
  return 0;
}

const UNLINK_FLAGS = flags({ AT_REMOVEDIR: AT.REMOVEDIR });
const LINK_FLAGS = flags({ AT_SYMLINK_FOLLOW: AT.SYMLINK_FOLLOW, AT_EMPTY_PATH: AT.EMPTY_PATH });
const RENAME_FLAGS = flags({ RENAME_NOREPLACE: RENAME.NOREPLACE, RENAME_EXCHANGE: RENAME.EXCHANGE });

export const DIRECTORIES: readonly SyscallRow[] = [
  row(79, 'getcwd', [OUT_BYTES, SIZE], (task, out, size) => {
    const path = encodeName(`${task.process.cwd.path()}\0`);
    if (path.length > size) fail(path.length > PATH_MAX ? E.ENAMETOOLONG : E.ERANGE);
    task.user.write(out, path);
    return path.length;
  }),
  row(80, 'chdir', [PATH], (task, path) => {
    const text = task.user.path(path);
    return enter(task, resolveExisting(task.process.paths, task.process.cwd, text, true));
  }),
  row(81, 'fchdir', [FD], (task, fd) => enter(task, task.fds.get(fd).inode)),
  row(82, 'rename', [PATH, PATH], (task, from, to) => rename(task, AT.FDCWD, from, AT.FDCWD, to, 0)),
  row(83, 'mkdir', [PATH, MODE], (task, path, mode) => mkdir(task, AT.FDCWD, path, mode)),
  row(84, 'rmdir', [PATH], (task, path) => rmdir(task, AT.FDCWD, path)),
  row(86, 'link', [PATH, PATH], (task, from, to) => link(task, AT.FDCWD, from, AT.FDCWD, to, 0)),
  row(87, 'unlink', [PATH], (task, path) => unlink(task, AT.FDCWD, path)),
  row(88, 'symlink', [PATH, PATH], (task, target, path) => symlink(task, target, AT.FDCWD, path)),
  row(133, 'mknod', [PATH, MODE, HEX], (task, path, mode) => mknod(task, AT.FDCWD, path, mode)),
  row(161, 'chroot', [PATH], (task, path) => {
    if (task.process.credentials.euid !== 0) fail(E.EPERM);
    const text = task.user.path(path);
    const directory = resolveExisting(task.process.paths, task.process.cwd, text, true);
    if (!(directory instanceof Directory)) return fail(E.ENOTDIR);
    task.process.fs.root = directory;
    return 0;
  }),
  row(259, 'mknodat', [DIRFD, PATH, MODE, HEX], mknod),
  row(258, 'mkdirat', [DIRFD, PATH, MODE], mkdir),
  row(263, 'unlinkat', [DIRFD, PATH, UNLINK_FLAGS], (task, dirfd, path, bits) => {
    if (bits & ~AT.REMOVEDIR) fail(E.EINVAL);
    return bits & AT.REMOVEDIR ? rmdir(task, dirfd, path) : unlink(task, dirfd, path);
  }),
  row(264, 'renameat', [DIRFD, PATH, DIRFD, PATH], (task, fromFd, from, toFd, to) =>
    rename(task, fromFd, from, toFd, to, 0),
  ),
  row(265, 'linkat', [DIRFD, PATH, DIRFD, PATH, LINK_FLAGS], link),
  row(266, 'symlinkat', [PATH, DIRFD, PATH], symlink),
  row(316, 'renameat2', [DIRFD, PATH, DIRFD, PATH, RENAME_FLAGS], rename),
];
