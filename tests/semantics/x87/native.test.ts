import { afterAll, describe, expect, test } from 'vitest';
import { Random } from '../../../src/bits/random.ts';
import { decode } from '../../../src/decode/decode.ts';
import { runCampaign } from '../../../src/oracle/campaign.ts';
import type { OracleCase } from '../../../src/oracle/case.ts';
import { differences, initialSnapshot, memoryDifferences, snapshot } from '../../../src/oracle/compare.ts';
import { DATA } from '../../../src/oracle/layout.ts';
import { available, NativeOracle } from '../../../src/oracle/native.ts';
import { Sandbox } from '../../../src/oracle/sandbox.ts';
import { TRANSCENDENTAL } from '../../../src/oracle/x87-masks.ts';
import { drawFxsave, drawX87Operand } from '../../../src/oracle/x87-states.ts';
import { definedMnemonics, instructionNamed } from '../../../src/semantics/define.ts';

const ENGINES = ['reference', 'interpreter'] as const;
const x87 = definedMnemonics().filter((name) => /^(f|wait$)/.test(name));
/** `SWAPGS_X87_CASES=n` runs n cases instead of a few thousand. */
const CASES = Number(process.env['SWAPGS_X87_CASES'] ?? 4000);
const SEED = Number(process.env['SWAPGS_X87_SEED'] ?? 1);
const TIMEOUT = 3_600_000;

describe.skipIf(available() !== null)('the x87 against the host CPU', () => {
  const oracle = new NativeOracle();
  const sandboxes = ENGINES.map((engine) => new Sandbox(engine));
  afterAll(() => oracle.close());

  test('every encoding from random states', { timeout: TIMEOUT }, () => {
    const result = runCampaign({ cases: CASES, seed: SEED, engines: ENGINES, only: new Set(x87) });
    expect(result.mismatches.map((m) => [m.engine, m.codeName, m.bytes, ...m.differences])).toEqual([]);
    expect(result.encodings).toBeGreaterThan(110);
    expect(result.untried).toEqual([]);
  });

  test('encodings that do not exist are undefined', () => {
    const codes: Uint8Array[] = [];
    for (let opcode = 0xd8; opcode <= 0xdf; opcode++)
      for (let modrm = 0; modrm < 0x100; modrm++) {
        const code = Uint8Array.of(opcode, modrm, 0, 0, 0, 0);
        if (typeof decode(code) === 'string' && (modrm >= 0xc0 || (modrm & 0xc7) === 3)) codes.push(code);
      }
    const cases = codes.map((code) => ({ code, gpr: Array.from({ length: 16 }, () => DATA.base) }));
    const undefinedOnHost = oracle.run(cases).map((r) => r.ending.kind === 'fault' && r.ending.vector === 6);
    expect(undefinedOnHost).toEqual(cases.map(() => true));
    for (const sandbox of sandboxes)
      for (const c of cases) expect(sandbox.run(c, 2)).toMatchObject({ kind: 'fault', fault: { vector: 6 } });
  });

  /** Instructions for sequences. FCOMI and its kin are left out, since an AMD CPU leaves C1 as it was, and what has results of each CPU's own. */
  const registers: number[][] = [[0x9b]];
  const memories: number[][] = [];
  for (let opcode = 0xd8; opcode <= 0xdf; opcode++)
    for (let modrm = 0; modrm < 0x100; modrm++) {
      if (modrm < 0xc0 && (modrm & 0xc7) !== 0x87) continue;
      const insn = decode(Uint8Array.of(opcode, modrm, 0, 0, 0, 0));
      if (typeof insn === 'string' || /comi/.test(insn.mnemonic) || !instructionNamed(insn.mnemonic)) continue;
      if (TRANSCENDENTAL.test(insn.mnemonic)) continue;
      (modrm < 0xc0 ? memories : registers).push([opcode, modrm]);
    }

  /** A few instructions, each with an operand of its own at [rdi + displacement]. */
  function drawSequence(random: Random): { c: OracleCase; images: { address: bigint; length: number }[] } {
    const code: number[] = [];
    const memory: { address: bigint; bytes: Uint8Array }[] = [];
    const images: { address: bigint; length: number }[] = [];
    for (let n = 0; n < 8; n++) {
      if (random.below(5) < 3) {
        code.push(...random.pick(registers));
        continue;
      }
      const bytes = [...random.pick(memories), 128 * n, (128 * n) >> 8, 0, 0];
      code.push(...bytes);
      const insn = decode(Uint8Array.from(bytes));
      if (typeof insn === 'string') throw new Error('a sequence holds what is no instruction');
      const address = DATA.base + BigInt(128 * n);
      const content = drawX87Operand(insn, insn.operands.find((op) => op.kind === 'mem')!.width, random);
      if (content === null) continue;
      // An unmasked invalid operand sets condition codes on the host: keep it masked.
      if (/^f(ld|rs)(cw|env|tor)/.test(insn.mnemonic)) content[0]! |= 1;
      memory.push({ address, bytes: content });
      // Pointers that the host does not report go into the images that it stores.
      if (/^fn(stenv|save)/.test(insn.mnemonic)) images.push({ address, length: 128 });
    }
    const fxsave = drawFxsave(random);
    fxsave[0]! |= 1;
    fxsave[2]! &= 0x40;
    fxsave[3]! &= 0x7f;
    const gpr = Array.from({ length: 16 }, (_, n) => (n === 7 ? DATA.base : random.u64()));
    return { c: { code: Uint8Array.from(code), gpr, fxsave, memory }, images };
  }

  test('sequences', { timeout: TIMEOUT }, () => {
    const random = new Random(SEED);
    for (let done = 0; done < CASES / 4; done += 250) {
      const drawn = Array.from({ length: 250 }, () => drawSequence(random));
      oracle.run(drawn.map(({ c }) => c)).forEach((host, i) => {
        const { c, images } = drawn[i]!;
        for (const sandbox of sandboxes) {
          const masks = {
            rflags: 0,
            gpr: new Set<number>(),
            anyMemoryFault: false,
            ymm: false,
            approximate: null,
            x87Status: 0,
            x87Pointers: false,
            memory: images,
          };
          const found = differences(sandbox, sandbox.run(c, 100), host, masks);
          found.push(...memoryDifferences(initialSnapshot(c), snapshot(sandbox), host, masks));
          // The host tracks FOP and FDP with every instruction, not only with those that raise an exception.
          const real = found.filter((line) => !/^f(op|dp):/.test(line));
          expect([Buffer.from(c.code).toString('hex'), ...real]).toHaveLength(1);
        }
      });
    }
  });
});
