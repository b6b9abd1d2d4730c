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
/** CR4 bits of the features that CPUID reports: TSD DE PSE PAE MCE PGE PCE OSFXSR OSXMMEXCPT FSGSBASE SMEP SMAP. */
const CR4_KNOWN = 0x31_07fcn;
const CR4_PAE = 1n << 5n;
const CR4_OSFXSR = 1n << 9n;
const CR4_PGE = 1n << 7n;
/** CR3: PWT, PCD and the address below MAXPHYADDR. */
const CR3_KNOWN = 0xff_ffff_f018n;

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
    const refusal = WRITES[at]?.(value!);
    if (refusal === 'reserved') return c.fault(GP, 0);
    if (refusal === 'not yet') return c.stop(PENDING_KIND.unimplemented);
    const before = c.cpu.u64(at);
    c.cpu.setU64(at, value!);
    flushFor(c, at, before ^ value!);
  },
});

type Refusal = 'reserved' | 'not yet' | null;

/** What each register does not take. */
const WRITES: Readonly<Record<number, (value: bigint) => Refusal>> = {
  [L.CR0]: (value) => {
    if (value >> 32n || (value & CR0_NW_CD) === CR0_NW || (value & CR0_PE_PG) === 0x8000_0000n) return 'reserved';
    return (value & CR0_PE_PG) !== CR0_PE_PG || value & CR0_EM_TS ? 'not yet' : null;
  },
  [L.CR3]: (value) => (value & ~CR3_KNOWN ? 'reserved' : null),
  [L.CR4]: (value) => {
    if (value & ~CR4_KNOWN || !(value & CR4_PAE)) return 'reserved';
    return value & CR4_OSFXSR ? null : 'not yet';
  },
  [L.CR8]: (value) => (value & ~0xfn ? 'reserved' : null),
};

function flushFor(c: HelperContext, at: number, changed: bigint): void {
  if (at === L.CR3) c.machine.flushTlb('non-global');
  if (at === L.CR4 && changed & CR4_PGE) c.machine.flushTlb('all');
  if (at === L.CR0 || at === L.CR4) c.modeChanged();
}

const DR7_ENABLES = 0xffn;

for (const [name, doc] of [
  ['readDebug', 'MOV from a debug register; DR4 and DR5 name DR6 and DR7'],
  ['writeDebug', 'MOV to a debug register; enabling a breakpoint is not implemented'],
] as const)
  defineHelper({
    name,
    doc,
    args: name === 'readDebug' ? [32] : [32, 64],
    result: name === 'readDebug' ? 64 : 0,
    run: (c, n, value) => {
      if (privileged(c)) return 0n;
      const number = n === 4n || n === 5n ? Number(n) + 2 : Number(n);
      const at = L.DR + 8 * number;
      if (name === 'readDebug') return c.cpu.u64(at);
      if (number >= 6 && value! >> 32n) c.fault(GP, 0);
      else if (number === 7 && value! & DR7_ENABLES) c.stop(PENDING_KIND.unimplemented);
      else c.cpu.setU64(at, value!);
      return 0n;
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
