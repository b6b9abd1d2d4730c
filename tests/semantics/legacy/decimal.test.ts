import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { decodeLegacy } from '../../../src/decode/decode.ts';
import { execute } from '../../../src/exec/execute.ts';
import { Machine } from '../../../src/machine/machine.ts';
import { liftLegacy } from '../../../src/semantics/legacy/lift.ts';
import { FLAG } from '../../../src/state/rflags.ts';
import { boot, flat } from '../../support/boot.ts';

const [EAX, EBX] = [0, 3];
const machine = new Machine({ memory: 1 << 20, engine: 'reference' });
const { cpu, context } = machine;

function blockOf(bytes: readonly number[]) {
  const insn = decodeLegacy(Uint8Array.from([...bytes, ...new Uint8Array(15 - bytes.length)]), 32);
  const block = typeof insn === 'string' ? null : liftLegacy(insn, 0n);
  if (block === null) throw new Error('no definition');
  return block;
}

const ALL = FLAG.CF | FLAG.PF | FLAG.AF | FLAG.ZF | FLAG.SF | FLAG.OF;
const OF_RESULT = FLAG.ZF | FLAG.SF | FLAG.PF;

/** Hashes of what a CPU has printed (guest/oracle/decimal.c): every AL, four of AH, CF and AF; flags that the manual defines. */
test.each([
  ['daa', [0x27], ALL & ~FLAG.OF, 'a86b329ec5a137f8'],
  ['das', [0x2f], ALL & ~FLAG.OF, '44a1540f73606ba1'],
  ['aaa', [0x37], FLAG.CF | FLAG.AF, '81a570b5c8974627'],
  ['aas', [0x3f], FLAG.CF | FLAG.AF, 'f60f5f0d172fdb37'],
  ['aam10', [0xd4, 10], OF_RESULT, '8dc149b11123ed39'],
  ['aad10', [0xd5, 10], OF_RESULT, '17fcbe24f8d6ff04'],
  ['aam7', [0xd4, 7], OF_RESULT, '99af531c2305adef'],
  ['aad200', [0xd5, 200], OF_RESULT, '0b7aa03f4b32792e'],
  ['salc', [0xd6], ALL, 'b8969df572d87a5a'],
] as const)('%s is as on a CPU', (name, bytes, defined, wanted) => {
  const block = blockOf(bytes);
  const hash = createHash('sha256');
  const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
  for (let ah = 0; ah < 256; ah += 85)
    for (let al = 0; al < 256; al++)
      for (let f = 0; f < 4; f++) {
        const ax = (ah << 8) | al;
        cpu.setGpr(EAX, BigInt(ax));
        cpu.rflags = 0x202 | (f & 1 ? FLAG.CF : 0) | (f & 2 ? FLAG.AF : 0);
        expect(execute(context, block)).toBe('next');
        const after = Number(cpu.gpr(EAX) & 0xffffn);
        hash.update(`${name} ${hex(ax, 4)} ${f} ${hex(after, 4)} ${hex(cpu.rflags & defined, 3)}\n`);
      }
  expect(hash.digest('hex').slice(0, 16)).toBe(wanted);
});

describe('in 32-bit code', () => {
  const run = (code: string) => {
    const { system } = boot(flat(`${code} fa f4`), { engine: 'interpreter' });
    return { stop: system.run({ instructions: 1000 }), cpu: system.machine.cpu };
  };
  const fault = (vector: number) => ({ reason: 'fault', fault: { vector } });

  test('AAM by zero is #DE', () => {
    expect(run('d4 00').stop).toMatchObject(fault(0));
  });

  /** mov dword [3000h],LOWER; mov dword [3004h],UPPER; mov eax,INDEX; bound eax,[3000h] */
  const word = (value: number): string =>
    [0, 8, 16, 24].map((shift) => ((value >>> shift) & 255).toString(16).padStart(2, '0')).join(' ');
  const bound = (index: number, lower: number, upper: number): string =>
    `c7 05 00 30 00 00 ${word(lower)} c7 05 04 30 00 00 ${word(upper)} b8 ${word(index)} 62 05 00 30 00 00`;
  test.each([
    [-5, -5, 9, true],
    [9, -5, 9, true],
    [-6, -5, 9, false],
    [10, -5, 9, false],
    [0x7fff_ffff, 0, -1, false],
  ] as const)('BOUND of %i within %i and %i: %s', (index, lower, upper, inside) => {
    expect(run(bound(index, lower, upper)).stop).toMatchObject(inside ? { reason: 'deadlock' } : fault(5));
  });

  test('BOUND of 16 bits has bounds of 16', () => {
    const code = (index: string): string => `c7 05 00 30 00 00 fe ff 02 00 b8 ${index} 00 00 66 62 05 00 30 00 00`;
    expect(['ff ff', '02 00'].map((index) => run(code(index)).stop.reason)).toEqual(['deadlock', 'deadlock']);
    expect(run(code('03 00')).stop).toMatchObject(fault(5));
  });

  test('INTO without an overflow goes on', () => {
    expect(run('31 c0 ce').stop).toEqual({ reason: 'deadlock' });
  });

  test.each([
    [0x1230, 0x0003, 0x1233, 1],
    [0x1231, 0x5552, 0x1232, 1],
    [0x1233, 0x0002, 0x1233, 0],
    [0x1232, 0x0002, 0x1232, 0],
  ])('ARPL of %i and %i gives %i', (selector, other, after, zf) => {
    // mov eax,ffff0000|SELECTOR; mov ebx,OTHER; arpl ax,bx
    const { cpu } = run(`b8 ${word(0xffff_0000 | selector)} bb ${word(other)} 63 d8`);
    expect([Number(cpu.gpr(EAX)), Number(cpu.gpr(EBX)), (cpu.rflags & FLAG.ZF) / FLAG.ZF]).toEqual([
      0xffff_0000 + after,
      other,
      zf,
    ]);
  });
});
