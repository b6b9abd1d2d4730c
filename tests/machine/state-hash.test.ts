import { describe, expect, test } from 'vitest';
import { parseHexBytes } from '../../src/bits/hex.ts';
import { Machine } from '../../src/machine/machine.ts';
import { stateHash } from '../../src/machine/state-hash.ts';
import * as L from '../../src/state/layout.ts';
import { FLAG } from '../../src/state/rflags.ts';
import { P, RW, TestSpace, US } from '../support/space.ts';

const machine = (memory = 1 << 20) => new Machine({ memory, engine: 'reference' });
const CODE = 0x40_0000n;

describe('what belongs to the state', () => {
  const changes: readonly (readonly [string, (m: Machine) => void])[] = [
    ['a general-purpose register', ({ cpu }) => cpu.setGpr(15, 1n)],
    ['RIP', ({ cpu }) => (cpu.rip = 1n)],
    ['a flag', ({ cpu }) => (cpu.rflags |= FLAG.CF)],
    ['DF', ({ cpu }) => (cpu.rflags |= FLAG.DF)],
    ['the FS base', ({ cpu }) => cpu.setU64(L.FS_BASE, 1n)],
    ['the kernel GS base', ({ cpu }) => cpu.setU64(L.KERNEL_GS_BASE, 1n)],
    ['a selector', ({ cpu }) => cpu.setSelector(5, 0x33)],
    ['the privilege level', ({ cpu }) => (cpu.cpl = 0)],
    ['CR2', ({ cpu }) => cpu.setU64(L.CR2, 1n)],
    ['CR8', ({ cpu }) => cpu.setU64(L.CR8, 1n)],
    ['LSTAR', ({ cpu }) => cpu.setU64(L.LSTAR, 1n)],
    ['a debug register', ({ cpu }) => cpu.setU64(L.DR + 56, 1n)],
    ['the IDT limit', ({ cpu }) => cpu.setU64(L.IDTR_LIMIT, 1n)],
    ['a vector register', ({ cpu }) => cpu.setXmm(15, 1n << 127n)],
    ['MXCSR', ({ cpu }) => (cpu.mxcsr |= 0x20)],
    ['the x87 status word', ({ cpu }) => (cpu.x87.statusWord = 0x3800)],
    ['an x87 register', ({ cpu }) => cpu.x87.writePhysical(7, 1n)],
    ['the instruction count', ({ cpu }) => (cpu.icount = 1)],
    ['a byte of memory', ({ memory }) => memory.write(memory.size - 1, Uint8Array.of(1))],
  ];
  test.each(changes)('%s', (_, change) => {
    const plain = stateHash(machine());
    const changed = machine();
    change(changed);
    const hash = stateHash(changed);
    expect(hash).toMatch(/^[0-9a-f]{16}$/);
    expect(hash).not.toBe(plain);
  });

  test('where a byte stands', () => {
    const at = (physical: number): string => {
      const m = machine();
      m.memory.write(physical, Uint8Array.of(1));
      return stateHash(m);
    };
    expect(new Set([0, 1, 4, 4096, 8192, 8196].map(at)).size).toBe(6);
  });
});

describe('what does not', () => {
  test('how a flag is kept', () => {
    const m = machine();
    m.cpu.rflags |= FLAG.ZF | FLAG.SF;
    const before = stateHash(m);
    m.cpu.setU64(L.SF_SLOT, 0xffff_0000_0000_0001n);
    m.cpu.view.setUint8(L.PF_SLOT, 0x13);
    expect(stateHash(m)).toBe(before);
  });

  test('the size of RAM, and frames of zeros', () => {
    const big = machine(16 << 20);
    big.memory.allocateFrame();
    big.memory.write(0x2000, Uint8Array.of(1));
    big.memory.write(0x2000, Uint8Array.of(0));
    expect(stateHash(big)).toBe(stateHash(machine()));
  });

  test('what an engine keeps for itself', () => {
    const { cpu, memory } = machine();
    const before = stateHash({ cpu, memory });
    cpu.u8.fill(0x55, L.EXEC, L.ICOUNT);
    cpu.u8.fill(0x55, L.TLB_READ, L.TLB_READ + 64);
    cpu.u8.fill(0x55, L.CODE_ARENA, L.CODE_ARENA + 64);
    expect(stateHash({ cpu, memory })).toBe(before);
  });
});

test('a store of the guest to a frame that nobody has handed out is seen', () => {
  const space = new TestSpace('interpreter');
  space.map(CODE, P | US);
  const far = 4 << 20;
  space.map(CODE + 0x1000n, P | RW | US, far);
  space.write(CODE, parseHexBytes('c6 04 25 00 10 40 00 07')); // mov byte [401000h],7
  const read = (): string => {
    const { cpu, memory } = space.machine;
    const saved = [cpu.rip, cpu.icount] as const;
    cpu.rip = 0n;
    cpu.icount = 0;
    const hash = stateHash({ cpu, memory });
    [cpu.rip, cpu.icount] = saved;
    return hash;
  };
  const before = read();
  space.run(CODE, 1);
  const after = read();
  expect(space.memory.bytes(far, 1)[0]).toBe(7);
  expect(after).not.toBe(before);
  space.memory.bytes(far, 1)[0] = 8;
  expect(read()).not.toBe(after);
});
