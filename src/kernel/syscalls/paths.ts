import { ACCESS } from '../credentials.ts';
import { E, fail } from '../errno.ts';
import type { Attributes, Directory, Inode } from '../fs/inode.ts';
import { Directory as DirectoryClass } from '../fs/inode.ts';
import { AT, O } from '../fs/mode.ts';
import type { OpenFile } from '../fs/open-file.ts';
import { type Place, requireAccess, resolve, resolveExisting } from '../fs/resolve.ts';
import type { Task } from '../task.ts';

/** Where a relative path starts: at the directory behind `dirfd`, or at the working directory. */
export function startOf(task: Task, dirfd: number, path: string): Directory {
  if (path === '') fail(E.ENOENT);
  if (dirfd === AT.FDCWD || path.startsWith('/')) return task.process.cwd;
  const { inode } = task.fds.get(dirfd);
  return inode instanceof DirectoryClass ? inode : fail(E.ENOTDIR);
}

/** A path argument of an `…at` call, resolved. */
export function placeAt(task: Task, dirfd: number, address: number, follow: boolean): Place {
  const path = task.user.path(address);
  return resolve(task.process.paths, startOf(task, dirfd, path), path, follow);
}

/** What an `…at` call is about: a file by its path, or, with AT_EMPTY_PATH and "", the open file itself. */
export function fileAt(
  task: Task,
  dirfd: number,
  address: number,
  bits: number,
): { readonly inode: Inode | null; readonly file: OpenFile | null } {
  const path = address === 0 && bits & AT.EMPTY_PATH ? '' : task.user.path(address);
  if (path === '' && bits & AT.EMPTY_PATH) {
    if (dirfd === AT.FDCWD) return { inode: task.process.cwd, file: null };
    const file = task.fds.get(dirfd);
    return { inode: file.inode, file };
  }
  const follow = (bits & AT.SYMLINK_NOFOLLOW) === 0;
  const inode = resolveExisting(task.process.paths, startOf(task, dirfd, path), path, follow);
  return { inode, file: null };
}

/** As `fileAt`, for calls that change the file. @throws SysError EROFS, EBADF, EPERM */
export function changeableAt(task: Task, dirfd: number, address: number, bits: number): Inode {
  const { inode, file } = fileAt(task, dirfd, address, bits);
  if (file !== null && file.flags & O.PATH && file.inode === null) fail(E.EBADF);
  return changeable(inode ?? fail(E.EPERM));
}

export function changeable(inode: Inode): Inode {
  if (inode.readOnly) fail(E.EROFS);
  return inode;
}

export function attributesAt(task: Task, dirfd: number, address: number, bits: number): Attributes {
  const { inode, file } = fileAt(task, dirfd, address, bits);
  return file !== null ? file.attributes() : inode!.attributes();
}

/** Checks that a name may be made in or taken from the directory of `place`. @throws SysError EROFS, EACCES */
export function requireChange(task: Task, place: Place): void {
  if (place.directory.readOnly) fail(E.EROFS);
  requireAccess(place.directory, ACCESS.WRITE | ACCESS.EXEC, task.process.credentials);
}

/** Checks that `place` is a name where nothing stands yet. @throws SysError EEXIST and those of `requireChange` */
export function requireFree(task: Task, place: Place): void {
  if (place.last !== 'name' || place.inode !== null) fail(E.EEXIST);
  requireChange(task, place);
}

/** Names that file systems are mounted on stay. @throws SysError EBUSY */
export function requireNoMount(place: Place): void {
  if (place.directory.mounts.has(place.name)) fail(E.EBUSY);
}
