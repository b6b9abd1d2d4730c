#!/usr/bin/env node
// Measures swapgs against native execution and other emulators; docs/benchmarks.md says what each table is.
import { parseArgs } from 'node:util';
import { fail } from './bench/base.js';
import { writeSection } from './bench/page.js';

/** Every table, loaded when it is asked for. */
const TABLES = {
  workloads: () => import('./bench/workloads.js'),
  short: () => import('./bench/short.js'),
  growth: () => import('./bench/growth.js'),
  modes: () => import('./bench/modes.js'),
};

const USAGE = `node scripts/bench.js [tables] [options]
tables (the ten programs of guest/bench where none is named):
  --workloads      the programs of guest/bench: native, qemu-x86_64, Unicorn 2, swapgs
  --short          short programs: hello against node -e 0, busybox against native and qemu
  --growth         the time of an instruction and the memory as the work grows; a program with much code
  --modes          plain, --strace, --stats, --profile, CPL 0, one and four CPUs
  --all            all of them
options:
  --runs N         runs of each cell, of which the median counts (default 5)
  --only NAMES     these rows, by comma (workloads and short programs)
  --scale PERCENT  of the default work (default 100)
  --unicorn-scale PERCENT
                   of that work for Unicorn, which is slow (default 10); its ratios are to native at the same percentage
  --unicorn DIR    another Unicorn than pkg-config's: DIR/include and DIR/lib/libunicorn.so.2
  --engine NAMES   swapgs once for each of these engines, by comma (default: swapgs's own choice)
  --tools NAMES    only these of native, qemu, unicorn, swapgs, by comma
  --timeout S      seconds until a run is given up (default 900)
  --json           print JSON instead of tables
  --write          put the tables into docs/benchmarks.md`;

const list = (text) => text?.split(',').filter(Boolean);

function options() {
  const flag = { type: 'boolean', default: false };
  const tables = Object.fromEntries(Object.keys(TABLES).map((name) => [name, flag]));
  try {
    const { values } = parseArgs({
      options: {
        ...tables,
        all: flag,
        runs: { type: 'string', default: '5' },
        only: { type: 'string' },
        scale: { type: 'string', default: '100' },
        'unicorn-scale': { type: 'string', default: '10' },
        unicorn: { type: 'string' },
        engine: { type: 'string' },
        tools: { type: 'string' },
        timeout: { type: 'string', default: '900' },
        json: flag,
        write: flag,
        help: flag,
      },
    });
    for (const name of ['runs', 'scale', 'unicorn-scale', 'timeout']) {
      const value = Number(values[name]);
      if (!Number.isInteger(value) || value < 1)
        fail(`--${name} wants a whole number of at least 1, not ${values[name]}`);
      values[name] = value;
    }
    return {
      ...values,
      unicornScale: values['unicorn-scale'],
      only: list(values.only),
      tools: list(values.tools),
      engines: list(values.engine) ?? [],
    };
  } catch (error) {
    return fail(`${error.message}; --help lists the options`);
  }
}

const opts = options();
if (opts.help) {
  console.log(USAGE);
  process.exit(0);
}
const named = Object.keys(TABLES).filter((name) => opts.all || opts[name]);
const results = {};
for (const name of named.length > 0 ? named : ['workloads']) {
  const { text, json, failed } = await (await TABLES[name]()).run(opts);
  results[name] = json;
  if (!opts.json) console.log(`${text}\n`);
  if (opts.write) writeSection(name, text);
  if (failed) process.exitCode = 1;
}
if (opts.json) console.log(JSON.stringify(results, null, 1));
