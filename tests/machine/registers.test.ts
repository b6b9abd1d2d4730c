import { describe, expect, it } from 'vitest';
import { registerLines, registerValues } from '../../src/debug/registers.ts';
import { Machine } from '../../src/machine/machine.ts';
import { RegisterError, registerSetting } from '../../src/machine/registers.ts';
import * as L from '../../src/state/layout.ts';
import { X87 } from '../../src/state/x87.ts';

const machine = new Machine({ memory: 1 << 20 });
const { cpu } = machine;

function set(values: Record<string, bigint>): void {
  machine.reset();
  const settings = Object.entries(values).map(([name, value]) => registerSetting(name, value));
  for (const setting of settings.sort((a, b) => a.rank - b.rank)) setting.apply(cpu);
}

describe('registerSetting', () => {
  it('sets general-purpose registers in every width, as instructions do', () => {
    set({ rax: -1n, ah: 0n, rbx: -1n, ebx: 5n, rcx: -1n, cl: 1n, r8: -1n, r8w: 0x1234n, RDX: 7n });
    expect(cpu.gpr(0)).toBe(0xffff_ffff_ffff_00ffn);
    expect(cpu.gpr(3)).toBe(5n);
    expect(cpu.gpr(1)).toBe(0xffff_ffff_ffff_ff01n);
    expect(cpu.gpr(8)).toBe(0xffff_ffff_ffff_1234n);
    expect(cpu.gpr(2)).toBe(7n);
  });

  it('sets flags that exist, vectors, MXCSR, bases, selectors, control registers', () => {
    set({
      rflags: -1n,
      xmm15: 1n << 127n,
      mxcsr: 0x1f80n,
      fsbase: 1n,
      gsbase: 2n,
      kernelgsbase: 3n,
      ds: 0x2bn,
      cr2: 4n,
    });
    expect(cpu.rflags).toBe(0x3d7fd7);
    expect(cpu.xmm(15)).toBe(1n << 127n);
    expect([cpu.u64(L.FS_BASE), cpu.u64(L.GS_BASE), cpu.u64(L.KERNEL_GS_BASE), cpu.u64(L.CR2)]).toEqual([
      1n,
      2n,
      3n,
      4n,
    ]);
    expect(cpu.selector(3)).toBe(0x2b);
  });

  it('sets vectors of every width, of which wider parts stay, and opmasks', () => {
    set({ ymm3: (7n << 128n) | 1n, zmm31: 5n << 448n, xmm16: 9n, k1: 0xf0n });
    expect([cpu.xmm(3), cpu.ymmHigh(3)]).toEqual([1n, 7n]);
    expect(cpu.u64(L.vectorAt(31) + 56)).toBe(5n);
    expect(cpu.u64(L.vectorAt(16))).toBe(9n);
    expect(cpu.u64(L.opmaskAt(1))).toBe(0xf0n);
    set({ ymm3: -1n });
    registerSetting('xmm3', 2n).apply(cpu);
    expect([cpu.xmm(3), cpu.ymmHigh(3)]).toEqual([2n, (1n << 128n) - 1n]);
    const text = registerLines(cpu).join('\n');
    expect(text).toContain(`ymm3   0x${'f'.repeat(32)}${'0'.repeat(31)}2`);
    expect(registerValues(cpu).wide?.['ymm3']).toBe(`0x${'f'.repeat(32)}${'0'.repeat(31)}2`);
  });

  it('finds ST(i) through the TOP that is set with it, in whatever order', () => {
    const one = 0x3fff_8000_0000_0000_0000n;
    set({ st0: one, sw: 0x3800n, cw: 0x27fn });
    const x87 = new X87(cpu);
    expect(x87.read(0)).toBe(one);
    expect(x87.readPhysical(7)).toBe(one);
    expect(x87.isEmpty(0)).toBe(false);
    expect(x87.isEmpty(1)).toBe(true);
    expect(x87.controlWord).toBe(0x27f);
    set({ st0: one, tag: 0xffffn });
    expect(x87.isEmpty(0)).toBe(true);
  });

  it.each([
    ['al', 256n, '0x100 does not fit the 8 bits of al'],
    ['rax', 1n << 64n, 'does not fit the 64 bits'],
    ['al', -129n, '-129 does not fit'],
    ['foo', 0n, 'no register foo'],
    ['xmm32', 0n, 'no register'],
    ['k8', 0n, 'no register'],
    ['mxcsr', 0x1_0000n, 'reserved bits'],
  ])('refuses %s = %d', (name, value, message) => {
    expect(() => registerSetting(name, value)).toThrow(message);
  });

  it('refuses to leave long mode', () => {
    expect(() => set({ cr0: 1n })).toThrow(RegisterError);
    expect(() => set({ cr4: 0n })).toThrow('long mode');
  });
});
