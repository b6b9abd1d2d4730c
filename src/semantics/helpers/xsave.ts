import { FX, MXCSR_MASK } from '../../state/fxsave.ts';
import { CR0, CR4, XCR0, XFD_ERR } from '../../state/layout.ts';
import { VECTOR } from '../../state/pending.ts';
import * as X from '../../state/xsave.ts';
import { defineHelper, type HelperContext } from './helper.ts';
import { privileged } from './system.ts';

const { GP, NM, UD } = VECTOR;
const CR0_TS = 1n << 3n;
const CR4_OSXSAVE = 1n << 18n;
const ALIGNMENT = 63n;

/** EDX:EAX. */
const pair = (c: HelperContext): bigint => ((c.cpu.gpr(2) & 0xffff_ffffn) << 32n) | (c.cpu.gpr(0) & 0xffff_ffffn);

/** What every instruction on an area asks first (SDM 1 13.7); false with a fault pending. */
function usable(c: HelperContext, address: bigint, supervisor = false): boolean {
  if (!(c.cpu.u64(CR4) & CR4_OSXSAVE)) c.fault(UD, null);
  else if (supervisor && privileged(c)) return false;
  else if (c.cpu.u64(CR0) & CR0_TS) c.fault(NM, null);
  else if (address & ALIGNMENT) c.fault(GP, 0);
  else return true;
  return false;
}

const at = (address: bigint, offset: number): bigint => BigInt.asUintN(64, address + BigInt(offset));

/** Pieces of 8 bytes that cover a run; every run is a multiple of 8. */
function* pieces(runs: readonly X.Run[]): Generator<number> {
  for (const run of runs) for (let offset = run.at; offset < run.at + run.length; offset += 8) yield offset;
}

/** Reads the runs into an image; null with a fault pending. */
function readRuns(c: HelperContext, address: bigint, runs: readonly X.Run[]): Uint8Array | null {
  const size = runs.reduce((end, run) => Math.max(end, run.at + run.length), X.LEGACY_BYTES);
  const image = new Uint8Array(size);
  const view = new DataView(image.buffer);
  for (const offset of pieces(runs)) {
    const piece = c.read(at(address, offset), 64);
    if (piece === null) return null;
    view.setBigUint64(offset, piece, true);
  }
  return image;
}

type Saving = 'xsave' | 'xsaveopt' | 'xsavec' | 'xsaves';

function save(c: HelperContext, address: bigint, wide: boolean, kind: Saving): void {
  if (!usable(c, address, kind === 'xsaves')) return;
  const { cpu } = c;
  const requested = pair(c) & cpu.u64(XCR0);
  const off = X.switchedOff(cpu);
  let used = X.inUse(cpu) & ~off;
  // There are no supervisor components: IA32_XSS is 0.
  const compacted = kind === 'xsavec' || kind === 'xsaves';
  if (compacted && X.mxcsrInUse(cpu)) used |= X.STATE_BIT.sse;
  const written = kind === 'xsave' ? requested : requested & used;
  const mxcsr = compacted
    ? (written & X.STATE_BIT.sse) !== 0n
    : (requested & (X.STATE_BIT.sse | X.STATE_BIT.avx)) !== 0n;
  const plan: X.SavePlan = { requested, written, compacted, mxcsr, wide };
  const header = compacted ? [X.HEADER.stateBv, X.HEADER.compBv] : [X.HEADER.stateBv];
  const runs = X.saveRuns(plan);
  const before = compacted ? 0n : c.read(at(address, X.HEADER.stateBv), 64);
  if (before === null) return;
  const targets = [...pieces(runs), ...header];
  for (const offset of targets) if (!c.probeWrite(at(address, offset), 8)) return;
  // A component that is switched off is saved as if it were initial: of these zeros.
  const image = X.saveImage(cpu, { ...plan, written: written & ~off });
  const view = new DataView(image.buffer);
  for (const offset of pieces(runs)) c.write(at(address, offset), view.getBigUint64(offset, true), 64);
  const present = compacted ? requested & used : (before & ~requested) | (requested & used);
  c.write(at(address, X.HEADER.stateBv), present, 64);
  if (compacted) c.write(at(address, X.HEADER.compBv), requested | X.COMPACTED, 64);
}

for (const kind of ['xsave', 'xsaveopt', 'xsavec', 'xsaves'] as const)
  defineHelper({
    name: kind,
    doc: 'Saves the state components of EDX:EAX that XCR0 enables (SDM 1 13.7, 13.9 to 13.11)',
    args: [64, 32],
    result: 0,
    run: (c, address, wide) => save(c, address!, wide === 1n, kind),
  });

function restore(c: HelperContext, address: bigint, wide: boolean, supervisor: boolean): void {
  if (!usable(c, address, supervisor)) return;
  const enabled = c.cpu.u64(XCR0);
  const header = readRuns(c, address, [{ at: X.HEADER.stateBv, length: X.HEADER_BYTES }]);
  if (header === null) return;
  const view = new DataView(header.buffer);
  const present = view.getBigUint64(X.HEADER.stateBv, true);
  const layout = view.getBigUint64(X.HEADER.compBv, true);
  const compacted = (layout & X.COMPACTED) !== 0n;
  const reserved = (length: number): boolean =>
    header.subarray(X.HEADER.reserved, X.HEADER.reserved + length).some((byte) => byte !== 0);
  const components = layout & ~X.COMPACTED;
  const bad = compacted
    ? components & ~enabled || present & ~components || reserved(X.HEADER_BYTES - 16)
    : supervisor || present & ~enabled || layout || reserved(8);
  if (bad) return c.fault(GP, 0);
  const requested = pair(c) & enabled;
  const off = requested & present & X.switchedOff(c.cpu);
  if (off) {
    c.cpu.setU64(XFD_ERR, off);
    return c.fault(NM, null);
  }
  const plan: X.RestorePlan = { requested, present, compacted: compacted ? components : null, wide };
  const image = readRuns(c, address, X.restoreRuns(plan));
  if (image === null) return;
  if (X.loadsMxcsr(plan) && new DataView(image.buffer).getUint32(FX.mxcsr, true) & ~MXCSR_MASK) return c.fault(GP, 0);
  X.restoreImage(c.cpu, image, plan);
}

defineHelper({
  name: 'xrstor',
  doc: 'Loads the state components of EDX:EAX that XCR0 enables; those that the area lacks become initial (SDM 1 13.8)',
  args: [64, 32],
  result: 0,
  run: (c, address, wide) => restore(c, address!, wide === 1n, false),
});
defineHelper({
  name: 'xrstors',
  doc: 'XRSTORS: the same of a compacted area only, at CPL 0 (SDM 1 13.12)',
  args: [64, 32],
  result: 0,
  run: (c, address, wide) => restore(c, address!, wide === 1n, true),
});

defineHelper({
  name: 'xgetbv',
  doc: 'XGETBV: XCR0, or with ECX = 1 those of its components in use; #UD without CR4.OSXSAVE, #GP(0) for another register',
  args: [],
  result: 0,
  run: (c) => {
    if (!(c.cpu.u64(CR4) & CR4_OSXSAVE)) return c.fault(UD, null);
    const register = c.cpu.gpr(1) & 0xffff_ffffn;
    if (register > 1n) return c.fault(GP, 0);
    const enabled = c.cpu.u64(XCR0);
    const value = register === 0n ? enabled : enabled & X.inUse(c.cpu);
    c.cpu.setGpr(0, value & 0xffff_ffffn);
    c.cpu.setGpr(2, value >> 32n);
  },
});

defineHelper({
  name: 'xsetbv',
  doc: 'XSETBV: EDX:EAX into XCR0; #UD without CR4.OSXSAVE, #GP(0) outside CPL 0 and for components that cannot be enabled so',
  args: [],
  result: 0,
  run: (c) => {
    if (!(c.cpu.u64(CR4) & CR4_OSXSAVE)) return c.fault(UD, null);
    if (privileged(c)) return;
    const value = pair(c);
    const known =
      X.STATE_BIT.x87 |
      X.STATE_BIT.sse |
      (c.machine.has('AVX') ? X.STATE_BIT.avx : 0n) |
      (c.machine.has('AVX512F') ? X.STATE_BIT.avx512 : 0n) |
      (c.machine.has('AMX_TILE') ? X.STATE_BIT.amx : 0n);
    const avxAlone = value & X.STATE_BIT.avx && !(value & X.STATE_BIT.sse);
    const upper = value & X.STATE_BIT.avx512;
    const part512 = upper !== 0n && (upper !== X.STATE_BIT.avx512 || !(value & X.STATE_BIT.avx));
    const tiles = value & X.STATE_BIT.amx;
    const partAmx = tiles !== 0n && tiles !== X.STATE_BIT.amx;
    const alone = avxAlone || part512 || partAmx;
    if (c.cpu.gpr(1) & 0xffff_ffffn || value & ~known || !(value & X.STATE_BIT.x87) || alone) return c.fault(GP, 0);
    c.cpu.setU64(XCR0, value);
    c.cpu.settleUsable();
    c.decodingChanged();
  },
});
