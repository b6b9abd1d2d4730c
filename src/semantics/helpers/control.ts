import { ATTRIBUTE, SEGMENT } from '../../state/descriptors.ts';
import * as L from '../../state/layout.ts';
import { isIa32e, isLongMode } from '../../state/mode.ts';
import { PENDING_KIND, VECTOR } from '../../state/pending.ts';
import { isCanonical } from './descriptor.ts';
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

/** CR0 bits (SDM 3A 2.5): those that there are, those that 64-bit code cannot clear, and ET, which always reads as one. */
const CR0_BITS = 0xe005_003fn;
const CR0_PE_PG = 0x8000_0001n;
const CR0_PG = 0x8000_0000n;
const CR0_ET = 0x10n;
const CR0_NW_CD = 0x6000_0000n;
const CR0_NW = 0x2000_0000n;
/** EM and TS decide what floating-point and vector instructions are. */
const CR0_EM_TS = 0xcn;
/** What LMSW loads: PE, MP, EM, TS. */
const MACHINE_STATUS = 0xfn;
const CR0_PE = 1n;
const CR0_TS = 8n;

/** CR4 bits that every CPU here has: TSD DE PSE PAE MCE PGE PCE OSFXSR OSXMMEXCPT. */
const CR4_BITS = 0x07fcn;
/** CR4 bits by the feature that they come with (SDM 3A 2.5). */
const CR4_FEATURES: readonly (readonly [feature: string, bit: bigint])[] = [
  ['UMIP', 11n],
  ['LA57', 12n],
  ['FSGSBASE', 16n],
  ['PCID', 17n],
  ['XSAVE', 18n],
  ['SMEP', 20n],
  ['SMAP', 21n],
  ['PKU', 22n],
  ['PKS', 24n],
  ['LASS', 27n],
  ['LAM', 28n],
];
const EFER_LME = 0x100n;
const EFER_LMA = 0x400n;
const CR4_PAE = 1n << 5n;
const CR4_PGE = 1n << 7n;
const CR4_OSFXSR = 1n << 9n;
const CR4_LA57 = 1n << 12n;
const CR4_PCIDE = 1n << 17n;
const CR4_OSXSAVE = 1n << 18n;
const CR4_SMEP = 1n << 20n;

/** CR3 from MAXPHYADDR (40) on but for LAM_U57 and LAM_U48; low bits that mean nothing are ignored (SDM 2B MOV to CR). */
const CR3_RESERVED = 0x9fff_ff00_0000_0000n;
const CR3_LAM = 0x6000_0000_0000_0000n;
const CR3_PCID = 0xfffn;
/** Of the value that MOV to CR3 takes, with CR4.PCIDE: nothing has to be dropped. */
const CR3_NO_FLUSH = 1n << 63n;
/** Task priority. */
const CR8_BITS = 0xfn;

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
    // The task priority decides which interrupts wait.
    if (at === L.CR8 && !c.machine.alone()) return c.stop(PENDING_KIND.resume);
    if (at === L.CR2) return c.cpu.setU64(L.CR2, value!);
    const written = at === L.CR0 ? writeCr0(c, value!) : WRITES[at]!(c, value!);
    if (!written) c.fault(GP, 0);
  },
});

/** What a change of CR0.PG does to EFER.LMA (SDM 3A 10.8.5); false where it is refused, null where it is not implemented. */
function pagingSwitched(c: HelperContext, value: bigint): boolean | null {
  const { cpu } = c;
  const efer = cpu.u64(L.EFER);
  if (!(value & CR0_PG)) {
    cpu.setU64(L.EFER, efer & ~EFER_LMA);
    return true;
  }
  if (!(efer & EFER_LME)) return null;
  if (!(cpu.u64(L.CR4) & CR4_PAE) || cpu.segment(SEGMENT.CS).attributes & ATTRIBUTE.L) return false;
  cpu.setU64(L.EFER, efer | EFER_LMA);
  return true;
}

/** Loads CR0; false where the value is refused. Paging without EFER.LME is not implemented. */
function writeCr0(c: HelperContext, value: bigint): boolean {
  const before = c.cpu.u64(L.CR0);
  const off = value & CR0_PE_PG;
  if (value >> 32n || (value & CR0_NW_CD) === CR0_NW || off === CR0_PG) return false;
  if (isLongMode(c.cpu) && off !== CR0_PE_PG) return false;
  const after = (value & CR0_BITS) | CR0_ET;
  if ((before ^ after) & CR0_PG) {
    const switched = pagingSwitched(c, after);
    if (switched === null) c.stop(PENDING_KIND.unimplemented);
    if (!switched) return switched === null;
    c.machine.flushTlb('all');
  }
  c.cpu.setU64(L.CR0, after);
  if ((before ^ after) & CR0_EM_TS) c.decodingChanged();
  c.machine.pagingChanged();
  c.modeChanged();
  return true;
}

/** What the other registers do with a value; false where it is refused. */
const WRITES: Readonly<Record<number, (c: HelperContext, value: bigint) => boolean>> = {
  [L.CR3]: (c, value) => {
    const tagged = (c.cpu.u64(L.CR4) & CR4_PCIDE) !== 0n;
    const keeps = tagged && (value & CR3_NO_FLUSH) !== 0n;
    const base = keeps ? value & ~CR3_NO_FLUSH : value;
    if (base & CR3_RESERVED || (base & CR3_LAM && !c.machine.has('LAM'))) return false;
    c.cpu.setU64(L.CR3, base);
    c.machine.pagingChanged();
    c.modeChanged();
    if (!keeps) c.machine.flushTlb('non-global');
    return true;
  },
  [L.CR4]: (c, value) => {
    const before = c.cpu.u64(L.CR4);
    const changed = before ^ value;
    if (
      value & ~CR4_FEATURES.reduce((bits, [name, bit]) => (c.machine.has(name) ? bits | (1n << bit) : bits), CR4_BITS)
    )
      return false;
    if (isIa32e(c.cpu) && (!(value & CR4_PAE) || changed & CR4_LA57)) return false;
    if (changed & value & CR4_PCIDE && !isIa32e(c.cpu)) return false;
    if (changed & value & CR4_PCIDE && c.cpu.u64(L.CR3) & CR3_PCID) return false;
    c.cpu.setU64(L.CR4, value);
    c.cpu.settleUsable();
    c.machine.pagingChanged();
    if (changed & (CR4_OSFXSR | CR4_OSXSAVE)) c.decodingChanged();
    c.modeChanged();
    if (changed & CR4_PGE || changed & before & CR4_PCIDE) c.machine.flushTlb('all');
    else if (changed & value & CR4_SMEP) c.machine.flushTlb('current');
    return true;
  },
  [L.CR8]: (c, value) => {
    if (value & ~CR8_BITS) return false;
    c.cpu.setU64(L.CR8, value);
    return true;
  },
};

defineHelper({
  name: 'loadMachineStatus',
  doc: 'LMSW: PE, MP, EM and TS of CR0; PE cannot be cleared',
  args: [32],
  result: 0,
  run: (c, value) => {
    const kept = c.cpu.u64(L.CR0) & ~(MACHINE_STATUS & ~CR0_PE);
    writeCr0(c, kept | (value! & MACHINE_STATUS));
  },
});

defineHelper({
  name: 'clearTaskSwitched',
  doc: 'CLTS: clears CR0.TS',
  args: [],
  result: 0,
  run: (c) => {
    if (c.cpu.u64(L.CR0) & CR0_TS) writeCr0(c, c.cpu.u64(L.CR0) & ~CR0_TS);
  },
});

defineHelper({
  name: 'invlpg',
  doc: 'INVLPG: drops the translations of one page',
  args: [64],
  result: 0,
  run: (c, address) => c.machine.flushPage(address!),
});

defineHelper({
  name: 'invpcid',
  doc: 'INVPCID: type, PCID word and address of the descriptor; #GP(0) for what the manual does not define (SDM 2A)',
  args: [64, 64, 64],
  result: 0,
  run: (c, type, tag, address) => {
    const single = type! < 2n;
    const tagged = (c.cpu.u64(L.CR4) & CR4_PCIDE) !== 0n;
    if (type! > 3n || tag! & ~CR3_PCID || (single && !tagged && tag! !== 0n)) return c.fault(GP, 0);
    if (type === 0n && !isCanonical(c, address!)) return c.fault(GP, 0);
    if (type === 2n) c.machine.flushTlb('all');
    else if (type === 3n) c.machine.flushTlb('all non-global');
    else c.machine.flushContext(Number(tag), type === 0n ? address! : null);
  },
});

const CR4_PKE = 1n << 22n;

/** #UD without CR4.PKE, #GP(0) where ECX is not 0; true when it was raised. */
function keysRefused(c: HelperContext): boolean {
  if (!(c.cpu.u64(L.CR4) & CR4_PKE)) c.fault(UD, null);
  else if (c.cpu.gpr(1) & 0xffff_ffffn) c.fault(GP, 0);
  else return false;
  return true;
}

defineHelper({
  name: 'readKeyRights',
  doc: 'RDPKRU: PKRU into EAX, EDX cleared',
  args: [],
  result: 0,
  run: (c) => {
    if (keysRefused(c)) return;
    c.cpu.setGpr(0, BigInt(c.cpu.view.getUint32(L.PKRU, true)));
    c.cpu.setGpr(2, 0n);
  },
});

defineHelper({
  name: 'writeKeyRights',
  doc: 'WRPKRU: EAX into PKRU; #GP(0) where EDX is not 0 either',
  args: [],
  result: 0,
  run: (c) => {
    if (keysRefused(c)) return;
    if (c.cpu.gpr(2) & 0xffff_ffffn) return c.fault(GP, 0);
    c.cpu.view.setUint32(L.PKRU, Number(c.cpu.gpr(0) & 0xffff_ffffn), true);
    c.modeChanged();
  },
});
