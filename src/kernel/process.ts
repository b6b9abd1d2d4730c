import type { Credentials } from './credentials.ts';
import type { ProcessEnd } from './end.ts';
import { FdTable } from './fs/fd-table.ts';
import type { Directory, Inode } from './fs/inode.ts';
import type { PathContext } from './fs/resolve.ts';
import type { Kernel } from './kernel.ts';
import { Limits, RLIMIT } from './limits.ts';
import { SIG } from './signals/numbers.ts';
import { PendingSignals, SignalActions } from './signals/state.ts';
import { IntervalTimers } from './signals/timers.ts';
import { Task } from './task.ts';
import { UserMemory } from './user-memory.ts';
import { AddressSpace, type VmOptions } from './vm.ts';

export type { RseqRegistration, Task } from './task.ts';

/** Where paths start and what new files may not be (Linux: `fs_struct`): shared by clone(CLONE_FS). */
export interface PathState {
  root: Directory;
  cwd: Directory;
  umask: number;
}

/** What exec left behind, for /proc. */
export interface Program {
  readonly path: string;
  readonly file: Inode | null;
  readonly args: readonly string[];
  readonly environment: readonly string[];
  readonly auxv: Uint8Array;
  readonly stackStart: number;
  readonly entry: number;
}

const NO_PROGRAM: Program = {
  path: '/',
  file: null,
  args: [],
  environment: [],
  auxv: new Uint8Array(0),
  stackStart: 0,
  entry: 0,
};

/** Something about a child that wait(2) tells: it is over, has stopped, or goes on. */
export type ChildNews = 'exited' | 'stopped' | 'continued';

export interface ProcessOptions {
  readonly pid: number;
  readonly parent: Process | null;
  readonly credentials: Credentials;
  readonly paths: PathState;
  /** Inherited or shared; new where nothing is said. */
  readonly fds?: FdTable;
  readonly actions?: SignalActions;
  readonly limits?: Limits;
  /** Makes its address space; an empty one where nothing is said. */
  readonly space?: (options: VmOptions) => AddressSpace;
}

/** What the threads of one process share. */
export class Process {
  readonly kernel: Kernel;
  readonly pid: number;
  /** Null: the parent is gone, or is nobody in the guest. */
  parent: Process | null;
  readonly children = new Set<Process>();
  /** Process group and session. */
  group: number;
  session: number;
  readonly limits: Limits;
  fds: FdTable;
  readonly credentials: Credentials;
  /** Made anew by exec where clone(CLONE_SIGHAND) has shared it. */
  actions: SignalActions;
  /** Signals to the process: any thread takes them. */
  readonly pending = new PendingSignals();
  readonly timers: IntervalTimers;
  space: AddressSpace;
  user: UserMemory;
  fs: PathState;
  readonly tasks = new Set<Task>();
  /** The first thread; its number is the process's. */
  main: Task;
  /** How it ended or is about to end; null while it lives. */
  end: ProcessEnd | null = null;
  /** Set when no thread is left. */
  dead = false;
  stopped = false;
  /** A core file was written when it ended. */
  dumped = false;
  /** News that wait(2) has not told yet, and the signal that came with it. */
  news: ChildNews | null = null;
  newsSignal = 0;
  /** What its end sends to the parent; 0: nothing. */
  exitSignal: number = SIG.CHLD;
  /** prctl(PR_SET_PDEATHSIG); PR_SET_CHILD_SUBREAPER. */
  parentDeathSignal = 0;
  subreaper = false;
  /** A parent that waits in vfork(2) goes on once this is false. */
  borrowsSpace = false;
  hasExecuted = false;

  program = NO_PROGRAM;
  /** personality(2), bookkeeping only. */
  persona = 0;
  dumpable = 1;
  noNewPrivileges = false;
  /** prctl(PR_SET_KEEPCAPS), PR_SET_THP_DISABLE: bookkeeping. */
  keepCapabilities = false;
  thpDisabled = false;
  /** State components that it has asked for (`xstate.ts`). */
  permittedStates = 0n;
  /** Registrations of membarrier(2), as its GET_REGISTRATIONS shows them. */
  barriers = 0;
  /** CPU time of threads that are over, and of children that were waited for; nanoseconds. */
  deadThreadsTime = 0;
  childrenTime = 0;

  constructor(kernel: Kernel, options: ProcessOptions) {
    this.kernel = kernel;
    this.pid = options.pid;
    this.parent = options.parent;
    this.group = options.parent?.group ?? this.pid;
    this.session = options.parent?.session ?? this.pid;
    this.credentials = options.credentials;
    this.fs = options.paths;
    this.limits = options.limits ?? new Limits();
    this.fds = options.fds ?? new FdTable();
    this.actions = options.actions ?? new SignalActions();
    this.timers = new IntervalTimers(this);
    this.space = options.space?.(this.vmOptions) ?? this.newSpace();
    this.user = new UserMemory(this.space);
    this.main = new Task(this, this.pid);
    this.tasks.add(this.main);
  }

  get vmOptions(): VmOptions {
    return {
      stackLimit: () => this.limits.soft(RLIMIT.STACK),
      addressLimit: () => this.limits.soft(RLIMIT.AS),
      dataLimit: () => this.limits.soft(RLIMIT.DATA),
    };
  }

  /** An empty address space with this process's limits. @throws OutOfMemory */
  newSpace(): AddressSpace {
    const { machine, frames, tagged } = this.kernel;
    const space = new AddressSpace(machine.memory, machine, this.vmOptions, frames);
    space.lam.enabled = space.lam.locked = tagged;
    return space;
  }

  /** Lets the address space go and takes another one. */
  setSpace(space: AddressSpace): void {
    const old = this.space;
    this.space = space;
    this.user = new UserMemory(space);
    old.release();
  }

  get parentPid(): number {
    return this.parent?.pid ?? this.kernel.initPid;
  }
  get root(): Directory {
    return this.fs.root;
  }
  get cwd(): Directory {
    return this.fs.cwd;
  }
  set cwd(directory: Directory) {
    this.fs.cwd = directory;
  }
  get umask(): number {
    return this.fs.umask;
  }
  set umask(mask: number) {
    this.fs.umask = mask;
  }

  /** CPU time of all its threads in nanoseconds. */
  get cpuTime(): number {
    let time = this.deadThreadsTime;
    for (const task of this.tasks) time += task.instructions;
    return time;
  }

  /** How this process resolves paths. */
  get paths(): PathContext {
    return { root: this.root, cwd: this.cwd, credentials: this.credentials };
  }

  /** Ends the process with all its threads. The first ending counts. */
  finish(end: ProcessEnd): void {
    if (this.end === null) this.kernel.rememberEnd(this);
    this.end ??= end;
    for (const task of this.tasks) this.kernel.interrupt(task);
  }

  /** A write to something that nobody reads. */
  brokenPipe(task: Task): void {
    this.kernel.signals.send(task, { signal: SIG.PIPE, code: 0, pid: this.pid, uid: this.credentials.uid });
  }
}
