import { describe, expect, it } from 'vitest';
import { E } from '../../src/kernel/errno.ts';
import { decodeName, encodeName } from '../../src/kernel/user-memory.ts';
import { MAP, PROT } from '../../src/kernel/vm/flags.ts';
import { addressSpace } from '../support/address-space.ts';

const P = 4096;

function twoPages() {
  const all = addressSpace();
  const at = all.space.mmap(0, 3 * P, PROT.READ | PROT.WRITE, MAP.PRIVATE | MAP.ANONYMOUS, null, 0);
  all.space.munmap(at + 2 * P, P);
  return { ...all, at };
}

describe('UserMemory', () => {
  it('crosses pages and tells the code cache', () => {
    const { user, at, memory } = twoPages();
    const heard: number[] = [];
    memory.observe((_, length) => heard.push(length));
    user.write(at + P - 3, Uint8Array.of(1, 2, 3, 4, 5));
    expect(heard).toEqual(expect.arrayContaining([3, 2]));
    expect([...user.read(at + P - 4, 7)]).toEqual([0, 1, 2, 3, 4, 5, 0]);
    user.setU32(at + P - 2, 0xdeadbeef);
    expect(user.u32(at + P - 2)).toBe(0xdeadbeef);
    user.setU64(at + 8, -1n);
    expect(user.u64(at + 8)).toBe(0xffff_ffff_ffff_ffffn);
  });

  it('says how far an access may go', () => {
    const { user, at, space } = twoPages();
    expect(user.span(at + 10, 3 * P, true)).toBe(2 * P - 10);
    space.mprotect(at + P, P, PROT.READ);
    expect(user.span(at, 2 * P, true)).toBe(P);
    expect(user.span(at, 2 * P, false)).toBe(2 * P);
    expect(user.span(0, 1, false)).toBe(0);
  });

  it('fails with EFAULT on holes, kernel addresses and read-only pages', () => {
    const { user, at } = twoPages();
    for (const bad of [0, at + 2 * P, 2 ** 47, Number(0xffff_ffff_8000_0000n)]) {
      expect(() => user.read(bad, 1)).toThrow('EFAULT');
      expect(() => user.write(bad, Uint8Array.of(1))).toThrow('EFAULT');
      expect(() => user.u32(bad)).toThrow('EFAULT');
    }
    expect(() => user.read(at + 2 * P - 1, 2)).toThrow('EFAULT');
  });

  it('reads strings to their end and not further', () => {
    const { user, at } = twoPages();
    user.write(at + 2 * P - 4, Uint8Array.of(0x61, 0x62, 0x63, 0));
    expect(user.path(at + 2 * P - 4)).toBe('abc');
    user.write(at + 2 * P - 1, Uint8Array.of(0x64));
    expect(() => user.path(at + 2 * P - 4)).toThrow('EFAULT');
    user.write(at, new Uint8Array(2 * P).fill(0x61));
    expect(() => user.path(at)).toThrow('ENAMETOOLONG');
    expect(() => user.cstring(at, 100, E.E2BIG)).toThrow('E2BIG');
  });

  it('keeps every byte of a file name', () => {
    for (const bytes of [[0x61, 0xc3, 0xa9], [0xff, 0x61], [0xc3], [0x80, 0xfe], []]) {
      expect([...encodeName(decodeName(Uint8Array.from(bytes)))]).toEqual(bytes);
    }
  });
});
