import { describe, expect, test } from 'vitest';
import { F32, F64, F80 } from '../../../src/bits/softfloat.ts';
import { fld, fst, loadConstant } from '../../../src/semantics/helpers/x87-transfer.ts';
import { STATE_END } from '../../../src/state/layout.ts';
import { SW, X87 } from '../../../src/state/x87.ts';

function fresh(): X87 {
  const x = new X87({ view: new DataView(new ArrayBuffer(STATE_END)) });
  x.init();
  return x;
}

const DEFAULT_NAN = 0xffffc000000000000000n;

describe('the stack', () => {
  test('FNINIT', () => {
    const x = fresh();
    expect([x.controlWord, x.statusWord, x.tagWord]).toEqual([0x37f, 0, 0xffff]);
  });

  test('FSTP of an empty register stores the default NaN and clears C1', () => {
    const x = fresh();
    const stored = fst(x, F64, true);
    expect([x.statusWord, stored]).toEqual([0x0841, F64.defaultNaN]);
  });

  test('a ninth push stores the default NaN and sets C1', () => {
    const x = fresh();
    for (let n = 0; n < 9; n++) loadConstant(x, 'fld1');
    expect([x.statusWord, x.read(0)]).toEqual([0x3a41, DEFAULT_NAN]);
  });

  test('unmasked, a stack fault changes nothing but the status word', () => {
    const x = fresh();
    x.controlWord = 0x37e;
    const stored = fst(x, F32, true);
    expect([x.statusWord, stored]).toEqual([SW.B | SW.ES | SW.SF | 1, null]);
  });

  test('tags follow the contents', () => {
    const x = fresh();
    loadConstant(x, 'fldz');
    loadConstant(x, 'fld1');
    fld(x, F80, DEFAULT_NAN);
    expect(x.tagWord).toBe(0b01_00_10_11_11_11_11_11);
  });
});
