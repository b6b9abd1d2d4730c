import { CR4, gprAt, RANDOM_DRAWS, STI_SHADOW, TSC_ADJUST, TSC_AUX } from '../../state/layout.ts';
import { PENDING_KIND, VECTOR } from '../../state/pending.ts';
import { FLAG } from '../../state/rflags.ts';
import { defineHelper, type HelperContext } from './helper.ts';
import { shadow } from './shadow.ts';

const { GP, UD } = VECTOR;

const CR4_TSD = 1n << 2n;

/** #GP(0) outside CPL 0; true when it was raised. */
export function privileged(c: HelperContext): boolean {
  if (c.cpu.cpl === 0) return false;
  c.fault(GP, 0);
  return true;
}

const setPair = (c: HelperContext, value: bigint): void => {
  c.cpu.setGpr(0, value & 0xffff_ffffn);
  c.cpu.setGpr(2, value >> 32n);
};

defineHelper({
  name: 'cpuid',
  doc: 'CPUID: EAX, EBX, ECX, EDX of leaf EAX, subleaf ECX; upper halves cleared',
  args: [],
  result: 0,
  run: (c) => {
    const leaf = Number(c.cpu.gpr(0) & 0xffff_ffffn);
    const subleaf = Number(c.cpu.gpr(1) & 0xffff_ffffn);
    const [a, b, cx, d] = c.machine.cpuid(leaf, subleaf);
    for (const [n, value] of [
      [0, a],
      [3, b],
      [1, cx],
      [2, d],
    ] as const)
      c.cpu.setGpr(n, BigInt(value >>> 0));
  },
});

const rdtsc = (c: HelperContext): void => {
  if (c.cpu.cpl !== 0 && c.cpu.u64(CR4) & CR4_TSD) return c.fault(GP, 0);
  setPair(c, BigInt.asUintN(64, c.machine.tsc(c.icount) + c.cpu.u64(TSC_ADJUST)));
};
defineHelper({
  name: 'rdtsc',
  doc: 'RDTSC: EDX:EAX from the virtual time-stamp counter',
  args: [],
  result: 0,
  run: rdtsc,
});
defineHelper({
  name: 'rdtscp',
  doc: 'RDTSCP: as RDTSC, and IA32_TSC_AUX in ECX',
  args: [],
  result: 0,
  run: (c) => {
    rdtsc(c);
    if (!(c.cpu.cpl !== 0 && c.cpu.u64(CR4) & CR4_TSD)) c.cpu.setGpr(1, c.cpu.u64(TSC_AUX) & 0xffff_ffffn);
  },
});

defineHelper({
  name: 'readFlags',
  doc: 'RFLAGS, every bit',
  args: [],
  result: 64,
  run: (c) => BigInt(c.cpu.rflags),
});

defineHelper({
  name: 'writeFlags',
  doc: 'POPF: loads the bits of RFLAGS that this privilege level may change (SDM 2B POPF, 64-bit mode)',
  args: [64, 32],
  result: 0,
  run: (c, image, width) => {
    const before = c.cpu.rflags;
    const iopl = (before >> 12) & 3;
    let writable =
      FLAG.CF |
      FLAG.PF |
      FLAG.AF |
      FLAG.ZF |
      FLAG.SF |
      FLAG.TF |
      FLAG.DF |
      FLAG.OF |
      FLAG.NT |
      FLAG.RF |
      FLAG.AC |
      FLAG.ID;
    if (c.cpu.cpl === 0) writable |= 3 << 12;
    if (c.cpu.cpl <= iopl) writable |= FLAG.IF;
    if (width === 16n) writable &= 0xffff;
    // RF is always cleared by the load.
    const value = Number(image! & 0xffff_ffffn) & ~FLAG.RF;
    c.cpu.rflags = (before & ~writable) | (value & writable);
    if ((before ^ c.cpu.rflags) & FLAG.AC) c.modeChanged();
  },
});

defineHelper({
  name: 'halt',
  doc: 'HLT: stops the CPU with RIP on it',
  args: [],
  result: 0,
  run: (c) => (c.machine.haltEnds || c.cpu.cpl === 0 ? c.stop(PENDING_KIND.hlt) : c.fault(GP, 0)),
});

defineHelper({
  name: 'privileged',
  doc: 'Raises #GP(0) outside CPL 0',
  args: [],
  result: 0,
  run: (c) => {
    privileged(c);
  },
});

/** The hint in ECX of MWAIT that lets interrupts end it while RFLAGS.IF is clear. */
const INTERRUPTS_BREAK = 1n;

defineHelper({
  name: 'monitor',
  doc: 'MONITOR: reads a byte of the line and has it watched; #UD outside CPL 0, #GP(0) for extensions in ECX',
  args: [64],
  result: 0,
  run: (c, address) => {
    if (c.cpu.cpl !== 0) return c.fault(UD, null);
    if (c.cpu.gpr(1) & 0xffff_ffffn) return c.fault(GP, 0);
    if (c.read(address, 8) !== null) c.machine.monitor(address);
  },
});

defineHelper({
  name: 'mwait',
  doc: 'MWAIT: stops the CPU with RIP on it while the watched line is as it was; #UD outside CPL 0, #GP(0) for unknown extensions',
  args: [],
  result: 0,
  run: (c) => {
    if (c.cpu.cpl !== 0) return c.fault(UD, null);
    const extensions = c.cpu.gpr(1) & 0xffff_ffffn;
    if (extensions & ~INTERRUPTS_BREAK) return c.fault(GP, 0);
    if (c.machine.mwait(extensions === INTERRUPTS_BREAK)) c.stop(PENDING_KIND.hlt);
  },
});

defineHelper({
  name: 'setAlignmentCheck',
  doc: 'STAC and CLAC: #UD outside CPL 0',
  args: [32],
  result: 0,
  run: (c, on) => {
    if (c.cpu.cpl !== 0) return c.fault(UD, null);
    c.cpu.rflags = on ? c.cpu.rflags | FLAG.AC : c.cpu.rflags & ~FLAG.AC;
    c.modeChanged();
  },
});

defineHelper({
  name: 'setInterruptFlag',
  doc: 'CLI and STI: #GP(0) where CPL > IOPL. The last argument is where the instruction ends',
  args: [32, 64],
  result: 0,
  run: (c, on, next) => {
    const flags = c.cpu.rflags;
    if (c.cpu.cpl > ((flags >> 12) & 3)) return c.fault(GP, 0);
    c.cpu.rflags = on ? flags | FLAG.IF : flags & ~FLAG.IF;
    if (!on || flags & FLAG.IF) return;
    shadow(c, STI_SHADOW);
    if (c.machine.interruptWaits()) c.retire(next!);
  },
});

defineHelper({
  name: 'enter',
  doc: 'ENTER size, level (SDM 2A): pushes are probed first, so that a fault leaves the registers alone',
  args: [32, 32, 32],
  result: 0,
  run: (c, width, size, level) => {
    const bytes = BigInt(Number(width) / 8);
    const w = Number(width);
    const depth = Number(level!) & 31;
    const rbp = c.cpu.gpr(5);
    let rsp = BigInt.asUintN(64, c.cpu.gpr(4) - bytes);
    const frame = rsp;
    if (!c.write(rsp, rbp & ((1n << BigInt(w)) - 1n), w, 'stack')) return;
    let link = rbp;
    for (let i = 1; i < depth; i++) {
      link = BigInt.asUintN(64, link - bytes);
      const value = c.read(link, w, 'stack');
      if (value === null) return;
      rsp = BigInt.asUintN(64, rsp - bytes);
      if (!c.write(rsp, value, w, 'stack')) return;
    }
    if (depth > 0) {
      rsp = BigInt.asUintN(64, rsp - bytes);
      if (!c.write(rsp, frame & ((1n << BigInt(w)) - 1n), w, 'stack')) return;
    }
    const top = BigInt.asUintN(64, rsp - size!);
    if (!c.probeWrite(top, Number(bytes), 'stack')) return;
    if (w === 64) c.cpu.setGpr(5, frame);
    else c.cpu.view.setUint16(gprAt(5), Number(frame & 0xffffn), true);
    c.cpu.setGpr(4, top);
  },
});

defineHelper({
  name: 'fsgsbaseAllowed',
  doc: 'RDFSBASE and its kin raise #UD while CR4.FSGSBASE is clear',
  args: [],
  result: 0,
  run: (c) => (c.cpu.u64(CR4) & (1n << 16n) ? undefined : c.fault(UD, null)),
});

defineHelper({
  name: 'random',
  doc: 'RDRAND and RDSEED: the next 64 bits that the machine’s seed gives',
  args: [],
  result: 64,
  faults: false,
  run: (c) => {
    const draws = c.cpu.u64(RANDOM_DRAWS);
    c.cpu.setU64(RANDOM_DRAWS, draws + 1n);
    return c.machine.random(draws);
  },
});
