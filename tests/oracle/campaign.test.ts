import { describe, expect, test } from 'vitest';
import { runCampaign } from '../../src/oracle/campaign.ts';
import { available } from '../../src/oracle/native.ts';

const reason = available();

/** Every testable encoding on the host CPU. A mismatch is an error of the engine, or a mask in the campaign says why it is none. */
describe.skipIf(reason !== null)(
  `every encoding is what the host CPU does${reason === null ? '' : `: ${reason}`}`,
  () => {
    const cases = 20_000;
    test.each(['interpreter', 'reference'] as const)(`%s, ${cases} cases`, (engine) => {
      const { mismatches, perCode, untried, cases: done } = runCampaign({ cases, seed: 20, engines: [engine] });
      expect(mismatches.map(({ codeName, bytes, differences }) => ({ codeName, bytes, differences }))).toEqual([]);
      expect(done).toBe(cases);
      // With six cases each some encodings may not come up: not every draw of bytes is one.
      expect(untried.length).toBeLessThan(12);
      // Faults are part of it, and so is everything else.
      const tallies = [...perCode.values()];
      const faults = tallies.reduce((sum, { faults }) => sum + faults, 0);
      const judged = tallies.reduce((sum, { cases }) => sum + cases, 0);
      expect(faults).toBeGreaterThan(judged / 20);
      expect(faults).toBeLessThan(judged / 2);
      expect(judged).toBeGreaterThan(cases * 0.95);
    });
  },
);
