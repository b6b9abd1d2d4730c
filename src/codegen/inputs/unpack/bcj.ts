// The x86 branch filter of xz: CALL and JMP have absolute targets in the packed data, so that calls of one function look alike.

/** By the opcodes among the three bytes before: whether this one may be converted, and which byte decides it. */
const ALLOWED = [true, true, true, false, true, false, false, false];
const DECIDING = [0, 1, 2, 2, 3, 3, 3, 3];
/** An opcode and its 32-bit displacement. */
const SIZE = 5;

const isSign = (byte: number): boolean => byte === 0 || byte === 0xff;

/** Turns the absolute targets in `bytes`, which begin at `start` of the filtered stream, into displacements, in place. */
export function decodeX86Branches(bytes: Uint8Array, start: number): void {
  let before = 0;
  let last = -1;
  for (let i = 0; i + SIZE <= bytes.length; i++) {
    if ((bytes[i]! & 0xfe) !== 0xe8) continue;
    const gap = i - last;
    last = i;
    before = gap > 3 ? 0 : (before << (gap - 1)) & 7;
    if (before !== 0 && (!ALLOWED[before] || isSign(bytes[i + 4 - DECIDING[before]!]!))) {
      before = (before << 1) | 1;
      continue;
    }
    if (!isSign(bytes[i + 4]!)) {
      before = (before << 1) | 1;
      continue;
    }
    let from = bytes[i + 1]! | (bytes[i + 2]! << 8) | (bytes[i + 3]! << 16) | (bytes[i + 4]! << 24);
    let to = (from - (start + i + SIZE)) | 0;
    while (before !== 0) {
      const shift = DECIDING[before]! * 8;
      if (!isSign((to >>> (24 - shift)) & 0xff)) break;
      from = to ^ ((1 << (32 - shift)) - 1);
      to = (from - (start + i + SIZE)) | 0;
    }
    // 25 bits with their sign.
    to = (to << 7) >> 7;
    bytes[i + 1] = to;
    bytes[i + 2] = to >> 8;
    bytes[i + 3] = to >> 16;
    bytes[i + 4] = to >> 24;
    i += SIZE - 1;
  }
}
