import { ATTRIBUTE, DEFAULT_TABLE, type Segment, segmentOf, selectorIndex, TI } from '../../state/descriptors.ts';
import * as L from '../../state/layout.ts';
import { VECTOR } from '../../state/pending.ts';
import type { HelperContext } from './helper.ts';

/** A segment descriptor as it was found. */
export interface Descriptor extends Segment {
  /** Linear address of it; null in the table that stands in until the guest loads one. */
  readonly at: bigint | null;
  readonly low: number;
  readonly high: number;
}

const DESCRIPTOR_SIZE = 8;

/** Where the descriptor of a selector stands, for `size` bytes; null where its table does not reach so far. */
export function descriptorAddress(c: HelperContext, selector: number, size = DESCRIPTOR_SIZE): bigint | null {
  const offset = selector & ~7;
  if (selector & TI) {
    const table = c.cpu.segment(6);
    if (!(table.attributes & ATTRIBUTE.P) || offset + size - 1 > table.limit) return null;
    return BigInt.asUintN(64, table.base + BigInt(offset));
  }
  if (offset + size - 1 > c.cpu.view.getUint16(L.GDTR_LIMIT, true)) return null;
  return BigInt.asUintN(64, c.cpu.u64(L.GDTR_BASE) + BigInt(offset));
}

/**
 * The descriptor of a selector that is not null. 'none' where its table has none; 'fault' with an exception of the read
 * pending.
 */
export function findDescriptor(c: HelperContext, selector: number): Descriptor | 'none' | 'fault' {
  let value: bigint | null | undefined;
  let at: bigint | null = null;
  if ((selector & TI) === 0 && c.cpu.view.getUint8(L.GUEST_GDT) === 0) {
    value = DEFAULT_TABLE.get(selector >> 3);
    if (value === undefined) return 'none';
  } else {
    at = descriptorAddress(c, selector);
    if (at === null) return 'none';
    value = c.readSystem(at, 64);
    if (value === null) return 'fault';
  }
  const low = Number(value & 0xffff_ffffn);
  const high = Number(value >> 32n);
  return { at, low, high, ...segmentOf(low, high) };
}

/** The descriptor of a selector; null with #GP(selector), or the exception of the read, pending. `external` sets EXT. */
export function descriptorOf(c: HelperContext, selector: number, external = 0): Descriptor | null {
  const found = findDescriptor(c, selector);
  if (found === 'none') c.fault(VECTOR.GP, selectorIndex(selector) | external);
  return typeof found === 'string' ? null : found;
}

/** The upper half of a 16-byte descriptor or gate: bits 63:32 of the base or offset; null with an exception pending. */
export function upperHalf(
  c: HelperContext,
  selector: number,
): { readonly address: bigint; readonly type: number } | null {
  const at = descriptorAddress(c, selector, 2 * DESCRIPTOR_SIZE);
  if (at === null) {
    c.fault(VECTOR.GP, selectorIndex(selector));
    return null;
  }
  const value = c.readSystem(BigInt.asUintN(64, at + BigInt(DESCRIPTOR_SIZE)), 64);
  if (value === null) return null;
  return { address: (value & 0xffff_ffffn) << 32n, type: Number((value >> 40n) & 0x1fn) };
}

/** Sets the accessed bit of a code or data descriptor in memory; false with an exception pending. */
export function markAccessed(c: HelperContext, descriptor: Descriptor): boolean {
  if (descriptor.at === null || descriptor.attributes & ATTRIBUTE.ACCESSED) return true;
  return setTypeBits(c, descriptor, ATTRIBUTE.ACCESSED);
}

/** Sets bits of a descriptor's type in memory with a locked write; false with an exception pending. */
export function setTypeBits(c: HelperContext, { at, high }: Descriptor, bits: number): boolean {
  if (at === null) return true;
  return c.writeSystem(BigInt.asUintN(64, at + 5n), BigInt(((high >>> 8) & 0xff) | bits), 8);
}

/** Bits 63:47, with five-level paging 63:56, are equal. */
export const isCanonical = (c: HelperContext, address: bigint): boolean =>
  BigInt.asUintN(64, address + c.cpu.u64(L.CANONICAL_HALF)) < c.cpu.u64(L.CANONICAL_SPAN);
