import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { type CliRun, ONE_LINE, swapgs } from '../support/cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'fuzz-'));
afterAll(() => rmSync(folder, { recursive: true }));

const path = (name: string): string => join(folder, name);
const ENGINES = ['--oracles', 'reference,interpreter'] as const;
const fuzz = (...args: string[]): CliRun => swapgs(['fuzz', ...args], { cwd: folder });

/** The events of a run with `--json`, without what depends on the clock. */
const events = (run: CliRun): Record<string, unknown>[] =>
  run.stdout
    .trim()
    .split('\n')
    .map((line) => {
      const { seconds: _, ...event } = JSON.parse(line) as Record<string, unknown>;
      return event;
    });

describe('a campaign', () => {
  test('ends with 0 where everything agrees, with a status line on stderr', () => {
    const run = fuzz('--runs', '600', '--seed', '3', ...ENGINES);
    expect(run.status).toBe(0);
    expect(run.stdout).toMatch(/^600 sequences, \d+ instructions, 0 mismatches, 0 findings\n$/);
    expect(run.stderr).toMatch(/^swapgs: \d+ encodings, judged by reference: interpreter; seed 3$/m);
    expect(run.stderr).toMatch(/^#600\tDONE +cov: \d+ corp: \d+ exec\/s: \d+ find: 0$/m);
  });

  test('is decided by its seed, whatever the number of threads', () => {
    const runs = ['1', '2', '3'].map((jobs) =>
      events(fuzz('--json', '--runs', '4600', '--length', '4', '--seed', '11', '--jobs', jobs, ...ENGINES)),
    );
    expect(runs[0]!.at(-1)).toMatchObject({ event: 'done', runs: 4600, mismatches: 0, interrupted: false });
    expect(runs[1]).toEqual(runs[0]);
    expect(runs[2]).toEqual(runs[0]);
    const other = events(fuzz('--json', '--runs', '4600', '--length', '4', '--seed', '12', ...ENGINES));
    expect(other.at(-1)).not.toEqual(runs[0]!.at(-1));
  });

  test('keeps to the instructions that it is told', () => {
    const corpus = path('adders');
    const run = fuzz('--runs', '300', '--include', 'ADC,sbb', '--exclude', 'sbb', '--corpus', corpus, ...ENGINES);
    expect(run.status).toBe(0);
    const texts = readdirSync(corpus).flatMap((name) => {
      const file = JSON.parse(readFileSync(join(corpus, name), 'utf8')) as { case: { steps: { text: string }[] } };
      return file.case.steps.map(
        ({ text }) => text.replace(/^(fs |gs |lock |repz? |addr32 |rex\S* )+/, '').split(/\s/)[0]!,
      );
    });
    expect(texts.length).toBeGreaterThan(20);
    for (const text of texts) expect(text).toMatch(/^(adc[bwlq]?|movl?)$/);
  });

  test('takes other names of conditions and features, and the flags of libFuzzer', () => {
    const run = fuzz('-runs=60', '-seed=5', '--include', 'JNZ,cmovz', '--weight', 'sse4.1=0', ...ENGINES);
    expect(run.status).toBe(0);
    expect(run.stderr).toMatch(/ 5 encodings, judged by reference: interpreter; seed 5$/m);
    // Both encodings of a name that VEX and EVEX share.
    const both = fuzz('-runs=20', '--features', 'avx, AVX512F', '--include', 'vaddps', ...ENGINES);
    expect(both.stderr).toMatch(/ 3 encodings, judged by /);
  });

  test('the first oracle of the table judges, whoever was named first', () => {
    const run = fuzz('--runs', '20', '--oracles', 'interpreter,reference');
    expect(run.stderr).toContain('judged by reference: interpreter');
  });

  test('system instructions are for engines only', () => {
    expect(fuzz('--cpl', '0', '--runs', '300', ...ENGINES).status).toBe(0);
    const run = fuzz('--cpl', '0', '--oracles', 'host,interpreter');
    expect([run.status, run.stderr]).toEqual([
      125,
      'swapgs: system instructions are compared between engines: --oracles: leave out host\n',
    ]);
  });
});

test('a corpus is begun from, merged, minimised; a damaged file is named and left where it is', () => {
  const [one, two] = [path('one'), path('two')];
  expect(fuzz('--runs', '400', '--seed', '1', '--corpus', one, ...ENGINES).status).toBe(0);
  expect(fuzz('--runs', '400', '--seed', '2', '--corpus', two, ...ENGINES).status).toBe(0);
  const before = readdirSync(one);
  writeFileSync(join(one, 'bad.json'), '{"format":');
  writeFileSync(join(two, 'worse.json'), '{}');

  const merged = fuzz('--corpus', one, '--merge', two, ...ENGINES);
  expect(merged.status).toBe(0);
  expect(merged.stderr).toContain(`swapgs: not JSON: ${join(one, 'bad.json')}: left out\n`);
  expect(merged.stderr).toMatch(/^swapgs: \d+ of \d+ inputs of .*two are new$/m);
  const after = readdirSync(one);
  expect(after.length).toBeGreaterThan(before.length + 1);
  expect(after).toEqual(expect.arrayContaining(before));

  const least = fuzz('--corpus', one, '--minimise', ...ENGINES);
  expect(least.status).toBe(0);
  const left = readdirSync(one);
  expect(left.length).toBeLessThan(after.length);
  expect(left).toContain('bad.json');

  const again = events(fuzz('--json', '--corpus', one, '--runs', '1', ...ENGINES));
  expect(again.at(-1)).toMatchObject({ runs: left.length });
});

test('a corpus that cannot be written is one line; the campaign goes on, and says so at the end', () => {
  const run = fuzz('--runs', '300', '--corpus', '/proc/self/task', ...ENGINES);
  expect(run.status).toBe(125);
  expect(run.stderr.match(/inputs are not kept from here on/g)).toHaveLength(1);
  expect(run.stdout).toMatch(/^300 sequences, /);
  expect(run.stderr).toMatch(/\nswapgs: \d+ inputs could not be kept: \/proc\/self\/task: give it room\n$/);
});

test('standard output that is full is one line', () => {
  const full = openSync('/dev/full', 'w');
  const run = swapgs(['fuzz', '--runs', '20', ...ENGINES], { cwd: folder, stdio: ['ignore', full, 'pipe'] });
  closeSync(full);
  expect(run.status).toBe(125);
  expect(run.stderr).toMatch(/\nswapgs: no space left on the device: standard output: make room\n$/);
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s ends it with %d and keeps what there is', async (signal, ended) => {
  const corpus = path(signal);
  const bin = fileURLToPath(new URL('../../bin/swapgs.js', import.meta.url));
  const child = spawn(process.execPath, [bin, 'fuzz', '--max-time', '50', '--corpus', corpus, ...ENGINES], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  let stdout = '';
  child.stdout.on('data', (data) => {
    stdout += data;
  });
  await new Promise<void>((resolve) =>
    child.stderr.on('data', (data) => {
      stderr += data;
      if (stderr.includes('INITED')) setTimeout(resolve, 1500);
    }),
  );
  child.kill(signal);
  const status = await new Promise((resolve) => child.on('close', resolve));
  expect(status).toBe(ended);
  expect(stderr).toContain('DONE');
  expect(stdout).toMatch(/^\d+ sequences, .* 0 findings\n$/);
  expect(readdirSync(corpus).length).toBeGreaterThan(0);
});

test('replay runs a file again', () => {
  const file = path('case.json');
  const state = { gpr: { rsp: '0x10001800' } };
  const c = { format: 'swapgs-fuzz-case', case: { codeAddress: '0x20000100', steps: [{ bytes: '48 ff c0' }], state } };
  writeFileSync(file, JSON.stringify(c));
  const run = fuzz('replay', file, '--oracles', 'reference,jit');
  expect([run.status, run.stdout, run.stderr]).toEqual([0, `${file}: reference, jit agree\n`, '']);
  expect(JSON.parse(fuzz('replay', file, '--json', ...ENGINES).stdout)).toEqual({
    event: 'replay',
    file,
    differs: false,
  });
});

describe('where there is no x86-64', () => {
  const elsewhere = path('elsewhere.cjs');
  writeFileSync(elsewhere, "Object.defineProperty(process, 'arch', { value: 'arm64' });");
  const env = { ...process.env, NODE_OPTIONS: `--require ${elsewhere}` };

  test('the engines are compared, and a line says so', () => {
    const run = swapgs(['fuzz', '--runs', '20'], { cwd: folder, env });
    expect(run.status).toBe(0);
    expect(run.stderr).toContain('judged by reference: interpreter, jit; seed 0\nswapgs: no host CPU: ');
  });

  test('a finding that a host has judged is one line', () => {
    const found = path('judged.json');
    const c = { codeAddress: '0x20000100', steps: [{ bytes: '90' }], state: {} };
    writeFileSync(found, JSON.stringify({ format: 'swapgs-fuzz-case', oracle: 'jit', judge: 'host', case: c }));
    expect(swapgs(['fuzz', 'replay', found], { cwd: folder, env })).toEqual({
      status: 125,
      stdout: '',
      stderr: `swapgs: a host CPU has judged it, and the native oracle needs x86-64 Linux: ${found}: choose --oracles reference,interpreter,jit\n`,
    });
    expect(swapgs(['fuzz', 'replay', found, '--oracles', 'reference,jit'], { cwd: folder, env }).status).toBe(0);
  });
});

describe('bad input is one line', () => {
  writeFileSync(path('bad.json'), '{"format":"swapgs-fuzz-case","case":{"steps":[]}}');
  test.each([
    [['--features', 'FOO'], 'no feature FOO: --features: docs/coverage.md lists them'],
    [['--features', 'SSE42,avx512'], 'no feature avx512: --features: did you mean AVX512F'],
    [['--features', 'avx2, xyzzyplugh'], 'no feature xyzzyplugh: --features: docs/coverage.md lists them'],
    [['--include', 'addd'], 'no instruction addd: --include: did you mean aadd, add, addpd'],
    [['--include', 'vpternlgd'], 'no instruction vpternlgd: --include: did you mean vpternlogd'],
    [['--include', 'in'], 'nothing is left to draw from: in (between engines only: --cpl 0)'],
    [['--include', 'addss', '--weight', 'addss=0'], 'nothing is left to draw from: --features, '],
    [['--exclude', 'movv'], 'no instruction movv: --exclude: did you mean mov, '],
    [['-runs=0'], "option '--runs <N>' argument '0' is invalid"],
    [['--findings', 'bad.json'], 'is not a directory: bad.json: give another --findings'],
    [['--findings', ''], 'no directory given: --findings: give a path'],
    [['--corpus', ''], 'no directory given: --corpus: give a path'],
    [['--weight', 'add'], "option '--weight <NAME=N>' argument 'add' is invalid: swapgs fuzz: it wants NAME=NUMBER"],
    [['--weight', 'addd=2'], 'no instruction or feature addd: --weight: did you mean aadd, add, addpd'],
    [
      ['--oracles', 'host'],
      "option '--oracles <LIST>' argument 'host' is invalid: swapgs fuzz: it wants at least one engine",
    ],
    [['--oracles', 'qemu'], "option '--oracles <LIST>' argument 'qemu' is invalid: swapgs fuzz: it is one of host,"],
    [['--runs', '0'], "option '--runs <N>' argument '0' is invalid"],
    [['--jobs', '999'], "option '--jobs <N>' argument '999' is invalid"],
    [['--length', '33'], "option '--length <N>' argument '33' is invalid"],
    [['--merge', 'x'], '--merge needs --corpus: swapgs fuzz: add --corpus DIR'],
    [['--minimise', '--corpus', 'nothere'], 'no such directory: nothere: check the path'],
    [['--corpus', 'bad.json'], 'cannot be used (EEXIST): bad.json'],
    [['nonsense'], "too many arguments for 'fuzz'"],
    [['--include', 'vaddps', '--features', 'SSE'], 'nothing is left to draw from'],
    [['replay'], 'no file given: swapgs fuzz replay: give a finding'],
    [['replay', 'nothere.json'], 'no such file: nothere.json: check the path'],
    [['replay', 'bad.json'], 'there are no steps: bad.json: give a finding or an input of a corpus'],
  ])('%j', (args, line) => {
    const run = fuzz(...args);
    expect(run.status).toBe(125);
    expect(run.stderr).toMatch(ONE_LINE);
    expect(run.stderr).toContain(`swapgs: ${line}`);
  });
});
