import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { BASE, idioms, SNAPSHOTS, snapshot } from '../../../scripts/codegen/samples.js';
import { parseHexBytes } from '../../../src/bits/hex.ts';
import { decodeSamples, INLINE_SAMPLES } from '../../../src/exec/interpreter/inline.ts';
import { describeBytes } from '../../../src/exec/jit/explain.ts';
import '../../../src/semantics/index.ts';

const shapes = decodeSamples(INLINE_SAMPLES);
const instructions = INLINE_SAMPLES.map((hex, i): [string, string] => [shapes[i]!.key, hex]);
const describeHex = (hex: string): string | null => describeBytes(parseHexBytes(hex), BASE);

/** The sections of a snapshot file by their headings. */
const sections = (text: string): Map<string, string> =>
  new Map(text.split(/^(?==== )/m).map((part) => [part.split('\n', 1)[0]!, part]));

test.each([
  ['instructions', instructions],
  ['idioms', idioms()],
] as const)('the code of %s is the committed one; after a change: node scripts/codegen/update.js', (name, samples) => {
  const committed = sections(readFileSync(new URL(`${name}.txt`, SNAPSHOTS), 'utf8'));
  const now = sections(snapshot(samples, describeHex));
  expect([...now.keys()]).toEqual([...committed.keys()]);
  for (const [heading, text] of now) expect(text).toBe(committed.get(heading));
});
