import { join } from 'node:path';
import { root, say, scratch } from './base.js';
import { checksum, writeProgram } from './code.js';
import { measure } from './measure.js';
import { show } from './numbers.js';
import { table } from './table.js';
import { aboutTools, presentTools } from './tools.js';

const ROUNDS = join(root, 'guest/user/rounds');
const PER_ROUND = 113;
const WORK = [1e7, 1e8, 1e9, 1e10];
const CODE_BYTES = 100e6;
const PASSES = [1, 2];
/** Work of so many instructions is measured once only where the time is long enough not to depend on chance. */
const LONG = 1e10;

function jobsOf(tools, file, args) {
  return tools.map((tool) => {
    const own = tool.kind === 'swapgs';
    return { name: tool.name, command: tool.command(file, args, own ? ['--stats', '--json'] : []), peak: !own };
  });
}

/** Takes what swapgs says of itself: instructions, the time without start-up, its peak of memory. */
function withStats(cells, tools) {
  for (const tool of tools) {
    const cell = cells[tool.name];
    if (tool.kind === 'swapgs' && cell.median) {
      const { instructions, ms, host } = JSON.parse(cell.stderr);
      Object.assign(cell, { instructions, run: ms / 1000, peak: host['MiB at most'] });
    }
    delete cell.stderr;
  }
  const instructions = Object.values(cells).find((cell) => cell.instructions)?.instructions;
  return { instructions, cells };
}

/** Measures how time and memory grow with work, and with code. Returns `{ text, json, failed }`. */
export async function run(opts) {
  const tools = presentTools(opts, ['native', 'qemu', 'swapgs']);
  const work = [];
  for (const instructions of WORK) {
    const jobs = jobsOf(tools, ROUNDS, [String(Math.round(instructions / PER_ROUND))]);
    const runs = instructions >= LONG ? 1 : opts.runs;
    const cells = await measure(`${instructions.toExponential()} instructions`, jobs, { ...opts, runs });
    work.push({ aim: instructions, runs, ...withStats(cells, tools) });
  }

  const file = join(scratch(), 'code');
  const { functions, bytes } = writeProgram(file, CODE_BYTES);
  say(`a program with ${functions} functions, ${(bytes / 1e6).toFixed(1)} MB of code`);
  const code = [];
  for (const passes of PASSES) {
    const expected = { all: checksum(functions, passes) };
    const once = { ...opts, runs: 1 };
    const cells = await measure(`${passes} passes`, jobsOf(tools, file, [String(passes)]), once, expected);
    code.push({ passes, ...withStats(cells, tools) });
  }

  const names = tools.map((tool) => tool.name);
  const own = tools.filter((tool) => tool.kind === 'swapgs').map((tool) => tool.name);
  const nanoseconds = (row, seconds) => show((seconds / row.instructions) * 1e9, 3);
  const columns = (row) => [
    row.instructions?.toExponential(3) ?? '–',
    ...names.map((name) => (row.cells[name].error ? 'failed' : show(row.cells[name].median))),
    ...names.map((name) => nanoseconds(row, row.cells[name].median)),
    ...own.map((name) => nanoseconds(row, row.cells[name].run)),
    ...names.map((name) => show(row.cells[name].peak, 0)),
  ];
  const head = [
    'instructions',
    ...names.map((name) => `${name} s`),
    ...names.map((name) => `${name} ns each`),
    ...own.map((name) => `${name} ns each, without start-up`),
    ...names.map((name) => `${name} MiB`),
  ];
  const about = `guest/user/rounds with more and more rounds. Wall time of the whole process, medians of ${opts.runs} interleaved runs (one at 10^10); nanoseconds an instruction, of the whole process and of the run alone; peak of resident memory. ${aboutTools(tools)}.`;
  const aboutCode = `A generated program of ${(bytes / 1e6).toFixed(0)} MB of code, ${functions} functions that all differ, called once a pass in a shuffled order; its checksum is compared with what its generator computes. One run each.`;
  return {
    text: [
      about,
      table(head, work.map(columns)),
      aboutCode,
      table(
        ['passes', ...head],
        code.map((row) => [row.passes, ...columns(row)]),
      ),
    ].join('\n\n'),
    json: {
      tools: tools.map(({ name, found }) => ({ name, found })),
      runs: opts.runs,
      work,
      code: { functions, bytes, rows: code },
    },
    failed: [...work, ...code].some((row) => Object.values(row.cells).some((cell) => cell.error)),
  };
}
