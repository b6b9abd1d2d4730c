import { describe, expect, test } from 'vitest';
import { parseHexBytes } from '../../../src/bits/hex.ts';
import type { EngineName } from '../../../src/exec/engine.ts';
import { runCampaign } from '../../../src/oracle/campaign.ts';
import type { OracleCase } from '../../../src/oracle/case.ts';
import { DATA } from '../../../src/oracle/layout.ts';
import { available, hostFeatures } from '../../../src/oracle/native.ts';
import { AVX512_BYTES } from '../../../src/oracle/record.ts';
import { Sandbox } from '../../../src/oracle/sandbox.ts';
import { definedMnemonics } from '../../../src/semantics/define.ts';
import { vectorAt } from '../../../src/state/layout.ts';

const ENGINES: readonly EngineName[] = ['reference', 'interpreter', 'jit'];
/** k1 = 5; lanes of 32 bits of XMM1 are 1, 2, 3, 4, of XMM2 16, 32, 48, 64, of XMM0 7, 7, 7, 7; RAX points at data. */
function start(code: string): OracleCase {
  const avx512 = new Uint8Array(AVX512_BYTES);
  avx512[8] = 5;
  const lanes = (...values: bigint[]): bigint => values.reduce((sum, v, i) => sum | (v << BigInt(32 * i)), 0n);
  return {
    code: parseHexBytes(code),
    gpr: [DATA.base + 0x1ff8n, ...new Array<bigint>(15).fill(0n)],
    xmm: [lanes(7n, 7n, 7n, 7n), lanes(1n, 2n, 3n, 4n), lanes(16n, 32n, 48n, 64n)],
    ymmHigh: new Array<bigint>(16).fill(~0n),
    avx512,
  };
}
const lanesOf = (sandbox: Sandbox, n: number): number[] =>
  Array.from({ length: 4 }, (_, i) => sandbox.machine.cpu.view.getUint32(vectorAt(n) + 4 * i, true));

describe.each(ENGINES)('%s', (engine) => {
  const sandbox = new Sandbox(engine, 1);
  test.each([
    ['62 f1 75 08 fe c2', 'vpaddd xmm0,xmm1,xmm2', [17, 34, 51, 68]],
    ['62 f1 75 09 fe c2', 'vpaddd xmm0{k1},xmm1,xmm2: the others stay', [17, 7, 51, 7]],
    ['62 f1 75 89 fe c2', 'vpaddd xmm0{k1}{z},xmm1,xmm2: the others become zero', [17, 0, 51, 0]],
    ['62 f3 75 08 25 c2 96', 'vpternlogd xmm0,xmm1,xmm2,96h: exclusive or of all three', [22, 37, 52, 67]],
    ['62 f2 7d 89 8b c1', 'vpcompressd xmm1{k1}{z},xmm0', [7, 7, 7, 7]],
    ['62 f1 7d 09 6f 00', 'vmovdqa32 xmm0{k1},[rax]: misaligned', null],
    ['62 f1 7e 09 6f 00', 'vmovdqu32 xmm0{k1},[rax]: element 2 is on a page that is not there', null],
    ['62 f1 7c 09 10 40 ff', 'vmovups xmm0{k1},[rax-16]: the displacement counts vectors', [0, 7, 0, 7]],
  ] as const)('%s %s', (code, _text, expected) => {
    const exit = sandbox.run(start(code), 10);
    expect(exit.kind).toBe(expected === null ? 'fault' : 'normal');
    expect(lanesOf(sandbox, 0)).toEqual(expected ?? [7, 7, 7, 7]);
    if (expected !== null) expect(sandbox.machine.cpu.ymmHigh(0)).toBe(code.includes(' 8b ') ? (1n << 128n) - 1n : 0n);
  });
});

const reason = available() ?? (hostFeatures().has('AVX512F') ? null : 'no AVX-512 here');
describe.skipIf(reason !== null)(`EVEX code is what the host CPU does${reason === null ? '' : `: ${reason}`}`, () => {
  test.each([
    ['interpreter', 12_000],
    ['reference', 3000],
    ['jit', 1000],
  ] as const)('%s, %i cases', (engine, cases) => {
    const only = new Set(definedMnemonics().filter((mnemonic) => /^(evex\.|k)/.test(mnemonic)));
    const { mismatches, perCode } = runCampaign({ cases, seed: 51, engines: [engine], only });
    expect(mismatches.map(({ codeName, bytes, differences }) => ({ codeName, bytes, differences }))).toEqual([]);
    expect(perCode.size).toBeGreaterThan(800);
  });
});
