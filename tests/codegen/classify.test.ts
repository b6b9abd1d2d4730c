import { afterAll, describe, expect, it } from 'vitest';
import { compareFiles, diffOf } from '../support/builds.ts';
import { Workshop } from '../support/compile.ts';

const workshop = new Workshop();
afterAll(() => workshop.clean());

const fn = (name: string, body: string): string =>
  `.globl ${name}\n.type ${name},@function\n${name}:\n${body}\n.size ${name},.-${name}\n`;
const object = (functions: Readonly<Record<string, string>>, data = ''): string =>
  workshop.assemble(
    `.text\n${Object.entries(functions)
      .map(([name, body]) => fn(name, body))
      .join('')}${data}`,
  );

/** Status of `f` in two objects. */
const status = (old: string, fresh: string, data: readonly [string, string] = ['', '']): string =>
  diffOf(compareFiles(object({ f: old }, data[0]), object({ f: fresh }, data[1])), 'f').status;

describe('what became of a function', () => {
  it('identical: the same bytes and the same references', () => {
    expect(status('call other\nmov %rdi,%rax\nret', 'call other\nmov %rdi,%rax\nret')).toBe('identical');
  });

  it('changed: another reference behind the same bytes', () => {
    expect(status('call other\nret', 'call another\nret')).toBe('changed');
    expect(status('mov counter(%rip),%eax\nret', 'mov counter+4(%rip),%eax\nret')).toBe('changed');
  });

  it('changed: another function of the section, where the assembler needs no relocation', () => {
    const local = (name: string): string => workshop.assemble(`one: ret\ntwo: ret\n${fn('f', `call ${name}\nret`)}`);
    expect(diffOf(compareFiles(local('one'), local('two')), 'f').status).toBe('changed');
    expect(diffOf(compareFiles(local('one'), local('one')), 'f').status).toBe('identical');
  });

  it('changed: a jump table that leads elsewhere, in an object and linked', () => {
    const text = (first: string, second: string): string =>
      fn('f', `lea 9f(%rip),%rdx\nmovslq (%rdx,%rdi,4),%rax\nadd %rdx,%rax\njmp *%rax\n.La: inc %eax\n.Lb: ret`) +
      `.section .rodata\n.balign 4\n9: .long ${first}-9b, ${second}-9b\n`;
    const objects = [workshop.assemble(text('.La', '.Lb')), workshop.assemble(text('.Lb', '.La'))] as const;
    expect(diffOf(compareFiles(...objects), 'f').status).toBe('changed');
    expect(diffOf(compareFiles(objects[0], objects[0]), 'f').status).toBe('identical');
    const skipped = workshop.assemble(text('.La+2', '.Lb'));
    expect(diffOf(compareFiles(objects[0], skipped), 'f').status).toBe('changed');
    const into = workshop.assemble(text('.La+1', '.Lb'));
    expect(diffOf(compareFiles(objects[0], into), 'f').status).toBe('changed');
    const [old, fresh] = objects.map((path, i) => {
      const linked = workshop.path(`table.${i}`);
      workshop.run('ld', ['-e', 'f', '-o', linked, path]);
      return linked;
    });
    expect(diffOf(compareFiles(old!, fresh!), 'f').status).toBe('changed');
  });

  it('changed: a local table of pointers with other strings or functions in it', () => {
    const table = (...words: string[]): [string, string] => {
      const strings = '.section .rodata.str1.1,"aMS",@progbits,1\n.LC0: .asciz "one"\n.LC1: .asciz "two"\n';
      const data = `.section .data.rel.ro.local,"aw"\n.type names,@object\nnames: .quad ${words.join()}\n.size names,16\n`;
      return ['lea names(%rip),%rax\nret', strings + data];
    };
    const kinds = (a: [string, string], b: [string, string]): string => status(a[0], b[0], [a[1], b[1]]);
    expect(kinds(table('.LC0', '.LC1'), table('.LC0', '.LC1'))).toBe('identical');
    expect(kinds(table('.LC0', '.LC1'), table('.LC1', '.LC0'))).toBe('changed');
    expect(kinds(table('one', 'two'), table('two', 'one'))).toBe('changed');
  });

  it('changed: a format that asks for something else', () => {
    const data = (format: string): string => `.section .rodata.str1.1,"aMS",@progbits,1\n.Ls: .asciz "${format}"`;
    const body = 'lea .Ls(%rip),%rdi\njmp printf';
    expect(status(body, body, [data('%d %f'), data('%d %g')])).toBe('changed');
  });

  it('identical: strings are compared by what they say, wherever they lie', () => {
    const data = (strings: string): string => `.section .rodata.str1.1,"aMS",@progbits,1\n${strings}`;
    const body = 'lea .Ls(%rip),%rdi\njmp puts';
    expect(status(body, body, [data('.Ls: .asciz "hello"'), data('.asciz "first"\n.Ls: .asciz "hello"')])).toBe(
      'identical',
    );
    expect(status(body, body, [data('.Ls: .asciz "hello"'), data('.Ls: .asciz "jello"')])).toBe('changed');
  });

  it('encoding-only: the same instructions in other bytes', () => {
    expect(status('mov %rdi,%rax\nret', '.byte 0x48,0x8b,0xc7\nret')).toBe('encoding-only');
    expect(status('mov %gs:slot(%rip),%rax\nret', 'mov %gs:slot,%rax\nret')).toBe('encoding-only');
    expect(status('xor %eax,%eax\nret', 'nop\nxor %eax,%eax\nret')).toBe('encoding-only');
  });

  it('register-renamed: one consistent exchange', () => {
    expect(
      status(
        'mov (%rdi),%rcx\nadd %rcx,%rcx\nmov %rcx,(%rdi)\nret',
        'mov (%rdi),%r8\nadd %r8,%r8\nmov %r8,(%rdi)\nret',
      ),
    ).toBe('register-renamed');
    expect(status('mov (%rdi),%rcx\nadd %rcx,%rdx\nret', 'mov (%rdi),%r8\nadd %rcx,%rdx\nret')).toBe('changed');
  });

  it('reordered: the same instructions in another order', () => {
    expect(status('inc %rdi\ndec %rsi\nret', 'dec %rsi\ninc %rdi\nret')).toBe('reordered');
  });

  it('changed: a branch that leads elsewhere', () => {
    const body = (to: string): string => `test %edi,%edi\nje ${to}\n1: inc %eax\n2: ret`;
    expect(status(body('1f'), body('2f'))).toBe('changed');
  });

  it('shows what cannot be seen in the lines', () => {
    const differing = (old: string, fresh: string): [string | undefined, string | undefined][] => {
      const comparison = compareFiles(workshop.assemble(old), workshop.assemble(fresh));
      const rows = comparison.rows(diffOf(comparison, 'f')).filter(({ same }) => !same);
      return rows.map((row) => [row.old?.text, row.new?.text]);
    };
    const jumps = (to: string): string => fn('f', `test %edi,%edi\nje ${to}\n1: inc %eax\n2: ret`);
    expect(differing(jumps('1f'), jumps('2f'))).toEqual([['je     +4', 'je     +6']]);
    const table = (entry: string): string =>
      `${fn('f', 'mov $t,%eax\nret')}.section .rodata\n.type t,@object\nt: .quad ${entry}\n.size t,8\n`;
    expect(differing(table('one'), table('two'))).toEqual([['mov    $t,%eax', 'mov    $t,%eax ; other contents']]);
    // What was put in before the place that a branch leads to does not make it another.
    const longer = fn('f', 'test %edi,%edi\nje 2f\n1: inc %eax\ndec %edx\n2: ret');
    expect(differing(jumps('2f'), longer)).toEqual([[undefined, 'dec    %edx']]);
  });

  it('added, removed, and names with the compiler’s suffixes', () => {
    const old = object({ 'helper.isra.0': 'mov %rdi,%rax\ninc %rax\nret', gone: 'ret' });
    const fresh = object({ 'helper.constprop.3': 'mov %rdi,%rax\ndec %rax\nret', come: 'int3\nret' });
    const { functions } = compareFiles(old, fresh);
    expect(functions.map(({ name, status: what, by }) => [name, what, by])).toEqual([
      ['come', 'added', null],
      ['gone', 'removed', null],
      ['helper', 'changed', 'stripped name'],
    ]);
  });

  it('a renamed function is found by its content', () => {
    const body = 'lea 5(%rdi,%rsi,8),%rax\nimul %rdi,%rax\nxor $0x1234567,%rax\nret';
    const { functions } = compareFiles(object({ before: body }), object({ after: body }));
    expect(functions.map(({ name, status: what, by, new: fresh }) => [name, what, by, fresh?.fn.name])).toEqual([
      ['before', 'identical', 'content', 'after'],
    ]);
  });

  it('relocation-only: linked elsewhere, the same references', () => {
    const functions = { f: 'call g\nmov counter(%rip),%eax\nret', g: 'ret' };
    const link = (order: readonly string[], name: string): string => {
      const text = object(
        Object.fromEntries(order.map((key) => [key, functions[key as 'f' | 'g']])),
        '.globl _start\n_start: call f\n.data\n.globl counter\ncounter: .quad 1\n.size counter,8\n.type counter,@object',
      );
      workshop.run('ld', [text, '-o', workshop.path(name)]);
      return workshop.path(name);
    };
    const comparison = compareFiles(link(['f', 'g'], 'one'), link(['g', 'f'], 'two'));
    expect([diffOf(comparison, 'f').status, diffOf(comparison, 'g').status]).toEqual(['relocation-only', 'identical']);
  });
});
