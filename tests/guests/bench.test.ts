import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { guestPath } from './expected.ts';

const bench = (...args: readonly string[]) =>
  spawnSync(process.execPath, [guestPath('../scripts/bench.js'), ...args], { encoding: 'utf8' });

it.skipIf(process.platform !== 'linux' || process.arch !== 'x64')('measures a workload and checks its output', () => {
  const done = bench('--tools', 'native', '--only', 'fib', '--scale', '1', '--runs', '2', '--json');
  expect(done.status).toBe(0);
  const { rows } = JSON.parse(done.stdout);
  expect(rows).toHaveLength(1);
  expect(rows[0].cells.native.times).toHaveLength(2);
  expect(rows[0].cells.native.median).toBeGreaterThan(0);
});

it('says what is wrong in one line', () => {
  const done = bench('--only', 'nothing');
  expect(done.status).toBe(2);
  expect(done.stderr).toMatch(/^bench: no workload nothing; there are [a-z0-9, ]+\n$/);
  expect(bench('--runs', '0').stderr).toBe('bench: --runs wants a whole number of at least 1, not 0\n');
});
