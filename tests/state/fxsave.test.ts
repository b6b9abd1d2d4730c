import { describe, expect, test } from 'vitest';
import { CpuState } from '../../src/state/cpu-state.ts';
import { FXSAVE_WRITTEN, fxrstorImage, fxsaveImage } from '../../src/state/fxsave.ts';
import { STATE_END } from '../../src/state/layout.ts';

function cpu(): CpuState {
  const bytes = new ArrayBuffer(STATE_END);
  return new CpuState({ view: new DataView(bytes), u8: new Uint8Array(bytes) });
}

const LOG2_E = 0x3fffb8aa3b295c17f0bcn;

describe('images', () => {
  test('FXSAVE64 and FXRSTOR64', () => {
    const a = cpu();
    a.x87.init();
    a.x87.push(LOG2_E);
    a.x87.setPointers(0x1234_5678_9abcn, 0x7fff_dead_beefn, 0x123);
    a.mxcsr = 0x1f80;
    a.setXmm(15, 0x0123_4567_89ab_cdefn << 64n);
    const image = fxsaveImage(a);
    expect(image.length).toBe(FXSAVE_WRITTEN);
    const b = cpu();
    expect(fxrstorImage(b, image)).toBe(true);
    expect(fxsaveImage(b)).toEqual(image);
    const { instructionPointer, lastDataPointer, lastOpcode, abridgedTags } = b.x87;
    expect([instructionPointer, lastDataPointer, lastOpcode]).toEqual([0x1234_5678_9abcn, 0x7fff_dead_beefn, 0x123]);
    expect([b.x87.read(0), abridgedTags, b.xmm(15), b.mxcsr]).toEqual([LOG2_E, 0x80, a.xmm(15), 0x1f80]);
  });

  test('FXSAVE without REX.W cuts the pointers to 32 bits', () => {
    const a = cpu();
    a.x87.setPointers(0x1234_5678_9abcn, 0x7fff_dead_beefn, 0);
    const view = new DataView(fxsaveImage(a, false).buffer);
    expect([view.getBigUint64(8, true), view.getBigUint64(16, true)]).toEqual([0x5678_9abcn, 0xdead_beefn]);
  });

  test('FXRSTOR refuses reserved bits of MXCSR', () => {
    const a = cpu();
    const image = fxsaveImage(a);
    image[0] = 0x7f;
    image[26] = 1;
    expect([fxrstorImage(a, image), a.x87.controlWord]).toEqual([false, 0]);
  });
});
