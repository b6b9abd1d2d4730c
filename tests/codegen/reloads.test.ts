import { afterAll, describe, expect, it } from 'vitest';
import { Analyser } from '../../src/codegen/analyse.ts';
import type { Reload } from '../../src/codegen/reloads.ts';
import { buildOf } from '../support/builds.ts';
import { Workshop } from '../support/compile.ts';

const workshop = new Workshop();
afterAll(() => workshop.clean());

/** The reloads of a function in GNU assembly. */
function reloads(body: string, percpuPrivate = false): readonly Reload[] {
  const object = workshop.assemble(`.text\n.globl f\n.type f,@function\nf:\n${body}\n.size f,.-f\n`);
  return new Analyser({ percpuPrivate }).reloads(buildOf(object).units[0]!.functions[0]!).reloads;
}
const kinds = (body: string, percpuPrivate = false): string[] => reloads(body, percpuPrivate).map(({ kind }) => kind);

const LOAD = 'mov %gs:slot(%rip),%rax\n';

describe('a second load of one place', () => {
  it('is redundant when nothing stands between', () => {
    expect(kinds(`${LOAD}mov %rax,%rbx\n${LOAD}ret`)).toEqual(['redundant']);
    expect(kinds('mov 8(%rdi),%rax\nmov 8(%rdi),%rdx\nret')).toEqual(['redundant']);
    expect(kinds('mov %gs:slot,%rax\nmov %gs:slot(%rip),%rdx\nret')).toEqual(['redundant']);
  });

  it('is found through copies of its base', () => {
    expect(kinds('mov (%rdi),%rax\nmov %rdi,%rbx\nmov (%rbx),%rdx\nret')).toEqual(['redundant']);
    expect(kinds('mov (%rdi),%rax\nmov %rsi,%rdi\nmov (%rdi),%rdx\nret')).toEqual([]);
    expect(kinds('mov (%rdi),%rdi\nmov (%rdi),%rdi\nret')).toEqual([]);
  });

  it('is barred by calls and barriers, which are named', () => {
    expect(reloads(`${LOAD}call opaque\n${LOAD}ret`)).toEqual([
      { at: 13, kind: 'barred', what: '%gs:slot', earlier: 0, path: [], by: { at: 8, what: 'call opaque' } },
    ]);
    expect(reloads(`${LOAD}syscall\n${LOAD}ret`)[0]!.by!.what).toBe('syscall');
    expect(kinds('mov (%rdi),%rdx\nvmcall\nmov (%rdi),%rcx\nret')).toEqual([]);
    expect(reloads(`${LOAD}mfence\n${LOAD}ret`)[0]!.by!.what).toBe('mfence');
    expect(reloads(`${LOAD}lock incl (%rdi)\n${LOAD}ret`)[0]!.kind).toBe('stored');
    expect(reloads(`${LOAD}lock incl (%rdi)\n${LOAD}ret`, true)[0]!.by!.what).toBe('lock inc');
  });

  it('is needed after a store that may change it', () => {
    expect(kinds(`${LOAD}mov %rdx,%gs:slot\n${LOAD}ret`)).toEqual(['stored']);
    expect(kinds(`${LOAD}mov %rdx,%gs:slot+8\n${LOAD}ret`)).toEqual(['redundant']);
    expect(kinds(`${LOAD}mov %rdx,(%rdi)\n${LOAD}ret`)).toEqual(['stored']);
    expect(kinds(`${LOAD}mov %rdx,(%rdi)\n${LOAD}ret`, true)).toEqual(['redundant']);
    expect(kinds(`${LOAD}mov %rdx,-8(%rsp)\n${LOAD}ret`)).toEqual(['redundant']);
    expect(kinds('mov 8(%rdi),%rax\nmov %rdx,16(%rdi)\nmov 8(%rdi),%rcx\nret')).toEqual(['redundant']);
    expect(kinds('mov 8(%rdi),%rax\nmov %rdx,12(%rdi)\nmov 8(%rdi),%rcx\nret')).toEqual(['stored']);
    expect(kinds('mov 8(%rdi),%rax\nrep stosb\nmov 8(%rdi),%rcx\nret')).toEqual([]);
  });

  it('is judged on every path', () => {
    const join = (left: string, right: string): string =>
      `test %esi,%esi\nje 1f\n${left}jmp 2f\n1: ${right}2: ${LOAD}ret`;
    expect(kinds(join(LOAD, LOAD))).toEqual(['redundant']);
    expect(kinds(join(LOAD, 'nop\n'))).toEqual(['partial']);
    expect(kinds(join(LOAD, `${LOAD}call opaque\n`))).toEqual(['barred']);
    expect(kinds(join(LOAD, `${LOAD}mov %rdx,%gs:slot\n`))).toEqual(['stored']);
    expect(kinds(join('nop\n', 'nop\n'))).toEqual([]);
  });

  it('in a loop is told apart', () => {
    expect(kinds(`1: ${LOAD}dec %rdi\njne 1b\nret`)).toEqual(['loop']);
    expect(kinds(`${LOAD}1: ${LOAD}dec %rdi\njne 1b\nret`)).toEqual(['redundant']);
    expect(kinds('1: mov (%rdi),%rax\nmov (%rdi),%rcx\nmov (%rcx),%rdi\ntest %rdi,%rdi\njne 1b\nret')).toEqual([
      'redundant',
    ]);
  });

  it('is explained by a way on which the call stands, however long', () => {
    const [reload] = reloads(`${LOAD}test %esi,%esi\njne 2f\n1: ${LOAD}ret\n2: call opaque\njmp 1b`);
    expect([reload!.kind, reload!.by?.what, reload!.path]).toEqual(['barred', 'call opaque', [21, 12]]);
  });

  it('is not found where a jump table does not lead', () => {
    const table = '.section .rodata,"a"\n9: .long 1f-9b\n.long 2f-9b\n.text\n';
    const jump = 'lea 9b(%rip),%rcx\nmovslq (%rcx,%rdi,4),%rdx\nadd %rcx,%rdx\n';
    expect(kinds(`${LOAD}${table}${jump}jmp *%rdx\n1: nop\n2: ret`)).toEqual([]);
    expect(kinds(`${LOAD}${table}${jump}jmp *%rdx\n1: nop\n2: ${LOAD}ret`)).toEqual(['redundant']);
    // The end of the function is no case: nothing leads there but the entry.
    expect(kinds(`je 3f\n${LOAD}${table}${jump}jmp *%rdx\n1: nop\n2: ret\n3: ${LOAD}ret`)).toEqual([]);
    // Not even without a table does a jump lead to the entry.
    expect(kinds(`${LOAD}jmp *%rdx\nret`)).toEqual([]);
  });
});
