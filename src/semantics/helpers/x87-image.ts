import { MXCSR, VECTOR, VECTOR_STRIDE } from '../../state/layout.ts';
import type { X87 } from './x87-core.ts';

/** Where the fields of the 32-bit protected-mode environment are (SDM 1 figure 8-9); the last opcode is in the selector's upper half. */
const ENV32 = { cw: 0, sw: 4, tw: 8, ip: 12, cs: 16, dp: 20, ds: 24, size: 28 } as const;
/** The same with a 66 prefix (SDM 1 figure 8-11). */
const ENV16 = { cw: 0, sw: 2, tw: 4, ip: 6, cs: 8, dp: 10, ds: 12, size: 14 } as const;
const REGISTER_BYTES = 10;
const OPCODE_SHIFT = 16;
const RESERVED_ONES = 0xffff;

/** The operand size of FNSTENV, FLDENV, FNSAVE and FRSTOR: 16 with a 66 prefix, else 32, in 64-bit mode too. */
export type EnvironmentSize = 16 | 32;

export const environmentBytes = (size: EnvironmentSize): number => (size === 32 ? ENV32 : ENV16).size;
export const saveBytes = (size: EnvironmentSize): number => environmentBytes(size) + 8 * REGISTER_BYTES;

/** What FNSTENV writes. The instruction then masks all exceptions: `maskAll`. Selectors are 0, as newer processors store them. */
export function environmentImage(x: X87, size: EnvironmentSize): Uint8Array {
  const image = new Uint8Array(environmentBytes(size));
  const view = new DataView(image.buffer);
  if (size === 16) {
    view.setUint16(ENV16.cw, x.controlWord, true);
    view.setUint16(ENV16.sw, x.statusWord, true);
    view.setUint16(ENV16.tw, x.tagWord, true);
    view.setUint16(ENV16.ip, Number(x.instructionPointer & 0xffffn), true);
    view.setUint16(ENV16.dp, Number(x.lastDataPointer & 0xffffn), true);
    return image;
  }
  for (const [at, word] of [
    [ENV32.cw, x.controlWord],
    [ENV32.sw, x.statusWord],
    [ENV32.tw, x.tagWord],
  ] as const) {
    view.setUint16(at, word, true);
    view.setUint16(at + 2, RESERVED_ONES, true);
  }
  view.setUint32(ENV32.ip, Number(x.instructionPointer & 0xffff_ffffn), true);
  view.setUint32(ENV32.cs, x.lastOpcode << OPCODE_SHIFT, true);
  view.setUint32(ENV32.dp, Number(x.lastDataPointer & 0xffff_ffffn), true);
  view.setUint16(ENV32.ds + 2, RESERVED_ONES, true);
  return image;
}

const ALL_MASKED = 0x3f;
/** What FNSTENV does after storing. */
export function maskAll(x: X87): void {
  x.controlWord |= ALL_MASKED;
}

/** FLDENV. Of the tags only empty or not counts: the others follow from the contents. */
export function loadEnvironment(x: X87, image: Uint8Array, size: EnvironmentSize): void {
  const at = size === 32 ? ENV32 : ENV16;
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  const tags = view.getUint16(at.tw, true);
  x.controlWord = view.getUint16(at.cw, true);
  x.statusWord = view.getUint16(at.sw, true);
  let full = 0;
  for (let n = 0; n < 8; n++) if (((tags >> (2 * n)) & 3) !== 3) full |= 1 << n;
  x.retag(full);
  if (size === 32)
    x.setPointers(
      BigInt(view.getUint32(at.ip, true)),
      BigInt(view.getUint32(at.dp, true)),
      view.getUint32(at.cs, true) >>> OPCODE_SHIFT,
    );
  else x.setPointers(BigInt(view.getUint16(at.ip, true)), BigInt(view.getUint16(at.dp, true)), 0);
}

/** What FNSAVE writes: the environment, then ST(0) … ST(7). The instruction then does FNINIT: `x.init()`. */
export function saveImage(x: X87, size: EnvironmentSize): Uint8Array {
  const environment = environmentImage(x, size);
  const image = new Uint8Array(saveBytes(size));
  image.set(environment);
  const view = new DataView(image.buffer);
  for (let i = 0; i < 8; i++) putRegister(view, environment.length + REGISTER_BYTES * i, x.read(i));
  return image;
}

/** FRSTOR. */
export function restoreImage(x: X87, image: Uint8Array, size: EnvironmentSize): void {
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  const at = environmentBytes(size);
  const top = (view.getUint16(size === 32 ? ENV32.sw : ENV16.sw, true) >> 11) & 7;
  for (let i = 0; i < 8; i++) x.writePhysical((top + i) & 7, getRegister(view, at + REGISTER_BYTES * i));
  loadEnvironment(x, image, size);
}

function putRegister(view: DataView, at: number, bits: bigint): void {
  view.setBigUint64(at, BigInt.asUintN(64, bits), true);
  view.setUint16(at + 8, Number(bits >> 64n), true);
}

function getRegister(view: DataView, at: number): bigint {
  return view.getBigUint64(at, true) | (BigInt(view.getUint16(at + 8, true)) << 64n);
}

/** Fields of the FXSAVE area (SDM 1 table 10-2), which is also the legacy region of XSAVE. */
const FX = {
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
/** Bytes of it that FXSAVE writes; it leaves the rest of the memory alone. */
export const FXSAVE_WRITTEN = 416;
/** Bits of MXCSR that exist: all of the lower 16, DAZ among them. */
export const MXCSR_MASK = 0xffff;

/** What x87 fields of the FXSAVE area hold; with `wide` (REX.W) the pointers are 64 bits, else 32 with selectors of 0. */
export function fxsaveX87(x: X87, image: DataView, wide: boolean): void {
  image.setUint16(FX.cw, x.controlWord, true);
  image.setUint16(FX.sw, x.statusWord, true);
  image.setUint16(FX.tw, x.abridgedTags, true);
  image.setUint16(FX.op, x.lastOpcode, true);
  const pointer = (value: bigint): bigint => (wide ? value : value & 0xffff_ffffn);
  image.setBigUint64(FX.ip, pointer(x.instructionPointer), true);
  image.setBigUint64(FX.dp, pointer(x.lastDataPointer), true);
  for (let i = 0; i < 8; i++) putRegister(image, FX.st + FX.stride * i, x.read(i));
}

/** Loads the x87 fields of an FXSAVE area. */
export function fxrstorX87(x: X87, image: DataView, wide: boolean): void {
  const sw = image.getUint16(FX.sw, true);
  x.controlWord = image.getUint16(FX.cw, true);
  x.statusWord = sw;
  const pointer = (at: number): bigint => (wide ? image.getBigUint64(at, true) : BigInt(image.getUint32(at, true)));
  x.setPointers(pointer(FX.ip), pointer(FX.dp), image.getUint16(FX.op, true));
  for (let i = 0; i < 8; i++) x.writePhysical((x.top + i) & 7, getRegister(image, FX.st + FX.stride * i));
  x.retag(image.getUint8(FX.tw));
}

/** The first `FXSAVE_WRITTEN` bytes that FXSAVE writes: x87, MXCSR and XMM0 … XMM15. `memory` holds the CPU state. */
export function fxsaveImage(memory: { readonly view: DataView }, x: X87, wide: boolean): Uint8Array {
  const image = new Uint8Array(FXSAVE_WRITTEN);
  const view = new DataView(image.buffer);
  fxsaveX87(x, view, wide);
  view.setUint32(FX.mxcsr, memory.view.getUint32(MXCSR, true), true);
  view.setUint32(FX.mxcsrMask, MXCSR_MASK, true);
  for (let at = 0; at < 16 * FX.stride; at += 8) {
    const from = VECTOR + VECTOR_STRIDE * (at >> 4) + (at & 8);
    view.setBigUint64(FX.xmm + at, memory.view.getBigUint64(from, true), true);
  }
  return image;
}

/** FXRSTOR from at least `FXSAVE_WRITTEN` bytes; false, with nothing loaded, when MXCSR has a reserved bit set: #GP(0). */
export function fxrstorImage(memory: { readonly view: DataView }, x: X87, image: Uint8Array, wide: boolean): boolean {
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  const mxcsr = view.getUint32(FX.mxcsr, true);
  if (mxcsr & ~MXCSR_MASK) return false;
  fxrstorX87(x, view, wide);
  memory.view.setUint32(MXCSR, mxcsr, true);
  for (let at = 0; at < 16 * FX.stride; at += 8) {
    const to = VECTOR + VECTOR_STRIDE * (at >> 4) + (at & 8);
    memory.view.setBigUint64(to, view.getBigUint64(FX.xmm + at, true), true);
  }
  return true;
}
