import { E, fail } from '../errno.ts';
import type { Kernel } from '../kernel.ts';
import { RLIMIT } from '../limits.ts';
import type { Process } from '../process.ts';
import type { Task } from '../task.ts';
import { defaultAction, SIG, SIGRTMIN } from './numbers.ts';
import { CLD, SA, SI, SIG_DFL, SIG_IGN, type SignalInfo, signalBit } from './state.ts';

const STOPS = [SIG.STOP, SIG.TSTP, SIG.TTIN, SIG.TTOU].reduce((mask, signal) => mask | signalBit(signal), 0n);
const CONTINUES = signalBit(SIG.CONT);

/** Sends signals: queues them, chooses the thread that takes them, ends waits (Linux: kernel/signal.c). */
export class Signals {
  readonly #kernel: Kernel;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** A signal to one thread: tkill(2), SIGPIPE, what the CPU raises. */
  send(task: Task, info: SignalInfo): void {
    if (task.state === 'dead' || !this.#prepare(task.process, info, task)) return;
    task.pending.add(info, this.#isFull(task.process, info));
    this.#wake(task);
  }

  /** A signal to a process: any thread that does not block it takes it, the first one first. */
  sendToProcess(process: Process, info: SignalInfo): void {
    if (process.dead) return;
    const taker = this.#taker(process, info.signal);
    if (!this.#prepare(process, info, taker ?? process.main)) return;
    process.pending.add(info, this.#isFull(process, info));
    if (taker !== null) this.#wake(taker);
  }

  /**
   * Whether a user's processes have as many signals waiting as they may (RLIMIT_SIGPENDING). Real-time signals count, and
   * what sigqueue(2) sends; one of kill(2) comes without its sender then.
   * @throws SysError EAGAIN where a real-time signal would lose what it carries
   */
  #isFull({ limits, credentials }: Process, { signal, code }: SignalInfo): boolean {
    if (signal < SIGRTMIN && code >= 0) return false;
    let waiting = 0;
    for (const process of this.#kernel.processes.values()) {
      if (process.credentials.uid !== credentials.uid) continue;
      waiting += process.pending.count;
      for (const task of process.tasks) waiting += task.pending.count;
    }
    if (waiting < limits.soft(RLIMIT.SIGPENDING)) return false;
    return signal >= SIGRTMIN && code !== SI.USER && code !== SI.TIMER ? fail(E.EAGAIN) : true;
  }

  /** What the CPU raised: it kills where it is blocked or ignored (force_sig_fault). */
  force(task: Task, info: SignalInfo): void {
    const { actions } = task.process;
    const bit = signalBit(info.signal);
    const blocked = (task.mask & bit) !== 0n;
    if (blocked || actions.get(info.signal).handler === SIG_IGN) {
      actions.reset(info.signal);
      task.mask &= ~bit;
    }
    task.pending.add(info);
    task.notify = true;
  }

  /** Tells the parent that a child is over, has stopped or goes on. */
  tellParent(process: Process, code: number, status: number): void {
    const { parent } = process;
    if (parent === null) return;
    const over = code === CLD.EXITED || code === CLD.KILLED || code === CLD.DUMPED;
    const signal = over ? process.exitSignal : SIG.CHLD;
    const { handler, flags } = parent.actions.get(SIG.CHLD);
    const silent = !over && (BigInt(SA.NOCLDSTOP) & flags) !== 0n;
    if (signal !== 0 && !silent && !(signal === SIG.CHLD && handler === SIG_IGN)) {
      const userTime = Math.floor(process.cpuTime / 1e7);
      const { uid } = process.credentials;
      this.sendToProcess(parent, { signal, code, pid: process.pid, uid, status, userTime });
    }
    this.#kernel.changed = true;
  }

  /** Stops or lets go on, and says whether the signal is to be queued (prepare_signal). */
  #prepare(process: Process, info: SignalInfo, task: Task): boolean {
    const { signal } = info;
    const bit = signalBit(signal);
    if (bit & STOPS) {
      process.pending.discard(CONTINUES);
      for (const one of process.tasks) one.pending.discard(CONTINUES);
    } else if (signal === SIG.CONT) {
      process.pending.discard(STOPS);
      for (const one of process.tasks) one.pending.discard(STOPS);
      this.#kernel.resume(process);
    } else if (signal === SIG.KILL) {
      this.#kernel.wakeStopped(process);
    }
    if (task.mask & bit) return true;
    const { handler } = process.actions.get(signal);
    const ignored = handler === SIG_IGN || (handler === SIG_DFL && defaultAction(signal) === 'ignore');
    if (ignored) this.#kernel.strace?.ignored(task, info);
    return !ignored;
  }

  #taker(process: Process, signal: number): Task | null {
    const bit = signalBit(signal);
    const takes = (task: Task): boolean => task.state !== 'dead' && (task.mask & bit) === 0n;
    if (takes(process.main)) return process.main;
    for (const task of process.tasks) if (takes(task)) return task;
    return null;
  }

  #wake(task: Task): void {
    if (task.deliverable !== 0n) this.#kernel.interrupt(task);
    this.#kernel.changed = true;
  }
}
