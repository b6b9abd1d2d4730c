import { describe, expect, it, test } from 'vitest';
import { ENGINE_NAMES } from '../../src/exec/engine.ts';
import { ATTRIBUTE, FLAT, flatDescriptor, SEGMENT } from '../../src/state/descriptors.ts';
import * as L from '../../src/state/layout.ts';
import { check, everyMnemonicOf } from '../support/check.ts';
import { AT, KernelBed, SEL, word } from '../support/kernel-bed.ts';

check('48 ff 28', 'jmp far tbyte ptr [rax]', [{ rax: 0n }, { fault: '#PF(4)' }]);
check('48 ff 18', 'call far tbyte ptr [rax]', [{ rax: 0n }, { fault: '#PF(4)' }]);
check('48 cb', 'data64 ret far', [{}, { fault: '#GP(0)' }]);
check('48 cf', 'iretq', [{}, { fault: '#GP(0)' }]);
check('48 cf', 'iretq', [{ nt: 1 }, { fault: '#GP(0)' }]);

const TARGET = 0x2_4000;

describe.each(ENGINE_NAMES)('%s', (engine) => {
  const bed = (): KernelBed => new KernelBed(engine).boot();
  /** A far pointer with a 64-bit offset in the data page. */
  const pointer = (b: KernelBed, selector: number, offset: bigint | number = TARGET): string => {
    b.write(AT.data + 64, BigInt.asUintN(64, BigInt(offset)));
    b.write(AT.data + 72, BigInt(selector));
    return word(AT.data + 64);
  };
  const jump = '48 ff 2c 25';

  describe('JMP far', () => {
    it.each([
      ['to code of this level', SEL.code, 'hlt'],
      ['to conforming code of an inner level', SEL.conforming, 'hlt'],
      ['null', 0, '#13(0)'],
      ['to data', SEL.data, '#13(18)'],
      ['to code of an outer level', SEL.userCode, '#13(30)'],
      ['with more RPL than CPL', SEL.code | 3, '#13(10)'],
      ['beyond the table', 0x200, '#13(200)'],
      ['to a TSS', SEL.tss, '#13(40)'],
    ] as const)('%s', (_, selector, ending) => {
      const b = bed();
      b.put(TARGET, 'f4');
      expect(b.ends(`${jump} ${pointer(b, selector)}`)).toBe(ending);
      if (ending === 'hlt') expect([b.cpu.rip, b.cpu.selector(SEGMENT.CS)]).toEqual([BigInt(TARGET), selector]);
    });

    test('to an address that is not canonical is #GP(0), to absent code #NP, to L with D #GP', () => {
      const b = bed();
      expect(b.ends(`${jump} ${pointer(b, SEL.code, 0x8000_0000_0000n)}`)).toBe('#13(0)');
      b.descriptor(SEL.free, flatDescriptor(FLAT.longCode(0) & ~ATTRIBUTE.P));
      expect(b.ends(`${jump} ${pointer(b, SEL.free)}`)).toBe('#11(a0)');
      b.descriptor(SEL.free, flatDescriptor(FLAT.longCode(0) | ATTRIBUTE.DB));
      expect(b.ends(`${jump} ${pointer(b, SEL.free)}`)).toBe('#13(a0)');
    });

    test('to 32-bit code enters compatibility mode', () => {
      const b = bed();
      b.descriptor(SEL.free, flatDescriptor(FLAT.code32(0)));
      // mov eax, 0x12345678; dec eax, which is a REX prefix in 64-bit code; hlt
      b.put(TARGET, 'b8 78 56 34 12 48 f4');
      expect(b.ends(`${jump} ${pointer(b, SEL.free)}`)).toBe('hlt');
      expect([b.cpu.gpr(0), b.cpu.rip]).toEqual([0x1234_5677n, BigInt(TARGET + 6)]);
    });
  });

  describe('CALL and RET far', () => {
    test('push and pop CS and RIP in the width of the operand', () => {
      for (const [prefix, back, bytes] of [
        ['48 ', '48 cb', 16n],
        ['', 'cb', 8n],
      ] as const) {
        const b = bed();
        b.put(TARGET, `48 89 e3 ${back}`);
        const at = prefix === '' ? word(AT.data + 68) : pointer(b, SEL.code);
        if (prefix === '') {
          b.write(AT.data + 64, BigInt(TARGET) << 32n);
          b.write(AT.data + 72, BigInt(SEL.code));
        }
        expect(b.ends(`${prefix}ff 1c 25 ${at} f4`)).toBe('hlt');
        expect(b.cpu.rip).toBe(BigInt(AT.code + (prefix === '' ? 7 : 8)));
        expect(b.cpu.gpr(3)).toBe(BigInt(AT.stack) - bytes);
        expect(b.cpu.gpr(4)).toBe(BigInt(AT.stack));
      }
    });

    test('RETF to an outer level switches stacks, releases on both and nulls inner segments', () => {
      const b = bed();
      b.put(AT.user, '48 89 e0 cd 03');
      b.gate(3, { dpl: 3 });
      const code = `66 b8 18 00 8e d8 6a 2b 68 ${word(AT.userStack)} 6a 00 6a 00 6a 33 68 ${word(AT.user)} 48 ca 10 00`;
      expect(b.ends(code)).toBe('#3');
      expect(b.cpu.gpr(0)).toBe(BigInt(AT.userStack + 16));
      expect(b.cpu.selector(SEGMENT.DS)).toBe(0);
      expect(b.frame(false)).toMatchObject({ cs: 0x33n, ss: 0x2bn, rsp: BigInt(AT.userStack + 16) });
    });

    test('RETF inwards is #GP', () => {
      const b = bed().level(3);
      expect(b.ends(`6a 10 68 ${word(AT.user)} 48 cb`)).toBe('#13(10)');
    });
  });

  describe('a 64-bit call gate', () => {
    const gated = (level: 0 | 1 | 3, gate: Parameters<KernelBed['callGate']>[1] = {}): KernelBed => {
      const b = bed().level(level);
      b.callGate(SEL.gate, { offset: TARGET, dpl: 3, ...gate });
      b.put(TARGET, 'f4');
      b.write(AT.userData, 0n);
      b.write(AT.userData + 8, BigInt(SEL.gate | level));
      return b;
    };
    const through = `48 ff 1c 25 ${word(AT.userData)}`;

    test('to an inner level switches to the stack of the TSS', () => {
      const b = gated(3);
      expect(b.ends(through)).toBe('hlt');
      expect([b.cpu.rip, b.cpu.cpl, b.cpu.selector(SEGMENT.CS), b.cpu.selector(SEGMENT.SS)]).toEqual([
        BigInt(TARGET),
        0,
        SEL.code,
        0,
      ]);
      expect(b.cpu.gpr(4)).toBe(BigInt(AT.stack - 32));
      expect([0, 1, 2, 3].map((n) => b.stack(n))).toEqual([BigInt(AT.user + 8), 0x33n, BigInt(AT.userStack), 0x2bn]);
    });

    test('and RETF comes back from it', () => {
      const b = gated(3);
      b.put(TARGET, '48 cb');
      b.gate(3, { dpl: 3 });
      expect(b.ends(`${through} cc`)).toBe('#3');
      expect(b.frame(false)).toMatchObject({ rip: BigInt(AT.user + 9), cs: 0x33n, rsp: BigInt(AT.userStack) });
    });

    test('to this level keeps the stack', () => {
      const b = gated(0);
      expect(b.ends(through)).toBe('hlt');
      expect([b.stack(0), b.stack(1), b.cpu.gpr(4)]).toEqual([BigInt(AT.code + 8), 0x10n, BigInt(AT.stack - 16)]);
    });

    it.each([
      ['of too little DPL', { dpl: 0 }, '#13(60)'],
      ['absent', { present: false }, '#11(60)'],
      ['to null', { selector: 0 }, '#13(0)'],
      ['to data', { selector: SEL.data }, '#13(18)'],
      ['to 32-bit code', { selector: SEL.user32 }, '#13(20)'],
      ['to an address that is not canonical', { offset: 1n << 50n }, '#13(0)'],
    ] as const)('%s', (_, gate, ending) => {
      expect(gated(3, gate).ends(through)).toBe(ending);
    });

    test('with a TSS too short for the stack is #TS; too short for any stack at all ends the CPU', () => {
      const b = gated(3, { selector: SEL.ring1Code });
      const task = b.cpu.segment(SEGMENT.TR);
      b.cpu.setSegment(SEGMENT.TR, { ...task, limit: 0x12 });
      expect(b.ends(through)).toBe('#10(40)');
      b.level(3).cpu.setSegment(SEGMENT.TR, { ...task, limit: 0xa });
      expect(b.ends(through)).toBe('shutdown');
      expect(b.cpu.rip).toBe(BigInt(AT.user));
    });

    test('JMP through a gate stays at its level', () => {
      const b = gated(3);
      expect(b.ends(`48 ff 2c 25 ${word(AT.userData)}`)).toBe('#13(10)');
    });
  });

  describe('IRET', () => {
    const frame = (rip: number | bigint, cs: number, flags: number, rsp: number | bigint, ss: number): string =>
      [ss, rsp, flags, cs, rip].map((value) => `48 b8 ${quad(BigInt(value))} 50`).join(' ');

    test('to CPL 3 loads all five and nulls inner segments', () => {
      const b = bed();
      b.put(AT.user, 'cd 03');
      b.gate(3, { dpl: 3 });
      const code = `66 b8 18 00 8e c0 ${frame(AT.user, 0x33, 0x24_7fd7, AT.userStack, 0x2b)} 48 cf`;
      // TF would trap behind the first instruction.
      expect(b.ends(code.replace('d7 7f 24', 'd7 3e 20'))).toBe('#3');
      expect(b.frame(false)).toEqual({
        rip: BigInt(AT.user + 2),
        cs: 0x33n,
        flags: 0x20_3ed7n,
        rsp: BigInt(AT.userStack),
        ss: 0x2bn,
      });
      expect(b.cpu.selector(SEGMENT.ES)).toBe(0);
    });

    it.each([
      ['to null', 0, 0x2b, AT.user, '#13(0)'],
      ['to data', 0x18, 0x18, AT.user, '#13(18)'],
      ['with a stack of another level', 0x33, 0x18, AT.user, '#13(18)'],
      ['to CPL 3 with a null stack', 0x33, 0, AT.user, '#13(0)'],
      ['to an address that is not canonical', 0x33, 0x2b, 1n << 47n, '#13(0)'],
      ['with an absent stack', 0x10, SEL.absent, AT.user, '#12(90)'],
    ] as const)('%s', (_, cs, ss, rip, ending) => {
      const b = bed();
      expect(b.ends(`${frame(rip, cs, 2, AT.userStack, ss)} 48 cf`)).toBe(ending);
      expect(b.cpu.cpl).toBe(0);
    });

    test('to CPL 0 takes a null stack; IF only with the privilege for it', () => {
      const b = bed();
      b.put(TARGET, 'f4');
      expect(b.ends(`${frame(TARGET, 0x10, 0x202, AT.stack1, 0)} 48 cf`)).toBe('hlt');
      expect([b.cpu.gpr(4), b.cpu.rflags, b.cpu.selector(SEGMENT.SS)]).toEqual([BigInt(AT.stack1), 0x202, 0]);
      const user = bed().level(3);
      user.put(AT.user + 0x200, 'cc');
      user.gate(3, { dpl: 3 });
      expect(user.ends(`${frame(AT.user + 0x200, 0x33, 0x3202, AT.userStack, 0x2b)} 48 cf`)).toBe('#3');
      expect(user.frame(false).flags).toBe(2n);
    });

    test('inwards is #GP; with NT #GP(0)', () => {
      expect(
        bed()
          .level(3)
          .ends(`${frame(AT.user, 0x10, 2, AT.stack, 0x18)} 48 cf`),
      ).toBe('#13(10)');
      const b = bed();
      b.cpu.rflags = 0x4002;
      expect(b.ends('48 cf')).toBe('#13(0)');
    });

    test('lets NMIs through again', () => {
      const b = bed();
      b.cpu.view.setUint8(L.NMI_BLOCKED, 1);
      b.put(TARGET, 'f4');
      b.run(`${frame(TARGET, 0x10, 2, AT.stack, 0)} 48 cf`);
      expect(b.cpu.view.getUint8(L.NMI_BLOCKED)).toBe(0);
    });

    test('IRETD takes five doublewords', () => {
      const b = bed();
      b.put(TARGET, 'f4');
      const values = [TARGET, 0x10, 2, AT.stack1, 0x18];
      values.forEach((value, i) => b.memory.write(AT.stack - 20 + 4 * i, new Uint8Array(Uint32Array.of(value).buffer)));
      b.cpu.setGpr(4, BigInt(AT.stack - 20));
      expect(b.ends('cf')).toBe('hlt');
      expect([b.cpu.rip, b.cpu.gpr(4)]).toEqual([BigInt(TARGET), BigInt(AT.stack1)]);
    });
  });
});

const quad = (value: bigint): string =>
  [0n, 8n, 16n, 24n, 32n, 40n, 48n, 56n]
    .map((shift) => ((value >> shift) & 0xffn).toString(16).padStart(2, '0'))
    .join(' ');

everyMnemonicOf('far');
