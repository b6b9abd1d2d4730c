import type { Attributes } from './fs/inode.ts';
import { S_IF, S_IFMT } from './fs/mode.ts';

/** Sets of capabilities(7), bit by bit. */
export interface Capabilities {
  readonly effective: bigint;
  readonly permitted: bigint;
  readonly inheritable: bigint;
}

/** Who a process is. Ids are bookkeeping inside the guest; they mean nothing to the host. */
export interface Credentials {
  uid: number;
  euid: number;
  suid: number;
  gid: number;
  egid: number;
  sgid: number;
  groups: number[];
  /** What capset(2) has set; all of root's, and nobody else's, where it was not called. */
  capabilities?: Capabilities;
}

export function credentials(uid: number, gid: number): Credentials {
  return { uid, euid: uid, suid: uid, gid, egid: gid, sgid: gid, groups: [gid] };
}

/** Wanted rights of access(2). */
export const ACCESS = { EXEC: 1, WRITE: 2, READ: 4 } as const;

/** Whether the file's mode grants `wanted` to a user (Linux: generic_permission). Root may all but execute the unexecutable. */
export function permits(
  file: Attributes,
  wanted: number,
  uid: number,
  gid: number,
  groups: readonly number[],
): boolean {
  if (uid === 0) {
    return (wanted & ACCESS.EXEC) === 0 || (file.mode & S_IFMT) === S_IF.DIR || (file.mode & 0o111) !== 0;
  }
  const shift = uid === file.uid ? 6 : gid === file.gid || groups.includes(file.gid) ? 3 : 0;
  return (wanted & ~(file.mode >> shift)) === 0;
}
