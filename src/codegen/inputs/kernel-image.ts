import { type ByteSource, partOf } from '../../elf/source.ts';
import { CodegenError } from '../error.ts';
import { unpack } from './unpack/unpack.ts';

/** Fields of a bzImage (Linux Documentation/arch/x86/boot.rst). */
const SETUP_SECTORS = 0x1f1;
const MAGIC_AT = 0x202;
const MAGIC = 'HdrS';
const PAYLOAD_OFFSET = 0x248;
const PAYLOAD_LENGTH = 0x24c;
const HEADER_SIZE = 0x250;
const SECTOR = 512;
/** Some loaders want a kernel that is not packed. */
const ELF_MAGIC = [0x7f, 0x45, 0x4c, 0x46];
/** Sectors of the setup code where the field is 0. */
const DEFAULT_SETUP = 4;

/** Whether a source is a bootable Linux image. */
export function isKernelImage(source: ByteSource): boolean {
  return Buffer.from(source.read(MAGIC_AT, MAGIC.length)).toString('latin1') === MAGIC;
}

/** The kernel in a bzImage, unpacked where it is packed: an ELF file. @throws CodegenError where it cannot be */
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
  const payload = partOf(source, offset, length);
  const elf = ELF_MAGIC.every((byte, i) => payload.read(i, 1)[0] === byte);
  return elf ? payload : unpack(payload, 'the kernel in the image');
}
