import * as L from '../../state/layout.ts';
import { isIa32e, isLongMode, isRealMode } from '../../state/mode.ts';
import { PENDING_KIND, VECTOR } from '../../state/pending.ts';
import { FIXED_ONE, FLAG } from '../../state/rflags.ts';
import { isCanonical } from './descriptor.ts';
import { defineHelper, type HelperContext } from './helper.ts';
import { privileged } from './system.ts';

const { GP, UD } = VECTOR;
const [RCX, RDX, RSP, R11] = [1, 2, 4, 11] as const;
const EFER_SCE = 1n;
const SELECTOR = 0xffffn;
const LOW = 0xffff_ffffn;
/** Bits of R11 that SYSRET loads (SDM 2B). */
const SYSRET_FLAGS = 0x3c_7fd7;

/** Flat segments of a level into CS and SS. */
function setFlat(c: HelperContext, code: number, data: number, cpl: number, bits: 32 | 64 = 64): void {
  c.cpu.setFlatSegments(code, data, cpl, bits);
  c.modeChanged();
}

defineHelper({
  name: 'syscall',
  doc: 'SYSCALL (SDM 2B): RCX and R11 take RIP and RFLAGS; to LSTAR, or out to whoever plays the kernel',
  args: [64],
  result: 0,
  run: (c, next) => {
    const { cpu } = c;
    if (!(cpu.u64(L.EFER) & EFER_SCE) || !isLongMode(cpu)) return c.fault(UD, null);
    const flags = cpu.rflags & ~FLAG.RF;
    cpu.setGpr(RCX, next!);
    cpu.setGpr(R11, BigInt(flags));
    if (c.machine.syscallExits) return c.retire(next!, PENDING_KIND.syscall);
    const selector = Number((cpu.u64(L.STAR) >> 32n) & SELECTOR);
    cpu.rflags = (flags & ~Number(cpu.u64(L.SFMASK) & 0xffff_ffffn)) | FIXED_ONE;
    // A masked TF is gone before the trap behind this instruction would be.
    if (!(cpu.rflags & FLAG.TF)) c.cancelStep();
    setFlat(c, selector & 0xfffc, (selector + 8) & 0xffff, 0);
    c.retire(cpu.u64(L.LSTAR));
  },
});

defineHelper({
  name: 'sysret',
  doc: 'SYSRET (SDM 2B): RIP from RCX, RFLAGS from R11; to 64-bit code, or by the operand size to 32-bit code',
  args: [32],
  result: 0,
  run: (c, width) => {
    const { cpu } = c;
    if (!(cpu.u64(L.EFER) & EFER_SCE) || !isLongMode(cpu)) return c.fault(UD, null);
    if (privileged(c)) return;
    const long = width === 64n;
    const rip = long ? cpu.gpr(RCX) : cpu.gpr(RCX) & LOW;
    if (!isCanonical(c, rip)) return c.fault(GP, 0);
    const selector = Number(cpu.u64(L.STAR) >> 48n);
    cpu.rflags = (Number(cpu.gpr(R11) & LOW) & SYSRET_FLAGS) | FIXED_ONE;
    const code = long ? selector + 16 : selector;
    setFlat(c, (code & 0xffff) | 3, ((selector + 8) & 0xffff) | 3, 3, long ? 64 : 32);
    c.retire(rip);
  },
});

/** IA32_SYSENTER_CS without its RPL; null with #GP(0) pending where it is null, and in real mode. */
function entrySelector(c: HelperContext): number | null {
  const selector = Number(c.cpu.u64(L.SYSENTER_CS) & 0xfffcn);
  if (selector !== 0 && !isRealMode(c.cpu)) return selector;
  c.fault(GP, 0);
  return null;
}

defineHelper({
  name: 'sysenter',
  doc: 'SYSENTER (SDM 2B): RIP, RSP and CS from the SYSENTER registers, IF cleared; outside IA-32e mode 32 bits of them',
  args: [],
  result: 0,
  run: (c) => {
    const { cpu } = c;
    const selector = entrySelector(c);
    if (selector === null) return;
    cpu.rflags &= ~(FLAG.IF | FLAG.VM | FLAG.RF);
    const bits = isIa32e(cpu) ? 64 : 32;
    cpu.setGpr(RSP, BigInt.asUintN(bits, cpu.u64(L.SYSENTER_ESP)));
    setFlat(c, selector, (selector + 8) & 0xffff, 0, bits);
    c.retire(BigInt.asUintN(bits, cpu.u64(L.SYSENTER_EIP)));
  },
});

defineHelper({
  name: 'sysexit',
  doc: 'SYSEXIT (SDM 2B): RIP from RDX, RSP from RCX; to 64-bit code, or by the operand size to 32-bit code',
  args: [32],
  result: 0,
  run: (c, width) => {
    const { cpu } = c;
    if (privileged(c)) return;
    const selector = entrySelector(c);
    if (selector === null) return;
    const long = width === 64n;
    const [rip, rsp] = [RDX, RCX].map((n) => (long ? cpu.gpr(n) : cpu.gpr(n) & LOW)) as [bigint, bigint];
    if (!isCanonical(c, rip) || !isCanonical(c, rsp)) return c.fault(GP, 0);
    cpu.setGpr(RSP, rsp);
    const code = selector + (long ? 32 : 16);
    setFlat(c, (code & 0xffff) | 3, ((code + 8) & 0xffff) | 3, 3, long ? 64 : 32);
    c.retire(rip);
  },
});
