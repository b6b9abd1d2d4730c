import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { ONE_LINE, swapgs } from '../support/cli.ts';
import { hasCompiler, Workshop } from '../support/compile.ts';

const workshop = new Workshop();
afterAll(() => workshop.clean());
const listings = new URL('../../guest/codegen/', import.meta.url);
const before = new URL('before.txt', listings).pathname;
const after = new URL('after.txt', listings).pathname;

const ASSEMBLY = (add: string): string => `.text
.globl grow
.type grow,@function
grow: ${add}ret
.size grow,.-grow
.globl same
.type same,@function
same: ret
.size same,.-same
.data
.globl table.1
.type table.1,@object
table.1: .quad 1,2,3
.size table.1,.-table.1
`;
const small = workshop.assemble(ASSEMBLY(''));
const large = workshop.assemble(
  `${ASSEMBLY('inc %eax\n')}.globl fresh\n.type fresh,@object\nfresh: .byte 1\n.size fresh,1\n`,
);

describe('swapgs diff', () => {
  it('tells by its status whether builds differ', () => {
    expect(swapgs(['diff', small, small]).status).toBe(0);
    expect(swapgs(['diff', small, large]).status).toBe(1);
    expect(swapgs(['diff', before, after])).toMatchObject({ status: 1, stderr: '' });
  });

  it('has JSON of a fixed shape', () => {
    const { stdout } = swapgs(['diff', before, after, '--format', 'json']);
    const report = JSON.parse(stdout);
    expect(report.functions).toHaveLength(1);
    expect(report.functions[0]).toMatchObject({
      name: 'syscall_exit_work',
      status: 'changed',
      old: {
        instructions: 11,
        bytes: 52,
        loads: 4,
        stores: 0,
        gsLoads: 2,
        fsLoads: 0,
        reloads: { redundant: 1, barred: 0 },
        slots: { pcpu_hot: 2 },
      },
      new: {
        instructions: 11,
        bytes: 47,
        loads: 3,
        stores: 0,
        gsLoads: 1,
        fsLoads: 0,
        reloads: { redundant: 0, barred: 0 },
        slots: { pcpu_hot: 1 },
      },
    });
    expect(report.totals.old).toMatchObject({ bytes: 52, gsLoads: 2, slots: { pcpu_hot: 2 } });
    expect(report.statuses.changed).toBe(1);
  });

  it('prints bloat-o-meter’s text', () => {
    expect(swapgs(['diff', small, large, '--format', 'bloat']).stdout).toBe(
      [
        'add/remove: 1/0 grow/shrink: 1/0 up/down: 3/0 (3)',
        'Function                                     old     new   delta',
        'grow                                           1       3      +2',
        'fresh                                          -       1      +1',
        'Total: Before=26, After=29, chg +11.54%',
        '',
      ].join('\n'),
    );
  });

  it('writes Markdown, a comment for GitHub, and one page of HTML', () => {
    expect(swapgs(['diff', before, after, '--format', 'md']).stdout).toContain('| %gs loads | 2 | 1 | −1 | −50.0 % |');
    expect(swapgs(['diff', before, after, '--format', 'github']).stdout).toContain('<details>');
    const html = swapgs(['diff', before, after, '--format', 'html']).stdout;
    expect(html).toMatch(/^<!doctype html>/);
    expect(html).not.toMatch(/(?:src|href)="https?:/);
    const [, script] = /<script>([\s\S]*)<\/script>/.exec(html)!;
    expect(() => new Function(script!)).not.toThrow();
  });

  it('fails on what it is told to fail on', () => {
    expect(swapgs(['diff', before, after, '--fail-on', 'gs-loads>0|size>1%']).status).toBe(0);
    const worse = swapgs(['diff', after, before, '--fail-on', 'gs-loads>0']);
    expect(worse).toMatchObject({ status: 1, stderr: 'swapgs: --fail-on gs-loads>0: gs-loads 1 → 2\n' });
    expect(swapgs(['diff', before, after, '--fail-on', 'changed']).status).toBe(1);
    expect(swapgs(['diff', before, after, '--fail-on', 'bogus']).stderr).toMatch(ONE_LINE);
  });

  it('holds a build to counted expectations', () => {
    const file = workshop.path('expect.txt');
    writeFileSync(
      file,
      '# the thread\nexactly one load of pcpu_hot in syscall_exit_work\nat most 3 pushes in syscall_exit_work\n',
    );
    expect(swapgs(['diff', before, after, '--expect', file])).toMatchObject({ status: 0, stderr: '' });
    const { status, stderr } = swapgs(['diff', after, before, '--expect', file]);
    expect([status, stderr]).toEqual([
      1,
      `swapgs: ${file}:2: exactly one load of pcpu_hot in syscall_exit_work: there are 2\n`,
    ]);
    writeFileSync(file, 'some loads in f\n');
    expect(swapgs(['diff', before, after, '--expect', file])).toMatchObject({
      status: 125,
      stderr: expect.stringMatching(ONE_LINE),
    });
  });

  it('keeps a baseline that is updated on purpose', () => {
    const file = workshop.path('baseline.json');
    expect(swapgs(['diff', small, '--baseline', file, '--update-baseline']).status).toBe(0);
    expect(swapgs(['diff', small, '--baseline', file])).toMatchObject({ status: 0, stdout: '' });
    const changed = swapgs(['diff', large, '--baseline', file]);
    expect(changed.status).toBe(1);
    expect(changed.stdout).toContain('grow: instructions 1 → 2\n');
  });

  it('keeps a baseline of functions that have one name', () => {
    const file = workshop.path('baseline.json');
    const twice = workshop.path('twice.a');
    workshop.run('ar', ['rc', twice, small, large]);
    expect(swapgs(['diff', twice, '--baseline', file, '--update-baseline']).status).toBe(0);
    expect(swapgs(['diff', twice, '--baseline', file])).toMatchObject({ status: 0, stdout: '' });
    const expectations = workshop.path('two.txt');
    writeFileSync(expectations, 'exactly 2 instructions in grow\n');
    const { status, stdout } = swapgs(['diff', twice, '--baseline', file, '--expect', expectations]);
    expect([status, stdout]).toEqual([1, `${expectations}:1: exactly 2 instructions in grow: there are 3\n`]);
  });

  it('refuses options that would judge nothing', () => {
    for (const given of [
      [small, large, '--fail-on', ''],
      [small, large, '--fail-on', 'changed|'],
      [small, large, '--fail-on', 'run-different'],
      [small, large, '--width', 'x'],
      [small, large, '--update-baseline'],
      [small, '--baseline', workshop.path('baseline.json'), '--run'],
      [small, '--baseline', workshop.path('baseline.json'), '--fail-on', 'changed'],
    ]) {
      expect(swapgs(['diff', ...given]), given.join(' ')).toMatchObject({
        status: 125,
        stderr: expect.stringMatching(ONE_LINE),
      });
    }
  });

  it('shows one function, and offers the nearest names', () => {
    expect(swapgs(['diff', small, large, '--function', 'grow', '--width', '60']).stdout).toMatch(
      /^ +> \+0 +2 +inc +%eax$/m,
    );
    expect(swapgs(['diff', small, large, '--function', 'gorw']).stderr).toMatch(
      /^swapgs: no function gorw, the nearest are grow: /,
    );
  });

  it('reads archives, hexadecimal digits and flat code', () => {
    const archive = workshop.path('lib.a');
    workshop.run('ar', ['rc', archive, small]);
    expect(swapgs(['diff', archive, archive]).stdout).toContain('2 functions: 2 identical');
    writeFileSync(workshop.path('a.hex'), '48 89 f8 c3\n');
    writeFileSync(workshop.path('b.bin'), Buffer.from('488bc7c3', 'hex'));
    const mixed = swapgs(['diff', workshop.path('a.hex'), workshop.path('b.bin'), '--bytes', '0x1000']);
    expect(mixed.stdout).toContain('1 function: 1 encoding-only');
  });

  it('reads what a thin archive names, and says what is missing', () => {
    workshop.run('ar', ['rcT', 'thin.a', small]);
    const thin = workshop.path('thin.a');
    expect(swapgs(['diff', thin, small]).stdout).toContain('2 functions: 2 identical');
    const gone = workshop.path('gone.o');
    writeFileSync(gone, readFileSync(small));
    workshop.run('ar', ['rcT', 'gone.a', gone]);
    workshop.run('rm', [gone]);
    expect(swapgs(['diff', workshop.path('gone.a'), small]).stderr).toMatch(
      /^swapgs: no file \S*gone\.o, which this thin archive names: .*\n$/,
    );
  });

  it.skipIf(!hasCompiler('gcc'))('says where the code of split debug information is', () => {
    const linked = workshop.compile('gcc', 'int main(void) { return 3; }', ['-g'], true);
    workshop.run('objcopy', ['--only-keep-debug', linked, 'only.debug']);
    expect(swapgs(['diff', linked, workshop.path('only.debug')]).stderr).toMatch(
      /^swapgs: this is debug information alone, its code is in another file: .*: give that one\n$/,
    );
  });

  it.skipIf(!hasCompiler('gcc'))('falls back to content for stripped files, and says so', () => {
    const text = 'int a(int x){return x*7+1;} int b(int x){return a(x)^a(x+1);} int main(void){return b(3);}';
    const old = workshop.compile('gcc', text, ['-O1', '-s'], true);
    const fresh = workshop.compile('gcc', text.replace('x*7', 'x*9'), ['-O1', '-s'], true);
    const { status, stdout } = swapgs(['diff', old, fresh]);
    expect(status).toBe(1);
    expect(stdout).toContain('no symbols of functions: their bounds are guessed, and they are paired by content');
    expect(swapgs(['diff', old, old]).status).toBe(0);
  });

  it.skipIf(!hasCompiler('gcc'))('says what an object is that only the linker makes code of', () => {
    const lto = workshop.compile('gcc', 'int f(int a) { return a + 1; }', ['-O2', '-flto', '-fno-fat-lto-objects']);
    expect(swapgs(['diff', lto, lto]).stderr).toMatch(
      /it has no code yet, only what the linker compiles: .*: compile with -ffat-lto-objects/,
    );
    const bitcode = workshop.path('bitcode');
    writeFileSync(bitcode, Uint8Array.of(0x42, 0x43, 0xc0, 0xde, 0x35, 0x14));
    expect(swapgs(['diff', bitcode, bitcode]).stderr).toMatch(/this is LLVM bitcode/);
  });

  it('refuses bad input in one line', () => {
    const bytes = readFileSync(small);
    const cases: [string, Uint8Array][] = [
      ['empty', new Uint8Array(0)],
      ['noise', Uint8Array.from({ length: 300 }, (_, i) => (i * 37) & 255)],
      ['short', bytes.subarray(0, 40)],
      ['cut', bytes.subarray(0, bytes.length - 100)],
      ['arm', Uint8Array.from(bytes, (byte, i) => (i === 18 ? 183 : byte))],
      ['archive', Buffer.from('!<arch>\nrubbish')],
    ];
    for (const [name, content] of cases) {
      const path = workshop.path(name);
      writeFileSync(path, content);
      const { status, stdout, stderr } = swapgs(['diff', path, small]);
      expect([name, status, stdout]).toEqual([name, 125, '']);
      expect(stderr, name).toMatch(ONE_LINE);
      expect(stderr, name).not.toContain('internal error');
    }
    expect(swapgs(['diff', small]).stderr).toMatch(ONE_LINE);
    expect(swapgs(['diff', small, '/nonexistent']).stderr).toMatch(ONE_LINE);
  });
});

describe('swapgs count', () => {
  it('counts a slot by name and by address, and the change between builds', () => {
    const { stdout, status } = swapgs(['count', before, after, '--slot', '0x2ac80']);
    expect(status).toBe(0);
    expect(stdout).toContain(`${before}: 0x2ac80: 2 loads\n  2 absolute, 0 RIP-relative, 18 bytes`);
    expect(stdout).toContain(`${after}: 0x2ac80: 1 loads, −1 (−50.0 %)\n  0 absolute, 1 RIP-relative, 8 bytes`);
    expect(JSON.parse(swapgs(['count', after, '--slot', 'pcpu_hot', '--json']).stdout)).toMatchObject({
      loads: 1,
      ripRelative: 1,
    });
  });

  it('takes a build for one CPU, which has no prefix', () => {
    const up = workshop.assemble('.text\n.globl f\n.type f,@function\nf: mov pcpu_hot(%rip),%rax\nret\n.size f,.-f\n');
    expect(swapgs(['count', up, '--slot', 'pcpu_hot']).stdout).toContain(
      'pcpu_hot: 1 loads\n  without a segment: a build for one CPU',
    );
  });

  it('knows no symbol that is not there', () => {
    expect(swapgs(['count', small, '--slot', 'nothing']).stderr).toMatch(ONE_LINE);
    expect(swapgs(['count', small]).stderr).toMatch(ONE_LINE);
  });
});
