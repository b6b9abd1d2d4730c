import { RAM } from '../state/layout.ts';
import type { PagingMode } from './paging-mode.ts';
import type { PhysicalMemory } from './physical.ts';
import type { TableStart } from './table-cache.ts';

export type { PagingMode } from './paging-mode.ts';

/** What is being done with an address. */
export type Access = 'read' | 'write' | 'fetch';

/** A translation with the rights combined over all levels (SDM 3A 4.6): what a TLB entry holds. */
export interface Translation {
  /** Physical address of the 4 KiB frame. */
  readonly frame: number;
  /** log2 of the page's size: 12, 21 or 30. */
  readonly shift: number;
  readonly writable: boolean;
  readonly user: boolean;
  readonly executable: boolean;
  readonly dirty: boolean;
  readonly global: boolean;
  /** Protection key. */
  readonly key: number;
}

/** Bits of a #PF error code (SDM 3A 4.7). */
export const PF = { P: 1, W: 2, U: 4, RSVD: 8, I: 16, PK: 32 } as const;

const PRESENT = 1;
const WRITABLE = 2;
const USER = 4;
const ACCESSED = 0x20;
const DIRTY = 0x40;
const LARGE = 0x80;
const GLOBAL = 0x100;
/** Bits of the high doubleword: XD is bit 63, the key 62:59; 51:40 are beyond MAXPHYADDR = 40. */
const XD_HIGH = 0x8000_0000;
const KEY_SHIFT = 27;
const RESERVED_HIGH = 0x000f_ff00;
/** Address bits that must be clear in the entry of a page of 2 MiB and of 1 GiB; bit 12 is PAT there. */
const RESERVED_2M = 0x001f_e000;
const RESERVED_1G = 0x3fff_e000;

/** Largest physical address width that CPUID reports. */
export const MAXPHYADDR = 40;

/** Why a walk found no translation: the P and RSVD bits of the error code. */
export type WalkFailure = 0 | 9;

/** An entry in which a walk has set A or D. */
export interface Marked {
  readonly level: number;
  /** Physical address. */
  readonly at: number;
  readonly bits: number;
}

/** What a walk may use and tell, besides the tables. */
export interface WalkAids {
  /** Where to begin, instead of at the root. */
  readonly from?: TableStart | undefined;
  /** Told of every table below the root that an entry led to. */
  readonly reached?: (start: TableStart) => void;
  /** Told of every entry that the walk is about to change. */
  readonly marked?: (entry: Marked) => void;
}

/**
 * Walks the page tables in guest memory (SDM 3A 4.5.4) for a canonical address and sets A in every entry used. With `write`, D is
 * set in the leaf where `allowed` says that the rights allow the write; the caller has checked nothing yet.
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
  aids: WalkAids = {},
): Translation | WalkFailure {
  const view = memory.view;
  const indices = [
    (low >>> 12) & 511,
    (low >>> 21) & 511,
    ((high << 2) | (low >>> 30)) & 511,
    (high >>> 7) & 511,
    (high >>> 16) & 511,
  ];
  let { level, table, writable, user, executable } = aids.from ?? {
    level: mode.levels - 1,
    table: mode.root,
    writable: true,
    user: true,
    executable: true,
  };
  for (; level >= 0; level--) {
    // Beyond the memory every bit reads as one, reserved ones too.
    if (table + 4096 > memory.size) return 9;
    const at = RAM + table + indices[level]! * 8;
    const lowWord = view.getUint32(at, true);
    const highWord = view.getUint32(at + 4, true);
    if (!(lowWord & PRESENT)) return 0;
    const large = (lowWord & LARGE) !== 0;
    const leaf = level === 0 || (level < 3 && large);
    if (highWord & RESERVED_HIGH || (highWord & XD_HIGH && !mode.noExecute)) return 9;
    if (level >= 3 && large) return 9;
    if (leaf && level === 1 && lowWord & RESERVED_2M) return 9;
    if (leaf && level === 2 && lowWord & RESERVED_1G) return 9;
    writable &&= (lowWord & WRITABLE) !== 0;
    user &&= (lowWord & USER) !== 0;
    executable &&= (highWord & XD_HIGH) === 0;
    const base = (highWord & 0xff) * 0x1_0000_0000 + ((lowWord & 0xffff_f000) >>> 0);
    if (!leaf) {
      mark(view, level, at, ACCESSED, aids);
      table = base;
      aids.reached?.({ level: level - 1, table, writable, user, executable });
      continue;
    }
    const shift = 12 + 9 * level;
    const span = 2 ** shift;
    const frame = base - (base % span) + ((low >>> 0) % span);
    const found: Translation = {
      frame: frame - (frame % 4096),
      shift,
      writable,
      user,
      executable,
      dirty: (lowWord & DIRTY) !== 0 || write,
      global: mode.globalPages && (lowWord & GLOBAL) !== 0,
      key: (highWord >>> KEY_SHIFT) & 15,
    };
    if (!allowed(found)) {
      // A translation that only fails its rights still counts as used: A is set, D is not.
      mark(view, level, at, ACCESSED, aids);
      return { ...found, dirty: (lowWord & DIRTY) !== 0 };
    }
    mark(view, level, at, write ? ACCESSED | DIRTY : ACCESSED, aids);
    return found;
  }
  return 0;
}

function mark(view: DataView, level: number, at: number, bits: number, { marked }: WalkAids): void {
  const before = view.getUint32(at, true);
  if ((before | bits) === before) return;
  marked?.({ level, at: at - RAM, bits: bits & ~before });
  view.setUint32(at, before | bits, true);
}

/** Who makes an access. */
export interface Accessor {
  /** CPL below 3, or the CPU by itself. */
  readonly supervisor: boolean;
  /** The CPU by itself: RFLAGS.AC does not count. */
  readonly implicit: boolean;
}

/**
 * Bits of the error code of an access that a translation's rights do not allow (SDM 3A 4.6, 4.7); 0 where they allow it.
 */
export function denial(t: Translation, access: Access, by: Accessor, mode: PagingMode): number {
  const keys = access === 'fetch' ? 0 : (t.user ? mode.userKeys : mode.supervisorKeys) >>> (2 * t.key);
  const protects = mode.writeProtect || (t.user && !by.supervisor);
  const locked = (keys & 1) !== 0 || ((keys & 2) !== 0 && access === 'write' && protects);
  if (locked) return PF.P | PF.PK;
  return permits(t, access, by, mode) ? 0 : PF.P;
}

function permits(t: Translation, access: Access, { supervisor, implicit }: Accessor, mode: PagingMode): boolean {
  if (!supervisor) return t.user && (access === 'read' || (access === 'write' ? t.writable : t.executable));
  if (access === 'fetch') return t.executable && !(t.user && mode.smep);
  if (t.user && mode.smap && (implicit || !mode.ac)) return false;
  return access === 'read' || t.writable || !mode.writeProtect;
}
