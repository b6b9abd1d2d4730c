import type { CpuState } from '../state/cpu-state.ts';
import * as L from '../state/layout.ts';
import { FLAG } from '../state/rflags.ts';

/** The control-register state that a walk and a rights check depend on. */
export interface PagingMode {
  /** CR0.PG; without it linear addresses are physical. */
  readonly paged: boolean;
  /** Physical address of the table that CR3 names. */
  readonly root: number;
  /** Levels of tables: 4, or 5 with CR4.LA57. */
  readonly levels: number;
  /** Process-context identifier; 0 without CR4.PCIDE. */
  readonly pcid: number;
  readonly writeProtect: boolean;
  readonly noExecute: boolean;
  readonly smep: boolean;
  readonly smap: boolean;
  /** RFLAGS.AC: lifts SMAP and LASS for data accesses that the program makes itself. */
  readonly ac: boolean;
  readonly globalPages: boolean;
  /** Rights by protection key, two bits each (AD, WD), of user pages and of supervisor pages; 0 where keys are off. */
  readonly userKeys: number;
  readonly supervisorKeys: number;
  /** Linear-address space separation (SDM 3A 4.15): bit 63 alone decides between user and supervisor. */
  readonly lass: boolean;
  /** Highest address bit that counts, 47 or 56, of pointers whose bit 63 is 0 or 1; 0 where nothing is masked (LAM). */
  readonly userTop: number;
  readonly supervisorTop: number;
}

const CR0_PG = 1n << 31n;
const CR0_WP = 1n << 16n;
const CR0_AM = 1n << 18n;
const CR3_PCID = 0xfffn;
const CR3_BASE = 0xff_ffff_f000n;
const CR3_LAM_U57 = 1n << 61n;
const CR3_LAM_U48 = 1n << 62n;
const CR4 = {
  PGE: 1n << 7n,
  LA57: 1n << 12n,
  PCIDE: 1n << 17n,
  SMEP: 1n << 20n,
  SMAP: 1n << 21n,
  PKE: 1n << 22n,
  PKS: 1n << 24n,
  LASS: 1n << 27n,
  LAM_SUP: 1n << 28n,
} as const;
const EFER_NXE = 1n << 11n;
/** Highest address bits of four- and five-level paging. */
const TOP48 = 47;
const TOP57 = 56;

/** Paging as the control registers of a CPU have it now. */
export function pagingMode(cpu: CpuState): PagingMode {
  const [cr0, cr3, cr4] = [cpu.u64(L.CR0), cpu.u64(L.CR3), cpu.u64(L.CR4)];
  const has = (bit: bigint): boolean => (cr4 & bit) !== 0n;
  return {
    paged: (cr0 & CR0_PG) !== 0n,
    root: Number(cr3 & CR3_BASE),
    levels: has(CR4.LA57) ? 5 : 4,
    pcid: has(CR4.PCIDE) ? Number(cr3 & CR3_PCID) : 0,
    writeProtect: (cr0 & CR0_WP) !== 0n,
    noExecute: (cpu.u64(L.EFER) & EFER_NXE) !== 0n,
    smep: has(CR4.SMEP),
    smap: has(CR4.SMAP),
    ac: (cpu.rflags & FLAG.AC) !== 0,
    globalPages: has(CR4.PGE),
    userKeys: has(CR4.PKE) ? cpu.view.getUint32(L.PKRU, true) : 0,
    supervisorKeys: has(CR4.PKS) ? Number(cpu.u64(L.PKRS) & 0xffff_ffffn) : 0,
    lass: has(CR4.LASS),
    userTop: cr3 & CR3_LAM_U57 ? TOP57 : cr3 & CR3_LAM_U48 ? TOP48 : 0,
    supervisorTop: has(CR4.LAM_SUP) ? (has(CR4.LA57) ? TOP57 : TOP48) : 0,
  };
}

/** CR0.AM: with RFLAGS.AC it makes CPL 3 check alignments. */
export const checksAlignment = (cpu: CpuState): boolean => (cpu.u64(L.CR0) & CR0_AM) !== 0n;

/** Whether the CPU translates with five levels. */
export const hasFiveLevels = (cr4: bigint): boolean => (cr4 & CR4.LA57) !== 0n;

/**
 * Upper half of a data address with the tag taken out (linear-address masking): bit 63 stays, the bits below it down to the highest
 * that counts are copies of that.
 */
export function withoutTag(high: number, { userTop, supervisorTop }: PagingMode): number {
  const top = high < 0 || high >= 0x8000_0000 ? supervisorTop : userTop;
  if (top === 0) return high >>> 0;
  const bit = top - 32;
  const tag = (0x7fff_ffff >> (bit + 1)) << (bit + 1);
  const masked = (high >>> bit) & 1 ? high | tag : high & ~tag;
  return masked >>> 0;
}

/** Whether the bits of an address above the highest that counts are copies of it; its upper half decides. */
export function isCanonical(high: number, levels: number): boolean {
  const upper = levels === 5 ? high >>> (TOP57 - 32) : high >>> (TOP48 - 32);
  return upper === 0 || upper === (levels === 5 ? 0xff : 0x1_ffff);
}
