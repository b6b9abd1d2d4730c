import { describe, expect, it } from 'vitest';
import { PageTables } from '../../src/memory/page-tables.ts';
import { OutOfMemory, PhysicalMemory } from '../../src/memory/physical.ts';

const RIGHTS = { write: true, user: true, execute: false };

/** The walk of SDM 3A 4.5, written down again from the manual's figure. */
function walk(memory: PhysicalMemory, root: number, linear: bigint): bigint | null {
  let table = BigInt(root);
  for (let shift = 39n; shift >= 12n; shift -= 9n) {
    const entry = memory.readU64(Number(table + 8n * ((linear >> shift) & 511n)));
    if ((entry & 1n) === 0n) return null;
    if (shift === 12n) return entry;
    table = entry & 0xffff_ffff_f000n;
  }
  return null;
}

describe('PageTables', () => {
  it('writes entries that the manual’s walk finds', () => {
    const memory = new PhysicalMemory(1 << 20);
    const tables = new PageTables(memory);
    const cases = [0, 0x40_0000, 0x7fff_ffff_e000, 0x7f_ffff_f000, 0x80_0000_0000, 0x1234_5678_9000];
    const frames = cases.map((linear) => {
      const frame = memory.allocateFrame();
      tables.map4k(linear, frame, RIGHTS);
      return frame;
    });
    cases.forEach((linear, i) => {
      expect(walk(memory, tables.root, BigInt(linear))).toBe((1n << 63n) | BigInt(frames[i]!) | 0x27n);
      expect(tables.lookup(linear + 5)).toMatchObject({ frame: frames[i], write: true, execute: false, dirty: false });
    });
    expect(walk(memory, tables.root, 0x1000n)).toBeNull();
    expect(tables.lookup(0x1000)).toBeNull();
  });

  it('protects, translates and unmaps', () => {
    const memory = new PhysicalMemory(1 << 20);
    const tables = new PageTables(memory);
    const frame = memory.allocateFrame();
    tables.map4k(0x5000, frame, RIGHTS);
    expect(tables.translate(0x5123, true)).toBe(frame + 0x123);
    expect(tables.lookup(0x5000)!.dirty).toBe(true);
    expect(tables.clean(0x5000)).toBe(true);
    expect(tables.clean(0x5000)).toBe(false);
    expect(tables.protect(0x5000, { write: false, user: true, execute: true })).toBe(true);
    expect(walk(memory, tables.root, 0x5000n)).toBe(BigInt(frame) | 0x25n);
    expect(tables.translate(0x5000, true)).toBe(-1);
    expect(tables.translate(0x5000, false)).toBe(frame);
    tables.protect(0x5000, { write: false, user: false, execute: false });
    expect(tables.translate(0x5000, false)).toBe(-1);
    expect(tables.unmap(0x5000)).toBe(frame);
    expect(tables.unmap(0x5000)).toBeNull();
    expect(tables.protect(0x5000, RIGHTS)).toBe(false);
  });

  it('visits a range in order and skips holes of any size', () => {
    const memory = new PhysicalMemory(1 << 20);
    const tables = new PageTables(memory);
    const wanted = [0x1000, 0x1f_f000, 0x20_0000, 0x4000_0000_0000];
    for (const linear of wanted) tables.map4k(linear, memory.allocateFrame(), RIGHTS);
    const seen: number[] = [];
    tables.forEach(0x1000, 0x7fff_ffff_f000, (linear) => seen.push(linear));
    expect(seen).toEqual(wanted);
    seen.length = 0;
    tables.forEach(0x2000, 0x20_0000, (linear) => seen.push(linear));
    expect(seen).toEqual([0x1f_f000]);
  });

  it('gives its tables back and refuses when memory is out', () => {
    const memory = new PhysicalMemory(0x10000);
    const tables = new PageTables(memory);
    tables.map4k(0x1000, memory.allocateFrame(), RIGHTS);
    expect(memory.framesInUse).toBe(5);
    expect(() => {
      for (let linear = 0; ; linear += 0x20_0000) tables.map4k(linear, 0x1000, RIGHTS);
    }).toThrow(OutOfMemory);
    tables.destroy();
    expect(memory.framesInUse).toBe(1);
    expect(() => tables.lookup(2 ** 47)).toThrow(RangeError);
  });
});
