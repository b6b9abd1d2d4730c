import { describe, expect, test } from 'vitest';
import { parseHexBytes } from '../../src/bits/hex.ts';
import { ENGINE_NAMES } from '../../src/exec/engine.ts';
import { CR0, CR3, CR4, PKRS, PKRU } from '../../src/state/layout.ts';
import { FLAG } from '../../src/state/rflags.ts';
import { A, D, exitText, G, P, PS, RW, TestSpace, US } from '../support/space.ts';

const CODE = 0x40_0000n;
const PAGE = 0x50_0000n;
const UPPER = 0xffff_9000_0000_0000n;
const [RAX, RBX, RCX] = [0, 3, 1];
const CR = {
  LA57: 1n << 12n,
  PCIDE: 1n << 17n,
  SMAP: 1n << 21n,
  PKE: 1n << 22n,
  PKS: 1n << 24n,
  LASS: 1n << 27n,
} as const;
const LAM_SUP = 1n << 28n;
const LAM_U57 = 1n << 61n;
const LAM_U48 = 1n << 62n;
const NO_FLUSH = 1n << 63n;
const READ = '48 8b 03 f4';
const WRITE = '48 89 03 f4';

describe.each(ENGINE_NAMES)('%s', (engine) => {
  /** Code at CODE: a user page, or a supervisor page; CR4 and CR3 bits as given. */
  const space = (cpl: 0 | 3, cr4 = 0n, cr3 = 0n): TestSpace => {
    const s = new TestSpace(engine, { haltEnds: true });
    s.map(CODE, cpl === 3 ? P | RW | US : P | RW);
    s.cpu.setU64(CR4, s.cpu.u64(CR4) | cr4);
    s.cpu.setU64(CR3, s.cpu.u64(CR3) | cr3);
    s.machine.setPrivilege(cpl);
    s.machine.flushTlb();
    return s;
  };
  const run = (s: TestSpace, code: string, rbx = PAGE): string => {
    s.write(CODE, parseHexBytes(code));
    s.cpu.setGpr(RBX, rbx);
    return exitText(s.run(CODE, 100));
  };
  const load = (s: TestSpace, address: bigint): string | bigint => {
    const end = run(s, READ, address);
    return end === 'hlt' ? s.cpu.gpr(RAX) : end;
  };

  describe('five levels', () => {
    /** A PML5 above the PML4 of the space. */
    const five = (): TestSpace => {
      const s = space(3, CR.LA57);
      const root = s.frame();
      s.memory.writeU64(root, BigInt(s.root) | P | RW | US);
      s.memory.writeU64(root + 8 * 0x1, BigInt(s.root) | P | RW | US);
      s.machine.setRoot(root);
      return s;
    };

    test('bits 56:48 index the PML5; the address is canonical up to bit 56', () => {
      const s = five();
      s.memory.writeU64(s.map(PAGE), 0x1234n);
      expect(load(s, PAGE)).toBe(0x1234n);
      expect(load(s, PAGE | (1n << 48n))).toBe(0x1234n);
      expect(load(s, PAGE | (2n << 48n))).toBe('#PF(4) at 0x2000000500000');
      expect(load(s, 1n << 56n)).toBe('#GP(0)');
      expect(load(s, 0xff00_0000_0000_0000n)).toBe('#PF(4) at 0xff00000000000000');
    });

    test('in 64-bit mode CR4.LA57 cannot be changed', () => {
      const s = space(0);
      expect(run(s, '0f 20 e0 48 0d 00 10 00 00 0f 22 e0 f4')).toBe('#GP(0)');
    });
  });

  describe('large pages', () => {
    test.each([
      ['2 MiB', 1, 0x20_0000n],
      ['1 GiB', 2, 0x4000_0000n],
    ] as const)('%s: one entry maps them all, and INVLPG of any part drops them all', (_, level, size) => {
      const s = space(0);
      const at = 0x10_0000_0000n;
      s.setEntry(at, P | RW | PS, level);
      s.memory.writeU64(0x1000 + 8, 0x11n);
      s.memory.writeU64(0x20_0000 - 8, 0x22n);
      expect(load(s, at + 0x1008n)).toBe(0x11n);
      expect(load(s, at + 0x1f_fff8n)).toBe(0x22n);
      expect(s.entry(at, level)).toBe(P | RW | PS | A);
      s.setEntry(at, 0n, level);
      expect(load(s, at + 0x1008n)).toBe(0x11n);
      expect(run(s, '0f 01 3b f4', at + size - 1n)).toBe('hlt');
      expect(load(s, at + 0x1f_fff8n)).toBe(`#PF(0) at 0x${(at + 0x1f_fff8n).toString(16)}`);
    });

    test('an address bit below the size is reserved, bit 12 is not', () => {
      const s = space(0);
      const at = 0x100_0000_0000n;
      for (const [level, bit, end] of [
        [1, 12n, 0n],
        [1, 13n, '#PF(9) at 0x10000000000'],
        [1, 20n, '#PF(9) at 0x10000000000'],
        [2, 29n, '#PF(9) at 0x10000000000'],
        [3, 40n, '#PF(9) at 0x10000000000'],
      ] as const) {
        s.setEntry(at, P | RW | PS | (1n << bit), level);
        s.machine.flushTlb();
        expect(load(s, at + 0x8n)).toBe(typeof end === 'string' ? end.replace(/0$/, '8') : end);
      }
    });
  });

  describe('process-context identifiers', () => {
    /** MOV to CR3 of RBX. */
    const LOAD_CR3 = '0f 22 db f4';
    /** A space with PCID 1; the page has been read and then unmapped behind the TLB's back. */
    const stale = (global = false): TestSpace => {
      const s = space(0, CR.PCIDE);
      s.setEntry(CODE, s.entry(CODE) | G);
      expect(run(s, LOAD_CR3, BigInt(s.root) | 1n)).toBe('hlt');
      s.memory.writeU64(s.map(PAGE, P | RW | (global ? G : 0n)), 0x77n);
      expect(load(s, PAGE)).toBe(0x77n);
      s.setEntry(PAGE, 0n);
      return s;
    };
    const GONE = '#PF(0) at 0x500000';
    const seen = (s: TestSpace): string => (load(s, PAGE) === 0x77n ? 'stale' : 'gone');

    test.each([
      ['the same, bit 63 clear', 1n, [], 'gone'],
      ['the same, bit 63 set', 1n | NO_FLUSH, [], 'stale'],
      ['another and back, bit 63 set', 2n | NO_FLUSH, [1n | NO_FLUSH], 'stale'],
      ['another with bit 63 clear, then back with it set', 2n, [1n | NO_FLUSH], 'stale'],
      ['another, then back with bit 63 clear', 2n, [1n], 'gone'],
    ] as const)('MOV to CR3 of %s', (_, first, more, expected) => {
      const s = stale();
      for (const value of [first, ...more]) expect(run(s, LOAD_CR3, BigInt(s.root) | value)).toBe('hlt');
      expect(s.cpu.u64(CR3) >> 63n).toBe(0n);
      expect(seen(s)).toBe(expected);
    });

    test('another PCID does not see the translation, but a global one', () => {
      for (const global of [false, true]) {
        const s = stale(global);
        run(s, LOAD_CR3, BigInt(s.root) | 2n);
        expect(load(s, PAGE)).toBe(global ? 0x77n : GONE);
      }
    });

    test('without CR4.PCIDE bit 63 is refused', () => {
      expect(run(space(0), LOAD_CR3, NO_FLUSH | 0x1000n)).toBe('#GP(0)');
    });

    test('CR4.PCIDE is set only while CR3 holds PCID 0, and clearing it drops everything', () => {
      const set = '0f 20 e0 48 0d 00 00 02 00 0f 22 e0 f4';
      expect(run(space(0), set)).toBe('hlt');
      expect(run(space(0, 0n, 8n), set)).toBe('#GP(0)');
      const s = stale(true);
      s.cpu.setU64(CR3, BigInt(s.root));
      expect(run(s, '0f 20 e0 48 25 ff ff fd ff 0f 22 e0 f4')).toBe('hlt');
      expect(seen(s)).toBe('gone');
    });

    /** INVPCID RAX,[RBX] with a descriptor in a page of its own. */
    const invpcid = (s: TestSpace, type: bigint, pcid: bigint, linear: bigint): string => {
      const frame = s.map(0x60_0000n, P | RW | G);
      s.memory.writeU64(frame, pcid);
      s.memory.writeU64(frame + 8, linear);
      s.machine.mmu.flushPage(0x60_0000n);
      s.cpu.setGpr(RAX, type);
      return run(s, '66 0f 38 82 03 f4', 0x60_0000n);
    };

    test.each([
      ['0: the address', 0n, 1n, PAGE, 'gone', 'stale'],
      ['0: another address', 0n, 1n, 0x51_0000n, 'stale', 'stale'],
      ['0: the address of another PCID', 0n, 2n, PAGE, 'stale', 'stale'],
      ['1: the PCID', 1n, 1n, 0n, 'gone', 'stale'],
      ['1: another PCID', 1n, 2n, 0n, 'stale', 'stale'],
      ['2: all', 2n, 0n, 0n, 'gone', 'gone'],
      ['3: all but global', 3n, 0n, 0n, 'gone', 'stale'],
    ] as const)('INVPCID %s', (_, type, pcid, linear, plain, global) => {
      for (const [kind, expected] of [
        [false, plain],
        [true, global],
      ] as const) {
        const s = stale(kind);
        expect(invpcid(s, type, pcid, linear)).toBe('hlt');
        expect(seen(s)).toBe(expected);
      }
    });

    test('INVPCID refuses what the manual does not define', () => {
      for (const [type, pcid, linear] of [
        [4n, 0n, 0n],
        [0n, 0x1000n, 0n],
        [0n, 1n, 1n << 47n],
      ] as const)
        expect(invpcid(stale(), type, pcid, linear)).toBe('#GP(0)');
      expect(invpcid(space(0), 1n, 1n, 0n)).toBe('#GP(0)');
    });

    test('INVLPG drops the page of this PCID and a global one; of no canonical address, nothing', () => {
      for (const global of [false, true]) {
        const s = stale(global);
        expect(run(s, '0f 01 3b f4', PAGE | (1n << 60n))).toBe('hlt');
        expect(seen(s)).toBe('stale');
        expect(run(s, '0f 01 3b f4', PAGE + 0x123n)).toBe('hlt');
        expect(seen(s)).toBe('gone');
      }
    });
  });

  describe('protection keys', () => {
    const keyed = (key: bigint, bits: bigint, cpl: 0 | 3, cr4: bigint, rights: number): TestSpace => {
      const s = space(cpl, cr4);
      s.map(PAGE, bits | (key << 59n));
      s.cpu.view.setUint32(PKRU, rights, true);
      s.cpu.setU64(PKRS, BigInt(rights));
      s.machine.flushTlb();
      return s;
    };
    const U = P | RW | US;
    test.each([
      ['user pages: AD', 3, U, CR.PKE, 1 << 6, '#PF(37) at 0x500000', '#PF(39) at 0x500000'],
      ['user pages: WD', 3, U, CR.PKE, 2 << 6, 'hlt', '#PF(39) at 0x500000'],
      ['another key', 3, U, CR.PKE, 3 << 4, 'hlt', 'hlt'],
      ['without CR4.PKE', 3, U, 0n, 3 << 6, 'hlt', 'hlt'],
      ['user pages read by the supervisor', 0, U, CR.PKE, 1 << 6, '#PF(33) at 0x500000', '#PF(35) at 0x500000'],
      ['supervisor pages: WD', 0, P | RW, CR.PKS, 2 << 6, 'hlt', '#PF(35) at 0x500000'],
      ['supervisor pages do not look at PKRU', 0, P | RW, CR.PKE, 3 << 6, 'hlt', 'hlt'],
    ] as const)('%s', (_, cpl, bits, cr4, rights, read, write) => {
      expect(run(keyed(3n, bits, cpl, cr4, rights), READ)).toBe(read);
      expect(run(keyed(3n, bits, cpl, cr4, rights), WRITE)).toBe(write);
    });

    test('a supervisor write to a user page obeys WD only with CR0.WP; fetches have no key', () => {
      const s = keyed(3n, U, 0, CR.PKE, 2 << 6);
      s.cpu.setU64(CR0, s.cpu.u64(CR0) & ~(1n << 16n));
      s.machine.flushTlb();
      expect(run(s, WRITE)).toBe('hlt');
      const t = keyed(3n, U, 3, CR.PKE, 3 << 6);
      t.memory.write(t.physical(PAGE), Uint8Array.of(0xf4));
      expect(run(t, 'ff e3')).toBe('hlt');
    });

    test('WRPKRU counts for the next access', () => {
      const s = keyed(3n, U, 3, CR.PKE, 0);
      s.cpu.setGpr(RCX, 0n);
      s.cpu.setGpr(2, 0n);
      expect(run(s, '48 8b 03 b8 c0 00 00 00 0f 01 ef 48 8b 03 f4')).toBe('#PF(37) at 0x500000');
    });
  });

  describe('linear-address masking', () => {
    test.each([
      ['U57: bits 62:57', LAM_U57, 0x7en << 56n, 0x77n],
      ['U57: bit 56 stays and must be canonical', LAM_U57, 1n << 56n, '#GP(0)'],
      ['U57: bit 48 must be clear with four levels', LAM_U57, 1n << 48n, '#GP(0)'],
      ['U48: bits 62:48', LAM_U48, 0x7fffn << 48n, 0x77n],
      ['U48: bit 47 stays', LAM_U48, 1n << 47n, '#GP(0)'],
      ['both: U57 counts', LAM_U57 | LAM_U48, 1n << 48n, '#GP(0)'],
      ['off', 0n, 1n << 57n, '#GP(0)'],
      ['bit 63 is another space', LAM_U48, 1n << 63n, '#GP(0)'],
    ] as const)('%s', (_, cr3, tag, expected) => {
      const s = space(3, 0n, cr3);
      s.memory.writeU64(s.map(PAGE), 0x77n);
      expect(load(s, PAGE | tag)).toBe(expected);
      // A second time through the fast table.
      if (typeof expected === 'bigint') expect(load(s, PAGE | tag)).toBe(expected);
    });

    test('the supervisor masks by bit 63 of the pointer, not by its level', () => {
      const s = space(0, LAM_SUP, LAM_U57);
      s.memory.writeU64(s.map(PAGE, P | RW), 0x77n);
      s.memory.writeU64(s.map(UPPER, P | RW), 0x88n);
      expect(load(s, UPPER & ~(0x7f7fn << 48n))).toBe(0x88n);
      expect(load(s, PAGE | (0x3fn << 57n))).toBe(0x77n);
      const t = space(0);
      t.map(UPPER, P | RW);
      expect(load(t, UPPER & ~(1n << 62n))).toBe('#GP(0)');
    });

    test('CR2 has no tag, LEA keeps it, a jump and INVLPG do not take it out', () => {
      const s = space(3, 0n, LAM_U48);
      expect(load(s, PAGE | (5n << 50n))).toBe('#PF(4) at 0x500000');
      expect(run(s, '48 8d 03 f4', PAGE | (5n << 50n))).toBe('hlt');
      expect(s.cpu.gpr(RAX)).toBe(PAGE | (5n << 50n));
      expect(run(s, 'ff e3', CODE | (5n << 50n))).toBe('#GP(0)');
    });
  });

  describe('linear-address space separation', () => {
    const FAR = `#PF(1) at 0x${UPPER.toString(16)}`;
    test.each([
      ['user data above', 3, CR.LASS, 0, UPPER, READ, '#GP(0)'],
      ['user data above, without LASS', 3, 0n, 0, UPPER, READ, FAR.replace('(1)', '(5)')],
      ['user fetch above', 3, CR.LASS, 0, UPPER, 'ff e3', '#GP(0)'],
      ['user data below', 3, CR.LASS, 0, PAGE, READ, 'hlt'],
      ['supervisor data below, SMAP clear', 0, CR.LASS, 0, PAGE, READ, 'hlt'],
      ['supervisor data below, SMAP set', 0, CR.LASS | CR.SMAP, 0, PAGE, READ, '#GP(0)'],
      ['supervisor data below, SMAP and AC set', 0, CR.LASS | CR.SMAP, FLAG.AC, PAGE, READ, 'hlt'],
      ['supervisor data above', 0, CR.LASS, 0, UPPER, READ, 'hlt'],
    ] as const)('%s', (_, cpl, cr4, flags, at, code, expected) => {
      const s = space(cpl);
      // Supervisor code has to stand above.
      s.map(UPPER, P | RW);
      const base = cpl === 0 ? UPPER + 0x1000n : CODE;
      if (cpl === 0) s.map(base, P | RW);
      s.map(PAGE, P | RW | US | D);
      s.cpu.setU64(CR4, s.cpu.u64(CR4) | cr4);
      s.cpu.rflags |= flags;
      s.machine.flushTlb();
      s.write(base, parseHexBytes(code));
      s.cpu.setGpr(RBX, at);
      const { walks } = s.machine.mmu.counts;
      expect(exitText(s.run(base, 10))).toBe(expected);
      // The address alone keeps it out: no table is read for it.
      if (expected === '#GP(0)') expect(s.machine.mmu.counts.walks - walks).toBe(1);
    });

    test('a supervisor fetch below is #GP(0) whatever AC', () => {
      const s = space(0, CR.LASS);
      s.cpu.rflags |= FLAG.AC;
      s.machine.flushTlb();
      expect(run(s, '90 f4')).toBe('#GP(0)');
    });
  });
});
