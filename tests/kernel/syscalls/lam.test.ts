import { describe, expect, it } from 'vitest';
import { SyscallBench } from '../../support/syscalls.ts';

const GET_UNTAG_MASK = 0x4001;
const ENABLE = 0x4002;
const MAX_TAG_BITS = 0x4003;
const FORCE_SVA = 0x4004;
const OFF = 0xffff_ffff_ffff_ffffn;
const ON = 0x81ff_ffff_ffff_ffffn;
const TAG = 0x3fn << 57n;
const VM_THREAD = 0x3d0f00;

/** A thread or process whose stack is nowhere: only its being there matters. */
const clone = (b: SyscallBench, flags: number): number | string => b.call('clone', flags, 0, 0, 0, 0);
const mask = (b: SyscallBench): bigint => {
  const out = b.room(8);
  expect(b.call('arch_prctl', GET_UNTAG_MASK, out)).toBe(0);
  return b.user.u64(out);
};

describe('linear address masking (arch_prctl)', () => {
  it('is off at first, and on for good', () => {
    const b = new SyscallBench();
    expect(mask(b)).toBe(OFF);
    const out = b.room(8);
    expect(b.call('arch_prctl', MAX_TAG_BITS, out)).toBe(0);
    expect(b.user.u64(out)).toBe(6n);
    expect([0, 7, 64, -1].map((bits) => b.call('arch_prctl', ENABLE, bits))).toEqual(new Array(4).fill('EINVAL'));
    expect(b.call('arch_prctl', ENABLE, 6)).toBe(0);
    expect(mask(b)).toBe(ON);
    expect([6, 0, 7].map((bits) => b.call('arch_prctl', ENABLE, bits))).toEqual(new Array(3).fill('EBUSY'));
    expect(b.call('arch_prctl', FORCE_SVA, 0)).toBe(0);
  });

  it.each([1, 2, 3, 4, 5])('gives 6 bits to whoever asks for %i', (bits) => {
    const b = new SyscallBench();
    expect(b.call('arch_prctl', ENABLE, bits)).toBe(0);
    expect(mask(b)).toBe(ON);
  });

  it('is ENODEV on a CPU without it, whatever is asked for', () => {
    const b = new SyscallBench({ cpu: 'default,-lam' });
    expect([0, 6, 7].map((bits) => b.call('arch_prctl', ENABLE, bits))).toEqual(new Array(3).fill('ENODEV'));
    const out = b.room(8);
    expect(b.call('arch_prctl', MAX_TAG_BITS, out)).toBe(0);
    expect(b.user.u64(out)).toBe(0n);
    expect(b.machine.cpuid(7, 1)[0] & (1 << 26)).toBe(0);
    expect(new SyscallBench().machine.cpuid(7, 1)[0] & (1 << 26)).not.toBe(0);
  });

  it('faults where its own argument cannot be written', () => {
    const b = new SyscallBench();
    expect(b.call('arch_prctl', GET_UNTAG_MASK, 8)).toBe('EFAULT');
    expect(b.call('arch_prctl', MAX_TAG_BITS, 8)).toBe('EFAULT');
  });

  it('is settled by the first thread', () => {
    const b = new SyscallBench();
    expect(clone(b, VM_THREAD)).toBe(1001);
    expect(b.call('arch_prctl', ENABLE, 6)).toBe('EBUSY');
    expect(mask(b)).toBe(OFF);
  });

  it('is not settled by fork or vfork; a forked child has what its parent has', () => {
    const b = new SyscallBench();
    expect(clone(b, 17)).toBe(1001);
    expect(b.call('arch_prctl', ENABLE, 6)).toBe(0);
    expect(clone(b, 17)).toBe(1002);
    const lam = (pid: number) => b.kernel.processes.get(pid)!.space.lam.enabled;
    expect([lam(1001), lam(1002)]).toEqual([false, true]);
  });

  it('lets every system call take pointers with tags, nested ones too', () => {
    const b = new SyscallBench();
    b.call('arch_prctl', ENABLE, 6);
    const tagged = (address: number): bigint => BigInt(address) | TAG;
    const fds = b.room(8);
    expect(b.call('pipe2', tagged(fds), 0)).toBe(0);
    const [reader, writer] = [b.user.u32(fds), b.user.u32(fds + 4)];
    expect(b.call('write', writer, tagged(b.text('tagged')), 6)).toBe(6);
    const out = b.room(8);
    const vector = b.words(tagged(out), 3, tagged(out + 3), 3);
    expect(b.call('readv', reader, tagged(vector), 2)).toBe(6);
    expect(Buffer.from(b.user.read(out, 6)).toString()).toBe('tagged');
    expect(b.call('open', tagged(b.text('/etc/passwd')), 0, 0)).toBe(5);
    expect(b.call('mprotect', tagged(b.scratch), 4096, 3)).toBe(0);
    expect(b.call('madvise', tagged(b.scratch + (1 << 19)), 4096, 4)).toBe(0);
    expect(b.call('futex', tagged(b.words(1)), 128, 0, 0, 0, 0)).toBe('EAGAIN');
  });

  it('takes no tag for where a mapping goes, for a base, or while it is off', () => {
    const b = new SyscallBench();
    const path = BigInt(b.text('/etc/passwd')) | TAG;
    expect(b.call('open', path, 0, 0)).toBe('EFAULT');
    b.call('arch_prctl', ENABLE, 6);
    expect(b.call('open', path, 0, 0)).toBe(3);
    expect(b.call('mmap', BigInt(b.scratch) | TAG, 4096, 3, 0x32, -1, 0)).toBe('ENOMEM');
    expect(b.call('arch_prctl', 0x1002, BigInt(b.scratch) | TAG)).toBe('EPERM');
    // Bit 63 selects the kernel's half, and bit 56 is no tag.
    expect(b.call('open', path | (1n << 63n), 0, 0)).toBe('EFAULT');
    expect(b.call('open', path | (1n << 56n), 0, 0)).toBe('EFAULT');
  });
});
