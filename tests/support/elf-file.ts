/** Builds ELF-64 files by hand, honest or hostile: every header field can be overridden. */

export interface SegmentSpec {
  type?: number;
  flags?: number;
  offset?: bigint;
  address?: bigint;
  fileSize?: bigint;
  memorySize?: bigint;
  align?: bigint;
}

export interface SymbolSpec {
  nameAt: number;
  info?: number;
  section?: number;
  value: bigint;
  size?: bigint;
}

export interface ElfSpec {
  type?: number;
  machine?: number;
  entry?: bigint;
  segments?: SegmentSpec[];
  /** Bytes from file offset 0x1000 on. */
  body?: Uint8Array;
  symbols?: SymbolSpec[];
  strings?: Uint8Array;
}

export const BASE = 0x40_0000n;
/** Where the body of `elfFile` stands in the file and, by default, from `BASE` on in memory. */
export const BODY = 0x1000;

/** An ET_EXEC file with one segment over its body, unless `spec` says otherwise; sections only when it has symbols. */
export function elfFile(spec: ElfSpec = {}): Uint8Array {
  const body = spec.body ?? new Uint8Array([0x0f, 0x05]);
  const segments = spec.segments ?? [{}];
  const symbols = spec.symbols ?? [];
  const strings = spec.strings ?? new Uint8Array([0]);
  const symtabAt = BODY + body.length;
  const stringsAt = symtabAt + 24 * symbols.length;
  const sectionsAt = (stringsAt + strings.length + 7) & ~7;
  const withSections = symbols.length > 0;
  const bytes = new Uint8Array(withSections ? sectionsAt + 64 * 4 : symtabAt);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, spec.type ?? 2, true);
  view.setUint16(18, spec.machine ?? 62, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(24, spec.entry ?? BASE, true);
  view.setBigUint64(32, 64n, true);
  view.setUint16(52, 64, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, segments.length, true);
  view.setUint16(58, 64, true);
  segments.forEach((segment, index) => {
    const at = 64 + 56 * index;
    if (at + 56 > bytes.length) return;
    view.setUint32(at, segment.type ?? 1, true);
    view.setUint32(at + 4, segment.flags ?? 5, true);
    view.setBigUint64(at + 8, segment.offset ?? BigInt(BODY), true);
    view.setBigUint64(at + 16, segment.address ?? BASE, true);
    view.setBigUint64(at + 24, segment.address ?? BASE, true);
    view.setBigUint64(at + 32, segment.fileSize ?? BigInt(body.length), true);
    view.setBigUint64(at + 40, segment.memorySize ?? segment.fileSize ?? BigInt(body.length), true);
    view.setBigUint64(at + 48, segment.align ?? 0x1000n, true);
  });
  bytes.set(body, BODY);
  if (!withSections) return bytes;

  symbols.forEach((symbol, index) => {
    const at = symtabAt + 24 * index;
    view.setUint32(at, symbol.nameAt, true);
    view.setUint8(at + 4, symbol.info ?? 0x12);
    view.setUint16(at + 6, symbol.section ?? 1, true);
    view.setBigUint64(at + 8, symbol.value, true);
    view.setBigUint64(at + 16, symbol.size ?? 0n, true);
  });
  bytes.set(strings, stringsAt);
  view.setBigUint64(40, BigInt(sectionsAt), true);
  view.setUint16(60, 4, true);
  view.setUint16(62, 0, true);
  const section = (index: number, type: number, offset: number, size: number, link = 0, entrySize = 0): void => {
    const at = sectionsAt + 64 * index;
    view.setUint32(at + 4, type, true);
    view.setBigUint64(at + 24, BigInt(offset), true);
    view.setBigUint64(at + 32, BigInt(size), true);
    view.setUint32(at + 40, link, true);
    view.setBigUint64(at + 56, BigInt(entrySize), true);
  };
  section(1, 1, BODY, body.length);
  section(2, 2, symtabAt, 24 * symbols.length, 3, 24);
  section(3, 3, stringsAt, strings.length);
  return bytes;
}

/** A copy of `bytes` with one little-endian field of 1, 2, 4 or 8 bytes replaced. */
export function patched(bytes: Uint8Array, at: number, size: 1 | 2 | 4 | 8, value: bigint | number): Uint8Array {
  const copy = bytes.slice();
  let rest = BigInt.asUintN(64, BigInt(value));
  for (let i = 0; i < size; i++, rest >>= 8n) copy[at + i] = Number(rest & 0xffn);
  return copy;
}
