import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { F32, F64, F80, floatEnv, fromInt } from '../../../src/bits/softfloat.ts';
import { arithmetic, fcom, fcomi, fsqrt, fxam } from '../../../src/semantics/helpers/x87-arith.ts';
import { SW, X87 } from '../../../src/semantics/helpers/x87-core.ts';
import {
  environmentImage,
  FXSAVE_WRITTEN,
  fxrstorImage,
  fxsaveImage,
  loadEnvironment,
  maskAll,
  restoreImage,
  saveImage,
} from '../../../src/semantics/helpers/x87-image.ts';
import { fild, fist, fld, fst, loadConstant, rotate } from '../../../src/semantics/helpers/x87-transfer.ts';
import { MXCSR, STATE_END, vectorAt } from '../../../src/state/layout.ts';
import { difference, model, randomCase, shown } from './x87/cases.ts';
import { INSTRUCTIONS } from './x87/instructions.ts';

const memory = (): { view: DataView } => ({ view: new DataView(new ArrayBuffer(STATE_END)) });

function fresh(): X87 {
  const x = new X87(memory());
  x.init();
  return x;
}

const ONE = 0x3fff8000000000000000n;
const DEFAULT_NAN = 0xffffc000000000000000n;

/** A memory operand that keeps what is written. */
function cell(): { bits: bigint | null; write: (bits: bigint) => boolean } {
  const c = {
    bits: null as bigint | null,
    write: (bits: bigint): boolean => {
      c.bits = bits;
      return true;
    },
  };
  return c;
}

describe('states measured on a CPU', () => {
  const lines = readFileSync(new URL('./x87/measured.txt', import.meta.url), 'utf8')
    .trimEnd()
    .split('\n');
  for (const instruction of INSTRUCTIONS)
    test(instruction.name, () => {
      const own = lines.filter((line) => line.startsWith(`${instruction.name}: `));
      const ours = own.map((line) => {
        const seed = Number(line.slice(instruction.name.length + 2).split(' ')[0]);
        const before = randomCase(instruction, seed);
        const after = difference(shown(before), shown(model(instruction, before)), instruction.ignoredStatus);
        return `${instruction.name}: ${seed} -> ${after}`;
      });
      expect(own.length).toBeGreaterThan(0);
      expect(ours).toEqual(own);
    });
});

describe('the stack', () => {
  test('FNINIT', () => {
    const x = fresh();
    expect([x.controlWord, x.statusWord, x.tagWord]).toEqual([0x37f, 0, 0xffff]);
  });

  test('FSTP of an empty register stores the default NaN and clears C1', () => {
    const x = fresh();
    const to = cell();
    fst(x, F64, true, to.write);
    expect([x.statusWord, to.bits]).toEqual([0x0841, F64.defaultNaN]);
  });

  test('a ninth push stores the default NaN and sets C1', () => {
    const x = fresh();
    for (let n = 0; n < 9; n++) loadConstant(x, 'fld1');
    expect([x.statusWord, x.read(0)]).toEqual([0x3a41, DEFAULT_NAN]);
  });

  test('unmasked, a stack fault changes nothing but the status word', () => {
    const x = fresh();
    x.controlWord = 0x37e;
    const to = cell();
    fst(x, F32, true, to.write);
    expect([x.statusWord, to.bits]).toEqual([SW.B | SW.ES | SW.SF | 1, null]);
  });

  test('tags follow the contents', () => {
    const x = fresh();
    loadConstant(x, 'fldz');
    loadConstant(x, 'fld1');
    fld(x, F80, DEFAULT_NAN);
    expect(x.tagWord).toBe(0b01_00_10_11_11_11_11_11);
  });

  test('a store that faults leaves the stack and the flags alone', () => {
    const x = fresh();
    loadConstant(x, 'fldpi');
    const before = x.statusWord;
    expect(fst(x, F32, true, () => false)).toBe(false);
    expect([x.statusWord, x.isEmpty(0)]).toEqual([before, false]);
  });
});

describe('known results', () => {
  test('1/3', () => {
    const x = fresh();
    fild(x, 16, 3n);
    loadConstant(x, 'fld1');
    arithmetic(x, 'div', 0, 1);
    expect(x.read(0)).toBe(0x3ffdaaaaaaaaaaaaaaabn);
  });

  test('FISTP out of range gives the integer indefinite', () => {
    for (const [width, value, indefinite] of [
      [32, 10_000_000_000n, 0x80000000n],
      [16, 40_000n, 0x8000n],
    ] as const) {
      const x = fresh();
      fld(x, F80, fromInt(F80, floatEnv(), value, 64));
      const to = cell();
      fist(x, width, false, true, to.write);
      expect([to.bits, x.statusWord]).toEqual([indefinite, 0x0001]);
    }
  });

  test('FCOMI of 1 and 0', () => {
    const x = fresh();
    loadConstant(x, 'fldz');
    loadConstant(x, 'fld1');
    expect(fcomi(x, 1, true)).toBe(0);
  });

  test('FXAM of zero and of an empty register', () => {
    const x = fresh();
    fxam(x);
    expect(x.statusWord).toBe(0x4100);
    loadConstant(x, 'fldz');
    fxam(x);
    expect(x.statusWord).toBe(0x7800);
  });

  test('constants round as the control word says', () => {
    const pi = [0, 1, 2, 3].map((rounding) => {
      const x = fresh();
      x.controlWord = 0x37f | (rounding << 10);
      loadConstant(x, 'fldpi');
      return x.read(0) & 0xffn;
    });
    expect(pi).toEqual([0x35n, 0x34n, 0x35n, 0x34n]);
  });
});

describe('unmasked exceptions', () => {
  test('wait in ES and B until they are cleared, or masked', () => {
    const x = fresh();
    x.controlWord = 0x37f & ~1;
    fld(x, F80, ONE | F80.signBit);
    fsqrt(x);
    expect(x.pendingException()).toBe(true);
    expect(x.read(0)).toBe(ONE | F80.signBit);
    maskAll(x);
    expect([x.pendingException(), x.statusWord & 1]).toEqual([false, 1]);
    x.controlWord = 0x37e;
    expect(x.pendingException()).toBe(true);
    x.clearExceptions();
    expect([x.pendingException(), x.statusWord & 0x80ff]).toEqual([false, 0]);
  });

  test('inexact delivers the result and then waits', () => {
    const x = fresh();
    x.controlWord = 0x37f & ~0x20;
    fild(x, 16, 3n);
    loadConstant(x, 'fld1');
    arithmetic(x, 'divr', 1, 0, true);
    expect([x.pendingException(), x.top]).toEqual([true, 7]);
  });

  test('record the opcode and the operand of the instruction, which others do not', () => {
    const x = fresh();
    loadConstant(x, 'fld1');
    x.begin(0x401000n, 0x5d9, 0x7fff_0000_1000n);
    fcom(x, 0, true);
    expect([x.instructionPointer, x.lastDataPointer, x.lastOpcode]).toEqual([0x401000n, 0n, 0]);
    x.controlWord = 0x37e;
    x.begin(0x401002n, 0x5d9, 0x7fff_0000_1000n);
    fcom(x, 1, true);
    expect([x.instructionPointer, x.lastDataPointer, x.lastOpcode]).toEqual([0x401002n, 0x7fff_0000_1000n, 0x5d9]);
  });
});

describe('images', () => {
  function busy(): X87 {
    const x = fresh();
    loadConstant(x, 'fldpi');
    loadConstant(x, 'fldz');
    fld(x, F80, DEFAULT_NAN);
    rotate(x, 1);
    x.setPointers(0x1234_5678_9abcn, 0x7fff_dead_beefn, 0x7ff);
    return x;
  }

  test('the 32-bit environment', () => {
    const view = new DataView(environmentImage(busy(), 32).buffer);
    expect(Array.from({ length: 7 }, (_, n) => view.getUint32(4 * n, true).toString(16))).toEqual([
      'ffff037f',
      'ffff3000',
      'ffff1bff',
      '56789abc',
      '7ff0000',
      'deadbeef',
      'ffff0000',
    ]);
  });

  for (const size of [16, 32] as const) {
    test(`FNSTENV and FLDENV of ${size} bits, FNSAVE and FRSTOR`, () => {
      const x = busy();
      const saved = saveImage(x, size);
      const y = fresh();
      restoreImage(y, saved, size);
      expect(saveImage(y, size)).toEqual(saved);
      expect(environmentImage(y, size)).toEqual(environmentImage(x, size));
      const z = fresh();
      loadEnvironment(z, environmentImage(x, size), size);
      // The contents are not loaded: what is in use is zero here.
      expect([z.statusWord, z.controlWord, z.tagWord]).toEqual([x.statusWord, x.controlWord, 0x57ff]);
    });
  }

  test('FXSAVE64 and FXRSTOR64', () => {
    const a = memory();
    const x = new X87(a);
    x.init();
    loadConstant(x, 'fldl2e');
    x.setPointers(0x1234_5678_9abcn, 0x7fff_dead_beefn, 0x123);
    a.view.setUint32(MXCSR, 0x1f80, true);
    a.view.setBigUint64(vectorAt(15) + 8, 0x0123_4567_89ab_cdefn, true);
    const image = fxsaveImage(a, x, true);
    expect(image.length).toBe(FXSAVE_WRITTEN);
    const b = memory();
    const y = new X87(b);
    expect(fxrstorImage(b, y, image, true)).toBe(true);
    expect(fxsaveImage(b, y, true)).toEqual(image);
    expect([y.instructionPointer, y.read(0), y.abridgedTags]).toEqual([0x1234_5678_9abcn, x.read(0), 0x80]);
  });

  test('FXRSTOR refuses reserved bits of MXCSR', () => {
    const a = memory();
    const x = new X87(a);
    x.init();
    const image = fxsaveImage(a, x, true);
    image[26] = 1;
    expect(fxrstorImage(a, x, image, true)).toBe(false);
  });
});
