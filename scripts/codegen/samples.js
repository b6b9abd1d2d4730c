// What the snapshots of generated code are made of: one instruction of each of the commonest shapes, and idioms.
import { readFileSync } from 'node:fs';

export const SNAPSHOTS = new URL('../../tests/exec/jit/snapshots/', import.meta.url);
/** Where the code stands. */
export const BASE = 0x401000n;

/** Idioms as [name, bytes in hex]. */
export function idioms() {
  return readFileSync(new URL('idioms.txt', import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line && !line.startsWith('#'))
    .map((line) => {
      const [name, hex, text] = line.split(' | ');
      return [`${name}: ${text}`, hex];
    });
}

/** The text of a snapshot file: each sample under its name. `describe` gives null for what stays with the interpreter. */
export const snapshot = (samples, describe) =>
  samples.map(([name, hex]) => `=== ${name} [${hex}]\n${describe(hex) ?? 'interpreted\n'}`).join('\n');
