import { afterAll, describe, expect, it } from 'vitest';
import { runChanged } from '../../../src/codegen/compare.ts';
import type { RunVerdict } from '../../../src/codegen/run/compare.ts';
import { compareFiles } from '../../support/builds.ts';
import { type Compiler, hasCompiler, Workshop } from '../../support/compile.ts';

const workshop = new Workshop();
afterAll(() => workshop.clean());

/** What running two builds of the function `f` shows. */
function run(
  old: readonly [Compiler, string, ...string[]],
  fresh: readonly [Compiler, string, ...string[]],
  inputs = 60,
): RunVerdict {
  const [a, b] = [old, fresh].map(([compiler, source, ...flags]) =>
    workshop.compile(compiler, source, ['-fno-pic', ...flags]),
  );
  const comparison = compareFiles(a!, b!);
  runChanged(comparison, { inputs, seed: 1 });
  return comparison.functions.find(({ name }) => name === 'f')!.run!;
}

describe.skipIf(!hasCompiler('gcc'))('inputs are led', () => {
  const magic = (result: number) => `
    struct header { unsigned magic; unsigned short version; unsigned long size; };
    int f(const struct header *h, unsigned long size) {
      if (h->magic != 0x5a7c11e3) return 1;
      if (h->version != 0x302) return 2;
      if (h->size * 2 != size) return 3;
      return ${result};
    }`;

  it('through comparisons of memory, of parts of words and of arguments', () => {
    const verdict = run(['gcc', magic(4), '-O2', '-g'], ['gcc', magic(5), '-O2', '-g'], 200);
    expect(verdict.differences).toEqual(['result: old 0x4, new 0x5']);
  });

  it('without types too', () => {
    const verdict = run(['gcc', magic(4), '-O2'], ['gcc', magic(5), '-O2'], 300);
    expect(verdict.differences).toEqual(['result: old 0x4, new 0x5']);
  });

  it('to an end behind a beginning', () => {
    const span = (more: number) => `
      long f(const char *from, const char *to) { long n = 0; while (from < to) n += *from++ == ' '; return n * ${more}; }`;
    expect(run(['gcc', span(1), '-O2', '-g'], ['gcc', span(2), '-O2', '-g'], 200).verdict).toBe('different');
  });
});

describe.skipIf(!hasCompiler('gcc'))('inputs are led by', () => {
  it.each([
    [
      'what a function of the file compares that it calls',
      `struct s { int a, tag; };
      static __attribute__((noinline)) int check(const struct s *s) { return s->tag - 0x3f34; }
      int f(const struct s *s) { return check(s) ? 0 : R; }`,
    ],
    [
      'the text that strcmp compares with',
      `int strcmp(const char *, const char *);
      int f(const char *s) { return strcmp(s, "secret") ? 0 : R; }`,
    ],
    [
      'what a function outside returns',
      `int version(void);
      int f(void) { return version() == 0x1234567 ? R : 0; }`,
    ],
    [
      'what a global variable holds',
      `int mode;
      int f(void) { return mode == 77777 ? R : 0; }`,
    ],
    [
      'the letters of a jump table',
      `int f(const char *s) {
        switch (s[3]) {
          case 'b': return 2; case 'd': return 9; case 'e': return 4; case 'h': return 7; case 'k': return R;
          case 'm': return 1; case 'q': return 3; case 'u': return 8; case 'v': return 11; default: return 0;
        }
      }`,
    ],
    ['floating-point numbers', 'int f(double x, float y) { return x == 12345.678 && y > 9e9f ? R : 0; }'],
    [
      'the bits of a mask',
      'int f(unsigned long flags) { return (flags & 0x40000000000) && !(flags & 0x80) && (flags & 0x11000) ? R : 0; }',
    ],
    [
      'pointers on the stack',
      `int f(int a, int b, int c, int d, int e, int g, const int *p, long n) { return a + b + c + d + e + g == 0 && *p == 4711 && n == -9 ? R : 0; }`,
    ],
    [
      'structures by value',
      'struct s { double x; long n; };\nint f(struct s s) { return s.n == 987654321 && s.x > 1e6 ? R : 0; }',
    ],
  ])('%s', (_, source) => {
    const [old, fresh] = ['5', '6'].map((result) => source.replace('R', result));
    const flags = ['-O2', '-g'];
    const verdict = run(['gcc', old!, ...flags], ['gcc', fresh!, ...flags], 300);
    expect(verdict.differences).toEqual(['result: old 0x5, new 0x6']);
  });
});

describe.skipIf(!hasCompiler('gcc'))('what functions outside leave behind', () => {
  it('is no value that a build may keep in a vector register', () => {
    const source = `
      double number(int);
      void f(double *to, int n) { to[0] = number(n); to[1] = number(n + 1) + to[0]; }`;
    const verdict = run(['gcc', source, '-O0', '-g'], ['gcc', source, '-O2', '-g'], 60);
    expect(verdict).toMatchObject({ verdict: 'equal', differences: [] });
  });
});

describe.skipIf(!hasCompiler('gcc'))('memory is compared where it means something', () => {
  it('not where it was given back', () => {
    const by = (last: string): string => `
      #include <stddef.h>
      void *malloc(size_t); void free(void *); int ask(int *);
      int f(int n) { int *p = malloc(64); if (!p) return 0; p[0] = n; p[1] = ask(p); int r = p[1]; ${last} free(p); return r; }`;
    expect(run(['gcc', by('p[3] = n;'), '-O0', '-g'], ['gcc', by(''), '-O2', '-g']).verdict).toBe('equal');
  });

  it('and large objects do not reach into others', () => {
    const source = `
      struct large { int head; unsigned char table[200000]; };
      int f(struct large *l, int *to, unsigned n) { for (unsigned i = 0; i < 3; i++) { to[i] = n; l->table[150000 + i] += to[i]; } return l->head; }`;
    expect(run(['gcc', source, '-O1', '-g'], ['gcc', source, '-O3', '-g']).verdict).toBe('equal');
  });

  it('and a va_list is as va_start leaves it', () => {
    const source = `
      #include <stdarg.h>
      int f(int n, va_list ap) { int s = 0; while (n-- > 0 && s < 100) s += va_arg(ap, int); return s; }`;
    const flags = ['-O2', '-g'];
    const run300 = run(['gcc', source, ...flags], [hasCompiler('clang') ? 'clang' : 'gcc', source, ...flags], 300);
    expect(run300.differences).toEqual([]);
  });
});

describe.skipIf(!hasCompiler('gcc'))('barriers', () => {
  const publish = (order: string, add: string): string => `
    void wake(int);
    void f(int *data, int *ready, long *count) {
      *data = 7; ${order} *ready = 1; ${add} wake(1); }`;
  const fence = '__sync_synchronize();';
  const atomic = '__atomic_fetch_add(count, 2, __ATOMIC_SEQ_CST);';
  const right = publish(fence, atomic);

  it.skipIf(!hasCompiler('clang'))('are the same whichever way a compiler makes them', () => {
    expect(run(['gcc', right, '-O2', '-g'], ['clang', right, '-O2', '-g']).verdict).toBe('equal');
    expect(run(['gcc', right, '-O2', '-g'], ['gcc', right, '-O0', '-g']).verdict).toBe('equal');
  });

  it.each([
    ['a fence is missing', publish('', atomic), 'barrier 2: old a full barrier after 0 calls, new none'],
    [
      'a lock prefix is missing',
      publish(fence, '*count += 2;'),
      'barrier 2: old a full barrier after 0 calls, new none',
    ],
    [
      'it is another one',
      publish('__builtin_ia32_sfence();', atomic),
      'barrier 1: old a full barrier after 0 calls, new sfence after 0 calls',
    ],
  ])('%s', (_, wrong, difference) => {
    expect(run(['gcc', right, '-O2', '-g'], ['gcc', wrong, '-O2', '-g']).differences).toEqual([difference]);
  });
});

describe.skipIf(!hasCompiler('gcc'))('results of several parts', () => {
  const point = (third: string): string => `
    struct point { float x; short tag; double y; long double *z; };
    struct pair { float x, y; double z; };
    struct pair f(float a, float b) { struct pair p = {a + b, a - b, ${third}}; return p; }`;

  it('are compared by their members', () => {
    expect(run(['gcc', point('a * b'), '-O0', '-g'], ['gcc', point('a * b'), '-O2', '-g']).verdict).toBe('equal');
    const wrong = run(['gcc', point('a * b'), '-O2', '-g'], ['gcc', point('a * b + 1'), '-O2', '-g']);
    expect(wrong.differences[0]).toMatch(/^result: old \{\.x = .*, \.y = .*, \.z = /);
  });

  it('and long double in ST(0)', () => {
    const by = (factor: string): string => `long double f(long double x) { return x * ${factor}; }`;
    expect(run(['gcc', by('3'), '-O0', '-g'], ['gcc', by('3'), '-O2', '-g']).verdict).toBe('equal');
    expect(run(['gcc', by('3'), '-O2', '-g'], ['gcc', by('3.0000001L'), '-O2', '-g']).verdict).toBe('different');
  });
});

describe.skipIf(!hasCompiler('gcc') || !hasCompiler('clang'))('an index out of bounds', () => {
  const table = (before: string) => `
    ${before}
    static const unsigned char table[16] = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3};
    int f(unsigned n) { return table[n] + 1 != 0; }
    unsigned char *g(void) { return (unsigned char *)table; }`;

  it('says nothing, whatever stands there', () => {
    const source = table('extern const unsigned char other[4096]; const unsigned char other[4096] = {1};').replace(
      '!= 0',
      '',
    );
    const verdict = run(['gcc', source, '-O2', '-g'], ['clang', source, '-O2', '-g'], 200);
    expect(verdict).toMatchObject({ verdict: 'equal', differences: [] });
    expect(verdict.inputs).toBeGreaterThan(20);
  });
});

describe.skipIf(!hasCompiler('gcc'))('formatted output', () => {
  it('is compared by what it says, however it is made', () => {
    const by = (body: string) => `
      int printf(const char *, ...); int sprintf(char *, const char *, ...); char *strcpy(char *, const char *);
      void f(char *out, int n, const char *s) { ${body} }`;
    const old = by('sprintf(out, "%s", s); printf("%d of %s\\n", n, s);');
    const other = by('strcpy(out, s); printf("%i of %s\\n", n, s);');
    expect(run(['gcc', old, '-O0', '-g'], ['gcc', other, '-O2', '-g']).differences).toEqual([]);
    const wrong = by('strcpy(out, s); printf("%u of %s\\n", n, s);');
    expect(run(['gcc', old, '-O2', '-g'], ['gcc', wrong, '-O2', '-g']).differences[0]).toMatch(/fwrite: old stdout "-/);
  });

  it('has a length that compilers know', () => {
    const source = `
      int snprintf(char *, unsigned long, const char *, ...); int put(const char *, int);
      int f(long n) { char text[64]; int length = snprintf(text, sizeof text, "%ld", n); return length < 0 || length >= 64 ? -1 : put(text, length); }`;
    expect(run(['gcc', source, '-O2', '-g'], ['gcc', source, '-O0', '-g']).verdict).toBe('equal');
  });
});

describe.skipIf(!hasCompiler('gcc'))('memory', () => {
  it('has an end, also for what the library copies', () => {
    const source = `
      void *memset(void *, int, unsigned long); void use(void *);
      void f(char *p) { for (unsigned long i = 0; i < 64; i++) memset(p + (i << 20), VALUE, 1 << 20); use(p); }`;
    const verdict = run(['gcc', source, '-O2', '-DVALUE=1'], ['gcc', source, '-O2', '-DVALUE=2'], 3);
    expect(verdict).toMatchObject({ verdict: 'inconclusive', inputs: 0 });
  });
});

describe.skipIf(!hasCompiler('gcc'))('bytes of a build', () => {
  it('stay what they are when it runs', () => {
    const source = 'int shared; int f(void) { return shared + 1; }';
    const object = workshop.compile('gcc', source, ['-O2', '-fno-pic']);
    const other = workshop.compile('gcc', source, ['-O0', '-fno-pic']);
    const comparison = compareFiles(object, other);
    const { fn } = comparison.functions.find(({ name }) => name === 'f')!.old!;
    const before = Buffer.from(fn.unit.bytesOf(fn)).toString('hex');
    runChanged(comparison, { inputs: 5, seed: 1 });
    expect(Buffer.from(fn.unit.bytesOf(fn)).toString('hex')).toBe(before);
  });
});
