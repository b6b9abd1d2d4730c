import { E, fail } from '../errno.ts';
import { AT } from '../fs/mode.ts';
import { PidFile } from '../fs/pid-file.ts';
import { RLIMIT } from '../limits.ts';
import { signalName } from '../signals/numbers.ts';
import type { Task } from '../task.ts';
import { CLONE, CLONE_CLEAR_SIGHAND, type CloneRequest, clone, FORK } from '../tasks/clone.ts';
import { executableAt, execute, vectorBytes } from '../tasks/execve.ts';
import { encodeName } from '../user-memory.ts';
import { waitFor } from '../wait.ts';
import {
  ADDRESS,
  type ArgKind,
  DIRFD,
  type FlagNames,
  flags,
  flagText,
  HEX,
  INT,
  inStruct,
  PATH,
  quote,
  SIZE,
  UINT,
} from './args.ts';
import { fileAt } from './paths.ts';
import { NO_RESULT, row, type SyscallRow } from './row.ts';

/** What unshare(2) gives a process of its own here, and what it may not have. */
const UNSHARED = CLONE.FILES | CLONE.FS | CLONE.THREAD | CLONE.SIGHAND | CLONE.VM | CLONE.SYSVSEM;
/** CLONE_NEWTIME, NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const NAME_SPACES = 0x7e02_0080;
const FLAG_NAMES: FlagNames = Object.fromEntries(Object.entries(CLONE).map(([name, bit]) => [`CLONE_${name}`, bit]));
const SIGNAL_MASK = 0xff;

const CLONE_FLAGS: ArgKind = {
  decode: HEX.decode,
  show: (value) => {
    const signal = value & SIGNAL_MASK;
    const bits = value - signal;
    const names = bits === 0 ? [] : [flagText(bits, FLAG_NAMES)];
    return [...names, ...(signal === 0 ? [] : [signalName(signal)])].join('|') || '0';
  },
};

/** Starts the child; vfork(2) waits until it has executed another program or is over. */
function start(task: Task, request: CloneRequest): number {
  const child = task.resumed === null ? clone(task, request) : task.kernel.tasks.get(task.progress);
  if ((request.flags & CLONE.VFORK) === 0) return child!.tid;
  const process = child?.process;
  const tid = child?.tid ?? task.progress;
  task.progress = tid;
  waitFor(task, `process ${tid}, which shares its memory (vfork)`, {
    ready: () => process === undefined || !process.borrowsSpace,
    // Only what kills ends this wait.
    interrupted: () => tid,
    patient: true,
  });
  return tid;
}

const CLONE_ARGS_SIZE = 88;
const CLONE_ARGS_SIZE_0 = 64;
const PAGE = 4096;

/** clone3(2): `struct clone_args`. */
function clone3(task: Task, address: number, size: number): number {
  if (size > PAGE) fail(E.E2BIG);
  if (size < CLONE_ARGS_SIZE_0) fail(E.EINVAL);
  const bytes = new Uint8Array(Math.max(size, CLONE_ARGS_SIZE));
  bytes.set(task.user.read(address, size));
  if (bytes.subarray(CLONE_ARGS_SIZE).some((byte) => byte !== 0)) fail(E.E2BIG);
  const view = new DataView(bytes.buffer);
  const field = (at: number): number => Number(view.getBigUint64(at, true));
  const pointer = (at: number): number => Number(task.user.untag(view.getBigUint64(at, true)));
  const all = field(0);
  const clear = all >= CLONE_CLEAR_SIGHAND;
  const bits = all % CLONE_CLEAR_SIGHAND;
  if (all >= 2 * CLONE_CLEAR_SIGHAND || bits & (CLONE.DETACHED | SIGNAL_MASK)) fail(E.EINVAL);
  const exitSignal = field(32);
  const stack = field(40);
  const stackSize = field(48);
  if (exitSignal > SIGNAL_MASK) fail(E.EINVAL);
  if (bits & (CLONE.THREAD | CLONE.PARENT) && exitSignal !== 0) fail(E.EINVAL);
  if ((stack === 0) !== (stackSize === 0)) fail(E.EINVAL);
  if (field(64) !== 0 || field(72) !== 0) fail(E.EPERM);
  return start(task, {
    flags: bits >>> 0,
    clearHandlers: clear,
    exitSignal,
    stack: stack + stackSize,
    tls: field(56),
    parentTid: pointer(24),
    childTid: pointer(16),
    pidfd: pointer(8),
  });
}

const IN_CLONE_ARGS = inStruct((address, user) => {
  const view = user.view(address, CLONE_ARGS_SIZE_0);
  const field = (at: number): number => Number(view.getBigUint64(at, true));
  const signal = field(32);
  const names = flagText(field(0), FLAG_NAMES);
  return `{flags=${names}, exit_signal=${signal === 0 ? '0' : signalName(signal)}, stack=0x${field(40).toString(16)}, stack_size=0x${field(48).toString(16)}}`;
});

/** Most that arguments and environment may take, and room for what else stands on a new stack. */
const MOST_STACK_BYTES = 6 << 20;
const STACK_REST = 4096;

function execve(task: Task, dirfd: number, pathAt: number, argvAt: number, envAt: number, bits: number): number {
  if (bits & ~(AT.EMPTY_PATH | AT.SYMLINK_NOFOLLOW)) fail(E.EINVAL);
  const { inode } = fileAt(task, dirfd, pathAt, bits);
  const path = task.user.path(pathAt);
  const args = task.user.strings(argvAt);
  const env = task.user.strings(envAt);
  // A program without a name gets an empty one (since Linux 5.18).
  if (args.length === 0) args.push('');
  const name =
    path === '' || (!path.startsWith('/') && dirfd !== AT.FDCWD) ? `/dev/fd/${dirfd}${path && '/'}${path}` : path;
  const found = inode ?? fail(E.EACCES);
  const program = executableAt(task, found, name, args);
  // Behind this there is no way back: what the new stack has to hold is looked at before.
  const limit = Math.min(task.process.limits.soft(RLIMIT.STACK) / 4, MOST_STACK_BYTES);
  if (vectorBytes([...program.args, ...env, program.path]) + STACK_REST > limit) fail(E.E2BIG);
  execute(task, program, env);
  return NO_RESULT;
}

const MOST_SHOWN = 32;
const ARGV: ArgKind = inStruct((address, user) => {
  const texts = user.strings(address);
  const shown = texts.slice(0, MOST_SHOWN).map((text) => quote(encodeName(text)));
  return `[${shown.join(', ')}${texts.length > MOST_SHOWN ? ', ...' : ''}]`;
});
const ENVP: ArgKind = inStruct(
  (address, user) => `0x${address.toString(16)} /* ${user.strings(address).length} vars */`,
);

const PIDFD_NONBLOCK = 0o4000;
const PIDFD_THREAD = 0o200;

export const CLONING: readonly SyscallRow[] = [
  row(56, 'clone', [CLONE_FLAGS, ADDRESS, ADDRESS, ADDRESS, ADDRESS], (task, all, stack, parentTid, childTid, tls) => {
    const bits = (all - (all % 256)) % 2 ** 32;
    const exitSignal = all % 256;
    // clone(2) has no word for a pidfd but that of the parent's number.
    if (bits & CLONE.PIDFD && bits & CLONE.PARENT_SETTID) fail(E.EINVAL);
    return start(task, { flags: bits, exitSignal, stack, tls, parentTid, childTid, pidfd: parentTid });
  }),
  row(57, 'fork', [], (task) => start(task, FORK)),
  row(58, 'vfork', [], (task) => start(task, { ...FORK, flags: CLONE.VFORK | CLONE.VM })),
  row(272, 'unshare', [CLONE_FLAGS], (task, bits) => {
    const { process } = task;
    // Name spaces of its own would need a machine of its own.
    if (bits & ~UNSHARED) fail(bits & NAME_SPACES && (bits & ~(UNSHARED | NAME_SPACES)) === 0 ? E.EPERM : E.EINVAL);
    if (bits & (CLONE.THREAD | CLONE.SIGHAND | CLONE.VM) && process.tasks.size > 1) fail(E.EINVAL);
    if (bits & CLONE.FS) process.fs = { ...process.fs };
    if (bits & CLONE.FILES && process.fds.shared) {
      const own = process.fds.copy();
      process.fds.release();
      process.fds = own;
    }
    return 0;
  }),
  row(59, 'execve', [PATH, ARGV, ENVP], (task, path, argv, env) => execve(task, AT.FDCWD, path, argv, env, 0)),
  row(322, 'execveat', [DIRFD, PATH, ARGV, ENVP, flags({ AT_EMPTY_PATH: AT.EMPTY_PATH })], execve),
  row(434, 'pidfd_open', [INT, UINT], (task, pid, bits) => {
    if (pid <= 0 || bits & ~(PIDFD_NONBLOCK | PIDFD_THREAD)) fail(E.EINVAL);
    const process = task.kernel.processes.get(pid) ?? fail(E.ESRCH);
    return task.fds.add(new PidFile(process, task.kernel.anonymousInode(), bits & PIDFD_NONBLOCK), true);
  }),
  row(435, 'clone3', [IN_CLONE_ARGS, SIZE], clone3),
];
