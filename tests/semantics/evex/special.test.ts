import { describe, expect, test } from 'vitest';
import { parseHexBytes } from '../../../src/bits/hex.ts';
import type { EngineName } from '../../../src/exec/engine.ts';
import type { OracleCase } from '../../../src/oracle/case.ts';
import { AVX512_BYTES } from '../../../src/oracle/record.ts';
import { Sandbox } from '../../../src/oracle/sandbox.ts';
import { opmaskAt, vectorAt } from '../../../src/state/layout.ts';

/** What AVX-512 adds to arithmetic, bfloat16 and wide AES, by values worked out by hand. */

const ENGINES: readonly EngineName[] = ['reference', 'interpreter', 'jit'];
const view = new DataView(new ArrayBuffer(4));
function single(value: number): bigint {
  view.setFloat32(0, value);
  return BigInt(view.getUint32(0));
}
const lanes = (...values: bigint[]): bigint => values.reduce((sum, v, i) => sum | (v << BigInt(32 * i)), 0n);

/** k1 = 5; XMM0 7, 7, 7, 7; XMM1 and XMM2 singles; XMM4 a table for VFIXUPIMM; XMM5 and XMM6 a state and a key of AES. */
function start(code: string): OracleCase {
  const avx512 = new Uint8Array(AVX512_BYTES);
  avx512[8] = 5;
  return {
    code: parseHexBytes(code),
    gpr: new Array<bigint>(16).fill(0n),
    xmm: [
      lanes(7n, 7n, 7n, 7n),
      lanes(...[1.5, -2.75, 8, 0.1].map(single)),
      lanes(...[1, 2.5, -1.5, 0].map(single)),
      lanes(...[4, 2, 0.25, 9].map(single)),
      lanes(0xc000_0000n, 0x0900_0000n, 0xf000_0000n, 0n),
      0x7b5b_5465_7374_5665_6374_6f72_5d53_475dn,
      0x4869_2853_6861_7929_5b47_7565_726f_6e5dn,
    ],
    avx512,
  };
}

describe.each(ENGINES)('%s', (engine) => {
  const sandbox = new Sandbox(engine, 1);
  test.each([
    ['62 f3 7d 08 26 c1 00', 'vgetmantps xmm0,xmm1,0', lanes(...[1.5, -1.375, 1].map(single), 0x3fcc_cccdn)],
    ['62 f2 75 89 2c c2', 'vscalefps xmm0{k1}{z},xmm1,xmm2: by the floor', lanes(single(3), 0n, single(2), 0n)],
    ['62 f3 7d 08 56 c1 00', 'vreduceps xmm0,xmm1,0', lanes(...[-0.5, 0.25, 0, 0.1].map(single))],
    ['62 f3 75 08 50 c2 04', 'vrangeps xmm0,xmm1,xmm2,4: the smaller', lanes(...[1, -2.75, -1.5, 0].map(single))],
    ['62 f2 7d 08 4c c1', 'vrcp14ps xmm0,xmm1', lanes(0x3f2a_aa80n, 0xbeba_2e80n, single(0.125), single(10))],
    ['62 f2 7d 08 4e c3', 'vrsqrt14ps xmm0,xmm3', lanes(single(0.5), 0x3f35_0500n, single(2), 0x3eaa_aa80n)],
    ['62 f3 75 08 54 c4 00', 'vfixupimmps xmm0,xmm1,xmm4,0', lanes(single(90), single(-1), 0xff7f_ffffn, 7n)],
    ['62 f2 7e 08 72 c1', 'vcvtneps2bf16 xmm0,xmm1', lanes(0xc030_3fc0n, 0x3dcd_4100n)],
    ['62 f2 77 08 72 c2', 'vcvtne2ps2bf16 xmm0,xmm1,xmm2', lanes(0x4020_3f80n, 0xbfc0n, 0xc030_3fc0n, 0x3dcd_4100n)],
    ['62 f2 76 08 52 c2', 'vdpbf16ps xmm0,xmm1,xmm2', lanes(...[1.5, -6.875, -12, 0].map(single))],
    ['62 f2 55 48 dc c6', 'vaesenc zmm0,zmm5,zmm6', 0xa831_1c2f_9fdb_a3c5_8b10_4b58_ded7_e595n],
  ] as const)('%s %s', (code, _text, expected) => {
    expect(sandbox.run(start(code), 10).kind).toBe('normal');
    const { cpu } = sandbox.machine;
    expect(cpu.xmm(0).toString(16)).toBe(expected.toString(16));
    expect(cpu.u64(vectorAt(0) + 16)).toBe(code === '62 f2 55 48 dc c6' ? 0x6363_6363_6363_6363n : 0n);
  });

  test.each([
    ['62 f2 77 08 68 d2', 'vp2intersectd k2,xmm1,xmm2', 0b0110n, 0b0101n],
    ['62 f2 77 08 68 da', 'the same by the odd register of the pair', 0b0110n, 0b0101n],
  ] as const)('%s %s', (code, _text, even, odd) => {
    const c = start(code);
    const xmm = Array.from(c.xmm!);
    xmm[1] = lanes(1n, 2n, 3n, 4n);
    xmm[2] = lanes(3n, 7n, 2n, 9n);
    expect(sandbox.run({ ...c, xmm }, 10).kind).toBe('normal');
    const { cpu } = sandbox.machine;
    expect([cpu.u64(opmaskAt(2)), cpu.u64(opmaskAt(3)), cpu.u64(opmaskAt(1))]).toEqual([even, odd, 5n]);
  });
});
