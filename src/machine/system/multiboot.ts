import type { PhysicalMemory } from '../../memory/physical.ts';

/** A kernel that cannot be booted: one line. */
export class MultibootError extends Error {
  override readonly name = 'MultibootError';
}

export interface MultibootModule {
  readonly bytes: Uint8Array;
  readonly commandLine: string;
}

/** What a boot loader puts into memory besides the kernel. */
export interface MultibootRequest {
  readonly commandLine: string;
  readonly modules: readonly MultibootModule[];
}

/** Where the kernel begins, and what it finds in EAX and EBX (Multiboot 0.6.96, 3.2). */
export interface MultibootStart {
  readonly entry: number;
  readonly eax: number;
  readonly ebx: number;
}

const HEADER_MAGIC = 0x1bad_b002;
const LOADER_MAGIC = 0x2bad_b002;
const SEARCHED = 8192;
const HEADER = { checksum: 8, headerAddress: 12, loadAddress: 16, loadEnd: 20, bssEnd: 24, entry: 28 } as const;
const ADDRESSES = 1 << 16;
/** Flags of the header that must be understood: modules on page bounds, memory information; video is not. */
const UNDERSTOOD = 0x3;
const REQUIRED = 0xffff;
const INFO = { memory: 1, commandLine: 4, modules: 8, map: 0x40, loader: 0x200 } as const;
const INFO_AT = 0x9500;
const INFO_SIZE = 0x74;
const LOW_MEMORY = 0xa_0000;
const HIGH_MEMORY = 0x10_0000;
const PAGE = 0x1000;
const PT_LOAD = 1;

interface Segment {
  readonly at: number;
  readonly bytes: Uint8Array;
  readonly size: number;
}

interface Kernel {
  readonly entry: number;
  readonly segments: readonly Segment[];
}

const fail = (text: string): never => {
  throw new MultibootError(text);
};

/** Offset of the header, or null. */
export function multibootHeader(file: Uint8Array): number | null {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  for (let at = 0; at + 12 <= Math.min(file.length, SEARCHED); at += 4)
    if (view.getUint32(at, true) === HEADER_MAGIC) {
      const sum = HEADER_MAGIC + view.getUint32(at + 4, true) + view.getUint32(at + HEADER.checksum, true);
      if (sum >>> 0 === 0) return at;
    }
  return null;
}

function part(file: Uint8Array, offset: number, length: number): Uint8Array {
  if (offset < 0 || offset + length > file.length) fail('a part to be loaded lies beyond the end of the file');
  return file.subarray(offset, offset + length);
}

/** The kernel by the addresses in its header. */
function byHeader(file: Uint8Array, view: DataView, header: number): Kernel {
  if (header + 32 > file.length) fail('the header is cut off');
  const field = (n: number): number => view.getUint32(header + n, true);
  const load = field(HEADER.loadAddress);
  const from = header - (field(HEADER.headerAddress) - load);
  const end = field(HEADER.loadEnd);
  const length = end === 0 ? file.length - from : end - load;
  if (length < 0) fail('the header’s load addresses are the wrong way round');
  const bss = field(HEADER.bssEnd);
  const bytes = part(file, from, length);
  return { entry: field(HEADER.entry), segments: [{ at: load, bytes, size: Math.max(length, bss - load) }] };
}

/** The kernel by the program headers of an ELF, 32 or 64 bits, at their physical addresses. */
function byElf(file: Uint8Array, view: DataView): Kernel {
  if (file.length < 52 || view.getUint32(0, false) !== 0x7f45_4c46)
    fail('neither an ELF nor load addresses in its header');
  const wide = file[4] === 2;
  if (file.length < (wide ? 64 : 52)) fail('the ELF header is cut off');
  const word = (at: number): number => {
    if (at + 8 > file.length) fail('the ELF header is cut off');
    return wide ? Number(view.getBigUint64(at, true)) : view.getUint32(at, true);
  };
  const table = word(wide ? 32 : 28);
  const size = view.getUint16(wide ? 54 : 42, true);
  const count = view.getUint16(wide ? 56 : 44, true);
  if (size !== (wide ? 56 : 32)) fail(`program headers of ${size} bytes`);
  const segments: Segment[] = [];
  const entry = word(24);
  let start = entry;
  for (let i = 0; i < count; i++) {
    const at = table + i * size;
    if (at + (wide ? 56 : 32) > file.length) fail('the program headers lie beyond the end of the file');
    if (view.getUint32(at, true) !== PT_LOAD) continue;
    const [offset, linear, physical, inFile, inMemory] = (wide ? [8, 16, 24, 32, 40] : [4, 8, 12, 16, 20]).map((n) =>
      word(at + n),
    ) as [number, number, number, number, number];
    if (inMemory < inFile) fail('a segment is smaller in memory than in the file');
    segments.push({ at: physical, bytes: part(file, offset, inFile), size: inMemory });
    // The entry is linear where the two differ.
    if (entry >= linear && entry < linear + inMemory) start = entry - linear + physical;
  }
  if (segments.length === 0) fail('nothing to load');
  return { entry: start, segments };
}

const align = (at: number, to: number): number => Math.ceil(at / to) * to;

/**
 * Loads a kernel as a multiboot 1 loader does: itself, modules behind it, and at 0x9500 the information structure with memory map
 * and command line.
 *
 * @throws MultibootError where the header lies or something does not fit
 */
export function loadMultiboot(memory: PhysicalMemory, file: Uint8Array, request: MultibootRequest): MultibootStart {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const header = multibootHeader(file) ?? fail(`no multiboot header in its first ${SEARCHED} bytes`);
  const flags = view.getUint32(header + 4, true);
  if (flags & REQUIRED & ~UNDERSTOOD)
    fail(`its header asks for something unknown (flags 0x${(flags & REQUIRED).toString(16)})`);
  const { entry, segments } = flags & ADDRESSES ? byHeader(file, view, header) : byElf(file, view);
  let end = HIGH_MEMORY;
  if (!segments.some(({ at, size }) => entry >= at && entry < at + size))
    fail(`its entry 0x${entry.toString(16)} lies in nothing that is loaded`);
  for (const { at, size } of segments)
    if (at + size > memory.size)
      fail(`0x${at.toString(16)} and 0x${size.toString(16)} bytes lie beyond the memory; raise --memory`);
  if (segments.reduce((sum, { size }) => sum + size, 0) > memory.size)
    fail('its segments are larger than the memory; raise --memory');
  for (const { at, bytes, size } of segments) {
    memory.fill(at, size, 0);
    memory.write(at, bytes);
    end = Math.max(end, at + size);
  }
  const put32 = (at: number, ...values: readonly number[]): void => {
    const bytes = new Uint8Array(4 * values.length);
    values.forEach((value, i) => void new DataView(bytes.buffer).setUint32(4 * i, value, true));
    memory.write(at, bytes);
  };
  let free = INFO_AT + INFO_SIZE;
  const text = (value: string): number => {
    const bytes = new TextEncoder().encode(`${value}\0`);
    const at = free;
    free += bytes.length;
    if (free > LOW_MEMORY) fail('the command lines are too long');
    memory.write(at, bytes);
    return at;
  };
  const commandLine = text(request.commandLine);
  const loader = text('swapgs');
  const modules = request.modules.map((module) => {
    const at = align(end, PAGE);
    end = at + module.bytes.length;
    if (end > memory.size) fail('a module lies beyond the memory; raise --memory');
    memory.write(at, module.bytes);
    return [at, end, text(module.commandLine), 0] as const;
  });
  const moduleTable = align(free, 4);
  free = moduleTable + 16 * modules.length;
  modules.forEach((fields, i) => void put32(moduleTable + 16 * i, ...fields));
  const map = align(free, 4);
  const regions = [
    [0, LOW_MEMORY - 0x400, 1],
    [LOW_MEMORY - 0x400, 0x400, 2],
    [0xf_0000, 0x1_0000, 2],
    [HIGH_MEMORY, memory.size - HIGH_MEMORY, 1],
  ] as const;
  // Each entry begins with its own size, which does not count itself.
  regions.forEach(([base, length, type], i) => void put32(map + 24 * i, 20, base, 0, length, 0, type));
  const infoEnd = map + 24 * regions.length;
  const over = segments.find(({ at, size }) => at < infoEnd && at + size > INFO_AT);
  if (over !== undefined)
    fail(
      `0x${over.at.toString(16)} and 0x${over.size.toString(16)} bytes lie over what it is told at 0x${INFO_AT.toString(16)}`,
    );
  put32(
    INFO_AT,
    INFO.memory | INFO.commandLine | INFO.map | INFO.loader | (modules.length > 0 ? INFO.modules : 0),
    (LOW_MEMORY - 0x400) / 1024,
    (memory.size - HIGH_MEMORY) / 1024,
    0,
    commandLine,
    modules.length,
    moduleTable,
    0,
    0,
    0,
    0,
    24 * regions.length,
    map,
    0,
    0,
    0,
    loader,
  );
  return { entry, eax: LOADER_MAGIC, ebx: INFO_AT };
}
