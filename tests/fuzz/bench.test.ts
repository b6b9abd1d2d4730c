import { describe, expect, test } from 'vitest';
import { Bench } from '../../src/fuzz/bench.ts';
import { fromFile } from '../../src/fuzz/file.ts';
import { findCulprit } from '../../src/fuzz/shrink.ts';
import { available, hostVendor } from '../../src/oracle/native.ts';
import { instructionNamed } from '../../src/semantics/define.ts';

const c = fromFile({
  codeAddress: '0x20000100',
  steps: [{ bytes: '48 ff c0' }, { bytes: '0f c8' }, { bytes: '90' }],
  state: { gpr: { rsp: '0x10001800' } },
});

test('an engine that fails is a finding, and goes on with the next sequence', () => {
  const bench = new Bench(['interpreter', 'reference']);
  const instruction = instructionNamed('bswap') as { define: unknown };
  const right = instruction.define;
  instruction.define = () => {
    throw new RangeError('no such thing');
  };
  try {
    const culprit = findCulprit(bench, c);
    expect(culprit?.signature).toEqual({ code: 'Bswap_r32', field: 'ending', fault: 'error for none' });
    expect(culprit?.mismatch.differences).toEqual([{ field: 'ending', got: 'error no such thing', want: 'none' }]);
  } finally {
    instruction.define = right;
  }
  expect(bench.verdict(c)).toMatchObject({ mismatch: null, unjudged: null, endStep: 3 });
  bench.close();
});

test.skipIf(available() !== null)('a CPU may save a component that is in its initial configuration', () => {
  const bench = new Bench(['host', 'interpreter']);
  const saves = fromFile({
    codeAddress: '0x20000100',
    steps: [{ bytes: 'c4 c1 7c 77' }, { bytes: 'c4 c1 7e 70 e1 01' }, { bytes: '0f c7 a7 20 ff ff ff' }],
    state: { gpr: { rax: '0xf', rsp: '0x1', rdi: '0x10000660' } },
  });
  expect(bench.verdict(saves)).toMatchObject({ mismatch: null });
  bench.close();
});

describe.skipIf(available() !== null)(
  'an engine that does not end where the host does, or the other way round, is a finding',
  () => {
    const judged = (mnemonic: string, steps: { bytes: string; to?: number }[]): unknown => {
      const instruction = instructionNamed(mnemonic) as { define: unknown };
      const right = instruction.define;
      const bench = new Bench(['host', 'reference']);
      const state = { gpr: { rsp: '0x10001800', rcx: '0x3' } };
      const loop = fromFile({ codeAddress: '0x20000100', steps, state });
      instruction.define = () => {};
      try {
        return bench.verdict(loop).mismatch?.differences;
      } finally {
        instruction.define = right;
        bench.close();
      }
    };

    test('a counter that stays', () =>
      expect(judged('dec', [{ bytes: 'ff c9' }, { bytes: '75 00', to: 0 }])).toEqual([
        { field: 'ending', got: 'endless', want: 'normal' },
      ]));

    test('a jump that is none', () =>
      expect(judged('jmp', [{ bytes: 'eb 00', to: 0 }])).toEqual([
        { field: 'ending', got: 'normal', want: 'endless' },
      ]));
  },
);

test.skipIf(available() !== null)('a loop that only takes long is none of those', () => {
  const bench = new Bench(['host', 'reference']);
  const state = { gpr: { rsp: '0x10001800', rcx: '0x20000' } };
  const steps = [{ bytes: 'ff c9' }, { bytes: '75 00', to: 0 }];
  expect(bench.verdict(fromFile({ codeAddress: '0x20000100', steps, state }))).toMatchObject({
    ending: { kind: 'count' },
    mismatch: null,
  });
  bench.close();
});

test.skipIf(available() !== null || hostVendor() !== 'AuthenticAMD')(
  'what a CPU of AMD takes for KNOTW is its own matter',
  () => {
    const bench = new Bench(['host', 'interpreter']);
    const state = { gpr: { rsp: '0x10001800' } };
    for (const before of [[], [{ bytes: '48 ff c0' }]])
      expect(
        bench.verdict(fromFile({ codeAddress: '0x20000100', steps: [...before, { bytes: 'c4 01 55 42 f2' }], state }))
          .mismatch,
      ).toBeNull();
    bench.close();
  },
);
