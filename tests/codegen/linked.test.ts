import { afterAll, describe, expect, it } from 'vitest';
import { compareFiles, diffOf } from '../support/builds.ts';
import { Workshop } from '../support/compile.ts';

// Linked files have no relocations: what an instruction refers to is told by where its value leads, and by what stands there.

const workshop = new Workshop();
afterAll(() => workshop.clean());

/** Status of `f` in two files at a kernel's addresses, where things lie elsewhere in the second: `shift` stands in front of them. */
function status(body: string, data: (text: string) => string, ...words: [string, string]): string {
  const [old, fresh] = words.map((word, i) => {
    const shift = i === 0 ? '' : '.skip 48';
    const object = workshop.assemble(`
      .text
      ${i === 0 ? '' : '.type other,@function\nother: .fill 32,1,0x90\n.size other,32'}
      .type f,@function
      f: ${body}
      .size f,.-f
      .section .rodata,"aw",@progbits
      ${shift}
      .p2align 3
      ${data(word)}
      .section .data..percpu,"aw",@progbits
      ${shift}
      .type slot,@object
      slot: .quad 0
      .size slot,8
      .globl _start
      .text
      _start: ret`);
    const linked = workshop.path(`linked${i}`);
    workshop.run('ld', [
      ...['-Ttext=0xffffffff81000000', '--section-start=.rodata=0xffffffff82000000'],
      ...['--section-start=.data..percpu=0', object, '-o', linked],
    ]);
    return linked;
  });
  return diffOf(compareFiles(old!, fresh!), 'f').status;
}

describe('references of linked code', () => {
  it('strings in a writable .rodata, as Linux has it, are compared by what they say', () => {
    const data = (text: string): string => `.Ls: .asciz "${text}"`;
    expect(status('mov $.Ls,%rdi\nret', data, 'hello', 'hello')).toBe('relocation-only');
    expect(status('mov $.Ls,%rdi\nret', data, 'hello', 'jello')).toBe('changed');
  });

  it('a pointer in an unnamed constant is compared by what it points to', () => {
    const data = (name: string): string => `.Lp: .quad ${name}\n.quad 0`;
    expect(status('mov .Lp,%rax\nret', data, 'f', 'f')).toBe('relocation-only');
    expect(status('mov .Lp,%rax\nret', data, 'f', '_start')).toBe('changed');
  });

  it('a jump table is compared by where in the function its entries lead', () => {
    const body = 'jmp *.Lt(,%rdi,8)\n.La: inc %eax\nret\n.Lb: dec %eax\nret';
    const data = (entries: string): string => `.Lt: .quad ${entries}\n.quad 0`;
    expect(status(body, data, '.La, .Lb, .La', '.La, .Lb, .La')).toBe('relocation-only');
    expect(status(body, data, '.La, .Lb, .La', '.La, .Lb, .Lb')).toBe('changed');
    const relative = 'lea .Lt(%rip),%rdx\nmovslq (%rdx,%rdi,4),%rax\nadd %rdx,%rax\njmp *%rax\n.La: ret\n.Lb: ud2';
    const distances = (last: string): string => `.Lt: .long .La-.Lt, .Lb-.Lt, ${last}-.Lt\n.long 0`;
    expect(status(relative, distances, '.La', '.La')).toBe('relocation-only');
    expect(status(relative, distances, '.La', '.Lb')).toBe('changed');
  });

  it('a number of 32 bits is no address of the kernel', () => {
    const data = (byte: string): string => `.byte ${byte}\n.fill 64,1,${byte}`;
    expect(status('mov $0x82000008,%edx\nret', data, '1', '2')).toBe('identical');
    expect(status('mov $0xffffffff82000008,%rdx\nret', data, '1', '2')).toBe('changed');
  });

  it('a per-CPU variable may lie elsewhere', () => {
    expect(status('mov %gs:slot,%rax\nret', () => '.byte 0', '', '')).toBe('relocation-only');
    expect(status('mov %gs:slot(%rip),%rax\nret', () => '.byte 0', '', '')).toBe('relocation-only');
  });
});
