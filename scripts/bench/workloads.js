import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fail, root } from './base.js';
import { measure } from './measure.js';
import { geometricMean, rounded, show } from './numbers.js';
import { table } from './table.js';
import { aboutTools, presentTools } from './tools.js';

const folder = join(root, 'guest/bench');
/** What swapgs says first with --stats. */
const INSTRUCTIONS = /^swapgs: (\d+) instructions/m;

/** Recorded standard output of a workload at this scale, if there is one. */
function recorded(workload, scale) {
  const args = scale === 100 ? '' : String(scale);
  const runs = JSON.parse(readFileSync(join(root, 'tests/guests/expected.json'), 'utf8'));
  return runs.find((run) => run.guest === `bench/${workload}` && run.args.join(' ') === args)?.stdout;
}

/** The programs of guest/bench: those named, or all. */
function workloads(only) {
  const known = readdirSync(folder).filter((name) => existsSync(join(folder, `${name}.c`)));
  for (const name of only ?? []) if (!known.includes(name)) fail(`no workload ${name}; there are ${known.join(', ')}`);
  return only ?? known;
}

/** Tools that do less of the work get a native column that does as much of it. */
const scaleOf = (tool, opts) => Math.max(1, Math.round(((tool.scale ?? 100) * opts.scale) / 100));
const nativeName = (scale, opts) => (scale === opts.scale ? 'native' : `native ${scale} %`);

async function measureRow(workload, tools, opts) {
  const job = (tool, name, scale) => ({
    name,
    group: scale,
    command: tool.command(
      join(folder, workload),
      scale === 100 ? [] : [String(scale)],
      tool.kind === 'swapgs' ? ['--stats'] : [],
    ),
  });
  const native = tools.find((tool) => tool.kind === 'native');
  const scales = [...new Set(tools.map((tool) => scaleOf(tool, opts)))];
  const jobs = [
    ...(native ? scales.map((scale) => job(native, nativeName(scale, opts), scale)) : []),
    ...tools.filter((tool) => tool !== native).map((tool) => job(tool, tool.name, scaleOf(tool, opts))),
  ];
  const expected = Object.fromEntries(scales.map((scale) => [scale, recorded(workload, scale)]));
  const cells = await measure(workload, jobs, opts, expected);
  for (const cell of Object.values(cells)) {
    const instructions = Number(INSTRUCTIONS.exec(cell.stderr ?? '')?.[1]);
    if (instructions > 0 && cell.median) Object.assign(cell, { instructions, mips: instructions / cell.median / 1e6 });
    delete cell.stderr;
  }
  // The same work natively is what every tool is compared with first; two tools are compared by that.
  const slowdown = Object.fromEntries(
    tools
      .filter((tool) => tool !== native)
      .map((tool) => [tool.name, cells[tool.name].median / cells[nativeName(scaleOf(tool, opts), opts)]?.median]),
  );
  return { workload, cells, slowdown };
}

/** One tool against another: directly where both do the same work, else by way of native. */
function ratio(row, name, base, opts, tools) {
  const scale = (of) => scaleOf(tools.find((tool) => tool.name === of) ?? {}, opts);
  if (base === 'native') return row.slowdown[name];
  if (scale(name) === scale(base)) return row.cells[name].median / row.cells[base].median;
  return row.slowdown[name] / row.slowdown[base];
}

/** Every tool against native, and swapgs against the others. */
function comparisons(tools) {
  const rest = tools.filter((tool) => tool.kind !== 'native');
  const others = rest.filter((tool) => tool.kind !== 'swapgs');
  const own = rest.filter((tool) => tool.kind === 'swapgs');
  return [
    ...(rest.length < tools.length ? rest.map((tool) => [tool.name, 'native']) : []),
    ...own.flatMap((tool) => others.map((other) => [tool.name, other.name])),
  ];
}

/** Measures the programs of guest/bench. Returns `{ text, json, failed }`. */
export async function run(opts) {
  const names = workloads(opts.only);
  const tools = presentTools(opts);
  if (tools.length === 0) fail('no tool to measure');
  const rows = [];
  for (const name of names) rows.push(await measureRow(name, tools, opts));

  const columns = Object.keys(rows[0].cells);
  const pairs = comparisons(tools);
  const title = (name) => {
    const tool = tools.find((t) => t.name === name);
    return tool && scaleOf(tool, opts) !== opts.scale ? `${name} s (${scaleOf(tool, opts)} %)` : `${name} s`;
  };
  const withMips = columns.filter((name) => rows.some((row) => row.cells[name].mips));
  const head = [
    'workload',
    ...columns.map(title),
    ...pairs.map(([name, base]) => `${name} / ${base}`),
    ...withMips.map((name) => `${name} MIPS`),
  ];
  const means = pairs.map(([name, base]) => geometricMean(rows.map((row) => ratio(row, name, base, opts, tools))));
  const body = rows.map((row) => [
    row.workload,
    ...columns.map((name) => (row.cells[name].error ? 'failed' : show(row.cells[name].median))),
    ...pairs.map(([name, base]) => show(ratio(row, name, base, opts, tools))),
    ...withMips.map((name) => show(row.cells[name].mips, 0)),
  ]);
  body.push([
    'geometric mean',
    ...columns.map(() => ''),
    ...means.map((mean) => show(mean)),
    ...withMips.map(() => ''),
  ]);
  const less = tools.filter((tool) => scaleOf(tool, opts) !== opts.scale);
  const about = [
    `Wall time of the whole process in seconds, medians of ${opts.runs} interleaved runs`,
    opts.scale === 100 ? '.' : `, ${opts.scale} % of the default work.`,
    ...less.map(
      (tool) =>
        ` ${tool.name} does ${scaleOf(tool, opts)} % of the work and is compared with native at ${scaleOf(tool, opts)} %; another tool against ${tool.name} is the quotient of both ratios to native.`,
    ),
    ` ${aboutTools(tools)}.`,
  ].join('');
  return {
    text: `${about}\n\n${table(head, body)}`,
    json: {
      tools: tools.map(({ name, found, scale }) => ({ name, found, scale })),
      runs: opts.runs,
      scale: opts.scale,
      rows: rows.map(({ workload, cells }, i) => ({
        workload,
        cells,
        ratios: Object.fromEntries(
          pairs.map(([name, base]) => [`${name} / ${base}`, rounded(ratio(rows[i], name, base, opts, tools))]),
        ),
      })),
      geometricMeans: Object.fromEntries(pairs.map(([name, base], i) => [`${name} / ${base}`, rounded(means[i])])),
    },
    failed: rows.some((row) => Object.values(row.cells).some((cell) => cell.error)),
  };
}
