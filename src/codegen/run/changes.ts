import { PAGE_SIZE } from '../../memory/physical.ts';
import { withOffset } from '../build.ts';
import type { CodeImage } from './image.ts';

/** A stretch of memory that was written. */
export interface Written {
  readonly address: bigint;
  readonly bytes: Uint8Array;
}

/** Eight bytes before and after. */
export interface WordChange {
  readonly before: bigint;
  readonly after: bigint;
}

/** A page of memory that is not the image's, before and after. */
export interface PageChange {
  readonly before: Uint8Array;
  readonly after: Uint8Array;
}

/** A page as it was when a call touched it first; `known` where the build has it. */
export interface SuppliedPage {
  readonly before: Uint8Array;
  readonly known: boolean;
}

const PAGE_MASK = ~(BigInt(PAGE_SIZE) - 1n);
const WORD = 8;

/** What a call has left in memory. */
export interface Changes {
  readonly writes: readonly Written[];
  /** Words of the image that were written, by a name that is the same in another build of the same source. */
  readonly words: ReadonlyMap<string, WordChange>;
  /** Other pages that have changed: their addresses are the same in every build. */
  readonly pages: ReadonlyMap<bigint, PageChange>;
}

/** Bytes that stores have written, whether or not they have changed them: a mark for each byte of a page. */
export class StoredBytes {
  readonly #pages = new Map<bigint, Uint8Array>();

  /** Marks `size` bytes. */
  add(address: bigint, size: number): void {
    for (let done = 0; done < size; ) {
      const at = address + BigInt(done);
      const offset = Number(at & ~PAGE_MASK);
      const length = Math.min(size - done, PAGE_SIZE - offset);
      this.#of(at & PAGE_MASK).fill(1, offset, offset + length);
      done += length;
    }
  }

  #of(page: bigint): Uint8Array {
    let marks = this.#pages.get(page);
    if (marks === undefined) {
      marks = new Uint8Array(PAGE_SIZE);
      this.#pages.set(page, marks);
    }
    return marks;
  }

  /** The marks of a page; undefined where there are none. */
  page(page: bigint): Uint8Array | undefined {
    return this.#pages.get(page);
  }
}

/**
 * What was written outside the stack: by stores with an operand, and whatever has changed.
 * @param stored bytes that such stores have written
 * @param peek memory as it is now
 */
export function changesOf(
  supplied: ReadonlyMap<bigint, SuppliedPage>,
  stored: StoredBytes,
  image: CodeImage,
  peek: (address: bigint, size: number) => Uint8Array,
): Changes {
  const writes: Written[] = [];
  const ofImage: Written[] = [];
  const pages = new Map<bigint, PageChange>();
  for (const [page, { before, known }] of [...supplied].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const marks = stored.page(page);
    const now = peek(page, PAGE_SIZE);
    if (marks === undefined && Buffer.compare(now, before) === 0) continue;
    const after = now.slice();
    if (!known) pages.set(page, { before, after });
    const written = (at: number): boolean => after[at] !== before[at] || marks?.[at] === 1;
    for (let at = 0; at < PAGE_SIZE; at++) {
      if (!written(at)) continue;
      let end = at + 1;
      while (end < PAGE_SIZE && written(end)) end++;
      const row = { address: page + BigInt(at), bytes: after.subarray(at, end) };
      writes.push(row);
      if (known) ofImage.push(row);
      at = end;
    }
  }
  const before = (page: bigint): Uint8Array | undefined => supplied.get(page)?.before;
  const after = (page: bigint): Uint8Array => peek(page, PAGE_SIZE);
  const words = new Map<string, WordChange>();
  for (const { address, bytes } of ofImage) {
    for (let at = address; at < address + BigInt(bytes.length); ) {
      const { start, name } = wordAt(image, at);
      if (!words.has(name)) words.set(name, { before: word(before, start), after: word(after, start) });
      at = start + BigInt(WORD);
    }
  }
  return { writes, words, pages };
}

/** The word that a byte is in: counted from its symbol where it has one, so that it is the same in another build. */
function wordAt(image: CodeImage, address: bigint): { readonly start: bigint; readonly name: string } {
  const place = image.symbolAt(address);
  if (place === null) {
    const start = address & ~7n;
    return { start, name: `0x${start.toString(16)}` };
  }
  const offset = place.offset & ~7;
  return { start: address - BigInt(place.offset - offset), name: withOffset(place.symbol, offset) };
}

/** Eight bytes that may lie on two pages; bytes that nobody has are zero. */
function word(pageAt: (page: bigint) => Uint8Array | undefined, start: bigint): bigint {
  const offset = Number(start & ~PAGE_MASK);
  const first = pageAt(start & PAGE_MASK);
  if (offset <= PAGE_SIZE - WORD) {
    return first === undefined ? 0n : new DataView(first.buffer, first.byteOffset + offset, WORD).getBigUint64(0, true);
  }
  const second = pageAt((start & PAGE_MASK) + BigInt(PAGE_SIZE));
  let value = 0n;
  for (let i = WORD - 1; i >= 0; i--) {
    const at = offset + i;
    value = (value << 8n) | BigInt((at < PAGE_SIZE ? first?.[at] : second?.[at - PAGE_SIZE]) ?? 0);
  }
  return value;
}
