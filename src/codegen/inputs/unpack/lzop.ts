import { crc32 } from 'node:zlib';
import { adler32 } from './checksums.ts';
import { DamagedError } from './damaged.ts';
import { decodeLzo1x } from './lzo1x.ts';
import type { Output } from './output.ts';

// The file of lzop 1.0x, all numbers with the highest byte first: a header with a checksum, then blocks up to one of no bytes
// (Linux lib/decompress_unlzo.c).

const MAGIC = Buffer.from('894c5a4f000d0a1a0a', 'hex');
/** Since this version headers have what version reads them, a level, and the upper half of the time. */
const NEW_VERSION = 0x940;
const FLAG = {
  adlerPlain: 0x1,
  adlerPacked: 0x2,
  extra: 0x40,
  crcPlain: 0x100,
  crcPacked: 0x200,
  filter: 0x800,
  crcHeader: 0x1000,
};
/** lzop writes blocks of 256 KiB, and takes none of more than this. */
const MOST_IN_BLOCK = 64 << 20;

class Reader {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
  }

  #take(size: number): number {
    const { at } = this;
    if (at + size > this.bytes.length) throw new DamagedError();
    this.at += size;
    return at;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2));
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  part(size: number): Uint8Array {
    const at = this.#take(size);
    return this.bytes.subarray(at, at + size);
  }
}

/** Unpacks an lzop file behind what `out` has; other bytes may follow. @throws DamagedError */
export function unpackLzop(bytes: Uint8Array, out: Output): void {
  const reader = new Reader(bytes, 0);
  if (!MAGIC.equals(reader.part(MAGIC.length))) throw new DamagedError();
  const flags = readHeader(reader);
  for (let size = reader.u32(); size !== 0; size = reader.u32()) {
    const packedSize = reader.u32();
    if (size > MOST_IN_BLOCK || packedSize > size) throw new DamagedError();
    const plain = readChecks(reader, flags & FLAG.adlerPlain, flags & FLAG.crcPlain);
    const isPacked = packedSize < size;
    const packed = isPacked ? readChecks(reader, flags & FLAG.adlerPacked, flags & FLAG.crcPacked) : NO_CHECKS;
    const block = reader.part(packedSize);
    verify(packed, block);
    const from = out.length;
    if (isPacked) decodeLzo1x(block, out, size);
    else out.append(block);
    if (out.length - from !== size) throw new DamagedError();
    verify(plain, out.from(from));
  }
}

/** The flags of a header that is right. */
function readHeader(reader: Reader): number {
  const start = reader.at;
  const version = reader.u16();
  const isNew = version >= NEW_VERSION;
  reader.part(isNew ? 4 : 2);
  reader.part(isNew ? 2 : 1);
  const flags = reader.u32();
  if (flags & FLAG.filter) throw new DamagedError('a filter is not known here');
  reader.part(isNew ? 12 : 8);
  reader.part(reader.u8());
  const header = reader.bytes.subarray(start, reader.at);
  const checksum = flags & FLAG.crcHeader ? crc32(header) : adler32(header);
  if (reader.u32() !== checksum) throw new DamagedError('the checksum of the header is wrong');
  if (flags & FLAG.extra) {
    reader.part(reader.u32());
    reader.u32();
  }
  return flags;
}

interface Checks {
  readonly adler: number | null;
  readonly crc: number | null;
}

const NO_CHECKS: Checks = { adler: null, crc: null };

const readChecks = (reader: Reader, adler: number, crc: number): Checks => ({
  adler: adler ? reader.u32() : null,
  crc: crc ? reader.u32() : null,
});

function verify({ adler, crc }: Checks, bytes: Uint8Array): void {
  if (adler !== null && adler32(bytes) !== adler) throw new DamagedError('the Adler-32 of a block is wrong');
  if (crc !== null && crc32(bytes) !== crc) throw new DamagedError('the CRC32 of a block is wrong');
}
