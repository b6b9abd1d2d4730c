import { Decompress } from 'fzstd';
import { DamagedError } from './damaged.ts';
import type { Output } from './output.ts';

// Frames are found here, since other bytes may follow the last (Linux appends the unpacked size); RFC 8878 3.1.1.

const MAGIC = 0xfd2fb528;
/** Skippable frames have any of 16 magic numbers. */
const SKIPPABLE = 0x184d2a50;
const BLOCK_RLE = 1;
/** Bytes of the dictionary's number and of the content's size, by their fields in the descriptor. */
const DICTIONARY_BYTES = [0, 1, 2, 4];
const CONTENT_BYTES = [0, 2, 4, 8];

/** Unpacks the zstd frames at the beginning of `bytes` behind what `out` has. @throws DamagedError, or what the decoder throws */
export function unpackZstd(bytes: Uint8Array, out: Output): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + 4 <= bytes.length; ) {
    const magic = view.getUint32(at, true);
    if ((magic & ~15) >>> 0 === SKIPPABLE && at + 8 <= bytes.length) {
      at += 8 + view.getUint32(at + 4, true);
      continue;
    }
    if (magic !== MAGIC) return;
    const end = frameEnd(bytes, at);
    // A decoder a frame: nothing of one frame is there for the next.
    new Decompress((chunk) => out.append(chunk)).push(bytes.subarray(at, end), true);
    at = end;
  }
}

function frameEnd(bytes: Uint8Array, start: number): number {
  const descriptor = bytes[start + 4] ?? 0;
  const singleSegment = (descriptor >> 5) & 1;
  const content = CONTENT_BYTES[descriptor >> 6]! || singleSegment;
  let at = start + 5 + (1 - singleSegment) + DICTIONARY_BYTES[descriptor & 3]! + content;
  for (let last = 0; last === 0; ) {
    if (at + 3 > bytes.length) throw new DamagedError();
    const header = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
    last = header & 1;
    const repeated = ((header >> 1) & 3) === BLOCK_RLE;
    at += 3 + (repeated ? 1 : header >> 3);
  }
  at += (descriptor >> 2) & 1 ? 4 : 0;
  if (at > bytes.length) throw new DamagedError();
  return at;
}
