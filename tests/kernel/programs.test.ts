import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { signalName } from '../../src/kernel/signals/numbers.ts';
import { expectedRuns, guestPath } from '../guests/expected.ts';
import { runProgram } from '../support/run-program.ts';

const quick = expectedRuns().filter((run) => !run.guest.startsWith('bench/') || run.args.length > 0);

describe('committed guests do what they do on Linux', () => {
  it.each(quick.map((run) => [`${run.guest} ${run.args.join(' ')}`, run] as const))(
    '%s',
    { timeout: 60_000 },
    (_, run) => {
      const folder = mkdtempSync(join(tmpdir(), 'guest-'));
      const { end, output } = runProgram(
        guestPath(run.guest),
        run.args.map((arg) => arg.replace('{folder}', '/work')),
        { env: run.env ?? {}, grants: [{ host: folder, guest: '/work', readOnly: false }] },
      );
      rmSync(folder, { recursive: true });
      expect(output).toBe(run.stdout);
      if (run.signal !== undefined) {
        expect(end.kind === 'killed' ? signalName(end.signal) : end).toBe(run.signal);
      } else {
        expect(end).toEqual({ kind: 'exited', status: run.status });
      }
    },
  );
});
