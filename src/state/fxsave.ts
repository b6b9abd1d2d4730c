import type { CpuState } from './cpu-state.ts';
import { VECTOR, VECTOR_STRIDE } from './layout.ts';
import { readExtended, writeExtended, type X87 } from './x87.ts';

/** Fields of the FXSAVE area (SDM 1 table 10-2), which is also the legacy region of XSAVE. */
export const FX = {
  cw: 0,
  sw: 2,
  tw: 4,
  op: 6,
  ip: 8,
  dp: 16,
  mxcsr: 24,
  mxcsrMask: 28,
  st: 32,
  xmm: 160,
  stride: 16,
} as const;
export const FXSAVE_BYTES = 512;
/** Where it keeps MXCSR. */
export const FXSAVE_MXCSR = FX.mxcsr;
/** Bytes of it that FXSAVE writes; it leaves the rest of the memory alone. */
export const FXSAVE_WRITTEN = 416;
/** Bits of MXCSR that exist: all of the lower 16, DAZ among them. */
export const MXCSR_MASK = 0xffff;

/** What the x87 fields of the FXSAVE area hold; with `wide` (REX.W) the pointers are 64 bits, else 32 with selectors of 0. */
export function fxsaveX87(x: X87, image: DataView, wide: boolean): void {
  image.setUint16(FX.cw, x.controlWord, true);
  image.setUint16(FX.sw, x.statusWord, true);
  image.setUint16(FX.tw, x.abridgedTags, true);
  image.setUint16(FX.op, x.lastOpcode, true);
  const pointer = (value: bigint): bigint => (wide ? value : value & 0xffff_ffffn);
  image.setBigUint64(FX.ip, pointer(x.instructionPointer), true);
  image.setBigUint64(FX.dp, pointer(x.lastDataPointer), true);
  for (let i = 0; i < 8; i++) writeExtended(image, FX.st + FX.stride * i, x.read(i));
}

/** Loads the x87 fields of an FXSAVE area. */
export function fxrstorX87(x: X87, image: DataView, wide: boolean): void {
  const sw = image.getUint16(FX.sw, true);
  x.controlWord = image.getUint16(FX.cw, true);
  x.statusWord = sw;
  const pointer = (at: number): bigint => (wide ? image.getBigUint64(at, true) : BigInt(image.getUint32(at, true)));
  x.setPointers(pointer(FX.ip), pointer(FX.dp), image.getUint16(FX.op, true));
  for (let i = 0; i < 8; i++) x.writePhysical((x.top + i) & 7, readExtended(image, FX.st + FX.stride * i));
  x.retag(image.getUint8(FX.tw));
}

/** The first `FXSAVE_WRITTEN` bytes that FXSAVE writes: x87, MXCSR and XMM0 … XMM15; with `wide` as FXSAVE64 does. */
export function fxsaveImage(cpu: CpuState, wide = true): Uint8Array {
  const image = new Uint8Array(FXSAVE_WRITTEN);
  const view = new DataView(image.buffer);
  fxsaveX87(cpu.x87, view, wide);
  view.setUint32(FX.mxcsr, cpu.mxcsr, true);
  view.setUint32(FX.mxcsrMask, MXCSR_MASK, true);
  for (let at = 0; at < 16 * FX.stride; at += 8) view.setBigUint64(FX.xmm + at, cpu.u64(xmmHalf(at)), true);
  return image;
}

/** FXRSTOR from at least `FXSAVE_WRITTEN` bytes; false, with nothing loaded, when MXCSR has a reserved bit set: #GP(0). */
export function fxrstorImage(cpu: CpuState, image: Uint8Array, wide = true): boolean {
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  const mxcsr = view.getUint32(FX.mxcsr, true);
  if (mxcsr & ~MXCSR_MASK) return false;
  fxrstorX87(cpu.x87, view, wide);
  cpu.mxcsr = mxcsr;
  for (let at = 0; at < 16 * FX.stride; at += 8) cpu.setU64(xmmHalf(at), view.getBigUint64(FX.xmm + at, true));
  return true;
}

/** State address of the half of an XMM register that stands `at` bytes into the image's registers. */
const xmmHalf = (at: number): number => VECTOR + VECTOR_STRIDE * (at >> 4) + (at & 8);
