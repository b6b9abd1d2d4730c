import { FEATURE_BITS, namedBits } from '../machine/feature-bits.ts';

/** One CPUID answer. */
export interface CpuidLeaf {
  readonly eax: number;
  readonly ebx: number;
  readonly ecx: number;
  readonly edx: number;
}

/** The leaves that the table below reads, as (leaf, subleaf). */
export const LEAVES: readonly (readonly [leaf: number, subleaf: number])[] = [
  [0, 0],
  [1, 0],
  [7, 0],
  [7, 1],
  [0x0d, 1],
  [0x8000_0001, 0],
  [0x8000_0008, 0],
];

/** The vendor string of leaf 0, for instance «GenuineIntel». */
export function vendorOf(leaf0: CpuidLeaf): string {
  const bytes = new Uint8Array(Uint32Array.of(leaf0.ebx, leaf0.edx, leaf0.ecx).buffer);
  return String.fromCharCode(...bytes);
}

// What every 64-bit CPU has, under the names that older instructions carry.
const ALWAYS = 'INTEL8086 INTEL186 INTEL286 INTEL386 INTEL486 FPU287 FPU387 X64 CPUID RDPMC PAUSE MULTIBYTENOP';

/**
 * Names of the features that `leaves` (in the order of `LEAVES`) and XCR0 grant to user code: those of iced's
 * `CpuidFeature`, and LAHF_SAHF and MMXEXT, which it does not name.
 */
export function featuresOf(leaves: readonly CpuidLeaf[], xcr0: number): ReadonlySet<string> {
  const found = new Set<string>(ALWAYS.split(' '));
  for (const [leaf, subleaf, register, needed, names] of FEATURE_BITS) {
    if ((xcr0 & needed) !== needed) continue;
    const answer = leaves[LEAVES.findIndex(([l, s]) => l === leaf && s === subleaf)];
    if (!answer) continue;
    for (const [bit, name] of namedBits(names)) if ((answer[register] >>> bit) & 1) found.add(name);
  }
  return found;
}
