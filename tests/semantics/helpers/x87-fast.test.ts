import { describe, expect, test } from 'vitest';
import { F32, F64, F80, type FloatFormat } from '../../../src/bits/softfloat.ts';
import type { EngineName } from '../../../src/exec/engine.ts';
import { Machine } from '../../../src/machine/machine.ts';
import { writeExtended } from '../../../src/state/x87.ts';
import { generator, operand, random64 } from '../../bits/host/operands.ts';

/**
 * Fast paths against the definitions: the interpreter has them, the reference does not. Each program walks an array of operands:
 * control word at 0, two m80 at 16 and 32, an m64 or m32 or integer at 48; stores go to 64, the status word to 80, flags to 82, ST(0) to 84.
 */
const STRIDE = 96;
const CODE = 0x20_0000;
const INPUT = 0x40_0000;
const CASES = Number(process.env['SWAPGS_X87_CASES'] ?? 1500);

const PML4 = 0x10_0000;
const PDPT = 0x10_1000;
const PD = 0x10_2000;

/** A machine with its low 64 MiB mapped in place. */
function machine(engine: EngineName): Machine {
  const m = new Machine({ memory: 1 << 26, engine, haltEnds: true, hotAfter: 1 });
  m.memory.writeU64(PML4, BigInt(PDPT) | 7n);
  m.memory.writeU64(PDPT, BigInt(PD) | 7n);
  for (let i = 0; i < 32; i++) m.memory.writeU64(PD + 8 * i, BigInt(i << 21) | 0x87n);
  m.setRoot(PML4);
  return m;
}

/** fninit; fldcw [rbx]; fld m80 [rbx+32]; fld m80 [rbx+16]; the body; fnstsw [rbx+80]; fnclex; fstp m80 [rbx+84]; add rbx,96; dec ecx; jnz. */
function program(body: string): Uint8Array {
  const loop = Buffer.from(
    `dbe3 d92b db6b20 db6b10 ${body} dd7b50 dbe2 db7b54 4883c360 ffc9 0f85`.replaceAll(' ', ''),
    'hex',
  );
  const back = Buffer.alloc(4);
  back.writeInt32LE(-(loop.length + 4));
  return Buffer.concat([loop, back, Buffer.of(0xf4)]);
}

const BODIES: readonly (readonly [name: string, body: string, source?: FloatFormat | 16 | 32 | 64])[] = [
  ['faddp', 'dec1'],
  ['fsubp', 'dee9'],
  ['fsubrp', 'dee1'],
  ['fmulp', 'dec9'],
  ['fadd st0,st1', 'd8c1'],
  ['fmul st1,st0', 'dcc9 dd7b48 dbe2 d9c9'],
  ['fadd m64', 'dc4330', F64],
  ['fsub m64', 'dc6330', F64],
  ['fsubr m32', 'd86b30', F32],
  ['fmul m32', 'd84b30', F32],
  ['fimul m32', 'da4b30', 32],
  ['fiadd m16', 'de4330', 16],
  ['fisub m32', 'da6330', 32],
  ['fld m64', 'dd4330', F64],
  ['fld m32', 'd94330', F32],
  ['fild m16', 'df4330', 16],
  ['fild m32', 'db4330', 32],
  ['fild m64', 'df6b30', 64],
  ['fst m64', 'dd5340'],
  ['fstp m32', 'd95b40'],
  ['fistp m16', 'df5b40'],
  ['fist m32', 'db5340'],
  ['fistp m64', 'df7b40'],
  ['fcomip', '31c0 9e dff1 9f 886352'],
  ['fucomi', '31c0 9e dbe9 9f 886352'],
  ['fchs, fabs', 'd9e0 d9c9 d9e1 dec9'],
  ['fld st1, fst st2', 'd9c1 ddd2 ddd9'],
  ['fld1, fldz', 'd9e8 d9ee ddda'],
];

function fill(m: Machine, source: FloatFormat | 16 | 32 | 64 | undefined, seed: number): void {
  const next = generator(seed);
  const bytes = new Uint8Array(CASES * STRIDE);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < bytes.length; at += STRIDE) {
    // Mostly the initial control word; else other roundings, precisions and unmasked inexact.
    const other = next() % 4 === 0;
    view.setUint16(at, other ? 0x1f | ((next() & 0x3d) << 5) : 0x37f, true);
    const a = operand(F80, next);
    writeExtended(view, at + 16, a);
    writeExtended(view, at + 32, operand(F80, next, a));
    let memory = next() % 3 ? random64(next) : BigInt.asUintN(64, BigInt(next() % 9) - 4n);
    if (typeof source === 'object') memory = operand(source, next);
    view.setBigUint64(at + 48, memory, true);
  }
  m.memory.write(INPUT, bytes);
}

describe('fast paths leave what the definitions leave', () => {
  const machines = (['interpreter', 'reference'] as const).map(machine);
  for (const [index, [name, body, source]] of BODIES.entries())
    test(name, () => {
      const results = machines.map((m) => {
        fill(m, source, 1 + index);
        m.memory.write(CODE, program(body));
        m.cpu.setGpr(1, BigInt(CASES));
        m.cpu.setGpr(3, BigInt(INPUT));
        m.cpu.rip = BigInt(CODE);
        expect(m.run(CASES * 32)).toEqual({ kind: 'hlt' });
        return m.memory.bytes(INPUT, CASES * STRIDE).slice();
      });
      for (let i = 0; i < CASES; i++) {
        const [ours, theirs] = results.map((r) =>
          Buffer.from(r.subarray(i * STRIDE, (i + 1) * STRIDE)).toString('hex'),
        );
        if (ours !== theirs) expect(ours).toBe(theirs);
      }
    });
});
