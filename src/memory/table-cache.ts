/** Where a walk goes on: a table, and the rights combined over the entries above it. */
export interface TableStart {
  /** Level of the table's entries: 0 is a page table, 1 a page directory, 2 a table of PDPTEs, 3 a PML4 below a PML5. */
  readonly level: number;
  /** Physical address of the table. */
  readonly table: number;
  readonly writable: boolean;
  readonly user: boolean;
  readonly executable: boolean;
}

/** Entries that an address space keeps before it starts again; deterministic, like everything here. */
const CAPACITY = 4096;
/** Levels of tables below the root: three with four levels, four with five. */
const DEEPEST = 0;
const HIGHEST = 3;

/** The part of an address that chooses a table of a level: bits 56 down to the first that the table's own entries do not look at. */
function keyOf(level: number, high: number, low: number): number {
  const above = (high & 0x1ff_ffff) * 2048 + (low >>> 21);
  return Math.floor(above / 512 ** level) * (HIGHEST + 1) + level;
}

/**
 * Paging-structure caches (SDM 3A 4.10.3): for the upper bits of an address the table that its entries led to when somebody walked
 * them, by process-context identifier. Like translations, they live until somebody drops them: nothing here knows what has become
 * of the tables. Addresses come as two 32-bit halves.
 */
export class TableCache {
  readonly #spaces = new Map<number, Map<number, TableStart>>();

  /** The lowest table that is known for an address. */
  find(pcid: number, high: number, low: number): TableStart | undefined {
    const space = this.#spaces.get(pcid);
    if (space === undefined) return undefined;
    for (let level = DEEPEST; level <= HIGHEST; level++) {
      const found = space.get(keyOf(level, high, low));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  set(pcid: number, high: number, low: number, start: TableStart): void {
    let space = this.#spaces.get(pcid);
    if (space === undefined) {
      space = new Map();
      this.#spaces.set(pcid, space);
    }
    if (space.size >= CAPACITY) space.clear();
    space.set(keyOf(start.level, high, low), start);
  }

  /** Drops what would be used for an address. */
  dropPath(pcid: number, high: number, low: number): void {
    const space = this.#spaces.get(pcid);
    for (let level = DEEPEST; level <= HIGHEST; level++) space?.delete(keyOf(level, high, low));
  }

  dropContext(pcid: number): void {
    this.#spaces.delete(pcid);
  }

  clear(): void {
    this.#spaces.clear();
  }
}
