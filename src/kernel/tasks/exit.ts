import { SysError } from '../errno.ts';
import type { Process } from '../process.ts';
import { SIG } from '../signals/numbers.ts';
import { CLD, SA, SIG_IGN } from '../signals/state.ts';
import type { Task } from '../task.ts';
import { releaseOrphans } from '../tty/jobs.ts';

const OWNER_DIED = 0x4000_0000;
const WAITERS = 0x8000_0000;
const TID_MASK = 0x3fff_ffff;
/** Most entries of a robust list that are looked at (ROBUST_LIST_LIMIT). */
const MOST_ROBUST = 2048;

/** Marks a robust mutex whose owner is over, and wakes one that waits for it (Linux: handle_futex_death). */
function futexDeath(task: Task, address: number, pending: boolean): void {
  const value = task.user.u32(address);
  if ((value & TID_MASK) !== task.tid) {
    // A pending unlock has already cleared the word: somebody may wait all the same.
    if (pending && value === 0) task.kernel.futexes.wake(task, address, 1);
    return;
  }
  task.user.setU32(address, (value & WAITERS) | OWNER_DIED);
  if (value & WAITERS) task.kernel.futexes.wake(task, address, 1);
}

function walkRobustList(task: Task): void {
  const head = task.robustList;
  if (head === 0) return;
  try {
    const offset = Number(BigInt.asIntN(64, task.user.u64(head + 8)));
    const waiting = task.user.word(head + 16);
    let entry = task.user.word(head);
    for (let n = 0; n < MOST_ROBUST && entry - (entry % 2) !== head; n++) {
      const at = entry - (entry % 2);
      const next = task.user.word(at);
      if (at !== waiting) futexDeath(task, at + offset, false);
      entry = next;
    }
    if (waiting !== 0) futexDeath(task, waiting - (waiting % 2) + offset, true);
  } catch (error) {
    // A list that cannot be read ends there.
    if (!(error instanceof SysError)) throw error;
  }
}

/** What a thread's end does to the memory that it shares: the word of set_tid_address(2), robust mutexes. */
export function releaseThread(task: Task): void {
  walkRobustList(task);
  task.robustList = 0;
  const address = task.clearTid;
  task.clearTid = 0;
  if (address === 0 || (task.space.users === 1 && task.process.tasks.size === 1)) return;
  try {
    task.user.setU32(address, 0);
    task.kernel.futexes.wake(task, address, 1);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
  }
}

/** si_code and status of SIGCHLD, and of waitid(2). */
export function exitCode({ end, dumped }: Pick<Process, 'end' | 'dumped'>): {
  readonly code: number;
  readonly status: number;
} {
  if (end?.kind === 'killed') return { code: dumped ? CLD.DUMPED : CLD.KILLED, status: end.signal };
  return { code: CLD.EXITED, status: end?.kind === 'exited' ? end.status : 0 };
}

/** The last thread is over: memory and files go, children get another parent, the parent is told (Linux: do_exit). */
export function endProcess(process: Process): void {
  const { kernel } = process;
  process.dead = true;
  process.timers.clear();
  process.kernel.terminals.leaderEnded(process);
  process.fds.release();
  // The first one's memory stays, to be looked at behind the run.
  if (process !== kernel.process) process.space.release();
  const children = [...process.children];
  for (const child of children) adopt(process, child);
  process.children.clear();
  releaseOrphans(process, children);
  const { parent } = process;
  process.news = 'exited';
  if (parent === null) {
    kernel.processes.delete(process.pid);
    return;
  }
  const { handler, flags } = parent.actions.get(SIG.CHLD);
  const unwanted = handler === SIG_IGN || (flags & BigInt(SA.NOCLDWAIT)) !== 0n;
  const { code, status } = exitCode(process);
  kernel.signals.tellParent(process, code, status);
  if (unwanted && process.exitSignal === SIG.CHLD) reap(process);
}

/** A child whose parent is over belongs to the nearest subreaper, or to nobody. */
function adopt(process: Process, child: Process): void {
  let heir = process.parent;
  while (heir !== null && !heir.subreaper) heir = heir.parent;
  child.parent = heir;
  heir?.children.add(child);
  if (child.parentDeathSignal !== 0)
    process.kernel.signals.sendToProcess(child, { signal: child.parentDeathSignal, code: 0 });
  if (heir === null && child.dead) process.kernel.processes.delete(child.pid);
  else if (heir !== null && child.dead) {
    const { code, status } = exitCode(child);
    process.kernel.signals.tellParent(child, code, status);
  }
}

/** The parent has taken note: nothing is left of the process. */
export function reap(process: Process): void {
  const { parent, kernel } = process;
  if (parent !== null) {
    parent.childrenTime += process.cpuTime + process.childrenTime;
    parent.children.delete(process);
  }
  kernel.processes.delete(process.pid);
}
