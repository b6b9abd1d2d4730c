#!/usr/bin/env node
// Writes the snapshots of generated code in tests/exec/jit/snapshots anew: node scripts/codegen/update.js (after npm run build).
// A test compares them with what the sources make; `git diff` shows what a change did to the code.
import { mkdirSync, writeFileSync } from 'node:fs';
import '../../dist/semantics/index.js';
import { parseHexBytes } from '../../dist/bits/hex.js';
import { INLINE_SAMPLES } from '../../dist/exec/interpreter/inline.js';
import { describeBytes } from '../../dist/exec/jit/explain.js';
import { BASE, idioms, SNAPSHOTS, snapshot } from './samples.js';

mkdirSync(SNAPSHOTS, { recursive: true });
const describe = (hex) => describeBytes(parseHexBytes(hex), BASE);
writeFileSync(
  new URL('instructions.txt', SNAPSHOTS),
  snapshot(
    INLINE_SAMPLES.map((hex) => ['instruction', hex]),
    describe,
  ),
);
writeFileSync(new URL('idioms.txt', SNAPSHOTS), snapshot(idioms(), describe));
