import { type CpuidLeaf, cpuid } from '../cpuid.ts';

/** CPUID.1:ECX PCID, x2APIC, TSC deadline, and that this is no bare hardware; EDX APIC. */
const LEAF1_ECX = (1 << 17) | (1 << 21) | (1 << 24) | (1 << 31);
const LEAF1_EDX = 1 << 9;
/** CPUID.7.0:EBX SMEP, INVPCID, SMAP; ECX UMIP, PKU, LA57, PKS; CPUID.7.1:EAX LASS, LAM. */
const LEAF7_EBX = (1 << 7) | (1 << 10) | (1 << 20);
const LEAF7_ECX = (1 << 2) | (1 << 3) | (1 << 16) | (1 << 31);
const LEAF7_1_EAX = (1 << 6) | (1 << 26);
/** OSPKE mirrors CR4.PKE. */
const OSPKE = 1 << 4;
const TOPOLOGY = 0xb;

/** CPUID of CPU `id` of `count` as its kernel sees it. */
export function systemCpuid(leaf: number, subleaf: number, id: number, count: number, keys: boolean): CpuidLeaf {
  const [a, b, c, d] = cpuid(leaf, subleaf);
  if (leaf === 1) return [a, (b & 0xff00) | (count << 16) | (id << 24), c | LEAF1_ECX, d | LEAF1_EDX];
  if (leaf === 7 && subleaf === 0) return [1, b | LEAF7_EBX, c | LEAF7_ECX | (keys ? OSPKE : 0), d];
  if (leaf === 7 && subleaf === 1) return [a | LEAF7_1_EAX, b, c, d];
  if (leaf !== TOPOLOGY) return [a, b, c, d];
  // One thread a core, all cores in one package.
  if (subleaf === 0) return [0, 1, 0x100, id];
  const bits = Math.max(1, Math.ceil(Math.log2(count)));
  return subleaf === 1 ? [bits, count, 0x201, id] : [0, 0, subleaf, id];
}
