import type { Capabilities } from '../credentials.ts';
import { E, fail } from '../errno.ts';
import type { Task } from '../task.ts';
import { ADDRESS, choice, HEX, HEX32, INT, SIZE, UINT } from './args.ts';
import { row, type SyscallRow } from './row.ts';

/** Versions of capget(2), and the words of 32 bits that each has. */
const VERSION_WORDS: ReadonlyMap<number, number> = new Map([
  [0x1998_0330, 1],
  [0x2007_1026, 2],
  [0x2008_0522, 2],
]);
const NEWEST_VERSION = 0x2008_0522;
const ALL: bigint = (1n << 41n) - 1n;
const SETS = ['effective', 'permitted', 'inheritable'] as const;

function capabilitiesOf({ process }: Task): Capabilities {
  const { capabilities, euid } = process.credentials;
  const all = euid === 0 ? ALL : 0n;
  return capabilities ?? { effective: all, permitted: all, inheritable: 0n };
}

/** Words of the structure that the header's version has; 0: unknown, and the header now says which one is known. */
function wordsOf(task: Task, header: number): number {
  const words = VERSION_WORDS.get(task.user.u32(header));
  if (words === undefined) task.user.setU32(header, NEWEST_VERSION);
  return words ?? 0;
}

function capget(task: Task, header: number, data: number): number {
  const words = wordsOf(task, header);
  if (words === 0) return data === 0 ? 0 : fail(E.EINVAL);
  const pid = task.user.u32(header + 4) | 0;
  if (pid < 0) fail(E.EINVAL);
  const target = pid === 0 ? task : (task.kernel.tasks.get(pid) ?? fail(E.ESRCH));
  if (data === 0) return 0;
  const has = capabilitiesOf(target);
  for (let word = 0; word < words; word++)
    for (const [i, set] of SETS.entries())
      task.user.setU32(data + 12 * word + 4 * i, Number((has[set] >> BigInt(32 * word)) & 0xffff_ffffn));
  return 0;
}

/** capset(2): capabilities can be dropped, and what is permitted be made effective (cap_capset). */
function capset(task: Task, header: number, data: number): number {
  const words = wordsOf(task, header);
  if (words === 0) fail(E.EINVAL);
  const pid = task.user.u32(header + 4) | 0;
  if (pid !== 0 && pid !== task.tid) fail(E.EPERM);
  const wanted = { effective: 0n, permitted: 0n, inheritable: 0n };
  for (let word = 0; word < words; word++)
    for (const [i, set] of SETS.entries())
      wanted[set] |= (BigInt(task.user.u32(data + 12 * word + 4 * i)) << BigInt(32 * word)) & ALL;
  const has = capabilitiesOf(task);
  if (wanted.permitted & ~has.permitted || wanted.effective & ~wanted.permitted) fail(E.EPERM);
  if (wanted.inheritable & ~(has.inheritable | has.permitted)) fail(E.EPERM);
  task.process.credentials.capabilities = wanted;
  return 0;
}

const SECCOMP = {
  SECCOMP_SET_MODE_STRICT: 0,
  SECCOMP_SET_MODE_FILTER: 1,
  SECCOMP_GET_ACTION_AVAIL: 2,
  SECCOMP_GET_NOTIF_SIZES: 3,
} as const;
const SIGKILL = 9;
/** read, write, rt_sigreturn and exit: all that strict mode leaves. */
const STRICT_CALLS: readonly number[] = [0, 1, 15, 60];

/** Strict mode: nothing but reading, writing and ending from here on. There are no filters. */
export function enterStrict(task: Task): number {
  task.strict = true;
  return 0;
}

/** Ends a thread in strict mode that makes another call (Linux: __secure_computing_strict). */
export function violatesStrict(task: Task, number: number): boolean {
  if (!task.strict || STRICT_CALLS.includes(number)) return false;
  const { process, kernel } = task;
  if (process.tasks.size === 1) process.finish({ kind: 'killed', signal: SIGKILL, code: 0, address: 0n, fault: null });
  kernel.endTask(task);
  return true;
}

const PKEY_RIGHTS = 3;

export const PRIVILEGES: readonly SyscallRow[] = [
  row(125, 'capget', [ADDRESS, ADDRESS], capget),
  row(126, 'capset', [ADDRESS, ADDRESS], capset),
  row(317, 'seccomp', [choice(SECCOMP), HEX32, ADDRESS], (task, operation, bits, at) => {
    if (operation === SECCOMP.SECCOMP_GET_ACTION_AVAIL) fail(E.EOPNOTSUPP);
    if (operation !== SECCOMP.SECCOMP_SET_MODE_STRICT || bits !== 0 || at !== 0) fail(E.EINVAL);
    return enterStrict(task);
  }),
  // Keys of memory are not handed out: none is free (pkeys(7)), and the default one stays.
  row(329, 'pkey_mprotect', [ADDRESS, SIZE, HEX, INT], (task, address, length, prot, key) => {
    if (key !== -1 && key !== 0) fail(E.EINVAL);
    task.space.mprotect(address, length, prot);
    return 0;
  }),
  row(330, 'pkey_alloc', [UINT, UINT], (_task, bits, rights) =>
    fail(bits !== 0 || rights & ~PKEY_RIGHTS ? E.EINVAL : E.ENOSPC),
  ),
  row(331, 'pkey_free', [INT], () => fail(E.EINVAL)),
];
