import { E, fail } from '../errno.ts';
import { PidFile } from '../fs/pid-file.ts';
import type { Process } from '../process.ts';
import { infoBytes } from '../signals/info.ts';
import { SIG } from '../signals/numbers.ts';
import { CLD } from '../signals/state.ts';
import type { Task } from '../task.ts';
import { exitCode, reap } from '../tasks/exit.ts';
import { waitFor } from '../wait.ts';
import { ADDRESS, choice, flags, INT, outStruct } from './args.ts';
import { row, type SyscallRow } from './row.ts';
import { usageBytes } from './system.ts';

const W = {
  WNOHANG: 1,
  WUNTRACED: 2,
  WEXITED: 4,
  WCONTINUED: 8,
  WNOWAIT: 0x100_0000,
  __WNOTHREAD: 0x2000_0000,
  __WALL: 0x4000_0000,
  __WCLONE: 0x8000_0000,
} as const;
const WSTOPPED = W.WUNTRACED;
const CONTINUED_STATUS = 0xffff;
const CORE_DUMPED = 0x80;

/** Which children a call is about. */
type Chosen = (child: Process) => boolean;

/** A child with something to tell that `options` ask for. */
function tells(child: Process, options: number): boolean {
  switch (child.news) {
    case 'exited':
      return (options & W.WEXITED) !== 0;
    case 'stopped':
      return (options & WSTOPPED) !== 0;
    case 'continued':
      return (options & W.WCONTINUED) !== 0;
    default:
      return false;
  }
}

/** The next child that has something to tell; null: WNOHANG, and none has. @throws SysError ECHILD; Blocked */
function nextChild(task: Task, chosen: Chosen, options: number): Process | null {
  const { process } = task;
  const clone = (options & W.__WCLONE) !== 0;
  const all = (options & W.__WALL) !== 0;
  const mine = (): Process[] =>
    [...process.children].filter((child) => chosen(child) && (all || (child.exitSignal !== SIG.CHLD) === clone));
  const found = (): Process | undefined => mine().find((child) => tells(child, options));
  if (mine().length === 0) return fail(E.ECHILD);
  const child = found();
  if (child !== undefined) return child;
  if (options & W.WNOHANG) return null;
  waitFor(task, 'a child', { ready: () => found() !== undefined || mine().length === 0 });
  return null;
}

/** The status word of wait4(2). */
function statusOf(child: Process): number {
  if (child.news === 'stopped') return (child.newsSignal << 8) | 0x7f;
  if (child.news === 'continued') return CONTINUED_STATUS;
  const { code, status } = exitCode(child);
  return code === CLD.EXITED ? (status & 0xff) << 8 : status | (code === CLD.DUMPED ? CORE_DUMPED : 0);
}

/** Takes the news: a child that is over is gone behind it. */
function take(child: Process, options: number): void {
  if (options & W.WNOWAIT) return;
  const over = child.news === 'exited';
  child.news = null;
  if (over) reap(child);
}

function byPid(task: Task, pid: number): Chosen {
  if (pid > 0) return (child) => child.pid === pid;
  if (pid === -1) return () => true;
  const group = pid === 0 ? task.process.group : -pid;
  return (child) => child.group === group;
}

const WAIT4_OPTIONS = W.WNOHANG | W.WUNTRACED | W.WCONTINUED | W.__WNOTHREAD | W.__WALL | W.__WCLONE;

function wait4(task: Task, pid: number, status: number, options: number, usage: number): number {
  if (options & ~WAIT4_OPTIONS) fail(E.EINVAL);
  if (pid === -(2 ** 31)) fail(E.ESRCH);
  const child = nextChild(task, byPid(task, pid), options | W.WEXITED);
  if (child === null) return 0;
  if (status !== 0) task.user.setU32(status, statusOf(child));
  if (usage !== 0) task.user.write(usage, usageBytes(child.cpuTime + child.childrenTime, 0));
  take(child, options);
  return child.pid;
}

const P = { P_ALL: 0, P_PID: 1, P_PGID: 2, P_PIDFD: 3 } as const;
const WAITID_OPTIONS = WAIT4_OPTIONS | W.WEXITED | W.WNOWAIT;

function chosenBy(task: Task, which: number, id: number): Chosen {
  switch (which) {
    case P.P_ALL:
      return () => true;
    case P.P_PID:
      if (id <= 0) fail(E.EINVAL);
      return (child) => child.pid === id;
    case P.P_PGID: {
      if (id < 0) fail(E.EINVAL);
      const group = id === 0 ? task.process.group : id;
      return (child) => child.group === group;
    }
    case P.P_PIDFD: {
      const file = task.fds.get(id);
      if (!(file instanceof PidFile)) return fail(E.EBADF);
      return (child) => child === file.process;
    }
    default:
      return fail(E.EINVAL);
  }
}

const SIGINFO_CHILD_BYTES = 32;

function waitid(task: Task, which: number, id: number, info: number, options: number, usage: number): number {
  if (options & ~WAITID_OPTIONS || (options & (W.WEXITED | WSTOPPED | W.WCONTINUED)) === 0) fail(E.EINVAL);
  const chosen = chosenBy(task, which, id);
  const child = nextChild(task, chosen, options);
  if (child === null) {
    if (info !== 0) task.user.clear(info, SIGINFO_CHILD_BYTES);
    return 0;
  }
  if (info !== 0) {
    const news = { stopped: CLD.STOPPED, continued: CLD.CONTINUED, exited: 0 }[child.news!];
    const { code, status } =
      child.news === 'exited'
        ? exitCode(child)
        : { code: news, status: child.news === 'stopped' ? child.newsSignal : SIG.CONT };
    const { pid } = child;
    const bytes = infoBytes({ signal: SIG.CHLD, code, pid, uid: child.credentials.uid, status });
    task.user.write(info, bytes.subarray(0, SIGINFO_CHILD_BYTES));
  }
  if (usage !== 0) task.user.write(usage, usageBytes(child.cpuTime + child.childrenTime, 0));
  take(child, options);
  return 0;
}

const OUT_STATUS = outStruct((address, user, { result }) => {
  if (result === 0) return `0x${address.toString(16)}`;
  const status = user.u32(address);
  if ((status & 0x7f) === 0) return `[{WIFEXITED(s) && WEXITSTATUS(s) == ${(status >> 8) & 0xff}}]`;
  if (status === CONTINUED_STATUS) return '[{WIFCONTINUED(s)}]';
  const stopped = (status & 0xff) === 0x7f;
  return stopped
    ? `[{WIFSTOPPED(s) && WSTOPSIG(s) == ${status >> 8}}]`
    : `[{WIFSIGNALED(s) && WTERMSIG(s) == ${status & 0x7f}}]`;
});

const OPTIONS = flags({ '0': 0, ...W });

export const WAITING: readonly SyscallRow[] = [
  row(61, 'wait4', [INT, OUT_STATUS, OPTIONS, ADDRESS], (task, pid, status, options, usage) =>
    wait4(task, pid, status, options | 0, usage),
  ),
  row(247, 'waitid', [choice(P), INT, ADDRESS, OPTIONS, ADDRESS], (task, which, id, info, options, usage) =>
    waitid(task, which, id, info, options | 0, usage),
  ),
];
