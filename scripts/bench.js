#!/usr/bin/env node
// Whole-process wall time of each program in guest/bench under every tool that is here, as medians of interleaved runs.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const USAGE = `node scripts/bench.js [options]
  --runs N         runs of each cell, of which the median counts (default 3)
  --only NAMES     these workloads, by comma
  --scale PERCENT  of each program's default work (default 100)
  --engine NAMES   swapgs once for each of these engines, by comma (default: swapgs's own choice)
  --tools NAMES    only these of native, qemu, swapgs, by comma
  --timeout S      seconds until a run is given up (default 900)
  --json           print JSON instead of the table
  --write          replace the table in docs/benchmarks.md`;

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, 'guest/bench');
const swapgs = join(root, 'bin/swapgs.js');
const page = join(root, 'docs/benchmarks.md');
const BEGIN = '<!-- bench:begin -->';
const END = '<!-- bench:end -->';
/** What swapgs prints on stderr with --stats. */
const INSTRUCTIONS = /^swapgs: ([\d,_]+) instructions/m;

const say = (line) => process.stderr.write(`bench: ${line}\n`);
const list = (text) => text.split(',').filter(Boolean);

function fail(line) {
  say(line);
  process.exit(2);
}

function options() {
  try {
    const { values } = parseArgs({
      options: {
        runs: { type: 'string', default: '3' },
        only: { type: 'string' },
        scale: { type: 'string', default: '100' },
        engine: { type: 'string' },
        tools: { type: 'string' },
        timeout: { type: 'string', default: '900' },
        json: { type: 'boolean', default: false },
        write: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    for (const name of ['runs', 'scale', 'timeout']) {
      const value = Number(values[name]);
      if (!Number.isInteger(value) || value < 1)
        fail(`--${name} wants a whole number of at least 1, not ${values[name]}`);
      values[name] = value;
    }
    return values;
  } catch (error) {
    return fail(`${error.message}; --help lists the options`);
  }
}

/** `version` also finds out whether the tool is here; `missing` is said when it is not. */
function columns(engines) {
  const onLinux = process.platform === 'linux' && process.arch === 'x64';
  const firstLine = (command, ...args) => spawnSync(command, args, { encoding: 'utf8' }).stdout?.split('\n')[0];
  const all = [
    {
      name: 'native',
      version: () => onLinux && (cpus()[0]?.model ?? 'unknown CPU'),
      missing: 'needs x86-64 Linux',
      command: (file, args) => [file, ...args],
    },
    {
      name: 'qemu',
      version: () => firstLine('qemu-x86_64', '--version'),
      missing: 'no qemu-x86_64 in the PATH; on Debian: apt-get install qemu-user',
      command: (file, args) => ['qemu-x86_64', file, ...args],
    },
  ];
  for (const engine of engines.length > 0 ? engines : [undefined]) {
    const choice = engine ? ['--engine', engine] : [];
    all.push({
      name: engine ? `swapgs ${engine}` : 'swapgs',
      version: () => existsSync(swapgs) && `Node ${process.version}`,
      missing: 'no bin/swapgs.js',
      command: (file, args) => [process.execPath, swapgs, 'run', '--stats', ...choice, file, ...args],
    });
  }
  return all;
}

function present(all, wanted) {
  return all.filter((column) => {
    if (wanted && !wanted.includes(column.name.split(' ')[0])) return false;
    column.found = column.version();
    if (!column.found) say(`skipping ${column.name}: ${column.missing}`);
    return column.found;
  });
}

/** Recorded standard output of a workload at this scale, if there is one. */
function recorded(workload, scale) {
  const file = join(root, 'tests/guests/expected.json');
  if (!existsSync(file)) return undefined;
  const args = scale === 100 ? '' : String(scale);
  return JSON.parse(readFileSync(file, 'utf8')).find(
    (r) => r.guest === `bench/${workload}` && r.args.join(' ') === args,
  )?.stdout;
}

function runOnce(column, workload, opts) {
  const args = opts.scale === 100 ? [] : [String(opts.scale)];
  const [command, ...rest] = column.command(join(folder, workload), args);
  const start = process.hrtime.bigint();
  const done = spawnSync(command, rest, { encoding: 'utf8', timeout: opts.timeout * 1000, killSignal: 'SIGKILL' });
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  if (done.error?.code === 'ETIMEDOUT') return { error: `more than ${opts.timeout} s` };
  if (done.error) return { error: done.error.message };
  if (done.status !== 0) {
    return { error: `ended with ${done.signal ?? done.status}: ${done.stderr.trim().split('\n')[0]}` };
  }
  const count = INSTRUCTIONS.exec(done.stderr)?.[1];
  return { seconds, stdout: done.stdout, instructions: count && Number(count.replace(/[,_]/g, '')) };
}

const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

/** One row: for each column its times and their median, or the error that ended it. */
function measure(workload, tools, opts) {
  const cells = Object.fromEntries(tools.map((t) => [t.name, { times: [] }]));
  let expected = recorded(workload, opts.scale);
  for (let run = 1; run <= opts.runs; run++) {
    for (const tool of tools) {
      const cell = cells[tool.name];
      if (cell.error) continue;
      const { error, seconds, stdout, instructions } = runOnce(tool, workload, opts);
      expected ??= tool.name === 'native' ? stdout : undefined;
      if (error) cell.error = error;
      else if (expected !== undefined && stdout !== expected) cell.error = `wrong output: ${stdout.trim()}`;
      else cell.times.push(seconds);
      if (instructions) cell.instructions = instructions;
      say(`${workload} ${run}/${opts.runs} ${tool.name}: ${cell.error ?? `${seconds.toFixed(3)} s`}`);
    }
  }
  for (const cell of Object.values(cells)) {
    if (cell.error) continue;
    cell.median = median(cell.times);
    if (cell.instructions) cell.mips = cell.instructions / cell.median / 1e6;
  }
  return { workload, cells };
}

const ratio = (row, name, base) => row.cells[name]?.median / row.cells[base]?.median;

/** Over the rows that have both; NaN when none has. */
function geometricMean(rows, name, base) {
  const ratios = rows.map((row) => ratio(row, name, base)).filter((r) => r > 0);
  return Math.exp(ratios.reduce((sum, r) => sum + Math.log(r), 0) / ratios.length);
}

const show = (value, digits) => (value > 0 ? value.toFixed(digits) : '–');

/** Each tool against native and qemu, where those stand before it. */
function comparisons(tools) {
  const names = tools.map((t) => t.name);
  return names.flatMap((name, i) =>
    names
      .slice(0, i)
      .filter((base) => base === 'native' || base === 'qemu')
      .map((base) => [name, base]),
  );
}

function table(rows, tools) {
  const names = tools.map((t) => t.name);
  const ratios = comparisons(tools);
  const withMips = names.filter((name) => rows.some((row) => row.cells[name].mips));
  const head = [
    'workload',
    ...names.map((n) => `${n} s`),
    ...ratios.map(([n, base]) => `${n} / ${base}`),
    ...withMips.map((n) => `${n} MIPS`),
  ];
  const body = rows.map((row) => [
    row.workload,
    ...names.map((n) => (row.cells[n].error ? 'failed' : show(row.cells[n].median, 2))),
    ...ratios.map(([n, base]) => show(ratio(row, n, base), 2)),
    ...withMips.map((n) => show(row.cells[n].mips, 0)),
  ]);
  body.push([
    'geometric mean',
    ...names.map(() => ''),
    ...ratios.map(([n, base]) => show(geometricMean(rows, n, base), 2)),
    ...withMips.map(() => ''),
  ]);
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '---:'))), ...body.map(line)].join('\n');
}

function about(tools, opts) {
  const found = tools.map((t) => `${t.name}: ${t.found}`).join('; ');
  const scale = opts.scale === 100 ? '' : `, ${opts.scale} % of the default work`;
  return `Wall time of the whole process in seconds, median of ${opts.runs} interleaved runs${scale}. ${found}.`;
}

function writePage(section) {
  const fresh = `# Benchmarks\n\n\`node scripts/bench.js --write\` measures and writes this table.\n\n${BEGIN}\n${END}\n`;
  const text = existsSync(page) ? readFileSync(page, 'utf8') : fresh;
  const from = text.indexOf(BEGIN);
  const to = text.indexOf(END);
  if (from < 0 || to < from) fail(`docs/benchmarks.md has no ${BEGIN} … ${END}`);
  mkdirSync(dirname(page), { recursive: true });
  writeFileSync(page, `${text.slice(0, from + BEGIN.length)}\n${section}\n${text.slice(to)}`);
  say('wrote docs/benchmarks.md');
}

const opts = options();
if (opts.help) {
  console.log(USAGE);
  process.exit(0);
}
const known = readdirSync(folder).filter((name) => existsSync(join(folder, `${name}.c`)));
const workloads = opts.only ? list(opts.only) : known;
for (const name of workloads) {
  if (!known.includes(name)) fail(`no workload ${name}; there are ${known.join(', ')}`);
}
const tools = present(columns(list(opts.engine ?? '')), opts.tools && list(opts.tools));
if (tools.length === 0) fail('no tool to measure');

const rows = workloads.map((workload) => measure(workload, tools, opts));
if (opts.json) {
  const geometricMeans = Object.fromEntries(
    comparisons(tools).map(([name, base]) => [`${name} / ${base}`, geometricMean(rows, name, base)]),
  );
  const found = tools.map((t) => ({ name: t.name, found: t.found }));
  console.log(JSON.stringify({ tools: found, runs: opts.runs, scale: opts.scale, rows, geometricMeans }, null, 1));
} else {
  console.log(`${about(tools, opts)}\n\n${table(rows, tools)}`);
}
if (opts.write) writePage(`${about(tools, opts)}\n\n${table(rows, tools)}`);
process.exitCode = rows.some((row) => Object.values(row.cells).some((cell) => cell.error)) ? 1 : 0;
