import { gunzipSync } from 'node:zlib';
import { type ByteSource, memorySource } from '../../elf/source.ts';
import { CodegenError } from '../error.ts';
import { unpackLz4 } from './lz4.ts';

/** Fields of a bzImage (Linux Documentation/arch/x86/boot.rst). */
const SETUP_SECTORS = 0x1f1;
const MAGIC_AT = 0x202;
const MAGIC = 'HdrS';
const PAYLOAD_OFFSET = 0x248;
const PAYLOAD_LENGTH = 0x24c;
const HEADER_SIZE = 0x250;
const SECTOR = 512;
/** Sectors of the setup code where the field is 0. */
const DEFAULT_SETUP = 4;
const LARGEST = 1 << 30;

/** Compressors by how their output begins. */
const KINDS: readonly (readonly [name: string, magic: string, unpack: ((bytes: Uint8Array) => Uint8Array) | null])[] = [
  ['gzip', '1f8b', (bytes) => gunzipSync(bytes, { maxOutputLength: LARGEST })],
  ['lz4', '02214c18', (bytes) => unpackLz4(bytes, LARGEST)],
  ['xz', 'fd377a585a00', null],
  ['zstd', '28b52ffd', null],
  ['lzma', '5d0000', null],
  ['bzip2', '425a68', null],
  ['lzo', '894c5a4f', null],
];

/** Whether a source is a bootable Linux image. */
export function isKernelImage(source: ByteSource): boolean {
  return Buffer.from(source.read(MAGIC_AT, MAGIC.length)).toString('latin1') === MAGIC;
}

/** The kernel in a bzImage, unpacked: an ELF file. @throws CodegenError where it cannot be */
export function kernelIn(source: ByteSource): ByteSource {
  const header = source.read(0, HEADER_SIZE);
  if (header.length < HEADER_SIZE)
    throw new CodegenError('the kernel image ends in its header; the file is incomplete');
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const setup = header[SETUP_SECTORS] || DEFAULT_SETUP;
  const offset = (setup + 1) * SECTOR + view.getUint32(PAYLOAD_OFFSET, true);
  const length = view.getUint32(PAYLOAD_LENGTH, true);
  if (length === 0 || offset + length > source.length) {
    throw new CodegenError('the kernel image ends before its payload does; the file is incomplete');
  }
  const payload = source.read(offset, length);
  const begins = Buffer.from(payload.subarray(0, 8)).toString('hex');
  const [name, , unpack] = KINDS.find(([, magic]) => begins.startsWith(magic)) ?? ['', '', undefined];
  if (unpack === undefined)
    throw new CodegenError('the kernel in the image is packed in an unknown way; give the vmlinux');
  if (unpack === null) {
    throw new CodegenError(
      `the kernel in the image is packed with ${name}, which is not unpacked here; give the vmlinux`,
    );
  }
  try {
    return memorySource(unpack(payload));
  } catch (error) {
    if (error instanceof CodegenError) throw error;
    throw new CodegenError(`the ${name} data of the kernel image are damaged; give another file`);
  }
}
