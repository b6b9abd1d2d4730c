import { afterAll, describe, expect, it } from 'vitest';
import { argumentsOf } from '../../src/codegen/run/arguments.ts';
import { Caller } from '../../src/codegen/run/call.ts';
import { CodeImage, findFunction } from '../../src/codegen/run/image.ts';
import { Externals } from '../../src/codegen/run/layout.ts';
import { callText } from '../../src/codegen/run/report.ts';
import { buildOf } from '../support/builds.ts';
import { hasCompiler, Workshop } from '../support/compile.ts';

const workshop = new Workshop();
afterAll(() => workshop.clean());
const SOURCE = `
#include <stddef.h>
enum color { RED, GREEN = 5 };
struct node { int value; struct node *next; char name[8]; double weight; };
int sum(struct node *list, unsigned char limit) {
  int s = 0;
  for (; list && limit--; list = list->next) { s += list->value; list->weight += 1.5; }
  return s;
}
enum color flip(enum color c) { return c == RED ? GREEN : RED; }
double scale(float a, double b, long c) { return a * b + c; }
size_t length(const char *s) { size_t n = 0; while (s[n]) n++; return n; }
struct node *last(struct node *n) { while (n->next) n = n->next; return n; }
char letter(struct node *n, int i) { return n->name[i]; }
`;

describe.skipIf(!hasCompiler('gcc'))('calls with arguments as C writes them', () => {
  const object = (flags: string[]): string => workshop.compile('gcc', SOURCE, ['-O2', ...flags]);
  const build = hasCompiler('gcc') ? buildOf(object(['-g'])) : null;

  /** The lines that `swapgs call` prints, without counts. */
  function call(name: string, ...args: string[]): string[] {
    const fn = findFunction(build!.units, name, '');
    const externals = new Externals();
    const image = new CodeImage(fn.unit, externals);
    const typed = argumentsOf(fn.unit.signatureOf!(fn), args, BigInt);
    const memory = { seed: null, words: typed.words, constants: [] };
    const outcome = new Caller(image, externals).call(image.addressOf(fn), {
      args: typed.args,
      memory,
      registers: typed.registers,
    });
    return callText(image, name, outcome, typed.call).filter((line) => /returns|wrote/.test(line));
  }

  it('structures, pointers to more of them, and what was written by its path', () => {
    expect(call('sum', '&{.value=3,.next=&{4, NULL, "ab", 2.5}}', '9')).toEqual([
      'sum(list = &{.value=3,.next=&{4, NULL, "ab", 2.5}}, limit = 9) returns int 7',
      '  wrote  list->weight (0x600000000018): 00 00 00 00 00 00 f8 3f',
      '  wrote  list->next->weight (0x600000010018): 00 00 00 00 00 00 10 40',
    ]);
    expect(call('last', '&{1,&{2}}')[0]).toBe('last(n = &{1,&{2}}) returns struct node * n->next');
  });

  it('enumerators, floating-point numbers, text, negative numbers', () => {
    expect(call('flip', 'RED')[0]).toBe('flip(c = RED) returns enum color GREEN');
    expect(call('scale', '1.5', '2', '-1')[0]).toBe('scale(a = 1.5, b = 2, c = -1) returns double 2');
    expect(call('length', '"hello\\n"')[0]).toBe('length(s = "hello\\n") returns long unsigned int 6');
    expect(call('letter', '&{.name="xyz"}', '2')[0]).toBe('letter(n = &{.name="xyz"}, i = 2) returns char 122');
    expect(call('sum', '&{.value=-5}', '1')[0]).toMatch(/returns int -5$/);
  });

  it.each([
    ['sum', ['&{.valu=1}', '1'], /list: the struct has no member valu: it has value, next, name, weight at/],
    ['sum', ['0', '300'], /limit: 300 does not fit in unsigned char/],
    ['sum', ['&{', '1'], /list: a value is wanted|or } is wanted/],
    ['sum', ['&{1} 2', '1'], /list: '2' is too much/],
    ['sum', ['"text"', '1'], /list: text is wanted only where characters are, not struct node/],
    ['length', ['"text'], /s: a text has no end/],
    ['length', ['"a"', '2'], /argument 2: length has 1 of them/],
    ['flip', ['&{1}'], /c: it is enum color, no pointer/],
    ['letter', ['&{.name="123456789"}', '0'], /the text is longer than the array/],
    ['letter', ['&{.name={1,2,3,4,5,6,7,8,9}}', '0'], /the array has only 8 elements/],
  ])('what does not fit is one line: %s %j', (name, args, message) => {
    expect(() => call(name, ...args)).toThrow(message);
  });

  it('without debug information numbers are all there is', () => {
    const plain = buildOf(object([]));
    expect(plain.units[0]!.signatureOf!(plain.units[0]!.functions[0]!)).toBeNull();
    expect(() => argumentsOf(null, ['1', '&{2}'], BigInt)).toThrow(/argument 2: the file does not tell its type/);
  });
});
