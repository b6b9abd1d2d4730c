import { describe, expect, it } from 'vitest';
import { E, SysError } from '../../src/kernel/errno.ts';
import { type Backing, SharedPages } from '../../src/kernel/vm/backing.ts';
import { MADV, MAP, MREMAP, PROT } from '../../src/kernel/vm/flags.ts';
import { MMAP_BASE, STACK_TOP, TASK_UNMAPPED_BASE } from '../../src/kernel/vm/layout.ts';
import type { MapSource } from '../../src/kernel/vm.ts';
import { OutOfMemory } from '../../src/memory/physical.ts';
import { addressSpace } from '../support/address-space.ts';

const RW = PROT.READ | PROT.WRITE;
const ANON = MAP.PRIVATE | MAP.ANONYMOUS;
const P = 4096;

const errno = (action: () => unknown): number => {
  try {
    action();
  } catch (error) {
    if (error instanceof SysError) return error.errno;
    throw error;
  }
  return 0;
};

function file(bytes: Uint8Array, options: Partial<MapSource> = {}) {
  let pages: SharedPages | null = null;
  let users = 0;
  const backing: Backing = {
    label: '/file',
    device: 1,
    inode: 2,
    get size() {
      return bytes.length;
    },
    read(offset, into) {
      const part = bytes.subarray(offset, offset + into.length);
      into.set(part);
      return part.length;
    },
    sharedPages(memory) {
      pages ??= new SharedPages(
        memory,
        (offset, into) => backing.read(offset, into),
        (offset, page) => bytes.set(page.subarray(0, Math.max(0, bytes.length - offset)), offset),
      );
      return pages;
    },
    retain: () => users++,
    release: () => users--,
  };
  return { backing, readable: true, writable: true, users: () => users, ...options };
}

describe('mmap', () => {
  it('places top-down below the stack and fills the highest hole', () => {
    const { space } = addressSpace();
    const a = space.mmap(0, P, RW, ANON, null, 0);
    const b = space.mmap(0, 3 * P, RW, ANON, null, 0);
    const c = space.mmap(0, P, PROT.READ, ANON, null, 0);
    expect([a, b, c]).toEqual([MMAP_BASE - P, MMAP_BASE - 4 * P, MMAP_BASE - 5 * P]);
    space.munmap(b, 3 * P);
    expect(space.mmap(0, 2 * P, RW, ANON, null, 0)).toBe(MMAP_BASE - 3 * P);
    expect(space.areas.all.map((x) => [x.start, x.end])).toEqual([
      [c, c + P],
      [MMAP_BASE - 3 * P, MMAP_BASE],
    ]);
  });

  it('takes a free hint, ignores a taken one, lifts a low one', () => {
    const { space } = addressSpace();
    expect(space.mmap(0x1234_5678, P, RW, ANON, null, 0)).toBe(0x1234_6000);
    expect(space.mmap(0x1234_6000, P, RW, ANON, null, 0)).toBe(MMAP_BASE - P);
    expect(space.mmap(0x1000, P, RW, ANON, null, 0)).toBe(0x1_0000);
  });

  it('goes bottom-up when nothing is free below', () => {
    const { space } = addressSpace();
    space.mmap(0x1_0000, MMAP_BASE - 0x1_0000, 0, ANON | MAP.FIXED, null, 0);
    expect(space.mmap(0, P, RW, ANON, null, 0)).toBe(MMAP_BASE);
    const { space: other } = addressSpace();
    other.mmap(0x1_0000, MMAP_BASE - 0x1_0000, 0, ANON | MAP.FIXED, null, 0);
    other.munmap(TASK_UNMAPPED_BASE, P);
    expect(other.mmap(0, P, RW, ANON, null, 0)).toBe(TASK_UNMAPPED_BASE);
  });

  it('fails as Linux does', () => {
    const { space } = addressSpace();
    const map = (address: number, length: number, flags: number, source: MapSource | null = null, prot: number = RW) =>
      errno(() => space.mmap(address, length, prot, flags, source, 0));
    expect(map(0, 0, ANON)).toBe(E.EINVAL);
    expect(map(0, 2 ** 48, ANON)).toBe(E.ENOMEM);
    expect(map(0x1001, P, ANON | MAP.FIXED)).toBe(E.EINVAL);
    expect(map(STACK_TOP, P, ANON | MAP.FIXED)).toBe(E.ENOMEM);
    expect(map(0, P, MAP.ANONYMOUS)).toBe(E.EINVAL);
    expect(map(0, P, MAP.ANONYMOUS | MAP.SHARED_VALIDATE)).toBe(E.EINVAL);
    expect(map(0, P, MAP.ANONYMOUS | MAP.SHARED | MAP.GROWSDOWN)).toBe(E.EINVAL);
    expect(map(0, P, MAP.PRIVATE, file(new Uint8Array(1), { readable: false }))).toBe(E.EACCES);
    expect(map(0, P, MAP.SHARED, file(new Uint8Array(1), { writable: false }))).toBe(E.EACCES);
    expect(map(0, P, MAP.SHARED, file(new Uint8Array(1), { writable: false }), PROT.READ)).toBe(0);
    expect(map(0x10_0000, P, ANON | MAP.FIXED_NOREPLACE)).toBe(0);
    expect(map(0x0f_f000, 2 * P, ANON | MAP.FIXED_NOREPLACE)).toBe(E.EEXIST);
    expect(map(0, 8 << 20, ANON)).toBe(E.ENOMEM);
    expect(map(0, 8 << 20, ANON | MAP.NORESERVE)).toBe(0);
  });

  it('replaces what lies under MAP_FIXED', () => {
    const { space, user, memory } = addressSpace();
    const at = space.mmap(0, 4 * P, RW, ANON, null, 0);
    user.write(at, new Uint8Array(4 * P).fill(7));
    const before = memory.framesInUse;
    space.mmap(at + P, P, PROT.READ, ANON | MAP.FIXED, null, 0);
    expect(memory.framesInUse).toBe(before - 1);
    expect(user.read(at + P, 1)[0]).toBe(0);
    expect(user.read(at + 2 * P, 1)[0]).toBe(7);
    expect(space.areas.all).toHaveLength(3);
  });
});

describe('page faults', () => {
  it('give zeroed frames at first touch, and none before', () => {
    const { space, memory } = addressSpace();
    const before = memory.framesInUse;
    const at = space.mmap(0, 64 * P, RW, ANON, null, 0);
    expect(memory.framesInUse).toBe(before);
    expect(space.handleFault(at + 5, 6)).toEqual({ ok: true });
    expect(space.tables.lookup(at)).toMatchObject({ write: true, execute: false, user: true });
    expect([...space.mincore(at, 2 * P)]).toEqual([1, 0]);
  });

  it('name the signal', () => {
    const { space } = addressSpace();
    const at = space.mmap(0, P, PROT.READ, ANON, null, 0);
    const none = space.mmap(0, P, 0, ANON, null, 0);
    expect(space.handleFault(at, 7)).toEqual({ ok: false, signal: 11, code: 2 });
    // A fetch from a page that is not there yet brings it, as on Linux; the next one finds that it may not be executed.
    expect(space.handleFault(at, 0x14)).toEqual({ ok: true });
    expect(space.handleFault(at, 0x15)).toEqual({ ok: false, signal: 11, code: 2 });
    expect(space.handleFault(none, 4)).toEqual({ ok: false, signal: 11, code: 2 });
    expect(space.handleFault(0x1000, 4)).toEqual({ ok: false, signal: 11, code: 1 });
    expect(space.handleFault(2 ** 47, 4)).toEqual({ ok: false, signal: 11, code: 1 });
  });

  it('flush a stale translation instead of looping', () => {
    const { space, flushed } = addressSpace();
    const at = space.mmap(0, P, RW, ANON, null, 0);
    space.handleFault(at, 6);
    expect(space.handleFault(at, 6)).toEqual({ ok: true });
    expect(flushed).toContain(BigInt(at));
  });

  it('read a file, zero its last page’s tail, and give SIGBUS behind its end', () => {
    const { space, user } = addressSpace();
    const at = space.mmap(0, 3 * P, PROT.READ, MAP.PRIVATE, file(new Uint8Array(P + 10).fill(9)), 0);
    expect([...user.read(at + P + 8, 4)]).toEqual([9, 9, 0, 0]);
    expect(space.handleFault(at + 2 * P, 4)).toEqual({ ok: false, signal: 7, code: 2 });
  });

  it('throw OutOfMemory when the frames are used up, and munmap gives them back', () => {
    const { space, user, memory } = addressSpace(1 << 20);
    const at = space.mmap(0, 1 << 20, RW, ANON, null, 0);
    expect(() => user.write(at, new Uint8Array(1 << 20))).toThrow(OutOfMemory);
    space.munmap(at, 1 << 20);
    expect(memory.framesInUse).toBeLessThan(8);
  });

  it('grow the stack to its limit and keep the guard gap', () => {
    const { space, limits } = addressSpace();
    const area = { prot: RW, growsDown: true, backing: null, offset: 0, name: '[stack]' };
    space.mapArea({ ...area, start: STACK_TOP - 0x20000, end: STACK_TOP });
    expect(space.handleFault(STACK_TOP - 0x50_0000, 6)).toEqual({ ok: true });
    expect(space.areas.at(STACK_TOP - 1)!.start).toBe(STACK_TOP - 0x50_0000);
    expect(space.handleFault(STACK_TOP - limits.stack - 1, 6)).toMatchObject({ ok: false, code: 1 });
    expect(space.handleFault(STACK_TOP - limits.stack, 6)).toEqual({ ok: true });
    limits.stack = 64 << 20;
    space.mmap(STACK_TOP - 0xa0_0000, P, RW, ANON | MAP.FIXED, null, 0);
    expect(space.handleFault(STACK_TOP - 0x90_0000, 6)).toMatchObject({ ok: false, code: 1 });
  });
});

describe('mprotect', () => {
  it('changes pages that exist, splits and merges areas', () => {
    const { space, user } = addressSpace();
    const at = space.mmap(0, 3 * P, RW, ANON, null, 0);
    user.write(at, new Uint8Array(3 * P).fill(1));
    space.mprotect(at + P, P, PROT.READ | PROT.EXEC);
    expect(space.tables.lookup(at + P)).toMatchObject({ write: false, execute: true });
    expect(space.areas.all).toHaveLength(3);
    expect(errno(() => user.write(at + P, new Uint8Array(1)))).toBe(E.EFAULT);
    space.mprotect(at + P, P, 0);
    expect(errno(() => user.read(at + P, 1))).toBe(E.EFAULT);
    space.mprotect(at + P, P, RW);
    expect(space.areas.all).toHaveLength(1);
    expect(user.read(at + P, 1)[0]).toBe(1);
  });

  it('fails as Linux does, and changes what lies before a hole', () => {
    const { space } = addressSpace();
    const at = space.mmap(0, 3 * P, RW, ANON, null, 0);
    space.munmap(at + P, P);
    expect(errno(() => space.mprotect(at + 1, P, RW))).toBe(E.EINVAL);
    expect(errno(() => space.mprotect(at, P, 0x40))).toBe(E.EINVAL);
    expect(errno(() => space.mprotect(at, 0, RW))).toBe(0);
    expect(errno(() => space.mprotect(at, 3 * P, PROT.READ))).toBe(E.ENOMEM);
    expect(space.areas.at(at)!.prot).toBe(PROT.READ);
    expect(space.areas.at(at + 2 * P)!.prot).toBe(RW);
    expect(errno(() => space.mprotect(at + P, P, RW))).toBe(E.ENOMEM);
    const read = file(new Uint8Array(P), { writable: false });
    const shared = space.mmap(0, P, PROT.READ, MAP.SHARED, read, 0);
    expect(errno(() => space.mprotect(shared, P, RW))).toBe(E.EACCES);
  });
});

describe('brk', () => {
  it('moves, refuses by returning the old end, and frees when it shrinks', () => {
    const { space, user, memory } = addressSpace();
    space.startHeap(0x41_2345);
    expect(space.brk(0)).toBe(0x41_3000);
    expect(space.brk(0x41_5001)).toBe(0x41_5001);
    user.write(0x41_5000, new Uint8Array(100).fill(3));
    const used = memory.framesInUse;
    expect(space.brk(0x41_3010)).toBe(0x41_3010);
    expect(memory.framesInUse).toBe(used - 1);
    expect(space.brk(0x41_6000)).toBe(0x41_6000);
    expect(user.read(0x41_5000, 1)[0]).toBe(0);
    space.mmap(0x41_8000, P, RW, ANON | MAP.FIXED, null, 0);
    expect(space.brk(0x41_8000)).toBe(0x41_6000);
    expect(space.brk(0x1000)).toBe(0x41_6000);
  });
});

describe('mremap', () => {
  it('grows in place, shrinks, and moves pages with their bytes', () => {
    const { space, user } = addressSpace();
    const at = space.mmap(0x1000_0000, 2 * P, RW, ANON, null, 0);
    user.write(at, Uint8Array.of(1, 2, 3));
    expect(space.mremap(at, 2 * P, 4 * P, 0, 0)).toBe(at);
    expect(space.areas.all).toHaveLength(1);
    space.mmap(at + 4 * P, P, PROT.READ, ANON | MAP.FIXED, null, 0);
    expect(errno(() => space.mremap(at, 4 * P, 5 * P, 0, 0))).toBe(E.ENOMEM);
    const moved = space.mremap(at, 4 * P, 5 * P, MREMAP.MAYMOVE, 0);
    expect(moved).toBe(MMAP_BASE - 5 * P);
    expect([...user.read(moved, 3)]).toEqual([1, 2, 3]);
    expect(errno(() => user.read(at, 1))).toBe(E.EFAULT);
    expect(space.mremap(moved, 5 * P, P, 0, 0)).toBe(moved);
    const fixed = space.mremap(moved, P, P, MREMAP.MAYMOVE | MREMAP.FIXED, 0x2000_0000);
    expect(fixed).toBe(0x2000_0000);
    expect([...user.read(fixed, 3)]).toEqual([1, 2, 3]);
  });

  it('fails as Linux does', () => {
    const { space } = addressSpace();
    const at = space.mmap(0x1000_0000, 2 * P, RW, ANON, null, 0);
    const remap = (...args: [number, number, number, number, number]) => errno(() => space.mremap(...args));
    expect(remap(at, P, P, 8, 0)).toBe(E.EINVAL);
    expect(remap(at, P, P, MREMAP.FIXED, 0)).toBe(E.EINVAL);
    expect(remap(at + 1, P, P, 0, 0)).toBe(E.EINVAL);
    expect(remap(at, P, 0, 0, 0)).toBe(E.EINVAL);
    expect(remap(0x5000, P, 2 * P, 0, 0)).toBe(E.EFAULT);
    expect(remap(at, 3 * P, 4 * P, MREMAP.MAYMOVE, 0)).toBe(E.EFAULT);
    expect(remap(at, 0, P, MREMAP.MAYMOVE, 0)).toBe(E.EINVAL);
    expect(remap(at, 2 * P, 2 * P, MREMAP.MAYMOVE | MREMAP.FIXED, at + P)).toBe(E.EINVAL);
  });
});

describe('madvise, msync and shared memory', () => {
  it('DONTNEED zeroes private anonymous memory and re-reads files', () => {
    const { space, user } = addressSpace();
    const at = space.mmap(0, P, RW, ANON, null, 0);
    const mapped = space.mmap(0, P, RW, MAP.PRIVATE, file(new Uint8Array(P).fill(5)), 0);
    user.write(at, Uint8Array.of(1));
    user.write(mapped, Uint8Array.of(1));
    space.madvise(at, P, MADV.DONTNEED);
    space.madvise(mapped, P, MADV.DONTNEED);
    expect(user.read(at, 1)[0]).toBe(0);
    expect(user.read(mapped, 1)[0]).toBe(5);
    expect(errno(() => space.madvise(at, P, 77))).toBe(E.EINVAL);
    expect(errno(() => space.madvise(at + 1, P, MADV.DONTNEED))).toBe(E.EINVAL);
    expect(errno(() => space.madvise(0x1000, P, MADV.DONTNEED))).toBe(E.ENOMEM);
  });

  it('a shared file mapping reaches the file at msync and at munmap, and only where it was written', () => {
    const { space, user } = addressSpace();
    const bytes = new Uint8Array(2 * P);
    const source = file(bytes);
    const a = space.mmap(0, 2 * P, RW, MAP.SHARED, source, 0);
    const b = space.mmap(0, P, RW, MAP.SHARED, source, P);
    user.write(a + P, Uint8Array.of(42));
    expect(user.read(b, 1)[0]).toBe(42);
    expect(bytes[P]).toBe(0);
    space.msync(a, 2 * P, 4);
    expect(bytes[P]).toBe(42);
    user.write(a, Uint8Array.of(43));
    space.munmap(a, 2 * P);
    space.munmap(b, P);
    expect(bytes[0]).toBe(43);
    expect(source.users()).toBe(0);
  });

  it('gives every frame back at the end', () => {
    const { space, user, memory } = addressSpace();
    const before = memory.framesInUse - 1;
    const at = space.mmap(0, 8 * P, RW, ANON, null, 0);
    const shared = space.mmap(0, 8 * P, RW, MAP.SHARED | MAP.ANONYMOUS, null, 0);
    user.write(at, new Uint8Array(8 * P));
    user.write(shared, new Uint8Array(8 * P));
    space.mprotect(shared + P, P, PROT.READ);
    space.destroy();
    expect(memory.framesInUse).toBe(before);
  });
});
