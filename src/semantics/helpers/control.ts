import * as L from '../../state/layout.ts';
import { PENDING_KIND, VECTOR } from '../../state/pending.ts';
import { defineHelper, type HelperContext } from './helper.ts';
import { privileged } from './system.ts';

const { GP, UD } = VECTOR;

const CONTROL = new Map<number, number>([
  [0, L.CR0],
  [2, L.CR2],
  [3, L.CR3],
  [4, L.CR4],
  [8, L.CR8],
]);

/** CR0 bits that long mode with paging keeps set, and those that change what instructions do in ways not modelled yet. */
const CR0_PE_PG = 0x8000_0001n;
const CR0_EM_TS = 0xcn;
const CR0_NW_CD = 0x6000_0000n;
const CR0_NW = 0x2000_0000n;
/** The bits that there are; ET always reads as one. */
const CR0_BITS = 0xe005_003fn;
const CR0_ET = 0x10n;
/** CR4 bits of the features that CPUID reports: TSD DE PSE PAE MCE PGE PCE OSFXSR OSXMMEXCPT FSGSBASE SMEP SMAP. */
const CR4_KNOWN = 0x31_07fcn;
const CR4_PAE = 1n << 5n;
const CR4_OSFXSR = 1n << 9n;
const CR4_PGE = 1n << 7n;
const CR4_OSXSAVE = 1n << 18n;
/** CR3 from MAXPHYADDR (40) on. The low bits that mean nothing are ignored (SDM 2B MOV to control registers). */
const CR3_RESERVED = ~0xff_ffff_ffffn;

defineHelper({
  name: 'readControl',
  doc: 'MOV from a control register; #UD where there is none, #GP(0) outside CPL 0',
  args: [32],
  result: 64,
  run: (c, n) => {
    const at = CONTROL.get(Number(n));
    if (at === undefined) {
      c.fault(UD, null);
      return 0n;
    }
    return privileged(c) ? 0n : c.cpu.u64(at);
  },
});

defineHelper({
  name: 'writeControl',
  doc: 'MOV to a control register: #GP(0) for reserved bits (SDM 3A 2.5), the flushes of SDM 3A 4.10.4.1',
  args: [32, 64],
  result: 0,
  run: (c, n, value) => {
    const at = CONTROL.get(Number(n));
    if (at === undefined) return c.fault(UD, null);
    if (privileged(c)) return;
    const refusal = WRITES[at]?.(value!, c);
    if (refusal === 'reserved') return c.fault(GP, 0);
    if (refusal === 'not yet') return c.stop(PENDING_KIND.unimplemented);
    const before = c.cpu.u64(at);
    c.cpu.setU64(at, at === L.CR0 ? (value! & CR0_BITS) | CR0_ET : value!);
    if (at === L.CR4) c.cpu.settleUsable();
    flushFor(c, at, before ^ value!);
  },
});

type Refusal = 'reserved' | 'not yet' | null;

/** What each register does not take. */
const WRITES: Readonly<Record<number, (value: bigint, c: HelperContext) => Refusal>> = {
  [L.CR0]: (value) => {
    // 64-bit code can clear neither PG nor PE (SDM 2B MOV to control registers).
    if (value >> 32n || (value & CR0_NW_CD) === CR0_NW || (value & CR0_PE_PG) !== CR0_PE_PG) return 'reserved';
    return value & CR0_EM_TS ? 'not yet' : null;
  },
  [L.CR3]: (value) => (BigInt.asIntN(64, value) & CR3_RESERVED ? 'reserved' : null),
  [L.CR4]: (value, { machine }) => {
    const known = machine.has('XSAVE') ? CR4_KNOWN | CR4_OSXSAVE : CR4_KNOWN;
    if (value & ~known || !(value & CR4_PAE)) return 'reserved';
    return value & CR4_OSFXSR ? null : 'not yet';
  },
  [L.CR8]: (value) => (value & ~0xfn ? 'reserved' : null),
};

function flushFor(c: HelperContext, at: number, changed: bigint): void {
  if (at === L.CR3) c.machine.flushTlb('non-global');
  if (at === L.CR4 && changed & CR4_PGE) c.machine.flushTlb('all');
  if (at === L.CR0 || at === L.CR4) c.modeChanged();
}

/** Bits of DR6 and DR7 that exist, and those that read as ones whatever is written (SDM 3B 17.2). */
const DR6_BITS = 0xffff_efffn;
const DR6_ONES = 0xffff_0ff0n;
const DR7_BITS = 0xffff_2fffn;
const DR7_ONES = 0x400n;
/** L0 … G3, and GD: what makes the debug registers trap. */
const DR7_ARMED = 0x20ffn;
const CR4_DE = 1n << 3n;

/** The debug register that number `n` names: DR4 and DR5 are DR6 and DR7, or, with CR4.DE, nothing: null after #UD. */
function debugRegister(c: HelperContext, n: number): number | null {
  if (n !== 4 && n !== 5) return n;
  if ((c.cpu.u64(L.CR4) & CR4_DE) === 0n) return n + 2;
  c.fault(UD, null);
  return null;
}

defineHelper({
  name: 'readDebug',
  doc: 'MOV from a debug register; #UD for DR4 and DR5 with CR4.DE, #GP(0) outside CPL 0',
  args: [32],
  result: 64,
  run: (c, n) => {
    const register = debugRegister(c, Number(n));
    return register === null || privileged(c) ? 0n : c.cpu.u64(L.DR + 8 * register);
  },
});

defineHelper({
  name: 'writeDebug',
  doc: 'MOV to a debug register; #GP(0) for the upper halves of DR6 and DR7. Enabling a breakpoint is not implemented',
  args: [32, 64],
  result: 0,
  run: (c, n, value) => {
    const register = debugRegister(c, Number(n));
    if (register === null || privileged(c)) return;
    if (register >= 6 && value! >> 32n) return c.fault(GP, 0);
    if (register === 7 && value! & DR7_ARMED) return c.stop(PENDING_KIND.unimplemented);
    const held =
      register === 7 ? (value! & DR7_BITS) | DR7_ONES : register === 6 ? (value! & DR6_BITS) | DR6_ONES : value!;
    c.cpu.setU64(L.DR + 8 * register, held);
  },
});

/** Model-specific registers that are there, by number (SDM 4). */
const MSRS = new Map<number, number>([
  [0xc000_0080, L.EFER],
  [0xc000_0081, L.STAR],
  [0xc000_0082, L.LSTAR],
  [0xc000_0083, L.CSTAR],
  [0xc000_0084, L.SFMASK],
  [0xc000_0100, L.FS_BASE],
  [0xc000_0101, L.GS_BASE],
  [0xc000_0102, L.KERNEL_GS_BASE],
  [0xc000_0103, L.TSC_AUX],
]);
/** Those that hold an address and refuse one that is not canonical. */
const CANONICAL = new Set<number>([L.LSTAR, L.CSTAR, L.FS_BASE, L.GS_BASE, L.KERNEL_GS_BASE]);
const EFER_SCE = 1n;
const EFER_NXE = 1n << 11n;
const EFER_LMA_LME = 0x500n;

defineHelper({
  name: 'readMsr',
  doc: 'RDMSR: register ECX into EDX:EAX; #GP(0) outside CPL 0 and for a register there is not',
  args: [],
  result: 0,
  run: (c) => {
    if (privileged(c)) return;
    const at = MSRS.get(Number(c.cpu.gpr(1) & 0xffff_ffffn));
    if (at === undefined) return c.fault(GP, 0);
    const value = c.cpu.u64(at);
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
    if (privileged(c)) return;
    const at = MSRS.get(Number(c.cpu.gpr(1) & 0xffff_ffffn));
    if (at === undefined) return c.fault(GP, 0);
    const value = ((c.cpu.gpr(2) & 0xffff_ffffn) << 32n) | (c.cpu.gpr(0) & 0xffff_ffffn);
    if (CANONICAL.has(at) && BigInt.asUintN(64, BigInt.asIntN(48, value)) !== value) return c.fault(GP, 0);
    if (at === L.TSC_AUX && value >> 32n) return c.fault(GP, 0);
    if (at === L.EFER) {
      const before = c.cpu.u64(L.EFER);
      if (value & ~(EFER_SCE | EFER_NXE | EFER_LMA_LME)) return c.fault(GP, 0);
      // Clearing LME while paging is on is refused; LMA is read-only.
      if (!(value & 0x100n)) return c.fault(GP, 0);
      // SYSCALL into the guest's own handler is not implemented.
      if (value & EFER_SCE && !(before & EFER_SCE)) return c.stop(PENDING_KIND.unimplemented);
      c.cpu.setU64(L.EFER, value | EFER_LMA_LME);
      return c.modeChanged();
    }
    c.cpu.setU64(at, value);
  },
});
