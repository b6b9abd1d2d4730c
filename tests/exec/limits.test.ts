import { describe, expect, test } from 'vitest';
import { parseHexBytes } from '../../src/bits/hex.ts';
import { ENGINE_NAMES } from '../../src/exec/engine.ts';
import { stateHash } from '../../src/machine/state-hash.ts';
import { A, exitText, TestSpace } from '../support/space.ts';

const CODE = 0x40_0000n;
const DATA = 0x50_0000n;
const FAR = 0x60_0000n;
const RAX = 0;
const RCX = 1;
const RBX = 3;
const RSI = 6;
const RDI = 7;

describe.each(ENGINE_NAMES)('%s', (engine) => {
  const space = (hex: string): TestSpace => {
    const s = new TestSpace(engine, { haltEnds: true });
    s.map(CODE);
    s.map(DATA);
    s.write(CODE, parseHexBytes(hex));
    s.cpu.rip = CODE;
    return s;
  };

  describe('a budget', () => {
    test('of none runs nothing and touches nothing', () => {
      const s = space('48 ff c0');
      s.cpu.rip = FAR;
      expect(s.machine.run(0)).toEqual({ kind: 'count' });
      expect(s.cpu.icount).toBe(0);
      expect(s.cpu.rip).toBe(FAR);
    });

    test('counts every iteration of a repeated instruction', () => {
      // rep stosb; inc eax
      const s = space('f3 aa ff c0 f4');
      s.cpu.setGpr(RAX, 0n);
      s.cpu.setGpr(RCX, 5n);
      s.cpu.setGpr(RDI, DATA);
      for (let n = 1; n <= 4; n++) {
        expect(s.machine.run(1).kind).toBe('count');
        expect([s.cpu.rip, s.cpu.gpr(RCX), s.cpu.gpr(RDI), s.cpu.icount]).toEqual([
          CODE,
          BigInt(5 - n),
          DATA + BigInt(n),
          n,
        ]);
      }
      s.machine.run(1);
      expect([s.cpu.rip, s.cpu.gpr(RCX), s.cpu.icount]).toEqual([CODE + 2n, 0n, 5]);
      expect(s.machine.run(10).kind).toBe('hlt');
      expect(s.cpu.icount).toBe(6);
    });

    test('counts a repeated instruction with a count of zero as one', () => {
      const s = space('f3 a4 f4');
      s.cpu.setGpr(RCX, 0n);
      expect(s.machine.run(1).kind).toBe('count');
      expect([s.cpu.rip, s.cpu.icount]).toEqual([CODE + 2n, 1]);
    });

    test('does not count an instruction that faults, nor HLT', () => {
      const s = space('ff c0 8b 03');
      s.cpu.setGpr(RBX, FAR);
      expect(exitText(s.machine.run(10))).toBe('#PF(4) at 0x600000');
      expect([s.cpu.rip, s.cpu.icount]).toEqual([CODE + 2n, 1]);
      const t = space('ff c0 f4');
      t.machine.run(10);
      expect([t.cpu.rip, t.cpu.icount]).toEqual([CODE + 2n, 1]);
    });

    test('counts an instruction that ends in a trap', () => {
      const s = space('90 cc');
      expect(exitText(s.machine.run(10))).toBe('#BP');
      expect([s.cpu.rip, s.cpu.icount]).toEqual([CODE + 2n, 2]);
    });

    test('that ends with a jump does not fetch its target', () => {
      for (const code of ['e9 fb ff 1f 00', 'ff e3', '48 89 1c 24 c3', '74 00 ff e3']) {
        const s = space(code);
        s.cpu.setGpr(4, DATA + 0x800n);
        s.cpu.setGpr(RBX, FAR);
        const instructions = code.startsWith('48') || code.startsWith('74') ? 2 : 1;
        expect(s.machine.run(instructions)).toEqual({ kind: 'count' });
        expect([s.cpu.rip, s.cpu.icount]).toEqual([FAR, instructions]);
        expect(exitText(s.machine.run(1))).toBe('#PF(20) at 0x600000');
      }
    });

    test('that ends with a jump leaves its target’s accessed bit', () => {
      const s = space('ff e3');
      s.map(FAR);
      s.cpu.setGpr(RBX, FAR);
      s.machine.run(1);
      expect(s.entry(FAR) & A).toBe(0n);
      s.write(FAR, parseHexBytes('f4'));
      s.machine.run(1);
      expect(s.entry(FAR) & A).toBe(A);
    });

    test('that ends at the last byte of a page does not fetch the next', () => {
      const s = space('');
      s.write(CODE + 0xfffn, Uint8Array.of(0x90));
      s.cpu.rip = CODE + 0xfffn;
      expect(s.machine.run(1)).toEqual({ kind: 'count' });
      expect(s.cpu.rip).toBe(CODE + 0x1000n);
      expect(exitText(s.machine.run(1))).toBe('#PF(20) at 0x401000');
    });

    test('larger than the engine’s own slices', () => {
      const s = space('eb fe');
      expect(s.machine.run(123_457).kind).toBe('count');
      expect(s.cpu.icount).toBe(123_457);
    });
  });

  describe('an address to stop at', () => {
    test('is not executed, and stops at once when it is there already', () => {
      const s = space('ff c0 ff c0 ff c0 f4');
      s.machine.engine.until = CODE + 4n;
      expect(s.machine.run(100)).toEqual({ kind: 'until' });
      expect([s.cpu.rip, s.cpu.icount]).toEqual([CODE + 4n, 2]);
      expect(s.machine.run(100)).toEqual({ kind: 'until' });
      expect(s.cpu.icount).toBe(2);
      s.machine.engine.until = null;
      expect(s.machine.run(100)).toEqual({ kind: 'hlt' });
    });

    test('comes before the budget', () => {
      const s = space('ff c0 ff c0 f4');
      s.machine.engine.until = CODE + 2n;
      expect(s.machine.run(1)).toEqual({ kind: 'until' });
      expect(s.machine.run(0)).toEqual({ kind: 'until' });
    });

    test('that is never reached changes nothing', () => {
      const s = space('ff c0 ff c0 f4');
      // Inside an instruction, and at the same offset of another page.
      s.machine.engine.until = CODE + 1n;
      expect(s.machine.run(100)).toEqual({ kind: 'hlt' });
      const t = space('ff c0 ff c0 f4');
      t.machine.engine.until = CODE + 0x1002n;
      expect(t.machine.run(100)).toEqual({ kind: 'hlt' });
    });

    test('of a repeated instruction: before the first iteration', () => {
      const s = space('90 f3 aa f4');
      s.cpu.setGpr(RCX, 3n);
      s.cpu.setGpr(RDI, DATA);
      s.machine.engine.until = CODE + 1n;
      expect(s.machine.run(100)).toEqual({ kind: 'until' });
      expect([s.cpu.gpr(RCX), s.cpu.icount]).toEqual([3n, 1]);
      // One iteration on, it stands at that address again.
      s.machine.engine.until = null;
      s.machine.run(1);
      s.machine.engine.until = CODE + 1n;
      expect(s.machine.run(100)).toEqual({ kind: 'until' });
      expect(s.cpu.gpr(RCX)).toBe(2n);
      // And at the one behind it.
      s.machine.engine.until = CODE + 3n;
      expect(s.machine.run(100)).toEqual({ kind: 'until' });
      expect([s.cpu.gpr(RCX), s.cpu.rip]).toEqual([0n, CODE + 3n]);
    });

    test('in a loop, by a branch and by a page-crossing instruction', () => {
      const s = space('ff c9 75 fc f4');
      s.cpu.setGpr(RCX, 3n);
      s.machine.engine.until = CODE + 4n;
      expect(s.machine.run(100)).toEqual({ kind: 'until' });
      expect(s.cpu.icount).toBe(6);
      const t = space('');
      t.map(CODE + 0x1000n);
      t.write(CODE + 0xffdn, parseHexBytes('90 b8 01 00 00 00 f4'));
      t.machine.engine.until = CODE + 0xffen;
      expect(t.run(CODE + 0xffdn)).toEqual({ kind: 'until' });
      t.machine.engine.until = CODE + 0x1003n;
      expect(t.run(CODE + 0xffdn)).toEqual({ kind: 'until' });
      expect([t.cpu.gpr(RAX), t.cpu.icount]).toEqual([1n, 3]);
    });

    test('is address 0 only where that was asked for', () => {
      const s = space('ff e3');
      s.cpu.setGpr(RBX, 0n);
      s.machine.reset();
      s.machine.setRoot(s.root);
      s.cpu.rip = CODE;
      expect(exitText(s.machine.run(100))).toBe('#PF(20) at 0x0');
      s.machine.engine.until = 0n;
      expect(s.run(CODE)).toEqual({ kind: 'until' });
    });

    test('that is not mapped', () => {
      const s = space('ff e3');
      s.cpu.setGpr(RBX, FAR);
      s.machine.engine.until = FAR;
      expect(s.machine.run(100)).toEqual({ kind: 'until' });
      expect([s.cpu.rip, s.cpu.icount]).toEqual([FAR, 1]);
    });
  });

  test('a repeated string that is cut anywhere ends in the same state', () => {
    // repne scasb; rep movsb; repe cmpsb; hlt
    const make = (): TestSpace => {
      const s = space('f2 ae f3 a4 f3 a6 f4');
      s.write(
        DATA,
        Uint8Array.from({ length: 64 }, (_, i) => i),
      );
      s.cpu.setGpr(RAX, 20n);
      s.cpu.setGpr(RCX, 40n);
      s.cpu.setGpr(RDI, DATA);
      s.cpu.setGpr(RSI, DATA + 0x100n);
      return s;
    };
    const whole = make();
    expect(whole.machine.run(1000).kind).toBe('hlt');
    const length = whole.cpu.icount;
    const hash = stateHash(whole.machine);
    for (let cut = 1; cut < length; cut += 3) {
      const s = make();
      expect(s.machine.run(cut).kind).toBe('count');
      expect(s.cpu.icount).toBe(cut);
      expect(s.machine.run(1000).kind).toBe('hlt');
      expect(stateHash(s.machine)).toBe(hash);
    }
  });
});
