import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { CodegenError } from '../../error.ts';
import { decodeX86Branches } from './bcj.ts';
import { crc64 } from './checksums.ts';
import { DamagedError } from './damaged.ts';
import { LzmaDecoder } from './lzma.ts';
import type { Output } from './output.ts';

// The .xz file format, version 1.2.1: streams of blocks, each filtered, packed with LZMA2 and checked.

const HEADER_MAGIC = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00];
const HEADER_SIZE = 12;
const FOOTER_SIZE = 12;
const FOOTER_FLAGS = 8;
const FOOTER_MAGIC = 'YZ';
const INDEX_INDICATOR = 0;
const FILTER_X86 = 4n;
const FILTER_LZMA2 = 0x21n;
const HAS_PACKED_SIZE = 0x40;
const HAS_UNPACKED_SIZE = 0x80;
const CHECK_CRC32 = 1;
const CHECK_CRC64 = 4;
const CHECK_SHA256 = 10;
/** Bytes of a check, by its number. */
const CHECK_SIZES = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64];

class Reader {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
  }

  byte(): number {
    const byte = this.bytes[this.at++];
    if (byte === undefined) throw new DamagedError();
    return byte;
  }

  u16(): number {
    return (this.byte() << 8) | this.byte();
  }

  /** A number of seven bits a byte, the lowest first. */
  variable(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 63n; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new DamagedError();
  }

  /** CRC32 of the bytes from `start`, behind which it stands. */
  checksum(start: number): void {
    if (this.at + 4 > this.bytes.length) throw new DamagedError();
    if (crc32(this.bytes.subarray(start, this.at)) !== this.view.getUint32(this.at, true)) throw new DamagedError();
    this.at += 4;
  }
}

/** Unpacks the streams of a .xz file behind what `out` has; other bytes may follow. @throws DamagedError, CodegenError */
export function unpackXz(bytes: Uint8Array, out: Output): void {
  let at = 0;
  do {
    at = unpackStream(bytes, at, out);
    // Streams are padded with zeros, four at a time.
    while (at + 4 <= bytes.length && bytes.subarray(at, at + 4).every((byte) => byte === 0)) at += 4;
  } while (HEADER_MAGIC.every((byte, i) => bytes[at + i] === byte));
}

function unpackStream(bytes: Uint8Array, start: number, out: Output): number {
  const reader = new Reader(bytes, start + HEADER_MAGIC.length);
  const check = reader.u16();
  if (check >= CHECK_SIZES.length) throw new DamagedError();
  reader.checksum(start + HEADER_MAGIC.length);
  if (reader.at !== start + HEADER_SIZE) throw new DamagedError();
  while (bytes[reader.at] !== INDEX_INDICATOR) unpackBlock(reader, check, out);
  // The index repeats the sizes of the blocks.
  const index = reader.at++;
  for (let records = reader.variable(); records > 0n; records--) {
    reader.variable();
    reader.variable();
  }
  reader.at += -(reader.at - index) & 3;
  reader.checksum(index);
  // The footer repeats the size of the index and the kind of check.
  const footer = bytes.subarray(reader.at, reader.at + FOOTER_SIZE);
  const magic = Buffer.from(footer.subarray(FOOTER_SIZE - 2)).toString('latin1');
  if (footer.length < FOOTER_SIZE || magic !== FOOTER_MAGIC || footer[FOOTER_FLAGS + 1] !== check) {
    throw new DamagedError();
  }
  if (crc32(footer.subarray(4, FOOTER_SIZE - 2)) !== reader.view.getUint32(reader.at, true)) throw new DamagedError();
  return reader.at + FOOTER_SIZE;
}

function unpackBlock(reader: Reader, check: number, out: Output): void {
  const { bytes } = reader;
  const header = reader.at;
  const headerEnd = header + reader.byte() * 4;
  const flags = reader.byte();
  if ((flags & HAS_PACKED_SIZE) !== 0) reader.variable();
  const size = (flags & HAS_UNPACKED_SIZE) !== 0 ? reader.variable() : null;
  let x86Start: number | null = null;
  for (let filter = 0; filter <= (flags & 3); filter++) {
    const id = reader.variable();
    const properties = Number(reader.variable());
    if (id === FILTER_X86) {
      x86Start = properties === 0 ? 0 : reader.view.getUint32(reader.at, true);
    } else if (id !== FILTER_LZMA2) {
      throw new CodegenError(`xz data with filter 0x${id.toString(16)}: only LZMA2 and the x86 filter are known`);
    }
    reader.at += properties;
  }
  if (reader.at > headerEnd) throw new DamagedError();
  reader.at = headerEnd;
  reader.checksum(header);

  const packed = reader.at;
  const from = out.length;
  unpackLzma2(reader, out);
  reader.at += -(reader.at - packed) & 3;
  const block = out.from(from);
  if (x86Start !== null) decodeX86Branches(block, x86Start);
  if (size !== null && BigInt(block.length) !== size) throw new DamagedError();
  verify(check, block, bytes.subarray(reader.at, reader.at + CHECK_SIZES[check]!));
  reader.at += CHECK_SIZES[check]!;
}

/** Compares the check behind a block with its bytes. Kinds that are not known here are passed over, as the format allows. */
function verify(check: number, block: Uint8Array, stored: Uint8Array): void {
  if (stored.length !== CHECK_SIZES[check]) throw new DamagedError();
  const bytes = Buffer.from(stored);
  const wrong = (name: string): never => {
    throw new DamagedError(`the ${name} of a block is wrong`);
  };
  if (check === CHECK_CRC32 && crc32(block) !== bytes.readUInt32LE(0)) wrong('CRC32');
  if (check === CHECK_CRC64 && crc64(block) !== bytes.readBigUInt64LE(0)) wrong('CRC64');
  if (check === CHECK_SHA256 && !createHash('sha256').update(block).digest().equals(bytes)) wrong('SHA-256');
}

/** Control bytes of LZMA2 chunks. */
const CHUNK_END = 0;
const CHUNK_PLAIN_NEW_DICTIONARY = 1;
const CHUNK_PLAIN = 2;
const CHUNK_LZMA = 0x80;
/** What an LZMA chunk resets: nothing, the state, the properties too, the dictionary too. */
const RESET_STATE = 1;
const RESET_PROPERTIES = 2;
const RESET_DICTIONARY = 3;

function unpackLzma2(reader: Reader, out: Output): void {
  const decoder = new LzmaDecoder(out);
  decoder.resetDictionary();
  let hasProperties = false;
  for (;;) {
    const control = reader.byte();
    if (control === CHUNK_END) return;
    if (control < CHUNK_LZMA) {
      if (control !== CHUNK_PLAIN && control !== CHUNK_PLAIN_NEW_DICTIONARY) throw new DamagedError();
      if (control === CHUNK_PLAIN_NEW_DICTIONARY) decoder.resetDictionary();
      const size = reader.u16() + 1;
      if (reader.at + size > reader.bytes.length) throw new DamagedError();
      out.append(reader.bytes.subarray(reader.at, reader.at + size));
      reader.at += size;
      continue;
    }
    const reset = (control >> 5) & 3;
    const size = ((control & 0x1f) << 16) + reader.u16() + 1;
    const packed = reader.u16() + 1;
    if (reset === RESET_DICTIONARY) decoder.resetDictionary();
    if (reset >= RESET_PROPERTIES) {
      decoder.setProperties(reader.byte());
      hasProperties = true;
    } else if (reset === RESET_STATE) {
      decoder.resetState();
    }
    if (!hasProperties || reader.at + packed > reader.bytes.length) throw new DamagedError();
    decoder.decode(reader.bytes, reader.at, reader.at + packed, size);
    reader.at += packed;
  }
}
