import { Command, InvalidArgumentError } from 'commander';
import { MOST_STEPS } from '../../fuzz/limits.ts';
import { ORACLE_NAMES, type OracleName } from '../../fuzz/oracle-names.ts';
import { CliError } from '../errors.ts';
import type { FuzzOptions, ReplayOptions } from '../fuzz/options.ts';
import { count, oneOf, repeated, seconds, seed } from '../values.ts';

const EXAMPLES = `
Examples:
  swapgs fuzz --runs 100000
  swapgs fuzz --seed 7 --max-time 60 --corpus corpus --jobs 2
  swapgs fuzz --oracles reference,jit --include add,adc,sbb
  swapgs fuzz --features SSE,SSE2 --weight cmpxchg=5
  swapgs fuzz --cpl 0 --oracles reference,interpreter,jit
  swapgs fuzz --corpus corpus --merge other
  swapgs fuzz --corpus corpus --minimise
  swapgs fuzz replay findings/Adc_rm32_r32-rflags-af.json
`;

const STATUS = `
Exit status:
  0      everything that ran agrees
  77     at least one finding (fuzz), the finding is still there (replay)
  125    swapgs could not start or go on: usage, unreadable or bad files, no host CPU
  130    Ctrl-C ended it before there was a finding (143: SIGTERM); what it has found until then is kept
docs/fuzzing.md tells more.`;

const names = (text: string): string[] =>
  text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');

function oracles(text: string): OracleName[] {
  const one = oneOf(...ORACLE_NAMES);
  const list = names(text).map(one);
  if (list.length === 0 || list.every((name) => name === 'host'))
    throw new InvalidArgumentError('it wants at least one engine: reference, interpreter, jit, jit-slices, jit-plain.');
  // In their own order: the first judges, whoever was named first.
  return ORACLE_NAMES.filter((name) => list.includes(name));
}

function weight(text: string): readonly [string, number] {
  const match = /^([^=]+)=(\d{1,9}(?:\.\d{1,9})?)$/.exec(text);
  if (match === null) throw new InvalidArgumentError('it wants NAME=NUMBER, as cmpxchg=5, below 10^9.');
  return [match[1]!.trim(), Number(match[2])];
}

function between(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = count(text);
    if (value < least || value > most) throw new InvalidArgumentError(`it is a number from ${least} to ${most}.`);
    return value;
  };
}

const MOST_JOBS = 256;

function withOracles(command: Command): Command {
  return command
    .option(
      '--oracles <LIST>',
      `who runs them; the first of these that is there judges: ${ORACLE_NAMES.join(', ')}`,
      oracles,
    )
    .option('--json', 'one JSON object a line');
}

/** @param folder where the package is */
export function fuzzCommand(folder: URL): Command {
  const replay = withOracles(new Command('replay'))
    .argument('[file]', 'a finding, or an input of a corpus')
    .description('run a finding again and say whether it is still there')
    .addHelpText('after', STATUS)
    .action(async (file: string | undefined, _: unknown, command: Command) => {
      if (file === undefined) throw new CliError('no file given', 'swapgs fuzz replay', 'give a finding');
      const options = command.optsWithGlobals<ReplayOptions>();
      process.exitCode = await (await import('../fuzz/replay.ts')).replay(folder, file, options);
    });
  const fuzz = new Command('fuzz')
    .description('run random instruction sequences on several oracles and report where they differ')
    .option('--seed <N>', 'decides everything', seed, 0)
    .option('--runs <N>', 'so many sequences (default 100000, or no end with --max-time)', count)
    .option('--max-time <SECONDS>', 'stop after so much time', seconds)
    .option('--jobs <N>', 'threads; the findings do not depend on it', between(1, MOST_JOBS), 1)
    .option('--length <N>', 'at most so many instructions a sequence', between(1, MOST_STEPS), MOST_STEPS);
  return withOracles(fuzz)
    .option('--features <LIST>', 'only instructions of these: SSE2,AVX, …', names)
    .option('--include <LIST>', 'only these mnemonics', names)
    .option('--exclude <LIST>', 'not these mnemonics', names)
    .option('--weight <NAME=N>', 'draw a mnemonic or feature N times as often (repeatable)', repeated(weight))
    .option('--cpl <N>', '3, or 0: system instructions too, engines only', oneOf('0', '3'), '3')
    .option('--findings <DIR>', 'where findings are written', 'findings')
    .option('--corpus <DIR>', 'begin with the inputs there and add those that show something new')
    .option('--merge <DIR>', 'add what inputs of DIR show to --corpus, and stop (repeatable)', repeated(String))
    .option('--minimise', 'drop inputs of --corpus that show nothing of their own, and stop')
    .addCommand(replay)
    .addHelpText('after', EXAMPLES + STATUS)
    .action(async (options: FuzzOptions) => {
      process.exitCode = await (await import('../fuzz/fuzz.ts')).fuzz(folder, options);
    });
}
