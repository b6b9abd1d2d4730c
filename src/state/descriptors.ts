/**
 * Segment descriptors, gates and selectors as bits (SDM 3A 3.4.5, 3.5, 6.14.1).
 *
 * A code or data descriptor, two doublewords:
 *
 *     low   31:16 base 15:0     15:0 limit 15:0
 *     high  31:24 base 31:24    23 G  22 D/B  21 L  20 AVL  19:16 limit 19:16
 *           15 P  14:13 DPL  12 S  11:8 type  7:0 base 23:16
 *
 * The attributes kept in the hidden part of a segment register are bits 23:20 and 15:8 of the high doubleword, at bits 15:12
 * and 7:0. Without P a register is unusable.
 */
export const ATTRIBUTE = {
  /** Type: accessed; writable data or readable code; expand-down data or conforming code; code. */
  ACCESSED: 1,
  READ_WRITE: 2,
  DOWN_CONFORMING: 4,
  CODE: 8,
  TYPE: 0xf,
  /** Code or data, not a system segment. */
  S: 0x10,
  DPL: 0x60,
  P: 0x80,
  L: 0x2000,
  DB: 0x4000,
  G: 0x8000,
} as const;

/** Types of system descriptors in IA-32e mode (SDM 3A table 3-2). */
export const SYSTEM_TYPE = {
  ldt: 2,
  availableTss: 9,
  busyTss: 0xb,
  callGate: 0xc,
  interruptGate: 0xe,
  trapGate: 0xf,
} as const;

/** Numbers of the segment registers in encoding order, and those that the hidden parts add. */
export const SEGMENT = { ES: 0, CS: 1, SS: 2, DS: 3, FS: 4, GS: 5, LDTR: 6, TR: 7 } as const;

/** Fields of a selector. */
export const RPL = 3;
export const TI = 4;
/** The selector as an error code holds it: without its RPL. */
export const selectorIndex = (selector: number): number => selector & 0xfffc;

/** What a segment register holds behind its selector. */
export interface Segment {
  readonly base: bigint;
  /** Offset of the last byte. */
  readonly limit: number;
  readonly attributes: number;
}

/** An unusable segment register, as a null selector leaves it. */
export const UNUSABLE: Segment = { base: 0n, limit: 0, attributes: 0 };

/** A segment descriptor's two doublewords as what a segment register holds. */
export function segmentOf(low: number, high: number): Segment {
  const limit = (low & 0xffff) | (high & 0xf_0000);
  const attributes = attributesOf(high);
  return {
    base: BigInt(((low >>> 16) | ((high & 0xff) << 16) | (high & 0xff00_0000)) >>> 0),
    limit: (attributes & ATTRIBUTE.G ? (limit << 12) | 0xfff : limit) >>> 0,
    attributes,
  };
}

/** Attributes of a descriptor's high doubleword. */
export const attributesOf = (high: number): number => ((high >>> 8) & 0xf0ff) >>> 0;
export const dplOf = (attributes: number): number => (attributes & ATTRIBUTE.DPL) >> 5;
export const typeOf = (attributes: number): number => attributes & ATTRIBUTE.TYPE;

export const isCode = (attributes: number): boolean =>
  (attributes & (ATTRIBUTE.S | ATTRIBUTE.CODE)) === (ATTRIBUTE.S | ATTRIBUTE.CODE);
export const isConforming = (attributes: number): boolean =>
  isCode(attributes) && (attributes & ATTRIBUTE.DOWN_CONFORMING) !== 0;
/** Data, or code that may be read. */
export const isReadable = (attributes: number): boolean =>
  (attributes & ATTRIBUTE.S) !== 0 && (!isCode(attributes) || (attributes & ATTRIBUTE.READ_WRITE) !== 0);
export const isWritableData = (attributes: number): boolean =>
  (attributes & ATTRIBUTE.S) !== 0 && !isCode(attributes) && (attributes & ATTRIBUTE.READ_WRITE) !== 0;
/** Code of 64-bit mode: L without D. */
export const isLongCode = (attributes: number): boolean => (attributes & (ATTRIBUTE.L | ATTRIBUTE.DB)) === ATTRIBUTE.L;

/** A flat code or data descriptor as 64 bits. */
export const flatDescriptor = (attributes: number, limit = 0xf_ffff): bigint =>
  (BigInt(((attributes & 0xf0ff) << 8) | (limit & 0xf_0000)) << 32n) | BigInt(limit & 0xffff);

const CODE = ATTRIBUTE.P | ATTRIBUTE.S | ATTRIBUTE.CODE | ATTRIBUTE.READ_WRITE | ATTRIBUTE.ACCESSED | ATTRIBUTE.G;
const DATA = ATTRIBUTE.P | ATTRIBUTE.S | ATTRIBUTE.READ_WRITE | ATTRIBUTE.ACCESSED | ATTRIBUTE.G | ATTRIBUTE.DB;
/** What SYSCALL, SYSRET and their kin load without looking at a table. */
export const FLAT = {
  longCode: (dpl: number): number => CODE | ATTRIBUTE.L | (dpl << 5),
  code32: (dpl: number): number => CODE | ATTRIBUTE.DB | (dpl << 5),
  data: (dpl: number): number => DATA | (dpl << 5),
} as const;

/**
 * What selectors name until the guest loads a table of its own: the segments of Linux's global descriptor table (entries 1
 * to 6, and 15, whose limit is the CPU's number).
 */
export const DEFAULT_TABLE: ReadonlyMap<number, bigint> = new Map([
  [1, flatDescriptor(FLAT.code32(0))],
  [2, flatDescriptor(FLAT.longCode(0))],
  [3, flatDescriptor(FLAT.data(0))],
  [4, flatDescriptor(FLAT.code32(3))],
  [5, flatDescriptor(FLAT.data(3))],
  [6, flatDescriptor(FLAT.longCode(3))],
  [
    15,
    flatDescriptor(
      ATTRIBUTE.P | ATTRIBUTE.S | ATTRIBUTE.ACCESSED | ATTRIBUTE.DOWN_CONFORMING | ATTRIBUTE.DB | (3 << 5),
      0,
    ),
  ],
]);
