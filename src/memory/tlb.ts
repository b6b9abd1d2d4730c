import type { Translation } from './paging.ts';

/** Pages in a group: those that share a page table. */
const GROUP = 512;

/**
 * Translations by linear page. An entry lives until somebody drops it: nothing here knows about the page tables
 * (SDM 3A 4.10.2). Addresses come as two 32-bit halves; the grouping keeps every key a small integer.
 */
export class Tlb {
  readonly #groups = new Map<number, (Translation | undefined)[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

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
    const at = (low >>> 12) % GROUP;
    if (group[at] === undefined) this.#size++;
    group[at] = translation;
  }

  delete(high: number, low: number): void {
    const group = this.#groups.get(groupOf(high, low));
    const at = (low >>> 12) % GROUP;
    if (group?.[at] === undefined) return;
    group[at] = undefined;
    this.#size--;
  }

  dropNonGlobal(): void {
    for (const group of this.#groups.values())
      for (const [at, translation] of group.entries())
        if (translation !== undefined && !translation.global) {
          group[at] = undefined;
          this.#size--;
        }
  }

  clear(): void {
    this.#groups.clear();
    this.#size = 0;
  }
}

/** Bits 47:21 of the address. */
const groupOf = (high: number, low: number): number => (high & 0xffff) * 2048 + (low >>> 21);
