import { FS_BASE, GS_BASE, KERNEL_GS_BASE, TSC_AUX } from '../state/layout.ts';
import { VECTOR } from '../state/pending.ts';
import { define } from './define.ts';
import { RAX } from './lift.ts';
import { checkAligned, partAddress } from './sse/operands.ts';

define(
  'nop endbr64 endbr32 pause lfence mfence sfence prefetch prefetchnta prefetcht0 prefetcht1 prefetcht2 prefetchw prefetchwt1 prefetchit0 prefetchit1 reservednop rdsspd rdsspq cldemote',
  'No operation, or one without an architectural effect here',
  () => {},
);

define('ud0 ud1 ud2', 'Undefined instruction', (x) => x.trap(VECTOR.UD));

define('cpuid', 'CPU identification', (x) => void x.b.call('cpuid', 0));
define('rdtsc', 'Read the time-stamp counter', (x) => void x.b.call('rdtsc', 0));
define('rdtscp', 'Read the time-stamp counter and processor ID', (x) => void x.b.call('rdtscp', 0));
define('xgetbv', 'Read an extended control register', (x) => void x.b.call('xgetbv', 0));

define('xsetbv', 'Write an extended control register', (x) => {
  x.b.call('xsetbv', 0);
  x.refetch();
});
for (const [kind, title] of [
  ['xsave', 'Save state components'],
  ['xsaveopt', 'Save state components that are in use'],
  ['xsavec', 'Save state components in the compacted format'],
  ['xsaves', 'Save state components in the compacted format, at CPL 0'],
  ['xrstor', 'Load state components'],
  ['xrstors', 'Load state components from the compacted format, at CPL 0'],
] as const)
  for (const wide of [false, true])
    define(`${kind}${wide ? '64' : ''}`, title, (x, area) => {
      if (area!.kind === 'mem') x.b.call(kind, 0, x.address(area!), x.constant(wide ? 1 : 0, 32));
    });

define('rdrand rdseed', 'A random number, always at hand: CF is set', (x, dst) => {
  const no = x.constant(0, 1);
  x.write(dst!, x.b.trunc(x.b.call('random', 64), dst!.w));
  x.setFlags({ cf: x.constant(1, 1), of: no, sf: no, zf: no, af: no, pf: no });
});
define('rdpid', 'Read the processor ID', (x, dst) => x.write(dst!, x.b.zext(x.b.get(TSC_AUX, 32), dst!.w)));
define('serialize', 'Serialise: what was stored before is executed behind it', (x) => x.refetch());

define('movdiri', 'Store past the caches', (x, dst, src) => x.write(dst!, x.read(src!)));
define('movdir64b', 'Store 64 bytes at once, at an aligned address in ES', (x, to, from) => {
  const k = x.b;
  if (from!.kind !== 'mem') throw new TypeError('movdir64b reads memory');
  const source = x.address(from!);
  const address = k.zext(x.read(to!, x.insn.addressWidth), 64);
  checkAligned(x, address, 64);
  const parts = [0, 1, 2, 3].map((i) => x.load(partAddress(x, source, i), 128, from!.fault));
  // Aligned, the destination lies in one page: the first store faults or none.
  parts.forEach((part, i) => {
    k.store(partAddress(x, address, i), part, 'general');
  });
});

define('hlt', 'Halt', (x) => void x.b.call('halt', 0));

define('syscall', 'Fast system call: RCX and R11 take RIP and RFLAGS', (x) => void x.b.call('syscall', 0, x.next()));
define('sysenter', 'Fast system call by the SYSENTER registers', (x) => void x.b.call('sysenter', 0));
for (const name of ['sysret', 'sysexit'])
  define(name, 'Return from a fast system call', (x) => void x.b.call(name, 0, x.constant(x.insn.width, 32)));

define('int3', 'Breakpoint: #BP as a trap', (x) => x.softwareInterrupt(x.constant(3, 32)));
define('int1', 'Debug trap, not subject to the gate’s privilege', (x) => x.softwareInterrupt(x.constant(1, 32), false));
define('int', 'Software interrupt', (x, vector) => x.softwareInterrupt(x.b.zext(x.read(vector!, 8), 32)));

define('cli', 'Clear IF', (x) => void x.b.call('setInterruptFlag', 0, x.constant(0, 32), x.next()));
define('sti', 'Set IF', (x) => void x.b.call('setInterruptFlag', 0, x.constant(1, 32), x.next()));

define('invlpg', 'Invalidate a page’s translations', (x, page) => {
  if (page!.kind !== 'mem') throw new TypeError('INVLPG of a register');
  x.b.call('privileged', 0);
  x.b.call('invlpg', 0, x.address(page!));
  x.refetch();
});
define('invpcid', 'Invalidate the translations of a process-context identifier', (x, type, descriptor) => {
  const k = x.b;
  if (descriptor!.kind !== 'mem') throw new TypeError('INVPCID of a register');
  k.call('privileged', 0);
  const at = x.address(descriptor!);
  const tag = x.load(at, 64, descriptor!.fault);
  k.call('invpcid', 0, x.read(type!), tag, x.load(k.add(at, x.constant(8, 64)), 64, descriptor!.fault));
  x.refetch();
});

define('lmsw', 'Load the low bits of CR0', (x, src) => {
  x.b.call('privileged', 0);
  x.b.call('loadMachineStatus', 0, x.b.zext(x.read(src!, 16), 32));
  x.refetch();
});
define('clts', 'Clear CR0.TS', (x) => {
  x.b.call('privileged', 0);
  x.b.call('clearTaskSwitched', 0);
  x.refetch();
});
define('rdpkru', 'Read the rights of protection keys', (x) => void x.b.call('readKeyRights', 0));
define('wrpkru', 'Write the rights of protection keys', (x) => void x.b.call('writeKeyRights', 0));
define(
  'incsspd incsspq rstorssp saveprevssp setssbsy clrssbsy wrssd wrssq wrussd wrussq',
  'Shadow stacks: #UD while CR4.CET is clear, which nothing here sets',
  (x) => x.trap(VECTOR.UD),
);
define(
  'invd wbinvd wbnoinvd',
  'Drop or write back caches: memory is coherent here',
  (x) => void x.b.call('privileged', 0),
);

for (const [name, place] of [
  ['fs', FS_BASE],
  ['gs', GS_BASE],
] as const) {
  define(`rd${name}base`, `Read the ${name.toUpperCase()} base`, (x, dst) => {
    x.b.call('fsgsbaseAllowed', 0);
    x.write(dst!, x.b.get(place, dst!.w as 64));
  });
  define(`wr${name}base`, `Write the ${name.toUpperCase()} base; #GP(0) where it is not canonical`, (x, src) => {
    const k = x.b;
    k.call('fsgsbaseAllowed', 0);
    const value = k.zext(x.read(src!), 64);
    x.checkCanonical(value);
    k.put(place, value);
  });
}

define('swapgs', 'Exchange the GS base with IA32_KERNEL_GS_BASE', (x) => {
  const k = x.b;
  k.call('privileged', 0);
  const current = k.get(GS_BASE, 64);
  k.put(GS_BASE, k.get(KERNEL_GS_BASE, 64));
  k.put(KERNEL_GS_BASE, current);
});

define(
  'clflush clflushopt clwb',
  'Write back or drop a cache line: memory is coherent here, but the address is checked',
  (x, at) => {
    x.read(at!, 8);
  },
);

define('rdmsr', 'Read a model-specific register', (x) => void x.b.call('readMsr', 0));
define('wrmsr', 'Write a model-specific register', (x) => {
  x.b.call('writeMsr', 0);
  x.refetch();
});
define('stac', 'Set AC', (x) => void x.b.call('setAlignmentCheck', 0, x.constant(1, 32)));
define('clac', 'Clear AC', (x) => void x.b.call('setAlignmentCheck', 0, x.constant(0, 32)));

define('rdpmc', 'Read a performance counter: there is none', (x) => x.trap(VECTOR.GP, 0));
define('monitor', 'Watch a line of memory for MWAIT', (x) => {
  x.b.call('monitor', 0, x.stringAddress(RAX, true));
});
define('mwait', 'Wait for a store to the watched line, or an interrupt', (x) => void x.b.call('mwait', 0));
define('rsm getsec', 'Undefined outside system management mode, or without CR4.SMXE', (x) => x.trap(VECTOR.UD));
