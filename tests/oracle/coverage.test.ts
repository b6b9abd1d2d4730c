import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { coverageOf, coverageRows } from '../../src/oracle/coverage.ts';

const written = coverageOf(readFileSync(new URL('../../docs/coverage.md', import.meta.url), 'utf8'));

test('docs/coverage.md is current; after a change: npm run coverage', () => {
  const rows = coverageRows();
  const line = ({ code, means }: { code: string; means: string }): string => `${code} ${means}`;
  expect(written.map(line).sort()).toEqual(rows.map(line).sort());
});

test('nothing in it differs from the host CPU', () => {
  expect(written.filter(({ mismatches }) => mismatches > 0)).toEqual([]);
  expect(written.filter(({ cases }) => cases > 0).length).toBeGreaterThan(1500);
});
