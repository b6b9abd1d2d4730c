import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { printFinding, writeFinding } from '../../../src/cli/fuzz/findings.ts';
import { Output } from '../../../src/cli/output.ts';
import { caseText, fromFile, parseCase } from '../../../src/fuzz/file.ts';
import { makeFinding } from '../../../src/fuzz/finding.ts';

const folder = mkdtempSync(join(tmpdir(), 'findings-'));
afterAll(() => rmSync(folder, { recursive: true }));

const c = fromFile({ codeAddress: '0x20000100', steps: [{ bytes: '48 ff c0' }], state: { gpr: { rax: '0x5' } } });
const differences = [{ field: 'rax', got: '0x5', want: '0x6' }];
const finding = makeFinding(
  c,
  c,
  { oracle: 'jit', judge: 'reference', differences },
  { code: 'Inc_rm64', field: 'gpr', fault: 'same ending' },
  { seed: 1, run: 2, host: null, cpl: 3 },
);

function printed(path: string | null): string[] {
  const file = join(folder, 'out');
  const out = new Output(openSync(file, 'w'));
  printFinding(out, finding, path);
  return readFileSync(file, 'utf8').trimEnd().split('\n');
}

test('a finding that is written says how to see it again', () => {
  const path = writeFinding(join(folder, 'new'), finding);
  expect(path).toBe(join(folder, 'new', 'Inc_rm64-gpr-same-ending.json'));
  expect(parseCase(readFileSync(path, 'utf8'))).toEqual(c);
  expect(printed(path).at(-1)).toBe(`  replay: swapgs fuzz replay ${path}`);
});

test('a finding that cannot be written is printed whole', () => {
  expect(() => writeFinding('/proc/self/task/x', finding)).toThrow(/^(no such file|permission denied): /);
  const line = printed(null).at(-1)!;
  expect(caseText(parseCase(line))).toBe(caseText(c));
  expect(JSON.parse(line)).toMatchObject({ oracle: 'jit', judge: 'reference', cpl: 3 });
});
