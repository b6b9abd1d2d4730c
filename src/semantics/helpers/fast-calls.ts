import * as L from '../../state/layout.ts';
import { PENDING_KIND, VECTOR } from '../../state/pending.ts';
import { FIXED_ONE, FLAG } from '../../state/rflags.ts';
import { isCanonical } from './descriptor.ts';
import { defineHelper, type HelperContext } from './helper.ts';
import { privileged } from './system.ts';

const { GP, UD } = VECTOR;
const [RCX, RDX, RSP, R11] = [1, 2, 4, 11] as const;
const EFER_SCE = 1n;
const SELECTOR = 0xffffn;
/** Bits of R11 that SYSRET loads (SDM 2B). */
const SYSRET_FLAGS = 0x3c_7fd7;

/** Flat segments of a level into CS and SS. */
function setFlat(c: HelperContext, code: number, data: number, cpl: number): void {
  c.cpu.setFlatSegments(code, data, cpl);
  c.modeChanged();
}

defineHelper({
  name: 'syscall',
  doc: 'SYSCALL (SDM 2B): RCX and R11 take RIP and RFLAGS; to LSTAR, or out to whoever plays the kernel',
  args: [64],
  result: 0,
  run: (c, next) => {
    const { cpu } = c;
    if (!(cpu.u64(L.EFER) & EFER_SCE)) return c.fault(UD, null);
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
  doc: 'SYSRET (SDM 2B) to 64-bit code; compatibility mode is not implemented',
  args: [32],
  result: 0,
  run: (c, width) => {
    const { cpu } = c;
    if (!(cpu.u64(L.EFER) & EFER_SCE)) return c.fault(UD, null);
    if (privileged(c)) return;
    if (width !== 64n) return c.stop(PENDING_KIND.unimplemented);
    const rip = cpu.gpr(RCX);
    if (!isCanonical(c, rip)) return c.fault(GP, 0);
    const selector = Number(cpu.u64(L.STAR) >> 48n);
    cpu.rflags = (Number(cpu.gpr(R11) & 0xffff_ffffn) & SYSRET_FLAGS) | FIXED_ONE;
    setFlat(c, ((selector + 16) & 0xffff) | 3, ((selector + 8) & 0xffff) | 3, 3);
    c.retire(rip);
  },
});

/** IA32_SYSENTER_CS without its RPL; null with #GP(0) pending where it is null. */
function entrySelector(c: HelperContext): number | null {
  const selector = Number(c.cpu.u64(L.SYSENTER_CS) & 0xfffcn);
  if (selector !== 0) return selector;
  c.fault(GP, 0);
  return null;
}

defineHelper({
  name: 'sysenter',
  doc: 'SYSENTER (SDM 2B): RIP, RSP and CS from the SYSENTER registers, IF cleared',
  args: [],
  result: 0,
  run: (c) => {
    const { cpu } = c;
    const selector = entrySelector(c);
    if (selector === null) return;
    cpu.rflags &= ~(FLAG.IF | FLAG.VM | FLAG.RF);
    cpu.setGpr(RSP, cpu.u64(L.SYSENTER_ESP));
    setFlat(c, selector, (selector + 8) & 0xffff, 0);
    c.retire(cpu.u64(L.SYSENTER_EIP));
  },
});

defineHelper({
  name: 'sysexit',
  doc: 'SYSEXIT (SDM 2B) to 64-bit code: RIP from RDX, RSP from RCX; compatibility mode is not implemented',
  args: [32],
  result: 0,
  run: (c, width) => {
    const { cpu } = c;
    if (privileged(c)) return;
    const selector = entrySelector(c);
    if (selector === null) return;
    if (width !== 64n) return c.stop(PENDING_KIND.unimplemented);
    const rip = cpu.gpr(RDX);
    if (!isCanonical(c, rip) || !isCanonical(c, cpu.gpr(RCX))) return c.fault(GP, 0);
    cpu.setGpr(RSP, cpu.gpr(RCX));
    setFlat(c, ((selector + 32) & 0xffff) | 3, ((selector + 40) & 0xffff) | 3, 3);
    c.retire(rip);
  },
});
