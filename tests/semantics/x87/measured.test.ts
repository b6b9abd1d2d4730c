import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { hexBytes } from '../../../src/bits/hex.ts';
import { Random } from '../../../src/bits/random.ts';
import { decode } from '../../../src/decode/decode.ts';
import type { Insn } from '../../../src/decode/insn.ts';
import { available, NativeOracle } from '../../../src/oracle/native.ts';
import { Sandbox } from '../../../src/oracle/sandbox.ts';
import { x87Masks } from '../../../src/oracle/x87-masks.ts';
import { drawFxsave, drawX87Operand } from '../../../src/oracle/x87-states.ts';
import { instructionNamed } from '../../../src/semantics/define.ts';
import { ARITHMETIC_FLAGS } from '../../../src/state/rflags.ts';
import { readExtended, SW } from '../../../src/state/x87.ts';
import { engineResult, hostResult, OPERAND_BYTES, parse, show, toCase, type Vector } from './vectors.ts';

/** Registers of the stack that hold something; no instruction here reaches farther. */
const REGISTERS = 4;
const TABLE = new URL('./measured.txt', import.meta.url);

describe('states measured on a CPU', () => {
  const lines = readFileSync(TABLE, 'utf8').trimEnd().split('\n');
  for (const engine of ['reference', 'interpreter'] as const)
    test(`${lines.length} of them on the ${engine}`, () => {
      const sandbox = new Sandbox(engine);
      const ours = lines.map((line) => {
        const { vector } = parse(line);
        const ending = sandbox.run(toCase(vector), 10);
        const effect = ending.kind === 'normal' ? show(engineResult(vector, sandbox), vector) : ending.kind;
        return `${line.split(' -> ')[0]} -> ${effect}`;
      });
      expect(ours).toEqual(lines);
    });
});

/** Every defined instruction of the escape opcodes with [rdi] or one register, but those with a larger operand. */
function instructions(): Insn[] {
  const found: Insn[] = [];
  for (const prefix of [[], [0x66]])
    for (let opcode = 0xd8; opcode <= 0xdf; opcode++)
      for (let modrm = 0; modrm < 0x100; modrm++) {
        const insn = decode(Uint8Array.from([...prefix, opcode, modrm, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
        if (typeof insn === 'string' || instructionNamed(insn.mnemonic) === undefined) continue;
        const [first, second] = insn.operands;
        if (modrm < 0xc0 && ((modrm & 0xc7) !== 7 || first!.width > 8 * OPERAND_BYTES)) continue;
        // Of the eight registers one; prefixes change environments only.
        const st = [first, second].find((op) => op?.kind === 'reg' && op.register.name !== 'st0');
        if (modrm >= 0xc0 && first?.kind === 'reg' && first.width === 80 && st === undefined) continue;
        if (st?.kind === 'reg' && st.register.n !== 1 + (opcode % 3)) continue;
        if (prefix.length === 0 || first?.width === 112) found.push(insn);
      }
  return found;
}

function drawVector(insn: Insn, random: Random): Vector {
  const view = new DataView(drawFxsave(random).buffer);
  const width = insn.operands.find((op) => op.kind === 'mem')?.width ?? 0;
  const memory = new Uint8Array(OPERAND_BYTES);
  memory.set(drawX87Operand(insn, width, random) ?? []);
  return {
    code: insn.bytes,
    cw: view.getUint16(0, true),
    sw: view.getUint16(2, true),
    tags: view.getUint8(4),
    st: Array.from({ length: 8 }, (_, i) => (i < REGISTERS ? readExtended(view, 32 + 16 * i) : 0n)),
    flags: random.u32() & ARITHMETIC_FLAGS,
    ax: random.u32() & 0xffff,
    memory,
  };
}

/** `SWAPGS_HOST_TABLE=1` writes the table anew: for each instruction, random states that end in different ways. */
const measureTable = (): void => {
  const oracle = new NativeOracle();
  const random = new Random(1);
  const lines = instructions().flatMap((insn) => {
    const vectors = Array.from({ length: 1500 }, () => drawVector(insn, random));
    const hosts = oracle.run(vectors.map(toCase));
    const seen = new Map<string, string>();
    vectors.forEach((v, i) => {
      const host = hosts[i]!;
      // What another vendor's CPU does its own way is left out; an exception that was pending has tests of its own.
      if (host.ending.kind !== 'normal') return;
      const masks = x87Masks(insn, toCase(v), host);
      if (masks.rflags || masks.x87Status & ~SW.C1 || (masks.x87Status && v.sw & SW.C1)) return;
      const after = hostResult(v, host);
      const effect = show(after, v);
      const raised = after.sw & ~v.sw & 0xc7ff;
      const shape = `${raised} ${after.sw & SW.C1} ${effect.replace(/=\S*/g, '').replace(/st\d/g, 'st')}`;
      if (!seen.has(shape)) seen.set(shape, `${hexBytes(insn.bytes)}: ${show(v)} -> ${effect}`);
    });
    return [...seen.values()].slice(0, 5);
  });
  oracle.close();
  writeFileSync(TABLE, `${lines.join('\n')}\n`);
};
if (process.env['SWAPGS_HOST_TABLE'] !== undefined && available() === null) test('measure the table', measureTable);
