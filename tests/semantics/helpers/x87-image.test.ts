import { describe, expect, test } from 'vitest';
import { F80 } from '../../../src/bits/softfloat.ts';
import {
  environmentImage,
  loadEnvironment,
  restoreImage,
  saveImage,
} from '../../../src/semantics/helpers/x87-image.ts';
import { fld, loadConstant, rotate } from '../../../src/semantics/helpers/x87-transfer.ts';
import { STATE_END } from '../../../src/state/layout.ts';
import { X87 } from '../../../src/state/x87.ts';

function fresh(): X87 {
  const x = new X87({ view: new DataView(new ArrayBuffer(STATE_END)) });
  x.init();
  return x;
}

const DEFAULT_NAN = 0xffffc000000000000000n;

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
});
