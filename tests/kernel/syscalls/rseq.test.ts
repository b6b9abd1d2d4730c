import { describe, expect, it } from 'vitest';
import { SyscallBench } from '../../support/syscalls.ts';

const SIGNATURE = 0x5305_3053;
const KERNEL = 0xffff_8000_0000_0000n;

describe('rseq, as Linux has it', () => {
  const bench = () => {
    const b = new SyscallBench();
    const area = b.room(64 + 32);
    const at = area + ((32 - (area % 32)) % 32);
    return { b, at, call: (...args: (number | bigint)[]) => b.call('rseq', ...args) };
  };

  it('checks a registration in its order', () => {
    const { b, at, call } = bench();
    for (const length of [20, 28, 31]) expect(call(at, length, 0, SIGNATURE)).toBe('EINVAL');
    for (const flags of [2, 3, 4]) expect(call(at, 32, flags, SIGNATURE)).toBe('EINVAL');
    expect(call(at + 8, 32, 0, SIGNATURE)).toBe('EINVAL');
    expect(call(KERNEL, 32, 0, SIGNATURE)).toBe('EFAULT');
    expect(call(0, 32, 0, SIGNATURE)).toBe('EFAULT');
    expect(call(at, 32, 0, SIGNATURE)).toBe(0);
    expect([b.user.u32(at), b.user.u32(at + 4)]).toEqual([0, 0]);
    expect(call(at, 32, 0, SIGNATURE)).toBe('EBUSY');
    expect(call(at, 32, 0, 1)).toBe('EPERM');
    expect(call(at, 64, 0, SIGNATURE)).toBe('EINVAL');
    expect(call(at + 32, 32, 0, SIGNATURE)).toBe('EINVAL');
  });

  it('takes one back', () => {
    const { b, at, call } = bench();
    expect(call(at, 32, 1, SIGNATURE)).toBe('EINVAL');
    call(at, 32, 0, SIGNATURE);
    expect(call(at, 64, 1, SIGNATURE)).toBe('EINVAL');
    expect(call(at + 32, 32, 1, SIGNATURE)).toBe('EINVAL');
    expect(call(at, 32, 1, 1)).toBe('EPERM');
    expect(call(at, 32, 1, SIGNATURE)).toBe(0);
    expect([b.user.u32(at), b.user.u32(at + 4)]).toEqual([0, 0xffff_ffff]);
    expect(call(at, 32, 0, SIGNATURE)).toBe(0);
  });
});

describe('rseq of the RFC (--rseq-abi v7)', () => {
  const bench = () => {
    const b = new SyscallBench({ rseqAbi: 'v7' });
    return { b, at: b.room(16), call: (...args: (number | bigint)[]) => b.call('rseq', ...args) };
  };

  it('checks its two arguments in their order', () => {
    const { at, call } = bench();
    expect(call(at, 1)).toBe('EINVAL');
    expect(call(0, 0)).toBe('ENOENT');
    expect(call(at + 4, 0)).toBe('EINVAL');
    expect(call(KERNEL, 0)).toBe('EFAULT');
    expect(call(at, 0)).toBe(0);
    expect(call(0, 0)).toBe(0);
    expect(call(at, 0)).toBe(0);
    expect(call(at + 8, 0)).toBe('EBUSY');
  });

  it('counts the registration and every switch', () => {
    const { b, at, call } = bench();
    call(at, 0);
    const task = b.process.main;
    const switches = (n: number): void => {
      for (let i = 0; i < n; i++) {
        task.scheduledIn = true;
        b.kernel.rseq.returning(task);
      }
    };
    switches(1);
    expect([b.user.u32(at), b.user.u32(at + 4)]).toEqual([0, 1]);
    switches(5);
    expect(b.user.u32(at + 4)).toBe(6);
    task.rseqEvents = 0xffff_ffff;
    switches(1);
    expect(b.user.u32(at + 4)).toBe(0);
  });

  it('aborts whatever is below the commit, wherever the section starts', () => {
    const { b, at, call } = bench();
    call(at, 0);
    const table = b.words(0x402000, 0x402010, 0x402020);
    const { cpu } = b.machine;
    const from = (rip: bigint): [bigint, bigint] => {
      b.user.setU64(at + 8, table);
      cpu.rip = rip;
      b.kernel.rseq.returning(b.process.main);
      return [cpu.rip, b.user.u64(at + 8)];
    };
    expect(from(0x402008n)).toEqual([0x402020n, 0n]);
    // Far below the start: only Linux looks at that.
    expect(from(0x1000n)).toEqual([0x402020n, 0n]);
    expect(from(0x402010n)).toEqual([0x402010n, BigInt(table)]);
  });

  it('kills where it cannot write', () => {
    const { b, at, call } = bench();
    call(at, 0);
    b.user.setU64(at + 8, 8);
    b.machine.cpu.rip = 0x402008n;
    b.kernel.rseq.returning(b.process.main);
    expect(b.kernel.run()).toMatchObject({ kind: 'killed', signal: 11 });
    expect(b.machine.cpu.rip).toBe(0x402008n);
  });
});
