import * as L from '../../state/layout.ts';
import { E, fail } from '../errno.ts';
import { PidFile } from '../fs/pid-file.ts';
import { RLIMIT } from '../limits.ts';
import { Process } from '../process.ts';
import { SIG } from '../signals/numbers.ts';
import { INITIAL_ALT_STACK } from '../signals/state.ts';
import { Task } from '../task.ts';
import { initialDisable } from '../xstate.ts';

export const CLONE = {
  VM: 0x100,
  FS: 0x200,
  FILES: 0x400,
  SIGHAND: 0x800,
  PIDFD: 0x1000,
  PTRACE: 0x2000,
  VFORK: 0x4000,
  PARENT: 0x8000,
  THREAD: 0x1_0000,
  NEWNS: 0x2_0000,
  SYSVSEM: 0x4_0000,
  SETTLS: 0x8_0000,
  PARENT_SETTID: 0x10_0000,
  CHILD_CLEARTID: 0x20_0000,
  DETACHED: 0x40_0000,
  UNTRACED: 0x80_0000,
  CHILD_SETTID: 0x100_0000,
  NEWCGROUP: 0x200_0000,
  NEWUTS: 0x400_0000,
  NEWIPC: 0x800_0000,
  NEWUSER: 0x1000_0000,
  NEWPID: 0x2000_0000,
  NEWNET: 0x4000_0000,
  IO: 0x8000_0000,
} as const;

/** clone3(2) only: every signal gets its default action. */
export const CLONE_CLEAR_SIGHAND = 2 ** 32;
const NAMESPACES =
  CLONE.NEWNS | CLONE.NEWCGROUP | CLONE.NEWUTS | CLONE.NEWIPC | CLONE.NEWUSER | CLONE.NEWPID | CLONE.NEWNET;

/** What clone(2) and clone3(2) are asked for. */
export interface CloneRequest {
  /** CLONE_ bits, as many as fit 32 bits; `clearHandlers` is the one beyond. */
  readonly flags: number;
  readonly clearHandlers?: boolean;
  readonly exitSignal: number;
  /** RSP of the child; 0: the parent's. */
  readonly stack: number;
  readonly tls: number;
  readonly parentTid: number;
  readonly childTid: number;
  readonly pidfd: number;
}

const RAX = 0;
const RSP = 4;

const register = (task: Task, at: number, value: bigint): void => task.registers.setU64(at, value);

/**
 * Makes a thread or a process that goes on where `parent`, whose registers are loaded, has made the call (Linux:
 * copy_process). Returns it; it may run already when the caller does.
 * @throws SysError EINVAL, EAGAIN, EPERM, EFAULT; OutOfMemory
 */
export function clone(parent: Task, request: CloneRequest): Task {
  const { kernel, process } = parent;
  const { flags } = request;
  const has = (bit: number): boolean => (flags & bit) !== 0;
  if (has(CLONE.SIGHAND) && !has(CLONE.VM)) fail(E.EINVAL);
  if (has(CLONE.THREAD) && !has(CLONE.SIGHAND)) fail(E.EINVAL);
  if (has(CLONE.FS) && has(CLONE.NEWNS)) fail(E.EINVAL);
  if (request.clearHandlers && has(CLONE.SIGHAND)) fail(E.EINVAL);
  if (has(CLONE.PIDFD) && has(CLONE.DETACHED)) fail(E.EINVAL);
  if (flags & NAMESPACES) fail(E.EPERM);
  if (request.exitSignal < 0 || request.exitSignal > 64) fail(E.EINVAL);
  if (kernel.tasks.size >= kernel.maxTasks) fail(E.EAGAIN);

  const tid = kernel.newPid();
  kernel.saveRegisters(parent);
  const child = has(CLONE.THREAD) ? new Task(process, tid) : makeProcess(parent, tid, request).main;
  child.name = parent.name;
  child.affinity = parent.affinity;
  if (!parent.scheduling.resetOnFork) child.scheduling = parent.scheduling;
  child.ioPriority = parent.ioPriority;
  child.strict = parent.strict;
  child.cpu = parent.cpu;
  child.mask = parent.savedMask ?? parent.mask;
  // Tile data is left behind, and whoever uses tiles first gets room for it (Linux: fpu_clone).
  child.registers.copyWithoutTiles(parent.registers);
  register(child, L.gprAt(RAX), 0n);
  if (request.stack !== 0) register(child, L.gprAt(RSP), BigInt(request.stack));
  if (has(CLONE.SETTLS)) register(child, L.FS_BASE, BigInt(request.tls));
  register(child, L.CR3, kernel.rootOf(child));
  register(child, L.XFD, initialDisable(kernel.machine.cpu));
  // A thread begins without a stack for signals and without rseq; a process keeps what its parent has.
  if (!has(CLONE.VM) || has(CLONE.VFORK)) child.altStack = parent.altStack;
  else child.altStack = INITIAL_ALT_STACK;
  if (!has(CLONE.VM)) {
    child.rseq = parent.rseq;
    child.rseqEvents = parent.rseqEvents;
  }
  if (has(CLONE.CHILD_CLEARTID)) child.clearTid = request.childTid;

  // Two threads must not disagree about tags (Linux: copy_thread).
  if (has(CLONE.VM) && !has(CLONE.VFORK)) process.space.lam.locked = true;
  if (has(CLONE.THREAD)) process.tasks.add(child);
  kernel.addTask(child);
  if (has(CLONE.PIDFD)) {
    const fd = parent.fds.add(new PidFile(child.process, kernel.anonymousInode()), true);
    parent.user.setU32(request.pidfd, fd);
  }
  // A number that cannot be written is no error.
  if (has(CLONE.PARENT_SETTID)) parent.user.trySetU32(request.parentTid, tid);
  if (has(CLONE.CHILD_SETTID)) child.user.trySetU32(request.childTid, tid);
  return child;
}

function makeProcess(parent: Task, pid: number, request: CloneRequest): Process {
  const { kernel, process } = parent;
  const { flags } = request;
  const shares = (bit: number): boolean => (flags & bit) !== 0;
  process.fds.limit = process.limits.soft(RLIMIT.NOFILE);
  const actions = shares(CLONE.SIGHAND) ? process.actions : process.actions.copy();
  const child = new Process(kernel, {
    pid,
    parent: shares(CLONE.PARENT) ? process.parent : process,
    credentials: { ...process.credentials, groups: [...process.credentials.groups] },
    paths: shares(CLONE.FS) ? process.fs : { ...process.fs },
    fds: shares(CLONE.FILES) ? process.fds.retain() : process.fds.copy(),
    actions: request.clearHandlers ? actions.afterExec() : actions,
    limits: process.limits.copy(),
    space: (options) => (shares(CLONE.VM) ? process.space.retain() : process.space.fork(options)),
  });
  child.group = process.group;
  child.session = process.session;
  child.program = process.program;
  child.persona = process.persona;
  child.dumpable = process.dumpable;
  child.noNewPrivileges = process.noNewPrivileges;
  child.barriers = process.barriers;
  child.permittedStates = process.permittedStates;
  child.exitSignal = shares(CLONE.PARENT) ? process.exitSignal : request.exitSignal;
  child.borrowsSpace = shares(CLONE.VFORK);
  child.parent?.children.add(child);
  kernel.processes.set(pid, child);
  return child;
}

/** Default of fork(2) and vfork(2). */
export const FORK: CloneRequest = {
  flags: 0,
  exitSignal: SIG.CHLD,
  stack: 0,
  tls: 0,
  parentTid: 0,
  childTid: 0,
  pidfd: 0,
};
