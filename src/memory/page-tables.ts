import { RAM } from '../state/layout.ts';
import { PAGE_SIZE, type PhysicalMemory } from './physical.ts';

/** Rights of a user's page. A page that is mapped is readable, as the architecture has it. */
export interface PageRights {
  readonly write: boolean;
  readonly execute: boolean;
  /** False keeps CPL 3 out (U/S = 0). */
  readonly user: boolean;
}

/** What a page-table entry says. */
export interface PageEntry extends PageRights {
  /** Physical address of the frame. */
  readonly frame: number;
  readonly accessed: boolean;
  readonly dirty: boolean;
}

/** Told of one mapped page: its linear address and its frame. It may unmap that page. */
export type PageVisitor = (linear: number, frame: number) => void;

/** Bits of a page-table entry (SDM 3A table 4-20). XD is bit 63, so bit 31 of the upper half. */
export const PTE = { P: 1, RW: 2, US: 4, A: 0x20, D: 0x40, XD_HIGH: 0x8000_0000 } as const;

const ENTRIES = 512;
/** Bytes of linear address space under one page table. */
const TABLE_SPAN = PAGE_SIZE * ENTRIES;
const FRAME_MASK = 0xffff_f000;
/** Inner entries allow everything: the leaf decides. The walker need not set A there again. */
const INNER = PTE.P | PTE.RW | PTE.US | PTE.A;
/** End of the lower half of the linear address space. */
const LOWER_HALF = 2 ** 47;

/**
 * Real 4-level page tables in guest memory (SDM 3A 4.5), for linear addresses below 2^47, in pages of 4 KiB.
 * The engine walks the same bytes. Nothing here flushes a TLB: whoever takes rights away does.
 */
export class PageTables {
  /** Physical address of the PML4: what CR3 gets. */
  readonly root: number;
  readonly #memory: PhysicalMemory;
  /** The page table used last, and the linear address that it starts at: neighbours are mapped one after another. */
  #lastBase = -1;
  #lastTable = 0;

  /** @throws OutOfMemory when there is no frame for the root. */
  constructor(memory: PhysicalMemory) {
    this.#memory = memory;
    this.root = memory.allocateFrame();
  }

  /** Maps `linear` (page-aligned) to the frame at `physical`, replacing what was there. @throws OutOfMemory */
  map4k(linear: number, physical: number, rights: PageRights): void {
    const at = this.#leaf(linear, true);
    this.#set(at, physical | PTE.P | PTE.A | flags(rights), rights.execute ? 0 : PTE.XD_HIGH);
  }

  /** Takes the mapping away; returns the frame that it led to, or null when there was none. The caller frees it. */
  unmap(linear: number): number | null {
    const at = this.#leaf(linear, false);
    if (at === 0) return null;
    const low = this.#memory.view.getUint32(at, true);
    this.#set(at, 0, 0);
    return low & PTE.P ? (low & FRAME_MASK) >>> 0 : null;
  }

  /** Gives a mapped page other rights and keeps A and D; returns false when nothing is mapped there. */
  protect(linear: number, rights: PageRights): boolean {
    const at = this.#leaf(linear, false);
    if (at === 0) return false;
    const low = this.#memory.view.getUint32(at, true);
    if ((low & PTE.P) === 0) return false;
    this.#set(at, (low & ~(PTE.RW | PTE.US)) | flags(rights), rights.execute ? 0 : PTE.XD_HIGH);
    return true;
  }

  /** The entry of the page that holds `linear`, or null. */
  lookup(linear: number): PageEntry | null {
    const at = this.#leaf(linear, false);
    if (at === 0) return null;
    const { view } = this.#memory;
    const low = view.getUint32(at, true);
    if ((low & PTE.P) === 0) return null;
    return {
      frame: (low & FRAME_MASK) >>> 0,
      write: (low & PTE.RW) !== 0,
      user: (low & PTE.US) !== 0,
      execute: (view.getUint32(at + 4, true) & PTE.XD_HIGH) === 0,
      accessed: (low & PTE.A) !== 0,
      dirty: (low & PTE.D) !== 0,
    };
  }

  /**
   * Physical address behind `linear` for an access from CPL 3, or -1 when the tables do not allow it. Allocates nothing,
   * so it is the path for copying. Sets D for a write, as the CPU would.
   */
  translate(linear: number, write: boolean): number {
    const at = this.#leaf(linear, false);
    if (at === 0) return -1;
    const low = this.#memory.view.getUint32(at, true);
    const need = PTE.P | PTE.US | (write ? PTE.RW : 0);
    if ((low & need) !== need) return -1;
    if (write && (low & PTE.D) === 0) this.#memory.view.setUint32(at, low | PTE.D | PTE.A, true);
    return ((low & FRAME_MASK) >>> 0) + (linear % PAGE_SIZE);
  }

  /** Clears D of a page; returns whether it was set. The caller flushes the page. */
  clean(linear: number): boolean {
    const at = this.#leaf(linear, false);
    if (at === 0) return false;
    const low = this.#memory.view.getUint32(at, true);
    if ((low & (PTE.P | PTE.D)) !== (PTE.P | PTE.D)) return false;
    this.#memory.view.setUint32(at, low & ~PTE.D, true);
    return true;
  }

  /** Calls `visit` for each mapped page of [start, end) in ascending order; skips what has no tables. */
  forEach(start: number, end: number, visit: PageVisitor): void {
    if (start < end) this.#visit(this.root, 3, 0, start, end, visit);
  }

  #visit(table: number, level: number, base: number, start: number, end: number, visit: PageVisitor): void {
    const span = PAGE_SIZE * ENTRIES ** level;
    const first = Math.max(0, Math.floor((start - base) / span));
    const last = Math.min(ENTRIES - 1, Math.floor((end - 1 - base) / span));
    for (let i = first; i <= last; i++) {
      const low = this.#memory.view.getUint32(RAM + table + 8 * i, true);
      if ((low & PTE.P) === 0) continue;
      const frame = (low & FRAME_MASK) >>> 0;
      if (level === 0) visit(base + i * span, frame);
      else this.#visit(frame, level - 1, base + i * span, start, end, visit);
    }
  }

  /** Gives back every table frame, the root too. Frames of mapped pages are the caller's. The tables are dead then. */
  destroy(): void {
    this.#destroyLevel(this.root, 4);
    this.#lastBase = -1;
  }

  #destroyLevel(table: number, level: number): void {
    if (level > 1) {
      for (let i = 0; i < ENTRIES; i++) {
        const low = this.#memory.view.getUint32(RAM + table + 8 * i, true);
        if (low & PTE.P) this.#destroyLevel((low & FRAME_MASK) >>> 0, level - 1);
      }
    }
    this.#memory.freeFrame(table);
  }

  #set(at: number, low: number, high: number): void {
    this.#memory.view.setUint32(at, low, true);
    this.#memory.view.setUint32(at + 4, high, true);
  }

  /** Address in the WebAssembly memory of the leaf entry for `linear`; 0 when a table is missing and `create` is false. */
  #leaf(linear: number, create: boolean): number {
    if (!(linear >= 0 && linear < LOWER_HALF)) throw new RangeError(`linear address ${linear} is not below 2^47`);
    const page = Math.floor(linear / PAGE_SIZE);
    const base = Math.floor(linear / TABLE_SPAN);
    if (base !== this.#lastBase) {
      let table = this.root;
      for (let level = 3; level > 0; level--) {
        const index = Math.floor(page / ENTRIES ** level) % ENTRIES;
        const at = RAM + table + 8 * index;
        let low = this.#memory.view.getUint32(at, true);
        if ((low & PTE.P) === 0) {
          if (!create) return 0;
          low = this.#memory.allocateFrame() | INNER;
          this.#set(at, low, 0);
        }
        table = (low & FRAME_MASK) >>> 0;
      }
      this.#lastBase = base;
      this.#lastTable = table;
    }
    return RAM + this.#lastTable + 8 * (page % ENTRIES);
  }
}

function flags(rights: PageRights): number {
  return (rights.write ? PTE.RW : 0) | (rights.user ? PTE.US : 0);
}
