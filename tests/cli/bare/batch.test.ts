import { describe, expect, it } from 'vitest';
import { hexBytes } from '../../../src/bits/hex.ts';
import { Random } from '../../../src/bits/random.ts';
import { guestPath } from '../../guests/expected.ts';
import { swapgs } from '../../support/cli.ts';

type Answer = Record<string, unknown> & { stop: { reason: string }; regs: Record<string, string> };

function batch(jobs: readonly unknown[], ...options: string[]): Answer[] {
  const input = jobs.map((job) => (typeof job === 'string' ? job : JSON.stringify(job))).join('\n');
  const done = swapgs(['run', '--bare', '--batch', '-', ...options], { input });
  expect(done.stderr).toBe('');
  expect(done.status).toBe(0);
  return done.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

describe('swapgs run --bare --batch', () => {
  it('answers every line in order, the bad ones with their error', () => {
    const answers = batch([
      { id: 1, code: '48 01 f8 f4', regs: { rax: 2, rdi: '40' } },
      { id: 2, code: '4' },
      'nonsense',
      '[]',
      { id: 3, code: 'f4', bogus: 1 },
      { id: 4, blob: '/no/such' },
      { id: 5 },
      { id: 6, code: 'f4', regs: { rax: 2 ** 60 } },
      { id: 7, code: 'f4', map: ['0x800000000000:4K'] },
      { id: 8, code: 'f4', cpl: 2 },
      { id: { any: ['thing'] }, blob: guestPath('bare/sum.bin'), regs: { rdi: 4 } },
      { code: 'ebfe', maxInsns: 5 },
    ]);
    expect(answers.map(({ id }) => id)).toEqual([
      1,
      2,
      undefined,
      undefined,
      3,
      4,
      5,
      6,
      7,
      8,
      { any: ['thing'] },
      undefined,
    ]);
    expect(answers[0]!.regs['rax']).toBe('0x2a');
    expect(answers.slice(1, 10).every(({ error }) => typeof error === 'string' && !error.includes('\n'))).toBe(true);
    expect(answers.map(({ error }) => error).slice(1, 10)).toEqual([
      expect.stringContaining('odd number'),
      expect.stringContaining('not JSON'),
      expect.stringContaining('not an object'),
      expect.stringContaining('bad key "bogus"'),
      expect.stringContaining('no such file'),
      expect.stringContaining('bad code'),
      expect.stringContaining('2^53'),
      expect.stringContaining('not canonical'),
      expect.stringContaining('bad cpl'),
    ]);
    expect(answers[10]!.regs['rax']).toBe('0xa');
    expect(answers[11]).toMatchObject({ stop: { reason: 'max-insns' }, icount: 5 });
  });

  it('takes every option by name', () => {
    const [answer] = batch([
      {
        code: '90 8b 04 25 00 00 20 00 90',
        base: '0x300000',
        entry: 0x30_0001,
        cpl: 3,
        map: ['0x200000:4K:r', { addr: '0x400000', size: 4096, rights: 'rw' }],
        mem: ['0x200000=78563412', { addr: 0x40_0000, hex: 'ff' }],
        until: 'here',
        sym: { here: '0x300008' },
        dump: ['0x200000:2', { addr: '0x400000', size: 1 }],
      },
    ]);
    expect(answer).toMatchObject({
      stop: { reason: 'until' },
      icount: 1,
      regs: { rax: '0x12345678', rip: '0x300008' },
      segs: { cs: 0x33 },
      mem: [
        { addr: '0x200000', hex: '7856' },
        { addr: '0x400000', hex: 'ff' },
      ],
    });
  });

  it('ends an endless loop by itself', () => {
    expect(batch([{ code: 'ebfe' }])[0]).toMatchObject({ stop: { reason: 'max-insns' }, icount: 1_000_000 });
  });

  const random = new Random(7);
  const jobs = Array.from({ length: 200 }, (_, id) => ({
    id,
    code: hexBytes(random.bytes(1 + random.below(40)), ''),
    cpl: random.pick([0, 3]),
    regs: { rax: '0x100000', rbx: '0x7fff8000', rcx: random.below(100), rdi: String(random.u64()) },
    maxInsns: 300,
  }));

  it('takes random bytes without an error of its own, alike on both engines', () => {
    const answers = batch(jobs);
    expect(answers).toHaveLength(jobs.length);
    expect(answers.filter(({ error }) => error !== undefined)).toEqual([]);
    expect(batch(jobs, '--engine', 'reference')).toEqual(answers);
  });

  it('answers the same whatever ran before', () => {
    const forwards = batch(jobs);
    expect(batch([...jobs].reverse()).reverse()).toEqual(forwards);
    expect(batch([jobs[100]])).toEqual([forwards[100]]);
  });

  it('does a thousand runs a second', () => {
    const many = Array.from({ length: 5000 }, (_, n) => ({
      code: '48 01 f8 48 0f af c7 f4',
      regs: { rax: n, rdi: 3 },
    }));
    const start = performance.now();
    const answers = batch(many);
    expect(performance.now() - start).toBeLessThan(5000);
    expect(answers[4999]!.regs['rax']).toBe(`0x${(5002 * 3).toString(16)}`);
  });
});
