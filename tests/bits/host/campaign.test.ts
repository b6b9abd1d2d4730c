import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { hostAvailable } from './fxrun.ts';
import { measure, modelled, randomVector, sameOutcome, show } from './measure.ts';
import { generator } from './operands.ts';
import { OPERATIONS } from './operations.ts';

/**
 * Random and corner vectors against the host CPU: `SWAPGS_HOST_VECTORS=n` runs n of each operation, and
 * `SWAPGS_HOST_SEED` starts elsewhere.
 */
const PER_OPERATION = Number(process.env['SWAPGS_HOST_VECTORS'] ?? 400);
const SEED = Number(process.env['SWAPGS_HOST_SEED'] ?? 1);
const BATCH = 10_000;

describe.skipIf(!hostAvailable())('softfloat against the host CPU', () => {
  for (const op of OPERATIONS)
    test(op.name, { timeout: 600_000 }, () => {
      const next = generator(SEED * 7919 + OPERATIONS.indexOf(op));
      let wrong = 0;
      const samples: string[] = [];
      for (let done = 0; done < PER_OPERATION; done += BATCH) {
        const vectors = Array.from({ length: Math.min(BATCH, PER_OPERATION - done) }, () => randomVector(op, next));
        measure(vectors).forEach((host, i) => {
          const model = modelled(vectors[i]!, host);
          if (sameOutcome(model, host)) return;
          wrong++;
          if (samples.length < 24)
            samples.push(`host  ${show(vectors[i]!, host)}`, `model ${show(vectors[i]!, model)}`);
        });
      }
      expect(`${wrong} of ${PER_OPERATION}\n${samples.join('\n')}`).toBe(`0 of ${PER_OPERATION}\n`);
    });
});

/**
 * `SWAPGS_HOST_TABLE=1` writes `measured.txt` anew: of random vectors of each operation, those that differ in exceptions,
 * rounding, masking or kind of result.
 */
const measureTable = (): void => {
  const lines = OPERATIONS.flatMap((op, index) => {
    const next = generator(index);
    const vectors = Array.from({ length: 3000 }, () => randomVector(op, next));
    const outcomes = measure(vectors);
    const seen = new Map<string, string>();
    vectors.forEach((vector, i) => {
      const host = outcomes[i]!;
      const unmasked = vector.op.unit === 'sse' ? host.flags & ~(vector.control >> 7) : host.flags & ~vector.control;
      const shape = `${host.flags} ${host.c1} ${unmasked !== 0} ${host.result === 0n}`;
      if (!seen.has(shape)) seen.set(shape, show(vector, host));
    });
    return [...seen.values()].slice(0, /cmp/.test(op.name) ? 4 : 12);
  });
  writeFileSync(new URL('./measured.txt', import.meta.url), `${lines.join('\n')}\n`);
};
if (process.env['SWAPGS_HOST_TABLE'] !== undefined && hostAvailable()) test('measure the table', measureTable);
