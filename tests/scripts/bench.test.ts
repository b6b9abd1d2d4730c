import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { swapgs } from '../support/cli.ts';

const scripts = new URL('../../scripts/', import.meta.url);
const folder = mkdtempSync(join(tmpdir(), 'swapgs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs scripts/bench.js with swapgs as the only tool and gives its JSON. */
function bench(...args: string[]) {
  const script = fileURLToPath(new URL('bench.js', scripts));
  const all = [script, '--tools', 'swapgs', '--runs', '1', '--json', ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, all, { encoding: 'utf8', timeout: 60_000 });
  expect(stderr).toMatch(/^(bench: .*\n)*$/);
  expect(status).toBe(0);
  return JSON.parse(stdout);
}

describe('scripts/bench.js', () => {
  it('measures programs, and what they print', () => {
    const { workloads } = bench('--only', 'sieve,qsort', '--scale', '1', '--engine', 'jit,interpreter');
    expect(workloads.rows.map((row: { workload: string }) => row.workload)).toEqual(['sieve', 'qsort']);
    for (const { cells } of workloads.rows) {
      expect(Object.keys(cells)).toEqual(['swapgs jit', 'swapgs interpreter']);
      expect(cells['swapgs jit'].instructions).toBe(cells['swapgs interpreter'].instructions);
      expect(cells['swapgs jit'].median).toBeGreaterThan(0);
    }
  });

  it('finds the same result in every mode', () => {
    const { modes } = bench('--modes', '--scale', '1');
    const cells: Record<string, { median: number }> = modes.measured[0].cells;
    expect(Object.keys(cells)).toContain('bare, CPL 0');
    for (const [mode, { median }] of Object.entries(cells)) expect(median, mode).toBeGreaterThan(0);
  });

  it('says in a line what it does not know', () => {
    const script = fileURLToPath(new URL('bench.js', scripts));
    for (const args of [['--only', 'nothing'], ['--runs', '0'], ['--what']]) {
      const { status, stderr } = spawnSync(process.execPath, [script, ...args], { encoding: 'utf8' });
      expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringMatching(/^bench: [^\n]+\n$/) });
    }
  });

  it('generates a program of much code that computes what it says', async () => {
    const { writeProgram, checksum } = await import(new URL('bench/code.js', scripts).href);
    const file = join(folder, 'code');
    const { functions, bytes } = writeProgram(file, 100_000);
    expect(bytes).toBeGreaterThan(90_000);
    for (const passes of [1, 9]) {
      const { status, stdout } = swapgs(['run', file, String(passes)]);
      expect({ status, stdout }).toEqual({ status: 0, stdout: checksum(functions, passes) });
    }
  });
});
