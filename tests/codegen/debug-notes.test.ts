import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { runChanged } from '../../src/codegen/compare.ts';
import { readSections } from '../../src/elf/sections.ts';
import { compareFiles } from '../support/builds.ts';
import { swapgs } from '../support/cli.ts';
import { hasCompiler, Workshop } from '../support/compile.ts';

const workshop = new Workshop();
afterAll(() => workshop.clean());

const SOURCE = `struct s { int a; long b; };
int f(struct s *p, int n) { int r = 0; for (int i = 0; i < n; i++) r += p->a; return r; }
int g(struct s *p, int n) { return n > 3 ? p->a * 3 : p->b; }`;
const object = (...flags: string[]): string => workshop.compile('gcc', SOURCE, ['-g', ...flags]);

/** An object whose abbreviations are nonsense. */
function damaged(): string {
  const path = object('-O1');
  const bytes = readFileSync(path);
  const { offset, size } = readSections(bytes).find(({ name }) => name === '.debug_abbrev')!;
  bytes.fill(0xff, offset, offset + size);
  writeFileSync(path, bytes);
  return path;
}

function notes(old: string, fresh: string): readonly string[] {
  const comparison = compareFiles(old, fresh);
  expect(comparison.notes).toEqual([]);
  runChanged(comparison, { inputs: 5, seed: 1 });
  return comparison.notes;
}

describe.skipIf(!hasCompiler('gcc'))('debug information that a comparison by running leaves aside', () => {
  it('is told once a file: damaged, or missing', () => {
    const [broken, whole] = [damaged(), object('-O2')];
    expect(notes(broken, whole)).toEqual([
      expect.stringMatching(/^\S+\.o: damaged debug information: .*; types are not used$/),
    ]);
    // The old build's types are enough.
    expect(notes(whole, broken)).toEqual([]);
    expect(notes(object('-O1'), whole)).toEqual([]);
    const split = object('-O1', '-gsplit-dwarf');
    rmSync(split.replace(/\.o$/, '.dwo'));
    expect(notes(split, whole)).toEqual([expect.stringMatching(/\.dwo, which is not there; types/)]);
  });

  it('is told in every format, and by a call', () => {
    const [broken, whole] = [damaged(), object('-O2')];
    for (const format of ['text', 'json', 'md', 'html', 'github']) {
      const { stdout } = swapgs(['diff', broken, whole, '--run', '--inputs', '3', '--format', format]);
      expect(stdout.match(/damaged debug information: /g), format).toHaveLength(1);
      if (format === 'json') expect(JSON.parse(stdout).notes).toHaveLength(1);
    }
    const { stderr } = swapgs(['call', broken, 'g', '--arg', '1', '--arg', '5']);
    expect(stderr).toMatch(/^swapgs: \S+\.o: damaged debug information: [^\n]*; types are not used\n$/);
  });
});
