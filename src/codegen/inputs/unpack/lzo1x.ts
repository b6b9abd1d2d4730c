import { DamagedError } from './damaged.ts';
import type { Output } from './output.ts';

// LZO1X as Linux Documentation/staging/lzo.rst has it: instructions that copy from behind, each followed by up to three literals.

/** What an instruction below 16 means: behind literals that an instruction of their own had copied, or behind so many others. */
const AFTER_LITERALS = 4;
const FAR = 16_384;

/** Unpacks one block of `size` bytes behind what `out` has. @throws DamagedError */
export function decodeLzo1x(from: Uint8Array, out: Output, size: number): void {
  out.reserve(size);
  const to = out.bytes;
  const start = out.length;
  const end = start + size;
  let at = 0;
  let written = start;

  const byte = (): number => {
    const value = from[at++];
    if (value === undefined) throw new DamagedError();
    return value;
  };
  /** A length that goes on in the next bytes where its field is zero. */
  const length = (field: number, base: number): number => {
    if (field !== 0) return field;
    let sum = base;
    for (;;) {
      const more = byte();
      if (more !== 0) return sum + more;
      sum += 255;
    }
  };
  const literals = (count: number): void => {
    if (at + count > from.length || written + count > end) throw new DamagedError();
    to.set(from.subarray(at, at + count), written);
    at += count;
    written += count;
  };
  const match = (distance: number, count: number): void => {
    if (distance > written - start || written + count > end) throw new DamagedError();
    // Byte by byte: it may overlap what it writes.
    for (let i = 0; i < count; i++, written++) to[written] = to[written - distance]!;
  };

  let state = 0;
  if (from[0]! > 17) {
    const count = byte() - 17;
    literals(count);
    state = Math.min(count, AFTER_LITERALS);
  }
  for (;;) {
    const code = byte();
    let trailing: number;
    if (code >= 64) {
      const count = code >= 128 ? 5 + ((code >> 5) & 3) : 3 + ((code >> 5) & 1);
      match((byte() << 3) + ((code >> 2) & 7) + 1, count);
      trailing = code & 3;
    } else if (code >= 16) {
      const isNear = code >= 32;
      const count = 2 + (isNear ? length(code & 31, 31) : length(code & 7, 7));
      const low = byte();
      const distance = (low >> 2) | (byte() << 6);
      trailing = low & 3;
      if (isNear) match(distance + 1, count);
      else {
        const far = FAR + ((code & 8) << 11) + distance;
        if (far === FAR) break;
        match(far, count);
      }
    } else if (state === 0) {
      literals(3 + length(code, 15));
      state = AFTER_LITERALS;
      continue;
    } else {
      const distance = (byte() << 2) + (code >> 2) + 1;
      if (state === AFTER_LITERALS) match(distance + 2048, 3);
      else match(distance, 2);
      trailing = code & 3;
    }
    literals(trailing);
    state = trailing;
  }
  if (at !== from.length) throw new DamagedError();
  out.length = written;
}
