import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fail, root, say } from './base.js';
import { recordFile, textFile } from './inputs.js';
import { measure } from './measure.js';
import { geometricMean, rounded, show } from './numbers.js';
import { table } from './table.js';
import { aboutTools, presentTools } from './tools.js';

const BUSYBOX = '/bin/busybox';
const TEXT_BYTES = 8 << 20;
const RECORDS = 100_000;

/** Splits fields and lists, adds up by key, counts matches, finds the longest. */
const AWK = `
BEGIN { FS = ";" }
{
  n = split($3, amount, ",")
  for (i = 1; i <= n; i++) { sum[$2] += amount[i]; total += amount[i] }
  records[$2]++
  if ($1 % 7 == 0) seventh += n
  if ($4 ~ /^[a-m]+ .*[xyz]$/) matches++
  if (length($4) > length(longest)) longest = $4
}
END {
  m = split("north south east west harbour", place, " ")
  for (i = 1; i <= m; i++) printf "%s %d %.2f\\n", place[i], records[place[i]], sum[place[i]]
  printf "%.2f %d %d %s\\n", total, seventh, matches, longest
}`;

/** An ELF file without an interpreter: qemu and swapgs run it without the libraries of the host. */
function isStatic(path) {
  if (!existsSync(path)) return false;
  const bytes = readFileSync(path);
  const entries = bytes.readUInt16LE(56);
  const size = bytes.readUInt16LE(54);
  const offset = Number(bytes.readBigUInt64LE(32));
  const INTERPRETER = 3;
  for (let i = 0; i < entries; i++) if (bytes.readUInt32LE(offset + i * size) === INTERPRETER) return false;
  return true;
}

/** Rows: a program with arguments and what it reads on standard input; `node` where Node itself is the measure. */
function programs() {
  const hello = { name: 'hello', file: join(root, 'guest/user/hello'), args: [], node: true };
  if (!isStatic(BUSYBOX)) {
    say(`skipping busybox: there is no static ${BUSYBOX}; on Debian: apt-get install busybox-static`);
    return [hello];
  }
  const text = () => textFile(TEXT_BYTES);
  return [
    hello,
    { name: 'busybox sha256sum', file: BUSYBOX, args: ['sha256sum'], input: text },
    { name: 'busybox gzip -c', file: BUSYBOX, args: ['gzip', '-c'], input: text },
    { name: 'busybox awk', file: BUSYBOX, args: ['awk', AWK], input: () => recordFile(RECORDS) },
  ];
}

async function measureRow(program, tools, opts) {
  const stdin = program.input?.();
  const jobs = tools.map((tool) => ({ name: tool.name, command: tool.command(program.file, program.args), stdin }));
  // What any program of Node costs before it does anything.
  if (program.node) jobs.push({ name: 'node -e 0', command: [process.execPath, '-e', '0'], group: 'node' });
  const cells = await measure(program.name, jobs, opts);
  for (const cell of Object.values(cells)) delete cell.stderr;
  return { name: program.name, cells };
}

/** Measures short programs. Returns `{ text, json, failed }`. */
export async function run(opts) {
  const known = programs();
  for (const name of opts.only ?? [])
    if (!known.some((program) => program.name === name))
      fail(`no short program «${name}»; there are ${known.map((program) => program.name).join(', ')}`);
  const tools = presentTools(opts, ['native', 'qemu', 'swapgs']);
  const rows = [];
  for (const program of known)
    if (opts.only?.includes(program.name) ?? true) rows.push(await measureRow(program, tools, opts));
  const names = [...tools.map((tool) => tool.name), 'node -e 0'];
  const own = tools.filter((tool) => tool.kind === 'swapgs').map((tool) => tool.name);
  const pairs = own.flatMap((name) => names.filter((base) => !own.includes(base)).map((base) => [name, base]));
  const ratio = (row, [name, base]) => row.cells[name]?.median / row.cells[base]?.median;
  // Hello is all start-up: its ratio to native says nothing about speed.
  const averaged = rows.filter((row) => !row.cells['node -e 0']);
  const means = pairs.map((pair) => geometricMean(averaged.map((row) => ratio(row, pair))));
  const body = rows.map((row) => [
    row.name,
    ...names.map((name) => (row.cells[name]?.error ? 'failed' : show(row.cells[name]?.median, 3))),
    ...pairs.map((pair) => show(ratio(row, pair))),
  ]);
  body.push(['geometric mean of busybox', ...names.map(() => ''), ...means.map((mean) => show(mean))]);
  const head = ['program', ...names.map((name) => `${name} s`), ...pairs.map(([name, base]) => `${name} / ${base}`)];
  const busybox = spawnSync(BUSYBOX, { encoding: 'utf8' }).stdout?.split(' multi-call')[0];
  const about = `Wall time of the whole process in seconds, medians of ${opts.runs} interleaved runs. ${aboutTools(tools)}${busybox ? `; ${busybox}` : ''}.`;
  return {
    text: `${about}\n\n${table(head, body)}`,
    json: {
      tools: tools.map(({ name, found }) => ({ name, found })),
      runs: opts.runs,
      rows: rows.map((row) => ({
        ...row,
        ratios: Object.fromEntries(pairs.map((pair) => [pair.join(' / '), rounded(ratio(row, pair))])),
      })),
      geometricMeans: Object.fromEntries(pairs.map((pair, i) => [pair.join(' / '), rounded(means[i])])),
    },
    failed: rows.some((row) => Object.values(row.cells).some((cell) => cell.error)),
  };
}
