import { afterAll, describe, expect, it, test } from 'vitest';
import { type FormatArguments, formatted } from '../../../src/codegen/run/format.ts';
import { hasCompiler, Workshop } from '../../support/compile.ts';

const workshop = new Workshop();
afterAll(() => workshop.clean());

/** Arguments that all have the same bits. */
const bits = (value: bigint): FormatArguments => ({
  integer: () => value,
  double: () => value,
  text: () => Buffer.from('text'),
  pointer: (address) => `<${address}>`,
});
const ofDouble = (value: number): bigint => {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return view.getBigUint64(0);
};

const INTEGERS =
  '%d|%5d|%-5d|%05d|%+d|% d|%.3d|%8.3d|%08.3d|%u|%x|%#x|%X|%#o|%hhd|%hu|%ld|%lu|%llx|%zu|%jd|%.0d|%i|%#010x';
const DOUBLES = '%f|%.0f|%10.3f|%-10.1f|%+e|%.3e|%g|%G|%#g|%.10g|%010.2f|%#.0f|%.0e|%E|% .2g';
const WORDS = [0n, 1n, -1n, 255n, -128n, 65537n, 1n << 31n, -(1n << 63n)].map((value) => BigInt.asUintN(64, value));
const NUMBERS = [
  0,
  -0,
  0.5,
  1.5,
  2.5,
  1e21,
  123456.789,
  1e-5,
  0.0001,
  9.9999995,
  -1e100,
  5e-324,
  Number.MAX_VALUE,
  Infinity,
  NaN,
];

describe('a format', () => {
  test.each([
    ['%d of %s%%', 7n, '7 of text%'],
    ['%*d|', 4n, '   4|'],
    ['%.2s', 1n, 'te'],
    ['%3c', 0xe9n, '  \xe9'],
    ['%s', 0n, '(null)'],
    ['%p', 16n, '<16>'],
    ['%p', 0n, '(nil)'],
    ['%5.1f', ofDouble(0.25), '  0.2'],
  ])('%s is written', (format, value, text) => {
    expect(formatted(format, bits(value))).toBe(text);
  });

  test.each(['%n', '%a', '%Lf', '%ls', '%pI4', 'half a %', '%99999d'])('%s is not known', (format) => {
    expect(formatted(format, bits(1n))).toBeNull();
  });

  it.skipIf(!hasCompiler('gcc'))('of numbers is written as the C library does', () => {
    const rows = [
      ...INTEGERS.split('|').flatMap((format) => WORDS.map((word) => ({ format, word, type: 'long' }))),
      ...DOUBLES.split('|').flatMap((format) =>
        NUMBERS.map((value) => ({ format, word: ofDouble(value), type: 'double' })),
      ),
    ];
    const calls = rows.map(
      ({ format, word, type }) =>
        `{ unsigned long w = ${word}ul; ${type} v; memcpy(&v, &w, 8); printf("${format}", v); putchar(1); }`,
    );
    const source = `#include <stdio.h>\n#include <string.h>\nint main(void) { ${calls.join('\n')} return 0; }`;
    const program = workshop.compile('gcc', source, ['-w'], true);
    const wanted = workshop.run(program, []).split('\x01').slice(0, -1);
    expect(rows.map(({ format, word }) => formatted(format, bits(word)))).toEqual(wanted);
  });
});
