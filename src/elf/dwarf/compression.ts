import { inflateSync } from 'node:zlib';
import { Decompress } from 'fzstd';
import type { Section } from '../sections.ts';
import { DwarfError } from './cursor.ts';

/** SHF_COMPRESSED and Elf64_Chdr (gABI 4, «Section Compression»): type 4, reserved 4, size 8, alignment 8. */
const COMPRESSED = 0x800n;
const HEADER = 24;
const SIZE_AT = 8;
const ZLIB = 1;
const ZSTD = 2;
/** As older tools have it: a name that begins with `.z`, `ZLIB`, and the size as eight bytes, the highest first. */
const OLD_NAME = '.zdebug_';
const OLD_MAGIC = 'ZLIB';
const OLD_HEADER = 12;
/** More debug information than this at once is not unpacked. */
const LARGEST = 1 << 30;

/** Whether a section has to be unpacked before it is read. */
export const isCompressed = ({ flags, name }: Section): boolean =>
  (flags & COMPRESSED) !== 0n || name.startsWith(OLD_NAME);

/** The contents of a compressed section. @throws DwarfError */
export function unpackSection({ flags }: Section, bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isNew = (flags & COMPRESSED) !== 0n;
  const header = isNew ? HEADER : OLD_HEADER;
  if (bytes.length < header) throw new DwarfError('its compressed data are damaged');
  const size = isNew ? view.getBigUint64(SIZE_AT, true) : view.getBigUint64(OLD_MAGIC.length);
  if (!isNew && Buffer.from(bytes.subarray(0, OLD_MAGIC.length)).toString('latin1') !== OLD_MAGIC) {
    throw new DwarfError('it is compressed in a way that is not known here');
  }
  const unpack = isNew ? UNPACKERS.get(view.getUint32(0, true)) : inflate;
  if (unpack === undefined) throw new DwarfError('it is compressed in a way that is not known here');
  if (size > LARGEST) throw new DwarfError('it is too large unpacked');
  const unpacked = unpackedBy(unpack, bytes.subarray(header), Number(size));
  if (unpacked === null || unpacked.length !== Number(size)) throw new DwarfError('its compressed data are damaged');
  return unpacked;
}

type Unpack = (bytes: Uint8Array, size: number) => Uint8Array;

function unpackedBy(unpack: Unpack, bytes: Uint8Array, size: number): Uint8Array | null {
  try {
    return unpack(bytes, size);
  } catch {
    return null;
  }
}

// zlib takes no limit of 0.
const inflate: Unpack = (bytes, size) => inflateSync(bytes, { maxOutputLength: Math.max(size, 1) });

const decompress: Unpack = (bytes, size) => {
  const out = new Uint8Array(size);
  let at = 0;
  const decoder = new Decompress((chunk) => {
    out.set(chunk, at);
    at += chunk.length;
  });
  decoder.push(bytes, true);
  return out.subarray(0, at);
};

const UNPACKERS = new Map<number, Unpack>([
  [ZLIB, inflate],
  [ZSTD, decompress],
]);
