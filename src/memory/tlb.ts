import type { Translation } from './paging.ts';
import { TableCache } from './table-cache.ts';

/** Pages in a group: those that share a page table. */
const GROUP = 512;
/** log2 of a group's span. */
const GROUP_SHIFT = 21;
const SHIFT_1G = 30;
/** Groups in a page of 1 GiB. */
const GROUPS_1G = 512;

type Group = (Translation | undefined)[];

/**
 * Translations of one address space by linear page. The grouping keeps every key a small integer. A large page has an entry for each
 * 4 KiB of it that has been used, and they go together.
 */
class Space {
  readonly #groups = new Map<number, Group>();
  size = 0;
  /** Entries that belong to pages of more than 4 KiB, and of 1 GiB. */
  #large = 0;
  #huge = 0;

  get(high: number, low: number): Translation | undefined {
    return this.#groups.get(groupOf(high, low))?.[(low >>> 12) % GROUP];
  }

  set(high: number, low: number, translation: Translation): void {
    const key = groupOf(high, low);
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = new Array<Translation | undefined>(GROUP).fill(undefined);
      this.#groups.set(key, group);
    }
    this.#replace(group, (low >>> 12) % GROUP, translation);
  }

  #replace(group: Group, at: number, translation: Translation | undefined): void {
    const old = group[at];
    if (old !== undefined) this.#count(old, -1);
    if (translation !== undefined) this.#count(translation, 1);
    group[at] = translation;
  }

  #count({ shift }: Translation, by: number): void {
    this.size += by;
    if (shift >= GROUP_SHIFT) this.#large += by;
    if (shift === SHIFT_1G) this.#huge += by;
  }

  /** Drops what translates an address, whatever the size of its page; true where parts of a large page may have gone. */
  delete(high: number, low: number): boolean {
    const key = groupOf(high, low);
    const group = this.#groups.get(key);
    const large = this.#large > 0;
    if (group !== undefined) this.#replace(group, (low >>> 12) % GROUP, undefined);
    if (large) this.#deleteIn(key, GROUP_SHIFT);
    if (this.#huge === 0) return large;
    const first = key - (key % GROUPS_1G);
    for (let other = first; other < first + GROUPS_1G; other++) this.#deleteIn(other, SHIFT_1G);
    return true;
  }

  /** Drops what a group has of pages of at least that size. */
  #deleteIn(key: number, shift: number): void {
    const group = this.#groups.get(key);
    if (group === undefined) return;
    for (let i = 0; i < GROUP; i++) if ((group[i]?.shift ?? 0) >= shift) this.#replace(group, i, undefined);
  }
}

/** Bits 56:21 of the address. */
const groupOf = (high: number, low: number): number => (high & 0x1ff_ffff) * 2048 + (low >>> GROUP_SHIFT);

/**
 * Translations by process-context identifier and linear page; global ones belong to all. An entry lives until somebody drops it:
 * nothing here knows about the page tables (SDM 3A 4.10.2). Addresses come as two 32-bit halves.
 */
export class Tlb {
  readonly #spaces = new Map<number, Space>();
  /** What is cached of the tables above. */
  readonly tables = new TableCache();
  #global = new Space();

  /** Global translations among `size`. */
  get globals(): number {
    return this.#global.size;
  }

  get size(): number {
    let size = this.#global.size;
    for (const space of this.#spaces.values()) size += space.size;
    return size;
  }

  get(pcid: number, high: number, low: number): Translation | undefined {
    return this.#spaces.get(pcid)?.get(high, low) ?? this.#global.get(high, low);
  }

  set(pcid: number, high: number, low: number, translation: Translation): void {
    // Never two entries of one address: the one that is there may be of the other kind.
    if (translation.global) {
      this.#spaces.get(pcid)?.delete(high, low);
      return this.#global.set(high, low, translation);
    }
    let space = this.#spaces.get(pcid);
    if (space === undefined) {
      space = new Space();
      this.#spaces.set(pcid, space);
    }
    space.set(high, low, translation);
  }

  /** Drops the translations of a page under a PCID, and unless `kept` global ones; true where parts of a large page may have gone. */
  delete(pcid: number, high: number, low: number, kept: 'global' | 'none' = 'none'): boolean {
    const large = this.#spaces.get(pcid)?.delete(high, low) ?? false;
    return (kept === 'none' && this.#global.delete(high, low)) || large;
  }

  /** Drops what a PCID has, but for global translations. */
  dropContext(pcid: number): void {
    this.#spaces.delete(pcid);
    this.tables.dropContext(pcid);
  }

  /** Drops everything but global translations. */
  dropNonGlobal(): void {
    this.#spaces.clear();
    this.tables.clear();
  }

  dropGlobal(): void {
    this.#global = new Space();
  }

  clear(): void {
    this.dropNonGlobal();
    this.dropGlobal();
  }
}
