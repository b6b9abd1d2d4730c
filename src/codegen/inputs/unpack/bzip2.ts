import { crc32Forward } from './checksums.ts';
import { DamagedError } from './damaged.ts';
import type { Output } from './output.ts';

// bzip2: blocks of run lengths, sorted (Burrows and Wheeler), moved to front, run lengths again, Huffman codes. Bits come highest first.

const MAGIC = [0x42, 0x5a, 0x68];
const BLOCK = 0x314159265359;
const END = 0x177245385090;
const BLOCK_UNIT = 100_000;
const MOST_GROUPS = 6;
const GROUP_RUN = 50;
const MOST_LENGTH = 20;
/** Symbols of run lengths; the rest are places in the list of bytes, and the last one ends the block. */
const RUN_A = 0;
const RUN_B = 1;
/** A byte that comes this often in a row is followed by a count of more. */
const RUN = 4;

class BitReader {
  readonly #bytes: Uint8Array;
  #at: number;
  #bits = 0;
  #held = 0;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  /** Up to 24 bits. */
  take(count: number): number {
    while (this.#held < count) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw new DamagedError();
      this.#bits = ((this.#bits << 8) | byte) & 0xffff_ffff;
      this.#held += 8;
    }
    this.#held -= count;
    return (this.#bits >>> this.#held) & ((1 << count) - 1);
  }

  /** Six bytes. */
  magic(): number {
    return this.take(24) * 0x100_0000 + this.take(24);
  }

  u32(): number {
    return this.take(16) * 0x1_0000 + this.take(16);
  }

  /** Where the next whole byte is. */
  get next(): number {
    return this.#at - (this.#held >> 3);
  }
}

/** A code of canonical Huffman codes: for each length the lowest code behind all of it, and the symbols in order. */
interface Code {
  readonly limits: Int32Array;
  readonly offsets: Int32Array;
  readonly symbols: Uint16Array;
}

/** Unpacks the streams of a bzip2 file behind what `out` has; other bytes may follow. @throws DamagedError */
export function unpackBzip2(bytes: Uint8Array, out: Output): void {
  let at = 0;
  do {
    at = unpackStream(bytes, at, out);
  } while (MAGIC.every((byte, i) => bytes[at + i] === byte));
}

function unpackStream(bytes: Uint8Array, start: number, out: Output): number {
  const level = (bytes[start + MAGIC.length] ?? 0) - 0x30;
  if (level < 1 || level > 9) throw new DamagedError();
  const reader = new BitReader(bytes, start + MAGIC.length + 1);
  const sorted = new Uint32Array(level * BLOCK_UNIT);
  let combined = 0;
  for (;;) {
    const magic = reader.magic();
    const stored = reader.u32();
    if (magic === END) {
      if (stored !== combined) throw new DamagedError('the CRC32 of a stream is wrong');
      return reader.next;
    }
    // Blocks that are randomised have not been written since 1997.
    if (magic !== BLOCK || reader.take(1) !== 0) throw new DamagedError();
    const origin = reader.take(24);
    const from = out.length;
    const length = readBlock(reader, sorted);
    if (origin >= length) throw new DamagedError();
    unsort(sorted, length, origin, out);
    if (crc32Forward(out.from(from)) !== stored) throw new DamagedError('the CRC32 of a block is wrong');
    combined = (((combined << 1) | (combined >>> 31)) ^ stored) >>> 0;
  }
}

/** The bytes of a block as they were sorted, in the low bits of `sorted`; their number. */
function readBlock(reader: BitReader, sorted: Uint32Array): number {
  const list = readUsed(reader);
  const symbols = list.length + 2;
  const groups = reader.take(3);
  const selectors = readSelectors(reader, groups);
  const codes = Array.from({ length: groups }, () => readCode(reader, symbols));
  let length = 0;
  let run = 0;
  let weight = 1;
  const flush = (): void => {
    if (run === 0) return;
    if (length + run > sorted.length) throw new DamagedError();
    sorted.fill(list[0]!, length, length + run);
    length += run;
    run = 0;
  };
  for (const selector of selectors) {
    const code = codes[selector]!;
    for (let i = 0; i < GROUP_RUN; i++) {
      const symbol = readSymbol(reader, code);
      if (symbol <= RUN_B) {
        run += weight << (symbol === RUN_A ? 0 : 1);
        weight <<= 1;
        if (run > sorted.length) throw new DamagedError();
        continue;
      }
      flush();
      weight = 1;
      if (symbol === symbols - 1) return length;
      const place = symbol - 1;
      const byte = list[place]!;
      list.copyWithin(1, 0, place);
      list[0] = byte;
      if (length === sorted.length) throw new DamagedError();
      sorted[length++] = byte;
    }
  }
  throw new DamagedError();
}

/** The bytes that occur, ascending: a bit for each sixteen, then a bit for each. */
function readUsed(reader: BitReader): Uint8Array {
  const used: number[] = [];
  const rows = reader.take(16);
  for (let row = 0; row < 16; row++) {
    if (!((rows >> (15 - row)) & 1)) continue;
    const bits = reader.take(16);
    for (let i = 0; i < 16; i++) if ((bits >> (15 - i)) & 1) used.push(row * 16 + i);
  }
  if (used.length === 0) throw new DamagedError();
  return Uint8Array.from(used);
}

/** Which code each fifty symbols use, moved to front and in unary. */
function readSelectors(reader: BitReader, groups: number): Uint8Array {
  const count = reader.take(15);
  if (groups < 2 || groups > MOST_GROUPS || count === 0) throw new DamagedError();
  const list = Uint8Array.from({ length: groups }, (_, n) => n);
  return Uint8Array.from({ length: count }, () => {
    let place = 0;
    while (reader.take(1) === 1) if (++place >= groups) throw new DamagedError();
    const group = list[place]!;
    list.copyWithin(1, 0, place);
    list[0] = group;
    return group;
  });
}

/** Lengths of codes, each as steps from the one before. */
function readCode(reader: BitReader, symbols: number): Code {
  const lengths = new Uint8Array(symbols);
  let length = reader.take(5);
  for (let symbol = 0; symbol < symbols; symbol++) {
    for (;;) {
      if (length < 1 || length > MOST_LENGTH) throw new DamagedError();
      if (reader.take(1) === 0) break;
      length += reader.take(1) === 0 ? 1 : -1;
    }
    lengths[symbol] = length;
  }
  const limits = new Int32Array(MOST_LENGTH + 1);
  const offsets = new Int32Array(MOST_LENGTH + 1);
  const ordered = new Uint16Array(symbols);
  let code = 0;
  let index = 0;
  for (let bits = 1; bits <= MOST_LENGTH; bits++) {
    offsets[bits] = index - code;
    for (let symbol = 0; symbol < symbols; symbol++) {
      if (lengths[symbol] !== bits) continue;
      ordered[index++] = symbol;
      code++;
    }
    limits[bits] = code;
    code <<= 1;
  }
  return { limits, offsets, symbols: ordered };
}

function readSymbol(reader: BitReader, { limits, offsets, symbols }: Code): number {
  let code = 0;
  for (let bits = 1; bits <= MOST_LENGTH; bits++) {
    code = (code << 1) | reader.take(1);
    if (code < limits[bits]!) {
      const symbol = symbols[code + offsets[bits]!];
      if (symbol === undefined) break;
      return symbol;
    }
  }
  throw new DamagedError();
}

/** Undoes the sorting and the first run lengths. Each element of `sorted` gets the place of the byte behind it in its upper bits. */
function unsort(sorted: Uint32Array, length: number, origin: number, out: Output): void {
  const places = new Uint32Array(256);
  for (let i = 0; i < length; i++) places[sorted[i]!]!++;
  let sum = 0;
  for (let byte = 0; byte < 256; byte++) {
    const count = places[byte]!;
    places[byte] = sum;
    sum += count;
  }
  for (let i = 0; i < length; i++) {
    const byte = sorted[i]! & 0xff;
    sorted[places[byte]!++]! |= i << 8;
  }
  let at = sorted[origin]! >>> 8;
  let last = -1;
  let same = 0;
  for (let i = 0; i < length; i++) {
    const entry = sorted[at]!;
    at = entry >>> 8;
    const byte = entry & 0xff;
    if (same === RUN) {
      out.reserve(byte);
      out.bytes.fill(last, out.length, out.length + byte);
      out.length += byte;
      same = 0;
      last = -1;
      continue;
    }
    out.reserve(1);
    out.bytes[out.length++] = byte;
    same = byte === last ? same + 1 : 1;
    last = byte;
  }
}
