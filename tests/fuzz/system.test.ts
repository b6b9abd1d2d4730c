import { expect, test } from 'vitest';
import { Random } from '../../src/bits/random.ts';
import { decode } from '../../src/decode/decode.ts';
import { generate } from '../../src/fuzz/generate.ts';
import { EngineOracle } from '../../src/fuzz/oracles.ts';
import { oracleCase } from '../../src/fuzz/steps.ts';
import { drawSystemPiece } from '../../src/fuzz/system.ts';
import { Vocabulary } from '../../src/fuzz/vocabulary.ts';
import { peek } from '../../src/memory/page-walk.ts';

const PIECES = 2000;
const SEQUENCES = 300;
const MOST_INSTRUCTIONS = 40;

test('every step of a piece is an instruction', () => {
  const random = new Random(1);
  for (let n = 0; n < PIECES; n++)
    for (const { bytes } of drawSystemPiece(random)) {
      const insn = decode(Uint8Array.from(bytes));
      expect(typeof insn === 'string' ? insn : insn.length).toBe(bytes.length);
    }
});

test('system instructions do what they are for, instead of ending in #GP', () => {
  const vocabulary = new Vocabulary({
    features: null,
    include: null,
    exclude: new Set(),
    weights: new Map(),
    host: null,
    cpl: 0,
  });
  const engine = new EngineOracle('interpreter', 0);
  const retired = new Set<string>();
  for (let n = 0; n < SEQUENCES; n++) {
    const c = oracleCase(generate(new Random(n), { vocabulary, strict: false, most: 32 }));
    engine.place(c);
    const { cpu, memory } = engine.sandbox.machine;
    for (let step = 0; step < MOST_INSTRUCTIONS; step++) {
      const insn = decode(peek(memory, cpu, cpu.rip, 15));
      const before = cpu.icount;
      const ending = engine.step(c);
      if (typeof insn !== 'string' && cpu.icount > before) retired.add(insn.mnemonic);
      if (ending.kind !== 'count') break;
    }
  }
  const wanted =
    'lgdt lidt ltr lldt verr lar mov rdmsr wrmsr xsetbv invlpg invpcid iret retf jmpf callf sysret int cli swapgs';
  expect(wanted.split(' ').filter((name) => !retired.has(name))).toEqual([]);
});
