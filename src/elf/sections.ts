import { hex } from '../bits/hex.ts';
import { ElfError } from './error.ts';
import { SHDR_SIZE, SHT } from './format.ts';
import { type ElfHeader, fits, readHeader, viewOf } from './header.ts';
import { type ByteSource, memorySource } from './source.ts';

/** One section header, its name resolved. */
export interface Section {
  readonly index: number;
  readonly name: string;
  readonly type: number;
  readonly flags: bigint;
  readonly address: bigint;
  /** File offset and size in bytes; inside the file unless the type is SHT_NOBITS. */
  readonly offset: number;
  readonly size: number;
  readonly link: number;
  readonly info: number;
  readonly entrySize: number;
}

/** No section name is longer than this; a longer one is a damaged table. */
const MAX_SECTION_NAME = 4096;

/**
 * All sections of any x86-64 ELF file (programs, objects, libraries); none when the file has been stripped of them.
 * @throws ElfError when the table or a section lies outside the file.
 */
export function readSections(bytes: Uint8Array, header: ElfHeader = readHeader(bytes)): readonly Section[] {
  return readSectionsFrom(memorySource(bytes), header);
}

/** The same of a file that is read on demand: only the headers and their names are. */
export function readSectionsFrom(source: ByteSource, header: ElfHeader): readonly Section[] {
  const { sectionHeaderOffset: offset, sectionHeaderSize: size } = header;
  if (offset === 0n) return [];
  if (size !== SHDR_SIZE) {
    throw new ElfError(
      `section header size ${size} (e_shentsize at offset 58) is not ${SHDR_SIZE}; the file is damaged`,
    );
  }
  const truncated = (count: bigint | number): ElfError =>
    new ElfError(
      `truncated section headers: ${count} at file offset ${hex(offset)} end past the file's ${hex(source.length)} bytes; the file is incomplete`,
    );
  if (!fits(offset, size, 1, source.length)) throw truncated(header.sectionHeaderCount);
  const first = viewOf(source.read(Number(offset), SHDR_SIZE));
  // Counts that do not fit in 16 bits stand in section 0 (gABI 4, «sh_size»).
  const count = header.sectionHeaderCount === 0 ? first.getBigUint64(32, true) : BigInt(header.sectionHeaderCount);
  if (!fits(offset, size, count, source.length)) throw truncated(count);
  const nameIndex = header.sectionNameIndex === 0xffff ? first.getUint32(40, true) : header.sectionNameIndex;
  const view = viewOf(source.read(Number(offset), Number(count) * SHDR_SIZE));

  const rows = Array.from({ length: Number(count) }, (_, index) => {
    const at = index * SHDR_SIZE;
    const type = view.getUint32(at + 4, true);
    const fileOffset = view.getBigUint64(at + 24, true);
    const fileSize = view.getBigUint64(at + 32, true);
    if (type !== SHT.NULL && type !== SHT.NOBITS && !fits(fileOffset, fileSize, 1, source.length)) {
      throw new ElfError(
        `section ${index}: ${hex(fileSize)} bytes at file offset ${hex(fileOffset)} end past the file's ${hex(source.length)} bytes; the file is damaged`,
      );
    }
    return {
      index,
      nameAt: view.getUint32(at, true),
      type,
      flags: view.getBigUint64(at + 8, true),
      address: view.getBigUint64(at + 16, true),
      offset: Number(fileOffset),
      size: Number(fileSize),
      link: view.getUint32(at + 40, true),
      info: view.getUint32(at + 44, true),
      entrySize: Number(view.getBigUint64(at + 56, true)),
    };
  });

  const table = rows[nameIndex];
  const names =
    table === undefined || table.type !== SHT.STRTAB ? new Uint8Array(0) : source.read(table.offset, table.size);
  return rows.map(({ nameAt, ...row }) => ({ ...row, name: sectionName(names, nameAt) }));
}

function sectionName(names: Uint8Array, at: number): string {
  if (at >= names.length) return '';
  const tail = names.subarray(at, at + MAX_SECTION_NAME);
  const end = tail.indexOf(0);
  return Buffer.from(end < 0 ? tail : tail.subarray(0, end)).toString('latin1');
}
