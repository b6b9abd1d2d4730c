/** A name at an address (or offset), with its size, 0 where unknown. */
export interface NamedPlace {
  readonly name: string;
  readonly address: number;
  readonly size: number;
  /** Number of the section that it belongs to. */
  readonly section: number;
  /** Higher is preferred at one address. */
  readonly rank: number;
  /** No other file can refer to it. */
  readonly local: boolean;
}

/** How many labels inside one symbol are looked past to find it. */
const MAX_NESTED = 64;

/** Names by address, for signed numbers. */
export class PlaceNames {
  readonly #rows: readonly NamedPlace[];
  readonly #starts: Float64Array;

  constructor(rows: readonly NamedPlace[]) {
    this.#rows = [...rows].sort((a, b) => a.address - b.address || a.rank - b.rank || (a.name < b.name ? 1 : -1));
    this.#starts = Float64Array.from(this.#rows, (row) => row.address);
  }

  /** The symbol that covers an address: one whose size reaches it, or a label without a size before it. */
  at(address: number): NamedPlace | null {
    const starts = this.#starts;
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (starts[middle]! <= address) low = middle + 1;
      else high = middle;
    }
    let ended = false;
    for (let i = low - 1; i >= 0 && i >= low - MAX_NESTED; i--) {
      const row = this.#rows[i]!;
      if (row.address === address) return row;
      if (row.size > 0) {
        if (address < row.address + row.size) return row;
        ended = true;
      } else if (!ended) return row;
    }
    return null;
  }

  /** The symbol that begins just there. */
  startingAt(address: number): NamedPlace | null {
    const row = this.at(address);
    return row !== null && row.address === address ? row : null;
  }
}
