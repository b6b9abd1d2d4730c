import { ACCESS, type Credentials, permits } from '../credentials.ts';
import { E, fail } from '../errno.ts';
import { encodeName } from '../user-memory.ts';
import { Directory, type Inode, Symlink } from './inode.ts';
import { MAX_LINKS, NAME_MAX } from './mode.ts';

/** The view of one process: where `/` is, where relative paths start, and with whose rights names are looked up. */
export interface PathContext {
  readonly root: Directory;
  readonly cwd: Directory;
  readonly credentials: Credentials;
  /** What openat2(2) forbids on the way: bits of `RESOLVE`, as seen from the directory where it starts. */
  readonly scope?: { readonly base: Directory; readonly bits: number };
}

/** `RESOLVE_…` of openat2(2). */
export const RESOLVE = { NO_XDEV: 1, NO_MAGICLINKS: 2, NO_SYMLINKS: 4, BENEATH: 8, IN_ROOT: 16, CACHED: 32 } as const;
export const RESOLVE_ALL = Object.values(RESOLVE).reduce((all: number, bit) => all | bit, 0);

/** Where a path led. */
export interface Place {
  /** The directory that holds the last name, or would. */
  readonly directory: Directory;
  readonly name: string;
  /** What the last component is: a name, or one of those that nothing can be made or removed under. */
  readonly last: 'name' | 'dot' | 'dotdot' | 'root';
  /** What stands there, or null. */
  readonly inode: Inode | null;
  /** True when the path ended in a slash: only a directory will do. */
  readonly slash: boolean;
}

const NAME_BYTES_SURE = NAME_MAX / 3;

/** @throws SysError EACCES when `inode` does not grant `wanted` (a sum of `ACCESS`) */
export function requireAccess(inode: Inode, wanted: number, who: Credentials): void {
  if (!permits(inode.attributes(), wanted, who.euid, who.egid, who.groups)) fail(E.EACCES);
}

/**
 * Resolves a path one component at a time inside the guest's name space (path_resolution(7)). Symbolic links are text that
 * is resolved by the same rules, so nothing ever leaves `context.root`.
 * @param follow whether a link in the last place is followed (one before a trailing slash always is)
 * @throws SysError ENOENT, ENOTDIR, ELOOP, EACCES, ENAMETOOLONG; EXDEV where it leaves its scope
 */
export function resolve(context: PathContext, start: Directory, path: string, follow: boolean): Place {
  if (path === '') fail(E.ENOENT);
  const { credentials, scope } = context;
  const bits = scope?.bits ?? 0;
  const root = scope !== undefined && bits & RESOLVE.IN_ROOT ? scope.base : context.root;
  const walled = (bits & (RESOLVE.BENEATH | RESOLVE.IN_ROOT)) !== 0;
  /** Goes to the root; `enter` goes anywhere. */
  const toRoot = (): Directory => (bits & RESOLVE.BENEATH ? fail(E.EXDEV) : enter(root));
  const enter = (inode: Directory): Directory =>
    bits & RESOLVE.NO_XDEV && inode.dev !== scope!.base.dev ? fail(E.EXDEV) : inode;
  let directory = path.startsWith('/') ? toRoot() : start;
  let slash = path.endsWith('/');
  let links = 0;
  /** Components still to go, the next one last. */
  const pending = components(path);
  if (pending.length === 0) return { directory, name: '', last: 'root', inode: directory, slash };

  for (;;) {
    const name = pending.pop()!;
    const final = pending.length === 0;
    if (name === '.' || name === '..') {
      if (name === '..') {
        if (bits & RESOLVE.BENEATH && directory === scope!.base) fail(E.EXDEV);
        if (directory !== root) directory = enter(directory.parent);
      }
      if (final) return { directory, name, last: name === '.' ? 'dot' : 'dotdot', inode: directory, slash };
      continue;
    }
    if (name.length > NAME_BYTES_SURE && encodeName(name).length > NAME_MAX) fail(E.ENAMETOOLONG);
    requireAccess(directory, ACCESS.EXEC, credentials);
    const inode = directory.child(name);
    if (inode instanceof Symlink && (!final || follow || slash)) {
      if (++links > MAX_LINKS || bits & RESOLVE.NO_SYMLINKS) fail(E.ELOOP);
      const direct = inode.follow();
      if (direct !== null) {
        if (bits & RESOLVE.NO_MAGICLINKS) fail(E.ELOOP);
        if (walled) fail(E.EXDEV);
        if (final) return { directory, name, last: 'name', inode: direct, slash };
        if (!(direct instanceof Directory)) fail(E.ENOTDIR);
        directory = enter(direct);
        continue;
      }
      const { target } = inode;
      if (target === '') fail(E.ENOENT);
      if (target.startsWith('/')) directory = toRoot();
      const more = components(target);
      if (final) slash ||= target.endsWith('/');
      pending.push(...more);
      if (pending.length === 0) return { directory, name: '', last: 'root', inode: directory, slash };
      continue;
    }
    if (final) {
      if (slash && inode !== null && !(inode instanceof Directory)) fail(E.ENOTDIR);
      if (inode instanceof Directory) enter(inode);
      return { directory, name, last: 'name', inode, slash };
    }
    if (inode === null) fail(E.ENOENT);
    if (!(inode instanceof Directory)) fail(E.ENOTDIR);
    directory = enter(inode);
  }
}

/** As `resolve`, for a path that must lead to something. @throws SysError ENOENT too */
export function resolveExisting(context: PathContext, start: Directory, path: string, follow: boolean): Inode {
  return resolve(context, start, path, follow).inode ?? fail(E.ENOENT);
}

/** The parts of a path, last one first. */
function components(path: string): string[] {
  return path
    .split('/')
    .filter((part) => part !== '')
    .reverse();
}
