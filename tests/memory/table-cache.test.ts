import { describe, expect, it, test } from 'vitest';
import { ENGINE_NAMES, type EngineName } from '../../src/exec/engine.ts';
import type { FreedWalk } from '../../src/memory/mmu.ts';
import { TableCache } from '../../src/memory/table-cache.ts';
import * as L from '../../src/state/layout.ts';
import { AT, KernelBed, word } from '../support/kernel-bed.ts';

/** A page table of two pages, below a directory that stands in the identity map: PDE[8] of it. */
const LINEAR = 0x100_0000;
const NEXT = LINEAR + 0x1000;
const [TABLE, FRAME, OTHER] = [0x30_0000, 0x31_0000, 0x32_0000];
const A = 0x20n;

function bed(engine: EngineName): { b: KernelBed; pde: number } {
  const b = new KernelBed(engine).boot();
  const directory = Number(b.read(Number(b.read(b.tables.root) & ~0xfffn)) & ~0xfffn);
  const pde = directory + 8 * (LINEAR >> 21);
  b.write(pde, BigInt(TABLE) | 3n);
  b.write(TABLE, BigInt(FRAME) | 3n);
  b.write(TABLE + 8, BigInt(OTHER) | 3n);
  b.write(FRAME, 0x11n);
  b.write(OTHER, 0x22n);
  return { b, pde };
}
// mov AT,%rax
const load = (at: number): string => `48 8b 04 25 ${word(at)}`;
const RELOAD_CR3 = '0f 20 d9 0f 22 d9';
const INVLPG_ELSEWHERE = `0f 01 3c 25 ${word(AT.data)}`;
/** mov %cr4,%rcx; xor $0x80,%rcx; mov %rcx,%cr4 */
const TOGGLE_PGE = '0f 20 e1 48 81 f1 80 00 00 00 0f 22 e1';
const PCIDE = 1n << 17n;
/** mov %cr3,%rcx; bts $63,%rcx; mov %rcx,%cr3 */
const CR3_NOFLUSH = '0f 20 d9 48 0f ba e9 3f 0f 22 d9';

describe.each(ENGINE_NAMES)('paging-structure caches (%s)', (engine) => {
  /** Uses one page, takes the table away, does something, and uses the page beside it. */
  const after = (what: string, prepare: (b: KernelBed) => void = () => {}): string => {
    const { b, pde } = bed(engine);
    prepare(b);
    expect(b.ends(`${load(LINEAR)} f4`)).toBe('hlt');
    b.write(pde, 0n);
    const ended = b.ends(`${what} ${load(NEXT)} f4`);
    if (ended === 'hlt') expect(b.cpu.gpr(0)).toBe(0x22n);
    return ended;
  };
  const pcid = (b: KernelBed): void => b.cpu.setU64(L.CR4, b.cpu.u64(L.CR4) | PCIDE);

  it.each([
    ['nothing', '90', 'hlt', () => {}],
    ['INVLPG of any page', INVLPG_ELSEWHERE, '#14(0)', () => {}],
    ['INVLPG of no page', `48 b9 00 00 00 00 00 80 00 00 0f 01 39`, 'hlt', () => {}],
    ['MOV to CR3', RELOAD_CR3, '#14(0)', () => {}],
    ['MOV to CR3 with a PCID', RELOAD_CR3, '#14(0)', pcid],
    ['MOV to CR3 with bit 63', CR3_NOFLUSH, 'hlt', pcid],
    ['a change of CR4.PGE', TOGGLE_PGE, '#14(0)', () => {}],
  ] as const)('%s, and a table that is gone: %s', (_, what, ending, prepare) => {
    expect(after(what, prepare)).toBe(ending);
  });

  test('a page fault drops what was used for its address', () => {
    const { b, pde } = bed(engine);
    b.write(TABLE + 8, 0n);
    b.ends(`${load(LINEAR)} f4`);
    // The next table has the page; the CPU still looks at the first one, once.
    b.write(TABLE + 0x1000, BigInt(FRAME) | 3n);
    b.write(TABLE + 0x1008, BigInt(OTHER) | 3n);
    b.write(pde, BigInt(TABLE + 0x1000) | 3n);
    expect(b.ends(`${load(NEXT)} f4`)).toBe('#14(0)');
    b.cpu.setGpr(4, BigInt(AT.stack));
    expect(b.ends(`${load(NEXT)} f4`)).toBe('hlt');
    expect(b.cpu.gpr(0)).toBe(0x22n);
  });

  test('rights of the entries above are as they were when they were cached', () => {
    const { b, pde } = bed(engine);
    b.ends(`${load(LINEAR)} f4`);
    b.write(pde, BigInt(TABLE) | 1n);
    // mov %rax,NEXT
    const store = `48 89 04 25 ${word(NEXT)} f4`;
    expect(b.ends(store)).toBe('hlt');
    b.machine.mmu.flushPage(BigInt(NEXT));
    expect(b.ends(store)).toBe('#14(3)');
  });

  test('a walk through a table that is gone, and the A bit that it leaves there, are told', () => {
    const { b, pde } = bed(engine);
    const walks: FreedWalk[] = [];
    b.machine.mmu.freedWalk = (walk) => void walks.push(walk);
    b.ends(`${load(LINEAR)} ${load(NEXT)} f4`);
    expect(walks).toEqual([]);
    b.machine.mmu.speculate(BigInt(NEXT));
    b.write(pde, 0n);
    b.write(TABLE + 16, BigInt(OTHER) | 3n);
    b.ends(`${load(NEXT)} f4`);
    // Cached translations walk no tables.
    expect(walks).toEqual([]);
    b.ends(`${load(NEXT + 0x1000)} f4`);
    expect(walks).toEqual([
      {
        linear: BigInt(NEXT + 0x1000),
        access: 'read',
        table: TABLE,
        marked: [{ level: 0, at: TABLE + 16, bits: Number(A) }],
      },
    ]);
    expect(b.read(TABLE + 16)).toBe(BigInt(OTHER) | 3n | A);
  });

  describe('a walk that nobody has asked for', () => {
    test('sets A and no D, fills the TLB, and faults nowhere', () => {
      const { b, pde } = bed(engine);
      b.ends('f4');
      const { mmu } = b.machine;
      const done = mmu.speculate(BigInt(LINEAR));
      expect(done).toMatchObject({ walked: true, found: true });
      expect([b.read(pde) & A, b.read(TABLE)]).toEqual([A, BigInt(FRAME) | 3n | A]);
      expect(mmu.speculate(BigInt(LINEAR))).toEqual({ walked: false, why: 'cached' });
      const { walks } = mmu.counts;
      expect(mmu.speculate(BigInt(LINEAR + 0x5000))).toEqual({ walked: true, found: false, marked: [] });
      expect(mmu.speculate(1n << 50n)).toEqual({ walked: false, why: 'non-canonical' });
      expect(mmu.counts.walks).toBe(walks + 1);
      expect(b.cpu.u64(L.CR2)).toBe(0n);
    });

    test('a user cannot compel one of the kernel’s half under LASS', () => {
      const { b } = bed(engine);
      b.level(3);
      const high = 0xffff_8880_0000_0000n;
      expect(b.machine.mmu.speculate(high)).toMatchObject({ walked: true });
      b.cpu.setU64(L.CR4, b.cpu.u64(L.CR4) | (1n << 27n));
      b.machine.mmu.flushFast();
      expect(b.machine.mmu.speculate(high)).toEqual({ walked: false, why: 'kept out' });
    });
  });
});

test('the lowest table that is known answers, and each address space has its own', () => {
  const cache = new TableCache();
  const start = { writable: true, user: true, executable: true };
  cache.set(1, 0, 0x20_0000, { ...start, level: 2, table: 0x1000 });
  cache.set(1, 0, 0x20_0000, { ...start, level: 0, table: 0x3000 });
  expect(cache.find(1, 0, 0x20_5000)?.table).toBe(0x3000);
  expect(cache.find(1, 0, 0x40_0000)?.table).toBe(0x1000);
  expect(cache.find(1, 0x80, 0)).toBeUndefined();
  expect(cache.find(2, 0, 0x20_5000)).toBeUndefined();
  cache.dropPath(1, 0, 0x20_5000);
  expect(cache.find(1, 0, 0x40_0000)).toBeUndefined();
});
