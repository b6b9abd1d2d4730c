import type { Credentials } from '../credentials.ts';
import { E, fail } from '../errno.ts';
import type { Task } from '../task.ts';
import { ADDRESS, INT } from './args.ts';
import { row, type SyscallRow } from './row.ts';

type Ids = readonly ['uid', 'euid', 'suid'] | readonly ['gid', 'egid', 'sgid'];
const USER: Ids = ['uid', 'euid', 'suid'];
const GROUP: Ids = ['gid', 'egid', 'sgid'];

const UNCHANGED = -1;
const MAX_GROUPS = 65536;

const privileged = (who: Credentials): boolean => who.euid === 0;

/** setuid(2) and setgid(2). */
function setId(task: Task, [real, effective, saved]: Ids, id: number): number {
  const who = task.process.credentials;
  if (id < 0) fail(E.EINVAL);
  if (privileged(who)) {
    who[real] = who[effective] = who[saved] = id;
    return 0;
  }
  if (id !== who[real] && id !== who[saved]) fail(E.EPERM);
  who[effective] = id;
  return 0;
}

/** setresuid(2) and setresgid(2). */
function setAll(task: Task, ids: Ids, values: readonly number[]): number {
  const who = task.process.credentials;
  const known: readonly number[] = ids.map((id) => who[id]);
  const allowed = privileged(who) || values.every((value) => value === UNCHANGED || known.includes(value));
  if (!allowed) fail(E.EPERM);
  for (const [index, id] of ids.entries()) {
    const value = values[index]!;
    if (value !== UNCHANGED) who[id] = value;
  }
  return 0;
}

/** setreuid(2) and setregid(2). */
function setPair(task: Task, ids: Ids, real: number, effective: number): number {
  const who = task.process.credentials;
  const [realId, effectiveId, savedId] = ids;
  const root = privileged(who);
  const old = who[realId];
  if (!root && real !== UNCHANGED && real !== old && real !== who[effectiveId]) fail(E.EPERM);
  if (!root && effective !== UNCHANGED && ![old, who[effectiveId], who[savedId]].includes(effective)) fail(E.EPERM);
  if (real !== UNCHANGED) who[realId] = real;
  if (effective !== UNCHANGED) who[effectiveId] = effective;
  if (real !== UNCHANGED || (effective !== UNCHANGED && effective !== old)) who[savedId] = who[effectiveId];
  return 0;
}

function getAll(task: Task, ids: Ids, addresses: readonly number[]): number {
  for (const [index, id] of ids.entries()) task.user.setU32(addresses[index]!, task.process.credentials[id]);
  return 0;
}

export const IDENTITY: readonly SyscallRow[] = [
  row(102, 'getuid', [], (task) => task.process.credentials.uid),
  row(104, 'getgid', [], (task) => task.process.credentials.gid),
  row(105, 'setuid', [INT], (task, id) => setId(task, USER, id)),
  row(106, 'setgid', [INT], (task, id) => setId(task, GROUP, id)),
  row(107, 'geteuid', [], (task) => task.process.credentials.euid),
  row(108, 'getegid', [], (task) => task.process.credentials.egid),
  row(113, 'setreuid', [INT, INT], (task, real, effective) => setPair(task, USER, real, effective)),
  row(114, 'setregid', [INT, INT], (task, real, effective) => setPair(task, GROUP, real, effective)),
  row(115, 'getgroups', [INT, ADDRESS], (task, size, address) => {
    const { groups } = task.process.credentials;
    if (size < 0 || (size > 0 && size < groups.length)) fail(E.EINVAL);
    if (size > 0) task.user.write(address, new Uint8Array(Uint32Array.from(groups).buffer));
    return groups.length;
  }),
  row(116, 'setgroups', [INT, ADDRESS], (task, size, address) => {
    if (!privileged(task.process.credentials)) fail(E.EPERM);
    if (size < 0 || size > MAX_GROUPS) fail(E.EINVAL);
    task.process.credentials.groups = Array.from({ length: size }, (_, i) => task.user.u32(address + 4 * i));
    return 0;
  }),
  row(117, 'setresuid', [INT, INT, INT], (task, ...ids) => setAll(task, USER, ids)),
  row(118, 'getresuid', [ADDRESS, ADDRESS, ADDRESS], (task, ...addresses) => getAll(task, USER, addresses)),
  row(119, 'setresgid', [INT, INT, INT], (task, ...ids) => setAll(task, GROUP, ids)),
  row(120, 'getresgid', [ADDRESS, ADDRESS, ADDRESS], (task, ...addresses) => getAll(task, GROUP, addresses)),
  row(122, 'setfsuid', [INT], (task) => task.process.credentials.euid),
  row(123, 'setfsgid', [INT], (task) => task.process.credentials.egid),
];
