import { Command } from 'commander';
import { CliError } from '../errors.ts';
import {
  type BareOptions,
  bareOptions,
  guestCommand,
  guestOptions,
  type SystemOptions,
  scheduleOptions,
  systemOptions,
  type UserOptions,
  userOptions,
} from '../options.ts';
import { DEFAULT_PROFILE_EVERY } from '../profile/every.ts';
import { STATUS_HELP } from '../status.ts';
import { count, oneOf, repeated } from '../values.ts';

export interface RunOptions extends UserOptions, BareOptions, SystemOptions {
  readonly bare?: boolean;
  readonly strace?: boolean;
  readonly stats?: boolean;
  readonly hashEvery?: number;
  readonly profile?: string;
  readonly profileEvery: number;
  readonly dumpIr?: readonly string[];
  readonly dumpWasm?: readonly string[];
  readonly dumpDir: string;
  readonly explain: 'text' | 'json' | 'oops' | 'none';
  readonly oopsInfo?: string;
  readonly dump?: readonly string[];
  readonly state?: 'text' | 'json' | 'none';
  readonly json?: boolean;
  readonly batch?: string;
}

const EXAMPLES = `
Examples:
  swapgs run guest/user/hello
  swapgs run --dir .=/work:ro --strace guest/user/files /work
  swapgs run --profile rounds.folded guest/user/rounds 1000000
  swapgs run --cpus 4 --seed 7 guest/user/threads
  swapgs run --dir /usr/bin=/usr/bin:ro /bin/busybox sh -c 'echo a | cat; (exit 3); echo $?'
  swapgs run --bare guest/bare/sum.bin --reg rdi=100 --state json
  swapgs run --bare guest/bare/begin_new_exec.bin --base 0xffffffffa42b66c8 --entry 0xffffffffa42b66f2 --explain oops
  swapgs run --bare --multiboot guest/kernel/smp.bin --cpus 4 --seed 7
  echo '{"code":"48 01 f8 f4","regs":{"rax":"2","rdi":"40"}}' | swapgs run --bare --batch -

A program finds HOME=/root LANG=C PATH=/usr/local/bin:/usr/bin:/bin TERM=dumb USER=root, the working directory /, and no
file of the host but those of --dir. A bare guest has its code rwx at 0x100000, 64 KiB of stack below RSP = 0x80000000, and
ends at HLT, at --until, at an exception, or at a limit.`;

export const runCommand = (args: readonly string[]): Command => guestCommand(args, define, run);

function define(): Command {
  const command = new Command('run')
    .description('run a Linux program, or flat code (--bare)')
    .usage('[options] PROGRAM [ARGS…]')
    .argument('[program]', 'an x86-64 program; with --bare flat code or an ELF')
    .argument('[args...]', 'its arguments');
  guestOptions(command)
    .option(
      '--stats',
      'end with «swapgs: N instructions, S s, M MIPS» on stderr, and lines about memory, exits, the engine',
    )
    .option(
      '--profile <FILE>',
      'write where the instructions go: «main;f;g COUNT» lines for flame graphs; - is stderr',
      String,
    )
    .option('--profile-every <N>', 'a sample every N instructions', count, DEFAULT_PROFILE_EVERY)
    .option(
      '--hash-every <N>',
      'a line «swapgs: hash COUNT HASH» of the whole state on stderr every N instructions',
      count,
    )
    .option(
      '--dump-ir <WHERE>',
      'show the IR of compiled code at an address or symbol on stderr (repeatable)',
      repeated(String),
    )
    .option(
      '--dump-wasm <WHERE>',
      'write the WebAssembly of compiled code at an address or symbol to a file (repeatable)',
      repeated(String),
    )
    .option('--dump-dir <DIR>', 'where --dump-wasm writes region-ADDRESS.wasm', String, '.')
    .option(
      '--explain <FORM>',
      'how a fatal fault is explained on stderr: text, json, oops (as Linux prints it; bare guests) or none',
      oneOf('text', 'json', 'oops', 'none'),
      'text',
    );
  userOptions(command).option('--strace', 'print every system call on stderr');
  scheduleOptions(command);
  bareOptions(command)
    .option('--dump <ADDR:SIZE>', 'show memory at the end (repeatable)', repeated(String))
    .option(
      '--state <FORM>',
      'how to show the state at the end: text, json or none (default: text)',
      oneOf('text', 'json', 'none'),
    )
    .option('--oops-info <FILE>', 'JSON for --explain oops: comm, pid, release, symbols, registers … (docs/oops.md)')
    .option('--json', 'the state at the end (as --state json) and --stats as JSON')
    .option('--batch <FILE>', 'many runs, one JSON object a line; - is standard input');
  return systemOptions(command).addHelpText('after', EXAMPLES + STATUS_HELP);
}

async function run(path: string | undefined, args: readonly string[], options: RunOptions): Promise<number> {
  if (options.batch !== undefined) {
    if (!options.bare) throw new CliError('--batch needs --bare', 'swapgs run', 'add --bare');
    return (await import('../bare/batch.ts')).runBatch(options.batch, options);
  }
  if (path === undefined) throw new CliError('no program given', 'swapgs run', 'see swapgs run --help');
  if (options.bare) {
    const { runSystem, wantsSystem } = await import('../bare/system.ts');
    if (wantsSystem(options)) return runSystem(path, options);
  }
  if (options.bare) return (await import('../bare/run.ts')).runBare(path, options);
  if (options.explain === 'oops') throw new CliError('only a kernel dies with an oops', '--explain oops', 'add --bare');
  if (options.preemptIn !== undefined)
    return (await import('../user/preempt-in.ts')).runPreemptions(path, args, options);
  return (await import('../user/run.ts')).runUser(path, args, options);
}
