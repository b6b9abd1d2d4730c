import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { argumentsOf } from '../../../src/codegen/run/arguments.ts';
import { Caller } from '../../../src/codegen/run/call.ts';
import { CodeImage, findFunction } from '../../../src/codegen/run/image.ts';
import { Externals } from '../../../src/codegen/run/layout.ts';
import { callText } from '../../../src/codegen/run/report.ts';
import { buildOf } from '../../support/builds.ts';
import { hasCompiler, Workshop } from '../../support/compile.ts';

const workshop = new Workshop();
afterAll(() => workshop.clean());
const source = readFileSync(new URL('../c/values.c', import.meta.url), 'utf8');

/** As main of the source calls them, in its order. */
const CALLS: readonly (readonly [name: string, ...args: string[]])[] = [
  ['eight', '1', '2', '3', '4', '5', '6', '7', '-8'],
  ['ten', '1', '2', '3', '4', '5', '6', '7', '8', '1.5', '2.25'],
  ['mix', '1', '2.5', '3.5', '4', '1'],
  ['of_pair', '{1, -2}'],
  ['of_mixed', '{1.5, .n = 4}'],
  ['of_point', '{1, 2, 3}'],
  ['of_large', '{{1, 2, 3, 4}}', '10'],
  ['of_three', '{{1, 2, 3}}'],
  ['no_room', '1', '2', '3', '4', '5', '{6, 7}', '{8, 9}', '{10, 11}'],
  ['of_fields', '&{3, 100, -4}'],
  ['make_pair', '3', '4'],
  ['make_mixed', '1.5', '3'],
  ['make_point', '0.5'],
  ['make_large', '5'],
  ['make_extended', '{1.25}'],
  ['times', '1.25', '3'],
  ['combine', '1+2i', '3-0.5i'],
  ['next', '2.5'],
  ['twice', '1.5-2i'],
  ['wide', '0x400000000000000000', '-3'],
  ['behind', '1', '2', '3', '4', '5', '6', '-20'],
  ['add', '{1, 2, 3, 4}', '{10, 20, 30, 40}'],
  ['scale', '{1, 2, 3, 4}', '{1.5, 2, 0.5, -1}'],
  ['sum', '3', '4', '-5', '6'],
  ['sum_doubles', '2', '1.5', '2.5'],
  ['rows', '&{{1, 2, 3}, {4, 5, 6}}'],
  ['through', '&triple', '4'],
  ['small', '-128'],
  ['half', '65535'],
  ['none', '0'],
  ['after', 'GREEN'],
];

describe.each(['gcc', 'clang'] as const)('values are passed and returned as %s does it', (compiler) => {
  it.skipIf(!hasCompiler(compiler)).each(['-O0', '-O2', '-O1 -gdwarf-4'])('%s', (text) => {
    const level = text.split(' ');
    const native = execFileSync(
      workshop.compile(compiler, source, [...level, '-DNATIVE', '-fwrapv', '-Wno-psabi'], true),
      {
        encoding: 'utf8',
      },
    );
    const build = buildOf(workshop.compile(compiler, source, ['-g', ...level, '-fno-pic', '-fwrapv', '-Wno-psabi']));
    const results = CALLS.map(([name, ...args]) => {
      const fn = findFunction(build.units, name, '');
      const externals = new Externals();
      const image = new CodeImage(fn.unit, externals);
      const number = (text: string): bigint => image.addressOfName(text) ?? BigInt.asUintN(64, BigInt(text));
      const { registers, words, call, args: placed } = argumentsOf(fn.unit.signatureOf!(fn), args, number);
      const memory = { seed: null, words, constants: [] };
      const outcome = new Caller(image, externals).call(image.addressOf(fn), { args: placed, memory, registers });
      return callText(image, name, outcome, call)[0]!;
    });
    const expected = native.trimEnd().split('\n');
    expect(results.length).toBe(expected.length);
    // The result is written behind its type.
    for (const [i, line] of results.entries())
      expect(line.endsWith(` ${expected[i]}`), `${line}; native ${expected[i]}`).toBe(true);
  });
});

describe.skipIf(!hasCompiler('gcc'))('calls that end in their own way', () => {
  const text = `
    int deeper(int n) { volatile char here[1000]; here[0] = n; return deeper(n + 1) + here[0]; }
    struct ops { int (*open)(int); void (*close)(int, long); };
    int use(struct ops *ops, int n) { int r = ops->open(n + 1); ops->close(n, 7); return r; }
    int outside(int, const char *);
    int passes(int a) { return outside(a, "text") + 1; }`;

  function call(name: string, ...args: string[]): string {
    const build = buildOf(workshop.compile('gcc', text, ['-O1', '-g', '-fno-pic']));
    const fn = findFunction(build.units, name, '');
    const externals = new Externals();
    const image = new CodeImage(fn.unit, externals);
    const typed = argumentsOf(fn.unit.signatureOf!(fn), args, BigInt);
    const memory = { seed: null, words: typed.words, constants: [] };
    const outcome = new Caller(image, externals).call(image.addressOf(fn), { args: typed.args, memory });
    return callText(image, name, outcome, typed.call, (callee) => fn.unit.declarationOf!(fn, callee)).join('\n');
  }

  it('recursion without an end uses up the stack', () => {
    expect(call('deeper', '0')).toMatch(/^deeper\(n = 0\) is stopped: the stack is used up/);
  });

  it('code that a pointer in unknown memory leads to is outside', () => {
    const lines = call('use', '&{0x600000100000, 0x600000200000}', '3');
    expect(lines).toMatch(/call {3}\*0x600000100000\(0x4\)[\s\S]*call {3}\*0x600000200000\(0x3, 0x7\)/);
  });

  it.each([
    ['passes', '{1, 2}', /a: a value is wanted/],
    ['use', '{1}', /ops: a value is wanted/],
  ])('one value is no list: %s %s', (name, text, message) => {
    expect(() => call(name, text)).toThrow(message);
  });

  it('declared arguments are shown, passed on or set', () => {
    expect(call('passes', '3')).toContain('call   outside(0x3, "text")');
  });
});
