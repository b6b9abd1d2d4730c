import * as L from '../state/layout.ts';
import { PAGE_SIZE, type PhysicalMemory } from './physical.ts';

/** One entry that a walk looks at. */
export interface WalkStep {
  /** PML5E, PML4E, PDPTE, PDE, PTE. */
  readonly name: string;
  readonly index: number;
  /** Physical address of the entry. */
  readonly at: number;
  readonly entry: bigint;
  readonly present: boolean;
  /** It maps a page (of 1 GiB, 2 MiB or 4 KiB) rather than leading to a table. */
  readonly leaf: boolean;
}

/** What a walk finds: the entries down to a page, or down to where it ends. */
export interface PageWalk {
  readonly linear: bigint;
  readonly steps: readonly WalkStep[];
  /** Physical address behind `linear`; null where the walk ends early. */
  readonly physical: number | null;
  /** Why it ended early. */
  readonly end: 'mapped' | 'non-canonical' | 'not-present' | 'reserved-bit' | 'beyond-memory';
  /** Rights combined over all levels (SDM 3A 4.6). */
  readonly writable: boolean;
  readonly user: boolean;
  readonly executable: boolean;
}

/** What the walker looks at of a CPU. */
interface ControlRegisters {
  u64(at: number): bigint;
}

/** Names of entries by level. */
export const ENTRY_NAMES = ['PTE', 'PDE', 'PDPTE', 'PML4E', 'PML5E'] as const;
const PRESENT = 1n;
const WRITABLE = 2n;
const USER = 4n;
const LARGE = 0x80n;
const XD = 1n << 63n;
const ADDRESS = 0x000f_ffff_ffff_f000n;
/** Physical address bits beyond MAXPHYADDR (40). */
const BEYOND = 0x000f_ff00_0000_0000n;
const NXE = 1n << 11n;
const CR0_PG = 1n << 31n;
const CR4_LA57 = 1n << 12n;
/** Bits 63:47 of a canonical address are equal; with five levels bits 63:56. */
export const isCanonical = (linear: bigint, levels = 4): boolean =>
  BigInt.asUintN(64, BigInt.asIntN(9 * levels + 12, linear)) === BigInt.asUintN(64, linear);

/**
 * Walks the page tables in guest memory as the CPU would (SDM 3A 4.5.4), but looks only: no accessed bit is set, no
 * translation is cached, and a cached one that disagrees is not seen.
 */
export function pageWalk(memory: PhysicalMemory, cpu: ControlRegisters, linear: bigint): PageWalk {
  const steps: WalkStep[] = [];
  let writable = true;
  let user = true;
  let executable = true;
  const done = (end: PageWalk['end'], physical: number | null = null): PageWalk => ({
    linear: BigInt.asUintN(64, linear),
    steps,
    physical,
    end,
    writable,
    user,
    executable,
  });
  if (!(cpu.u64(L.CR0) & CR0_PG)) return done('mapped', Number(BigInt.asUintN(32, linear)));
  const levels = cpu.u64(L.CR4) & CR4_LA57 ? 5 : 4;
  if (!isCanonical(linear, levels)) return done('non-canonical');
  const noExecute = (cpu.u64(L.EFER) & NXE) !== 0n;
  let table = Number(cpu.u64(L.CR3) & ADDRESS);
  for (let level = levels - 1; level >= 0; level--) {
    const shift = BigInt(12 + 9 * level);
    const index = Number((linear >> shift) & 511n);
    const at = table + index * 8;
    if (table + PAGE_SIZE > memory.size) return done('beyond-memory');
    const entry = memory.readU64(at);
    const present = (entry & PRESENT) !== 0n;
    const leaf = present && (level === 0 || (level < 3 && (entry & LARGE) !== 0n));
    steps.push({ name: ENTRY_NAMES[level]!, index, at, entry, present, leaf });
    if (!present) return done('not-present');
    const span = 1n << shift;
    const misaligned = leaf && level > 0 && (entry & ADDRESS & (span - 1n) & ~0x1000n) !== 0n;
    const largeRoot = level >= 3 && (entry & LARGE) !== 0n;
    if (entry & BEYOND || (entry & XD && !noExecute) || misaligned || largeRoot) return done('reserved-bit');
    writable &&= (entry & WRITABLE) !== 0n;
    user &&= (entry & USER) !== 0n;
    executable &&= (entry & XD) === 0n;
    const base = entry & ADDRESS;
    if (leaf) return done('mapped', Number((base & ~(span - 1n)) | (BigInt.asUintN(57, linear) & (span - 1n))));
    table = Number(base);
  }
  throw new Error('a walk ends at its last level');
}

/**
 * `length` bytes at a linear address as a debugger sees them: whatever is mapped, without rights, faults or side effects.
 * Shorter than asked where a page is not mapped or lies beyond the memory.
 */
export function peek(memory: PhysicalMemory, cpu: ControlRegisters, linear: bigint, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const { physical } = pageWalk(memory, cpu, BigInt.asUintN(64, linear + BigInt(done)));
    if (physical === null) break;
    const part = Math.min(length - done, PAGE_SIZE - (physical % PAGE_SIZE));
    if (physical + part > memory.size) break;
    bytes.set(memory.bytes(physical, part), done);
    done += part;
  }
  return bytes.subarray(0, done);
}
