import { describe, expect, test } from 'vitest';
import { F80, floatEnv, fromInt } from '../../../src/bits/softfloat.ts';
import { arithmetic, fcomi, fsqrt, fxam } from '../../../src/semantics/helpers/x87-arith.ts';
import { maskAll } from '../../../src/semantics/helpers/x87-image.ts';
import { fild, fist, fld, loadConstant } from '../../../src/semantics/helpers/x87-transfer.ts';
import { STATE_END } from '../../../src/state/layout.ts';
import { X87 } from '../../../src/state/x87.ts';

function fresh(): X87 {
  const x = new X87({ view: new DataView(new ArrayBuffer(STATE_END)) });
  x.init();
  return x;
}

const ONE = 0x3fff8000000000000000n;

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
      const stored = fist(x, width, false, true);
      expect([stored, x.statusWord]).toEqual([indefinite, 0x0001]);
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
});
