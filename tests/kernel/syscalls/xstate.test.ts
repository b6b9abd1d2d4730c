import { describe, expect, test } from 'vitest';
import { TILECFG, XFD } from '../../../src/state/layout.ts';
import { SyscallBench } from '../../support/syscalls.ts';

const SUPPORTED = 0x1021;
const PERMITTED = 0x1022;
const REQUEST = 0x1023;
const TILE_DATA = 18;
const SIGCHLD = 17;

/** Components that arch_prctl tells of, from TILECFG on. */
function told(b: SyscallBench, code: number): bigint {
  const out = b.room(8);
  expect(b.call('arch_prctl', code, out)).toBe(0);
  return b.user.u64(out);
}

describe('state components on demand (arch_prctl)', () => {
  test('tile data has to be asked for', () => {
    const b = new SyscallBench({ cpu: 'max' });
    expect([told(b, SUPPORTED), told(b, PERMITTED)]).toEqual([0x600e7n, 0x200e7n]);
    expect(b.machine.cpu.u64(XFD)).toBe(1n << 18n);
    expect([0, 17, 19, -1].map((n) => b.call('arch_prctl', REQUEST, n))).toEqual([
      'EOPNOTSUPP',
      'EOPNOTSUPP',
      'EINVAL',
      'EINVAL',
    ]);
    expect([b.call('arch_prctl', REQUEST, TILE_DATA), b.call('arch_prctl', REQUEST, TILE_DATA)]).toEqual([0, 0]);
    expect(told(b, PERMITTED)).toBe(0x600e7n);
    // Room comes with the first use.
    expect(b.machine.cpu.u64(XFD)).toBe(1n << 18n);
    expect([SUPPORTED, PERMITTED].map((code) => b.call('arch_prctl', code, 8))).toEqual(['EFAULT', 'EFAULT']);
  });

  test.each(['default', 'x86-64', 'x86-64-v4'])('there is none on %s', (cpu) => {
    const b = new SyscallBench({ cpu });
    expect(told(b, SUPPORTED)).toBe(cpu === 'x86-64-v4' ? 0xe7n : 3n);
    expect(b.call('arch_prctl', REQUEST, TILE_DATA)).toBe('EOPNOTSUPP');
    expect(b.machine.cpu.u64(XFD)).toBe(0n);
  });

  test('stacks for signals have to hold it', () => {
    const b = new SyscallBench({ cpu: 'max' });
    const stack = (size: number): number => b.words(0x10_0000, 0, size);
    expect(b.call('sigaltstack', stack(11_951), 0)).toBe(0);
    expect(b.call('arch_prctl', REQUEST, TILE_DATA)).toBe('ENOSPC');
    expect(b.call('sigaltstack', stack(11_952), 0)).toBe(0);
    expect(b.call('arch_prctl', REQUEST, TILE_DATA)).toBe(0);
    expect([11_836, 11_837].map((size) => b.call('sigaltstack', stack(size), 0))).toEqual(['ENOMEM', 0]);
  });

  test('a child has the permission and the configuration, and no room yet', () => {
    const b = new SyscallBench({ cpu: 'max' });
    b.call('arch_prctl', REQUEST, TILE_DATA);
    const { cpu } = b.machine;
    cpu.setU64(XFD, 0n);
    cpu.u8[TILECFG] = 1;
    const pid = b.call('clone', SIGCHLD, 0, 0, 0, 0) as number;
    const child = b.kernel.processes.get(pid)!;
    expect(child.permittedStates).toBe(1n << 18n);
    expect([child.main.registers.u64(XFD), child.main.registers.u64(TILECFG)]).toEqual([1n << 18n, 1n]);
    expect(cpu.u64(XFD)).toBe(0n);
  });
});
