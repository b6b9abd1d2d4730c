import { parseHexBytes } from '../../src/bits/hex.ts';
import { loadMultiboot, type MultibootRequest } from '../../src/machine/system/multiboot.ts';
import { System, type SystemOptions } from '../../src/machine/system/system.ts';

/** Where `flat` puts code. */
export const LOADED = 0x10_0000;
const HEADER_SIZE = 32;
/** Where the code of `flat` begins: behind its header. */
export const CODE = LOADED + HEADER_SIZE;

/** A multiboot image of flat 32-bit code, loaded by the addresses in its header. */
export function flat(code: string, flags = 0x1_0000): Uint8Array {
  const bytes = parseHexBytes(code);
  const image = new Uint8Array(HEADER_SIZE + bytes.length);
  const view = new DataView(image.buffer);
  const magic = 0x1bad_b002;
  const end = LOADED + image.length;
  [magic, flags, -(magic + flags), LOADED, LOADED, end, end, CODE].forEach((value, i) => {
    view.setUint32(4 * i, value >>> 0, true);
  });
  image.set(bytes, HEADER_SIZE);
  return image;
}

/** A system with a kernel loaded, and what it has said on the serial port. */
export interface Booted {
  readonly system: System;
  readonly said: () => string;
}

export function boot(
  file: Uint8Array,
  options: SystemOptions = {},
  request: MultibootRequest = { commandLine: '', modules: [] },
): Booted {
  let text = '';
  const system = new System({
    memory: 16 << 20,
    hotAfter: 20,
    ...options,
    serial: (byte) => {
      text += String.fromCharCode(byte);
    },
  });
  const { entry, eax, ebx } = loadMultiboot(system.machine.memory, file, request);
  system.start(entry, eax, ebx);
  return { system, said: () => text };
}
