import { Blocked, ERESTART } from '../block.ts';
import { E, fail } from '../errno.ts';
import { PidFile } from '../fs/pid-file.ts';
import type { Process } from '../process.ts';
import { leaveHandler } from '../signals/frame.ts';
import { infoBytes, SIGINFO_BYTES } from '../signals/info.ts';
import { defaultAction, NSIG, SIG } from '../signals/numbers.ts';
import { MINSIGSTKSZ, SI, SIG_DFL, SIG_IGN, type SignalInfo, SS, signalBit, UNBLOCKABLE } from '../signals/state.ts';
import { Task } from '../task.ts';
import { deadlineAfter, waitFor } from '../wait.ts';
import { holdsFrames } from '../xstate.ts';
import { ADDRESS, choice, FD, INT, SIGNAL, SIZE, UINT } from './args.ts';
import { timeoutAt } from './poll.ts';
import { NO_RESULT, row, type SyscallRow } from './row.ts';
import { IN_SIGACTION, IN_SIGSET, IN_STACK, IN_TIMESPEC, OUT_SIGACTION, OUT_SIGSET, OUT_STACK } from './structs.ts';

const SIGSET_SIZE = 8;
const checkSetSize = (size: number): void => {
  if (size !== SIGSET_SIZE) fail(E.EINVAL);
};

/** `struct sigaction` of the kernel: handler, flags, restorer, mask. */
const SIGACTION_SIZE = 32;

function sigaction(task: Task, signal: number, next: number, old: number, size: number): number {
  checkSetSize(size);
  const wanted = next === 0 ? null : task.user.view(next, SIGACTION_SIZE);
  if (signal < 1 || signal > NSIG) fail(E.EINVAL);
  if (wanted !== null && (signal === SIG.KILL || signal === SIG.STOP)) fail(E.EINVAL);
  const { handler, flags, restorer, mask } = task.process.actions.get(signal);
  if (wanted !== null) {
    const action = {
      handler: wanted.getBigUint64(0, true),
      flags: wanted.getBigUint64(8, true),
      restorer: wanted.getBigUint64(16, true),
      mask: wanted.getBigUint64(24, true),
    };
    task.process.actions.set(signal, action);
    // A pending signal that is now ignored is dropped (POSIX 3.3.1.3).
    const ignored = action.handler === SIG_IGN || (action.handler === SIG_DFL && defaultAction(signal) === 'ignore');
    if (ignored) {
      task.process.pending.discard(signalBit(signal));
      for (const one of task.process.tasks) one.pending.discard(signalBit(signal));
    }
  }
  if (old !== 0) task.user.write(old, new Uint8Array(BigUint64Array.of(handler, flags, restorer, mask).buffer));
  return 0;
}

const HOW = { SIG_BLOCK: 0, SIG_UNBLOCK: 1, SIG_SETMASK: 2 } as const;

function sigprocmask(task: Task, how: number, next: number, old: number, size: number): number {
  checkSetSize(size);
  const before = task.mask;
  if (next !== 0) {
    const set = task.user.u64(next) & ~UNBLOCKABLE;
    if (how === HOW.SIG_BLOCK) task.mask |= set;
    else if (how === HOW.SIG_UNBLOCK) task.mask &= ~set;
    else if (how === HOW.SIG_SETMASK) task.mask = set;
    else fail(E.EINVAL);
    if (task.deliverable !== 0n) task.notify = true;
  }
  if (old !== 0) task.user.setU64(old, before);
  return 0;
}

/** Whether the caller may send it: root, the same user, or SIGCONT inside a session. */
function maySend(task: Task, target: Process, signal: number): boolean {
  const { euid, uid } = task.process.credentials;
  const other = target.credentials;
  if (euid === 0 || [euid, uid].some((id) => id === other.uid || id === other.suid)) return true;
  return signal === SIG.CONT && target.session === task.process.session;
}

const sender = (task: Task, signal: number, code: number): SignalInfo => ({
  signal,
  code,
  pid: task.process.pid,
  uid: task.process.credentials.uid,
});

function kill(task: Task, pid: number, signal: number): number {
  if (signal < 0 || signal > NSIG) fail(E.EINVAL);
  const { kernel, process } = task;
  const all = [...kernel.processes.values()];
  let targets: Process[];
  if (pid > 0) targets = all.filter((one) => one.pid === pid);
  else if (pid === -1) targets = all.filter((one) => one !== process && one.pid !== kernel.initPid);
  else targets = all.filter((one) => one.group === (pid === 0 ? process.group : -pid));
  if (targets.length === 0) fail(E.ESRCH);
  const allowed = targets.filter((one) => maySend(task, one, signal));
  if (allowed.length === 0) fail(E.EPERM);
  if (signal !== 0) for (const one of allowed) kernel.signals.sendToProcess(one, sender(task, signal, SI.USER));
  return 0;
}

/** The thread that a call names. @throws SysError ESRCH, EPERM */
function target(task: Task, group: number, tid: number, signal: number): Task {
  const found = task.kernel.tasks.get(tid);
  if (found === undefined || (group !== -1 && found.process.pid !== group)) return fail(E.ESRCH);
  if (!maySend(task, found.process, signal)) fail(E.EPERM);
  return found;
}

function tgkill(task: Task, group: number, tid: number, signal: number): number {
  if (tid <= 0 || group <= 0 || signal < 0 || signal > NSIG) fail(E.EINVAL);
  const to = target(task, group, tid, signal);
  if (signal !== 0) task.kernel.signals.send(to, sender(task, signal, SI.TKILL));
  return 0;
}

/** rt_sigqueueinfo(2) and its like: what the caller says about the sender is passed on, within limits. */
function queueInfo(task: Task, own: boolean, find: () => Task | Process, signal: number, address: number): number {
  const view = task.user.view(address, SIGINFO_BYTES);
  const code = view.getInt32(8, true);
  // Only to oneself may one pretend that the kernel or kill(2) has sent it.
  if ((code >= 0 || code === SI.TKILL) && !own) fail(E.EPERM);
  const to = find();
  if (signal < 0 || signal > NSIG) fail(E.EINVAL);
  const info: SignalInfo = {
    signal,
    code,
    pid: view.getInt32(16, true),
    uid: view.getUint32(20, true),
    value: view.getBigUint64(24, true),
    address: view.getBigUint64(16, true),
  };
  if (signal === 0) return 0;
  if (to instanceof Task) task.kernel.signals.send(to, info);
  else task.kernel.signals.sendToProcess(to, info);
  return 0;
}

function sigtimedwait(task: Task, set: number, info: number, timeout: number, size: number): number {
  checkSetSize(size);
  const wanted = task.user.u64(set) & ~UNBLOCKABLE;
  const time = timeoutAt(task, timeout);
  const { process } = task;
  const found = task.pending.take(wanted) ?? process.pending.take(wanted);
  if (found === undefined) {
    // The signals that it waits for wake it although they are blocked.
    const ready = (): boolean => ((task.pending.mask | process.pending.mask) & wanted) !== 0n;
    const deadline = deadlineAfter(task, time);
    waitFor(task, 'a signal (sigtimedwait)', { ready, deadline, interrupted: () => -E.EINTR });
    return fail(E.EAGAIN);
  }
  if (info !== 0) task.user.write(info, infoBytes(found));
  return found.signal;
}

function sigsuspend(task: Task, set: number, size: number): number {
  checkSetSize(size);
  const mask = task.user.u64(set) & ~UNBLOCKABLE;
  task.savedMask ??= task.mask;
  task.mask = mask;
  waitForSignal(task, 'sigsuspend');
  return -ERESTART.NOHAND;
}

function waitForSignal(task: Task, call: string): number {
  if (task.deliverable === 0n) throw new Blocked(`a signal (${call})`, { interrupted: () => -ERESTART.NOHAND });
  task.notify = true;
  return -ERESTART.NOHAND;
}

const STACK_SIZE = 24;

function sigaltstack(task: Task, next: number, old: number): number {
  const { base, size, flags } = task.altStack;
  const rsp = Number(task.kernel.machine.cpu.gpr(4));
  const onStack = size > 0 && rsp > base && rsp - base <= size;
  const wanted = next === 0 ? null : task.user.view(next, STACK_SIZE);
  if (wanted !== null) {
    if (onStack) fail(E.EPERM);
    const bits = wanted.getUint32(8, true);
    const mode = bits & ~SS.AUTODISARM & 0x7fff_ffff;
    if (mode !== 0 && mode !== SS.DISABLE && mode !== SS.ONSTACK) fail(E.EINVAL);
    const room = Number(wanted.getBigUint64(16, true));
    if (mode === SS.DISABLE) {
      task.altStack = { base: 0, size: 0, flags: bits };
    } else {
      if (room < MINSIGSTKSZ || !holdsFrames(task, room)) fail(E.ENOMEM);
      task.altStack = { base: Number(wanted.getBigUint64(0, true)), size: room, flags: bits };
    }
  }
  if (old !== 0) {
    const view = new DataView(new ArrayBuffer(STACK_SIZE));
    view.setBigUint64(0, BigInt(base), true);
    const state = size === 0 ? SS.DISABLE : onStack ? SS.ONSTACK : 0;
    view.setUint32(8, (state | (flags & SS.AUTODISARM)) >>> 0, true);
    view.setBigUint64(16, BigInt(size), true);
    task.user.write(old, new Uint8Array(view.buffer));
  }
  return 0;
}

export const SIGNALS: readonly SyscallRow[] = [
  row(13, 'rt_sigaction', [SIGNAL, IN_SIGACTION, OUT_SIGACTION, SIZE], sigaction),
  row(14, 'rt_sigprocmask', [choice(HOW), IN_SIGSET, OUT_SIGSET, SIZE], sigprocmask),
  row(
    15,
    'rt_sigreturn',
    [],
    (task) => {
      if (!leaveHandler(task)) task.kernel.signals.force(task, { signal: SIG.SEGV, code: SI.KERNEL, address: 0n });
      // What the old mask lets in is looked at, and no call is made anew.
      task.notify = true;
      return NO_RESULT;
    },
    'none',
  ),
  row(34, 'pause', [], (task) => waitForSignal(task, 'pause')),
  row(62, 'kill', [INT, SIGNAL], kill),
  row(127, 'rt_sigpending', [OUT_SIGSET, SIZE], (task, set, size) => {
    if (size > SIGSET_SIZE) fail(E.EINVAL);
    const waiting = (task.pending.mask | task.process.pending.mask) & task.mask;
    task.user.write(set, new Uint8Array(BigUint64Array.of(waiting).buffer).subarray(0, size));
    return 0;
  }),
  row(128, 'rt_sigtimedwait', [IN_SIGSET, ADDRESS, IN_TIMESPEC, SIZE], sigtimedwait),
  row(130, 'rt_sigsuspend', [IN_SIGSET, SIZE], sigsuspend),
  row(131, 'sigaltstack', [IN_STACK, OUT_STACK], sigaltstack),
  row(200, 'tkill', [INT, SIGNAL], (task, tid, signal) => {
    if (tid <= 0 || signal < 0 || signal > NSIG) fail(E.EINVAL);
    const to = target(task, -1, tid, signal);
    if (signal !== 0) task.kernel.signals.send(to, sender(task, signal, SI.TKILL));
    return 0;
  }),
  row(129, 'rt_sigqueueinfo', [INT, SIGNAL, ADDRESS], (task, pid, signal, info) =>
    queueInfo(task, pid === task.tid, () => task.kernel.processes.get(pid) ?? fail(E.ESRCH), signal, info),
  ),
  row(234, 'tgkill', [INT, INT, SIGNAL], tgkill),
  row(297, 'rt_tgsigqueueinfo', [INT, INT, SIGNAL, ADDRESS], (task, group, tid, signal, info) => {
    if (group <= 0 || tid <= 0) fail(E.EINVAL);
    return queueInfo(task, tid === task.tid, () => target(task, group, tid, signal), signal, info);
  }),
  row(424, 'pidfd_send_signal', [FD, SIGNAL, ADDRESS, UINT], (task, fd, signal, info, bits) => {
    if (bits !== 0) fail(E.EINVAL);
    const file = task.fds.get(fd);
    if (!(file instanceof PidFile)) return fail(E.EBADF);
    if (file.process.dead) fail(E.ESRCH);
    const { process } = file;
    if (info === 0) return kill(task, process.pid, signal);
    return queueInfo(task, process === task.process, () => process, signal, info);
  }),
];
