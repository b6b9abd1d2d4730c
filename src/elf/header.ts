import { ElfError } from './error.ts';
import { EHDR_SIZE, EI_CLASS, EI_DATA, EI_VERSION, ELFCLASS64, ELFDATA2LSB, EM_X86_64 } from './format.ts';

// The headers are read here and not by a library: three fixed layouts are fewer lines than a guard around a parser would be.

/** The file header of a 64-bit little-endian x86-64 ELF file. */
export interface ElfHeader {
  /** ET_REL, ET_EXEC, ET_DYN, ET_CORE or another number. */
  readonly type: number;
  readonly entry: bigint;
  readonly programHeaderOffset: bigint;
  readonly programHeaderSize: number;
  readonly programHeaderCount: number;
  readonly sectionHeaderOffset: bigint;
  readonly sectionHeaderSize: number;
  /** As the header says; 0 with a section header offset means that the count stands in section 0. */
  readonly sectionHeaderCount: number;
  readonly sectionNameIndex: number;
}

/** A little-endian view of a whole file. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * True when `count` rows of `size` bytes at file offset `offset` lie inside `length` bytes. Exact for any 64-bit numbers.
 */
export function fits(offset: bigint, size: bigint | number, count: bigint | number, length: number): boolean {
  return offset + BigInt(size) * BigInt(count) <= BigInt(length);
}

/**
 * Reads the file header of any kind of x86-64 ELF file.
 * @throws ElfError for anything that is not a whole 64-bit little-endian x86-64 ELF header.
 */
export function readHeader(bytes: Uint8Array): ElfHeader {
  if (bytes.length < 4 || bytes[0] !== 0x7f || bytes[1] !== 0x45 || bytes[2] !== 0x4c || bytes[3] !== 0x46) {
    const script = bytes[0] === 0x23 && bytes[1] === 0x21;
    const hint = script ? 'it is a script: run its interpreter' : 'give a static x86-64 ELF program';
    throw new ElfError(`not an ELF file: it does not start with 7f 45 4c 46; ${hint}`);
  }
  if (bytes.length < EHDR_SIZE) {
    throw new ElfError(`truncated ELF header: ${bytes.length} of ${EHDR_SIZE} bytes; the file is incomplete`);
  }
  if (bytes[EI_CLASS] !== ELFCLASS64) {
    const what = bytes[EI_CLASS] === 1 ? 'a 32-bit' : `a class ${bytes[EI_CLASS]}`;
    throw new ElfError(`this is ${what} ELF file (EI_CLASS at offset 4); compile it for 64 bits (-m64)`);
  }
  if (bytes[EI_DATA] !== ELFDATA2LSB) {
    const what = bytes[EI_DATA] === 2 ? 'a big-endian' : `a data-encoding ${bytes[EI_DATA]}`;
    throw new ElfError(`this is ${what} ELF file (EI_DATA at offset 5); compile it for x86-64`);
  }
  const view = viewOf(bytes);
  const machine = view.getUint16(18, true);
  if (machine !== EM_X86_64) {
    throw new ElfError(`wrong machine ${machine} (e_machine at offset 18), x86-64 is 62; compile it for x86-64`);
  }
  if (bytes[EI_VERSION] !== 1 || view.getUint32(20, true) !== 1) {
    throw new ElfError(
      'unknown ELF version (EI_VERSION at offset 6, e_version at 20), only 1 exists; the file is damaged',
    );
  }
  if (view.getUint16(52, true) < EHDR_SIZE) {
    throw new ElfError(
      `ELF header size ${view.getUint16(52, true)} (e_ehsize at offset 52) is below ${EHDR_SIZE}; the file is damaged`,
    );
  }
  return {
    type: view.getUint16(16, true),
    entry: view.getBigUint64(24, true),
    programHeaderOffset: view.getBigUint64(32, true),
    sectionHeaderOffset: view.getBigUint64(40, true),
    programHeaderSize: view.getUint16(54, true),
    programHeaderCount: view.getUint16(56, true),
    sectionHeaderSize: view.getUint16(58, true),
    sectionHeaderCount: view.getUint16(60, true),
    sectionNameIndex: view.getUint16(62, true),
  };
}
