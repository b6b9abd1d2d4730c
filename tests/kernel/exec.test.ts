import { describe, expect, it } from 'vitest';
import { ElfError } from '../../src/elf/error.ts';
import { readImage } from '../../src/elf/image.ts';
import { Kernel } from '../../src/kernel/kernel.ts';
import { Machine } from '../../src/machine/machine.ts';
import { FS_BASE, GS_BASE, X87_CW } from '../../src/state/layout.ts';
import { BASE, elfFile } from '../support/elf-file.ts';

const program = elfFile({
  segments: [
    { offset: 0n, fileSize: 0x1002n, flags: 5, address: BASE },
    { offset: 0x1000n, fileSize: 2n, memorySize: 0x2345n, flags: 6, address: BASE + 0x2000n },
    { type: 0x6474e551, flags: 6 },
  ],
  entry: BASE + 0x1000n,
});

function started(args: string[], env: string[], path = '/tmp/start', file = program, seed = 1) {
  const machine = new Machine({ syscall: true, memory: 16 << 20 });
  const kernel = new Kernel(machine, { seed });
  const process = kernel.exec(readImage(file), args, env, path);
  return { machine, cpu: machine.cpu, kernel, process, user: process.user };
}

describe('exec', () => {
  it('sets the registers that Linux sets', () => {
    const { cpu } = started(['a'], []);
    for (let n = 0; n < 16; n++) if (n !== 4) expect(cpu.gpr(n)).toBe(0n);
    expect(cpu.rip).toBe(BASE + 0x1000n);
    expect(cpu.gpr(4) % 16n).toBe(0n);
    expect(cpu.rflags).toBe(0x202);
    expect([0, 1, 2, 3, 4, 5].map((n) => cpu.selector(n))).toEqual([0, 0x33, 0x2b, 0, 0, 0]);
    expect([cpu.u64(FS_BASE), cpu.u64(GS_BASE), cpu.cpl, cpu.mxcsr]).toEqual([0n, 0n, 3, 0x1f80]);
    expect(cpu.view.getUint16(X87_CW, true)).toBe(0x37f);
  });

  it('lays the stack out as measured: the same strings give the same addresses', () => {
    const args = ['/tmp/auxv', 'x'];
    const env = Array.from({ length: 35 }, (_, i) => `${'V'.repeat(20)}${i}=`);
    const strings = [...args, ...env].reduce((sum, text) => sum + text.length + 1, 0);
    env[0] += '.'.repeat(0x7fff_ffff_efee - 0x7fff_ffff_ead4 - strings);
    const { cpu, user } = started(args, env, '/tmp/auxv');
    const rsp = Number(cpu.gpr(4));
    const at = (index: number): number => user.word(rsp + 8 * index);
    expect(at(0)).toBe(2);
    expect(user.path(at(1))).toBe('/tmp/auxv');
    expect(at(3)).toBe(0);
    expect(user.path(at(4))).toBe(env[0]);
    expect(at(4 + 35)).toBe(0);
    const auxv = new Map<number, number>();
    const order: number[] = [];
    for (let i = 4 + 36; ; i += 2) {
      order.push(at(i));
      auxv.set(at(i), at(i + 1));
      if (at(i) === 0) break;
    }
    expect(order).toEqual([33, 51, 16, 6, 17, 3, 4, 5, 7, 8, 9, 11, 12, 13, 14, 23, 25, 26, 31, 15, 27, 28, 0]);
    expect(auxv.get(31)).toBe(0x7fff_ffff_efee);
    expect(auxv.get(15)).toBe(0x7fff_ffff_eac9);
    expect(auxv.get(25)).toBe(0x7fff_ffff_eab9);
    expect(rsp).toBe(0x7fff_ffff_e800);
    expect(user.path(auxv.get(15)!)).toBe('x86_64');
    expect(user.path(auxv.get(31)!)).toBe('/tmp/auxv');
    expect([...user.read(0x7fff_ffff_eff8, 8)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    expect([51, 6, 17, 4, 5, 9, 23, 26, 27, 28].map((key) => auxv.get(key))).toEqual([
      11952,
      4096,
      100,
      56,
      3,
      Number(BASE) + 0x1000,
      0,
      2,
      28,
      32,
    ]);
    expect(auxv.get(3)).toBe(Number(BASE) + 64);
  });

  it('draws the random bytes from the seed', () => {
    const random = (seed: number) => {
      const { process } = started(['a'], [], '/x', program, seed);
      const view = new DataView(process.program.auxv.buffer);
      for (let i = 0; ; i += 16) {
        if (view.getBigUint64(i, true) !== 25n) continue;
        return Buffer.from(process.user.read(Number(view.getBigUint64(i + 8, true)), 16)).toString('hex');
      }
    };
    expect(random(1)).toBe(random(1));
    expect(random(1)).not.toBe(random(2));
  });

  it('maps segments with their rights, zeroes the bss, and starts the heap behind it', () => {
    const { user, process } = started(['a'], []);
    const base = Number(BASE);
    expect([...user.read(base + 0x2000, 4)]).toEqual([0x0f, 0x05, 0, 0]);
    expect(user.read(base + 0x4344, 1)[0]).toBe(0);
    expect(() => user.write(base, Uint8Array.of(1))).toThrow('EFAULT');
    user.write(base + 0x4000, Uint8Array.of(1));
    expect(process.space.heapStart).toBe(base + 0x5000);
    const stack = process.space.areas.all.at(-1)!;
    expect([stack.name, stack.growsDown, stack.prot, stack.end]).toEqual(['[stack]', true, 3, 0x7fff_ffff_f000]);
  });

  it('puts a PIE at the address that Linux uses without randomisation', () => {
    const pie = elfFile({ type: 3, segments: [{ offset: 0n, fileSize: 0x1002n, address: 0n }], entry: 0x1000n });
    const { cpu, process } = started(['a'], [], '/x', pie);
    expect(cpu.rip).toBe(0x5555_5555_5000n);
    expect(process.space.areas.all[0]!.start).toBe(0x5555_5555_4000);
  });

  it('refuses what no user process can hold', () => {
    const kernel = elfFile({ segments: [{ address: 0xffff_ffff_8000_0000n }], entry: 0xffff_ffff_8000_0000n });
    expect(() => started(['a'], [], '/x', kernel)).toThrow(ElfError);
    const low = elfFile({ segments: [{ address: 0n, offset: 0n, fileSize: 0x1002n }], entry: 0x1000n });
    expect(() => started(['a'], [], '/x', low)).toThrow(ElfError);
    expect(() => started(['x'.repeat(3 << 20)], [])).toThrow('E2BIG');
  });
});
