import { join } from 'node:path';
import { fail, root, scratch } from './base.js';
import { measure } from './measure.js';
import { show } from './numbers.js';
import { table } from './table.js';
import { aboutTools, presentTools } from './tools.js';

const ROUNDS = join(root, 'guest/user/rounds');
const DEFAULT_ROUNDS = 20_000_000;
const PER_ROUND = 113;

/** The checksum that the program prints, and the same out of RAX where it ran bare. */
const printed = (stdout) => /^rounds ([0-9a-f]{8})$/m.exec(stdout)?.[1];
const inRax = (stdout) => BigInt(JSON.parse(stdout).regs.rax).toString(16).padStart(8, '0');

/** The same code in every way that swapgs runs it: a name, options, and how to read the result. */
function modes(rounds) {
  const program = (...options) => ({ options, args: [String(rounds)], text: printed });
  const bare = (cpl) => ({
    options: ['--bare', '--entry', 'bare', '--reg', `rdi=${rounds}`, '--cpl', cpl, '--json'],
    args: [],
    text: inRax,
  });
  return {
    'program, plain': program(),
    'program, --strace': program('--strace'),
    'program, --stats': program('--stats'),
    'program, --profile': program('--profile', join(scratch(), 'folded')),
    'bare, CPL 3': bare('3'),
    'bare, CPL 0': bare('0'),
  };
}

/** Measures one piece of code in every mode. Returns `{ text, json, failed }`. */
export function run(opts) {
  const tools = presentTools(opts, ['swapgs']);
  if (tools.length === 0) fail('no tool to measure');
  const rounds = Math.round((DEFAULT_ROUNDS * opts.scale) / 100);
  const all = modes(rounds);
  const measured = tools.map((tool) => {
    const jobs = Object.entries(all).map(([name, { options, args, text }]) => ({
      name,
      text,
      command: tool.command(ROUNDS, args, options),
    }));
    const cells = measure(tool.name, jobs, opts);
    for (const cell of Object.values(cells)) delete cell.stderr;
    return { name: tool.name, cells };
  });
  const plain = Object.keys(all)[0];
  const rows = Object.keys(all).map((mode) => [
    mode,
    ...measured.flatMap(({ cells }) => [
      cells[mode].error ? 'failed' : show(cells[mode].median),
      show((rounds * PER_ROUND) / cells[mode].median / 1e6, 0),
      show(cells[mode].median / cells[plain].median),
    ]),
  ]);
  const head = ['mode', ...measured.flatMap(({ name }) => [`${name} s`, `${name} MIPS`, `${name} / plain`])];
  const about = `${rounds} rounds of guest/user/rounds, the same machine code in every row: as a Linux program, and without an operating system at CPL 3 and CPL 0. Wall time of the whole process in seconds, medians of ${opts.runs} interleaved runs. ${aboutTools(tools)}.`;
  return {
    text: `${about}\n\n${table(head, rows)}`,
    json: { tools: tools.map(({ name, found }) => ({ name, found })), runs: opts.runs, rounds, measured },
    failed: measured.some(({ cells }) => Object.values(cells).some((cell) => cell.error)),
  };
}
