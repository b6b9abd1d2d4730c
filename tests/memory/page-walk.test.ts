import { describe, expect, it } from 'vitest';
import { Machine } from '../../src/machine/machine.ts';
import { isCanonical, pageWalk, peek } from '../../src/memory/page-walk.ts';
import { EFER } from '../../src/state/layout.ts';

const machine = new Machine({ memory: 1 << 20 });
const { memory, cpu } = machine;
const ROOT = 0x1000;
const LEAF = 0x80000;

/** PML4[0] → 0x2000, PDPT[0] → 0x3000, PD[0] → 0x4000, PT[5] → LEAF, with these bits in the leaf. */
function tables(leaf: bigint): void {
  memory.fill(0, 0x10_000, 0);
  memory.writeU64(ROOT, 0x2007n);
  memory.writeU64(0x2000, 0x3007n);
  memory.writeU64(0x3000, 0x4007n);
  memory.writeU64(0x4000 + 5 * 8, BigInt(LEAF) | leaf);
  machine.setRoot(ROOT);
}

describe('pageWalk', () => {
  it('shows every entry down to the page, and sets no accessed bit', () => {
    tables(0x5n);
    const walk = pageWalk(memory, cpu, 0x5123n);
    expect(walk).toMatchObject({
      end: 'mapped',
      physical: LEAF + 0x123,
      writable: false,
      user: true,
      executable: true,
    });
    expect(walk.steps.map(({ name, index, at }) => [name, index, at])).toEqual([
      ['PML4E', 0, 0x1000],
      ['PDPTE', 0, 0x2000],
      ['PDE', 0, 0x3000],
      ['PTE', 5, 0x4028],
    ]);
    expect(memory.readU64(0x4028)).toBe(BigInt(LEAF) | 5n);
  });

  it('combines the rights of all levels', () => {
    tables(7n);
    memory.writeU64(0x2000, 0x3003n);
    memory.writeU64(0x3000, 0x4005n | (1n << 63n));
    expect(pageWalk(memory, cpu, 0x5000n)).toMatchObject({ writable: false, user: false, executable: false });
  });

  it('ends where an entry is not present, or has a reserved bit', () => {
    tables(0n);
    expect(pageWalk(memory, cpu, 0x5000n)).toMatchObject({ end: 'not-present', physical: null });
    expect(pageWalk(memory, cpu, 1n << 39n).steps).toHaveLength(1);
    tables(7n | (1n << 45n));
    expect(pageWalk(memory, cpu, 0x5000n).end).toBe('reserved-bit');
    tables(7n | (1n << 63n));
    const efer = cpu.u64(EFER);
    cpu.setU64(EFER, efer & ~(1n << 11n));
    expect(pageWalk(memory, cpu, 0x5000n).end).toBe('reserved-bit');
    cpu.setU64(EFER, efer);
    memory.writeU64(0x3000, 0x7f00_0007n);
    expect(pageWalk(memory, cpu, 0x5000n).end).toBe('beyond-memory');
  });

  it('ends at a large page', () => {
    tables(7n);
    memory.writeU64(0x3000, 0x87n);
    expect(pageWalk(memory, cpu, 0x5_1234n)).toMatchObject({ end: 'mapped', physical: 0x5_1234 });
    memory.writeU64(0x3000, 0x4087n);
    expect(pageWalk(memory, cpu, 0x5_1234n).end).toBe('reserved-bit');
  });

  it('knows canonical addresses', () => {
    expect([0n, 0x7fff_ffff_ffffn, 0xffff_8000_0000_0000n].map((a) => isCanonical(a))).toEqual([true, true, true]);
    expect([0x8000_0000_0000n, 0xdfff_fc00_0000_4e62n].map((a) => isCanonical(a))).toEqual([false, false]);
    expect(pageWalk(memory, cpu, 0x8000_0000_0000n)).toMatchObject({ end: 'non-canonical', steps: [] });
  });
});

describe('peek', () => {
  it('stops at the end of what is mapped', () => {
    tables(5n);
    memory.write(LEAF + 0xffe, Uint8Array.of(1, 2));
    expect(peek(memory, cpu, 0x5ffen, 8)).toEqual(Uint8Array.of(1, 2));
    expect(peek(memory, cpu, 0x9000n, 8)).toHaveLength(0);
  });
});
