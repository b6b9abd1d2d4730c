import { describe, expect, it } from 'vitest';
import { UserMemory } from '../../../src/kernel/user-memory.ts';
import { MADV, MAP, PROT } from '../../../src/kernel/vm/flags.ts';
import { addressSpace } from '../../support/address-space.ts';

const RW = PROT.READ | PROT.WRITE;
const P = 4096;
const LIMITS = { stackLimit: () => 8 << 20, addressLimit: () => 1e12, dataLimit: () => 1e12 };

/** A parent with pages of private and of shared memory, each with a word in it, and its child. */
function family() {
  const { memory, space, user, flushed } = addressSpace();
  const own = space.mmap(0, 4 * P, RW, MAP.PRIVATE | MAP.ANONYMOUS, null, 0);
  const shared = space.mmap(0, P, RW, MAP.SHARED | MAP.ANONYMOUS, null, 0);
  user.setU32(own, 1);
  user.setU32(shared, 1);
  const before = memory.framesInUse;
  flushed.length = 0;
  const child = space.fork(LIMITS);
  return { memory, parent: space, child, user, childUser: new UserMemory(child), own, shared, before, flushed };
}

describe('an address space that is forked', () => {
  it('shares private pages until either side writes', () => {
    const { memory, parent, child, user, childUser, own } = family();
    const used = memory.framesInUse;
    expect([user.u32(own), childUser.u32(own)]).toEqual([1, 1]);
    expect(parent.tables.lookup(own)!.frame).toBe(child.tables.lookup(own)!.frame);
    childUser.setU32(own, 2);
    expect([user.u32(own), childUser.u32(own)]).toEqual([1, 2]);
    expect(memory.framesInUse).toBe(used + 1);
    // The other side has the page alone now: no copy more.
    user.setU32(own, 3);
    expect([user.u32(own), childUser.u32(own)]).toEqual([3, 2]);
    expect(memory.framesInUse).toBe(used + 1);
  });

  it('lets go of everything, whoever goes first', () => {
    for (const first of ['parent', 'child'] as const) {
      const { memory, parent, child, user, childUser, own } = family();
      childUser.setU32(own + P, 5);
      const [gone, left, stays] = first === 'parent' ? [parent, child, childUser] : [child, parent, user];
      gone.destroy();
      expect(stays.u32(own)).toBe(1);
      left.destroy();
      expect(memory.framesInUse).toBe(0);
    }
  });

  it('keeps shared memory shared', () => {
    const { user, childUser, shared } = family();
    childUser.setU32(shared, 7);
    expect(user.u32(shared)).toBe(7);
  });

  it('gives no right to write by mprotect to a page that is shared', () => {
    const { parent, user, childUser, own } = family();
    parent.mprotect(own, P, PROT.READ);
    parent.mprotect(own, P, RW);
    expect(parent.tables.lookup(own)!.write).toBe(false);
    user.setU32(own, 9);
    expect([user.u32(own), childUser.u32(own)]).toEqual([9, 1]);
  });

  it('drops what the parent’s TLB could still write through', () => {
    expect(family().flushed).toEqual(['all']);
  });

  it('leaves out what madvise says', () => {
    const { space, user } = addressSpace();
    const at = space.mmap(0, 3 * P, RW, MAP.PRIVATE | MAP.ANONYMOUS, null, 0);
    for (const page of [0, 1, 2]) user.setU32(at + page * P, page + 1);
    space.madvise(at, P, MADV.DONTFORK);
    space.madvise(at + P, P, MADV.WIPEONFORK);
    const child = new UserMemory(space.fork(LIMITS));
    expect(() => child.u32(at)).toThrow();
    expect([child.u32(at + P), child.u32(at + 2 * P)]).toEqual([0, 3]);
  });
});
