import { SavedCpu } from '../state/saved-cpu.ts';
import type { Wait } from './block.ts';
import type { FdTable } from './fs/fd-table.ts';
import type { OpenFile } from './fs/open-file.ts';
import type { Waiter } from './futexes.ts';
import type { Kernel } from './kernel.ts';
import type { Process } from './process.ts';
import { type AltStack, INITIAL_ALT_STACK, PendingSignals } from './signals/state.ts';
import type { SyscallRow } from './syscalls/row.ts';
import type { Timer } from './timers.ts';
import type { UserMemory } from './user-memory.ts';
import type { AddressSpace } from './vm.ts';

/** A registration of restartable sequences (rseq(2)). */
export interface RseqRegistration {
  readonly address: number;
  readonly length: number;
  readonly signature: number;
}

/** A system call that waits, or that is about to be made anew because its wait is over. */
export interface PendingCall {
  readonly row: SyscallRow;
  readonly args: readonly number[];
  readonly wait: Wait;
}

/** Nanoseconds by which Linux may put timers off. */
export const DEFAULT_TIMER_SLACK = 50_000;

/** What the last exception left for signal frames (Linux: thread.trap_nr, error_code, cr2). */
export interface Trap {
  readonly vector: number;
  readonly errorCode: number;
  readonly address: bigint;
}

/** What a task does: runs on a CPU, waits for one, waits for an event, is stopped with its process, or is over. */
export type TaskState = 'running' | 'queued' | 'blocked' | 'stopped' | 'dead';

/** Policy and priority of sched_setattr(2). */
export interface Scheduling {
  readonly policy: number;
  /** 1 to 99 for the real-time policies, else 0. */
  readonly priority: number;
  readonly nice: number;
  readonly resetOnFork: boolean;
}

const NO_TRAP: Trap = { vector: 0, errorCode: 0, address: 0n };

/** What belongs to one thread. While it is loaded its registers are the machine's. */
export class Task {
  readonly process: Process;
  readonly tid: number;
  name: string;
  state: TaskState = 'queued';
  /** Registers while it is not loaded. */
  readonly registers = new SavedCpu();
  /** The CPU that it runs on or ran on last, and those that it may run on. */
  cpu = 0;
  affinity: bigint;
  /** What programs may set and ask, and nothing depends on. */
  scheduling: Scheduling = { policy: 0, priority: 0, nice: 0, resetOnFork: false };
  ioPriority = 0;
  /** seccomp(2): it may only read, write and end. */
  strict = false;
  /** Set when it got a CPU, and when it was another one than before: what rseq(2) and its way back to user mode ask. */
  scheduledIn = false;
  migrated = false;
  /** The CPU that it shall not run on next, as it was made to leave it; null: any. */
  leaves: number | null = null;
  /** Instructions that it has executed. */
  instructions = 0;

  /** The call that waits; null: it is in user mode, or its call is done. */
  call: PendingCall | null = null;
  /** While a call is made anew: how its wait ended. */
  resumed: { readonly wait: Wait; readonly timedOut: boolean } | null = null;
  timedOut = false;
  timer: Timer | null = null;
  /** What it waits as in futex(2) and futex_waitv(2). */
  waiter: Waiter | null = null;
  waiters: readonly Waiter[] | null = null;
  /** The FIFO whose other end open(2) waits for. */
  opening: OpenFile | null = null;
  /** Bytes that a call which waits has moved already. */
  progress = 0;
  /** Number of the call whose result stands in RAX and may be a restart code; -1: none. */
  restartable = -1;
  /** What restart_syscall(2) does. */
  restart: (() => number) | null = null;
  /** The way back to user mode has something to do: a signal, an ending, a restart, rseq. */
  notify = false;

  /** Word that exit clears and wakes (set_tid_address, CLONE_CHILD_CLEARTID); 0 for none. */
  clearTid = 0;
  /** What exit(2) was given. */
  exitStatus = 0;
  /** prctl(PR_SET_TIMERSLACK), bookkeeping only. */
  timerSlack = DEFAULT_TIMER_SLACK;
  robustList = 0;
  rseq: RseqRegistration | null = null;
  /** Events that rseq(2) of the RFC has counted. */
  rseqEvents = 0;
  /** The registration's first numbers were written. */
  rseqTold = false;
  /** mm_cid of rseq(2). */
  cid = 0;
  altStack: AltStack = INITIAL_ALT_STACK;
  /** Blocked signals, and what they go back to when the next handler or call is done (sigsuspend, ppoll …). */
  mask = 0n;
  savedMask: bigint | null = null;
  readonly pending = new PendingSignals();
  trap: Trap = NO_TRAP;

  constructor(process: Process, tid: number, name = '', affinity = (1n << 64n) - 1n) {
    this.process = process;
    this.tid = tid;
    this.name = name;
    this.affinity = affinity;
  }

  get kernel(): Kernel {
    return this.process.kernel;
  }
  get user(): UserMemory {
    return this.process.user;
  }
  get space(): AddressSpace {
    return this.process.space;
  }
  get fds(): FdTable {
    return this.process.fds;
  }

  /** Signals that would be delivered now. */
  get deliverable(): bigint {
    return (this.pending.mask | this.process.pending.mask) & ~this.mask;
  }
}
