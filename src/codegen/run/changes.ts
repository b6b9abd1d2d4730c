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
  /** Words that were written, by a name that is the same in another build of the same source. */
  readonly words: ReadonlyMap<string, WordChange>;
}

/**
 * What was written outside the stack: by stores with an operand, and whatever has changed.
 * @param stored bytes that such stores have written
 * @param peek memory as it is now
 */
export function changesOf(
  pages: ReadonlyMap<bigint, SuppliedPage>,
  stored: ReadonlySet<bigint>,
  image: CodeImage,
  peek: (address: bigint, size: number) => Uint8Array,
): Changes {
  const writes: Written[] = [];
  for (const [page, { before }] of [...pages].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const now = peek(page, PAGE_SIZE);
    const written = (at: number): boolean => now[at] !== before[at] || stored.has(page + BigInt(at));
    for (let at = 0; at < PAGE_SIZE; at++) {
      if (!written(at)) continue;
      let end = at + 1;
      while (end < PAGE_SIZE && written(end)) end++;
      writes.push({ address: page + BigInt(at), bytes: now.slice(at, end) });
      at = end;
    }
  }
  const words = new Map<string, WordChange>();
  for (const { address, bytes } of writes) {
    for (let at = address; at < address + BigInt(bytes.length); ) {
      const { start, name } = wordAt(image, at);
      if (!words.has(name))
        words.set(name, { before: number(wordBefore(pages, start)), after: number(peek(start, WORD)) });
      at = start + BigInt(WORD);
    }
  }
  return { writes, words };
}

const number = (bytes: Uint8Array): bigint =>
  bytes.length < WORD ? 0n : new DataView(bytes.buffer, bytes.byteOffset, WORD).getBigUint64(0, true);

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

function wordBefore(pages: ReadonlyMap<bigint, SuppliedPage>, start: bigint): Uint8Array {
  const bytes = new Uint8Array(WORD);
  for (let i = 0; i < WORD; i++) {
    const at = start + BigInt(i);
    bytes[i] = pages.get(at & PAGE_MASK)?.before[Number(at & ~PAGE_MASK)] ?? 0;
  }
  return bytes;
}
