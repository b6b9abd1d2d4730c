import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { Random } from '../../src/bits/random.ts';
import { Bench } from '../../src/fuzz/bench.ts';
import { Corpus, writeWhole } from '../../src/fuzz/corpus.ts';
import { caseText, FuzzFileError, fromFile, parseCase, toFile } from '../../src/fuzz/file.ts';
import { assemblyText, findingName, makeFinding } from '../../src/fuzz/finding.ts';
import { generate } from '../../src/fuzz/generate.ts';
import { findCulprit, shrink } from '../../src/fuzz/shrink.ts';
import { assemble, oracleCase } from '../../src/fuzz/steps.ts';
import { Vocabulary } from '../../src/fuzz/vocabulary.ts';
import { PLANTS } from '../support/plants.ts';

const vocabulary = new Vocabulary({
  features: null,
  include: null,
  exclude: new Set(),
  weights: new Map(),
  host: null,
  cpl: 3,
});

test('a file gives the sequence back', () => {
  for (let n = 0; n < 200; n++) {
    const c = generate(new Random(n), { vocabulary, strict: false, most: 32 });
    expect(oracleCase(parseCase(caseText(c)))).toEqual(oracleCase(c));
  }
});

const GOOD = { codeAddress: '0x20000100', steps: [{ bytes: '90' }], state: {} };

describe('a bad file is one line', () => {
  const format = 'swapgs-fuzz-case';
  test.each([
    ['', 'not JSON'],
    ['{"format": ', 'not JSON'],
    ['[]', 'the file is no object'],
    ['{}', 'not a sequence: its format is not swapgs-fuzz-case or swapgs-fuzz-finding'],
    [JSON.stringify({ format }), 'the case is no object'],
    [JSON.stringify({ format, case: { ...GOOD, steps: 7 } }), 'steps is no list'],
    [JSON.stringify({ format, case: { ...GOOD, steps: [] } }), 'there are no steps'],
    [JSON.stringify({ format, case: { ...GOOD, steps: [{}] } }), 'step 0: bytes is no text'],
    [
      JSON.stringify({ format, case: { ...GOOD, steps: [{ bytes: '9x' }] } }),
      "step 0: bytes: not a hexadecimal digit: 'x'",
    ],
    [JSON.stringify({ format, case: { ...GOOD, steps: [{ bytes: '' }] } }), 'step 0 has no bytes'],
    [
      JSON.stringify({ format, case: { ...GOOD, steps: [{ bytes: 'eb 00', to: 9 }] } }),
      'step 0: to is no number from 0 to 1',
    ],
    [
      JSON.stringify({ format, case: { ...GOOD, codeAddress: '0x7' } }),
      'the code at 0x7 does not lie in a region for code',
    ],
    [
      JSON.stringify({ format, case: { ...GOOD, codeAddress: '0x20001fff', steps: [{ bytes: '9090' }] } }),
      'the code at 0x20001fff does not lie in a region for code',
    ],
    [JSON.stringify({ format, case: { ...GOOD, state: { gpr: { eax: '0x1' } } } }), 'gpr: no register eax'],
    [JSON.stringify({ format, case: { ...GOOD, state: { gpr: { rax: 1 } } } }), 'rax is no hexadecimal number'],
    [
      JSON.stringify({ format, case: { ...GOOD, state: { memory: [{ address: '0x0', bytes: '00' }] } } }),
      'memory 0: 0x0 is in no region',
    ],
  ])('%s', (text, line) => {
    expect(() => parseCase(text)).toThrow(new FuzzFileError(line));
  });
});

test('a finding tells what differs, where, and how to see it again', () => {
  const c = fromFile({
    codeAddress: '0x20000100',
    steps: [{ bytes: '48 ff c0' }, { bytes: '66 0f fc c1' }, { bytes: '90' }, { bytes: '48 ff c3' }],
    state: { gpr: { rax: '0x1234', rsp: '0x10001800' }, xmm: { 0: '0x5', 1: `0x${'07'.repeat(16)}` } },
  });
  const plant = PLANTS.find(({ what }) => what.startsWith('i8x16_add'))!;
  const takeAway = plant.apply();
  const bench = new Bench(['interpreter', 'reference']);
  try {
    const culprit = findCulprit(bench, c)!;
    expect(culprit.signature).toEqual({ code: 'Paddb_xmm_xmmm128', field: 'xmm', fault: 'same ending' });
    const small = shrink(bench, culprit);
    expect(toFile(small.case)).toEqual({
      codeAddress: '0x20000100',
      steps: [{ bytes: '66 0f fc c1', text: 'paddb  %xmm1,%xmm0' }],
      state: { gpr: { rsp: '0x1' }, xmm: { 1: `0x7${'07'.repeat(15)}` } },
    });
    const source = { seed: 1, run: 2, host: null, cpl: 3 } as const;
    const finding = makeFinding(small.case, c, small.mismatch, small.signature, source);
    expect(finding.explanation).toEqual([
      'at 0x20000100: paddb  %xmm1,%xmm0',
      `xmm0: reference 0x${'07'.repeat(4)}00${'07'.repeat(11)}, interpreter 0x${'07'.repeat(16)}`,
      'see the instruction’s «Operation»; SDM 1 11.5 for roundings and NaNs; legacy forms leave bits above 127 alone',
    ]);
    expect(findingName(finding.signature)).toBe('Paddb_xmm_xmmm128-xmm-same-ending');
    expect(assemble(fromFile(finding.original))).toEqual(assemble(c));
    expect(assemblyText(finding, small.case, 'swapgs fuzz replay x.json')).toContain(
      '\t.byte 0x66,0x0f,0xfc,0xc1                      # paddb  %xmm1,%xmm0\n\tint3\n',
    );
  } finally {
    bench.close();
    takeAway();
  }
});

test.skipIf(process.platform !== 'linux')('a corpus where no directory can be made is an error, not a wait', () => {
  expect(() => new Corpus('/proc/none/of/it')).toThrow(/ENOENT/);
});

describe.skipIf(process.platform !== 'linux')('a corpus', () => {
  const folder = mkdtempSync(join(tmpdir(), 'corpus-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  test('waits for no pipe and no device, and reads what is an input', () => {
    const corpus = new Corpus(folder);
    corpus.add(fromFile(GOOD));
    execFileSync('mkfifo', [join(folder, 'pipe.json')]);
    symlinkSync('/dev/zero', join(folder, 'zero.json'));
    symlinkSync('loop.json', join(folder, 'loop.json'));
    mkdirSync(join(folder, 'folder.json'));
    const skipped: string[] = [];
    const entries = corpus.read((path, error) => skipped.push(`${basename(path)}: ${(error as Error).message}`));
    expect(entries).toHaveLength(1);
    expect(skipped).toEqual([
      'folder.json: is not a regular file',
      expect.stringContaining('loop.json: ELOOP'),
      'pipe.json: is not a regular file',
      'zero.json: is not a regular file',
    ]);
  });

  test('has each file whole or not at all', () => {
    const path = join(folder, 'folder.json');
    expect(() => writeWhole(path, 'text')).toThrow(/EISDIR|ENOTEMPTY|EEXIST/);
    expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([]);
  });
});
