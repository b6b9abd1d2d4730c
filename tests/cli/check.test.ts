import { renameSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { ONE_LINE, swapgs } from '../support/cli.ts';
import { Workshop } from '../support/compile.ts';

const workshop = new Workshop();
afterAll(() => workshop.clean());

const fn = (name: string, section: string, body: string): string =>
  `.section ${section},"ax"\n.globl ${name}\n.type ${name},@function\n${name}:\n${body}\n.size ${name},.-${name}\n`;
const NOINSTR = '.noinstr.text';
const pad = (bytes: number): string => `.fill ${bytes},1,0x90\n`;

/** What the check says of GNU assembly, as a file named vmlinux.o. */
function check(assembly: string, link = false): { readonly status: number | null; readonly lines: readonly string[] } {
  const object = workshop.assemble(assembly);
  const path = workshop.path('vmlinux.o');
  if (link) workshop.run('ld', ['-e', '0', '-r', object, '-o', path]);
  else renameSync(object, path);
  const { status, stdout, stderr } = swapgs(['check', 'noinstr', path]);
  expect(stderr).toBe('');
  return { status, lines: stdout.split('\n').filter((line) => line !== '') };
}

describe('swapgs check noinstr', () => {
  const outside = fn('native_write_cr4', '.text', 'mov %rdi,%cr4\nret');

  it('tells of a call that leaves the section', () => {
    const body = `${pad(0x19)}call native_write_cr4\nret`;
    for (const link of [false, true]) {
      expect(check(outside + fn('__flush_tlb_all_noinstr', NOINSTR, body), link)).toEqual({
        status: 1,
        lines: [
          'vmlinux.o: warning: objtool: __flush_tlb_all_noinstr+0x19: call to native_write_cr4() leaves .noinstr.text section',
        ],
      });
    }
  });

  it('lets calls among noinstr functions, static calls and UBSAN pass', () => {
    const body = 'call other\ncall __SCT__trampoline\ncall __ubsan_handle_out_of_bounds\njmp entry';
    expect(check(fn('f', NOINSTR, body) + fn('other', NOINSTR, 'ret') + fn('entry', '.entry.text', 'ret'))).toEqual({
      status: 0,
      lines: [],
    });
  });

  it('tells of jumps into other functions and of indirect calls', () => {
    expect(check(outside + fn('f', NOINSTR, 'test %edi,%edi\nje native_write_cr4\ncall *%rax\nret')).lines).toEqual([
      'vmlinux.o: warning: objtool: f+0x2: call to native_write_cr4() leaves .noinstr.text section',
      'vmlinux.o: warning: objtool: f+0x8: call to {dynamic}() leaves .noinstr.text section',
    ]);
  });

  const site = (label: string, key: string): string =>
    `.pushsection __jump_table,"aw"\n.balign 8\n.long ${label}-., ${label}t-.\n.quad ${key}-.\n.popsection\n`;
  const keyed = (name: string, at: number, key: string): string =>
    fn(
      name,
      NOINSTR,
      `${pad(at)}${name}1: .byte 0x66,0x90\n${name}2: .byte 0x66,0x90\nret\n${name}1t: nop\n${name}2t: ret`,
    ) +
    site(`${name}1`, key) +
    site(`${name}2`, key);
  const keyIn = (section: string): string =>
    `.section ${section},"aw"\n.balign 16\n.globl context_tracking_key\n.type context_tracking_key,@object\ncontext_tracking_key: .fill 16\n.size context_tracking_key,16\n`;
  const four = (key: string): string =>
    keyed('enter_from_user_mode', 0x4e, key) + keyed('syscall_enter_from_user_mode', 0x60, key);

  it('tells of static keys that can change after boot, and of none that cannot', () => {
    const line = (where: string): string =>
      `vmlinux.o: warning: objtool: ${where}: Non __ro_after_init static key "context_tracking_key" in .noinstr section`;
    expect(check(keyIn('.data') + four('context_tracking_key'))).toEqual({
      status: 1,
      lines: [
        'enter_from_user_mode+0x4e',
        'enter_from_user_mode+0x50',
        'syscall_enter_from_user_mode+0x60',
        'syscall_enter_from_user_mode+0x62',
      ].map(line),
    });
    expect(check(keyIn('.data..ro_after_init') + four('context_tracking_key'))).toEqual({ status: 0, lines: [] });
  });

  it('masks both flags of a key', () => {
    const { lines } = check(keyIn('.data') + keyed('f', 8, 'context_tracking_key + 3'));
    expect(lines).toHaveLength(2);
    expect(lines[0]).toContain('static key "context_tracking_key" in');
    expect(check(keyIn('.data..ro_after_init') + keyed('f', 8, 'context_tracking_key + 3')).lines).toEqual([]);
  });

  const table =
    '.section .data,"aw"\n.globl pv_ops\n.type pv_ops,@object\npv_ops: .quad clean, native_write_cr4\n.size pv_ops,16\n';

  it('looks through pv_ops, and warns once', () => {
    const body = 'call *pv_ops(%rip)\ncall *pv_ops+8(%rip)\ncall *pv_ops+8(%rip)\nret';
    expect(check(outside + table + fn('clean', NOINSTR, 'ret') + fn('f', NOINSTR, body)).lines).toEqual([
      'vmlinux.o: warning: objtool: pv_ops[1]: indirect call to native_write_cr4() leaves .noinstr.text section',
    ]);
    const assigned = fn('setup', '.init.text', 'movq $native_write_cr4,pv_ops(%rip)\nret');
    expect(
      check(
        outside +
          assigned +
          table.replace('native_write_cr4', 'clean') +
          fn('clean', NOINSTR, 'ret') +
          fn('f', NOINSTR, body),
      ).lines,
    ).toEqual([
      'vmlinux.o: warning: objtool: pv_ops[0]: indirect call to native_write_cr4() leaves .noinstr.text section',
    ]);
  });

  const mark = (section: string, label: string): string =>
    `${label}: nop\n.pushsection ${section},"a"\n.long ${label}-.\n.popsection\n`;
  const begin = mark('.discard.instr_begin', '771');
  const end = mark('.discard.instr_end', '772');
  const local = (text: string): string => text.replaceAll('771-', '771b-').replaceAll('772-', '772b-');

  it('is silent between instrumentation_begin and _end, and tells of a begin without an end', () => {
    const call = 'call native_write_cr4\n';
    expect(check(outside + fn('f', NOINSTR, local(`${begin}${call}${end}ret`)))).toEqual({ status: 0, lines: [] });
    expect(check(outside + fn('f', NOINSTR, local(`${begin}${call}ret`))).lines).toEqual([
      'vmlinux.o: warning: objtool: f+0x6: return with instrumentation enabled',
    ]);
    expect(check(outside + fn('f', NOINSTR, local(`${begin}${end}${call}ret`))).lines).toHaveLength(1);
    const annotated = `1: nop\n.pushsection .discard.annotate_insn,"M",@progbits,8\n.long 1b-., 3\n.popsection\n${call}2: nop\n.pushsection .discard.annotate_insn,"M",@progbits,8\n.long 2b-., 4\n.popsection\nret`;
    expect(check(outside + fn('f', NOINSTR, annotated)).lines).toEqual([]);
  });

  it('judges every path', () => {
    const body = local(`test %edi,%edi\nje 1f\n${begin}1: call native_write_cr4\n${end}ret`);
    expect(check(outside + fn('f', NOINSTR, body)).lines).toEqual([
      'vmlinux.o: warning: objtool: f+0x5: call to native_write_cr4() leaves .noinstr.text section',
    ]);
  });

  it('finds the sections of a linked kernel by their bounds', () => {
    const assembly = `${outside}${fn('f', NOINSTR, 'call native_write_cr4\nret')}`;
    const script = workshop.path('kernel.lds');
    writeFileSync(
      script,
      'SECTIONS { . = 0xffffffff81000000; .text : { *(.text) __noinstr_text_start = .; *(.noinstr.text) __noinstr_text_end = .; } }',
    );
    const path = workshop.path('vmlinux');
    workshop.run('ld', ['-T', script, workshop.assemble(assembly), '-o', path]);
    expect(swapgs(['check', 'noinstr', path]).stdout).toBe(
      'vmlinux: warning: objtool: f+0x0: call to native_write_cr4() leaves .noinstr.text section\n',
    );
  });

  it('shows the way, and JSON', () => {
    const path = workshop.assemble(
      outside + fn('f', NOINSTR, 'test %edi,%edi\nje 1f\nret\n1: call native_write_cr4\nret'),
    );
    expect(swapgs(['check', 'noinstr', path, '--path']).stdout).toContain('  by +0x0 → +0x5\n');
    expect(JSON.parse(swapgs(['check', 'noinstr', path, '--json']).stdout)).toMatchObject({
      where: 'f+0x5',
      path: [0, 5],
    });
  });

  it('refuses bad input in one line', () => {
    writeFileSync(workshop.path('bad'), 'nothing');
    for (const args of [
      ['noinstr', workshop.path('bad')],
      ['nothing', 'x'],
      ['noinstr', '/nonexistent'],
    ]) {
      const { status, stderr } = swapgs(['check', ...args]);
      expect([status, ONE_LINE.test(stderr)]).toEqual([125, true]);
    }
  });
});
