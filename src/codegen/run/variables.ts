import { SHF, STB, STT } from '../../elf/format.ts';
import type { Section } from '../../elf/sections.ts';
import { isPlaced, type SymbolRow } from '../../elf/symbol-rows.ts';

// Variables that every file may write: no compiler knows what they hold when a function is entered. What it knows of a static one that
// nothing writes, or only two values, it may build into the code.

/** Up to eight bytes of a variable. */
export interface VariableWord {
  /** `symbol+0x8`: the same in every build of one source. */
  readonly name: string;
  readonly address: bigint;
  readonly size: number;
}

interface Variable {
  readonly name: string;
  readonly address: number;
  readonly size: number;
}

const WORD = 8;
/** Written by the loader and by nobody else. */
const READ_ONLY = /^\.data\.rel\.ro|^\.(got|dynamic|init_array|fini_array)\b/;

/** The global variables of a build, by address and by name. */
export class GlobalVariables {
  readonly #rows: Variable[];
  readonly #byName = new Map<string, VariableWord>();

  /** @param addressOf where a symbol stands in the image */
  constructor(symbols: readonly SymbolRow[], sections: readonly Section[], addressOf: (symbol: SymbolRow) => number) {
    const isVariable = (row: SymbolRow): boolean => {
      if (row.type !== STT.OBJECT || row.binding === STB.LOCAL || row.size === 0 || !isPlaced(row, sections))
        return false;
      const section = sections[row.section];
      return section !== undefined && (section.flags & SHF.WRITE) !== 0n && !READ_ONLY.test(section.name);
    };
    this.#rows = symbols
      .filter(isVariable)
      .map((row) => ({ name: row.name, address: addressOf(row), size: row.size }))
      .sort((a, b) => a.address - b.address);
  }

  /** Words of the variables that an aligned word of memory holds parts of. */
  at(aligned: bigint): VariableWord[] {
    const from = Number(BigInt.asIntN(64, aligned));
    const found: VariableWord[] = [];
    for (let n = this.#first(from + WORD); n >= 0; n--) {
      const { name, address, size } = this.#rows[n]!;
      if (address + size <= from) break;
      for (
        let at = Math.max(0, Math.floor((from - address) / WORD) * WORD);
        at < size && address + at < from + WORD;
        at += WORD
      ) {
        found.push(this.#word(name, address + at, at, Math.min(WORD, size - at)));
      }
    }
    return found;
  }

  #word(variable: string, address: number, offset: number, size: number): VariableWord {
    const name = `${variable}+0x${offset.toString(16)}`;
    let word = this.#byName.get(name);
    if (word === undefined) {
      word = { name, address: BigInt.asUintN(64, BigInt(address)), size };
      this.#byName.set(name, word);
    }
    return word;
  }

  /** The word of a name that `at` has given in this build or another one; null where this one has no such variable. */
  word(name: string): VariableWord | null {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const [variable, text = ''] = name.split(/\+(?=0x[0-9a-f]+$)/);
    const row = this.#rows.find((other) => other.name === variable);
    const offset = Number(text);
    return row === undefined || offset >= row.size
      ? null
      : this.#word(row.name, row.address + offset, offset, Math.min(WORD, row.size - offset));
  }

  /** The last variable that begins before an address; -1 where none does. */
  #first(before: number): number {
    let low = 0;
    let high = this.#rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#rows[middle]!.address < before) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

/** What input says of variables, put into a page of the image. @returns the page itself where nothing of it is said */
export function withVariables(
  bytes: Uint8Array,
  page: bigint,
  said: ReadonlyMap<string, bigint>,
  variables: GlobalVariables,
): Uint8Array {
  let changed: Uint8Array | null = null;
  for (const [name, value] of said) {
    const word = variables.word(name);
    if (word === null) continue;
    for (let i = 0; i < word.size; i++) {
      const at = Number(word.address - page) + i;
      if (at < 0 || at >= bytes.length) continue;
      changed ??= bytes.slice();
      changed[at] = Number((value >> BigInt(8 * i)) & 0xffn);
    }
  }
  return changed ?? bytes;
}
