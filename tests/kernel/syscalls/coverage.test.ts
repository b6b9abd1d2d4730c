import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { syscallsText } from '../../../src/kernel/syscalls/coverage.ts';
import { STUB_ERRNO } from '../../../src/kernel/syscalls/stubs.ts';
import { SyscallBench } from '../../support/syscalls.ts';

it('docs/syscalls.md is what the table says (node scripts/syscalls.js)', () => {
  expect(readFileSync(new URL('../../../docs/syscalls.md', import.meta.url), 'utf8')).toBe(syscallsText());
});

it('refused calls answer their error, without a word', () => {
  const b = new SyscallBench();
  for (const [number, errno] of STUB_ERRNO) expect([number, b.number(number, 0, 0, 0, 0)]).toEqual([number, errno]);
  expect(b.warnings).toEqual([]);
});
