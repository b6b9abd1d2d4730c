import { afterAll, describe, expect, it } from 'vitest';
import { STEPS, type Step } from '../../src/codegen/lines.ts';
import { compareFiles, diffOf } from '../support/builds.ts';
import { Workshop } from '../support/compile.ts';

// Code that Linux patches: static keys (include/linux/jump_label.h) and alternatives (arch/x86/include/asm/alternative.h).

const workshop = new Workshop();
afterAll(() => workshop.clean());

const NOP5 = '.byte 0x0f,0x1f,0x44,0,0';
const JMP5 = '.byte 0xe9; .long 2f - 1b - 5';

const site = (code: string, key = 'key', flag = 0): string => `
  .text
  .type f,@function
  f: mov %rdi,%rax
  1: ${code}
  ret
  2: inc %rax
  ret
  .size f,.-f
  .section __jump_table,"aw"
  .long 1b - ., 2b - .
  .quad ${key} + ${flag} - .`;

/** An entry in the layout of Linux before 6.3, from 6.3 on, and before 5.11. */
const LAYOUTS = {
  'Linux 6.1': (feature: number, sizes: string) => `.word ${feature}\n.byte ${sizes}`,
  'Linux 6.6': (feature: number, sizes: string) => `.long ${feature}\n.byte ${sizes}`,
  'Linux 5.4': (feature: number, sizes: string) => `.word ${feature}\n.byte ${sizes}, 0`,
};
const alternative = (
  layout: (feature: number, sizes: string) => string,
  feature: number,
  replacement: string,
): string => `
  .text
  .type f,@function
  f: mov %rdi,%rax
  1: call slow
  .byte 0x90
  2: ret
  .size f,.-f
  .section .altinstr_replacement,"ax"
  3: ${replacement}
  4:
  .section .altinstructions,"a"
  .long 1b - ., 3b - .
  ${layout(feature, '2b - 1b, 4b - 3b')}`;

const status = (old: string, fresh: string, ...without: Step[]): string => {
  const steps = new Set(STEPS.filter((step) => !without.includes(step)));
  return diffOf(compareFiles(workshop.assemble(old), workshop.assemble(fresh), { steps }), 'f').status;
};

describe('static keys', () => {
  it('a site is the same whether it is a no-op or a jump now', () => {
    expect(status(site(NOP5), site(JMP5))).toBe('encoding-only');
    expect(status(site(NOP5), site('.byte 0x66,0x90'))).toBe('encoding-only');
    expect(status(site(NOP5), site(JMP5), 'jump-labels')).toBe('changed');
  });

  it('another key is a change', () => {
    expect(status(site(NOP5), site(NOP5))).toBe('identical');
    expect(status(site(NOP5), site(NOP5, 'other'))).toBe('changed');
    expect(status(site(NOP5), site(NOP5, 'key', 1))).toBe('changed');
  });

  it('the line names the key and where it leads', () => {
    const object = workshop.assemble(site(NOP5));
    const comparison = compareFiles(object, object);
    const rows = comparison.rows(diffOf(comparison, 'f'));
    expect(rows.map((row) => row.old?.text)).toContain('nop    ; static key key: +9');
  });
});

describe.each(Object.entries(LAYOUTS))('alternatives of %s', (_, layout) => {
  it('another replacement, or another feature, is a change', () => {
    const fast = alternative(layout, 0x75, 'popcnt %rdi,%rax');
    expect(status(fast, fast)).toBe('identical');
    expect(status(fast, alternative(layout, 0x76, 'popcnt %rdi,%rax'))).toBe('changed');
    expect(status(fast, alternative(layout, 0x75, 'popcnt %rsi,%rax'))).toBe('changed');
    expect(status(fast, alternative(layout, 0x75, 'popcnt %rsi,%rax'), 'alternatives')).not.toBe('changed');
    expect(status(alternative(layout, 1, 'call a'), alternative(layout, 1, 'call b'))).toBe('changed');
  });

  it('the line shows the code that takes its place', () => {
    const object = workshop.assemble(alternative(layout, 0x75, 'popcnt %rdi,%rax'));
    const comparison = compareFiles(object, object);
    const rows = comparison.rows(diffOf(comparison, 'f'));
    expect(rows.map((row) => row.old?.text)).toContain('call   slow ; with feature 3*32+21: popcnt %rdi,%rax');
  });
});
