import * as L from '../../state/layout.ts';
import { isPaged } from '../../state/mode.ts';
import { PENDING_KIND, VECTOR } from '../../state/pending.ts';
import { CAN_BE_OFF } from '../../state/xsave.ts';
import { isCanonical } from './descriptor.ts';
import { defineHelper, type HelperContext } from './helper.ts';
import { privileged } from './system.ts';

const { GP } = VECTOR;

/** A model-specific register: what reading gives (null: it is refused), and what writing does; false where a value is refused. */
interface Msr {
  readonly read: (c: HelperContext) => bigint | null;
  readonly write: (c: HelperContext, value: bigint) => boolean;
}

/** One that holds what is written, where `allowed` takes it. */
const held = (at: number, allowed: (c: HelperContext, value: bigint) => boolean = () => true): Msr => ({
  read: (c) => c.cpu.u64(at),
  write: (c, value) => {
    if (!allowed(c, value)) return false;
    c.cpu.setU64(at, value);
    return true;
  },
});

const halfWord = (_: HelperContext, value: bigint): boolean => value >> 32n === 0n;
/** One that ignores what is written, as far as it is a value that the register can hold. */
const fixed = (value: bigint, allowed: (written: bigint) => boolean = () => true): Msr => ({
  read: () => value,
  write: (_, written) => allowed(written),
});

const EFER_SCE = 1n;
const EFER_NXE = 1n << 11n;
const EFER_LME = 0x100n;
const EFER_LMA = 0x400n;

const efer: Msr = {
  read: (c) => c.cpu.u64(L.EFER),
  write: (c, value) => {
    const before = c.cpu.u64(L.EFER);
    // LME does not change while paging is on; LMA is read-only.
    if (value & ~(EFER_SCE | EFER_NXE | EFER_LME | EFER_LMA)) return false;
    if (isPaged(c.cpu) && (before ^ value) & EFER_LME) return false;
    c.cpu.setU64(L.EFER, (value & ~EFER_LMA) | (before & EFER_LMA));
    c.modeChanged();
    return true;
  },
};

const now = (c: HelperContext): bigint => c.machine.tsc(c.icount);
const timeStamp: Msr = {
  read: (c) => BigInt.asUintN(64, now(c) + c.cpu.u64(L.TSC_ADJUST)),
  write: (c, value) => {
    c.cpu.setU64(L.TSC_ADJUST, BigInt.asUintN(64, value - now(c)));
    return true;
  },
};

/** Memory types that a byte of IA32_PAT may hold: UC, WC, WT, WP, WB, UC− (SDM 3A 12.12.2). */
const MEMORY_TYPES: ReadonlySet<number> = new Set([0, 1, 4, 5, 6, 7]);
const isPat = (_: HelperContext, value: bigint): boolean =>
  Array.from({ length: 8 }, (_byte, i) => Number((value >> BigInt(8 * i)) & 0xffn)).every((type) =>
    MEMORY_TYPES.has(type),
  );

/** IA32_UMWAIT_CONTROL: the longest wait in bits 31:2, bit 0 forbids deeper sleep (SDM 4, 0E1H). */
const UMWAIT_RESERVED = ~0xffff_fffdn;
const umwaitControl: Msr = {
  read: (c) => (c.machine.has('WAITPKG') ? BigInt(c.cpu.view.getUint32(L.UMWAIT_CONTROL, true)) : null),
  write: (c, value) => {
    if (!c.machine.has('WAITPKG') || value & UMWAIT_RESERVED) return false;
    c.cpu.view.setUint32(L.UMWAIT_CONTROL, Number(value), true);
    return true;
  },
};

/** IA32_XSS: no supervisor component is there to be enabled. */
const supervisorStates: Msr = {
  read: (c) => (c.machine.has('XSAVES') ? 0n : null),
  write: (c, value) => c.machine.has('XSAVES') && value === 0n,
};

/** IA32_XFD and IA32_XFD_ERR: bits of the components that can be switched off, which are those of AMX (SDM 1 13.14). */
const featureDisable = (at: number): Msr => ({
  read: (c) => (c.machine.has('AMX_TILE') ? c.cpu.u64(at) : null),
  write: (c, value) => {
    if (!c.machine.has('AMX_TILE') || value & ~CAN_BE_OFF) return false;
    c.cpu.setU64(at, value);
    return true;
  },
});

/** IA32_MISC_ENABLE: fast strings; performance monitoring, BTS and PEBS are not there. */
const MISC_ENABLE = 0x1801n;

/** Model-specific registers by number (SDM 4); any other is #GP(0). */
const MSRS: ReadonlyMap<number, Msr> = new Map([
  [0x10, timeStamp],
  [0x3b, held(L.TSC_ADJUST)],
  // No microcode has been loaded, nor can be.
  [0x8b, fixed(0n)],
  [0xe1, umwaitControl],
  [0x174, held(L.SYSENTER_CS, halfWord)],
  [0x175, held(L.SYSENTER_ESP, isCanonical)],
  [0x176, held(L.SYSENTER_EIP, isCanonical)],
  [0x1a0, fixed(MISC_ENABLE)],
  [0x1c4, featureDisable(L.XFD)],
  [0x1c5, featureDisable(L.XFD_ERR)],
  // Neither last-branch records nor single-stepping on branches are there.
  [0x1d9, fixed(0n, (value) => value === 0n)],
  [0x277, held(L.PAT, isPat)],
  [0xda0, supervisorStates],
  [0xc000_0080, efer],
  [0xc000_0081, held(L.STAR)],
  [0xc000_0082, held(L.LSTAR, isCanonical)],
  [0xc000_0083, held(L.CSTAR, isCanonical)],
  [0xc000_0084, held(L.SFMASK, halfWord)],
  [0xc000_0100, held(L.FS_BASE, isCanonical)],
  [0xc000_0101, held(L.GS_BASE, isCanonical)],
  [0xc000_0102, held(L.KERNEL_GS_BASE, isCanonical)],
  [0xc000_0103, held(L.TSC_AUX, halfWord)],
]);

/** The register that ECX names; null with #GP(0) pending. */
function named(c: HelperContext): Msr | null {
  if (privileged(c)) return null;
  const number = Number(c.cpu.gpr(1) & 0xffff_ffffn);
  const msr = MSRS.get(number);
  if (msr !== undefined) return msr;
  if (!c.machine.alone()) c.stop(PENDING_KIND.resume);
  else return { read: () => c.machine.readMsr(number), write: (_, value) => c.machine.writeMsr(number, value) };
  return null;
}

defineHelper({
  name: 'readMsr',
  doc: 'RDMSR: register ECX into EDX:EAX; #GP(0) outside CPL 0 and for a register there is not',
  args: [],
  result: 0,
  run: (c) => {
    const msr = named(c);
    if (msr === null) return;
    const value = msr.read(c);
    if (value === null) return c.fault(GP, 0);
    c.cpu.setGpr(0, value & 0xffff_ffffn);
    c.cpu.setGpr(2, value >> 32n);
  },
});

defineHelper({
  name: 'writeMsr',
  doc: 'WRMSR: EDX:EAX into register ECX; #GP(0) outside CPL 0, for a register there is not and for a value it refuses',
  args: [],
  result: 0,
  run: (c) => {
    const value = ((c.cpu.gpr(2) & 0xffff_ffffn) << 32n) | (c.cpu.gpr(0) & 0xffff_ffffn);
    if (named(c)?.write(c, value) === false) c.fault(GP, 0);
  },
});
