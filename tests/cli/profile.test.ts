import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { guestPath } from '../guests/expected.ts';
import { ONE_LINE, swapgs } from '../support/cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'swapgs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const rounds = guestPath('user/rounds');
const INSTRUCTIONS = /^swapgs: (\d+) instructions, /m;

/** Runs with --profile and gives the stacks with their counts. */
function profile(...args: string[]): { stacks: Map<string, number>; text: string; stderr: string } {
  const file = join(folder, 'folded');
  const { status, stderr } = swapgs(['run', '--stats', '--profile', file, ...args]);
  expect(status).toBe(0);
  const text = readFileSync(file, 'utf8');
  const lines = text.trimEnd().split('\n');
  for (const line of lines) expect(line).toMatch(/^[^;\s]+(;[^;\s]+)* \d+$/);
  return { stacks: new Map(lines.map((line) => [line.split(' ')[0]!, Number(line.split(' ')[1])])), text, stderr };
}

const sum = (numbers: Iterable<number>): number => [...numbers].reduce((a, b) => a + b, 0);

describe('swapgs run --profile', () => {
  it('counts every sample by the functions on the stack', () => {
    const { stacks, stderr } = profile('--profile-every', '1009', rounds, '10000');
    const instructions = Number(INSTRUCTIONS.exec(stderr)![1]);
    expect(sum(stacks.values())).toBe(Math.floor(instructions / 1009));
    const above = 'libc_start_main_stage2;main;work';
    // Without a frame of its own (mix, look) or in its prologue (turn), a function has its caller all the same.
    const inside = [...stacks].filter(([stack]) => stack.startsWith(above));
    expect(sum(inside.map(([, count]) => count)) / sum(stacks.values())).toBeGreaterThan(0.98);
    for (const [leaf, share] of [
      ['', 0.05],
      [';turn', 0.32],
      [';turn;look', 0.32],
      [';turn;mix', 0.31],
    ] as const) {
      expect((stacks.get(above + leaf) ?? 0) / sum(stacks.values()), leaf).toBeCloseTo(share, 1);
    }
    expect([...stacks.keys()].filter((stack) => stack.startsWith('main') || stack.startsWith('work'))).toEqual([]);
  });

  it('is the same on every engine and in every repetition', () => {
    const args = ['--profile-every', '997', rounds, '50'];
    const once = profile(...args).text;
    expect(profile(...args).text).toBe(once);
    expect(profile('--engine', 'interpreter', ...args).text).toBe(once);
    expect(profile('--engine', 'reference', ...args).text).toBe(once);
  });

  it('works without an operating system', () => {
    const { stacks } = profile('--bare', rounds, '--entry', 'bare', '--reg', 'rdi=3000', '--profile-every', '1009');
    for (const stack of stacks.keys()) expect(stack).toMatch(/^bare;work(;turn(;mix|;look)?)?$/);
    expect(stacks.size).toBe(4);
  });

  it('names the page of code without symbols', () => {
    const { stacks } = profile('--profile-every', '100', guestPath('user/hello'));
    for (const stack of stacks.keys()) expect(stack).toMatch(/^\[0x40[12]000\](;\[0x40[12]000\])*$/);
  });

  it('goes to standard error where that is asked for', () => {
    const { stdout, stderr } = swapgs(['run', '--profile', '-', '--profile-every', '1000', rounds, '20']);
    expect(stdout).toMatch(/^rounds [0-9a-f]{8}\n$/);
    expect(stderr).toMatch(/^(\S+ \d+\n)+$/);
  });

  it('refuses a file that it cannot write before anything runs', () => {
    const { status, stdout, stderr } = swapgs(['run', '--profile', join(folder, 'no/such'), rounds]);
    expect({ status, stdout }).toEqual({ status: 125, stdout: '' });
    expect(stderr).toMatch(ONE_LINE);
    expect(stderr).toContain('no such file');
  });
});
