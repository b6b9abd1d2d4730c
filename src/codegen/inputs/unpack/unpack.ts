import { gunzipSync } from 'node:zlib';
import { type ByteSource, memorySource } from '../../../elf/source.ts';
import { CodegenError } from '../../error.ts';
import { unpackBzip2 } from './bzip2.ts';
import { DamagedError } from './damaged.ts';
import { unpackLz4 } from './lz4.ts';
import { unpackLzma } from './lzma.ts';
import { unpackLzop } from './lzop.ts';
import { Output } from './output.ts';
import { unpackXz } from './xz.ts';
import { unpackZstd } from './zstd.ts';

/** No kernel or module is larger unpacked; what is, is made to fill the memory. */
const LARGEST = 1 << 30;
const LONGEST_MAGIC = 6;

type Unpacker = (bytes: Uint8Array, out: Output) => void;

/** Compressors by how their output begins. */
const COMPRESSORS: readonly (readonly [name: string, magic: string, unpack: Unpacker])[] = [
  ['gzip', '1f8b', (bytes, out) => out.append(gunzipSync(bytes, { maxOutputLength: LARGEST }))],
  ['xz', 'fd377a585a00', unpackXz],
  ['zstd', '28b52ffd', unpackZstd],
  ['lz4', '02214c18', (bytes, out) => out.append(unpackLz4(bytes, LARGEST))],
  ['lzma', '5d0000', unpackLzma],
  ['bzip2', '425a68', unpackBzip2],
  ['lzo', '894c5a4f', unpackLzop],
];

const find = (source: ByteSource): (typeof COMPRESSORS)[number] | undefined => {
  const begins = Buffer.from(source.read(0, Math.min(LONGEST_MAGIC, source.length))).toString('hex');
  return COMPRESSORS.find(([, magic]) => begins.startsWith(magic));
};

/** Whether a source begins as packed data do. */
export function isPacked(source: ByteSource): boolean {
  return find(source) !== undefined;
}

/**
 * Unpacks gzip, xz, zstd, lz4 (legacy frames), lzma, bzip2 or lzop data; `what` names them in errors.
 * @throws CodegenError where they are packed otherwise, damaged, or larger than 1 GiB unpacked
 */
export function unpack(source: ByteSource, what: string): ByteSource {
  const [name, , unpacker] = find(source) ?? ['', '', undefined];
  if (unpacker === undefined) throw new CodegenError(`${what} is packed in an unknown way; unpack it first`);
  const out = new Output(LARGEST);
  try {
    unpacker(source.read(0, source.length), out);
  } catch (error) {
    if (error instanceof CodegenError) throw error;
    const reason = error instanceof DamagedError && error.message !== '' ? ` (${error.message})` : '';
    throw new CodegenError(`the ${name} data of ${what} are damaged${reason}; give another file`);
  }
  return memorySource(out.from(0));
}
