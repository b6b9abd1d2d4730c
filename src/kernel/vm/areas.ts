import type { PageRights } from '../../memory/page-tables.ts';
import type { Backing, SharedPages } from './backing.ts';
import { PROT } from './flags.ts';
import { MMAP_BASE, MMAP_MIN_ADDR, PAGE, STACK_GUARD_GAP, TASK_SIZE, TASK_UNMAPPED_BASE } from './layout.ts';

/** One mapping: a range of pages with the same rights and the same source (Linux: `vm_area_struct`). */
export interface Area {
  start: number;
  end: number;
  /** PROT_READ, PROT_WRITE, PROT_EXEC. */
  prot: number;
  /** What mprotect may raise `prot` to. */
  readonly maxProt: number;
  readonly growsDown: boolean;
  /** The file behind it, or null for anonymous memory. */
  readonly backing: Backing | null;
  /** Frames shared with other mappings, or null for private memory. */
  readonly shared: SharedPages | null;
  /** Offset in bytes, into the file or the shared memory, of the first page. */
  offset: number;
  /** `[heap]`, `[stack]` or empty. */
  readonly name: string;
  /** Whether its size was checked against all memory when it became writable. */
  accounted: boolean;
  /** MADV_DONTFORK: a child does not get it; MADV_WIPEONFORK: it gets zeros. */
  dontFork: boolean;
  wipeOnFork: boolean;
  /** mseal(2): it stays as it is. */
  sealed?: boolean;
}

export const accessible = (prot: number): boolean => (prot & (PROT.READ | PROT.WRITE | PROT.EXEC)) !== 0;

/** One more mapping of the area's file and shared memory. */
export function retain(area: Area): void {
  area.backing?.retain();
  area.shared?.retain();
}

/** One mapping fewer; the last one writes shared memory back before its file goes. */
export function release(area: Area): void {
  area.shared?.release();
  area.backing?.release();
}

function mergeable(a: Area, b: Area): boolean {
  return (
    a.end === b.start &&
    a.prot === b.prot &&
    a.maxProt === b.maxProt &&
    a.growsDown === b.growsDown &&
    a.backing === b.backing &&
    a.shared === b.shared &&
    a.name === b.name &&
    a.accounted === b.accounted &&
    a.dontFork === b.dontFork &&
    a.wipeOnFork === b.wipeOnFork &&
    a.sealed === b.sealed &&
    ((a.backing === null && a.shared === null) || a.offset + (a.end - a.start) === b.offset)
  );
}

/** The mappings of one address space in ascending order. Pages are not its business. */
export class AreaList {
  #areas: Area[] = [];

  get all(): readonly Area[] {
    return this.#areas;
  }

  /** Index of the first area that ends above `address`. */
  #index(address: number): number {
    let low = 0;
    let high = this.#areas.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#areas[middle]!.end <= address) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The area that holds `address`. */
  at(address: number): Area | undefined {
    const area = this.#areas[this.#index(address)];
    return area !== undefined && area.start <= address ? area : undefined;
  }

  /** The first area that ends above `address`: the one that holds it, or the next one. */
  next(address: number): Area | undefined {
    return this.#areas[this.#index(address)];
  }

  /** The last area that ends at or below `address`. */
  before(address: number): Area | undefined {
    return this.#areas[this.#index(address) - 1];
  }

  /** The areas that overlap [start, end), uncut. */
  overlapping(start: number, end: number): Area[] {
    const found: Area[] = [];
    for (let i = this.#index(start); i < this.#areas.length && this.#areas[i]!.start < end; i++) {
      found.push(this.#areas[i]!);
    }
    return found;
  }

  /** Cuts areas so that none crosses `address`. */
  split(address: number): void {
    const index = this.#index(address);
    const area = this.#areas[index];
    if (area === undefined || area.start >= address) return;
    retain(area);
    this.#areas.splice(index + 1, 0, { ...area, start: address, offset: area.offset + (address - area.start) });
    area.end = address;
  }

  /** The areas inside [start, end), cut at its ends. */
  carve(start: number, end: number): Area[] {
    this.split(start);
    this.split(end);
    return this.overlapping(start, end);
  }

  /** Takes the areas of [start, end) out, cut at its ends, and returns them. */
  remove(start: number, end: number): Area[] {
    const areas = this.carve(start, end);
    if (areas.length > 0) this.#areas.splice(this.#index(start), areas.length);
    return areas;
  }

  /** Puts an area into a free place and joins it with equal neighbours. */
  insert(area: Area): void {
    this.#areas.splice(this.#index(area.start), 0, area);
    this.merge(area.start, area.end);
  }

  /** Joins equal neighbours in and around [start, end). */
  merge(start: number, end: number): void {
    let i = Math.max(0, this.#index(start) - 1);
    while (i + 1 < this.#areas.length && this.#areas[i]!.start < end) {
      const left = this.#areas[i]!;
      const right = this.#areas[i + 1]!;
      if (mergeable(left, right)) {
        left.end = right.end;
        release(right);
        this.#areas.splice(i + 1, 1);
      } else {
        i++;
      }
    }
  }

  /** True when [start, end) touches no area, nor the guard gap under a stack above it. */
  free(start: number, end: number): boolean {
    const next = this.next(start);
    return next === undefined || end <= guardedStart(next);
  }

  /**
   * Where Linux puts a mapping of `length` bytes: at the hint when that is free, else as high as possible below the
   * stack, else as low as possible above a third of the address space. Returns -1 when there is no room.
   */
  place(hint: number, length: number): number {
    if (length > TASK_SIZE - MMAP_MIN_ADDR) return -1;
    if (hint !== 0 && hint <= TASK_SIZE - length && this.free(hint, hint + length)) return hint;
    let ceiling = MMAP_BASE;
    for (let i = this.#areas.length - 1; i >= -1; i--) {
      const floor = i < 0 ? MMAP_MIN_ADDR : this.#areas[i]!.end;
      if (floor <= ceiling && ceiling - floor >= length) return ceiling - length;
      if (i >= 0) ceiling = Math.min(ceiling, guardedStart(this.#areas[i]!));
    }
    let floor = TASK_UNMAPPED_BASE;
    for (let i = this.#index(floor); i <= this.#areas.length; i++) {
      const area = this.#areas[i];
      const roof = area === undefined ? TASK_SIZE : guardedStart(area);
      if (roof - floor >= length) return floor;
      if (area !== undefined) floor = Math.max(floor, area.end);
    }
    return -1;
  }
}

/** Where the room below an area ends: a stack that grows keeps a gap for itself. */
export function guardedStart(area: Area): number {
  return area.growsDown ? Math.max(PAGE, area.start - STACK_GUARD_GAP) : area.start;
}

/** What the page tables say of the area's pages. */
export function pageRights(area: Area): PageRights {
  return {
    write: (area.prot & PROT.WRITE) !== 0,
    execute: (area.prot & PROT.EXEC) !== 0,
    user: accessible(area.prot),
  };
}
