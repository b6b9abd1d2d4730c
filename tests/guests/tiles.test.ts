import { describe, expect, test } from 'vitest';
import { Seeded } from '../../src/machine/system/scheduler.ts';
import { runProgram } from '../support/run-program.ts';
import { guestPath } from './expected.ts';

/** What Linux says on a CPU with AMX; no host here is one, so nobody has recorded it: the program compares its products with loops of its own. */
const WITH_TILES = `permitted 1
first use: code 1, at the instruction
a stack of 8192 bytes for signals: ok
permission: ENOSPC
a stack of 11952 bytes for signals: ok
permission: ok
permitted 3
a stack of 8192 bytes for signals: ENOMEM
bytes: 0 wrong, 79e99bc5
bfloats: 0 wrong, -93.592
halves: 0 wrong, -121.880
complex halves, real: 0 wrong, -274.832
complex halves, imaginary: 0 wrong, 215.911
frame: 11008 bytes, features 600e7, tiles in it, end marked
behind the signal: as the frame had it
threads: 0 lost
child: configuration kept, tiles initial
parent: kept
`;

describe('a program that multiplies matrices on tiles', () => {
  const run = (cpu: string, options: Parameters<typeof runProgram>[2] = {}) =>
    runProgram(guestPath('user/tiles'), [], { ...options, machine: { cpu, ...options.machine } });

  // The reference engine is held to both, sequence by sequence, in tests/semantics/amx/engines.test.ts.
  test.each(['jit', 'interpreter'] as const)('%s', (engine) => {
    const { end, stdout } = run('max', { machine: { engine } });
    expect(stdout).toBe(WITH_TILES);
    expect(end).toEqual({ kind: 'exited', status: 0 });
  });

  test.each([1, 2])('whose threads take turns on three CPUs, seed %i', (seed) => {
    const scheduler = new Seeded(seed, 500);
    expect(run('max', { cpus: 3, scheduler }).stdout).toBe(WITH_TILES);
  });

  test.each(['default', 'x86-64-v4', 'max,-amx_tile'])('finds none on %s', (cpu) => {
    const { end, stdout } = run(cpu);
    expect([stdout, end]).toEqual(['no tiles: Not supported\n', { kind: 'exited', status: 1 }]);
  });
});
