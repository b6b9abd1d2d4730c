import type { Credentials } from './credentials.ts';
import type { ProcessEnd } from './end.ts';
import { FdTable } from './fs/fd-table.ts';
import type { Directory, Inode } from './fs/inode.ts';
import type { PathContext } from './fs/resolve.ts';
import type { Kernel } from './kernel.ts';
import { Limits, RLIMIT } from './limits.ts';
import { defaultAction, SIG } from './signals/numbers.ts';
import {
  type AltStack,
  NO_ALT_STACK,
  PendingSignals,
  SIG_DFL,
  SIG_IGN,
  SignalActions,
  type SignalInfo,
  signalBit,
  UNBLOCKABLE,
} from './signals/state.ts';
import { UserMemory } from './user-memory.ts';
import { AddressSpace } from './vm.ts';

/** A registration of restartable sequences (rseq(2)). */
export interface RseqRegistration {
  readonly address: number;
  readonly length: number;
  readonly signature: number;
}

/** What belongs to one thread. Its registers are the machine's while it runs. */
export class Task {
  readonly process: Process;
  readonly tid: number;
  /** Word that exit clears and wakes (set_tid_address, CLONE_CHILD_CLEARTID); 0 for none. */
  clearTid = 0;
  robustList = 0;
  rseq: RseqRegistration | null = null;
  altStack: AltStack = NO_ALT_STACK;
  /** Blocked signals. */
  mask = 0n;
  readonly pending = new PendingSignals();
  name = '';

  constructor(process: Process, tid: number) {
    this.process = process;
    this.tid = tid;
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
}

/** What the threads of one process share. */
export class Process {
  readonly kernel: Kernel;
  readonly pid: number;
  readonly parent: number;
  readonly limits = new Limits();
  readonly fds: FdTable;
  readonly credentials: Credentials;
  readonly actions = new SignalActions();
  readonly space: AddressSpace;
  readonly user: UserMemory;
  /** The first thread; its number is the process's. */
  readonly main: Task;
  root: Directory;
  cwd: Directory;
  umask = 0o022;
  /** Set once, when the process is over. */
  end: ProcessEnd | null = null;

  // What exec left behind, for /proc.
  exePath = '/';
  exe: Inode | null = null;
  args: readonly string[] = [];
  environment: readonly string[] = [];
  auxv = new Uint8Array(0);
  stackStart = 0;
  entry = 0;
  /** personality(2), bookkeeping only. */
  persona = 0;
  dumpable = 1;
  noNewPrivileges = false;
  /** Registrations of membarrier(2), as its GET_REGISTRATIONS shows them. */
  barriers = 0;

  constructor(
    kernel: Kernel,
    options: { pid: number; parent: number; root: Directory; cwd: Directory; credentials: Credentials },
  ) {
    this.kernel = kernel;
    this.pid = options.pid;
    this.parent = options.parent;
    this.root = options.root;
    this.cwd = options.cwd;
    this.credentials = options.credentials;
    this.fds = new FdTable(() => this.limits.soft(RLIMIT.NOFILE));
    this.space = new AddressSpace(kernel.machine.memory, kernel.machine, {
      stackLimit: () => this.limits.soft(RLIMIT.STACK),
      addressLimit: () => this.limits.soft(RLIMIT.AS),
      dataLimit: () => this.limits.soft(RLIMIT.DATA),
    });
    this.user = new UserMemory(this.space);
    this.main = new Task(this, this.pid);
  }

  /** How this process resolves paths. */
  get paths(): PathContext {
    return { root: this.root, cwd: this.cwd, credentials: this.credentials };
  }

  /** Ends the process. The first ending counts. */
  finish(end: ProcessEnd): void {
    this.end ??= end;
  }

  /**
   * Sends a signal to a thread. It ends the process, is ignored, or waits while blocked.
   * Running a handler is not implemented: the process ends with a status that says so.
   */
  send(task: Task, info: SignalInfo): void {
    const { handler } = this.actions.get(info.signal);
    const blocked = (task.mask & signalBit(info.signal)) !== 0n;
    if (blocked) {
      task.pending.add(info);
      return;
    }
    this.#deliver(info, handler);
  }

  /** A signal that the CPU raised: when it is blocked or ignored, it kills (Linux: force_sig_fault). */
  force(task: Task, info: SignalInfo, end: ProcessEnd): void {
    const { handler } = this.actions.get(info.signal);
    const blocked = (task.mask & signalBit(info.signal)) !== 0n;
    if (blocked || handler === SIG_DFL || handler === SIG_IGN) this.finish(end);
    else this.#deliver(info, handler);
  }

  /** Delivers what is pending and no longer blocked. */
  deliverPending(task: Task): void {
    for (let info = task.pending.take(~task.mask); info !== undefined; info = task.pending.take(~task.mask)) {
      this.#deliver(info, this.actions.get(info.signal).handler);
    }
  }

  #deliver(info: SignalInfo, handler: bigint): void {
    const { signal } = info;
    const maskable = (signalBit(signal) & UNBLOCKABLE) === 0n;
    if (maskable && handler === SIG_IGN) return;
    if (maskable && handler !== SIG_DFL) {
      this.finish({ kind: 'unimplemented', what: `signal delivery (signal ${signal} has a handler)` });
      return;
    }
    switch (defaultAction(signal)) {
      case 'ignore':
        return;
      case 'stop':
        this.finish({ kind: 'unimplemented', what: `stopping a process (signal ${signal})` });
        return;
      default:
        this.finish({ kind: 'killed', signal, code: info.code, address: info.address ?? 0n, fault: null });
    }
  }

  /** A write to something that nobody reads. */
  brokenPipe(task: Task): void {
    this.send(task, { signal: SIG.PIPE, code: 0, pid: this.pid, uid: this.credentials.uid });
  }

  /** Gives memory and descriptors back. */
  destroy(): void {
    this.fds.closeAll();
    this.space.destroy();
  }
}
