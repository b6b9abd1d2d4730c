import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { hexBytes } from '../../src/bits/hex.ts';
import { compare } from '../../src/codegen/compare.ts';
import { listingBuilds } from '../../src/codegen/inputs/open.ts';
import { textReport } from '../../src/codegen/report/text.ts';
import { buildOf, buildOfText, diffOf } from '../support/builds.ts';

const folder = new URL('../../guest/codegen/', import.meta.url);
const before = readFileSync(new URL('before.txt', folder), 'utf8');
const after = readFileSync(new URL('after.txt', folder), 'utf8');

describe('two listings of syscall_exit_work from a mail', () => {
  const comparison = compare(buildOfText(before), buildOfText(after));
  const diff = diffOf(comparison, 'syscall_exit_work');

  it('are encoded as they were', () => {
    const bytes = (text: string): string => {
      const [unit] = buildOfText(text).units;
      return hexBytes(unit!.bytesOf(unit!.functions[0]!), '');
    };
    expect(bytes(before)).toBe(
      '554889fd534889f383e620741665488b042580ac020080b800080000000f85e700000065488b042580ac02004883b8c807000000',
    );
    expect(bytes(after)).toBe(
      '4154654c8b25f6e0f07e554889fd534889f383e620740f4180bc2400080000000f85d40000004983bc24c807000000',
    );
  });

  it('differ by a load, its length, a reload and a saved register', () => {
    const { old, new: fresh, status } = diff;
    expect(status).toBe('changed');
    expect([old!.metrics.gsLoads, fresh!.metrics.gsLoads]).toEqual([2, 1]);
    expect([old!.metrics.slots, fresh!.metrics.slots]).toEqual([{ pcpu_hot: 2 }, { pcpu_hot: 1 }]);
    expect([old!.metrics.gsLoadBytes, fresh!.metrics.gsLoadBytes]).toEqual([2 * 9, 8]);
    expect([old!.metrics.bytes, fresh!.metrics.bytes]).toEqual([52, 47]);
    expect([old!.metrics.pushes, fresh!.metrics.pushes]).toEqual([2, 3]);
    expect([old!.metrics.reloads.redundant, fresh!.metrics.reloads.redundant]).toEqual([1, 0]);
    expect(comparison.findings.map(({ text }) => text)).toEqual([
      'loads of %gs:pcpu_hot 2 → 1',
      '9 → 8 bytes a %gs load (one byte shorter)',
      '+1 callee-saved push: r12',
    ]);
  });

  it('has the reload at +35, and the way to it', () => {
    expect(comparison.reloads(diff)).toEqual({
      old: [{ at: 35, kind: 'partial', what: '%gs:0x2ac80', earlier: 13, path: [35], by: null }],
      new: [],
    });
  });

  it('stand side by side in the text', () => {
    const text = [...textReport(comparison, { width: 100, paint: (_, plain) => plain })].join('\n');
    expect(text).toMatch(/^\+13 +9 +mov +%gs:0x2ac80,%rax +<$/m);
    expect(text).toMatch(/^\+29 +6 +jne +\+266 +\| \+32 +6 +jne +\+250$/m);
    expect(text).toContain('bytes 52 → 47, −9.6 %');
  });

  it('may come in one text', () => {
    const [old, fresh] = listingBuilds(buildOfText(`${before}\nsome words\n${after}`))!;
    expect(compare(old!, fresh!).totals.old.gsLoads).toBe(2);
    expect(compare(old!, fresh!).totals.new.gsLoads).toBe(1);
  });

  it('is read from a file as well', () => {
    expect(buildOf(new URL('before.txt', folder).pathname).units[0]!.functions[0]!.name).toBe('syscall_exit_work');
  });
});
