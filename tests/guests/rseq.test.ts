import { describe, expect, it } from 'vitest';
import { Seeded } from '../../src/machine/system/scheduler.ts';
import { swapgs } from '../support/cli.ts';
import { runProgram } from '../support/run-program.ts';
import { guestPath } from './expected.ts';

const program = guestPath('user/percpu');

describe('restartable sequences, registered by the C library', () => {
  const run = (seed: number, quantum: number, ...args: string[]): string =>
    runProgram(program, args, { cpus: 4, seed, scheduler: new Seeded(seed, quantum), limits: { instructions: 1e9 } })
      .output;

  it('lose nothing on four CPUs, whatever the schedule', { timeout: 60_000 }, () => {
    for (const seed of [1, 2, 3, 4]) expect(run(seed, 20 + seed)).toBe('size 20 sum whole nodes 200\n');
  });

  it('lose additions without them', { timeout: 60_000 }, () => {
    for (const seed of [1, 2]) expect(run(seed, 20, 'plain')).toBe('size 20 sum lost nodes 200\n');
  });

  /** What became of the section at each of its instructions. */
  const outcomes = (...args: string[]): string[] => {
    const { status, stdout } = swapgs(['run', ...args, program, '1', '20']);
    expect(status).toBe(0);
    return (JSON.parse(stdout) as { outcome: string }[]).map(({ outcome }) => outcome);
  };
  // lea, mov │ cmp, jne, addq │ xor, ret, behind it
  const expected = ['committed', 'committed', 'aborted', 'aborted', 'aborted', 'committed', 'committed', 'committed'];

  it.each([
    ['a switch', []],
    ['a migration', ['--cpus', '2', '--preempt-by', 'migrate']],
    ['an ignored signal', ['--preempt-by', 'WINCH']],
  ])('are aborted between the store and the commit, and nowhere else, by %s', { timeout: 60_000 }, (how, args) => {
    const found = outcomes('--preempt-in', 'adds', '--invariant', 'total=20', '--json', ...args);
    expect(found).toEqual(how === 'an ignored signal' ? expected.map(() => 'committed') : expected);
  });

  it('say where the invariant breaks', { timeout: 60_000 }, () => {
    const { status, stdout } = swapgs(['run', '--preempt-in', 'adds', '--invariant', 'total=21', program, '1', '20']);
    expect(status).toBe(1);
    expect(stdout).toContain('violated: total is 20, not 21');
    expect(stdout).toMatch(/8 places by switch: 0 aborted, 0 committed, 8 violated\n$/);
  });

  it('name what cannot be interrupted', () => {
    const none = swapgs(['run', '--preempt-in', 'add', program]);
    expect(none.status).not.toBe(0);
    expect(none.stderr).toMatch(/^swapgs: no symbol 'add': --preempt-in: near it: .*adds/);
  });
});

it('the same seed is the same run on every engine, another seed another one', { timeout: 60_000 }, () => {
  const hashes = (engine: string, seed: number): string => {
    const args = [
      '--engine',
      engine,
      '--seed',
      String(seed),
      '--cpus',
      '4',
      '--quantum',
      '100',
      '--hash-every',
      '20000',
    ];
    const { status, stdout, stderr } = swapgs(['run', ...args, program, '4', '100']);
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'size 20 sum whole nodes 200\n' });
    return stderr;
  };
  const jit = hashes('jit', 5);
  expect(jit.split('\n').length).toBeGreaterThan(2);
  for (const engine of ['jit', 'interpreter', 'reference']) expect(hashes(engine, 5)).toBe(jit);
  expect(hashes('jit', 6)).not.toBe(jit);
});
