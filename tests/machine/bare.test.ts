import { describe, expect, it } from 'vitest';
import { parseHexBytes } from '../../src/bits/hex.ts';
import { ENGINE_NAMES } from '../../src/exec/engine.ts';
import { BareGuest, type BareProgram } from '../../src/machine/bare.ts';
import type { BareRegion } from '../../src/machine/bare-space.ts';
import { registerSetting } from '../../src/machine/registers.ts';
import { pageWalk } from '../../src/memory/page-walk.ts';
import { GS_BASE, KERNEL_GS_BASE } from '../../src/state/layout.ts';

const BASE = 0x10_0000n;
const page = (address: bigint, rights: Partial<BareRegion> = {}): BareRegion => ({
  address,
  size: 0x1000,
  write: true,
  execute: true,
  user: true,
  ...rights,
});

function program(code: string, more: Partial<BareProgram> = {}, address = BASE): BareProgram {
  const bytes = parseHexBytes(code);
  return {
    entry: address,
    cpl: 0,
    registers: [],
    ...more,
    regions: [page(address), ...(more.regions ?? [])],
    contents: [{ address, bytes }, ...(more.contents ?? [])],
  };
}

describe.each(ENGINE_NAMES)('a bare guest under the %s', (engine) => {
  const guest = new BareGuest({ memory: 4 << 20, engine });
  const run = (given: BareProgram, limits = {}) => {
    guest.load(given);
    return guest.run({ instructions: 1000, ...limits });
  };
  const rax = (): bigint => guest.machine.cpu.gpr(0);

  it.each([0, 3] as const)('ends at HLT at CPL %i with RIP on it', (cpl) => {
    expect(run(program('b8 2a 00 00 00 f4', { cpl }))).toEqual({ reason: 'hlt' });
    expect(rax()).toBe(42n);
    expect(guest.machine.cpu.rip).toBe(BASE + 5n);
    expect(guest.machine.cpu.icount).toBe(1);
  });

  it('stops before the instruction at until, and after a count', () => {
    expect(run(program('90 90 90 f4'), { until: BASE + 2n })).toEqual({ reason: 'until' });
    expect(guest.machine.cpu.rip).toBe(BASE + 2n);
    expect(run(program('eb fe'))).toEqual({ reason: 'max-insns' });
    expect(guest.machine.cpu.icount).toBe(1000);
  });

  it('stops by the clock', () => {
    guest.load(program('eb fe'));
    expect(guest.run({ milliseconds: 20 })).toEqual({ reason: 'timeout' });
  });

  it('ends at an exception, which is told whole', () => {
    // mov 0x1000,%eax
    expect(run(program('8b 04 25 00 10 00 00'))).toEqual({
      reason: 'fault',
      fault: { vector: 14, errorCode: 0, cr2: 0x1000n },
    });
    expect(run(program('0f 0b'))).toMatchObject({ reason: 'fault', fault: { vector: 6, errorCode: null, cr2: null } });
  });

  it('keeps CPL 3 out of supervisor pages and everybody from writing read-only ones', () => {
    const regions = [page(0x20_0000n, { user: false, write: false })];
    const load = '8b 04 25 00 00 20 00 f4';
    const store = '89 04 25 00 00 20 00 f4';
    expect(run(program(load, { regions, cpl: 0 })).reason).toBe('hlt');
    expect(run(program(load, { regions, cpl: 3 }))).toMatchObject({ fault: { errorCode: 5 } });
    expect(run(program(store, { regions, cpl: 0 }))).toMatchObject({ fault: { errorCode: 3 } });
  });

  it('maps the upper half, and exchanges the GS bases', () => {
    const high = 0xffff_ffff_8100_0000n;
    const registers = [registerSetting('gsbase', 1n), registerSetting('kernelgsbase', 0xffff_9947_63e0_0000n)];
    expect(run(program('0f 01 f8 f4', { registers }, high))).toEqual({ reason: 'hlt' });
    expect(guest.machine.cpu.u64(GS_BASE)).toBe(0xffff_9947_63e0_0000n);
    expect(guest.machine.cpu.u64(KERNEL_GS_BASE)).toBe(1n);
  });

  it('has a stack with RSP at its top', () => {
    expect(run(program('6a 07 58 f4'))).toEqual({ reason: 'hlt' });
    expect(rax()).toBe(7n);
    expect(guest.machine.cpu.gpr(4)).toBe(0x8000_0000n);
  });

  it('sees what it writes into its own code', () => {
    // mov byte [rip+1], 7; mov $1, %al with its immediate overwritten; hlt
    expect(run(program('c6 05 01 00 00 00 07 b0 01 f4')).reason).toBe('hlt');
    expect(rax()).toBe(7n);
  });

  describe('leaves nothing for the next one', () => {
    it('neither memory nor registers nor translated code', () => {
      const dirty = 'b8 ff ff ff ff 89 04 25 00 00 20 00 0f 6e c0'.replace('0f 6e', '66 0f 6e');
      run(program(`${dirty} d9 e8 f9 fd f4`, { regions: [page(0x20_0000n)] }));
      expect(run(program('8b 04 25 00 00 20 00 f4', { regions: [page(0x20_0000n)] })).reason).toBe('hlt');
      const { cpu } = guest.machine;
      expect(rax()).toBe(0n);
      expect(cpu.xmm(0)).toBe(0n);
      expect(cpu.rflags).toBe(0x202);
      expect(cpu.icount).toBe(1);
    });

    it('not even what it wrote through page tables of its own', () => {
      const frameOf = (linear: bigint): number => pageWalk(guest.machine.memory, guest.machine.cpu, linear).physical!;
      const table = page(0x20_0000n);
      guest.load(program('f4', { regions: [table] }));
      const [code, tables] = [frameOf(BASE), frameOf(table.address)];
      const far = 0x30_0000;
      // Entry 0 leads back to the table on every level; the code stays where it is; the page behind it is far away.
      const entries = new Uint8Array(0x1000);
      const view = new DataView(entries.buffer);
      view.setBigUint64(0, BigInt(tables + 0x67), true);
      view.setBigUint64(8 * 0x100, BigInt(code + 0x67), true);
      view.setBigUint64(8 * 0x101, BigInt(far + 0x67), true);
      const outbreak = program('0f 22 d8 89 04 25 00 10 10 00 f4', {
        regions: [table],
        contents: [{ address: table.address, bytes: entries }],
        registers: [registerSetting('rax', BigInt(tables))],
      });
      expect(run(outbreak)).toEqual({ reason: 'hlt' });
      expect(guest.machine.memory.readU64(far)).toBe(BigInt(tables));
      guest.load(program('f4'));
      expect(guest.machine.memory.readU64(far)).toBe(0n);
    });

    it('gives the same physical addresses whatever ran before', () => {
      const one = program('0f 20 d8 f4', { regions: [page(0x20_0000n), page(0x4000_0000n)] });
      run(one);
      const root = rax();
      run(program('f4', { regions: [page(0x7000_0000n, { size: 0x8000 })] }));
      run(one);
      expect(rax()).toBe(root);
    });
  });

  it('does not fit more than there is', () => {
    expect(() => guest.load(program('f4', { regions: [page(0x4000_0000n, { size: 8 << 20 })] }))).toThrow(
      "more than the guest's 4 MiB of memory; raise --memory",
    );
    expect(() => guest.load(program('f4', { regions: [page(0x8000_0000_0000n)] }))).toThrow('not canonical');
    expect(() => guest.load(program('f4', { contents: [{ address: 0n, bytes: Uint8Array.of(1) }] }))).toThrow(
      '0x0 is not mapped',
    );
    expect(run(program('f4')).reason).toBe('hlt');
  });
});
