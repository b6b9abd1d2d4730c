import { basename, dirname, join, relative, resolve } from 'node:path';
import { milliseconds } from '../../bits/clock.ts';
import { type ElfImage, readImage } from '../../elf/image.ts';
import type { ProcessEnd } from '../../kernel/end.ts';
import { SysError } from '../../kernel/errno.ts';
import { placeImage } from '../../kernel/exec.ts';
import { type Grant, parseGrant } from '../../kernel/fs/namespace.ts';
import { HostStdio, type Stdio } from '../../kernel/fs/stdio.ts';
import type { GuestMachine } from '../../kernel/guest-machine.ts';
import { Kernel, type KernelOptions } from '../../kernel/kernel.ts';
import { NoInterpreter } from '../../kernel/tasks/first.ts';
import type { Preemption } from '../../kernel/tasks/preempt.ts';
import type { Console } from '../../kernel/tty/console.ts';
import { Machine } from '../../machine/machine.ts';
import type { Recorder } from '../../machine/system/scheduler.ts';
import { OutOfMemory } from '../../memory/physical.ts';
import { CliError, locate } from '../errors.ts';
import { readFile } from '../files.ts';
import type { UserOptions } from '../options.ts';
import { complain } from '../output.ts';
import { recorderOf } from '../schedule.ts';
import { coreWriter } from './core.ts';
import { DeadlineMachine } from './deadline.ts';
import { environment } from './environment.ts';

/** A program and how it is started; read once, run as often as needed. */
export interface Program {
  readonly path: string;
  readonly image: ElfImage;
  readonly args: readonly string[];
  readonly environment: readonly string[];
  readonly grants: readonly Grant[];
  readonly options: UserOptions;
}

/** CPUs that a set of sched_setaffinity(2) has room for here. */
const MOST_CPUS = 64;

/** Instructions between two looks at the clock when there is a time limit. */
const SLICE = { jit: 2_000_000, interpreter: 200_000, reference: 10_000 } as const;

/** @throws CliError for whatever is wrong with the command line or the file */
export function readProgram(path: string, args: readonly string[], options: UserOptions): Program {
  const bytes = readFile(path);
  return {
    path,
    image: locate(path, () => readImage(bytes)),
    args: [options.argv0 ?? path, ...args],
    environment: environment(options.env ?? [], options.envClear === true),
    grants: (options.dir ?? []).map((text) => locate('--dir', () => parseGrant(text))),
    options,
  };
}

export interface SessionOptions {
  readonly stdio?: Stdio;
  /** A terminal in place of the streams. */
  readonly console?: Console;
  readonly strace?: (line: string) => void;
  /** False in a repetition: what was said once is not said again. */
  readonly warn?: boolean;
  /** Puts something between the kernel stub and the machine. */
  readonly wrap?: (machine: GuestMachine) => GuestMachine;
  /** Milliseconds; the program's own limit where nothing is said. */
  readonly timeout?: number;
  /** Instead of what the command line says. */
  readonly preempt?: Preemption;
}

/** One run of a program, from a new machine on. */
export class Session {
  readonly program: Program;
  readonly machine: Machine;
  readonly kernel: Kernel;
  /** Who ran when. */
  readonly recorder: Recorder;
  readonly #deadline: number | null;

  constructor(program: Program, session: SessionOptions = {}) {
    const { options } = program;
    this.program = program;
    if ((options.cpus ?? 1) > MOST_CPUS) {
      throw new CliError(`${options.cpus} are too many CPUs`, '--cpus', `give 1 to ${MOST_CPUS}`);
    }
    this.recorder = recorderOf(options);
    const timeout = session.timeout ?? options.timeout;
    this.#deadline = timeout === undefined ? null : milliseconds() + timeout;
    this.machine = makeMachine(options);
    let machine: GuestMachine = session.wrap?.(this.machine) ?? this.machine;
    if (this.#deadline !== null) machine = new DeadlineMachine(machine, this.#deadline, SLICE[options.engine]);
    const kernelOptions: KernelOptions = {
      seed: options.seed,
      grants: program.grants,
      stdio: session.stdio ?? new HostStdio(),
      ...(session.console === undefined ? {} : { console: session.console }),
      tagged: options.lam === true,
      hostTime: options.hostTime === true,
      cwd: '/',
      filesLimit: options.memory,
      cpus: options.cpus ?? 1,
      scheduler: this.recorder,
      ...(options.quantum === undefined ? {} : { quantum: options.quantum }),
      ...(options.rseqAbi === undefined ? {} : { rseq: options.rseqAbi }),
      ...(options.maxTasks === undefined ? {} : { maxTasks: options.maxTasks }),
      ...(options.core === undefined || session.warn === false ? {} : { core: coreWriter(options.core) }),
      preempt: session.preempt ?? {
        ...(options.preemptEvery === undefined ? {} : { every: options.preemptEvery }),
        ...(options.preemptAt === undefined ? {} : { at: [...options.preemptAt].sort((a, b) => a - b) }),
        ...(options.preemptBy === undefined ? {} : { by: options.preemptBy }),
      },
      ...(session.strace === undefined ? {} : { strace: session.strace }),
      ...(session.warn === false ? {} : { warn: (line: string) => complain(`swapgs: ${line}`) }),
    };
    this.kernel = locate('--dir', () => new Kernel(machine, kernelOptions));
  }

  /** Loads the program and runs it to its end or a limit. @throws CliError when it cannot be started */
  run(): ProcessEnd {
    const { program, kernel } = this;
    try {
      kernel.exec(program.image, program.args, program.environment, guestPathOf(program));
    } catch (error) {
      if (error instanceof OutOfMemory) return { kind: 'out of memory', limit: error.limit };
      if (error instanceof NoInterpreter) throw new CliError(error.message, program.path, mendInterpreter(error.path));
      if (error instanceof SysError) {
        throw new CliError('arguments and environment are too long', program.path, 'give fewer');
      }
      throw locate(program.path, () => {
        throw error;
      });
    }
    const { maxInsns } = program.options;
    const end = locate(program.options.schedule ?? '--schedule', () =>
      kernel.run({
        ...(maxInsns === undefined ? {} : { instructions: maxInsns }),
        ...(this.#deadline === null ? {} : { milliseconds: Math.max(0, this.#deadline - milliseconds()) }),
      }),
    );
    const timeout = program.options.timeout;
    // A wait that the deadline cut short looks like one that nobody can end.
    const late = this.#deadline !== null && milliseconds() >= this.#deadline;
    if (late && timeout !== undefined && (end.kind === 'deadlock' || end.kind === 'time limit')) {
      return { kind: 'time limit', milliseconds: timeout };
    }
    return end;
  }

  /** The same before the program has been loaded. */
  get loadBias(): bigint {
    return placeImage(this.program.image).bias;
  }

  /** How far the image was moved from where it is linked. */
  get bias(): bigint {
    return BigInt(this.kernel.process?.program.entry ?? 0) - this.program.image.entry;
  }
}

/** Where the guest finds its program: where a grant shows it, else in /bin. */
function guestPathOf({ path, grants }: Program): string {
  const host = resolve(path);
  const inside = (folder: string): boolean => host.startsWith(folder.endsWith('/') ? folder : `${folder}/`);
  const holders = grants
    .map((grant) => ({ ...grant, host: resolve(grant.host) }))
    .filter((grant) => inside(grant.host));
  const nearest = holders.sort((a, b) => b.guest.length - a.guest.length)[0];
  if (nearest === undefined) return `/bin/${basename(path)}`;
  return join(nearest.guest, relative(nearest.host, host));
}

/** How a dynamic program gets its interpreter and its libraries. */
function mendInterpreter(path: string): string {
  const folders = [...new Set([dirname(path), '/lib'])].map((folder) => `--dir ${folder}:ro`);
  return `link it with -static, or grant what it needs: ${folders.join(' ')} (all: --dir /:ro)`;
}

function makeMachine(options: UserOptions): Machine {
  try {
    return new Machine({
      memory: options.memory,
      engine: options.engine,
      cpu: options.cpu,
      seed: options.seed,
      syscall: true,
    });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new CliError('the host has no room for the guest’s memory', '--memory', 'give less');
  }
}
