import { describe, expect, it } from 'vitest';
import {
  address,
  count,
  engine,
  integer,
  memorySize,
  parseRange,
  repeated,
  seconds,
  seed,
  size,
} from '../../src/cli/values.ts';

describe('option values', () => {
  it.each([
    [size, '4096', 4096],
    [size, '0x1000', 4096],
    [size, '64K', 65536],
    [size, '2MiB', 2 << 20],
    [memorySize, '1g', 2 ** 30],
    [count, '1_000', 1000],
    [count, '1e6', 1e6],
    [seconds, '0.5', 500],
    [seconds, '.5', 500],
    [seed, '0xffffffff', 0xffff_ffff],
    [engine, 'reference', 'reference'],
    [address, '0xffffffff8111e120', 0xffff_ffff_8111_e120n],
  ] as const)('reads %o', (parse, text, value) => {
    expect((parse as (text: string) => unknown)(text)).toBe(value);
  });

  it.each([
    [size, ['', '1T', '-1', 'x', '1.5M', '99999999999999G']],
    [memorySize, ['0', '64K', '5G']],
    [count, ['0', '-1', '1.5', 'many', '1e400']],
    [seconds, ['0', '-1', 'x', '', '1e3', '.']],
    [seed, ['-1', '4294967296', 'x', '1.5']],
    [engine, ['fast', '']],
    [address, ['-1', 'main', '0x1_0000_0000_0000_0000_0']],
  ] as const)('refuses what is none (%o)', (parse, texts) => {
    for (const text of texts) expect(() => parse(text), text).toThrow();
  });

  it('reads integers of more bits where that is asked for', () => {
    expect(integer('-0x10')).toBe(-16n);
    expect(integer(`0x${'f'.repeat(32)}`)).toBeNull();
    expect(integer(`0x${'f'.repeat(32)}`, 128)).toBe((1n << 128n) - 1n);
  });

  it('reads ranges', () => {
    expect(parseRange('0x10-0x20')).toEqual({ from: 16n, to: 32n });
    for (const text of ['0x20-0x10', '1', '1-2-3', 'a-b', '-1-2'])
      expect(() => parseRange(text), text).toThrow('LO-HI');
  });

  it('collects repeated options', () => {
    const collect = repeated(Number);
    expect(collect('2', collect('1', undefined))).toEqual([1, 2]);
  });
});
