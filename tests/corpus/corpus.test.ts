import { readFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { Bench } from '../../src/fuzz/bench.ts';
import { fromFile } from '../../src/fuzz/file.ts';
import { available } from '../../src/oracle/native.ts';

/**
 * Every bug that `swapgs fuzz` has found in an engine: a line each, with what was wrong and the smallest sequence that showed
 * it. They run on every engine, and on the host CPU where there is one.
 */
const lines = readFileSync(new URL('engines.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n');
const bugs = lines.map((line) => JSON.parse(line) as { readonly bug: string; readonly case: unknown });

const engines = ['reference', 'interpreter', 'jit', 'jit-slices', 'jit-plain'] as const;
const bench = new Bench(available() === null ? ['host', ...engines] : engines);
afterAll(() => bench.close());

test.each(bugs.map((line) => [line.bug, line] as const))('%s', (_, line) => {
  const { mismatch, unjudged } = bench.verdict(fromFile(line.case));
  expect({ mismatch, unjudged }).toEqual({ mismatch: null, unjudged: null });
});
