import { expect, test } from 'vitest';
import { decodeLegacy } from '../../../src/decode/decode.ts';
import { profileNamed } from '../../../src/machine/profiles.ts';
import '../../../src/semantics/index.ts';
import { liftLegacy } from '../../../src/semantics/legacy/lift.ts';

const { has } = profileNamed('default');
const ESCAPES: readonly (readonly number[])[] = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]];
const PREFIXES: readonly (readonly number[])[] = [[], [0x66], [0xf2], [0xf3]];

test('every encoding of 32-bit code that a CPU here has is defined', { timeout: 60_000 }, () => {
  const defined = new Set<number>();
  const missing = new Set<string>();
  const bytes = new Uint8Array(15);
  for (const map of ESCAPES)
    for (const prefix of PREFIXES)
      for (let opcode = 0; opcode < 256; opcode++)
        for (let modrm = 0; modrm < 256; modrm++) {
          // Of memory one place does.
          if (modrm < 0xc0 && (modrm & 0xc7) !== 5) continue;
          bytes.fill(0x11);
          bytes.set([...prefix, ...map, opcode, modrm]);
          const insn = decodeLegacy(bytes, 32);
          if (typeof insn === 'string' || defined.has(insn.code) || !insn.features.every(has)) continue;
          if (liftLegacy(insn, 0n) === null) missing.add(insn.codeName);
          else defined.add(insn.code);
        }
  expect([...missing]).toEqual([]);
  expect(defined.size).toBeGreaterThan(1200);
});
