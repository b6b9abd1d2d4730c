import { milliseconds } from '../bits/clock.ts';
import { Random } from '../bits/random.ts';
import type { ElfImage } from '../elf/image.ts';
import type { Fault } from '../exec/exit.ts';
import { VECTOR } from '../exec/exit.ts';
import { OutOfMemory } from '../memory/physical.ts';
import { Blocked } from './block.ts';
import { Clock, type ClockOptions, DEFAULT_EPOCH } from './clock.ts';
import { credentials } from './credentials.ts';
import { type ProcessEnd, unimplementedInstruction } from './end.ts';
import { E, SysError } from './errno.ts';
import { faultSignal } from './exceptions.ts';
import { load, setEntryRegisters } from './exec.ts';
import { Directory } from './fs/inode.ts';
import { type Grant, Namespace } from './fs/namespace.ts';
import { newestTime } from './fs/newest.ts';
import { resolve } from './fs/resolve.ts';
import { HostStdio, type Stdio, StdioFile } from './fs/stdio.ts';
import type { GuestMachine } from './guest-machine.ts';
import { systemInfo } from './proc-text.ts';
import { Process, type Task } from './process.ts';
import { Strace } from './strace.ts';
import { syscallName } from './syscalls/names.ts';
import type { SyscallRow } from './syscalls/row.ts';
import { SYSCALLS } from './syscalls/table.ts';
import { Unimplemented } from './unimplemented.ts';
import { PF } from './vm/flags.ts';
import { TASK_SIZE } from './vm/layout.ts';

export interface KernelOptions extends ClockOptions {
  /** Decides AT_RANDOM, getrandom(2) and /dev/urandom. */
  readonly seed?: number;
  /** Directories of the host that the guest may use. */
  readonly grants?: readonly Grant[];
  /** Standard streams; the host's own where nothing is said. */
  readonly stdio?: Stdio;
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
}

/** How long a run may take. Where nothing is said there is no limit. */
export interface RunLimits {
  readonly instructions?: number;
  readonly milliseconds?: number;
}

/** Instructions between two looks at the host's clock. */
const SLICE = 20_000_000;
const FIRST_PID = 1000;
const PARENT_PID = 1;
const DEFAULT_FILES_LIMIT = 1 << 30;
const RANDOM_BYTES = 16;
/** An access faults once for its page and once more for a stale translation. */
const MAX_SAME_FAULTS = 4;
/** Registers of the system call ABI, in encoding order: number and result RAX; RDI RSI RDX R10 R8 R9. */
const RAX = 0;
const ARGUMENT_REGISTERS = [7, 6, 2, 10, 8, 9] as const;

/** A Linux kernel as one static program sees it, over a machine that executes the program's instructions. */
export class Kernel {
  readonly machine: GuestMachine;
  readonly clock: Clock;
  readonly random: Random;
  readonly namespace: Namespace;
  /** The process that runs; null before exec. */
  process: Process | null = null;
  readonly #options: KernelOptions;
  readonly #strace: Strace | null;
  readonly #warned = new Set<number>();
  #nextPid = FIRST_PID;
  #nextAnonymous = 16;
  #lastFault = { icount: -1, address: 0n, times: 0 };

  /** @throws GrantError when a granted directory cannot be used */
  constructor(machine: GuestMachine, options: KernelOptions = {}) {
    this.machine = machine;
    this.#options = options;
    // No granted file may be from the future: programs such as ls show those otherwise.
    const newest = newestTime((options.grants ?? []).map((grant) => grant.host));
    const epoch = options.epoch ?? (newest > DEFAULT_EPOCH ? newest : DEFAULT_EPOCH);
    this.clock = new Clock(() => machine.cpu.icount, { ...options, epoch });
    this.random = new Random(options.seed ?? 0);
    this.namespace = new Namespace({
      grants: options.grants ?? [],
      now: () => this.clock.realtime(),
      random: this.random,
      system: systemInfo(this),
      owner: { uid: options.uid ?? 0, gid: options.gid ?? 0 },
      memoryLimit: options.filesLimit ?? DEFAULT_FILES_LIMIT,
    });
    this.#strace = options.strace === undefined ? null : new Strace(options.strace);
  }

  /** Number of an inode that is in no directory: of a pipe. */
  anonymousInode(): number {
    return this.#nextAnonymous++;
  }

  /**
   * Makes the first process: `image` with these arguments, ready to run at its entry.
   * @param path absolute path of the program inside the guest (/proc/self/exe, AT_EXECFN)
   * @throws ElfError when the image does not fit, SysError E2BIG, OutOfMemory
   */
  exec(image: ElfImage, args: readonly string[], env: readonly string[], path = `/bin/${baseName(args[0])}`): Process {
    const root = this.namespace.root;
    const who = credentials(this.#options.uid ?? 0, this.#options.gid ?? 0);
    const cwd = resolve(
      { root, cwd: root, credentials: credentials(0, 0) },
      root,
      this.#options.cwd ?? '/',
      true,
    ).inode;
    const process = new Process(this, {
      pid: this.#nextPid++,
      parent: PARENT_PID,
      root,
      cwd: cwd instanceof Directory ? cwd : root,
      credentials: who,
    });
    this.namespace.install(path, image.bytes);
    process.exePath = path;
    process.exe = resolve({ root, cwd: root, credentials: credentials(0, 0) }, root, path, true).inode;
    process.main.name = baseName(path).slice(0, 15);
    const stdio = this.#options.stdio ?? new HostStdio();
    for (const stream of [0, 1, 2] as const) process.fds.add(new StdioFile(stdio, stream));
    this.process = process;
    const random = this.random.bytes(RANDOM_BYTES);
    const { entry, rsp } = load(process, image, args, env, { path, hwcap: this.machine.cpuid(1, 0)[3], random });
    setEntryRegisters(this.machine.cpu, process.space.tables.root, entry, rsp);
    this.machine.flushTlb();
    return process;
  }

  /** Runs the process until it ends or a limit is reached; after a limit it can be run further. */
  run(limits: RunLimits = {}): ProcessEnd {
    const { process } = this;
    if (process === null) throw new Error('nothing has been loaded: call exec first');
    const { cpu } = this.machine;
    let left = limits.instructions ?? Number.POSITIVE_INFINITY;
    const stop = limits.milliseconds === undefined ? Number.POSITIVE_INFINITY : milliseconds() + limits.milliseconds;
    while (process.end === null) {
      if (left <= 0) return { kind: 'instruction limit', limit: limits.instructions! };
      if (stop !== Number.POSITIVE_INFINITY && milliseconds() >= stop) {
        return { kind: 'time limit', milliseconds: limits.milliseconds! };
      }
      const before = cpu.icount;
      this.#step(process, Math.min(left, SLICE));
      left -= cpu.icount - before;
    }
    this.#strace?.end(process.end);
    return process.end;
  }

  /** Lets the machine run up to its next exit and does what the exit asks for. */
  #step(process: Process, budget: number): void {
    const exit = this.machine.run(budget);
    switch (exit.kind) {
      case 'count':
      case 'until':
        return;
      case 'syscall':
        this.syscall();
        return;
      case 'fault':
        this.#fault(process, exit.fault);
        return;
      case 'hlt':
      case 'shutdown':
        process.finish({ kind: 'unimplemented', what: `${exit.kind.toUpperCase()} in a user process` });
        return;
      case 'unimplemented':
        process.finish(unimplementedInstruction(exit.mnemonic, exit.bytes));
    }
  }

  /** Handles an exception as Linux does: pages come in, everything else becomes a signal. */
  #fault(process: Process, fault: Fault): void {
    const { cpu } = this.machine;
    let signal = 0;
    let code = 0;
    let address = 0n;
    let shown = fault;
    if (fault.vector === VECTOR.PF) {
      address = fault.cr2!;
      const errorCode = fault.errorCode!;
      try {
        const result = process.space.handleFault(Number(address), errorCode);
        if (result.ok) {
          this.#checkProgress(address);
          return;
        }
        ({ signal, code } = result);
        // Linux hides whether a kernel address is mapped, and calls a page without rights absent (show_signal, PROT_NONE).
        const kernel = address >= BigInt(TASK_SIZE);
        const present = kernel || (process.space.tables.lookup(Number(address))?.user ?? false);
        shown = { ...fault, errorCode: present ? errorCode | PF.PRESENT : errorCode & ~PF.PRESENT };
      } catch (error) {
        this.#endFor(process, error);
        return;
      }
    } else {
      ({ signal, code, address } = faultSignal(fault, cpu));
    }
    const end: ProcessEnd = { kind: 'killed', signal, code, address, fault: shown };
    process.force(process.main, { signal, code, address }, end);
  }

  /** A page fault that comes back after it was handled would be an error of the engine: better loud than for ever. */
  #checkProgress(address: bigint): void {
    const { icount } = this.machine.cpu;
    const again = this.#lastFault.icount === icount && this.#lastFault.address === address;
    this.#lastFault = { icount, address, times: again ? this.#lastFault.times + 1 : 1 };
    if (this.#lastFault.times > MAX_SAME_FAULTS) {
      throw new Error(`the page fault at 0x${address.toString(16)} does not go away`);
    }
  }

  /** Does the system call that the registers describe and puts its result into RAX. */
  syscall(): void {
    const { process } = this;
    if (process === null) throw new Error('nothing has been loaded: call exec first');
    const { cpu } = this.machine;
    const task = process.main;
    const number = Number(BigInt.asIntN(32, cpu.gpr(RAX)));
    const raw = ARGUMENT_REGISTERS.map((register) => cpu.gpr(register));
    const row = SYSCALLS.get(number);
    if (row === undefined) {
      this.#unknown(number, raw);
      cpu.setGpr(RAX, BigInt.asUintN(64, BigInt(-E.ENOSYS)));
      return;
    }
    const args = row.args.map((kind, index) => kind.decode(raw[index]!));
    this.#strace?.enter(row, args, task.user);
    const result = this.#call(task, row, args);
    if (result !== null) cpu.setGpr(RAX, BigInt.asUintN(64, BigInt(result)));
    this.#strace?.leave(row, args, task.user, row.result === 'none' ? null : result);
    if (process.end === null && (task.pending.mask & ~task.mask) !== 0n) process.deliverPending(task);
  }

  /** The result, or null when the process is over. */
  #call(task: Task, row: SyscallRow, args: readonly number[]): number | null {
    try {
      return row.run(task, ...args);
    } catch (error) {
      if (error instanceof SysError) return -error.errno;
      this.#endFor(task.process, error);
      return null;
    }
  }

  /** Ends the process for a reason that is not its own; anything unexpected is ours and goes on up. */
  #endFor(process: Process, error: unknown): void {
    if (error instanceof OutOfMemory) process.finish({ kind: 'out of memory', limit: error.limit });
    else if (error instanceof Blocked) process.finish({ kind: 'deadlock', reason: error.reason });
    else if (error instanceof Unimplemented) process.finish({ kind: 'unimplemented', what: error.what });
    else throw error;
  }

  #unknown(number: number, raw: readonly bigint[]): void {
    this.#strace?.unknown(number, raw);
    if (this.#warned.has(number)) return;
    this.#warned.add(number);
    this.#options.warn?.(`system call ${number} (${syscallName(number)}) is not implemented: ENOSYS`);
  }

  /** Gives memory, descriptors and granted directories back. */
  close(): void {
    this.process?.destroy();
    this.process = null;
    this.namespace.close();
  }
}

function baseName(path: string | undefined): string {
  const name = (path ?? '').split('/').pop()!;
  return name === '' ? 'program' : name;
}
