/**
 * The memory that a case sees on the host CPU. Everything else below the kernel's half is unmapped, or at addresses
 * that a case cannot know, so an access outside these regions is a page fault on the host as it is in a machine that
 * maps the same. `guest/oracle/oracle.c` holds the other copy of this table; a test compares the two by using them.
 */

export interface OracleRegion {
  readonly base: bigint;
  /** Bytes, a multiple of the page size. The pages before and after are unmapped. */
  readonly size: number;
  readonly writable: boolean;
  readonly executable: boolean;
  /** What every byte holds that a case does not set. */
  readonly background: number;
}

/** Two pages of data, readable and writable. */
export const DATA: OracleRegion = {
  base: 0x1000_0000n,
  size: 0x2000,
  writable: true,
  executable: false,
  background: 0,
};

/** One page that may only be read. */
export const READ_ONLY: OracleRegion = {
  base: 0x1000_3000n,
  size: 0x1000,
  writable: false,
  executable: false,
  background: 0,
};

/** Two pages of code, read and execute; the default place of a case's code. Background is INT3. */
export const CODE: OracleRegion = {
  base: 0x2000_0000n,
  size: 0x2000,
  writable: false,
  executable: true,
  background: 0xcc,
};

/** Two pages that may also be written: for code that changes itself. Background is INT3. */
export const WRITABLE_CODE: OracleRegion = {
  base: 0x3000_0000n,
  size: 0x2000,
  writable: true,
  executable: true,
  background: 0xcc,
};

export const REGIONS: readonly OracleRegion[] = [DATA, READ_ONLY, CODE, WRITABLE_CODE];

/** The pages of a region once more, readable and writable, at another address. A case places nothing there. */
export interface OracleAlias {
  readonly base: bigint;
  readonly of: OracleRegion;
}

export const DATA_ALIAS: OracleAlias = { base: 0x1001_0000n, of: DATA };
export const CODE_ALIAS: OracleAlias = { base: 0x3001_0000n, of: WRITABLE_CODE };
export const ALIASES: readonly OracleAlias[] = [DATA_ALIAS, CODE_ALIAS];

/** The address in its region of a byte that is named by an alias; any other address is itself. */
export function homeAddress(address: bigint): bigint {
  const alias = ALIASES.find(({ base, of }) => address >= base && address < base + BigInt(of.size));
  return alias === undefined ? address : address - alias.base + alias.of.base;
}

/** The region that holds `length` bytes from `address`, or undefined. */
export function regionOf(address: bigint, length: number): OracleRegion | undefined {
  return REGIONS.find((r) => address >= r.base && address + BigInt(length) <= r.base + BigInt(r.size));
}
