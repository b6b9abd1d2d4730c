import { FXSAVE_WRITTEN, fxrstorImage, fxsaveImage } from '../../state/fxsave.ts';
import { defineHelper, type HelperContext } from './helper.ts';
import {
  type EnvironmentSize,
  environmentBytes,
  environmentImage,
  loadEnvironment,
  maskAll,
  restoreImage,
  saveBytes,
  saveImage,
} from './x87-image.ts';

/**
 * Images of the x87 and SSE state in memory. The definitions have probed both ends of the operand, so the accesses here succeed;
 * pieces of the operand size keep alignment checks to what the probe has checked.
 */

/** Writes an image in pieces of so many bits. */
function writeImage(c: HelperContext, address: bigint, image: Uint8Array, width: 16 | 32 | 64): void {
  const bytes = width / 8;
  for (let at = 0; at < image.length; at += bytes) {
    let piece = 0n;
    for (let n = bytes - 1; n >= 0; n--) piece = (piece << 8n) | BigInt(image[at + n]!);
    if (!c.write(BigInt.asUintN(64, address + BigInt(at)), piece, width)) return;
  }
}

/** Reads an image; null with a fault pending. */
function readImage(c: HelperContext, address: bigint, length: number, width: 16 | 32 | 64): Uint8Array | null {
  const image = new Uint8Array(length);
  const bytes = width / 8;
  for (let at = 0; at < length; at += bytes) {
    let piece = c.read(BigInt.asUintN(64, address + BigInt(at)), width);
    if (piece === null) return null;
    for (let n = 0; n < bytes; n++, piece >>= 8n) image[at + n] = Number(piece & 0xffn);
  }
  return image;
}

for (const size of [16, 32] as const satisfies readonly EnvironmentSize[]) {
  const save = (name: string, doc: string, run: (c: HelperContext, address: bigint) => void): void =>
    defineHelper({ name: `x87.${name}.${size}`, doc, args: [64], result: 0, run: (c, address) => run(c, address!) });

  save('fnstenv', 'store the environment, then mask all exceptions', (c, address) => {
    writeImage(c, address, environmentImage(c.cpu.x87, size), size);
    maskAll(c.cpu.x87);
  });
  save('fnsave', 'store environment and registers, then initialise', (c, address) => {
    writeImage(c, address, saveImage(c.cpu.x87, size), size);
    c.cpu.x87.init();
  });
  save('fldenv', 'load the environment', (c, address) => {
    const image = readImage(c, address, environmentBytes(size), size);
    if (image !== null) loadEnvironment(c.cpu.x87, image, size);
  });
  save('frstor', 'load environment and registers', (c, address) => {
    const image = readImage(c, address, saveBytes(size), size);
    if (image !== null) restoreImage(c.cpu.x87, image, size);
  });
}

defineHelper({
  name: 'fxsave',
  doc: 'Store the x87 and SSE state; with 64-bit pointers or not',
  args: [64, 32],
  result: 0,
  run: (c, address, wide) => writeImage(c, address!, fxsaveImage(c.cpu, wide === 1n), 64),
});

defineHelper({
  name: 'fxrstor',
  doc: 'Load the x87 and SSE state; MXCSR has been checked',
  args: [64, 32],
  result: 0,
  run: (c, address, wide) => {
    const image = readImage(c, address!, FXSAVE_WRITTEN, 64);
    if (image !== null) fxrstorImage(c.cpu, image, wide === 1n);
  },
});
