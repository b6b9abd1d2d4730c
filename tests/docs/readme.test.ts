import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

test('the README shows what its commands print', () => {
  const check = spawnSync(process.execPath, ['scripts/update-readme.js', '--check'], { encoding: 'utf8' });
  expect(check.stderr).toBe('');
  expect(check.status).toBe(0);
});
