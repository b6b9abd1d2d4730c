import { type CType, sizeOf } from '../../elf/dwarf/types.ts';
import type { CodeImage } from './image.ts';

/** What an access is made of. */
export interface Access {
  /** Numbers that its operand is the sum of: one of them may be the address of an object. */
  readonly anchors: readonly bigint[];
  readonly displacement: bigint;
  readonly place: bigint;
}

/** Types of objects by their address. */
export type TypedObjects = ReadonlyMap<bigint, CType>;

/** Which objects, and which arrays in them, an access counts from, and which it hits: an index out of bounds leads from one to another. */
export class Reach {
  readonly #objects: TypedObjects;
  readonly #hit = new Set<string>();
  readonly #strayed = new Set<string>();
  /** Places that an index has led to from an array that they are not in. */
  readonly #outside = new Set<bigint>();
  readonly #places = new Set<bigint>();

  /** @param objects that the input leads to */
  constructor(objects: TypedObjects) {
    this.#objects = objects;
  }

  /** Notes an access. */
  note(image: CodeImage, { anchors, displacement, place }: Access): void {
    if (this.#noteArray(anchors, displacement, place)) return;
    const hit = image.symbolAt(place);
    if (hit === null) return;
    const name = `${hit.symbol}+${hit.offset}`;
    this.#hit.add(name);
    const from = anchors.flatMap((anchor) => image.symbolAt(anchor)?.symbol ?? []);
    if (from.length > 0 && !from.includes(hit.symbol)) this.#strayed.add(name);
  }

  /** Whether the access is one to a typed object. */
  #noteArray(anchors: readonly bigint[], displacement: bigint, place: bigint): boolean {
    const object = this.#objectAt(place);
    if (object === null) return false;
    this.#places.add(place);
    for (const anchor of anchors) {
      if (this.#objectAt(anchor)?.address !== object.address) continue;
      const array = arrayAt(object.type, Number(anchor + displacement - object.address));
      const offset = Number(place - object.address);
      if (array !== null && (offset < array.start || offset >= array.end)) this.#outside.add(place);
    }
    return true;
  }

  #objectAt(address: bigint): { readonly address: bigint; readonly type: CType } | null {
    for (const [start, type] of this.#objects) {
      if (address >= start && address < start + BigInt(sizeOf(type))) return { address: start, type };
    }
    return null;
  }

  /**
   * Whether something was hit from another object that `other` has not hit at all, or from another array of one object. Both builds may count
   * from outside of an object that they mean, but then they hit the same of it.
   */
  straysFrom(other: Reach): boolean {
    for (const name of this.#strayed) if (!other.#hit.has(name)) return true;
    for (const place of this.#outside) if (other.#outside.has(place) || !other.#places.has(place)) return true;
    return false;
  }
}

/** The array of a structure that an offset lies in; null where it lies in something else. */
function arrayAt(type: CType, offset: number): { readonly start: number; readonly end: number } | null {
  if (type.kind !== 'struct') return null;
  for (const member of type.members()) {
    const size = sizeOf(member.type);
    if (offset < member.offset || offset >= member.offset + size) continue;
    if (member.type.kind === 'array') return { start: member.offset, end: member.offset + size };
    const inner = arrayAt(member.type, offset - member.offset);
    return inner === null ? null : { start: member.offset + inner.start, end: member.offset + inner.end };
  }
  return null;
}

const VA_LIST = /\b__va_list_tag$/;

/** Whether an address lies in a va_list: only va_start and va_arg put numbers there. */
export function isInVaList(objects: TypedObjects, address: bigint): boolean {
  const inside = (type: CType, offset: number): boolean => {
    if (type.kind === 'array') return inside(type.of, offset % Math.max(1, sizeOf(type.of)));
    if (type.kind !== 'struct') return false;
    if (VA_LIST.test(type.name)) return true;
    const member = type.members().find((row) => offset >= row.offset && offset < row.offset + sizeOf(row.type));
    return member !== undefined && inside(member.type, offset - member.offset);
  };
  for (const [start, type] of objects) {
    const offset = Number(address - start);
    if (offset >= 0 && offset < sizeOf(type) && inside(type, offset)) return true;
  }
  return false;
}

/** Whether a declared pointer stands at an address. */
export function isPointerAt(objects: TypedObjects, address: bigint): boolean {
  for (const [start, type] of objects) {
    const offset = Number(address - start);
    if (offset >= 0 && offset < sizeOf(type)) return typeAt(type, offset).kind === 'pointer';
  }
  return false;
}

function typeAt(type: CType, offset: number): CType {
  if (type.kind === 'array') return typeAt(type.of, offset % Math.max(1, sizeOf(type.of)));
  if (type.kind !== 'struct') return type;
  const member = type.members().find((row) => offset >= row.offset && offset < row.offset + sizeOf(row.type));
  return member === undefined ? type : typeAt(member.type, offset - member.offset);
}
