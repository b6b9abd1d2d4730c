import { describe, expect, test } from 'vitest';
import { parseHexBytes } from '../../src/bits/hex.ts';
import { ENGINE_NAMES } from '../../src/exec/engine.ts';
import { stateHash } from '../../src/machine/state-hash.ts';
import { CR2, CR4 } from '../../src/state/layout.ts';
import { A, D, exitText, G, P, RW, TestSpace, US } from '../support/space.ts';

const CODE = 0x40_0000n;
const PAGE = 0x50_0000n;
const NEXT = PAGE + 0x1000n;
const RAX = 0;
const RCX = 1;
const RDX = 2;
const RBX = 3;
const RSP = 4;
const RSI = 6;
const RDI = 7;
const HLT = 'f4';

describe.each(ENGINE_NAMES)('%s', (engine) => {
  const space = (code: string): TestSpace => {
    const s = new TestSpace(engine, { haltEnds: true });
    s.map(CODE);
    s.write(CODE, parseHexBytes(code));
    return s;
  };

  describe('an access across two pages of which the second cannot be written', () => {
    /** Every register that may be an address points `bytes` below the end of the first page. */
    const WRITES: readonly (readonly [text: string, code: string, inFirst: bigint])[] = [
      ['mov [rbx],rax', '48 89 03', 3n],
      ['mov word [rbx],1', '66 c7 03 01 00', 1n],
      ['add [rbx],eax', '01 03', 2n],
      ['xchg [rbx],rax', '48 87 03', 7n],
      ['lock xadd [rbx],eax', 'f0 0f c1 03', 1n],
      ['cmpxchg [rbx],rcx', '48 0f b1 0b', 4n],
      ['cmpxchg8b [rbx]', '0f c7 0b', 4n],
      ['bts dword [rbx],1', '0f ba 2b 01', 2n],
      ['shl qword [rbx],1', '48 d1 23', 4n],
      ['not dword [rbx]', 'f7 13', 3n],
      ['movups [rbx],xmm0', '0f 11 03', 15n],
      ['movups [rbx],xmm0', '0f 11 03', 1n],
      ['movsd [rbx],xmm0', 'f2 0f 11 03', 5n],
      ['movhps [rbx],xmm0', '0f 17 03', 5n],
      ['movnti [rbx],eax', '0f c3 03', 2n],
      ['stosq', '48 ab', 4n],
      ['movsd', 'a5', 2n],
      ['movbe [rbx],rax', '48 0f 38 f1 03', 6n],
      ['fstp qword [rbx]', 'dd 1b', 3n],
      ['fstp tword [rbx]', 'db 3b', 9n],
      ['fistp qword [rbx]', 'df 3b', 5n],
      ['fnstcw [rbx]', 'd9 3b', 1n],
      ['stmxcsr [rbx]', '0f ae 1b', 3n],
      ['pop qword [rbx]', '8f 03', 4n],
    ];
    for (const [text, code, inFirst] of WRITES)
      for (const [kind, error] of [
        ['read-only', 7],
        ['missing', 6],
      ] as const)
        test(`${text}: ${kind}, nothing changes`, () => {
          const s = space(code);
          const stack = 0x60_0000n;
          s.map(stack);
          s.map(PAGE);
          if (kind === 'read-only') s.map(NEXT, P | US);
          s.write(PAGE, new Uint8Array(0x1000).fill(0x77));
          for (const n of [RBX, RDI]) s.cpu.setGpr(n, NEXT - inFirst);
          s.cpu.setGpr(RSI, stack);
          s.cpu.setGpr(RSP, stack + 0x800n);
          s.cpu.setGpr(RAX, 0x7777_7777_7777_7777n);
          s.cpu.setGpr(RDX, 0x7777_7777n);
          s.cpu.rip = CODE;
          // What translating may mark: A of all, D of the first page.
          for (const page of [PAGE, stack, CODE]) s.setEntry(page, s.entry(page) | A | D);
          if (kind === 'read-only') s.setEntry(NEXT, s.entry(NEXT) | A);
          for (const page of [PAGE, stack, CODE])
            for (let level = 1; level <= 3; level++) s.setEntry(page, s.entry(page, level) | A, level);
          s.cpu.setU64(CR2, NEXT);
          const before = stateHash(s.machine);
          expect(exitText(s.machine.run(1))).toBe(`#PF(${error}) at 0x${NEXT.toString(16)}`);
          expect(stateHash(s.machine)).toBe(before);
        });

    test('PUSH and CALL keep RSP and the first page', () => {
      for (const code of ['50', 'e8 00 00 00 00', '9c', '68 01 00 00 00']) {
        const s = space(code);
        s.map(PAGE);
        s.map(NEXT, P | US);
        s.cpu.setGpr(RSP, NEXT + 3n);
        expect(exitText(s.run(CODE, 1))).toBe(`#PF(7) at 0x${NEXT.toString(16)}`);
        expect(s.cpu.gpr(RSP)).toBe(NEXT + 3n);
        expect(s.bytes(NEXT - 8n, 8).every((byte) => byte === 0)).toBe(true);
      }
    });

    test('a repeated store keeps the elements before it', () => {
      const s = space('f3 48 ab');
      s.map(PAGE);
      s.map(NEXT, P | US);
      s.cpu.setGpr(RAX, 0x0101_0101_0101_0101n);
      s.cpu.setGpr(RCX, 4n);
      s.cpu.setGpr(RDI, NEXT - 20n);
      expect(exitText(s.run(CODE))).toBe(`#PF(7) at 0x${NEXT.toString(16)}`);
      expect([s.cpu.gpr(RCX), s.cpu.gpr(RDI), s.cpu.rip, s.cpu.icount]).toEqual([2n, NEXT - 4n, CODE, 2]);
      expect(Array.from(s.bytes(NEXT - 21n, 21))).toEqual([0, ...Array(16).fill(1), 0, 0, 0, 0]);
    });

    test('the first page counts before the second', () => {
      const s = space('48 89 03');
      s.map(PAGE, P | US);
      s.cpu.setGpr(RBX, NEXT - 4n);
      expect(exitText(s.run(CODE))).toBe(`#PF(7) at 0x${(NEXT - 4n).toString(16)}`);
    });
  });

  test('reads and writes across two frames that do not follow each other', () => {
    const s = space(`48 8b 03 48 89 43 08 0f 10 43 f8 0f 11 01 ${HLT}`);
    const far = s.frame();
    s.map(NEXT);
    s.map(PAGE, P | RW | US, far);
    const pattern = Uint8Array.from({ length: 16 }, (_, i) => i + 1);
    s.write(NEXT - 4n, pattern);
    s.cpu.setGpr(RBX, NEXT - 4n);
    s.cpu.setGpr(RCX, NEXT - 9n);
    expect(s.run(CODE).kind).toBe('hlt');
    expect(s.cpu.gpr(RAX)).toBe(0x0807_0605_0403_0201n);
    expect(s.cpu.xmm(0)).toBe(0x0807_0605_0403_0201_0000_0000_0000_0000n);
    // The store of 16 bytes from NEXT − 9 on goes over all but the last byte of the second copy.
    expect(Array.from(s.bytes(NEXT - 9n, 20))).toEqual([...Array(8).fill(0), 1, 2, 3, 4, 5, 6, 7, 8, 4, 5, 6, 7]);
  });

  describe('fetches', () => {
    const at = PAGE + 0xffdn;
    const place = (code: string, map: (s: TestSpace) => void): TestSpace => {
      const s = space('90');
      s.map(PAGE);
      map(s);
      const bytes = parseHexBytes(code);
      s.write(at, bytes.slice(0, 3));
      if (bytes.length > 3 && s.entry(NEXT) & P) s.write(NEXT, bytes.slice(3));
      return s;
    };

    test('an instruction that ends with the page does not touch the next', () => {
      const s = place('48 ff c0', () => {});
      s.cpu.setGpr(RAX, 4n);
      expect(s.run(at, 1).kind).toBe('count');
      expect(s.cpu.gpr(RAX)).toBe(5n);
      expect(exitText(s.machine.run(1))).toBe(`#PF(20) at 0x${NEXT.toString(16)}`);
      expect(s.cpu.rip).toBe(NEXT);
    });

    test('one that goes on there: CR2 is the first byte missing, RIP the instruction', () => {
      for (const [map, error] of [
        [(): void => {}, 0x14],
        [(s: TestSpace): void => void s.map(NEXT, P | RW | US | (1n << 63n)), 0x15],
        [(s: TestSpace): void => void s.map(NEXT, P | RW), 0x15],
      ] as const) {
        const s = place('b8 01 00 00 00', map);
        expect(exitText(s.run(at))).toBe(`#PF(${error}) at 0x${NEXT.toString(16)}`);
        expect([s.cpu.rip, s.cpu.icount]).toEqual([at, 0]);
      }
    });

    test('bytes that no continuation makes an instruction are #UD without a look at the next page', () => {
      for (const code of ['90 90 06', '90 0f 04', '66 0f 0b', '90 0f 0b']) {
        const s = place(code, () => {});
        expect(exitText(s.run(at))).toBe('#UD');
      }
      for (const code of ['90 0f ff', '90 0f b9', 'f0 48 0f', '90 90 66']) {
        const s = place(code, () => {});
        expect(exitText(s.run(at))).toBe(`#PF(20) at 0x${NEXT.toString(16)}`);
      }
    });

    test('across two frames that do not follow each other', () => {
      const s = place(`b8 11 22 33 44 ${HLT}`, (t) => void t.map(NEXT));
      s.map(PAGE + 0x2000n, P | RW | US);
      expect(s.run(at).kind).toBe('hlt');
      expect(s.cpu.gpr(RAX)).toBe(0x4433_2211n);
      // Another frame for the second page, and the TLB told.
      const other = s.frame();
      s.memory.write(other, parseHexBytes(`55 66 ${HLT}`));
      s.map(NEXT, P | US, other);
      s.machine.flushPage(NEXT);
      expect(s.run(at).kind).toBe('hlt');
      expect(s.cpu.gpr(RAX)).toBe(0x6655_2211n);
    });

    test('the next instruction’s page may vanish while this one runs', () => {
      // mov [rbx],rcx clears the PTE of the next page, at CPL 0; invlpg [rdx]; the fetch there faults
      const s = space('90');
      s.map(PAGE);
      s.map(NEXT);
      const tables = 0x70_0000n;
      s.map(tables, P | RW, s.entryAt(NEXT) & ~0xfff);
      s.write(NEXT, parseHexBytes(HLT));
      s.write(NEXT - 6n, parseHexBytes('48 89 0b 0f 01 3a'));
      s.machine.setPrivilege(0);
      s.cpu.setGpr(RBX, tables + BigInt(s.entryAt(NEXT) & 0xfff));
      s.cpu.setGpr(RCX, 0n);
      s.cpu.setGpr(RDX, NEXT);
      expect(exitText(s.run(NEXT - 6n))).toBe(`#PF(16) at 0x${NEXT.toString(16)}`);
      expect(s.cpu.icount).toBe(2);
    });
  });

  describe('a translation lives until it is dropped', () => {
    /** Reads a byte at PAGE; −1 for a page fault. */
    const read = (s: TestSpace): number => {
      s.write(CODE, parseHexBytes(`8a 03 ${HLT}`));
      s.cpu.setGpr(RBX, PAGE);
      s.cpu.setGpr(RAX, 0n);
      return s.run(CODE).kind === 'hlt' ? Number(s.cpu.gpr(RAX)) : -1;
    };
    const write = (s: TestSpace): string => {
      s.write(CODE, parseHexBytes(`88 03 ${HLT}`));
      s.cpu.setGpr(RBX, PAGE);
      return exitText(s.run(CODE));
    };
    /** A page that reads 1, in the TLB, and then mapped to a frame that reads 2. */
    const stale = (bits = P | RW | US): TestSpace => {
      const s = space('90');
      s.memory.write(s.map(PAGE, bits), Uint8Array.of(1));
      expect(read(s)).toBe(1);
      s.memory.write(s.map(PAGE, bits), Uint8Array.of(2));
      expect(read(s)).toBe(1);
      return s;
    };
    const invlpg = (s: TestSpace, address: bigint): void => {
      s.machine.setPrivilege(0);
      s.write(CODE, parseHexBytes(`0f 01 3b ${HLT}`));
      s.cpu.setGpr(RBX, address);
      expect(s.run(CODE).kind).toBe('hlt');
      s.machine.setPrivilege(3);
    };
    const movToCr = (s: TestSpace, n: 0 | 3 | 4, value: bigint): void => {
      s.machine.setPrivilege(0);
      s.write(CODE, parseHexBytes(`0f 22 ${{ 0: 'c1', 3: 'd9', 4: 'e1' }[n]} ${HLT}`));
      s.cpu.setGpr(RCX, value);
      expect(s.run(CODE).kind).toBe('hlt');
      s.machine.setPrivilege(3);
    };

    test('INVLPG, of any address in the page', () => {
      const s = stale();
      invlpg(s, PAGE + 0x1000n);
      expect(read(s)).toBe(1);
      invlpg(s, PAGE + 0x8000_0000_0000n);
      expect(read(s)).toBe(1);
      invlpg(s, PAGE + 0xfffn);
      expect(read(s)).toBe(2);
    });

    test('MOV to CR3, but for global pages', () => {
      const s = stale();
      movToCr(s, 3, BigInt(s.root));
      expect(read(s)).toBe(2);
      const g = stale(P | RW | US | G);
      movToCr(g, 3, BigInt(g.root));
      expect(read(g)).toBe(1);
      invlpg(g, PAGE);
      expect(read(g)).toBe(2);
    });

    test('G counts only while CR4.PGE is set', () => {
      const s = space('90');
      s.cpu.setU64(CR4, s.cpu.u64(CR4) & ~(1n << 7n));
      s.machine.flushTlb();
      s.memory.write(s.map(PAGE, P | RW | US | G), Uint8Array.of(1));
      expect(read(s)).toBe(1);
      s.memory.write(s.map(PAGE, P | RW | US | G), Uint8Array.of(2));
      movToCr(s, 3, BigInt(s.root));
      expect(read(s)).toBe(2);
    });

    test('MOV to CR4 that changes PGE drops global pages too', () => {
      const s = stale(P | RW | US | G);
      movToCr(s, 4, s.cpu.u64(CR4) ^ (1n << 7n));
      expect(read(s)).toBe(2);
    });

    test('a change of privilege drops nothing', () => {
      const s = stale();
      s.machine.setPrivilege(0);
      s.machine.setPrivilege(3);
      expect(read(s)).toBe(1);
    });

    test('a translation that is gone serves on until it is dropped, for writes as well', () => {
      const s = space('90');
      const frame = s.map(PAGE);
      expect(write(s)).toBe('hlt');
      s.setEntry(PAGE, 0n);
      s.memory.write(frame, Uint8Array.of(7));
      expect(read(s)).toBe(7);
      expect(write(s)).toBe('hlt');
      invlpg(s, PAGE);
      expect(read(s)).toBe(-1);
    });

    test('a page fault drops the entry: the second try sees the tables', () => {
      const s = space('90');
      s.map(PAGE, P | US);
      expect(read(s)).toBe(0);
      s.setEntry(PAGE, s.entry(PAGE) | RW);
      expect(write(s)).toContain('#PF(7)');
      expect(write(s)).toBe('hlt');
    });

    test('nothing is kept of a page that is not present or has reserved bits', () => {
      const s = space('90');
      expect(read(s)).toBe(-1);
      const frame = s.frame();
      s.map(PAGE, P | US | (1n << 51n), frame);
      expect(read(s)).toBe(-1);
      s.map(PAGE, P | US, frame);
      expect(read(s)).toBe(0);
    });

    test('A and D are set again only after the translation is dropped', () => {
      const s = space('90');
      s.map(PAGE);
      expect(write(s)).toBe('hlt');
      s.setEntry(PAGE, s.entry(PAGE) & ~(A | D));
      expect(write(s)).toBe('hlt');
      expect(s.entry(PAGE) & (A | D)).toBe(0n);
      invlpg(s, PAGE);
      expect(write(s)).toBe('hlt');
      expect(s.entry(PAGE) & (A | D)).toBe(A | D);
    });

    test('a clean translation sets D at the first write', () => {
      const s = space('90');
      s.map(PAGE);
      expect(read(s)).toBe(0);
      expect(s.entry(PAGE) & D).toBe(0n);
      expect(write(s)).toBe('hlt');
      expect(s.entry(PAGE) & D).toBe(D);
    });

    test('code: the old frame runs on until its translation is dropped', () => {
      const s = space('90');
      s.memory.write(s.map(PAGE, P | US), parseHexBytes(`b0 01 ${HLT}`));
      expect(s.run(PAGE).kind).toBe('hlt');
      s.memory.write(s.map(PAGE, P | US), parseHexBytes(`b0 02 ${HLT}`));
      expect(s.run(PAGE).kind).toBe('hlt');
      expect(s.cpu.gpr(RAX) & 0xffn).toBe(1n);
      invlpg(s, PAGE);
      expect(s.run(PAGE).kind).toBe('hlt');
      expect(s.cpu.gpr(RAX) & 0xffn).toBe(2n);
    });

    test('code: the instruction behind MOV to CR3 comes from the new tables', () => {
      // mov cr3,rcx; then mov al,1 in one address space and mov al,2 in the other
      const s = space(`0f 22 d9 b0 01 ${HLT}`);
      const other = s.frame();
      const old = s.memory.readU64(s.root);
      s.memory.writeU64(other, old);
      const far = 0x7000_0000_0000n;
      s.memory.write(s.map(far), parseHexBytes(`0f 22 d9 b0 01 ${HLT}`));
      // The same address through tables of their own below the other root.
      const index = Number((far >> 39n) & 511n) * 8;
      let above = other + index;
      for (let level = 2; level >= 0; level--) {
        const table = s.frame();
        s.memory.writeU64(above, BigInt(table) | P | RW | US);
        above = table + Number((far >> BigInt(12 + 9 * level)) & 511n) * 8;
      }
      const frame = s.frame();
      s.memory.writeU64(above, BigInt(frame) | P | RW | US);
      s.memory.write(frame, parseHexBytes(`0f 22 d9 b0 02 ${HLT}`));
      s.machine.setPrivilege(0);
      for (const [root, expected] of [
        [other, 2n],
        [s.root, 1n],
        [s.root, 1n],
        [other, 2n],
      ] as const) {
        s.cpu.setGpr(RCX, BigInt(root));
        expect(s.run(far).kind).toBe('hlt');
        expect(s.cpu.gpr(RAX) & 0xffn).toBe(expected);
      }
      expect(s.cpu.icount).toBe(8);
    });

    test('code: so does the instruction behind INVLPG of its own page', () => {
      const s = space('90');
      s.machine.setPrivilege(0);
      s.memory.write(s.map(PAGE), parseHexBytes(`90 0f 01 3b b0 01 ${HLT}`));
      s.cpu.setGpr(RBX, PAGE);
      expect(s.run(PAGE, 1).kind).toBe('count');
      s.memory.write(s.map(PAGE), parseHexBytes(`90 0f 01 3b b0 02 ${HLT}`));
      expect(s.machine.run(10).kind).toBe('hlt');
      expect(s.cpu.gpr(RAX) & 0xffn).toBe(2n);
    });

    test('code: and behind MOV to CR4 that sets SMEP', () => {
      const s = space(`0f 22 e1 90 ${HLT}`);
      s.machine.setPrivilege(0);
      s.cpu.setGpr(RCX, s.cpu.u64(CR4) | (1n << 20n));
      expect(exitText(s.run(CODE))).toBe(`#PF(17) at 0x${(CODE + 3n).toString(16)}`);
    });

    test('many pages at once', () => {
      const s = space('90');
      // Addresses that share a slot of any direct-mapped table of up to 2^18 pages.
      const pages = Array.from({ length: 8 }, (_, n) => PAGE + BigInt(n) * (1n << 30n));
      pages.forEach((page, n) => {
        s.memory.write(s.map(page), Uint8Array.of(n + 1));
      });
      for (let round = 0; round < 3; round++)
        for (const [n, page] of pages.entries()) {
          s.write(CODE, parseHexBytes(`8a 03 ${HLT}`));
          s.cpu.setGpr(RBX, page);
          expect(s.run(CODE).kind).toBe('hlt');
          expect(s.cpu.gpr(RAX) & 0xffn).toBe(BigInt(n + 1));
        }
    });
  });

  test('memory beyond RAM reads as ones, and writes there vanish', () => {
    const s = space(`8b 03 c7 03 01 00 00 00 8b 0b ${HLT}`);
    s.map(PAGE, P | RW | US, 1 << 30);
    s.cpu.setGpr(RBX, PAGE + 8n);
    expect(s.run(CODE).kind).toBe('hlt');
    expect([s.cpu.gpr(RAX), s.cpu.gpr(RCX)]).toEqual([0xffff_ffffn, 0xffff_ffffn]);
  });
});
