import { FS_BASE, GS_BASE, KERNEL_GS_BASE } from '../state/layout.ts';
import { VECTOR } from '../state/pending.ts';
import { define } from './define.ts';

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
define('monitor mwait', 'To come: #UD outside CPL 0', (x) => void x.b.call('supervisorNotYet', 0));
define('rsm getsec', 'Undefined outside system management mode, or without CR4.SMXE', (x) => x.trap(VECTOR.UD));
