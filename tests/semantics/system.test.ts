// biome-ignore-all format: a test is a line
import { check, data, everyMnemonicOf } from '../support/check.ts';

// no operation, with a ModRM byte or without; its memory operand is not touched
check('90', 'nop', [{}, {}]);
check('0f 1f 00', 'nop [rax]', [{ rax: 0n }, {}]);
check('66 0f 1f 44 00 00', 'nop [rax+rax]', [{ rax: 0x8000_0000_0000_0000n }, {}]);
check('f3 90', 'pause', [{}, {}]);
check('f3 0f 1e fa', 'endbr64', [{}, {}]);
check('f3 0f 1e fb', 'endbr32', [{}, {}]);
check('0f 1e c0', 'nop eax,eax', [{}, {}]);
check('0f 1c 00', 'cldemote [rax]', [{ rax: 0n }, {}]);
check('f3 48 0f 1e c8', 'rdsspq rax', [{ rax: 7n }, {}], { machine: 'shadow stacks' });
check('f3 0f 1e c8', 'rdsspd eax', [{ rax: 7n }, {}], { machine: 'shadow stacks' });
check('0f ae e8', 'lfence', [{}, {}]);
check('0f ae f0', 'mfence', [{}, {}]);
check('0f ae f8', 'sfence', [{}, {}]);
check('0f 18 08', 'prefetcht0 [rax]', [{ rax: 0n }, {}]);
check('0f 18 10', 'prefetcht1 [rax]', [{ rax: 0n }, {}]);
check('0f 18 18', 'prefetcht2 [rax]', [{ rax: 0n }, {}]);
check('0f 18 00', 'prefetchnta [rax]', [{ rax: 0x8000_0000_0000_0000n }, {}]);
check('0f 0d 08', 'prefetchw [rax]', [{ rax: 0n }, {}]);
check('0f 0d 00', 'prefetch_exclusive [rax]', [{ rax: 0n }, {}], { machine: 'AMD CPUs only' });
check('0f 0d 10', 'prefetchwt1 [rax]', [{ rax: 0n }, {}]);
check('0f 18 3d 00 00 00 00', 'prefetchit0 [rip]', [{}, {}]);
check('0f 18 35 00 00 00 00', 'prefetchit1 [rip]', [{}, {}]);

// undefined on purpose: UD0 and UD1 have a ModRM byte
check('0f 0b', 'ud2', [{}, { fault: '#UD' }]);
check('0f b9 c0', 'ud1 eax,eax', [{}, { fault: '#UD' }]);
check('0f ff c0', 'ud0 eax,eax', [{}, { fault: '#UD' }]);

// identity and time; the upper halves are cleared
check('0f a2', 'cpuid', [{ rax: 0xffff_ffff_0000_0000n, rcx: 0xffff_ffff_ffff_ffffn }, { rax: 0xdn, rcx: 0x6c65_746en, rdx: 0x4965_6e69n, rbx: 0x756e_6547n }], { machine: 'identity' });
check('0f a2', 'cpuid', [{ rax: 0x8000_0000n }, { rax: 0x8000_0008n, rcx: 0n, rdx: 0n, rbx: 0n }], { machine: 'identity' });
check('0f 31', 'rdtsc', [{ rax: 0xffff_ffff_ffff_ffffn, rdx: 0xffff_ffff_ffff_ffffn }, { rax: 0n, rdx: 0n }], { machine: 'time' });
check('90 90 0f 01 f9', 'nop; nop; rdtscp', [{}, { rax: 2n, rcx: 0n, rdx: 0n }], { machine: 'time' });
check('0f 31', 'rdtsc', [{ cr4: 0x1_06b4n }, { fault: '#GP(0)' }], { machine: 'CR4.TSD' });
check('0f 01 f9', 'rdtscp', [{ cr4: 0x1_06b4n }, { fault: '#GP(0)' }], { machine: 'CR4.TSD' });
check('0f 01 d0', 'xgetbv', [{ rcx: 0n }, { fault: '#UD' }], { machine: 'CR4.OSXSAVE is clear' });
check('0f 01 d0', 'xgetbv', [{ rcx: 0n, cr4: 0x5_06b0n }, { rax: 1n, rdx: 0n }], { machine: 'CR4.OSXSAVE' });
check('0f 01 d0', 'xgetbv', [{ rcx: 5n, cr4: 0x5_06b0n }, { fault: '#GP(0)' }], { machine: 'CR4.OSXSAVE' });
check('f4', 'hlt', [{}, { fault: '#GP(0)' }]);
check('f4', 'hlt', [{}, { ends: 'hlt', rip: 0 }], { cpl: 0 });
check('fa', 'cli', [{}, { fault: '#GP(0)' }]);
check('fb', 'sti', [{}, { fault: '#GP(0)' }]);
check('fa', 'cli', [{}, { if: 0 }], { cpl: 0 });
check('fb', 'sti', [{ if: 0 }, { if: 1 }], { cpl: 0 });

// SYSCALL without EFER.SCE
check('0f 05', 'syscall', [{}, { fault: '#UD' }], { machine: 'EFER.SCE is clear' });

// traps: RIP is behind the instruction
check('cc', 'int3', [{}, { fault: '#BP', rip: 1 }]);
check('cd 03', 'int 3', [{}, { fault: '#BP', rip: 2 }]);
check('cd 04', 'int 4', [{}, { fault: '#OF', rip: 2 }]);
check('f1', 'int1', [{}, { fault: '#DB', rip: 1 }], { machine: 'a hypervisor may report RIP on the instruction' });
check('cd 05', 'int 5', [{}, { fault: '#GP(0x2a)' }]);
check('cd 20', 'int 0x20', [{}, { fault: '#GP(0x102)' }]);
check('0f 01 38', 'invlpg [rax]', [{}, { fault: '#GP(0)' }]);
check('0f 01 38', 'invlpg [rax]', [{ rax: 0x8000_0000_0000_0000n }, {}], { cpl: 0 });
check('f3 48 0f ae c0', 'rdfsbase rax', [{ fsbase: 0x1234_5678_9abcn }, { rax: 0x1234_5678_9abcn }]);
check('f3 0f ae c0', 'rdfsbase eax', [{ fsbase: 0x1234_5678_9abcn }, { rax: 0x5678_9abcn }]);
check('f3 48 0f ae c8', 'rdgsbase rax', [{ gsbase: 0xffff_8000_0000_0000n }, { rax: 0xffff_8000_0000_0000n }], { machine: 'a kernel address' });
check('f3 0f ae c9', 'rdgsbase ecx', [{ gsbase: 0x1234_5678_9abcn }, { rcx: 0x5678_9abcn }]);
check('f3 48 0f ae d0', 'wrfsbase rax', [{ rax: 0x7fff_ffff_f000n }, { fsbase: 0x7fff_ffff_f000n }]);
check('f3 0f ae d0', 'wrfsbase eax', [{ rax: 0xffff_ffff_1000_0000n }, { fsbase: data(0) }]);
check('f3 48 0f ae d0', 'wrfsbase rax', [{ rax: 0x8000_0000_0000n }, { fault: '#GP(0)' }]);
check('f3 48 0f ae d8', 'wrgsbase rax', [{ rax: 0x7fff_ffff_f000n }, { gsbase: 0x7fff_ffff_f000n }]);
check('f3 48 0f ae d8', 'wrgsbase rax', [{ rax: 0x1000_0000_0000_0000n }, { fault: '#GP(0)' }]);
check('f3 48 0f ae c0', 'rdfsbase rax', [{ cr4: 0x6b0n }, { fault: '#UD' }], { machine: 'CR4.FSGSBASE is clear' });
check('0f 01 f8', 'swapgs', [{}, { fault: '#GP(0)' }]);
check('0f 01 f8', 'swapgs', [{ gsbase: 1n, kernelgsbase: 0xffff_8000_0000_0000n }, { kernelgsbase: 1n, gsbase: 0xffff_8000_0000_0000n }], { cpl: 0 });
check('0f ae 3b', 'clflush [rbx]', [{ rbx: data(0x203) }, {}]);
check('0f ae 3b', 'clflush [rbx]', [{ rbx: 0n }, { fault: '#PF(4)' }]);
check('66 0f ae 3b', 'clflushopt [rbx]', [{ rbx: data(0x200) }, {}]);
check('66 0f ae 33', 'clwb [rbx]', [{ rbx: data(0x1ff) }, {}]);

// what only CPL 0 may do
check('0f 32', 'rdmsr', [{ rcx: 0xc000_0100n }, { fault: '#GP(0)' }]);
check('0f 30', 'wrmsr', [{ rcx: 0xc000_0100n }, { fault: '#GP(0)' }]);
check('0f 32', 'rdmsr', [{ rcx: 0xc000_0102n, kernelgsbase: 0xffff_8000_0000_1234n }, { rax: 0x1234n, rdx: 0xffff_8000n }], { cpl: 0 });
check('0f 30', 'wrmsr', [{ rcx: 0xc000_0101n, rax: 0xffff_ffff_1234_5678n, rdx: 0xffff_ffff_ffff_9947n }, { gsbase: 0xffff_9947_1234_5678n }], { cpl: 0 });
check('0f 30', 'wrmsr', [{ rcx: 0xc000_0101n, rax: 0n, rdx: 0x8000n }, { fault: '#GP(0)' }], { cpl: 0 });
check('0f 32', 'rdmsr', [{ rcx: 0x1234_5678n }, { fault: '#GP(0)' }], { cpl: 0 });
check('0f 01 cb', 'stac', [{}, { fault: '#UD' }]);
check('0f 01 ca', 'clac', [{}, { fault: '#UD' }]);
check('0f 01 cb', 'stac', [{}, { ac: 1 }], { cpl: 0 });
check('0f 01 ca', 'clac', [{ ac: 1 }, { ac: 0 }], { cpl: 0 });
check('ec', 'in al,dx', [{}, { fault: '#GP(0)' }]);
check('ee', 'out dx,al', [{}, { fault: '#GP(0)' }]);
check('6c', 'insb [rdi],dx', [{}, { fault: '#GP(0)' }]);
check('6e', 'outsb dx,[rsi]', [{}, { fault: '#GP(0)' }]);
check('0f 06', 'clts', [{}, { fault: '#GP(0)' }]);
check('0f 08', 'invd', [{}, { fault: '#GP(0)' }]);
check('0f 09', 'wbinvd', [{}, { fault: '#GP(0)' }]);
check('0f 33', 'rdpmc', [{}, { fault: '#GP(0)' }]);
check('0f 01 f0', 'lmsw ax', [{}, { fault: '#GP(0)' }]);
check('66 0f 38 82 03', 'invpcid rax,[rbx]', [{}, { fault: '#GP(0)' }]);
check('48 0f 07', 'sysretq', [{}, { fault: '#UD' }], { machine: 'EFER.SCE is clear' });
check('0f 34', 'sysenter', [{}, { fault: '#GP(0)' }], { machine: 'IA32_SYSENTER_CS is null' });
check('0f 35', 'sysexit', [{}, { fault: '#GP(0)' }]);
check('e5 60', 'in eax,0x60', [{}, { fault: '#GP(0)' }]);
check('f3 6e', 'rep outsb dx,[rsi]', [{ rcx: 0n }, { fault: '#GP(0)' }]);
check('0f 01 c8', 'monitor', [{}, { fault: '#UD' }], { machine: 'a hypervisor may intercept it' });
check('0f 01 c9', 'mwait', [{}, { fault: '#UD' }], { machine: 'a hypervisor may intercept it' });
check('0f aa', 'rsm', [{}, { fault: '#UD' }]);
check('0f 37', 'getsec', [{}, { fault: '#UD' }]);

// a port where no device answers
check('ec', 'in al,dx', [{ rax: 0n }, { rax: 0xffn }], { cpl: 0 });
check('ed', 'in eax,dx', [{ rax: 0xffff_ffff_0000_0000n }, { rax: 0xffff_ffffn }], { cpl: 0 });
check('ef', 'out dx,eax', [{}, {}], { cpl: 0 });
check('66 0f 01 f0', 'lmsw ax', [{ rax: 0xan }, { cr0: 0x8005_003bn }], { cpl: 0 });
check('0f 06', 'clts', [{ cr0: 0x8005_003bn }, { cr0: 0x8005_0033n }], { cpl: 0 });

// protection keys of user pages
check('0f 01 ee', 'rdpkru', [{}, { fault: '#UD' }], { machine: 'CR4.PKE is clear' });
check('0f 01 ef', 'wrpkru', [{}, { fault: '#UD' }], { machine: 'CR4.PKE is clear' });
check('0f 01 ee', 'rdpkru', [{ cr4: 0x41_06b0n, rcx: 0n }, { rax: 0n, rdx: 0n }], { machine: 'CR4.PKE' });
check('0f 01 ee', 'rdpkru', [{ cr4: 0x41_06b0n, rcx: 1n }, { fault: '#GP(0)' }], { machine: 'CR4.PKE' });
check('0f 01 ef 0f 01 ee', 'wrpkru; rdpkru', [{ cr4: 0x41_06b0n, rax: 0x5555_5550n, rcx: 0n, rdx: 0n }, { rax: 0x5555_5550n }], { machine: 'CR4.PKE' });
check('0f 01 ef', 'wrpkru', [{ cr4: 0x41_06b0n, rcx: 0n, rdx: 1n }, { fault: '#GP(0)' }], { machine: 'CR4.PKE' });
check('f3 0f 09', 'wbnoinvd', [{}, { fault: '#GP(0)' }]);

// shadow stacks, while CR4.CET is clear
const CET = { machine: 'CR4.CET is clear' };
for (const [bytes, text] of [
  ['f3 0f ae e8', 'incsspd eax'], ['f3 48 0f ae e8', 'incsspq rax'], ['f3 0f 01 28', 'rstorssp [rax]'],
  ['f3 0f 01 ea', 'saveprevssp'], ['f3 0f 01 e8', 'setssbsy'], ['f3 0f ae 30', 'clrssbsy [rax]'],
  ['0f 38 f6 00', 'wrssd [rax],eax'], ['48 0f 38 f6 00', 'wrssq [rax],rax'],
  ['66 0f 38 f5 00', 'wrussd [rax],eax'], ['66 48 0f 38 f5 00', 'wrussq [rax],rax'],
] as const)
  check(bytes, text, [{}, { fault: '#UD' }], CET);

// MONITOR reads its line; ECX of both holds extensions
check('0f 01 c8', 'monitor', [{ rcx: 1n }, { fault: '#GP(0)' }], { cpl: 0 });
check('0f 01 c8', 'monitor', [{ rcx: 0n, rax: 1n << 63n }, { fault: '#GP(0)' }], { cpl: 0 });
check('0f 01 c9', 'mwait', [{ rcx: 2n }, { fault: '#GP(0)' }], { cpl: 0 });
check('0f 01 c9', 'mwait', [{ rcx: 1n }, {}], { cpl: 0 });

// the XSAVE family: without CR4.OSXSAVE undefined; an area at a multiple of 64, whose header says what it holds
const XSAVE = { machine: 'CR4.OSXSAVE' };
const AREA = { rcx: data(0), rax: 7n, rdx: 0n, cr4: 0x5_06b0n, xcr0: 7n };
check('0f ae 21', 'xsave [rcx]', [{ rcx: data(0) }, { fault: '#UD' }], { machine: 'CR4.OSXSAVE is clear' });
check('48 0f ae 21', 'xsave64 [rcx]', [{ ...AREA, rcx: data(32) }, { fault: '#GP(0)' }], XSAVE);
check('0f ae 31', 'xsaveopt [rcx]', [{ ...AREA, rax: 0n, 'm64[0x200]': 0x87n }, { 'm64[0x200]': 0x87n }], XSAVE);
check('48 0f ae 31', 'xsaveopt64 [rcx]', [{ ...AREA, rcx: 0n }, { fault: '#PF(4)', cr2: 0x200n }], XSAVE);
check('0f c7 21', 'xsavec [rcx]', [{ ...AREA, rax: 0n }, { 'm64[0x208]': 1n << 63n }], XSAVE);
check('48 0f c7 21', 'xsavec64 [rcx]', [{ ...AREA, rax: 0n, 'm64[0x200]': 7n }, { 'm64[0x200]': 0n, 'm64[0x208]': 1n << 63n }], XSAVE);
check('0f ae 29', 'xrstor [rcx]', [{ ...AREA, rax: 6n, 'm64[0x200]': 4n, 'm32[0x18]': 0x1fa0n, 'm128[0x240]': 5n }, { mxcsr: 0x1fa0, ...Object.fromEntries([...Array(16).keys()].map((n) => [`ymm${n}`, n === 0 ? 5n << 128n : 0n])) }], XSAVE);
check('48 0f ae 29', 'xrstor64 [rcx]', [{ ...AREA, 'm64[0x200]': 8n }, { fault: '#GP(0)' }], XSAVE);
check('0f c7 29', 'xsaves [rcx]', [{ ...AREA, rax: 0n, 'm64[0x200]': 7n }, { 'm64[0x200]': 0n, 'm64[0x208]': 1n << 63n }], { cpl: 0 });
check('48 0f c7 29', 'xsaves64 [rcx]', [{ ...AREA, rax: 0n }, { 'm64[0x208]': 1n << 63n }], { cpl: 0 });
check('0f c7 19', 'xrstors [rcx]', [{ ...AREA, rax: 2n, 'm64[0x18]': 0x1fa0n, 'm128[0xa0]': 5n, 'm64[0x200]': 2n, 'm64[0x208]': (1n << 63n) | 2n }, { mxcsr: 0x1fa0, ...Object.fromEntries([...Array(16).keys()].map((n) => [`xmm${n}`, n === 0 ? 5n : 0n])) }], { cpl: 0 });
// the standard format is none of theirs
check('48 0f c7 19', 'xrstors64 [rcx]', [{ ...AREA, rax: 2n, 'm64[0x200]': 2n }, { fault: '#GP(0)' }], { cpl: 0 });
for (const [bytes, text] of [['0f c7 29', 'xsaves [rcx]'], ['48 0f c7 29', 'xsaves64 [rcx]'], ['0f c7 19', 'xrstors [rcx]'], ['48 0f c7 19', 'xrstors64 [rcx]']] as const)
  check(bytes, text, [AREA, { fault: '#GP(0)' }], XSAVE);
check('0f 01 d1', 'xsetbv', [{ rcx: 0n }, { fault: '#UD' }], { machine: 'CR4.OSXSAVE is clear' });
check('0f 01 d1', 'xsetbv', [{ rcx: 0n, rax: 7n, rdx: 0n, cr4: 0x5_06b0n }, { fault: '#GP(0)' }], XSAVE);
check('0f 01 d1', 'xsetbv', [{ rcx: 0n, rax: 7n, rdx: 0n, cr4: 0x5_06b0n }, { xcr0: 7n }], { ...XSAVE, cpl: 0 });
check('0f 01 d1', 'xsetbv', [{ rcx: 0n, rax: 5n, rdx: 0n, cr4: 0x5_06b0n }, { fault: '#GP(0)' }], { ...XSAVE, cpl: 0 });

// random numbers are a function of the seed
check('48 0f c7 f0', 'rdrand rax', [{}, { rax: 0xe220_a839_7b1d_cdafn, flags: 'c' }], { machine: 'the seed' });
check('0f c7 f8', 'rdseed eax', [{}, { rax: 0x7b1d_cdafn, flags: 'c' }], { machine: 'the seed' });
check('f3 0f c7 f8', 'rdpid rax', [{}, { rax: 0n }], { machine: 'identity' });

check('0f 01 e8', 'serialize', [{}, {}]);
check('0f 38 f9 01', 'movdiri [rcx],eax', [{ rax: 0x1_1234_5678n, rcx: data(1) }, { 'm32[1]': 0x1234_5678n }]);
check('66 0f 38 f8 01', 'movdir64b rax,[rcx]', [{ rax: data(0x40), rcx: data(1), 'm64[0x38]': 0x0102_0304_0506_0708n, 'm64[1]': 7n }, { 'm64[0x40]': 7n, 'm64[0x77]': 0x0102_0304_0506_0708n }]);
check('66 0f 38 f8 01', 'movdir64b rax,[rcx]', [{ rax: data(0x48), rcx: data(0) }, { fault: '#GP(0)' }]);
check('f3 0f 09', 'wbnoinvd', [{}, { fault: '#GP(0)' }]);

everyMnemonicOf('system');
