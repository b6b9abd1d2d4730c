import { describe, expect, it } from 'vitest';
import { SyscallBench } from '../../support/syscalls.ts';

const SIGNATURE = 0x53053053;

describe('arch_prctl', () => {
  it('has the measured results', () => {
    const b = new SyscallBench();
    const out = b.room(8);
    const prctl = (code: number, address: number | bigint) => b.call('arch_prctl', code, address);
    expect(prctl(0x1002, 0x1234_5678)).toBe(0);
    expect(prctl(0x1003, out)).toBe(0);
    expect(b.user.word(out)).toBe(0x1234_5678);
    expect(prctl(0x1001, 0x7fff_ffff_efff)).toBe(0);
    expect(prctl(0x1004, out)).toBe(0);
    expect(b.user.word(out)).toBe(0x7fff_ffff_efff);
    expect(prctl(0x1002, 0xffff_8000_0000_0000n)).toBe('EPERM');
    expect(prctl(0x1001, 1n << 63n)).toBe('EPERM');
    expect(prctl(0x1003, 16)).toBe('EFAULT');
    for (const code of [0x4000, 0x4005, 0x9999]) expect(prctl(code, out)).toBe('EINVAL');
  });
});

describe('rseq', () => {
  const register = (b: SyscallBench, at: number | bigint, length = 32, flags = 0, signature = SIGNATURE) =>
    b.call('rseq', at, length, flags, signature);

  it('has the measured results while registered', () => {
    const b = new SyscallBench();
    const base = Math.ceil(b.scratch / 64) * 64;
    b.user.write(base, new Uint8Array(28).fill(0x77));
    expect(register(b, base)).toBe(0);
    expect([0, 4, 8, 12, 20, 24].map((offset) => b.user.u32(base + offset))).toEqual([0, 0, 0, 0, 0, 0]);
    expect(b.user.u32(base + 16)).toBe(0x77777777);
    expect(register(b, base + 64)).toBe('EINVAL');
    expect(register(b, base)).toBe('EBUSY');
    expect(register(b, base, 32, 0, 1)).toBe('EPERM');
    expect(register(b, base, 64)).toBe('EINVAL');
    expect(register(b, base, 32, 2)).toBe('EINVAL');
    expect(register(b, base, 32, 3)).toBe('EINVAL');
    expect(register(b, base + 64, 32, 1)).toBe('EINVAL');
    expect(register(b, base, 64, 1)).toBe('EINVAL');
    expect(register(b, base, 32, 1, 1)).toBe('EPERM');
    expect(register(b, base, 32, 1)).toBe(0);
    expect([0, 4, 20, 24].map((offset) => b.user.u32(base + offset))).toEqual([0, 0xffff_ffff, 0, 0]);
    expect(register(b, base, 32, 1)).toBe('EINVAL');
  });

  it('has the measured results for bad registrations', () => {
    const b = new SyscallBench();
    const base = Math.ceil(b.scratch / 64) * 64;
    expect(register(b, 0)).toBe('EFAULT');
    expect(register(b, 0xffff_8000_0000_0000n)).toBe('EFAULT');
    expect(register(b, base + 8)).toBe('EINVAL');
    for (const length of [20, 28, 31]) expect(register(b, base, length)).toBe('EINVAL');
    for (const length of [33, 4096]) {
      expect(register(b, base, length)).toBe(0);
      expect(register(b, base, length, 1)).toBe(0);
    }
    b.user.setU64(base + 8, 0x1234);
    expect(register(b, base)).toBe(0);
    expect(b.user.word(base + 8)).toBe(0);
  });
});

describe('membarrier', () => {
  it('has the measured results', () => {
    const b = new SyscallBench();
    const results = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512].map((command) => b.call('membarrier', command, 0, 0));
    expect(results).toEqual([0x3ff, 0, 0, 0, 'EPERM', 0, 'EPERM', 0, 'EPERM', 0, 0x154]);
    expect(b.call('membarrier', 0, 1, 0)).toBe('EINVAL');
    expect(b.call('membarrier', 128, 1, 0)).toBe(0);
    expect(b.call('membarrier', 128, 1, 99)).toBe(0);
    expect(b.call('membarrier', 8, 1, 0)).toBe('EINVAL');
    expect(b.call('membarrier', 3, 0, 0)).toBe('EINVAL');
  });
});

describe('small calls', () => {
  it('answer as a first process on one CPU', () => {
    const b = new SyscallBench();
    const out = b.room(512);
    expect(b.call('getpid')).toBe(1000);
    expect(b.call('gettid')).toBe(1000);
    expect(b.call('set_tid_address', out)).toBe(1000);
    expect(b.call('set_robust_list', out, 24)).toBe(0);
    expect(b.call('set_robust_list', out, 25)).toBe('EINVAL');
    expect(b.call('sched_getaffinity', 0, 128, out)).toBe(8);
    expect(b.user.word(out)).toBe(1);
    expect(b.call('sched_getaffinity', 0, 4, out)).toBe('EINVAL');
    expect(b.call('wait4', -1, 0, 0, 0)).toBe('ECHILD');
    expect(b.call('getuid')).toBe(0);
    expect(b.call('uname', out)).toBe(0);
    expect(b.user.path(out)).toBe('Linux');
    expect(b.user.path(out + 4 * 65)).toBe('x86_64');
    expect(b.call('prlimit64', 0, 3, 0, out)).toBe(0);
    expect(b.user.word(out)).toBe(8 << 20);
    expect(b.call('prlimit64', 0, 99, 0, out)).toBe('EINVAL');
    expect(b.call('sysinfo', out)).toBe(0);
    expect(b.user.word(out + 32)).toBe(16 << 20);
    expect(b.call('getcpu', out, out + 4, 0)).toBe(0);
    expect(b.call('personality', 0xffffffff)).toBe(0);
  });

  it('draw random bytes from the seed', () => {
    const draw = (seed: number): string => {
      const b = new SyscallBench({ seed });
      const out = b.room(64);
      expect(b.call('getrandom', out, 64, 1)).toBe(64);
      return Buffer.from(b.user.read(out, 64)).toString('hex');
    };
    expect(draw(5)).toBe(draw(5));
    expect(draw(5)).not.toBe(draw(6));
    const b = new SyscallBench();
    expect(b.call('getrandom', b.room(8), 8, 8)).toBe('EINVAL');
    expect(b.call('getrandom', 16, 8, 0)).toBe('EFAULT');
  });

  it('give and drop privileges', () => {
    const b = new SyscallBench();
    expect(b.call('setresuid', 1, 2, 3)).toBe(0);
    expect(b.call('setuid', 5)).toBe('EPERM');
    expect(b.call('setuid', 3)).toBe(0);
    expect([b.call('getuid'), b.call('geteuid')]).toEqual([1, 3]);
    expect(b.call('setgid', 7)).toBe('EPERM');
  });

  it('end with a status of eight bits', () => {
    const b = new SyscallBench();
    b.call('exit_group', 0x1_2345);
    expect(b.kernel.run()).toEqual({ kind: 'exited', status: 0x45 });
    expect(b.strace.slice(-2)).toEqual(['exit_group(74565) = ?', '+++ exited with 69 +++']);
  });

  it('unknown ones are ENOSYS and named once', () => {
    const b = new SyscallBench();
    expect([b.number(180), b.number(180), b.number(99999), b.number(0x4000_0000)]).toEqual(new Array(4).fill('ENOSYS'));
    expect(b.warnings).toEqual([
      'system call 180 (nfsservctl) is not implemented: ENOSYS',
      'system call 99999 (syscall_99999) is not implemented: ENOSYS',
      'system call 1073741824 (syscall_1073741824) is not implemented: ENOSYS',
    ]);
  });
});
