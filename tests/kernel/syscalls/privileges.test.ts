import { describe, expect, it } from 'vitest';
import { SyscallBench } from '../../support/syscalls.ts';

const VERSION_3 = 0x2008_0522;
const ALL = [0xffff_ffff, 0xffff_ffff, 0, 0x1ff, 0x1ff, 0];

describe('capabilities', () => {
  const get = (b: SyscallBench): number[] | string => {
    const data = b.room(24);
    const result = b.call('capget', b.words(VERSION_3), data);
    return typeof result === 'string' ? result : Array.from({ length: 6 }, (_, i) => b.user.u32(data + 4 * i));
  };

  it('are all of root and none of others', () => {
    expect(get(new SyscallBench())).toEqual(ALL);
    expect(get(new SyscallBench({ uid: 1000, gid: 1000 }))).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('can be dropped and not taken back', () => {
    const b = new SyscallBench();
    const set = (effective: number, permitted: number, inheritable: number): number | string => {
      const data = b.bytes(new Uint8Array(Uint32Array.of(effective, permitted, inheritable, 0, 0, 0).buffer));
      return b.call('capset', b.words(VERSION_3), data);
    };
    expect(set(1, 3, 0)).toBe(0);
    expect(get(b)).toEqual([1, 3, 0, 0, 0, 0]);
    expect(set(3, 3, 2)).toBe(0);
    expect(set(4, 7, 0)).toBe('EPERM');
    expect(set(7, 3, 0)).toBe('EPERM');
    expect(set(0, 0, 4)).toBe('EPERM');
    expect(get(b)).toEqual([3, 3, 2, 0, 0, 0]);
  });
});

describe('strict mode of seccomp', () => {
  it('kills whoever makes another call', () => {
    const b = new SyscallBench();
    expect(b.call('prctl', 22, 2)).toBe('EINVAL');
    expect(b.call('seccomp', 1, 0, b.room(16))).toBe('EINVAL');
    expect(b.call('seccomp', 0, 0, 0)).toBe(0);
    expect(b.call('write', 1, b.text('x'), 1)).toBe(1);
    b.call('getpid');
    expect(b.process.end).toMatchObject({ kind: 'killed', signal: 9 });
  });
});
