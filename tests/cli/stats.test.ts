import { describe, expect, it } from 'vitest';
import { guestPath } from '../guests/expected.ts';
import { swapgs } from '../support/cli.ts';

const rounds = guestPath('user/rounds');
const values = (...args: string[]) => {
  const { status, stderr } = swapgs(['run', '--stats', '--json', ...args]);
  expect(status).toBe(0);
  return JSON.parse(stderr);
};

describe('swapgs run --stats', () => {
  it('begins with instructions, time and speed, then has a line for each subject', () => {
    const lines = swapgs(['run', '--stats', rounds, '10000']).stderr.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^swapgs: \d+ instructions, \d+\.\d{3} s, \d+\.\d MIPS$/);
    expect(lines[1]).toMatch(/^swapgs: memory: \d+ fast TLB misses, \d+ page-table walks, \d+ page faults$/);
    expect(lines[2]).toMatch(/^swapgs: exits: \d+ fault, \d+ syscall/);
    expect(lines[3]).toMatch(/^swapgs: compiled code: [1-9]\d* regions, /);
    expect(lines.at(-1)).toMatch(/^swapgs: host: \d+(\.\d)? MiB at most$/);
  });

  it('gives the same as JSON', () => {
    const { instructions, ms, mips, memory, exits, engine, host } = values(rounds, '1000');
    expect(instructions).toBeGreaterThan(113_000);
    expect(mips).toBeCloseTo(instructions / ms / 1000, 6);
    expect(memory['fast TLB misses']).toBeGreaterThan(0);
    expect(memory['page-table walks']).toBeGreaterThanOrEqual(memory['page faults']);
    expect(exits).toMatchObject({ fault: memory['page faults'] });
    // arch_prctl, set_tid_address, ioctl, writev, exit_group
    expect(exits.syscall).toBe(5);
    expect(engine['compiled code'].regions).toBeGreaterThan(0);
    expect(host['MiB at most']).toBeGreaterThan(1);
  });

  it('counts the same on every engine; one that compiles nothing says nothing about that', () => {
    const [jit, interpreter] = [values(rounds, '1000'), values('--engine', 'interpreter', rounds, '1000')];
    expect(interpreter.instructions).toBe(jit.instructions);
    expect(interpreter.memory['page faults']).toBe(jit.memory['page faults']);
    expect(interpreter.exits.syscall).toBe(jit.exits.syscall);
    expect(interpreter.engine).toEqual({});
  });

  it('tells of bare guests too', () => {
    const { exits, memory } = values('--bare', rounds, '--entry', 'bare', '--reg', 'rdi=10');
    expect(exits).toEqual({ hlt: 1 });
    expect(memory['page faults']).toBe(0);
  });
});
