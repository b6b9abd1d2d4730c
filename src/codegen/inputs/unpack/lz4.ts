import { CodegenError } from '../../error.ts';

// The legacy frame that lz4 -l writes and Linux uses: a magic number, then blocks of at most 8 MiB, each behind its length.

const MAGIC_SIZE = 4;
const MOST_IN_BLOCK = 8 << 20;
const LEAST_MATCH = 4;
const EXTENDED = 15;

const damaged = (): never => {
  throw new CodegenError('the lz4 data of the kernel image are damaged; give another file');
};

/** Unpacks a legacy lz4 stream. @throws CodegenError when it is damaged, or larger than `most` */
export function unpackLz4(bytes: Uint8Array, most: number): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const blocks: Uint8Array[] = [];
  let total = 0;
  for (let at = MAGIC_SIZE; at + 4 <= bytes.length; ) {
    const size = view.getUint32(at, true);
    // Behind the last block stands the unpacked size, which is no block.
    if (size === 0 || at + 4 + size > bytes.length) break;
    const block = unpackBlock(bytes.subarray(at + 4, at + 4 + size));
    total += block.length;
    if (total > most) damaged();
    blocks.push(block);
    at += 4 + size;
  }
  if (blocks.length === 0) damaged();
  return Buffer.concat(blocks);
}

function unpackBlock(from: Uint8Array): Uint8Array {
  const to = new Uint8Array(MOST_IN_BLOCK);
  let out = 0;
  let at = 0;
  const length = (first: number): number => {
    let sum = first;
    if (first === EXTENDED) {
      let more: number;
      do {
        more = from[at++] ?? damaged();
        sum += more;
      } while (more === 255);
    }
    return sum;
  };
  while (at < from.length) {
    const token = from[at++]!;
    const literals = length(token >> 4);
    if (at + literals > from.length || out + literals > to.length) damaged();
    to.set(from.subarray(at, at + literals), out);
    at += literals;
    out += literals;
    if (at >= from.length) break;
    if (at + 2 > from.length) damaged();
    const distance = from[at]! | (from[at + 1]! << 8);
    at += 2;
    const match = length(token & EXTENDED) + LEAST_MATCH;
    if (distance === 0 || distance > out || out + match > to.length) damaged();
    // Byte by byte: a match may overlap what it writes.
    for (let i = 0; i < match; i++, out++) to[out] = to[out - distance]!;
  }
  return to.slice(0, out);
}
