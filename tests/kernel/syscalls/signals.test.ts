import { describe, expect, it } from 'vitest';
import { SyscallBench } from '../../support/syscalls.ts';

const bit = (signal: number): bigint => 1n << BigInt(signal - 1);

describe('signals to oneself', () => {
  it.each([
    ['kill', (b: SyscallBench) => b.call('kill', 1000, 15), 15],
    ['kill of the group', (b: SyscallBench) => b.call('kill', 0, 1), 1],
    ['tgkill', (b: SyscallBench) => b.call('tgkill', 1000, 1000, 6), 6],
    ['tkill', (b: SyscallBench) => b.call('tkill', 1000, 34), 34],
  ])('%s terminates', (_, send, signal) => {
    const b = new SyscallBench();
    expect(send(b)).toBe(0);
    expect(b.kernel.run()).toMatchObject({ kind: 'killed', signal, fault: null });
  });

  it('are ignored by default or by choice', () => {
    const b = new SyscallBench();
    for (const signal of [0, 17, 18, 23, 28]) expect(b.call('kill', 1000, signal)).toBe(0);
    expect(b.call('rt_sigaction', 15, b.words(1, 0, 0, 0), 0, 8)).toBe(0);
    b.call('kill', 1000, 15);
    expect(b.process.end).toBeNull();
    b.call('kill', 1000, 9);
    expect(b.process.end).toMatchObject({ signal: 9 });
  });

  it('fail as Linux does', () => {
    const b = new SyscallBench();
    expect(b.call('kill', 1000, 65)).toBe('EINVAL');
    expect(b.call('kill', 77, 0)).toBe('ESRCH');
    expect(b.call('kill', -1, 15)).toBe('ESRCH');
    expect(b.call('tgkill', 1000, 0, 15)).toBe('EINVAL');
    expect(b.call('tgkill', 1000, 5, 15)).toBe('ESRCH');
    expect(b.call('rt_sigaction', 9, b.words(1, 0, 0, 0), 0, 8)).toBe('EINVAL');
    expect(b.call('rt_sigaction', 65, 0, b.room(32), 8)).toBe('EINVAL');
    expect(b.call('rt_sigaction', 1, 0, 0, 4)).toBe('EINVAL');
    expect(b.call('rt_sigprocmask', 3, b.words(0), 0, 8)).toBe('EINVAL');
    expect(b.call('rt_sigaction', 1, 8, 0, 8)).toBe('EFAULT');
  });

  it('wait while blocked, and act when unblocked', () => {
    const b = new SyscallBench();
    const out = b.room(8);
    expect(b.call('rt_sigprocmask', 0, b.words(bit(15) | bit(9)), out, 8)).toBe(0);
    expect(b.user.u64(out)).toBe(0n);
    b.call('kill', 1000, 15);
    b.call('kill', 1000, 15);
    expect(b.process.end).toBeNull();
    b.call('rt_sigpending', out, 8);
    expect(b.user.u64(out)).toBe(bit(15));
    b.call('rt_sigprocmask', 2, 0, out, 8);
    expect(b.user.u64(out)).toBe(bit(15));
    const info = b.room(128);
    expect(b.call('rt_sigtimedwait', b.words(bit(15)), info, 0, 8)).toBe(15);
    expect([b.user.u32(info), b.user.u32(info + 16)]).toEqual([15, 1000]);
    expect(b.call('rt_sigtimedwait', b.words(bit(15)), info, b.words(0, 0), 8)).toBe('EAGAIN');
    b.call('kill', 1000, 15);
    b.call('rt_sigprocmask', 1, b.words(bit(15)), 0, 8);
    expect(b.process.end).toMatchObject({ kind: 'killed', signal: 15 });
  });

  it('with a handler enter it with its arguments and a frame', () => {
    const b = new SyscallBench();
    b.call('rt_sigaction', 10, b.words(0x401000, 0x0400_0000, 0x402000, bit(3) | bit(9)), 0, 8);
    const out = b.room(32);
    b.call('rt_sigaction', 10, 0, out, 8);
    expect([b.user.word(out), b.user.u64(out + 24)]).toEqual([0x401000, bit(3)]);
    b.call('kill', 1000, 10);
    const { cpu } = b.machine;
    const frame = Number(cpu.gpr(4));
    expect([cpu.rip, cpu.gpr(7), frame % 16]).toEqual([0x401000n, 10n, 8]);
    expect([cpu.gpr(6), cpu.gpr(2)]).toEqual([BigInt(frame + 312), BigInt(frame + 8)]);
    expect(b.user.u64(frame)).toBe(0x402000n);
    expect([b.user.u32(frame + 312), b.user.u32(frame + 328)]).toEqual([10, 1000]);
    // What the handler blocks: its own signal and the action's mask.
    b.call('rt_sigprocmask', 0, 0, out, 8);
    expect(b.user.u64(out)).toBe(bit(3) | bit(10));
  });
});

describe('sigaltstack', () => {
  it('keeps what it is given and checks it', () => {
    const b = new SyscallBench();
    const out = b.room(24);
    expect(b.call('sigaltstack', 0, out)).toBe(0);
    expect(b.user.u32(out + 8)).toBe(2);
    expect(b.call('sigaltstack', b.words(0x10000, 0, 2047), 0)).toBe('ENOMEM');
    expect(b.call('sigaltstack', b.words(0x10000, 4, 8192), 0)).toBe('EINVAL');
    expect(b.call('sigaltstack', b.words(0x10000, 0, 8192), 0)).toBe(0);
    b.call('sigaltstack', 0, out);
    expect([b.user.word(out), b.user.u32(out + 8), b.user.word(out + 16)]).toEqual([0x10000, 0, 8192]);
    expect(b.call('sigaltstack', b.words(0, 2, 0), 0)).toBe(0);
  });
});

describe('waiting for what nobody brings', () => {
  it.each([
    ['pause', (b: SyscallBench) => b.call('pause'), /a signal/],
    ['sigsuspend', (b: SyscallBench) => b.call('rt_sigsuspend', b.words(0), 8), /a signal/],
    ['futex', (b: SyscallBench) => b.call('futex', b.words(7), 128, 7, 0, 0, 0), /futex at 0x/],
    [
      'an empty pipe',
      (b: SyscallBench) => {
        const fds = b.room(8);
        b.call('pipe2', fds, 0);
        return b.call('read', b.user.u32(fds), b.room(8), 8);
      },
      /data in a pipe/,
    ],
    [
      'poll',
      (b: SyscallBench) => {
        const fds = b.room(8);
        b.call('pipe2', fds, 0);
        return b.call('poll', b.words(BigInt(b.user.u32(fds)) | (1n << 32n)), 1, -1);
      },
      /poll/,
    ],
  ] as const)('%s is a deadlock', (_, wait, reason) => {
    const b = new SyscallBench();
    wait(b);
    expect(b.kernel.run()).toEqual({ kind: 'deadlock', threads: 1, reason: expect.stringMatching(reason) });
  });

  it('lasts until the timeout where there is one, in virtual time', () => {
    const b = new SyscallBench();
    const now = () => {
      const out = b.room(16);
      b.call('clock_gettime', 1, out);
      return b.user.u64(out) * 1_000_000_000n + b.user.u64(out + 8);
    };
    const start = now();
    expect(b.call('futex', b.words(7), 128, 7, b.words(2, 5), 0, 0)).toBe('ETIMEDOUT');
    expect(now() - start).toBe(2_000_000_005n);
    expect(b.call('futex', b.words(7), 128, 8, 0, 0, 0)).toBe('EAGAIN');
    expect(b.call('futex', b.scratch + 2, 128, 0, 0, 0, 0)).toBe('EINVAL');
    expect(b.call('futex', 16, 128, 0, 0, 0, 0)).toBe('EFAULT');
    expect(b.call('futex', b.words(7), 1, 100, 0, 0, 0)).toBe(0);
    expect(b.call('nanosleep', b.words(3600, 0), 0)).toBe(0);
    expect(b.call('clock_nanosleep', 1, 1, b.words(1, 0), 0)).toBe(0);
    expect(b.call('nanosleep', b.words(0, 1_000_000_000), 0)).toBe('EINVAL');
    expect(now() - start).toBe(3_602_000_000_005n);
    expect(b.call('poll', 0, 0, 1000)).toBe(0);
    expect(now() - start).toBe(3_603_000_000_005n);
  });
});
