/**
 * The bytes that go to and come from the helper process; drawn in `guest/oracle/oracle.c`, whose record `record.ts`
 * lays out. Little endian, every part a multiple of 8 bytes.
 */
import { type MemoryPatch, type OracleCase, type OracleEnding, OracleResult } from './case.ts';
import { CODE } from './layout.ts';
import { FXSAVE_BYTES, FXSAVE_MXCSR, FXSAVE_XMM, RECORD, XSAVE_OPMASK, XSAVE_YMM_HIGH } from './record.ts';

const PATCH_HEADER = 16;
const DEFAULT_RFLAGS = 0x202;
const DEFAULT_FCW = 0x037f;
const DEFAULT_MXCSR = 0x1f80;

export const KIND_RUN = 1;
export const KIND_CPUID = 2;
export const REQUEST_HEADER = 24;
export const ANSWER_HEADER = 8;

const align8 = (n: number): number => (n + 7) & ~7;

/** Bytes that `c` takes in a request. */
export function caseBytes(c: OracleCase): number {
  let total = RECORD.SIZE + align8(c.code.length);
  for (const patch of c.memory ?? []) total += PATCH_HEADER + align8(patch.bytes.length);
  return total;
}

/** The floating-point state that a case starts from which names none: that of FNINIT, with the default MXCSR. */
export function initialFxsave(): Uint8Array {
  const image = new Uint8Array(FXSAVE_BYTES);
  const view = new DataView(image.buffer);
  view.setUint16(0, DEFAULT_FCW, true);
  view.setUint32(FXSAVE_MXCSR, DEFAULT_MXCSR, true);
  return image;
}

export function writeRequestHeader(view: DataView, kind: number, count: number, bytes: number, tick: number): void {
  view.setUint32(0, kind, true);
  view.setUint32(4, count, true);
  view.setBigUint64(8, BigInt(bytes), true);
  view.setBigUint64(16, BigInt(tick), true);
}

function writeVectors(view: DataView, at: number, values: ArrayLike<bigint>): void {
  for (let i = 0; i < values.length && i < 16; i++) {
    view.setBigUint64(at + 16 * i, values[i]!, true);
    view.setBigUint64(at + 16 * i + 8, values[i]! >> 64n, true);
  }
}

/** Writes `c` at `at` of a zeroed buffer; returns the offset behind it. */
export function writeCase(u8: Uint8Array, view: DataView, at: number, c: OracleCase): number {
  const codeAddress = c.codeAddress ?? CODE.base;
  const memory = c.memory ?? [];
  const end = at + caseBytes(c);
  view.setUint32(at + RECORD.BYTES, end - at, true);
  view.setBigUint64(at + RECORD.CODE_ADDRESS, codeAddress, true);
  view.setUint32(at + RECORD.CODE_LENGTH, c.code.length, true);
  view.setUint32(at + RECORD.PATCHES, memory.length, true);
  for (let i = 0; i < 16; i++) view.setBigUint64(at + RECORD.GPR + 8 * i, c.gpr[i] ?? 0n, true);
  view.setBigUint64(at + RECORD.RIP, c.rip ?? codeAddress, true);
  view.setUint32(at + RECORD.RFLAGS, c.rflags ?? DEFAULT_RFLAGS, true);
  if (c.fsBase) view.setBigUint64(at + RECORD.FS_BASE, c.fsBase, true);
  if (c.gsBase) view.setBigUint64(at + RECORD.GS_BASE, c.gsBase, true);

  const xsave = at + RECORD.XSAVE;
  u8.set((c.fxsave ?? initialFxsave()).subarray(0, FXSAVE_BYTES), xsave);
  if (c.mxcsr !== undefined) view.setUint32(xsave + FXSAVE_MXCSR, c.mxcsr, true);
  if (c.xmm) writeVectors(view, xsave + FXSAVE_XMM, c.xmm);
  if (c.ymmHigh) writeVectors(view, xsave + XSAVE_YMM_HIGH, c.ymmHigh);

  if (c.avx512) u8.set(c.avx512, xsave + XSAVE_OPMASK);

  let to = at + RECORD.SIZE;
  u8.set(c.code, to);
  to += align8(c.code.length);
  for (const patch of memory) {
    view.setBigUint64(to, patch.address, true);
    view.setUint32(to + 8, patch.bytes.length, true);
    u8.set(patch.bytes, to + PATCH_HEADER);
    to += PATCH_HEADER + align8(patch.bytes.length);
  }
  return end;
}

const SIMPLE_ENDINGS: readonly (OracleEnding | undefined)[] = [
  { kind: 'normal' },
  undefined,
  { kind: 'timeout' },
  { kind: 'refused' },
  { kind: 'syscall' },
];

function readEnding(view: DataView, at: number): OracleEnding {
  return (
    SIMPLE_ENDINGS[view.getUint32(at + RECORD.ENDING, true)] ?? {
      kind: 'fault',
      signal: view.getUint32(at + RECORD.SIGNAL, true),
      vector: view.getUint32(at + RECORD.VECTOR, true),
      error: view.getBigUint64(at + RECORD.ERROR, true),
      cr2: view.getBigUint64(at + RECORD.CR2, true),
    }
  );
}

/** The result at `at`, and the offset behind it. The result keeps `view`'s buffer alive. */
export function readResult(view: DataView, at: number): readonly [OracleResult, number] {
  const count = view.getUint32(at + RECORD.PATCHES, true);
  const changes: MemoryPatch[] = [];
  let from = at + RECORD.SIZE;
  for (let i = 0; i < count; i++) {
    const length = view.getUint32(from + 8, true);
    const bytes = new Uint8Array(view.buffer, view.byteOffset + from + PATCH_HEADER, length);
    changes.push({ address: view.getBigUint64(from, true), bytes });
    from += PATCH_HEADER + align8(length);
  }
  const own = new DataView(view.buffer, view.byteOffset + at, RECORD.SIZE);
  return [new OracleResult(own, readEnding(view, at), changes), at + view.getUint32(at + RECORD.BYTES, true)];
}

/** The result of a case that ended the helper process. */
export function lostResult(): OracleResult {
  return new OracleResult(new DataView(new ArrayBuffer(RECORD.SIZE)), { kind: 'lost' }, []);
}
