import { Blocked } from '../block.ts';
import { E, fail } from '../errno.ts';
import type { Task } from '../process.ts';
import { defaultAction, NSIG, SIG } from '../signals/numbers.ts';
import { MINSIGSTKSZ, SI, SIG_DFL, SIG_IGN, type SignalInfo, SS, UNBLOCKABLE } from '../signals/state.ts';
import { Unimplemented } from '../unimplemented.ts';
import { ADDRESS, choice, INT, SIGNAL, SIZE } from './args.ts';
import { timeoutAt, waitInVain } from './poll.ts';
import { row, type SyscallRow } from './row.ts';
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
    if (ignored) task.pending.discard(signal);
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
  }
  if (old !== 0) task.user.setU64(old, before);
  return 0;
}

/** Sends a signal to this process or thread, the only one there is. */
function send(task: Task, signal: number, code: number): number {
  if (signal < 0 || signal > NSIG) fail(E.EINVAL);
  const { pid, credentials } = task.process;
  if (signal !== 0) task.process.send(task, { signal, code, pid, uid: credentials.uid });
  return 0;
}

function kill(task: Task, pid: number, signal: number): number {
  if (signal < 0 || signal > NSIG) fail(E.EINVAL);
  const { pid: own } = task.process;
  // 0 and -pid are the own process group, -1 is everyone but oneself.
  if (pid === -1) return fail(E.ESRCH);
  if (pid !== 0 && Math.abs(pid) !== own) fail(E.ESRCH);
  return send(task, signal, SI.USER);
}

function tgkill(task: Task, group: number, tid: number, signal: number): number {
  if (tid <= 0 || group <= 0 || signal < 0 || signal > NSIG) fail(E.EINVAL);
  if (tid !== task.tid || group !== task.process.pid) fail(E.ESRCH);
  return send(task, signal, SI.TKILL);
}

/** Writes a `siginfo_t` of a signal that was sent. */
function writeInfo(task: Task, address: number, info: SignalInfo): void {
  const view = new DataView(new ArrayBuffer(128));
  view.setInt32(0, info.signal, true);
  view.setInt32(8, info.code, true);
  view.setInt32(16, info.pid ?? 0, true);
  view.setUint32(20, info.uid ?? 0, true);
  view.setBigUint64(24, info.value ?? 0n, true);
  task.user.write(address, new Uint8Array(view.buffer));
}

function sigtimedwait(task: Task, set: number, info: number, timeout: number, size: number): number {
  checkSetSize(size);
  const wanted = task.user.u64(set) & ~UNBLOCKABLE;
  const wait = timeoutAt(task, timeout);
  const found = task.pending.take(wanted);
  if (found === undefined) {
    waitInVain(task, wait, 'a signal (sigtimedwait)');
    return fail(E.EAGAIN);
  }
  if (info !== 0) writeInfo(task, info, found);
  return found.signal;
}

function sigsuspend(task: Task, set: number, size: number): number {
  checkSetSize(size);
  const old = task.mask;
  task.mask = task.user.u64(set) & ~UNBLOCKABLE;
  if ((task.pending.mask & ~task.mask) === 0n) throw new Blocked('a signal (sigsuspend)');
  task.process.deliverPending(task);
  task.mask = old;
  return fail(E.EINTR);
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
      if (room < MINSIGSTKSZ) fail(E.ENOMEM);
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
    () => {
      throw new Unimplemented('returning from a signal handler (rt_sigreturn)');
    },
    'none',
  ),
  row(34, 'pause', [], () => {
    throw new Blocked('a signal (pause)');
  }),
  row(62, 'kill', [INT, SIGNAL], kill),
  row(127, 'rt_sigpending', [OUT_SIGSET, SIZE], (task, set, size) => {
    checkSetSize(size);
    task.user.setU64(set, task.pending.mask & task.mask);
    return 0;
  }),
  row(128, 'rt_sigtimedwait', [IN_SIGSET, ADDRESS, IN_TIMESPEC, SIZE], sigtimedwait),
  row(130, 'rt_sigsuspend', [IN_SIGSET, SIZE], sigsuspend),
  row(131, 'sigaltstack', [IN_STACK, OUT_STACK], sigaltstack),
  row(200, 'tkill', [INT, SIGNAL], (task, tid, signal) => {
    if (tid <= 0) fail(E.EINVAL);
    return tgkill(task, task.process.pid, tid, signal);
  }),
  row(234, 'tgkill', [INT, INT, SIGNAL], tgkill),
];
