import { appendFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseHexBytes } from '../../src/bits/hex.ts';
import { decode } from '../../src/decode/decode.ts';
import { Campaign } from '../../src/fuzz/campaign.ts';
import type { CaseFile } from '../../src/fuzz/file.ts';
import { available, hostFeatures } from '../../src/oracle/native.ts';
import { PLANTS, type Plant } from '../support/plants.ts';
import { VECTOR_PLANTS } from '../support/vector-plants.ts';

/** Every plant instead of some: SWAPGS_PLANTS=all; SWAPGS_PLANT_TABLE=FILE writes the table of docs/fuzzing.md. */
const EVERY = process.env['SWAPGS_PLANTS'] === 'all';
const TABLE = process.env['SWAPGS_PLANT_TABLE'];
const SOME = 8;
const SOME_VECTORS = 2;
const RUNS = 60_000;
const CHUNK = 512;
const SEED = 1;
/** Two instructions show what one alone does not: a flag that stays, a register that the other one fills. */
const MOST_STEPS = 3;

test('there are 40 plants, and 14 for AVX and AVX-512', () => {
  expect(PLANTS).toHaveLength(40);
  expect(VECTOR_PLANTS).toHaveLength(14);
});

const some = (plants: readonly Plant[], count: number): readonly Plant[] =>
  EVERY ? plants : plants.filter((_, n) => n % Math.floor(plants.length / count) === 0);
const avx512 = available() === null && hostFeatures().has('AVX512BW');
const chosen = [...some(PLANTS, SOME), ...(avx512 ? some(VECTOR_PLANTS, SOME_VECTORS) : [])];

describe.skipIf(available() !== null)('a wrong definition is found against the host CPU and shrunk', () => {
  test.each(chosen.map((plant) => [plant.what, plant] as const))('%s', (_, plant) => {
    const takeAway = plant.apply();
    const campaign = new Campaign({
      seed: SEED,
      oracles: ['host', 'reference'],
      length: 32,
      cpl: 3,
      features: null,
      include: null,
      exclude: new Set(),
      weights: new Map(),
    });
    try {
      const start = performance.now();
      for (let from = 0; from < RUNS; from += CHUNK) {
        const { interesting, findings } = campaign.runs(from, from + CHUNK);
        campaign.learn(
          interesting.map((i) => i.case),
          interesting.flatMap((i) => i.features),
          [],
        );
        const found = findings.filter(({ finding }) => plant.blames.test(mnemonicOf(finding.case)));
        if (found.length === 0) continue;
        const { finding, run } = found[0]!;
        expect(finding.case.steps.length).toBeLessThanOrEqual(MOST_STEPS);
        const seconds = ((performance.now() - start) / 1000).toFixed(1);
        const cells = [
          plant.kind,
          plant.what,
          run + 1,
          seconds,
          `\`${finding.signature.field}\``,
          finding.case.steps.length,
        ];
        if (TABLE) appendFileSync(TABLE, `| ${cells.join(' | ')} |\n`);
        return;
      }
      expect.fail(`not found in ${RUNS} sequences`);
    } finally {
      campaign.close();
      takeAway();
    }
  });
});

/** The mnemonic of the last instruction, which is to blame. */
function mnemonicOf({ steps }: CaseFile): string {
  const insn = decode(parseHexBytes(steps.at(-1)!.bytes));
  return typeof insn === 'string' ? insn : insn.mnemonic;
}
