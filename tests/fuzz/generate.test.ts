import { describe, expect, test } from 'vitest';
import { Random } from '../../src/bits/random.ts';
import { decode } from '../../src/decode/decode.ts';
import { openFlagsAt } from '../../src/fuzz/bench.ts';
import { drawInstance } from '../../src/fuzz/draw.ts';
import { type GenerateOptions, generate } from '../../src/fuzz/generate.ts';
import { mutate } from '../../src/fuzz/mutate.ts';
import { isOpen, readsOpen } from '../../src/fuzz/open.ts';
import { assemble, type FuzzCase, offsetsOf } from '../../src/fuzz/steps.ts';
import { Vocabulary } from '../../src/fuzz/vocabulary.ts';
import { regionOf } from '../../src/oracle/layout.ts';

const vocabulary = new Vocabulary({
  features: null,
  include: null,
  exclude: new Set(),
  weights: new Map(),
  host: null,
  cpl: 3,
});
const options: GenerateOptions = { vocabulary, strict: true, most: 32 };
const CASES = 1500;

const made = (): FuzzCase[] => Array.from({ length: CASES }, (_, n) => generate(new Random(n), options));
const cases = made();

/** The instructions as they stand in memory. */
function decoded(c: FuzzCase): { at: number; insn: Exclude<ReturnType<typeof decode>, string> }[] {
  const code = assemble(c);
  return offsetsOf(c.steps)
    .slice(0, -1)
    .map((at) => {
      const insn = decode(code.subarray(at));
      if (typeof insn === 'string') throw new Error(`no instruction at ${at}`);
      return { at, insn };
    });
}

test('the same seed gives the same sequence', () => expect(made()).toEqual(cases));

test('the vocabulary knows every mnemonic that is defined for CPL 3', () => {
  const mnemonics = new Set(vocabulary.words.map((word) => word.mnemonic));
  for (const name of ['add', 'cmpxchg16b', 'movs', 'fsin', 'fadd', 'paddb', 'addps', 'pshufb', 'mulx', 'jne', 'loop'])
    expect(mnemonics.has(name), name).toBe(true);
});

describe('sequences', () => {
  test('have 1 to 32 instructions, lie in a region for code, and decode as they were meant', () => {
    const lengths = new Set<number>();
    for (const c of cases) {
      lengths.add(c.steps.length);
      expect(regionOf(c.codeAddress, offsetsOf(c.steps).at(-1)!)?.executable).toBe(true);
      decoded(c).forEach(({ insn }, i) => {
        expect(insn.length).toBe(c.steps[i]!.bytes.length);
        expect(vocabulary.has(insn.code) || insn.mnemonic === 'mov' || insn.mnemonic === 'lea').toBe(true);
      });
    }
    expect(lengths.has(1) && lengths.has(32)).toBe(true);
  });

  test('branch to steps of their own', () => {
    let branches = 0;
    for (const c of cases) {
      const starts = new Set(offsetsOf(c.steps));
      for (const { at, insn } of decoded(c)) {
        const [op] = insn.operands;
        if (op?.kind !== 'rel') continue;
        branches++;
        expect(starts.has(at + Number(op.offset))).toBe(true);
      }
    }
    expect(branches).toBeGreaterThan(CASES / 4);
  });

  test('meet page edges, misalignment, read-only pages, their own code, strings and locks', () => {
    const seen = new Set<string>();
    for (const c of cases) {
      if (c.steps.some((step) => step.within !== undefined)) seen.add('own code');
      const end = c.codeAddress + BigInt(offsetsOf(c.steps).at(-1)!);
      if (c.codeAddress >> 12n !== (end - 1n) >> 12n) seen.add('code across pages');
      for (const { place } of c.steps) {
        if (place === undefined) continue;
        if ((place & 0xfffn) > 0xff0n) seen.add('end of a page');
        if (place & 7n) seen.add('misaligned');
        if (place >= 0x1000_3000n && place < 0x1000_4000n) seen.add('read-only');
      }
      for (const { insn } of decoded(c)) {
        if (insn.lock) seen.add('lock');
        if (insn.repeat !== null && insn.width > 0) seen.add('repeated string');
      }
    }
    const wanted = [
      'own code',
      'code across pages',
      'end of a page',
      'misaligned',
      'read-only',
      'lock',
      'repeated string',
    ];
    expect([...seen].sort()).toEqual(wanted.sort());
  });

  test('never read a flag that the manual leaves open, in the order in which they stand', () => {
    for (const c of cases) {
      const open = openFlagsAt(c);
      decoded(c).forEach(({ insn }, i) => {
        expect(isOpen(insn) || readsOpen(insn, open[i]!)).toBe(false);
      });
    }
  });
});

test('mutants are sequences too, and other ones', () => {
  let changed = 0;
  for (let n = 0; n < 400; n++) {
    const mutant = mutate(cases[n]!, cases[n + 1]!, new Random(n), options);
    if (mutant === null) continue;
    changed++;
    expect(regionOf(mutant.codeAddress, offsetsOf(mutant.steps).at(-1)!)?.executable).toBe(true);
    expect(mutant.steps.length).toBeLessThanOrEqual(64);
    expect(() => decoded(mutant)).not.toThrow();
  }
  expect(changed).toBeGreaterThan(300);
});

test('no sequence is longer than asked for', () => {
  for (let n = 0; n < 400; n++)
    expect(generate(new Random(n), { vocabulary, strict: false, most: 1 }).steps).toHaveLength(1);
});

test('roundings of an instruction’s own are drawn, each as often', () => {
  const template = vocabulary.words.find(
    ({ template: t }) => t.codeName === 'EVEX_Vmulpd_zmm_k1z_zmm_zmmm512b64_er',
  )!.template;
  const random = new Random(6);
  const known = new Array<number>(16).fill(0x1000_0200);
  const times = [0, 0, 0, 0];
  for (let n = 0; n < 800; n++) {
    const { bytes } = drawInstance(template, random, known, () => 0x1000_0200)!.insn;
    const [, , p2 = 0, , modrm = 0] = bytes.subarray(bytes.indexOf(0x62) + 1);
    if (modrm >= 0xc0 && p2 & 0x10) times[(p2 >> 5) & 3]!++;
  }
  for (const each of times) expect(each).toBeGreaterThan(30);
});
