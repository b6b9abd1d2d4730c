import { Command } from 'commander';
import { STEPS } from '../../codegen/lines.ts';
import { type DiffOptions, diffBuilds } from '../codegen/diff.ts';
import { STATUS_HELP } from '../status.ts';
import { address, count, oneOf, repeated, seed } from '../values.ts';

const DEFAULT_INPUTS = 100;

const EXAMPLES = `
Examples:
  swapgs diff old.o new.o
  swapgs diff vmlinux.old vmlinux.new --format html > report.html
  swapgs diff old.o new.o --fail-on 'gs-loads>0|size>1%'
  swapgs diff old.o new.o --expect counts.txt          # lines: exactly one load of pcpu_hot in syscall_exit_work
  swapgs diff thread.txt                               # a mail with two listings of one function
  swapgs diff new.o --baseline counts.json             # against numbers that --update-baseline has written

Statuses of functions: identical, relocation-only, encoding-only, register-renamed, reordered, changed, added, removed.
Exit status: 0 nothing differs (or no condition of --fail-on, --expect or --baseline is broken), 1 something does, 125 trouble.`;

export function diffCommand(): Command {
  return new Command('diff')
    .description('compare the machine code of two builds, function by function')
    .argument(
      '<old>',
      'object, archive, linked file, kernel with symbols, pasted listing, hexadecimal digits or flat code',
    )
    .argument('[new]', 'the other build')
    .option(
      '--format <NAME>',
      'text, json, md, html, bloat or github',
      oneOf('text', 'json', 'md', 'html', 'bloat', 'github'),
      'text',
    )
    .option('--json', 'the same as --format json')
    .option('--function <NAMES>', 'only these functions, by comma', repeated(String))
    .option('--all', 'text: every changed function side by side')
    .option('--width <N>', 'text: columns (default: of the terminal)', count)
    .option('--fail-on <CONDITIONS>', 'status 1 only for these: gs-loads>0|size>1%|changed', repeated(String))
    .option('--expect <FILE>', 'counted assertions about the new build, one a line')
    .option('--baseline <FILE>', 'numbers of functions that are expected: one build is enough then')
    .option('--update-baseline', 'write the numbers of the build to the baseline')
    .option('--keep <STEPS>', `compare without these steps: ${STEPS.join(',')}`, repeated(String))
    .option(
      '--assume <WHAT>',
      'percpu-private: no ordinary pointer leads into per-CPU data',
      repeated(oneOf('percpu-private')),
    )
    .option('--run', 'run both builds of each changed function on the same inputs')
    .option('--inputs <N>', '--run: inputs for each function', count, DEFAULT_INPUTS)
    .option('--seed <N>', '--run: decides the inputs', seed, 0)
    .option(
      '--stub <NAME=VALUE>',
      '--run: a function that returns a value instead of running (repeatable)',
      repeated(String),
    )
    .option('--bytes <ADDR>', 'the files are flat code at this address (repeatable: old, new)', repeated(address))
    .option('--sym <NAME=ADDR>', 'name an address (repeatable)', repeated(String))
    .addHelpText('after', EXAMPLES + STATUS_HELP)
    .action(async (old: string, fresh: string | undefined, options: DiffOptions) => {
      process.exitCode = await diffBuilds(old, fresh, options);
    });
}
