#!/usr/bin/env node
// Writes the snapshots of generated code in tests/exec/jit/snapshots anew: node scripts/codegen/update.js (after npm run build).
// A test compares them with what the sources make; `git diff` shows what a change did to the code.
import { mkdirSync, writeFileSync } from 'node:fs';
import '../../dist/semantics/index.js';
import { parseHexBytes } from '../../dist/bits/hex.js';
import { decodeSamples, INLINE_SAMPLES } from '../../dist/exec/interpreter/inline.js';
import { describeBytes } from '../../dist/exec/jit/explain.js';
import { BASE, idioms, SNAPSHOTS, snapshot } from './samples.js';

const shapes = decodeSamples(INLINE_SAMPLES);
const instructions = INLINE_SAMPLES.map((hex, i) => [shapes[i].key, hex]);
const describe = (hex) => describeBytes(parseHexBytes(hex), BASE);
mkdirSync(SNAPSHOTS, { recursive: true });
writeFileSync(new URL('instructions.txt', SNAPSHOTS), snapshot(instructions, describe));
writeFileSync(new URL('idioms.txt', SNAPSHOTS), snapshot(idioms(), describe));
