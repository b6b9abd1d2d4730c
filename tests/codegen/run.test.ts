import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { type Comparison, runChanged } from '../../src/codegen/compare.ts';
import { compareFiles } from '../support/builds.ts';
import { hasCompiler, Workshop } from '../support/compile.ts';

const workshop = new Workshop();
afterAll(() => workshop.clean());
const source = readFileSync(new URL('c/functions.c', import.meta.url), 'utf8');
const INPUTS = 100;
const MUTANTS = 30;

const objects = new Map<string, string>();
/** An object of the corpus; compiled once. */
function object(compiler: 'gcc' | 'clang', flags: readonly string[]): string {
  const key = [compiler, ...flags].join(' ');
  const known = objects.get(key) ?? workshop.compile(compiler, source, [...flags, '-fno-pic', '-fwrapv']);
  objects.set(key, known);
  return known;
}

function ran(old: string, fresh: string): Comparison {
  const comparison = compareFiles(old, fresh);
  runChanged(comparison, { inputs: INPUTS, seed: 1 });
  return comparison;
}
const different = (comparison: Comparison): string[] =>
  comparison.functions
    .filter(({ run }) => run?.verdict === 'different')
    .map(({ name, run }) => `${name}: ${run!.differences.join('; ')}`);

describe.skipIf(!hasCompiler('gcc'))('functions of one source, compiled differently', () => {
  it.each(['-O0', '-O1', '-O3', '-Os'])('behave as at -O2: %s', (level) => {
    const comparison = ran(object('gcc', ['-O2']), object('gcc', [level]));
    expect(different(comparison)).toEqual([]);
    const run = comparison.functions.filter((diff) => diff.run !== undefined);
    const quiet = run.filter((diff) => diff.run!.verdict === 'inconclusive').map(({ name }) => name);
    expect(quiet).toEqual([]);
    expect(run.length).toBeGreaterThan(5);
  });

  it.skipIf(!hasCompiler('clang')).each(['-O1', '-O2', '-Os'])('behave as clang compiles them: %s', (level) => {
    expect(different(ran(object('gcc', ['-O2']), object('clang', [level])))).toEqual([]);
  });
});

describe.skipIf(!hasCompiler('gcc'))('planted miscompilations', () => {
  it('are all found where debug information declares types', () => {
    const right = object('gcc', ['-O2', '-g']);
    for (let mutant = 1; mutant <= MUTANTS; mutant++) {
      expect(different(ran(right, object('gcc', ['-O2', '-g', `-DMUTANT=${mutant}`]))), String(mutant)).toHaveLength(1);
    }
  });

  it(`are found, ${MUTANTS - 1} of ${MUTANTS} at least, each in its function alone`, () => {
    const missed: string[] = [];
    for (let mutant = 1; mutant <= MUTANTS; mutant++) {
      const comparison = ran(object('gcc', ['-O2']), object('gcc', ['-O2', `-DMUTANT=${mutant}`]));
      const changed = comparison.functions.filter(
        ({ status }) => status !== 'identical' && status !== 'relocation-only',
      );
      const found = different(comparison);
      if (found.length === 0)
        missed.push(`${mutant}: ${changed.map(({ name, status }) => `${name} ${status}`).join()}`);
      expect(found.length).toBeLessThanOrEqual(1);
    }
    expect(missed.length, missed.join('\n')).toBeLessThanOrEqual(1);
  });
});
