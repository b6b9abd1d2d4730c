#!/usr/bin/env node
// Where the time of the programs of guest/bench goes: samples of `perf`, sorted by the machine code that they hit.
// node scripts/where.js [--scale PERCENT] [NAME …]
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const programs = join(root, 'guest/bench');

const COLUMNS = [
  'guest code',
  'soft TLB',
  'entries and exits',
  'dispatcher',
  'interpreter',
  'TypeScript',
  'V8',
  'system',
];
/** Instructions of a look-up in the fast TLB: its index, its tables, the page of the address. */
const LOOKUP = /shr +\$0x8,|and +\$0x3fff0,|0x[15]000[08]\(|and +\$0xfffffffffffff000,/;
/** What follows such an instruction and belongs to it. */
const VERDICT = /\b(cmp|jne|je|test|add|lea|cmove|cmovne)\b/;
/** The CPU state, at 0x1000 to 0x1fff: registers where a region is entered or left, flags, counts. */
const STATE = /\b0x1[0-9a-f]{3}\(%r/;
/** Parts of files with less than this share of the samples are not looked into. */
const LEAST = 0.3;

function fail(line) {
  process.stderr.write(`where: ${line}\n`);
  process.exit(2);
}

function perf(args, cwd) {
  const done = spawnSync('perf', args, { cwd, encoding: 'utf8', maxBuffer: 1 << 30 });
  if (done.error !== undefined) fail('there is no perf; on Debian: apt-get install linux-perf');
  return done.stdout;
}

/** Rows «percent, object, symbol» of a report. */
function report(cwd, sort) {
  const lines = perf(['report', '-i', 'jit.data', '--stdio', '--sort', sort], cwd).split('\n');
  return lines.flatMap((line) => {
    const match = line.match(/^ +([\d.]+)% +(\S+) +(.*)$/);
    return match === null ? [] : [{ share: Number(match[1]), object: match[2], symbol: match[3] }];
  });
}

/** Divides the samples in one piece of generated code. */
function divide(cwd, object, share, add) {
  const lines = perf(['annotate', '-i', 'jit.data', '--stdio', '-d', object], cwd).split('\n');
  const code = lines.flatMap((line) => {
    const match = line.match(/^ +([\d.]+) +: +[0-9a-f]+: +(.*)$/);
    return match === null ? [] : [{ percent: Number(match[1]), text: match[2] }];
  });
  if (code.length === 0) return add('guest code', share);
  // Only the dispatcher counts entries and exits (see L.REGION_EXITS) beside the fetch TLB.
  if (code.some(({ text }) => text.includes('0x90000('))) {
    const counts = code.findIndex(({ text }) => /0x1e[89c][0-9a-f]\(/.test(text));
    let near = 0;
    code.forEach(({ percent }, i) => {
      if (counts >= 0 && Math.abs(i - counts) < 60) near += percent;
    });
    add('dispatcher', (share * near) / 100);
    return add('interpreter', (share * (100 - near)) / 100);
  }
  let before = false;
  for (const { percent, text } of code) {
    const lookup = LOOKUP.test(text) || (before && VERDICT.test(text));
    before = lookup;
    add(lookup ? 'soft TLB' : STATE.test(text) ? 'entries and exits' : 'guest code', (share * percent) / 100);
  }
}

function measure(name, scale) {
  const cwd = mkdtempSync(join(tmpdir(), 'swapgs-where-'));
  try {
    const command = [process.execPath, '--perf-prof', join(root, 'bin/swapgs.js'), 'run', join(programs, name), scale];
    perf(['record', '-k', 'mono', '-F', '2000', '-o', 'raw.data', ...command], cwd);
    perf(['inject', '-j', '-i', 'raw.data', '-o', 'jit.data'], cwd);
    const shares = new Map(COLUMNS.map((column) => [column, 0]));
    const add = (column, share) => shares.set(column, shares.get(column) + share);
    for (const { share, object, symbol } of report(cwd, 'dso,sym')) {
      if (symbol.includes('wasm-function')) share < LEAST ? add('guest code', share) : divide(cwd, object, share, add);
      else if (object.startsWith('jitted') || symbol.includes('Builtins_')) add('TypeScript', share);
      else add(object === 'node' || object.startsWith('lib') ? 'V8' : 'system', share);
    }
    return shares;
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}

const { values, positionals } = parseArgs({
  options: { scale: { type: 'string', default: '100' } },
  allowPositionals: true,
});
const known = readdirSync(programs)
  .filter((file) => file.endsWith('.c'))
  .map((file) => file.slice(0, -2));
for (const name of positionals) if (!known.includes(name)) fail(`no workload ${name}; there are ${known.join(', ')}`);
const cells = (list) => `| ${list.join(' | ')} |`;
console.log(cells(['% of the samples', ...COLUMNS]));
console.log(cells(['---', ...COLUMNS.map(() => '---:')]));
for (const name of positionals.length > 0 ? positionals : known) {
  process.stderr.write(`where: ${name}\n`);
  console.log(
    cells([name, ...[...measure(name, values.scale).values()].map((share) => share.toFixed(share < 10 ? 1 : 0))]),
  );
}
