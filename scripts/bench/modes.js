import { join } from 'node:path';
import { fail, root, scratch } from './base.js';
import { measure } from './measure.js';
import { show } from './numbers.js';
import { table } from './table.js';
import { aboutTools, presentTools } from './tools.js';

const ROUNDS = join(root, 'guest/user/rounds');
const DEFAULT_ROUNDS = 20_000_000;
const PER_ROUND = 113;

/** A kernel whose CPUs each run so many instructions (`WORK`, `ROUNDS` and the loop of guest/kernel/smp.asm), and its last line. */
const KERNEL = join(root, 'guest/kernel/work.bin');
const KERNEL_WORK = 100 * 1_000_000 * 8;
const KERNEL_DONE = 'every CPU has answered';

/** The checksum that the program prints, and the same out of RAX where it ran bare. */
const printed = (stdout) => /^rounds ([0-9a-f]{8})$/m.exec(stdout)?.[1];
const inRax = (stdout) => BigInt(JSON.parse(stdout).regs.rax).toString(16).padStart(8, '0');

/** The same code in every way that swapgs runs it: a name, options, and how to read the result. */
function modes(rounds) {
  const work = { file: ROUNDS, instructions: rounds * PER_ROUND };
  const program = (...options) => ({ ...work, options, args: [String(rounds)], text: printed });
  const kernel = (cpus) => ({
    file: KERNEL,
    instructions: KERNEL_WORK * cpus,
    options: ['--bare', '--multiboot', '--cpus', String(cpus), '--seed', '1'],
    args: [],
    statuses: [1],
    group: 'kernel',
    base: 'kernel, 1 CPU',
    text: (stdout) => stdout.includes(KERNEL_DONE) || undefined,
  });
  const bare = (cpl) => ({
    ...work,
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
    'kernel, 1 CPU': kernel(1),
    'kernel, 4 CPUs': kernel(4),
  };
}

/** Measures one piece of code in every mode. Returns `{ text, json, failed }`. */
export async function run(opts) {
  const tools = presentTools(opts, ['swapgs']);
  if (tools.length === 0) fail('no tool to measure');
  const rounds = Math.round((DEFAULT_ROUNDS * opts.scale) / 100);
  const all = modes(rounds);
  const measured = [];
  for (const tool of tools) {
    const jobs = Object.entries(all).map(([name, { file, options, args, statuses, group, text }]) => ({
      name,
      group,
      text,
      statuses,
      command: tool.command(file, args, options),
    }));
    const cells = await measure(tool.name, jobs, opts);
    for (const cell of Object.values(cells)) delete cell.stderr;
    measured.push({ name: tool.name, cells });
  }
  const plain = Object.keys(all)[0];
  const mips = (mode, cells) => all[mode].instructions / cells[mode].median / 1e6;
  const rows = Object.keys(all).map((mode) => [
    mode,
    ...measured.flatMap(({ cells }) => [
      cells[mode].error ? 'failed' : show(cells[mode].median),
      show(mips(mode, cells), 0),
      show(mips(all[mode].base ?? plain, cells) / mips(mode, cells)),
    ]),
  ]);
  const head = [
    'mode',
    ...measured.flatMap(({ name }) => [
      `${name} s`,
      `${name} MIPS`,
      `${name}, time of an instruction / plain or 1 CPU`,
    ]),
  ];
  const about = `${rounds} rounds of guest/user/rounds, as a Linux program and without an operating system at CPL 3 and CPL 0; and a kernel of which each CPU runs ${KERNEL_WORK / 1e6} million instructions, under the seeded scheduler. Wall time of the whole process in seconds, medians of ${opts.runs} interleaved runs. ${aboutTools(tools)}.`;
  return {
    text: `${about}\n\n${table(head, rows)}`,
    json: { tools: tools.map(({ name, found }) => ({ name, found })), runs: opts.runs, rounds, measured },
    failed: measured.some(({ cells }) => Object.values(cells).some((cell) => cell.error)),
  };
}
