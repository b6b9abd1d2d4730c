import type { CpuidLeaf } from '../cpuid.ts';

/** CPUID.1:ECX TSC deadline, and that this is no bare hardware; EDX APIC. */
const LEAF1_ECX = (1 << 24) | (1 << 31);
const LEAF1_EDX = 1 << 9;
/** Bits of the features that a profile may have for a kernel. */
const LEAF1_ECX_FEATURES = { MONITOR: 3, PCID: 17, X2APIC: 21 } as const;
const LEAF7_EBX_FEATURES = { SMEP: 7, INVPCID: 10, SMAP: 20 } as const;
const LEAF7_ECX_FEATURES = { UMIP: 2, PKU: 3, LA57: 16, PKS: 31 } as const;
const LEAF7_1_EAX_FEATURES = { LASS: 6, LAM: 26 } as const;
/** OSPKE mirrors CR4.PKE. */
const OSPKE = 1 << 4;
const TOPOLOGY = 0xb;
const MONITOR_LEAF = 5;
/** Bytes of a line that MONITOR watches. */
export const MONITOR_LINE = 64;

const bitsOf = (features: Readonly<Record<string, number>>, system: ReadonlySet<string>): number =>
  Object.entries(features).reduce((bits, [name, bit]) => (system.has(name) ? bits | (1 << bit) : bits), 0);

/** CPUID of CPU `id` of `count` as its kernel sees it; the CPU by itself says `own`. */
export function systemCpuid(
  own: CpuidLeaf,
  leaf: number,
  subleaf: number,
  id: number,
  count: number,
  keys: boolean,
  system: ReadonlySet<string>,
): CpuidLeaf {
  const [a, b, c, d] = own;
  if (leaf === 1) {
    const more = LEAF1_ECX | bitsOf(LEAF1_ECX_FEATURES, system);
    return [a, (b & 0xff00) | (count << 16) | (id << 24), c | more, d | LEAF1_EDX];
  }
  if (leaf === 7 && subleaf === 0) {
    const ecx = bitsOf(LEAF7_ECX_FEATURES, system) | (keys ? OSPKE : 0);
    return [Math.max(1, a), b | bitsOf(LEAF7_EBX_FEATURES, system), c | ecx, d];
  }
  if (leaf === 7 && subleaf === 1) return [a | bitsOf(LEAF7_1_EAX_FEATURES, system), b, c, d];
  // Smallest and largest line that MONITOR watches; interrupts may break MWAIT.
  if (leaf === MONITOR_LEAF && system.has('MONITOR')) return [MONITOR_LINE, MONITOR_LINE, 3, 0];
  if (leaf !== TOPOLOGY) return [a, b, c, d];
  // One thread a core, all cores in one package.
  if (subleaf === 0) return [0, 1, 0x100, id];
  const bits = Math.max(1, Math.ceil(Math.log2(count)));
  return subleaf === 1 ? [bits, count, 0x201, id] : [0, 0, subleaf, id];
}
