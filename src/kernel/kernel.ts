import { milliseconds } from '../bits/clock.ts';
import { Random } from '../bits/random.ts';
import type { ElfImage } from '../elf/image.ts';
import { DEFAULT_QUANTUM, RoundRobin, type Scheduler } from '../machine/system/scheduler.ts';
import { OutOfMemory } from '../memory/physical.ts';
import * as L from '../state/layout.ts';
import { SavedCpu } from '../state/saved-cpu.ts';
import { Blocked, ERESTART } from './block.ts';
import { Clock, type ClockOptions, DEFAULT_EPOCH } from './clock.ts';
import { type CoreDump, coreDump } from './core-dump.ts';
import { type ProcessEnd, unimplementedInstruction } from './end.ts';
import { E, SysError } from './errno.ts';
import { Faults } from './faults.ts';
import { type Grant, Namespace } from './fs/namespace.ts';
import { newestTime } from './fs/newest.ts';
import { baseName } from './fs/open.ts';
import { HostStdio, type Stdio } from './fs/stdio.ts';
import { Futexes } from './futexes.ts';
import type { GuestMachine } from './guest-machine.ts';
import { Network } from './net/network.ts';
import { systemInfo } from './proc-text.ts';
import type { Process } from './process.ts';
import { LINUX_RSEQ, Rseq, type RseqOptions } from './rseq.ts';
import { deliver } from './signals/deliver.ts';
import { SIG } from './signals/numbers.ts';
import { Signals } from './signals/send.ts';
import { CLD, type SignalInfo } from './signals/state.ts';
import { Strace } from './strace.ts';
import { asPointer } from './syscalls/args.ts';
import { syscallName } from './syscalls/names.ts';
import { violatesStrict } from './syscalls/privileges.ts';
import { NO_RESULT, type SyscallRow } from './syscalls/row.ts';
import { SYSCALLS } from './syscalls/table.ts';
import type { Task } from './task.ts';
import { Cpus, type Turn } from './tasks/cpus.ts';
import { endProcess, releaseThread } from './tasks/exit.ts';
import { startFirst } from './tasks/first.ts';
import { Outside } from './tasks/outside.ts';
import { type Preemption, Preemptions } from './tasks/preempt.ts';
import { Programs } from './tasks/programs.ts';
import { Timers } from './timers.ts';
import type { Console } from './tty/console.ts';
import { Terminals } from './tty/terminals.ts';
import { Unimplemented } from './unimplemented.ts';
import { Vdso } from './vdso/vdso.ts';
import { PrivateFrames } from './vm/frames.ts';
import type { AddressSpace } from './vm.ts';

export interface KernelOptions extends ClockOptions {
  /** Decides AT_RANDOM, getrandom(2) and /dev/urandom. */
  readonly seed?: number;
  /** Directories of the host that the guest may use. */
  readonly grants?: readonly Grant[];
  /** Standard streams; the host's own where nothing is said. */
  readonly stdio?: Stdio;
  /** A terminal outside, in place of the standard streams. */
  readonly console?: Console;
  /** Working directory inside the guest. */
  readonly cwd?: string;
  /** Who the guest believes to be; root where nothing is said. */
  readonly uid?: number;
  readonly gid?: number;
  /** Gets one line per system call, as strace(1) writes it. */
  readonly strace?: (line: string) => void;
  /** Gets one line about what the guest asked for and swapgs does not have. */
  readonly warn?: (line: string) => void;
  /** Bytes that the guest's in-memory files may have together. */
  readonly filesLimit?: number;
  /** CPUs, 1 to 64. */
  readonly cpus?: number;
  /** The order in which CPUs take turns, and how long time slices are; round robin where nothing is said. */
  readonly scheduler?: Scheduler;
  /** Instructions of a CPU's turn, where the scheduler does not decide it. */
  readonly quantum?: number;
  /** Threads of all processes that there may be at once. */
  readonly maxTasks?: number;
  /** Takes the core file of every process that dies so. */
  readonly core?: (dump: CoreDump, pid: number) => void;
  /** Pointers of every program carry tags from its first instruction on, as by a flag of its file. */
  readonly tagged?: boolean;
  readonly rseq?: RseqOptions;
  /** Context switches that are forced on whoever runs. */
  readonly preempt?: Preemption;
}

/** How long a run may take. Where nothing is said there is no limit. */
export interface RunLimits {
  readonly instructions?: number;
  readonly milliseconds?: number;
}

/** Instructions between two looks at the host's clock, and where somebody sits before a terminal. */
const SLICE = 20_000_000;
const CONSOLE_SLICE = 2_000_000;
const FIRST_PID = 1000;
const PARENT_PID = 1;
const DEFAULT_MAX_TASKS = 4096;
const DEFAULT_FILES_LIMIT = 1 << 30;
const CR3_LAM_U57 = 1n << 61n;
/** Registers of the system call ABI, in encoding order: number and result RAX; RDI RSI RDX R10 R8 R9. */
const RAX = 0;
const ARGUMENT_REGISTERS = [7, 6, 2, 10, 8, 9] as const;

/** A Linux kernel as static programs see it, over a machine that executes their instructions. */
export class Kernel {
  readonly machine: GuestMachine;
  readonly clock: Clock;
  readonly timers = new Timers();
  readonly random: Random;
  readonly namespace: Namespace;
  readonly cpus: Cpus;
  readonly signals: Signals;
  readonly futexes = new Futexes(() => {
    this.changed = true;
  });
  readonly rseq: Rseq;
  /** The machine's own network; there is no other. */
  readonly net = new Network(() => this.anonymousInode());
  readonly terminals = new Terminals(this);
  readonly frames: PrivateFrames;
  readonly vdso: Vdso;
  readonly strace: Strace | null;
  /** Who may bring something from the host while nobody runs. */
  readonly outside = new Outside(this);
  /** The first process; null before exec. */
  process: Process | null = null;
  /** By number, those that are over and were not waited for among them. */
  readonly processes = new Map<number, Process>();
  /** Living threads by number. */
  readonly tasks = new Map<number, Task>();
  readonly maxTasks: number;
  readonly tagged: boolean;
  readonly initPid = PARENT_PID;
  readonly programs = new Programs();
  /** Something has happened that a blocked call may wait for. */
  changed = false;
  /** The thread that runs, or whose call is done. */
  current: Task | null = null;
  /** Told of every critical section of rseq(2) that is aborted. */
  onAbort: ((task: Task, start: bigint, abort: bigint) => void) | null = null;
  /** The thread whose registers the machine has. */
  #loaded: Task | null = null;
  readonly #preemptions: Preemptions;
  readonly #faults: Faults;
  readonly #blocked = new Set<Task>();
  readonly #options: KernelOptions;
  readonly #warned = new Set<number>();
  #nextPid = FIRST_PID;
  #nextAnonymous = 16;
  /** Why the whole run is over, other than by the end of its processes. */
  #end: ProcessEnd | null = null;
  /** Registers of the first process when it ended, for whoever explains the end. */
  #lastRegisters: SavedCpu | null = null;

  /** @throws GrantError when a granted directory cannot be used */
  constructor(machine: GuestMachine, options: KernelOptions = {}) {
    this.machine = machine;
    this.#options = options;
    // No granted file may be from the future: programs such as ls show those otherwise.
    const newest = newestTime((options.grants ?? []).map((grant) => grant.host));
    const epoch = options.epoch ?? (newest > DEFAULT_EPOCH ? newest : DEFAULT_EPOCH);
    this.clock = new Clock(() => machine.cpu.icount, { ...options, epoch });
    this.random = new Random(options.seed ?? 0);
    const quantum = options.quantum ?? DEFAULT_QUANTUM;
    this.cpus = new Cpus(options.cpus ?? 1, options.scheduler ?? new RoundRobin(quantum), quantum);
    this.signals = new Signals(this);
    this.rseq = new Rseq(this, options.rseq ?? LINUX_RSEQ);
    this.frames = new PrivateFrames(machine.memory);
    this.vdso = new Vdso(this);
    this.#faults = new Faults(this);
    this.#preemptions = new Preemptions(this, options.preempt ?? {});
    this.tagged = options.tagged === true && machine.has('LAM');
    this.maxTasks = options.maxTasks ?? DEFAULT_MAX_TASKS;
    this.namespace = new Namespace({
      grants: options.grants ?? [],
      now: () => this.clock.realtime(),
      random: this.random,
      system: systemInfo(this),
      owner: { uid: options.uid ?? 0, gid: options.gid ?? 0 },
      devices: (fs) => this.terminals.nodes(fs),
      memoryLimit: options.filesLimit ?? DEFAULT_FILES_LIMIT,
    });
    this.strace =
      options.strace === undefined ? null : new Strace(options.strace, () => this.processes.size + this.tasks.size > 2);
  }

  /** Number of an inode that is in no directory: of a pipe. */
  anonymousInode(): number {
    return this.#nextAnonymous++;
  }

  newPid(): number {
    return this.#nextPid++;
  }

  /**
   * Makes the first process: `image` with these arguments, ready to run at its entry.
   * @param path absolute path of the program inside the guest (/proc/self/exe, AT_EXECFN)
   * @throws ElfError when the image does not fit, NoInterpreter, SysError E2BIG, OutOfMemory
   */
  exec(image: ElfImage, args: readonly string[], env: readonly string[], path = `/bin/${baseName(args[0])}`): Process {
    const { uid = 0, gid = 0, cwd = '/', stdio, console = null } = this.#options;
    const start = { image, args, env, path, cwd, uid, gid, stdio: stdio ?? new HostStdio(), console };
    const process = startFirst(this, start);
    this.process = process;
    this.processes.set(process.pid, process);
    this.machine.flushTlb();
    this.#loaded = process.main;
    this.current = process.main;
    this.addTask(process.main);
    return process;
  }

  /** Runs until every process has ended or a limit is reached; after a limit it can be run further. */
  run(limits: RunLimits = {}): ProcessEnd {
    if (this.process === null) throw new Error('nothing has been loaded: call exec first');
    const { cpu } = this.machine;
    let left = limits.instructions ?? Number.POSITIVE_INFINITY;
    const stop = limits.milliseconds === undefined ? Number.POSITIVE_INFINITY : milliseconds() + limits.milliseconds;
    for (;;) {
      const end = this.#end ?? (this.tasks.size === 0 ? this.process.end! : null);
      if (end !== null) return this.#finished(end);
      if (left <= 0) return { kind: 'instruction limit', limit: limits.instructions! };
      if (stop !== Number.POSITIVE_INFINITY && milliseconds() >= stop) {
        return { kind: 'time limit', milliseconds: limits.milliseconds! };
      }
      const before = cpu.icount;
      this.#turn(Math.min(left, this.outside.link === null ? SLICE : CONSOLE_SLICE));
      left -= cpu.icount - before;
    }
  }

  #finished(end: ProcessEnd): ProcessEnd {
    this.outside.carry();
    if (!this.process!.dead) this.strace?.end(this.process!.main, end);
    this.#lastRegisters?.put(this.machine.cpu);
    this.#lastRegisters = null;
    return end;
  }

  /**
   * Lets the thread whose turn it is go on: a call whose wait is over, what waits on its way to user mode, instructions. `byHand`
   * is one whose calls are made from outside: it executes none.
   */
  #turn(budget: number, byHand: Task | null = null): void {
    this.timers.expire(this.clock.monotonic());
    this.outside.carry();
    if (this.changed) this.#wake();
    const turn = this.cpus.next();
    if (turn === null) return this.#idle();
    const { task } = turn;
    this.#load(task);
    if (task.process.end !== null) return this.endTask(task);
    if (task.call !== null) this.#resume(task);
    if (task !== byHand && task.state === 'running' && this.#toUser(task)) this.#execute(turn, budget);
  }

  /** Nobody can run: time passes until something happens, or it never will. */
  #idle(): void {
    const next = this.timers.next();
    if (!this.process!.dead && this.outside.wait(next)) return;
    if (next !== null) {
      this.clock.sleepUntil(next);
      return;
    }
    // What others wait for when the first process is over nobody will bring.
    if (this.process!.dead) this.#end = this.process!.end;
    else this.#end = { kind: 'deadlock', reason: this.#waits(), threads: this.tasks.size };
  }

  #waits(): string {
    const waits = [...this.#blocked].map(({ tid, call }) => ({ tid, reason: call!.wait.reason }));
    const stopped = [...this.tasks.values()].filter(({ state }) => state === 'stopped');
    for (const { tid } of stopped) waits.push({ tid, reason: 'SIGCONT' });
    if (waits.length === 1) return waits[0]!.reason;
    return waits.map(({ tid, reason }) => `${tid} for ${reason}`).join(', ');
  }

  /** Lets the machine run up to its next exit and does what the exit asks for. */
  #execute({ cpu, task, instructions }: Turn, budget: number): void {
    const { process } = task;
    const registers = this.machine.cpu;
    const next = this.timers.next();
    const time = next === null ? Number.POSITIVE_INFINITY : Number(next - this.clock.monotonic());
    const before = registers.icount;
    const forced = this.#preemptions.left(before);
    const most = Math.max(1, Math.min(budget, instructions, time, process.timers.cpuLeft(), forced));
    const exit = this.machine.run(most);
    const ran = registers.icount - before;
    task.instructions += ran;
    process.timers.checkCpu();
    switch (exit.kind) {
      case 'count':
      case 'until':
        break;
      case 'syscall':
        this.#syscall(task);
        break;
      case 'fault':
        try {
          this.#faults.handle(task, exit.fault);
        } catch (error) {
          this.#endFor(error);
        }
        break;
      case 'hlt':
      case 'shutdown':
        this.#end = { kind: 'unimplemented', what: `${exit.kind.toUpperCase()} in a user process` };
        break;
      case 'unimplemented':
        this.#end = unimplementedInstruction(exit.mnemonic, exit.bytes);
    }
    if (this.cpus.spend(cpu, ran) && cpu.task === task) this.cpus.preempt(cpu);
    this.#preemptions.check(registers.icount, task);
  }

  // ——— threads and processes ———

  /** CR3 of a thread: its tables, and whether its pointers carry tags. */
  rootOf({ space }: Task): bigint {
    return BigInt(space.tables.root) | (space.lam.enabled ? CR3_LAM_U57 : 0n);
  }

  /** Lets the pointers of an address space carry tags, on every CPU that runs it. */
  enableTags(space: AddressSpace): void {
    space.lam.enabled = true;
    space.lam.locked = true;
    if (this.#loaded?.space === space) this.machine.cpu.setU64(L.CR3, this.rootOf(this.#loaded));
    this.machine.flushTlb();
  }

  /** Brings `task.registers` up to date with the machine. */
  saveRegisters(task: Task): void {
    if (this.#loaded === task) task.registers.take(this.machine.cpu);
  }

  /** Gives the machine the registers of a thread. */
  #load(task: Task): void {
    this.current = task;
    const { cpu } = this.machine;
    if (this.#loaded !== task) {
      if (this.#loaded !== null && this.#loaded.state !== 'dead') this.saveRegisters(this.#loaded);
      const root = cpu.u64(L.CR3);
      const keys = cpu.view.getUint32(L.PKRU, true);
      task.registers.put(cpu);
      cpu.setU64(L.CR3, this.rootOf(task));
      this.#loaded = task;
      if (cpu.u64(L.CR3) !== root || cpu.view.getUint32(L.PKRU, true) !== keys) this.machine.flushTlb();
    }
    // RDTSCP and RDPID tell the CPU as Linux has it there: the node above 12 bits of it.
    cpu.setU64(L.TSC_AUX, BigInt(task.cpu));
  }

  /** A new thread, ready to run. */
  addTask(task: Task): void {
    this.tasks.set(task.tid, task);
    this.cpus.add(task);
  }

  /** Lets a thread look at its signals: at once where it waits, else on its way to user mode. */
  interrupt(task: Task): void {
    task.notify = true;
    const patient = task.call?.wait.patient && task.process.end === null;
    if (task.state === 'blocked' && !patient) this.#unblock(task);
    else if (task.state === 'stopped' && task.process.end !== null) this.cpus.add(task);
  }

  /** A stopped process gets SIGKILL. */
  wakeStopped(process: Process): void {
    if (!process.stopped) return;
    process.stopped = false;
    for (const task of process.tasks) if (task.state === 'stopped') this.cpus.add(task);
  }

  /** SIGCONT: goes on where it was stopped, and the parent is told. */
  resume(process: Process): void {
    if (!process.stopped) return;
    this.wakeStopped(process);
    process.news = 'continued';
    this.signals.tellParent(process, CLD.CONTINUED, SIG.CONT);
  }

  /** Stops all threads of a process; the parent is told. */
  stop(process: Process, signal: number): void {
    process.stopped = true;
    process.news = 'stopped';
    process.newsSignal = signal;
    for (const task of process.tasks) {
      task.notify = true;
      if (task.state === 'queued') this.park(task);
    }
    this.signals.tellParent(process, CLD.STOPPED, signal);
  }

  /** A thread of a stopped process waits for its continuation. */
  park(task: Task): void {
    this.cpus.remove(task);
    task.state = 'stopped';
  }

  /** A thread is over; with the last one, so is its process. */
  endTask(task: Task): void {
    const { process } = task;
    if (task.state === 'dead') return;
    if (task.call !== null) task.call.wait.leave();
    this.strace?.end(task, process.end ?? { kind: 'exited', status: task.exitStatus });
    this.timers.cancel(task.timer);
    releaseThread(task);
    this.cpus.remove(task);
    this.#blocked.delete(task);
    task.state = 'dead';
    task.call = null;
    process.tasks.delete(task);
    process.deadThreadsTime += task.instructions;
    this.tasks.delete(task.tid);
    this.changed = true;
    if (process.tasks.size > 0) return;
    process.borrowsSpace = false;
    endProcess(process);
  }

  /** All threads of a process but one are over: for exec. That one gets the process's number. */
  endOtherThreads(task: Task): void {
    const { process } = task;
    for (const other of [...process.tasks]) if (other !== task) this.endTask(other);
    process.main = task;
  }

  #block(task: Task, row: SyscallRow, args: readonly number[], blocked: Blocked): void {
    const { wait } = blocked;
    // A part of its work may be done: a write that has filled a pipe.
    this.changed = true;
    task.call = { row, args, wait };
    task.timedOut = false;
    this.cpus.remove(task);
    task.state = 'blocked';
    this.#blocked.add(task);
    if (wait.deadline !== null)
      task.timer = this.timers.add(wait.deadline, () => {
        task.timedOut = true;
        this.changed = true;
      });
    if (task.deliverable !== 0n || task.process.end !== null) this.interrupt(task);
  }

  #unblock(task: Task): void {
    this.timers.cancel(task.timer);
    task.timer = null;
    this.#blocked.delete(task);
    this.cpus.add(task);
  }

  /** Looks at everybody who waits. */
  #wake(): void {
    this.changed = false;
    for (const task of this.#blocked) if (task.timedOut || task.call!.wait.ready()) this.#unblock(task);
  }

  /** The wait of a call is over: it is made anew, or a signal has ended it. */
  #resume(task: Task): void {
    const { row, args, wait } = task.call!;
    const ready = wait.ready();
    task.call = null;
    if (!ready && !task.timedOut) {
      wait.leave();
      this.#complete(task, row, args, wait.interrupted());
      return;
    }
    if (!ready) wait.leave();
    task.resumed = { wait, timedOut: task.timedOut };
    this.#perform(task, row, args);
    task.resumed = null;
  }

  /** What has to be done before a thread is in user mode. False: it does not get there now. */
  #toUser(task: Task): boolean {
    while (task.notify || task.scheduledIn) {
      if (task.notify) {
        task.notify = false;
        try {
          deliver(task);
        } catch (error) {
          this.#endFor(error);
        }
        if (task.state !== 'running' || this.#end !== null) return false;
      }
      // What this finds wrong is a signal again.
      if (task.scheduledIn) {
        task.scheduledIn = false;
        this.rseq.returning(task);
      }
    }
    return true;
  }

  /** A process is about to end: what its thread's registers were then is shown behind the run. */
  rememberEnd(process: Process): void {
    const task = this.#loaded;
    if (process !== this.process || task?.process !== process) return;
    this.#lastRegisters = new SavedCpu().take(this.machine.cpu);
  }

  /** Writes the core file of a process, where somebody wants it. False: nobody does. */
  dumpCore(task: Task, info: SignalInfo): boolean {
    const { core } = this.#options;
    if (core === undefined || task.process.dumpable !== 1) return false;
    core(coreDump(task, info), task.process.pid);
    return true;
  }

  // ——— system calls ———

  /** Does the system call that the registers describe and puts its result into RAX; waits as long as it does. */
  syscall(): void {
    const task = this.#loaded;
    if (task === null) throw new Error('nothing has been loaded: call exec first');
    this.cpus.next();
    this.#syscall(task);
    while (
      task.state !== 'dead' &&
      this.#end === null &&
      (task.call !== null || task.state !== 'running' || task.notify)
    ) {
      if (task.state === 'running' && task.call === null) this.#toUser(task);
      else this.#turn(SLICE, task);
    }
    if (this.#end !== null) task.process.end ??= this.#end;
    if (task.state !== 'dead') this.#load(task);
  }

  #syscall(task: Task): void {
    const { cpu } = this.machine;
    const number = Number(BigInt.asIntN(32, cpu.gpr(RAX)));
    if (violatesStrict(task, number)) return;
    const raw = ARGUMENT_REGISTERS.map((register) => cpu.gpr(register));
    const row = SYSCALLS.get(number);
    if (row === undefined) {
      this.#unknown(task, number, raw);
      cpu.setGpr(RAX, BigInt.asUintN(64, BigInt(-E.ENOSYS)));
      return;
    }
    const { user } = task;
    const args = row.args.map(({ decode }, index) =>
      decode(decode === asPointer ? user.untag(raw[index]!) : raw[index]!),
    );
    this.strace?.enter(task, row, args);
    this.#perform(task, row, args);
  }

  #perform(task: Task, row: SyscallRow, args: readonly number[]): void {
    let result = NO_RESULT;
    try {
      result = row.run(task, ...args);
    } catch (error) {
      if (error instanceof SysError) result = -error.errno;
      else if (error instanceof Blocked) return this.#block(task, row, args, error);
      else this.#endFor(error);
    }
    this.#complete(task, row, args, result);
  }

  #complete(task: Task, row: SyscallRow, args: readonly number[], result: number): void {
    this.changed = true;
    if (result !== NO_RESULT) this.machine.cpu.setGpr(RAX, BigInt.asUintN(64, BigInt(result)));
    const restarts = result <= -ERESTART.SYS && result >= -ERESTART.BLOCK;
    task.restartable = restarts ? row.number : -1;
    if (restarts) task.notify = true;
    this.strace?.leave(task, row, args, result);
  }

  /** Ends the run for a reason that is not the guest's own; anything unexpected is ours and goes on up. */
  #endFor(error: unknown): void {
    if (error instanceof OutOfMemory) this.#end = { kind: 'out of memory', limit: error.limit };
    else if (error instanceof Unimplemented) this.#end = { kind: 'unimplemented', what: error.what };
    else throw error;
  }

  #unknown(task: Task, number: number, raw: readonly bigint[]): void {
    this.strace?.unknown(task, number, raw);
    if (this.#warned.has(number)) return;
    this.#warned.add(number);
    this.#options.warn?.(`system call ${number} (${syscallName(number)}) is not implemented: ENOSYS`);
  }

  /** Gives memory, descriptors and granted directories back. */
  close(): void {
    for (const task of [...this.tasks.values()]) {
      task.process.end ??= { kind: 'killed', signal: SIG.KILL, code: 0, address: 0n, fault: null };
      this.endTask(task);
    }
    this.process?.space.release();
    this.process = null;
    this.namespace.close();
  }
}
