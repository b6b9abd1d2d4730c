import { ACCESS } from '../credentials.ts';
import { E, fail } from '../errno.ts';
import { DeviceFile, DeviceInode, SelfOpening } from './device.ts';
import { Directory, type Inode, RegularInode, Symlink } from './inode.ts';
import { MemorySpecial } from './memory.ts';
import { O, S_IF, S_IFMT } from './mode.ts';
import { DirectoryFile, type OpenFile, PathFile } from './open-file.ts';
import { PipeEnd } from './pipe.ts';
import { StreamInode } from './proc.ts';
import { RegularFile } from './regular-file.ts';
import { type PathContext, type Place, requireAccess, resolve } from './resolve.ts';

/** Flags that stay with the open file; the others only steer the opening. */
const KEPT = ~(O.CREAT | O.EXCL | O.NOCTTY | O.TRUNC | O.CLOEXEC);

/**
 * open(2): finds or creates a file and opens it.
 * @param mode permission bits of a new file, the umask already taken off
 */
export function openPath(context: PathContext, start: Directory, path: string, flags: number, mode: number): OpenFile {
  if (flags & O.PATH) flags &= O.PATH | O.DIRECTORY | O.NOFOLLOW | O.CLOEXEC;
  if ((flags & O.TMPFILE) === O.TMPFILE) return openUnnamed(context, start, path, flags, mode);
  if ((flags & (O.CREAT | O.DIRECTORY)) === (O.CREAT | O.DIRECTORY)) fail(E.EINVAL);
  const creates = (flags & O.CREAT) !== 0;
  const exclusive = creates && (flags & O.EXCL) !== 0;
  const place = resolve(context, start, path, (flags & O.NOFOLLOW) === 0 && !exclusive);
  if (place.inode === null) {
    if (!creates) fail(E.ENOENT);
    return openInode(create(context, place, mode), placePath(place), flags & ~O.TRUNC);
  }
  if (exclusive) fail(E.EEXIST);
  if (creates && (place.slash || place.inode instanceof Directory)) fail(E.EISDIR);
  const { inode } = place;
  if (flags & O.DIRECTORY && !(inode instanceof Directory)) {
    fail(inode instanceof Symlink && (flags & O.PATH) === 0 ? E.ELOOP : E.ENOTDIR);
  }
  if (place.slash && !(inode instanceof Directory)) fail(E.ENOTDIR);
  if (flags & O.PATH) return new PathFile(inode, placePath(place), flags);
  checkRights(context, inode, flags);
  return openInode(inode, placePath(place), flags);
}

/** O_TMPFILE: a file without a name in a directory's file system. */
function openUnnamed(context: PathContext, start: Directory, path: string, flags: number, mode: number): OpenFile {
  if ((flags & O.ACCMODE) === O.RDONLY) fail(E.EINVAL);
  const place = resolve(context, start, path, (flags & O.NOFOLLOW) === 0);
  const { inode } = place;
  if (inode === null) return fail(E.ENOENT);
  if (!(inode instanceof Directory)) return fail(E.ENOTDIR);
  if (inode.readOnly) fail(E.EROFS);
  requireAccess(inode, ACCESS.WRITE | ACCESS.EXEC, context.credentials);
  const file = inode.createUnnamed(mode, (flags & O.EXCL) === 0);
  return openInode(file, `${placePath(place)}/#${file.attributes().ino}`, flags & ~O.TRUNC);
}

function create(context: PathContext, place: Place, mode: number): Inode {
  if (place.slash) fail(E.EISDIR);
  if (place.directory.readOnly) fail(E.EROFS);
  requireAccess(place.directory, ACCESS.WRITE | ACCESS.EXEC, context.credentials);
  return place.directory.createFile(place.name, mode);
}

function checkRights(context: PathContext, inode: Inode, flags: number): void {
  if (inode instanceof Symlink) fail(E.ELOOP);
  const access = flags & O.ACCMODE;
  const writes = access !== O.RDONLY || (flags & O.TRUNC) !== 0;
  if (inode instanceof Directory && writes) fail(E.EISDIR);
  if (writes && inode.readOnly && inode instanceof RegularInode) fail(E.EROFS);
  const wanted = (access === O.WRONLY ? 0 : ACCESS.READ) | (writes ? ACCESS.WRITE : 0);
  requireAccess(inode, wanted, context.credentials);
}

/** Opens a file that has been found and checked. */
export function openInode(inode: Inode, path: string, flags: number): OpenFile {
  const kept = (flags & KEPT) | O.LARGEFILE;
  if (inode instanceof Directory) return new DirectoryFile(inode, path, kept);
  if (inode instanceof DeviceInode) return new DeviceFile(inode, path, kept);
  if (inode instanceof SelfOpening) return inode.openFile(path, flags | O.LARGEFILE);
  // A stream has no name to open it by again: the descriptor is shared instead.
  if (inode instanceof StreamInode) return inode.file;
  if (inode instanceof MemorySpecial && (inode.mode & S_IFMT) === S_IF.FIFO) {
    const writesOnly = (flags & O.ACCMODE) === O.WRONLY;
    if (writesOnly && flags & O.NONBLOCK && inode.pipe.readers === 0) fail(E.ENXIO);
    return new PipeEnd(inode.pipe, path, kept, () => inode.attributes(), inode);
  }
  if (!(inode instanceof RegularInode)) return fail(E.ENXIO);
  if (flags & O.TRUNC) {
    const content = inode.open(false, true);
    try {
      content.truncate(0);
    } finally {
      content.release();
    }
  }
  return new RegularFile(inode, path, kept);
}

/** The absolute path of what was found. */
export function placePath(place: Place): string {
  if (place.last !== 'name') return place.directory.path();
  const above = place.directory.path();
  return above === '/' ? `/${place.name}` : `${above}/${place.name}`;
}

/** What a program is called by its path: the last component. */
export function baseName(path: string | undefined): string {
  const name = (path ?? '').split('/').pop()!;
  return name === '' ? 'program' : name;
}
