import { describe, expect, it, test } from 'vitest';
import { ENGINE_NAMES } from '../../../src/exec/engine.ts';
import { SEGMENT } from '../../../src/state/descriptors.ts';
import * as L from '../../../src/state/layout.ts';
import { AT, KernelBed, SEL, word } from '../../support/kernel-bed.ts';

/** MSRs as Linux sets them, by WRMSR. */
const wrmsr = (number: number, high: number, low: number): string =>
  `b9 ${word(number)} ba ${word(high)} b8 ${word(low)} 0f 30`;
const ENTRY = 0x2_4000;
const LINUX = [
  wrmsr(0xc000_0080, 0, 0xd01),
  wrmsr(0xc000_0081, 0x0023_0010, 0),
  wrmsr(0xc000_0082, 0, ENTRY),
  wrmsr(0xc000_0084, 0, 0x25_7fd5),
  wrmsr(0xc000_0102, 0xffff_8800, 0),
].join(' ');

describe.each(ENGINE_NAMES)('%s', (engine) => {
  const bed = (): KernelBed => {
    const b = new KernelBed(engine).boot();
    expect(b.ends(`${LINUX} f4`)).toBe('hlt');
    return b;
  };
  const dr6 = (b: KernelBed): bigint => b.cpu.u64(L.DR + 48);

  test('SYSCALL: RCX, R11, CS and SS, flags by SFMASK; RSP and the bases stay', () => {
    const b = bed().level(3);
    b.put(ENTRY, '0f 01 f8 f4');
    b.cpu.rflags = 0x24_7ed7;
    b.cpu.setU64(L.GS_BASE, 0x1234n);
    expect(b.ends('90 0f 05')).toBe('hlt');
    const { cpu } = b;
    expect([cpu.gpr(1), cpu.gpr(11), cpu.gpr(4)]).toEqual([BigInt(AT.user + 3), 0x24_7ed7n, BigInt(AT.userStack)]);
    expect([cpu.selector(SEGMENT.CS), cpu.selector(SEGMENT.SS), cpu.cpl, cpu.rflags]).toEqual([0x10, 0x18, 0, 2]);
    expect([cpu.u64(L.GS_BASE), cpu.u64(L.KERNEL_GS_BASE)]).toEqual([0xffff_8800_0000_0000n, 0x1234n]);
  });

  test('and back by SYSRET', () => {
    const b = bed().level(3);
    b.put(ENTRY, '0f 01 f8 0f 01 f8 48 0f 07');
    b.gate(3, { dpl: 3 });
    b.cpu.rflags = 0x246;
    expect(b.ends('0f 05 cc')).toBe('#3');
    expect(b.frame(false)).toMatchObject({ rip: BigInt(AT.user + 3), cs: 0x33n, ss: 0x2bn, flags: 0x246n });
  });

  test('SYSRET to an address that is not canonical is #GP at CPL 0, on the stack that is there', () => {
    const b = bed();
    expect(b.ends('48 b9 00 00 00 00 00 80 00 00 48 0f 07')).toBe('#13(0)');
    expect(b.frame(true)).toMatchObject({ rip: BigInt(AT.code + 10), cs: 0x10n, rsp: BigInt(AT.stack) });
  });

  test('SYSRET outside CPL 0 is #GP(0); without EFER.SCE it is #UD, as is SYSCALL', () => {
    const b = bed().level(3);
    expect(b.ends('48 0f 07')).toBe('#13(0)');
    const off = new KernelBed(engine).boot();
    expect([off.ends('48 0f 07'), off.level(0).ends('0f 05')]).toEqual(['#6', '#6']);
  });

  test('SYSRET to 32-bit code takes 32 bits of RCX; SYSCALL there is #UD, INT n goes by the gates', () => {
    const back = (code: string): KernelBed => {
      const b = bed();
      b.gate(0x80, { dpl: 3 });
      b.put(AT.user, code);
      b.cpu.setGpr(1, 0xffff_ffff_0000_0000n | BigInt(AT.user));
      b.cpu.setGpr(4, BigInt(AT.userStack));
      b.cpu.setGpr(11, 0x202n);
      return b;
    };
    for (const [code, ending, rip] of [
      ['0f 05', '#6', 0],
      ['40 cd 80', '#128', 3],
      ['b8 ff ff ff 7f 83 c0 01 ce', '#13(22)', 8],
    ] as const) {
      const b = back(code);
      expect(b.ends('0f 07')).toBe(ending);
      // The frame lies on the stack that the task-state segment names.
      expect(b.frame(ending.includes('('))).toMatchObject({ rip: BigInt(AT.user + rip), cs: 0x23n, ss: 0x2bn });
    }
  });

  test('SYSCALL with TF: masked there is no trap before the return; not masked it comes on the handler', () => {
    const b = bed().level(3);
    b.put(ENTRY, '48 0f 07');
    b.cpu.rflags = 0x102;
    expect(b.ends('0f 05 90 90')).toBe('#1');
    expect(b.frame(false).rip).toBe(BigInt(AT.user + 3));
    const open = bed();
    open.cpu.setU64(L.SFMASK, 0n);
    open.level(3).cpu.rflags = 0x102;
    expect(open.ends('0f 05')).toBe('#1');
    expect(open.frame(false)).toMatchObject({ rip: BigInt(ENTRY), cs: 0x10n });
    expect(dr6(open)).toBe(0xffff_4ff0n);
  });

  describe('SYSENTER and SYSEXIT', () => {
    const entered = (): KernelBed => {
      const b = new KernelBed(engine).boot();
      b.run(`${wrmsr(0x174, 0, 0x10)} ${wrmsr(0x175, 0, AT.stack1)} ${wrmsr(0x176, 0, ENTRY)} f4`);
      return b;
    };
    test('in: RIP and RSP from the registers, IF cleared', () => {
      const b = entered().level(3);
      b.put(ENTRY, 'f4');
      b.cpu.rflags = 0x202;
      expect(b.ends('0f 34')).toBe('hlt');
      expect([b.cpu.rip, b.cpu.gpr(4), b.cpu.rflags]).toEqual([BigInt(ENTRY), BigInt(AT.stack1), 2]);
      expect([b.cpu.selector(SEGMENT.CS), b.cpu.selector(SEGMENT.SS)]).toEqual([0x10, 0x18]);
    });
    test('out: to RDX and RCX at CPL 3', () => {
      const b = entered();
      b.put(AT.user, 'cc');
      b.gate(3, { dpl: 3 });
      expect(b.ends(`ba ${word(AT.user)} b9 ${word(AT.userStack)} 48 0f 35`)).toBe('#3');
      expect(b.frame(false)).toMatchObject({ cs: 0x33n, ss: 0x3bn, rsp: BigInt(AT.userStack) });
    });
    it.each([
      ['SYSENTER without a selector', '0f 34', 3, '#13(0)'],
      ['SYSEXIT without a selector', '48 0f 35', 0, '#13(0)'],
    ] as const)('%s', (_, code, level, ending) => {
      expect(new KernelBed(engine).boot().level(level).ends(code)).toBe(ending);
    });
    test('SYSEXIT to 32-bit code takes 32 bits of RDX and RCX; SYSENTER leads back', () => {
      const b = entered();
      b.put(AT.user, '0f 34');
      b.put(ENTRY, 'f4');
      b.cpu.setGpr(2, 0x1234_0000_0000_0000n | BigInt(AT.user));
      b.cpu.setGpr(1, 0x1234_0000_0000_0000n | BigInt(AT.userStack));
      expect(b.run('0f 35', 1).kind).toBe('count');
      const { cpu } = b;
      expect([cpu.rip, cpu.gpr(4), cpu.cpl]).toEqual([BigInt(AT.user), BigInt(AT.userStack), 3]);
      expect([cpu.selector(SEGMENT.CS), cpu.selector(SEGMENT.SS)]).toEqual([0x23, 0x2b]);
      expect(b.machine.run(2).kind).toBe('hlt');
      expect([cpu.rip, cpu.selector(SEGMENT.CS), cpu.cpl]).toEqual([BigInt(ENTRY), 0x10, 0]);
    });
    test('SYSEXIT outside CPL 0, and to what is not canonical', () => {
      expect(entered().level(3).ends('48 0f 35')).toBe('#13(0)');
      expect(entered().ends('48 ba 00 00 00 00 00 80 00 00 48 0f 35')).toBe('#13(0)');
    });
  });

  describe('MSRs', () => {
    it.each([
      ['LSTAR', 0xc000_0082, 0x8000, 0],
      ['KERNEL_GS_BASE', 0xc000_0102, 0x8000, 0],
      ['SYSENTER_EIP', 0x176, 0x8000, 0],
      ['TSC_AUX above 32 bits', 0xc000_0103, 1, 0],
      ['EFER without LME', 0xc000_0080, 0, 0x401],
      ['EFER with a bit there is not', 0xc000_0080, 0, 0x1501],
      ['PAT with a type there is not', 0x277, 0, 2],
      ['one that is not there', 0x1234_5678, 0, 0],
    ] as const)('WRMSR refuses %s', (_, number, high, low) => {
      expect(new KernelBed(engine).boot().ends(wrmsr(number, high, low))).toBe('#13(0)');
    });

    test('the time-stamp counter goes on from what is written', () => {
      const b = new KernelBed(engine).boot();
      b.run(`${wrmsr(0x10, 1, 0)} 0f 31 f4`);
      expect(b.cpu.gpr(2)).toBe(1n);
      expect(b.cpu.gpr(0)).toBe(1n);
    });

    test('PAT is as after a reset', () => {
      const b = new KernelBed(engine).boot();
      b.run(`b9 ${word(0x277)} 0f 32 f4`);
      expect([b.cpu.gpr(2), b.cpu.gpr(0)]).toEqual([0x0007_0406n, 0x0007_0406n]);
      expect(SEL.code).toBe(b.cpu.selector(SEGMENT.CS));
    });
  });
});
