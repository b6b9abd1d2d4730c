/** Where a function that runs alone finds things. Both builds of a comparison have the same, so that the same input is the same. */

/** Sections of an object file begin here: addresses fit signed and unsigned 32-bit fields. */
export const SECTIONS = 0x1000_0000;
/** The table of addresses that GOT relocations want. */
export const GOT = 0x2800_0000;
/** Names that a build does not define: a page each. */
export const EXTERNALS = 0x3000_0000;
export const EXTERNAL_SIZE = 0x1000;
/** Where the function returns to: nothing is there. */
export const RETURN = 0x4000_0000;
/** Bases of segments unless said. */
export const GS_BASE = 0x5100_0000_0000n;
export const FS_BASE = 0x5200_0000_0000n;
/** What pointers in generated arguments and memory lead to. */
export const ARENA = 0x6000_0000_0000n;
export const ARENA_OBJECT = 0x1_0000n;
export const STACK_TOP = 0x7ffe_0000_0000n;
export const STACK_SIZE = 0x2_0000;

/** Names outside a build, with an address each: the same for everybody who shares this. */
export class Externals {
  readonly #addresses = new Map<string, number>();
  readonly #names: string[] = [];

  addressOf(name: string): number {
    let address = this.#addresses.get(name);
    if (address === undefined) {
      address = EXTERNALS + this.#names.length * EXTERNAL_SIZE;
      this.#addresses.set(name, address);
      this.#names.push(name);
    }
    return address;
  }

  /** The name whose page holds an address. */
  at(address: bigint): { readonly name: string; readonly offset: number } | null {
    const offset = Number(address) - EXTERNALS;
    const name = offset >= 0 ? this.#names[Math.floor(offset / EXTERNAL_SIZE)] : undefined;
    return name === undefined ? null : { name, offset: offset % EXTERNAL_SIZE };
  }
}
