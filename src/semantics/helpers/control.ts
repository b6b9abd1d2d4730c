import { CR0, CR2, CR3, CR4, CR8, DR } from '../../state/layout.ts';
import { PENDING_KIND, VECTOR } from '../../state/pending.ts';
import { defineHelper, type HelperContext } from './helper.ts';
import { privileged } from './system.ts';

const { GP, UD } = VECTOR;

const CONTROL = new Map<number, number>([
  [0, CR0],
  [2, CR2],
  [3, CR3],
  [4, CR4],
  [8, CR8],
]);

const bits = (...numbers: number[]): bigint => numbers.reduce((sum, n) => sum | (1n << BigInt(n)), 0n);

/** CR0: PE MP EM TS ET NE, WP, AM, NW CD PG; ET always reads as one. */
const CR0_BITS = bits(0, 1, 2, 3, 4, 5, 16, 18, 29, 30, 31);
const CR0_ET = bits(4);
const CR0_EM = bits(2);
const CR0_TS = bits(3);
const CR0_LONG_MODE = bits(0, 31);
const NW = bits(29);
const CD = bits(30);
/** CR4 bits that there are: TSD DE PSE PAE MCE PGE PCE OSFXSR OSXMMEXCPT FSGSBASE OSXSAVE SMEP SMAP. */
const CR4_BITS = bits(2, 3, 4, 5, 6, 7, 8, 9, 10, 16, 18, 20, 21);
const CR4_PAE = bits(5);
const CR4_DE = bits(3);
const CR4_OSFXSR = bits(9);
/** CR3 without PCIDs: PWT, PCD, and the address up to MAXPHYADDR (40); bits 2:0, 11:5 are ignored. */
const CR3_RESERVED = ~((1n << 40n) - 1n);
const CR8_BITS = 0xfn;

/** Whether MOV of this value raises #GP(0) (SDM 3A 2.5; the machine stays in long mode). */
function refused(at: number, value: bigint): boolean {
  switch (at) {
    case CR0:
      return (
        value >> 32n !== 0n || (value & CR0_LONG_MODE) !== CR0_LONG_MODE || ((value & NW) !== 0n && (value & CD) === 0n)
      );
    case CR3:
      return (BigInt.asIntN(64, value) & CR3_RESERVED) !== 0n;
    case CR4:
      return (value & ~CR4_BITS) !== 0n || (value & CR4_PAE) === 0n;
    case CR8:
      return (value & ~CR8_BITS) !== 0n;
    default:
      return false;
  }
}

/** What would make SSE instructions raise #NM or #UD, which they do not check. */
function unsupported(at: number, value: bigint): boolean {
  return (at === CR0 && (value & (CR0_EM | CR0_TS)) !== 0n) || (at === CR4 && (value & CR4_OSFXSR) === 0n);
}

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
  doc: 'MOV to a control register, with the flushes of SDM 3A 4.10.4.1; #GP(0) for what it does not take',
  args: [32, 64],
  result: 0,
  run: (c, n, value) => {
    const at = CONTROL.get(Number(n));
    if (at === undefined) return c.fault(UD, null);
    if (privileged(c)) return;
    if (refused(at, value!)) return c.fault(GP, 0);
    if (unsupported(at, value!)) return c.stop(PENDING_KIND.unimplemented);
    c.cpu.setU64(at, at === CR0 ? (value! & CR0_BITS) | CR0_ET : value!);
    if (at === CR3) return c.machine.flushTlb('non-global');
    if (at === CR0 || at === CR4) c.machine.flushTlb('all');
    c.modeChanged();
  },
});

/** Bits that read as ones whatever is written (SDM 3B 17.2). */
const DR6_ONES = 0xffff_0ff0n;
const DR6_BITS = 0xffff_efffn;
const DR7_ONES = 0x400n;
/** L0 … G3, and GD: what makes the debug registers trap. */
const DR7_ARMED = 0x20ffn;
const DR7_BITS = 0xffff_2fffn;

/** State address of debug register `n`; DR4 and DR5 are DR6 and DR7, or, with CR4.DE, nothing: null after #UD. */
function debugRegister(c: HelperContext, n: number): number | null {
  if (n !== 4 && n !== 5) return DR + 8 * n;
  if ((c.cpu.u64(CR4) & CR4_DE) === 0n) return DR + 8 * (n + 2);
  c.fault(UD, null);
  return null;
}

defineHelper({
  name: 'readDebug',
  doc: 'MOV from a debug register; #UD for DR4 and DR5 with CR4.DE, #GP(0) outside CPL 0',
  args: [32],
  result: 64,
  run: (c, n) => {
    const at = debugRegister(c, Number(n));
    return at === null || privileged(c) ? 0n : c.cpu.u64(at);
  },
});

defineHelper({
  name: 'writeDebug',
  doc: 'MOV to a debug register; #GP(0) for the upper half of DR6 and DR7. Breakpoints are not implemented: arming one ends the run',
  args: [32, 64],
  result: 0,
  run: (c, n, value) => {
    const at = debugRegister(c, Number(n));
    if (at === null || privileged(c)) return;
    const control = at === DR + 56;
    if ((control || at === DR + 48) && value! >> 32n !== 0n) return c.fault(GP, 0);
    if (control && value! & DR7_ARMED) return c.stop(PENDING_KIND.unimplemented);
    if (control) c.cpu.setU64(at, (value! & DR7_BITS) | DR7_ONES);
    else c.cpu.setU64(at, at === DR + 48 ? (value! & DR6_BITS) | DR6_ONES : value!);
  },
});
