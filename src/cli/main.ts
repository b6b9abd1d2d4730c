import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { CliError, errorLine } from './errors.ts';
import { complain, Output } from './output.ts';
import { STATUS, STATUS_HELP } from './status.ts';

/** Every command, loaded when it is named: a run must not wait for what it does not need. */
const COMMANDS: Readonly<Record<string, (folder: URL, args: readonly string[]) => Promise<Command>>> = {
  run: async (_, args) => (await import('./commands/run.ts')).runCommand(args),
  trace: async (_, args) => (await import('./commands/trace.ts')).traceCommand(args),
  disasm: async () => (await import('./commands/disasm.ts')).disasmCommand(),
  decodecode: async () => (await import('./commands/decodecode.ts')).decodecodeCommand(),
  record: async () => (await import('./commands/record.ts')).recordCommand(),
  report: async () => (await import('./commands/report.ts')).reportCommand(),
  diff: async () => (await import('./commands/diff.ts')).diffCommand(),
  count: async () => (await import('./commands/count.ts')).countCommand(),
  call: async () => (await import('./commands/call.ts')).callCommand(),
  check: async () => (await import('./commands/check.ts')).checkCommand(),
  fuzz: async (folder) => (await import('./commands/fuzz.ts')).fuzzCommand(folder),
  demo: async (folder) => (await import('./commands/demo.ts')).demoCommand(folder),
};

const EXAMPLES = `
Examples:
  swapgs demo
  swapgs run guest/user/hello
  swapgs run --bare guest/bare/sum.bin --reg rdi=100
  swapgs trace --to 20 guest/user/hello
  swapgs disasm guest/bare/percpu.bin --base 0x100000
  swapgs diff guest/codegen/before.txt guest/codegen/after.txt
  swapgs fuzz --runs 20000
`;

/** Errors and help leave through us: one line, and a status of our own. */
function quiet(command: Command): Command {
  const out = new Output(1);
  for (const part of command.commands) quiet(part as Command);
  return command
    .exitOverride()
    .configureOutput({
      writeOut: (text) => {
        out.write(text);
        out.flush();
      },
      writeErr: () => {},
      outputError: () => {},
    })
    .showHelpAfterError(false);
}

async function program(wanted: string | undefined, folder: URL, args: readonly string[]): Promise<Command> {
  const root = quiet(new Command('swapgs'))
    .description('Runs real x86-64 machine code, exactly and deterministically.')
    .enablePositionalOptions()
    .option('--version', 'print the version')
    .on('option:version', () => {
      const out = new Output(1);
      out.line(JSON.parse(readFileSync(new URL('package.json', folder), 'utf8')).version);
      out.flush();
      process.exit(STATUS.ok);
    })
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', EXAMPLES + STATUS_HELP);
  const known = wanted !== undefined && Object.hasOwn(COMMANDS, wanted);
  for (const [name, load] of Object.entries(COMMANDS)) {
    if (known && name !== wanted) continue;
    root.addCommand(quiet(await load(folder, args)));
  }
  return root;
}

/** Flags of libFuzzer that are called otherwise here. */
const LIBFUZZER: Readonly<Record<string, string>> = { 'max-total-time': 'max-time', 'artifact-prefix': 'findings' };

/** `-runs=1000` and `-max_total_time=60`, as libFuzzer has them, are --runs=1000 and --max-time=60. */
function libFuzzerFlags(args: readonly string[]): string[] {
  return args.map((arg) => {
    const [, flag, value] = /^-([a-z][a-z_-]+)=(.*)$/s.exec(arg) ?? [];
    if (flag === undefined) return arg;
    const name = flag.replaceAll('_', '-');
    return `--${LIBFUZZER[name] ?? name}=${value}`;
  });
}

/** What commander says as one line of ours; null for help and version, which are no errors. */
function usageError(error: CommanderError, command: string): CliError | null {
  if (error.exitCode === 0) return null;
  const text = error.message.replace(/^error: /, '');
  const invalid = /^(.*) is invalid\. (.*)$/s.exec(text);
  if (invalid !== null) return new CliError(`${invalid[1]} is invalid`, command, invalid[2]!.replace(/\.$/, ''));
  return new CliError(text, command, `see ${command} --help`);
}

/**
 * Runs the command line and ends the process with its status.
 * @param folder where the package is: its package.json and its guests
 */
export async function main(args: readonly string[], folder: URL): Promise<void> {
  const first = args.find((arg) => !arg.startsWith('-'));
  const command = first !== undefined && Object.hasOwn(COMMANDS, first) ? `swapgs ${first}` : 'swapgs';
  try {
    const root = await program(first, folder, args);
    if (args.length === 0) throw new CliError('no command', 'swapgs', 'try swapgs demo, or swapgs --help');
    if (first !== undefined && command === 'swapgs') {
      throw new CliError(`no command ${first}`, 'swapgs', `there are ${Object.keys(COMMANDS).join(', ')}`);
    }
    await root.parseAsync(first === 'fuzz' ? libFuzzerFlags(args) : args, { from: 'user' });
    process.exit(process.exitCode ?? STATUS.ok);
  } catch (error) {
    const shown = error instanceof CommanderError ? usageError(error, command) : error;
    if (shown === null) process.exit(STATUS.ok);
    complain(errorLine(shown));
    if (process.env['SWAPGS_DEBUG'] && shown instanceof Error) complain(shown.stack ?? '');
    process.exit(STATUS.error);
  }
}
