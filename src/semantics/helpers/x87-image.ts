import { readExtended, writeExtended, type X87 } from '../../state/x87.ts';

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
  for (let i = 0; i < 8; i++) writeExtended(view, environment.length + REGISTER_BYTES * i, x.read(i));
  return image;
}

/** FRSTOR. */
export function restoreImage(x: X87, image: Uint8Array, size: EnvironmentSize): void {
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  const at = environmentBytes(size);
  const top = (view.getUint16(size === 32 ? ENV32.sw : ENV16.sw, true) >> 11) & 7;
  for (let i = 0; i < 8; i++) x.writePhysical((top + i) & 7, readExtended(view, at + REGISTER_BYTES * i));
  loadEnvironment(x, image, size);
}
