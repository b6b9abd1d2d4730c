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

describe('a critical section that is none kills, and says SIGSEGV', () => {
  const START = 0x40_1000;
  const ABORT = 0x40_1100;
  const section = (
    words: Partial<{ version: number; flags: number; start: bigint; length: bigint; abort: bigint }>,
  ) => {
    const w = { version: 0, flags: 0, start: BigInt(START), length: 16n, abort: BigInt(ABORT), ...words };
    return [BigInt(w.version) | (BigInt(w.flags) << 32n), w.start, w.length, w.abort] as const;
  };
  const killed = (prepare: (b: SyscallBench, at: number) => void): unknown => {
    const b = new SyscallBench();
    const area = b.room(64);
    const at = area + ((32 - (area % 32)) % 32);
    b.call('rseq', at, 32, 0, SIGNATURE);
    // The signature stands before the abort: the program's text is made writable for that.
    b.call('mprotect', 0x40_1000, 4096, 7);
    b.call('mmap', 0x40_1000, 4096, 7, 0x32, -1, 0);
    b.user.setU32(ABORT - 4, SIGNATURE);
    b.machine.cpu.rip = BigInt(START + 4);
    prepare(b, at);
    b.kernel.rseq.returning(b.process.main);
    if (b.process.main.notify) return (b.kernel.run() as { signal?: number }).signal;
    return [b.machine.cpu.rip, b.user.u64(at + 8)];
  };
  const use = (words: readonly bigint[]) => (b: SyscallBench, at: number) => b.user.setU64(at + 8, b.words(...words));

  it('not where all is well: it aborts', () => {
    expect(killed(use(section({})))).toEqual([BigInt(ABORT), 0n]);
    // Outside it is only taken away.
    expect(killed(use(section({ start: BigInt(START + 64) })))).toEqual([BigInt(START + 4), 0n]);
    expect(killed(use(section({ length: 0n })))).toEqual([BigInt(START + 4), 0n]);
  });

  it.each([
    ['a version', use(section({ version: 1 }))],
    ['flags of the section', use(section({ flags: 1 }))],
    ['an abort inside', use(section({ abort: BigInt(START + 8) }))],
    ['a start in the kernel', use(section({ start: KERNEL }))],
    ['an abort in the kernel', use(section({ abort: KERNEL }))],
    ['a length that wraps', use(section({ length: (1n << 64n) - 1n }))],
    ['an end beyond user addresses', use(section({ length: 1n << 47n }))],
    ['another signature', use(section({ abort: BigInt(ABORT + 8) }))],
    ['a section nowhere', (b: SyscallBench, at: number) => b.user.setU64(at + 8, 8)],
    ['a section in the kernel', (b: SyscallBench, at: number) => b.user.setU64(at + 8, KERNEL)],
    [
      'flags of the thread',
      (b: SyscallBench, at: number) => {
        use(section({}))(b, at);
        b.user.setU32(at + 16, 1);
      },
    ],
  ])('%s', (_, prepare) => {
    expect(killed(prepare)).toBe(11);
  });
});

describe('rseq of the RFC (--rseq-abi v7)', () => {
  const bench = (options: { lazy?: boolean; counter?: number } = {}) => {
    const b = new SyscallBench({ rseq: { abi: 'v7', lazy: false, counter: 0, ...options } });
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

  it('tells a switch outside of sections only where it is not lazy', () => {
    for (const lazy of [false, true]) {
      const { b, at, call } = bench({ lazy });
      call(at, 0);
      const task = b.process.main;
      for (let i = 0; i < 1000; i++) b.kernel.rseq.returning(task);
      // The registration's own; then a migration.
      expect(b.kernel.rseq.counts.notifications).toBe(lazy ? 1 : 1000);
      task.migrated = true;
      b.kernel.rseq.returning(task);
      expect(b.kernel.rseq.counts.notifications).toBe(lazy ? 2 : 1001);
      b.user.setU64(at + 8, b.words(0x402000, 0x402010, 0x402020));
      b.kernel.rseq.returning(task);
      expect(b.kernel.rseq.counts.notifications).toBe(lazy ? 3 : 1002);
    }
  });

  it('has a counter that wraps: after 2^32 events a comparison passes that should not', () => {
    const { b, at, call } = bench({ counter: 0xffff_fffe });
    call(at, 0);
    const seen: number[] = [];
    for (let i = 0; i < 4; i++) {
      b.kernel.rseq.returning(b.process.main);
      seen.push(b.user.u32(at + 4));
    }
    expect(seen).toEqual([0xffff_ffff, 0, 1, 2]);
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
