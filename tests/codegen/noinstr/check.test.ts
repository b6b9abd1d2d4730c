import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { ElfUnit } from '../../../src/codegen/inputs/elf.ts';
import { checkNoinstr } from '../../../src/codegen/noinstr/check.ts';
import { memorySource } from '../../../src/elf/source.ts';
import { type Compiler, hasCompiler, Workshop } from '../../support/compile.ts';

// Kernel code in small, by the kernel's own macros in short: ALTERNATIVE, static_call, retpolines, tracing.

const workshop = new Workshop();
afterAll(() => workshop.clean());

const PRELUDE = `
#define noinstr __attribute__((noinline, section(".noinstr.text")))
#define ENTRY(feature, new, n, m) \\
  ".pushsection .altinstructions,\\"a\\"\\n.long 771b - ., " n "f - .\\n.long " #feature "\\n.byte 773b-771b, " m "f-" n "f\\n.popsection\\n" \\
  ".pushsection .altinstr_replacement,\\"ax\\"\\n" n ": " new "\\n" m ":\\n.popsection\\n"
#define OLD(old, new) "771: " old "\\n772: .skip -(((" new ")-(772b-771b)) > 0) * ((" new ")-(772b-771b)),0x90\\n773:\\n"
#define ALTERNATIVE(old, new, feature) OLD(old, "775f-774f") ENTRY(feature, new, "774", "775")
#define ALTERNATIVE_2(old, new, feature, new2, feature2) OLD(old, "5") ENTRY(feature, new, "774", "775") ENTRY(feature2, new2, "776", "777")
#define CALLS "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory"
void traced(void), fast(void), __SCT__key(void), BUG_func(void);
noinstr void quiet(void) { asm(""); }
`;

/** What objtool says of C code, without the name of the file. */
function check(text: string, flags: readonly string[] = [], compiler: Compiler = 'gcc', link = ''): string[] {
  const common = ['-O2', '-fcf-protection=none', '-fno-pic', '-mcmodel=kernel', '-mno-red-zone', ...flags];
  let path = workshop.compile(compiler, PRELUDE + text, common);
  if (link !== '') {
    workshop.run('ld', ['-e', '0', '--unresolved-symbols=ignore-all', ...link.split(' '), path, '-o', `${path}.elf`]);
    path = `${path}.elf`;
  }
  const unit = new ElfUnit('vmlinux.o', memorySource(readFileSync(path)));
  return checkNoinstr(unit).map(({ where, text: said }) => `${where}: ${said}`);
}
const LEAVES = (name: string): string => `call to ${name}() leaves .noinstr.text section`;
const asm = (text: string): string => `asm volatile(${text} ::: CALLS);`;

describe.skipIf(!hasCompiler('gcc'))('replacements of alternatives', () => {
  it('are code that may be executed: a call in one is told at its place', () => {
    const body = asm('ALTERNATIVE("call quiet", "nop; call fast", 7)');
    expect(check(`noinstr void f(void) { ${body} }`)).toEqual([`.altinstr_replacement+0x1: ${LEAVES('fast')}`]);
    expect(check(`noinstr void f(void) { ${asm('ALTERNATIVE("call traced", "call quiet", 7)')} }`)).toEqual([
      `f+0x0: ${LEAVES('traced')}`,
    ]);
  });

  it('of one place are all looked at', () => {
    const body = asm('ALTERNATIVE_2("call quiet", "call fast", 7, "call traced", 8)');
    expect(check(`noinstr void f(void) { ${body} }`)).toEqual([
      `.altinstr_replacement+0x0: ${LEAVES('fast')}`,
      `.altinstr_replacement+0x5: ${LEAVES('traced')}`,
    ]);
  });

  it('are as much instrumentation as where they stand', () => {
    const mark = (section: string): string => asm(`"1: nop; .pushsection ${section},\\"a\\"; .long 1b-.; .popsection"`);
    const body = asm('ALTERNATIVE("call quiet", "call fast", 7)');
    const inside = `${mark('.discard.instr_begin')} ${body} ${mark('.discard.instr_end')}`;
    expect(check(`noinstr void f(void) { ${inside} }`)).toEqual([]);
    expect(check(`noinstr void f(void) { ${inside} ${body} }`)).toEqual([
      `.altinstr_replacement+0x5: ${LEAVES('fast')}`,
    ]);
  });

  it('a loop that leaves instrumentation once more each time is left with it off', () => {
    const mark = (section: string): string => asm(`"1: nop; .pushsection ${section},\\"a\\"; .long 1b-.; .popsection"`);
    const loop = `while (n-- > 0) { ${mark('.discard.instr_end')} }`;
    const code = (before: string): string =>
      `noinstr void f(int n) { ${before} ${loop} ${mark('.discard.instr_begin')} traced(); ${mark('.discard.instr_end')} }`;
    expect(check(code(''))).toEqual([expect.stringMatching(/^f\+0x[0-9a-f]+: call to traced/)]);
    expect(check(code('').replace(loop, ''))).toEqual([]);
  });

  it('may return, jump back or away, or be empty', () => {
    const leaving = asm('ALTERNATIVE("call quiet", "jmp fast", 7)');
    expect(check(`noinstr void f(void) { ${leaving} }`)).toEqual([`.altinstr_replacement+0x0: ${LEAVES('fast')}`]);
    const back = `asm goto(ALTERNATIVE("jmp %l0", "jmp %l1", 7) :::: a, b); a: quiet(); return; b: traced();`;
    expect(check(`noinstr void f(void) { ${back} }`)).toEqual([
      expect.stringMatching(/^f\+0x[0-9a-f]+: call to traced/),
    ]);
    const empty = `${asm('ALTERNATIVE("jmp quiet", "", 7)')} traced(); quiet();`;
    expect(check(`noinstr void f(void) { ${empty} }`)).toEqual([expect.stringMatching(/^f\+0x[56]: call to traced/)]);
    const returning = asm('ALTERNATIVE("nop", "ret", 7)');
    expect(check(`noinstr void f(void) { ${returning} }`)).toEqual([]);
  });

  it('in place of which nothing else is looked at, as objtool has it: POPCNT', () => {
    const call = (feature: string): string =>
      asm(`ALTERNATIVE("call __sw_hweight64", "popcnt %%rdi, %%rax", ${feature})`);
    expect(check(`noinstr void f(void) { ${call('4*32+23')} }`)).toEqual([]);
    expect(check(`noinstr void f(void) { ${call('1<<16 | 4*32+23')} }`)).toEqual([
      `f+0x0: ${LEAVES('__sw_hweight64')}`,
    ]);
  });

  it('that become what a slot of pv_ops has are judged by the slot', () => {
    const direct = '1<<17 | 3*32+21';
    const body = (slot: number): string =>
      asm(`ALTERNATIVE("call *pv_ops+8*${slot}(%%rip)", "call BUG_func", ${direct})`);
    const code = (slot: number): string =>
      `void *pv_ops[2] = { quiet, traced }; noinstr void f(void) { ${body(slot)} }`;
    expect(check(code(0))).toEqual([]);
    expect(check(code(1))).toEqual(['pv_ops[1]: indirect call to traced() leaves .noinstr.text section']);
  });

  it('are found in a linked kernel too', () => {
    const body = `${asm('ALTERNATIVE("call quiet", "nop; call fast", 7)')}`;
    const text = `void fast(void) { asm volatile("nop"); } noinstr void f(void) { ${body} }`;
    for (const link of ['-r', '-Ttext=0xffffffff81000000']) {
      expect(check(text, [], 'gcc', link)).toEqual([`.altinstr_replacement+0x1: ${LEAVES('fast')}`]);
    }
  });
});

describe.skipIf(!hasCompiler('gcc'))('what a kernel is built with does not confuse', () => {
  it('calls by static_call, and for coverage and races', () => {
    const body = `__SCT__key(); ${asm('"call __sanitizer_cov_trace_pc; call __tsan_func_entry"')} ${asm('"jmp __SCT__key"')}`;
    expect(check(`noinstr void f(void) { ${body} }`)).toEqual([]);
  });

  const begin = asm('"1: nop; .pushsection .discard.instr_begin,\\"a\\"; .long 1b-.; .popsection"').replaceAll(
    '\\\\',
    '\\',
  );

  it('return thunks: a jump there is a return', () => {
    const flags = ['-mfunction-return=thunk-extern'];
    expect(check('noinstr int f(int a) { return a + 1; }', flags)).toEqual([]);
    expect(check(`noinstr void f(void) { ${begin} }`, flags)).toEqual(['f+0x1: return with instrumentation enabled']);
    const sites = '.pushsection .return_sites,"a"; .long 1f-.; .popsection; 1: jmp __x86_return_thunk';
    expect(check(`noinstr void f(void) { ${asm(JSON.stringify(sites))} }`)).toEqual([]);
  });

  it('retpolines: calls and jumps that nobody knows the end of', () => {
    const flags = ['-mindirect-branch=thunk-extern', '-mindirect-branch-register'];
    const call = check('noinstr int f(int (*g)(void)) { return g() + 1; }', flags);
    expect(call).toEqual([
      expect.stringMatching(/^f\+0x[0-9a-f]+: call to \{dynamic\}\(\) leaves \.noinstr\.text section$/),
    ]);
    expect(check('noinstr int f(int (*g)(void)) { return g(); }', flags)).toEqual([`f+0x0: ${LEAVES('{dynamic}')}`]);
    const sites = '.pushsection .retpoline_sites,"a"; .long 1f-.; .popsection; 1: call __x86_indirect_thunk_rax';
    expect(check(`noinstr void f(void) { ${asm(JSON.stringify(sites))} }`)).toEqual([`f+0x0: ${LEAVES('{dynamic}')}`]);
    const both = asm('ALTERNATIVE("call __x86_indirect_thunk_rax", "lfence; call *%%rax", 7)');
    expect(check(`noinstr void f(void) { ${both} }`)).toEqual([
      `f+0x0: ${LEAVES('{dynamic}')}`,
      `.altinstr_replacement+0x3: ${LEAVES('{dynamic}')}`,
    ]);
  });

  it('tracing of other functions', () => {
    const code = 'void g(void) { traced(); } noinstr __attribute__((no_instrument_function)) void f(void) { quiet(); }';
    expect(check(code, ['-pg', '-mfentry', '-mrecord-mcount'])).toEqual([
      expect.stringMatching(/^quiet\+0x0: call to __fentry__\(\) leaves/),
    ]);
  });

  const SWITCH = `void traced(void) { asm volatile("nop"); } noinstr void f(int n) { switch (n) {
    case 0: ${asm('"nop"')} break; case 1: ${asm('"call quiet"')} break; case 2: ${asm('"pause"')} break;
    case 3: ${asm('"call traced"')} break; case 4: ${asm('"cld"')} break; case 5: ${asm('"hlt"')} break; } }`;
  const builds: readonly (readonly [name: string, compiler: Compiler, flags: string[], link: string])[] = [
    ['gcc', 'gcc', ['-fjump-tables'], ''],
    ['gcc -fpie', 'gcc', ['-mcmodel=small', '-fpie', '-fjump-tables'], ''],
    ['gcc, ld -r', 'gcc', ['-fjump-tables'], '-r'],
    ['gcc, linked', 'gcc', ['-fjump-tables'], '-Ttext=0xffffffff81000000'],
    ['clang', 'clang', ['-fjump-tables'], ''],
    ['clang -fpie, linked', 'clang', ['-mcmodel=small', '-fpie', '-fjump-tables'], '-Ttext=0x401000'],
  ];
  it.each(builds.filter(([, compiler]) => hasCompiler(compiler)))(
    'switches by tables: %s',
    (_, compiler, flags, link) => {
      expect(check(SWITCH, flags, compiler, link)).toEqual([
        expect.stringMatching(/^f\+0x[0-9a-f]+: call to traced\(\) leaves/),
      ]);
    },
  );

  it('a jump by a register is a call of nobody knows what', () => {
    expect(check(`noinstr void f(void) { ${asm('"jmp *%%rax"')} }`)).toEqual([`f+0x0: ${LEAVES('{dynamic}')}`]);
  });
});
