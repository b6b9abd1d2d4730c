import { ACCESS, permits } from '../credentials.ts';
import { E, fail } from '../errno.ts';
import { HostDirectory } from '../fs/host.ts';
import { type Inode, Symlink } from '../fs/inode.ts';
import { AT, O } from '../fs/mode.ts';
import type { Task } from '../task.ts';
import { encodeName } from '../user-memory.ts';
import { ADDRESS, DIRFD, FD, flags, HEX32, INT, MODE, OUT_BYTES, PATH, SIZE } from './args.ts';
import { attributesAt, changeable, changeableAt, fileAt, placeAt } from './paths.ts';
import { row, type SyscallRow } from './row.ts';
import { IN_TIMESPEC, OUT_STAT, OUT_STATX, statBytes, statxBytes } from './structs.ts';

const AT_FLAGS = flags({
  AT_SYMLINK_NOFOLLOW: AT.SYMLINK_NOFOLLOW,
  AT_SYMLINK_FOLLOW: AT.SYMLINK_FOLLOW,
  AT_NO_AUTOMOUNT: AT.NO_AUTOMOUNT,
  AT_EMPTY_PATH: AT.EMPTY_PATH,
});
const ACCESS_MODE = flags({ F_OK: 0, R_OK: ACCESS.READ, W_OK: ACCESS.WRITE, X_OK: ACCESS.EXEC });

function stat(task: Task, dirfd: number, path: number, out: number, bits: number): number {
  if (bits & ~(AT.SYMLINK_NOFOLLOW | AT.NO_AUTOMOUNT | AT.EMPTY_PATH)) fail(E.EINVAL);
  task.user.write(out, statBytes(attributesAt(task, dirfd, path, bits)));
  return 0;
}

const STATX_RESERVED = 0x8000_0000;
const STATX_SYNC_TYPE = 0x6000;

function statx(task: Task, dirfd: number, path: number, bits: number, mask: number, out: number): number {
  if (mask & STATX_RESERVED || (bits & STATX_SYNC_TYPE) === STATX_SYNC_TYPE) fail(E.EINVAL);
  if (bits & ~(AT.SYMLINK_NOFOLLOW | AT.NO_AUTOMOUNT | AT.EMPTY_PATH | STATX_SYNC_TYPE)) fail(E.EINVAL);
  task.user.write(out, statxBytes(attributesAt(task, dirfd, path, bits)));
  return 0;
}

function access(task: Task, dirfd: number, path: number, wanted: number, bits: number): number {
  if (wanted & ~7 || bits & ~(AT.SYMLINK_NOFOLLOW | AT.EACCESS | AT.EMPTY_PATH)) fail(E.EINVAL);
  const { inode, file } = fileAt(task, dirfd, path, bits & ~AT.EACCESS);
  const { uid, euid, gid, egid, groups } = task.process.credentials;
  const effective = (bits & AT.EACCESS) !== 0;
  const attributes = file?.attributes() ?? inode!.attributes();
  if (wanted & ACCESS.WRITE && inode?.readOnly) fail(E.EROFS);
  if (!permits(attributes, wanted, effective ? euid : uid, effective ? egid : gid, groups)) fail(E.EACCES);
  return 0;
}

function requireOwner(task: Task, inode: Inode): Inode {
  const { euid } = task.process.credentials;
  if (euid !== 0 && inode.attributes().uid !== euid) fail(E.EPERM);
  return inode;
}

function chmod(task: Task, inode: Inode, mode: number): number {
  if (inode instanceof Symlink) fail(E.EOPNOTSUPP);
  requireOwner(task, inode).chmod(mode & 0o7777);
  return 0;
}

function fdInode(task: Task, fd: number): Inode {
  const file = task.fds.get(fd);
  if (file.flags & O.PATH) fail(E.EBADF);
  return changeable(file.inode ?? fail(E.EPERM));
}

function chown(task: Task, inode: Inode, uid: number, gid: number): number {
  if (uid === -1 && gid === -1) return 0;
  const { euid } = task.process.credentials;
  const old = inode.attributes();
  // What stays as it is may always be «changed»: a granted directory of the host has one owner.
  if ((uid === -1 || uid === old.uid) && (gid === -1 || gid === old.gid)) return 0;
  if (euid !== 0) fail(E.EPERM);
  inode.chown(uid, gid);
  const { mode } = old;
  const setId = mode & S_ISUID ? S_ISUID | (mode & S_IXGRP ? S_ISGID : 0) : mode & S_IXGRP ? mode & S_ISGID : 0;
  if (setId !== 0 && !inode.isDirectory) inode.chmod(mode & 0o7777 & ~setId);
  return 0;
}

const S_ISUID = 0o4000;
const S_ISGID = 0o2000;
const S_IXGRP = 0o10;
const UTIME_NOW = 0x3fff_ffff;
const UTIME_OMIT = 0x3fff_fffe;
const SECOND = 1_000_000_000n;
const THOUSAND = 1000n;

type Times = readonly [bigint | null, bigint | null];

function setTimes(task: Task, inode: Inode, [atime, mtime]: Times): number {
  if (atime !== null || mtime !== null) requireOwner(task, inode).setTimes(atime, mtime);
  return 0;
}

function timespecs(task: Task, address: number): Times {
  const now = task.kernel.clock.realtime();
  if (address === 0) return [now, now];
  const view = task.user.view(address, 32);
  const one = (at: number): bigint | null => {
    const nanoseconds = view.getBigInt64(at + 8, true);
    if (nanoseconds === BigInt(UTIME_NOW)) return now;
    if (nanoseconds === BigInt(UTIME_OMIT)) return null;
    if (nanoseconds < 0n || nanoseconds >= SECOND) fail(E.EINVAL);
    return view.getBigInt64(at, true) * SECOND + nanoseconds;
  };
  return [one(0), one(16)];
}

function timevals(task: Task, address: number): Times {
  const now = task.kernel.clock.realtime();
  if (address === 0) return [now, now];
  const view = task.user.view(address, 32);
  const one = (at: number): bigint => {
    const microseconds = view.getBigInt64(at + 8, true);
    if (microseconds < 0n || microseconds >= SECOND / THOUSAND) fail(E.EINVAL);
    return view.getBigInt64(at, true) * SECOND + microseconds * THOUSAND;
  };
  return [one(0), one(16)];
}

function utimensat(task: Task, dirfd: number, path: number, times: number, bits: number): number {
  if (bits & ~(AT.SYMLINK_NOFOLLOW | AT.EMPTY_PATH)) fail(E.EINVAL);
  const wanted = timespecs(task, times);
  if (wanted[0] === null && wanted[1] === null) return 0;
  if (path === 0 && dirfd !== AT.FDCWD) {
    if (bits !== 0) fail(E.EINVAL);
    return setTimes(task, fdInode(task, dirfd), wanted);
  }
  return setTimes(task, changeableAt(task, dirfd, path, bits), wanted);
}

function readlink(task: Task, dirfd: number, path: number, out: number, size: number): number {
  if (size <= 0) fail(E.EINVAL);
  let inode: Inode | null;
  if (dirfd !== AT.FDCWD && task.user.path(path) === '') {
    // An O_PATH descriptor of the link itself.
    inode = task.fds.get(dirfd).inode;
    if (!(inode instanceof Symlink)) fail(E.ENOENT);
  } else {
    inode = placeAt(task, dirfd, path, false).inode ?? fail(E.ENOENT);
  }
  if (!(inode instanceof Symlink)) return fail(E.EINVAL);
  const target = encodeName(inode.target).subarray(0, size);
  task.user.write(out, target);
  return target.length;
}

const TMPFS_MAGIC = 0x0102_1994;
const EXT4_MAGIC = 0xef53;
const BLOCK = 4096;
/** Blocks that a granted directory is said to have; what the host really has would differ from run to run. */
const HOST_BLOCKS = 1 << 20;
const ST_RDONLY = 1;
const ST_VALID = 0x20;

function statfs(task: Task, inode: Inode | null, out: number): number {
  const view = new DataView(new ArrayBuffer(120));
  const host = inode instanceof HostDirectory || (inode !== null && inode.dev >= 16);
  const { limit, used } = task.kernel.namespace.memory;
  const blocks = host ? HOST_BLOCKS : Math.floor(limit / BLOCK);
  const free = host ? HOST_BLOCKS / 2 : Math.floor((limit - used) / BLOCK);
  const fields = [
    host ? EXT4_MAGIC : TMPFS_MAGIC,
    BLOCK,
    blocks,
    free,
    free,
    blocks,
    free,
    inode?.dev ?? 0,
    255,
    BLOCK,
  ];
  fields.forEach((value, index) => {
    view.setBigUint64(8 * index, BigInt(value), true);
  });
  view.setBigUint64(80, BigInt(ST_VALID | (inode?.readOnly ? ST_RDONLY : 0)), true);
  task.user.write(out, new Uint8Array(view.buffer));
  return 0;
}

export const METADATA: readonly SyscallRow[] = [
  row(4, 'stat', [PATH, OUT_STAT], (task, path, out) => stat(task, AT.FDCWD, path, out, 0)),
  row(5, 'fstat', [FD, OUT_STAT], (task, fd, out) => {
    task.user.write(out, statBytes(task.fds.get(fd).attributes()));
    return 0;
  }),
  row(6, 'lstat', [PATH, OUT_STAT], (task, path, out) => stat(task, AT.FDCWD, path, out, AT.SYMLINK_NOFOLLOW)),
  row(21, 'access', [PATH, ACCESS_MODE], (task, path, wanted) => access(task, AT.FDCWD, path, wanted, 0)),
  row(89, 'readlink', [PATH, OUT_BYTES, INT], (task, path, out, size) => readlink(task, AT.FDCWD, path, out, size)),
  row(90, 'chmod', [PATH, MODE], (task, path, mode) => chmod(task, changeableAt(task, AT.FDCWD, path, 0), mode)),
  row(91, 'fchmod', [FD, MODE], (task, fd, mode) => chmod(task, fdInode(task, fd), mode)),
  row(92, 'chown', [PATH, INT, INT], (task, path, uid, gid) =>
    chown(task, changeableAt(task, AT.FDCWD, path, 0), uid, gid),
  ),
  row(93, 'fchown', [FD, INT, INT], (task, fd, uid, gid) => chown(task, fdInode(task, fd), uid, gid)),
  row(94, 'lchown', [PATH, INT, INT], (task, path, uid, gid) =>
    chown(task, changeableAt(task, AT.FDCWD, path, AT.SYMLINK_NOFOLLOW), uid, gid),
  ),
  row(
    95,
    'umask',
    [MODE],
    (task, mask) => {
      const old = task.process.umask;
      task.process.umask = mask & 0o777;
      return old;
    },
    'octal',
  ),
  row(132, 'utime', [PATH, ADDRESS], (task, path, times) => {
    const now = task.kernel.clock.realtime();
    const second = (at: number): bigint => BigInt.asIntN(64, task.user.u64(at)) * SECOND;
    const wanted: Times = times === 0 ? [now, now] : [second(times), second(times + 8)];
    return setTimes(task, changeableAt(task, AT.FDCWD, path, 0), wanted);
  }),
  row(137, 'statfs', [PATH, ADDRESS], (task, path, out) => statfs(task, fileAt(task, AT.FDCWD, path, 0).inode, out)),
  row(138, 'fstatfs', [FD, ADDRESS], (task, fd, out) => statfs(task, task.fds.get(fd).inode, out)),
  row(235, 'utimes', [PATH, ADDRESS], (task, path, times) =>
    setTimes(task, changeableAt(task, AT.FDCWD, path, 0), timevals(task, times)),
  ),
  row(260, 'fchownat', [DIRFD, PATH, INT, INT, AT_FLAGS], (task, dirfd, path, uid, gid, bits) => {
    if (bits & ~(AT.SYMLINK_NOFOLLOW | AT.EMPTY_PATH)) fail(E.EINVAL);
    return chown(task, changeableAt(task, dirfd, path, bits), uid, gid);
  }),
  row(261, 'futimesat', [DIRFD, PATH, ADDRESS], (task, dirfd, path, times) =>
    setTimes(task, path === 0 ? fdInode(task, dirfd) : changeableAt(task, dirfd, path, 0), timevals(task, times)),
  ),
  row(262, 'newfstatat', [DIRFD, PATH, OUT_STAT, AT_FLAGS], stat),
  row(267, 'readlinkat', [DIRFD, PATH, OUT_BYTES, INT], readlink),
  row(268, 'fchmodat', [DIRFD, PATH, MODE], (task, dirfd, path, mode) =>
    chmod(task, changeableAt(task, dirfd, path, 0), mode),
  ),
  row(269, 'faccessat', [DIRFD, PATH, ACCESS_MODE], (task, dirfd, path, wanted) =>
    access(task, dirfd, path, wanted, 0),
  ),
  row(280, 'utimensat', [DIRFD, PATH, IN_TIMESPEC, AT_FLAGS], utimensat),
  row(332, 'statx', [DIRFD, PATH, AT_FLAGS, HEX32, OUT_STATX], statx),
  row(439, 'faccessat2', [DIRFD, PATH, ACCESS_MODE, AT_FLAGS], access),
  row(452, 'fchmodat2', [DIRFD, PATH, MODE, AT_FLAGS], (task, dirfd, path, mode, bits) => {
    if (bits & ~(AT.SYMLINK_NOFOLLOW | AT.EMPTY_PATH)) fail(E.EINVAL);
    return chmod(task, changeableAt(task, dirfd, path, bits), mode);
  }),
  // No file has extended attributes.
  row(191, 'getxattr', [PATH, PATH, ADDRESS, SIZE], (task, path) => noAttribute(fileAt(task, AT.FDCWD, path, 0))),
  row(192, 'lgetxattr', [PATH, PATH, ADDRESS, SIZE], (task, path) =>
    noAttribute(fileAt(task, AT.FDCWD, path, AT.SYMLINK_NOFOLLOW)),
  ),
  row(193, 'fgetxattr', [FD, PATH, ADDRESS, SIZE], (task, fd) => noAttribute(task.fds.get(fd))),
];

function noAttribute(_file: unknown): number {
  return fail(E.EOPNOTSUPP);
}
