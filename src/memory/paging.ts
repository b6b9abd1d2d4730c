import { RAM } from '../state/layout.ts';
import type { PhysicalMemory } from './physical.ts';

/** What is being done with an address. */
export type Access = 'read' | 'write' | 'fetch';

/** A translation with the rights combined over all levels (SDM 3A 4.6): what a TLB entry holds. */
export interface Translation {
  /** Physical address of the 4 KiB frame. */
  readonly frame: number;
  readonly writable: boolean;
  readonly user: boolean;
  readonly executable: boolean;
  readonly dirty: boolean;
  readonly global: boolean;
}

/** Bits of a #PF error code (SDM 3A 4.7). */
export const PF = { P: 1, W: 2, U: 4, RSVD: 8, I: 16 } as const;

/** The control-register state a walk and a rights check depend on. */
export interface PagingMode {
  /** CR3, physical address of the PML4. */
  readonly root: number;
  readonly writeProtect: boolean;
  readonly noExecute: boolean;
  readonly smep: boolean;
  readonly smap: boolean;
  /** RFLAGS.AC: lifts SMAP. */
  readonly ac: boolean;
  readonly globalPages: boolean;
}

const PRESENT = 1;
const WRITABLE = 2;
const USER = 4;
const ACCESSED = 0x20;
const DIRTY = 0x40;
const LARGE = 0x80;
const GLOBAL = 0x100;
/** Bits of the high doubleword: XD is bit 63; 51:40 are beyond MAXPHYADDR = 40. */
const XD_HIGH = 0x8000_0000;
const RESERVED_HIGH = 0x000f_ff00;

/** Largest physical address width that CPUID reports. */
export const MAXPHYADDR = 40;

/** Why a walk found no translation: the P and RSVD bits of the error code. */
export type WalkFailure = 0 | 9;

/**
 * Walks four levels of page tables in guest memory (SDM 3A 4.5.4) for a canonical address and sets A in every entry used.
 * With `write`, D is set in the leaf once the rights allow the write; the caller has checked nothing yet, so `allowed` decides.
 *
 * @param high upper 32 bits of the linear address  @param low lower 32 bits
 */
export function walk(
  memory: PhysicalMemory,
  mode: PagingMode,
  high: number,
  low: number,
  write: boolean,
  allowed: (t: Translation) => boolean,
): Translation | WalkFailure {
  const view = memory.view;
  const indices = [(high >>> 7) & 511, ((high << 2) | (low >>> 30)) & 511, (low >>> 21) & 511, (low >>> 12) & 511];
  let table = mode.root;
  let writable = true;
  let user = true;
  let executable = true;
  const used: number[] = [];
  for (let level = 3; level >= 0; level--) {
    if (table + 4096 > memory.size) return 9;
    const at = RAM + table + indices[3 - level]! * 8;
    const lowWord = view.getUint32(at, true);
    const highWord = view.getUint32(at + 4, true);
    if (!(lowWord & PRESENT)) return 0;
    const leaf = level === 0 || (level < 3 && (lowWord & LARGE) !== 0);
    if (highWord & RESERVED_HIGH || (highWord & XD_HIGH && !mode.noExecute)) return 9;
    if (level === 3 && lowWord & LARGE) return 9;
    if (leaf && level === 1 && lowWord & 0x001f_e000) return 9;
    if (leaf && level === 2 && lowWord & 0x3fff_e000) return 9;
    writable &&= (lowWord & WRITABLE) !== 0;
    user &&= (lowWord & USER) !== 0;
    executable &&= (highWord & XD_HIGH) === 0;
    used.push(at);
    const base = (highWord & 0xff) * 0x1_0000_0000 + ((lowWord & 0xffff_f000) >>> 0);
    if (!leaf) {
      table = base;
      continue;
    }
    const span = 2 ** (12 + 9 * level);
    const frame = base - (base % span) + (((high & 0xffff) * 0x1_0000_0000 + (low >>> 0)) % span);
    const found: Translation = {
      frame: frame - (frame % 4096),
      writable,
      user,
      executable,
      dirty: (lowWord & DIRTY) !== 0 || write,
      global: mode.globalPages && (lowWord & GLOBAL) !== 0,
    };
    if (!allowed(found)) {
      // A translation that only fails its rights still counts as used: A is set, D is not.
      mark(view, used, 0);
      return { ...found, dirty: (lowWord & DIRTY) !== 0 };
    }
    mark(view, used, write ? DIRTY : 0);
    return found;
  }
  return 0;
}

function mark(view: DataView, entries: readonly number[], leafBits: number): void {
  entries.forEach((at, i) => {
    const before = view.getUint32(at, true);
    const after = before | ACCESSED | (i === entries.length - 1 ? leafBits : 0);
    if (after !== before) view.setUint32(at, after, true);
  });
}

/** Whether a translation's rights allow the access (the table of SDM 3A 4.6.1). */
export function permits(t: Translation, access: Access, supervisor: boolean, mode: PagingMode): boolean {
  if (!supervisor) return t.user && (access === 'read' || (access === 'write' ? t.writable : t.executable));
  if (access === 'fetch') return t.executable && !(t.user && mode.smep);
  if (t.user && mode.smap && !mode.ac) return false;
  return access === 'read' || t.writable || !mode.writeProtect;
}
