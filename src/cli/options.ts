import { type Command, InvalidArgumentError, Option } from 'commander';
import type { EngineName } from '../exec/engine.ts';
import { LINUX_RSEQ, type RseqOptions } from '../kernel/rseq.ts';
import { CPU_NAMES } from '../machine/profiles.ts';
import { cpu } from './cpu.ts';
import { address, count, engine, memorySize, oneOf, preemptBy, repeated, rseqAbi, seconds, seed } from './values.ts';

/** Options of every command that runs a guest. */
export interface GuestOptions {
  readonly engine: EngineName;
  readonly memory: number;
  readonly maxInsns?: number;
  /** Milliseconds. */
  readonly timeout?: number;
  /** A profile and switches, as `profileOf` reads them. */
  readonly cpu: string;
  readonly seed: number;
  readonly cpus?: number;
  readonly quantum?: number;
  readonly schedule?: string;
  readonly recordSchedule?: string;
}

/** Options of a user program. Everything is as it was typed unless a unit is said. */
export interface UserOptions extends GuestOptions {
  readonly dir?: readonly string[];
  /** The host's terminal may be the program's. */
  readonly terminal?: boolean;
  readonly lam?: boolean;
  readonly env?: readonly string[];
  readonly envClear?: boolean;
  readonly hostTime?: boolean;
  readonly argv0?: string;
  readonly core?: string;
  readonly maxTasks?: number;
  readonly rseqAbi?: RseqOptions;
  readonly preemptEvery?: number;
  readonly preemptAt?: readonly number[];
  readonly preemptIn?: string;
  readonly invariant?: string;
  readonly preemptBy?: 'switch' | 'migrate' | number;
}

/** Options of a bare guest. */
export interface BareOptions extends GuestOptions {
  readonly base?: bigint;
  readonly entry?: string;
  readonly cpl?: 0 | 3;
  readonly map?: readonly string[];
  readonly reg?: readonly string[];
  readonly mem?: readonly string[];
  readonly until?: string;
  readonly sym?: readonly string[];
}

const text = (value: string): string => value;

export function guestOptions(command: Command): Command {
  return command
    .option('--engine <NAME>', 'jit, interpreter or reference', engine, 'jit')
    .addOption(new Option('--memory <SIZE>', 'guest memory: 64M, 2G …').argParser(memorySize).default(2 ** 30, '1G'))
    .option('--max-insns <N>', 'stop after N instructions', count)
    .option('--timeout <SECONDS>', 'stop after so much time', seconds)
    .option(
      '--cpu <NAME>',
      `which CPU: ${CPU_NAMES.join(', ')}, host; features of it switched by names of /proc/cpuinfo: x86-64-v3,+pcid,-umip`,
      cpu,
      'default',
    )
    .option('--seed <N>', 'decides everything that is random', seed, 0);
}

export function userOptions(command: Command): Command {
  return command
    .optionsGroup('Programs:')
    .option(
      '--dir <HOST[=GUEST]>',
      'let the program use a directory of the host; HOST alone: by the same path; :ro behind it: only to read (repeatable)',
      repeated(text),
    )
    .option('--env <K=V>', 'add to the environment; K alone takes the host’s value (repeatable)', repeated(text))
    .option('--env-clear', 'begin with an empty environment instead of the default one')
    .option('--lam', 'pointers of every program carry tags from its first instruction on (LAM_U57)')
    .option('--no-terminal', 'the streams are pipes for the program, even before a terminal')
    .option('--host-time', 'show the host’s time (the run is not reproducible then)')
    .option('--argv0 <NAME>', 'the program’s own name, argv[0]', text)
    .option('--max-tasks <N>', 'threads of all processes that there may be at once (default 4096)', count)
    .option('--core <FILE>', 'write the core file of a process that dies by one: for gdb', text)
    .option(
      '--rseq-abi <NAME>',
      'rseq(2) of Linux, or of the RFC of 2016: linux, v7, v7,lazy (told inside sections only), v7,counter=N',
      rseqAbi,
      LINUX_RSEQ,
    )
    .option('--preempt-every <N>', 'switch threads whenever the count is a multiple of N', count)
    .option('--preempt-at <N>', 'switch threads when N instructions have been executed (repeatable)', repeated(count))
    .option(
      '--preempt-in <SYMBOL>',
      'run once for every instruction of a function, interrupted there, and tell what became of it',
      text,
    )
    .option('--invariant <SYMBOL=VALUE>', 'what must stand there after every run of --preempt-in', text)
    .option('--preempt-by <HOW>', 'switch, migrate (to another CPU) or a signal: 10, USR1', preemptBy, 'switch');
}

/** Options of everything that has several CPUs. */
export function scheduleOptions(command: Command): Command {
  return command
    .optionsGroup('Several CPUs:')
    .option('--cpus <N>', 'CPUs: 1 to 64 for programs, 1 to 255 for kernels (default 1)', count)
    .option('--quantum <N>', 'instructions until it is another CPU’s turn; --seed above 0 draws them at random', count)
    .option('--record-schedule <FILE>', 'write who ran when', text)
    .option('--schedule <FILE>', 'run as --record-schedule has written', text);
}

export function bareOptions(command: Command): Command {
  return command
    .optionsGroup('Bare guests (--bare):')
    .option('--bare', 'flat code or an ELF without an operating system')
    .option('--base <ADDR>', 'where flat code is loaded (default 0x100000)', address)
    .option('--entry <ADDR>', 'where to begin: an address or a symbol (default: the base, or the ELF’s entry)', text)
    .option('--cpl <N>', 'privilege level, 0 or 3 (default 0)', (value) => Number(level(value)))
    .option('--map <ADDR:SIZE:rwx>', 'map memory; rwx unless said, s keeps CPL 3 out (repeatable)', repeated(text))
    .option('--reg <NAME=VALUE>', 'set a register: rax, r8d, ah, rip, rflags, xmm0, st0 … (repeatable)', repeated(text))
    .option('--mem <ADDR=@FILE|HEX>', 'put bytes into mapped memory (repeatable)', repeated(text))
    .option('--until <ADDR>', 'stop before the instruction at an address or symbol', text)
    .option('--sym <NAME=ADDR>', 'name an address in listings (repeatable)', repeated(text));
}

/** Options of a machine with devices and several CPUs. */
export interface SystemOptions {
  readonly multiboot?: boolean;
  readonly append?: string;
  readonly module?: readonly string[];
  readonly traceEvents?: readonly TraceRequest[];
  readonly traceOutput?: string;
  readonly detect?: readonly Detector[];
  readonly speculate?: readonly string[];
  readonly icache?: 'coherent' | 'explicit';
}

/** What is looked for while a kernel runs. */
export type Detector = (typeof DETECTORS)[number];
export const DETECTORS = ['stale-tlb', 'late-store', 'freed-table'] as const;

/** Events to be traced, as named on the command line, and the filter that follows them. */
export interface TraceRequest {
  readonly events: string;
  filter: string | null;
}

/** Where a trace goes, and where a report looks for one. */
export const DEFAULT_TRACE = 'swapgs.trace';

export function systemOptions(command: Command): Command {
  const requests: TraceRequest[] = [];
  const addFilter = (text: string): string => {
    const last = requests.at(-1);
    if (last === undefined) throw new InvalidArgumentError('it stands behind the --trace-events that it is for.');
    last.filter = last.filter === null ? text : `(${last.filter}) && (${text})`;
    return text;
  };
  const addEvents = (events: string): TraceRequest[] => {
    requests.push({ events, filter: null });
    return requests;
  };
  return command
    .optionsGroup('Kernels (--bare --multiboot):')
    .option('--multiboot', 'boot it by multiboot 1 on a PC: APICs, serial port on stdout, debug exit 0xf4, fw_cfg')
    .option('--append <TEXT>', 'its command line, behind its name', text)
    .option('--module <FILE [TEXT]>', 'load a module and its command line (repeatable)', repeated(text))
    .option(
      '-e, --trace-events <LIST>',
      'record the guest’s tracepoints: csd_queue_cpu, ipi:*, csd (repeatable)',
      addEvents,
    )
    .option('-f, --filter <EXPR>', 'only those of the --trace-events before it: «cpu & CPUS{1-31}»', addFilter)
    .option('-o, --trace-output <FILE>', `where the trace goes (default ${DEFAULT_TRACE})`, text)
    .option(
      '--icache <KIND>',
      'coherent, or explicit: old code stays executable until a serializing instruction, and its use is told (reference engine)',
      oneOf('coherent', 'explicit'),
    )
    .option(
      '--detect <WHAT>',
      'stale-tlb: tell of data accesses by translations that the page tables have no more; freed-table: of walks through tables that they do not lead to any more; late-store: of descriptors that LTR reads before they are written (repeatable)',
      repeated(oneOf(...DETECTORS)),
    )
    .option(
      '--speculate <PLAN>',
      'page walks that no instruction asks for: walk=ADDR (or LO-HI, pages drawn by the seed), every=N instructions or at=PLACE (for=N of them), cpu=N (repeatable)',
      repeated(text),
    );
}

/**
 * Makes a command that takes a program and its arguments. What follows a program's name is the program's own, but a bare
 * guest has no arguments: there options may stand behind its name too.
 * @param args the whole command line, to be read again when the guest is a bare one
 * @param define adds options; `act` runs the guest
 */
export function guestCommand<T extends { readonly bare?: boolean }>(
  args: readonly string[],
  define: () => Command,
  act: (path: string | undefined, guestArgs: readonly string[], options: T) => Promise<number>,
): Command {
  const run = async (path: string | undefined, rest: string[], options: T): Promise<void> => {
    process.exitCode = await act(path, rest, options);
  };
  const command = define();
  return command.passThroughOptions().action(async (path: string | undefined, rest: string[], options: T) => {
    if (!options.bare || rest.length === 0) return run(path, rest, options);
    const again = define().copyInheritedSettings(command);
    again.action((bare: string | undefined, more: string[], all: T) => {
      if (more.length > 0) again.error(`error: a bare guest takes no arguments, but there is '${more[0]}'`);
      return run(bare, more, all);
    });
    await again.parseAsync(args.slice(args.indexOf(command.name()) + 1), { from: 'user' });
  });
}

const level = oneOf('0', '3');

/** Where flat code goes unless `--base` says something else. */
export const DEFAULT_BASE = 0x10_0000n;
