import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const run = (script: string, args: readonly string[]): readonly [number | null, string] => {
  const path = fileURLToPath(new URL(`../../scripts/${script}`, import.meta.url));
  const { status, stderr } = spawnSync(process.execPath, [path, ...args], { encoding: 'utf8', timeout: 60_000 });
  return [status, stderr];
};

test.each([
  ['coverage.js', ['--cases', 'abc'], 'coverage: --cases abc: it wants a whole number of at least 1\n'],
  ['coverage.js', ['--case', '1'], "coverage: Unknown option '--case'\n"],
  ['run-oracle.js', ['--cases', '0'], 'oracle: --cases 0: it wants a whole number of at least 1\n'],
  ['run-oracle.js', ['--seed', '-1'], expect.stringMatching(/^oracle: [^\n]+\n$/)],
  ['run-oracle.js', ['--engine', 'qemu'], expect.stringMatching(/^oracle: no engine qemu: it is one of [^\n]+\n$/)],
])('%s %j is one line', (script, args, line) => {
  expect(run(script, args)).toEqual([125, line]);
});
