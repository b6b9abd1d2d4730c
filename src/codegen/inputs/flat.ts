import type { CodeFunction, CodeUnit, Place } from '../build.ts';

/** A function of flat code. */
export interface FlatFunction {
  readonly name: string;
  readonly address: number;
  readonly bytes: Uint8Array;
}

/** Code without a file format: bytes at addresses, and names that somebody gave. */
export class FlatUnit implements CodeUnit {
  readonly name: string;
  readonly kind = 'flat';
  readonly functions: readonly CodeFunction[];
  readonly sized = [];
  readonly #bytes = new Map<CodeFunction, Uint8Array>();
  readonly names: ReadonlyMap<number, string>;

  /** @param names of addresses: functions and data that the code refers to, per-CPU offsets among them */
  constructor(name: string, functions: readonly FlatFunction[], names: ReadonlyMap<number, string>) {
    this.name = name;
    this.names = names;
    this.functions = functions.map(({ name: own, address, bytes }) => {
      const fn: CodeFunction = {
        name: own,
        aliases: [],
        address,
        size: bytes.length,
        exact: true,
        section: 0,
        unit: this,
      };
      this.#bytes.set(fn, bytes);
      return fn;
    });
  }

  bytesOf(fn: CodeFunction): Uint8Array {
    return this.#bytes.get(fn)!;
  }

  relocationsOf(): readonly [] {
    return [];
  }

  relocated(): Place {
    throw new Error('flat code has no relocations');
  }

  placeOf(address: number): Place | null {
    const name = this.names.get(address);
    if (name !== undefined) {
      const [, symbol, offset] = /^(.*?)(?:\+(\d+|0x[0-9a-f]+))?$/i.exec(name)!;
      return { symbol: symbol!, offset: Number(offset ?? 0), content: null };
    }
    const own = this.functions.find((fn) => address >= fn.address && address < fn.address + fn.size);
    return own === undefined ? null : { symbol: own.name, offset: address - own.address, content: null };
  }

  slotName(address: number): string | null {
    return this.names.get(address) ?? null;
  }

  addressOf(name: string): number | undefined {
    for (const [address, known] of this.names) if (known === name) return address;
    const fn = this.functions.find((row) => row.name === name);
    return fn?.address;
  }

  sectionName(): string {
    return '';
  }
}

/** Splits flat bytes at the names that lie in them; what has no name is `code`. */
export function splitFlat(
  name: string,
  bytes: Uint8Array,
  address: number,
  names: ReadonlyMap<number, string>,
): FlatUnit {
  const starts = [...names].filter(([at]) => at > address && at < address + bytes.length).sort(([a], [b]) => a - b);
  const first: [number, string] = [address, names.get(address) ?? 'code'];
  const all = [first, ...starts];
  const functions = all.map(([at, own], i) => ({
    name: own,
    address: at,
    bytes: bytes.subarray(at - address, (all[i + 1]?.[0] ?? address + bytes.length) - address),
  }));
  return new FlatUnit(name, functions, names);
}
