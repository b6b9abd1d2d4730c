import { Command } from 'commander';
import { CliError } from '../errors.ts';
import {
  type BareOptions,
  bareOptions,
  guestCommand,
  guestOptions,
  type UserOptions,
  userOptions,
} from '../options.ts';
import { STATUS_HELP } from '../status.ts';
import { count } from '../values.ts';

export interface TraceOptions extends UserOptions, BareOptions {
  readonly bare?: boolean;
  readonly symbol?: readonly string[];
  readonly range?: string;
  readonly from?: number;
  readonly to?: number;
  readonly output?: string;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  swapgs trace --to 20 guest/user/hello
  swapgs trace --range 0x401000-0x402000 --json --output trace.jsonl guest/user/hello
  swapgs trace --bare guest/bare/sum.bin --reg rdi=3

A line holds the instruction's number, its address, symbol, bytes and text, and what it changed: registers, flags (+Z is
set, -C is cleared), memory ([address]size=value). SYSCALL shows what the kernel answered. Outside the filters the program
runs at full speed. The trace goes to standard output, and what the program writes there to standard error; with --output
the trace goes to the file and the program's streams stay as they are.`;

export const traceCommand = (args: readonly string[]): Command => guestCommand(args, define, trace);

function define(): Command {
  const command = new Command('trace')
    .description('print every instruction that a program executes, and what it changes')
    .usage('[options] PROGRAM [ARGS…]')
    .argument('[program]', 'as for run')
    .argument('[args...]', 'its arguments');
  guestOptions(command)
    .option('--symbol <NAMES>', 'only inside these functions, by comma', (text, before: string[] = []) => [
      ...before,
      ...text.split(','),
    ])
    .option('--range <LO-HI>', 'only these addresses, HI not included')
    .option('--from <N>', 'begin with instruction N; 1 is the first', count)
    .option('--to <N>', 'end with instruction N', count)
    .option('--output <FILE>', 'write the trace to a file')
    .option('--json', 'one JSON object a line');
  userOptions(command);
  return bareOptions(command).addHelpText('after', EXAMPLES + STATUS_HELP);
}

async function trace(path: string | undefined, args: readonly string[], options: TraceOptions): Promise<number> {
  if (path === undefined) throw new CliError('no program given', 'swapgs trace', 'see swapgs trace --help');
  if (options.bare) return (await import('../trace/bare.ts')).traceBare(path, options);
  return (await import('../trace/user.ts')).traceUser(path, args, options);
}
