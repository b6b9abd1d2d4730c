import { hex } from '../bits/hex.ts';
import { ElfError } from './error.ts';
import { DT, DYN_SIZE, ET, PF_R, PF_W, PF_X, PHDR_SIZE, PN_XNUM, PT } from './format.ts';
import { type ElfHeader, fits, readHeader, viewOf } from './header.ts';

/** One PT_LOAD: `fileSize` bytes at file offset `offset` appear at `address`, zeros follow up to `memorySize`. */
export interface Segment {
  readonly address: bigint;
  readonly memorySize: bigint;
  readonly offset: number;
  readonly fileSize: number;
  readonly read: boolean;
  readonly write: boolean;
  readonly execute: boolean;
}

/** What a loader needs to know of a program, or of a dynamic program's interpreter. Addresses are as linked: a PIE is still to be moved. */
export interface ElfImage {
  /** The whole file. */
  readonly bytes: Uint8Array;
  /** True for a PIE or an interpreter, which run at any page-aligned base; false for a program at fixed addresses. */
  readonly pie: boolean;
  readonly entry: bigint;
  /** PT_LOAD segments in ascending order, none overlapping, none empty. */
  readonly segments: readonly Segment[];
  /** Linked address of the program header table (AT_PHDR), or null when no segment holds it. */
  readonly programHeaderAddress: bigint | null;
  readonly programHeaderCount: number;
  /** What PT_GNU_STACK asks for: true when the stack shall be executable; not when the header is missing. */
  readonly executableStack: boolean;
  /** Path of the interpreter that a dynamic program asks for (PT_INTERP), or null. */
  readonly interpreter: string | null;
  /** What a base must be a multiple of: the largest p_align, at least a page. */
  readonly alignment: bigint;
}

interface ProgramHeader {
  readonly index: number;
  readonly type: number;
  readonly flags: number;
  readonly offset: bigint;
  readonly address: bigint;
  readonly fileSize: bigint;
  readonly memorySize: bigint;
  readonly align: bigint;
}

const ADDRESS_SPACE = 1n << 64n;
const PAGE = 4096n;

function readProgramHeaders(bytes: Uint8Array, header: ElfHeader): ProgramHeader[] {
  const { programHeaderOffset: offset, programHeaderCount: count, programHeaderSize: size } = header;
  if (count === 0) throw new ElfError('no program headers (e_phnum is 0): nothing to load; link it into a program');
  if (count === PN_XNUM) throw new ElfError('65535 or more program headers (e_phnum at offset 56); link it with fewer');
  if (size !== PHDR_SIZE) {
    throw new ElfError(
      `program header size ${size} (e_phentsize at offset 54) is not ${PHDR_SIZE}; the file is damaged`,
    );
  }
  if (!fits(offset, size, count, bytes.length)) {
    throw new ElfError(
      `truncated program headers: ${count} at file offset ${hex(offset)} end past the file's ${hex(bytes.length)} bytes; the file is incomplete`,
    );
  }
  const view = viewOf(bytes);
  return Array.from({ length: count }, (_, index) => {
    const at = Number(offset) + index * PHDR_SIZE;
    return {
      index,
      type: view.getUint32(at, true),
      flags: view.getUint32(at + 4, true),
      offset: view.getBigUint64(at + 8, true),
      address: view.getBigUint64(at + 16, true),
      fileSize: view.getBigUint64(at + 32, true),
      memorySize: view.getBigUint64(at + 40, true),
      align: view.getBigUint64(at + 48, true),
    };
  });
}

function checkSegment(header: ProgramHeader, fileLength: number): Segment {
  const { offset, address, fileSize, memorySize } = header;
  const where = `segment ${header.index} (PT_LOAD at ${hex(address)})`;
  if (fileSize > memorySize) {
    throw new ElfError(
      `${where}: file size ${hex(fileSize)} exceeds memory size ${hex(memorySize)}; the file is damaged`,
    );
  }
  if (!fits(offset, fileSize, 1, fileLength)) {
    throw new ElfError(
      `${where}: ${hex(fileSize)} bytes at file offset ${hex(offset)} end past the file's ${hex(fileLength)} bytes; the file is incomplete`,
    );
  }
  if (address + memorySize > ADDRESS_SPACE) {
    throw new ElfError(`${where}: ${hex(memorySize)} bytes wrap round the address space; the file is damaged`);
  }
  if (memorySize >= 1n << 47n) {
    throw new ElfError(
      `${where}: memory size ${hex(memorySize)} is more than an address space holds; the file is damaged`,
    );
  }
  return {
    address,
    memorySize,
    offset: Number(offset),
    fileSize: Number(fileSize),
    read: (header.flags & PF_R) !== 0,
    write: (header.flags & PF_W) !== 0,
    execute: (header.flags & PF_X) !== 0,
  };
}

function loadSegments(headers: readonly ProgramHeader[], fileLength: number): Segment[] {
  const segments = headers
    .filter((header) => header.type === PT.LOAD && header.memorySize !== 0n)
    .map((header) => checkSegment(header, fileLength))
    .sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
  if (segments.length === 0) {
    throw new ElfError('no PT_LOAD segment with any memory: nothing to load; link it into a program');
  }
  for (let i = 1; i < segments.length; i++) {
    const before = segments[i - 1]!;
    const after = segments[i]!;
    if (before.address + before.memorySize > after.address) {
      throw new ElfError(
        `segments overlap: ${hex(before.address)} to ${hex(before.address + before.memorySize)} and ${hex(after.address)}; mend the linker script`,
      );
    }
  }
  return segments;
}

/** False when the dynamic section asks for libraries, which an interpreter would have to load. */
function needsNothing(bytes: Uint8Array, headers: readonly ProgramHeader[]): boolean {
  const dynamic = headers.find((header) => header.type === PT.DYNAMIC);
  if (dynamic === undefined) return true;
  if (!fits(dynamic.offset, dynamic.fileSize, 1, bytes.length)) {
    throw new ElfError(
      `truncated dynamic section: ${hex(dynamic.fileSize)} bytes at file offset ${hex(dynamic.offset)} end past the file; the file is incomplete`,
    );
  }
  const view = viewOf(bytes);
  const end = Number(dynamic.offset + dynamic.fileSize);
  for (let at = Number(dynamic.offset); at + DYN_SIZE <= end; at += DYN_SIZE) {
    const tag = view.getBigUint64(at, true);
    if (tag === BigInt(DT.NULL)) break;
    if (tag === BigInt(DT.NEEDED)) return false;
  }
  return true;
}

/** Longest path of an interpreter, with its NUL (PATH_MAX). */
const PATH_MAX = 4096n;

/** The interpreter's path, which must end in a NUL (Linux: load_elf_binary). */
function readInterpreter(bytes: Uint8Array, headers: readonly ProgramHeader[]): string | null {
  const row = headers.find((header) => header.type === PT.INTERP);
  if (row === undefined) return null;
  const end = Number(row.offset + row.fileSize);
  const whole = fits(row.offset, row.fileSize, 1, bytes.length) && row.fileSize >= 2n && row.fileSize <= PATH_MAX;
  if (!whole || bytes[end - 1] !== 0) {
    throw new ElfError(
      `bad interpreter path: ${hex(row.fileSize)} bytes at file offset ${hex(row.offset)} (PT_INTERP); the file is damaged`,
    );
  }
  const path = Buffer.from(bytes.subarray(Number(row.offset), end)).toString('latin1');
  return path.slice(0, path.indexOf('\0'));
}

/**
 * Reads a program: ET_EXEC or ET_DYN, with an interpreter (PT_INTERP) or without need of one. An interpreter is such a program too.
 * Whatever it returns is safe to load: sizes lie inside the file, nothing overlaps or wraps, and the entry is in a segment.
 * @throws ElfError with one line that says what is wrong, where, and how to mend it.
 */
export function readImage(bytes: Uint8Array): ElfImage {
  const header = readHeader(bytes);
  switch (header.type) {
    case ET.EXEC:
    case ET.DYN:
      break;
    case ET.REL:
      throw new ElfError('this is a relocatable object (ET_REL), not a program; link it with -static');
    case ET.CORE:
      throw new ElfError('this is a core dump (ET_CORE), not a program; give the program that made it');
    default:
      throw new ElfError(
        `ELF type ${header.type} (e_type at offset 16) is not a program; give a static x86-64 program`,
      );
  }
  const headers = readProgramHeaders(bytes, header);
  const interpreter = readInterpreter(bytes, headers);
  const pie = header.type === ET.DYN;
  const segments = loadSegments(headers, bytes.length);
  if (pie && interpreter === null && !needsNothing(bytes, headers)) {
    throw new ElfError(
      'this is a shared object (ET_DYN without an interpreter), not a program; link it with -static-pie',
    );
  }
  const { entry } = header;
  if (!segments.some((s) => entry >= s.address && entry < s.address + s.memorySize)) {
    throw new ElfError(
      `entry ${hex(entry)} (e_entry at offset 24) lies in no segment; link it with an entry point (_start, or ld -e)`,
    );
  }
  const tableOffset = Number(header.programHeaderOffset);
  const tableEnd = tableOffset + headers.length * PHDR_SIZE;
  const holder = segments.find((s) => tableOffset >= s.offset && tableEnd <= s.offset + s.fileSize);
  const stack = headers.find((row) => row.type === PT.GNU_STACK);
  return {
    bytes,
    pie,
    entry,
    segments,
    programHeaderAddress: holder === undefined ? null : holder.address + BigInt(tableOffset - holder.offset),
    programHeaderCount: headers.length,
    executableStack: stack !== undefined && (stack.flags & PF_X) !== 0,
    interpreter,
    alignment: headers.filter(isAligned).reduce((most, { align }) => (align > most ? align : most), PAGE),
  };
}

/** Alignments other than powers of two count for nothing (Linux: maximum_alignment). */
const isAligned = ({ type, align }: ProgramHeader): boolean =>
  type === PT.LOAD && align > 0n && (align & (align - 1n)) === 0n;

/**
 * A user program's pages are mapped from the file, which needs address and file offset to agree modulo the page size.
 * @throws ElfError when they do not.
 */
export function checkMappable(image: ElfImage): void {
  for (const s of image.segments) {
    if (s.fileSize > 0 && (s.address - BigInt(s.offset)) % PAGE !== 0n) {
      throw new ElfError(
        `segment at ${hex(s.address)}: address and file offset ${hex(s.offset)} differ modulo the page size; link it with -z max-page-size=4096`,
      );
    }
  }
}
