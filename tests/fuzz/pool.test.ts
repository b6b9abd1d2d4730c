import { afterEach, describe, expect, test } from 'vitest';
import { fromFile } from '../../src/fuzz/file.ts';
import { Pool, PoolError } from '../../src/fuzz/pool.ts';
import type { WorkerSetup } from '../../src/fuzz/protocol.ts';
import { Session } from '../../src/fuzz/session.ts';
import type { FuzzCase } from '../../src/fuzz/steps.ts';
import { available } from '../../src/oracle/native.ts';

const script = new URL('../../dist/fuzz/worker.js', import.meta.url);
const setup: WorkerSetup = {
  seed: 5,
  oracles: ['host', 'interpreter'],
  length: 4,
  cpl: 3,
  features: null,
  include: null,
  exclude: new Set(),
  weights: new Map(),
};
const PATIENCE_MS = 10_000;
const request = { kind: 'runs', from: 0, to: 200 } as const;

let pool: Pool | undefined;
afterEach(() => pool?.end());

test('a setup that cannot be is one line', async () => {
  const impossible = { ...setup, include: new Set(['nop']), features: new Set(['AVX']) };
  await expect(Pool.start(script, impossible, 1)).rejects.toThrow(PoolError);
});

describe.skipIf(available() !== null)('nothing is lost', () => {
  test.each(['SIGKILL', 'SIGSTOP'] as const)('when the helper gets %s', { timeout: 60_000 }, async (signal) => {
    pool = await Pool.start(script, setup, 1, PATIENCE_MS);
    const [before] = await pool.all([request], () => false);
    process.kill(pool.ready.helper!, signal);
    const [after] = await pool.all([request], () => false);
    expect(after).toEqual(before);
    expect(after).toMatchObject({ result: { runs: 200, mismatches: 0 } });
  });
});

test.skipIf(available() !== null)(
  'an input that nobody can judge is not taken for one that shows nothing',
  async () => {
    pool = await Pool.start(script, setup, 1, PATIENCE_MS);
    const input = (state: object): FuzzCase =>
      fromFile({ codeAddress: '0x20000100', steps: [{ bytes: '48 ff c0' }], state });
    const session = new Session(pool, { finding: () => {}, input: () => {}, round: () => {}, lost: () => {} });
    const inputs = [input({ fsBase: '0x8000000000000000' }), input({}), input({})];
    expect(await session.inputs(inputs, () => false)).toEqual(['unknown', 'fresh', 'known']);
    expect([...session.unjudged]).toEqual([['the host does not take its state', 1]]);
  },
);
