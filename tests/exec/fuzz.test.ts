import { expect, test } from 'vitest';
import { hexBytes } from '../../src/bits/hex.ts';
import { Random } from '../../src/bits/random.ts';
import type { Insn } from '../../src/decode/insn.ts';
import { ENGINE_NAMES, type EngineName } from '../../src/exec/engine.ts';
import { stateHash } from '../../src/machine/state-hash.ts';
import { drawInsn, findEncodings } from '../../src/oracle/encodings.ts';
import { CODE, DATA, WRITABLE_CODE } from '../../src/oracle/layout.ts';
import { Sandbox } from '../../src/oracle/sandbox.ts';
import { drawCase } from '../../src/oracle/states.ts';
import { instructionNamed } from '../../src/semantics/define.ts';
import { isSupported } from '../../src/semantics/lift.ts';
import { constantOperands } from '../../src/semantics/operands.ts';
import { CR3 } from '../../src/state/layout.ts';
import { exitText } from '../support/space.ts';

const SEQUENCES = Number(process.env['SWAPGS_SEQUENCES'] ?? 2000);
/** More than these in a private campaign: SWAPGS_BLOBS=10000. */
const BLOBS = Number(process.env['SWAPGS_BLOBS'] ?? 500);
const RSP = 4;
const NOP = 0x90;
/** Bytes that are no opcodes in 64-bit mode, and the VEX and EVEX escapes. */
const NO_OPCODES = new Set(Buffer.from('06070e16171e1f272f373f606162829ac4c5ced4d5d6ea', 'hex'));

const encodings = findEncodings(
  (insn) => instructionNamed(insn.mnemonic) !== undefined && constantOperands(insn, 0n).every(isSupported),
);

/** A sandbox whose machine starts over for every sequence. */
class Bed {
  readonly sandbox: Sandbox;
  readonly #root: number;

  constructor(engine: EngineName) {
    this.sandbox = new Sandbox(engine, 1);
    this.#root = Number(this.machine.cpu.u64(CR3));
  }
  get machine() {
    return this.sandbox.machine;
  }

  start(c: Parameters<Sandbox['place']>[0], cpl: 0 | 3): void {
    this.machine.reset();
    this.machine.setRoot(this.#root);
    this.machine.setPrivilege(cpl);
    this.sandbox.place(c);
  }
}

/** Registers that mostly point at memory, so that instructions in the middle of a sequence find some. */
function aim(gpr: bigint[], random: Random): void {
  for (let n = 0; n < 16; n++)
    if (n !== RSP && random.below(3)) gpr[n] = DATA.base + 0x400n + BigInt(random.below(0x80) * 16);
}

function drawSequence(random: Random): Insn[] {
  const insns: Insn[] = [];
  for (const length = 8 + random.below(17); insns.length < length; ) {
    const insn = drawInsn(random.pick(encodings), random);
    if (insn !== null) insns.push(insn);
  }
  return insns;
}

test(`${SEQUENCES} random sequences leave all engines in the same state`, { timeout: 600_000 }, () => {
  const beds = ENGINE_NAMES.map((engine) => new Bed(engine));
  const reference = beds[ENGINE_NAMES.indexOf('reference')]!;
  let retired = 0;
  const endings = new Set<string>();
  for (let seed = 0; seed < SEQUENCES; seed++) {
    const random = new Random(seed);
    const insns = drawSequence(random);
    const code = Uint8Array.from(insns.flatMap((insn) => [...insn.bytes]));
    const region = random.below(2) ? CODE : WRITABLE_CODE;
    const at = region.base + 0x1000n - BigInt(random.below(code.length));
    const starts = new Map<bigint, bigint>();
    let next = at;
    for (const insn of insns) {
      const from = next;
      next += BigInt(insn.length);
      starts.set(from, next);
    }
    const c = drawCase(insns[0]!, random);
    aim(c.gpr as bigint[], random);
    const cpl = random.below(4) ? 3 : 0;
    for (const bed of beds) bed.start({ ...c, code, codeAddress: at }, cpl);
    const seen: string[][] = beds.map(() => []);
    // Behind an exception the sequence goes on with the next instruction.
    for (let part = 0; part <= insns.length; part++) {
      const budget = 1 + random.below(60);
      const cut = 1 + random.below(budget);
      const exits = beds.map(({ machine }) => {
        if (machine === reference.machine) return machine.run(budget);
        const exit = machine.run(cut);
        return exit.kind === 'count' ? machine.run(budget - cut) : exit;
      });
      beds.forEach(({ machine: { cpu } }, i) => {
        seen[i]!.push(`${exitText(exits[i]!)} rip 0x${cpu.rip.toString(16)} after ${cpu.icount}`);
      });
      endings.add(exitText(exits[0]!).replace(/ at .*/, ''));
      const { cpu } = reference.machine;
      const behind = starts.get(cpu.rip);
      if (exits[0]!.kind === 'count' || exits[0]!.kind === 'syscall') continue;
      if (behind === undefined) break;
      const gpr = c.gpr as bigint[];
      aim(gpr, random);
      for (const { machine } of beds) {
        machine.cpu.rip = behind;
        for (let n = 0; n < 16; n++) machine.cpu.setGpr(n, gpr[n]!);
      }
    }
    const ends = beds.map(({ machine }, i) => ({ hash: stateHash(machine), parts: seen[i] }));
    ENGINE_NAMES.forEach((engine, i) => {
      expect(ends[i], `${engine}, seed ${seed}, CPL ${cpl}: ${hexBytes(code)}`).toEqual(ends.at(-1));
    });
    retired += reference.machine.cpu.icount;
  }
  // The sequences do something, and meet most of what can happen.
  expect(retired).toBeGreaterThan(SEQUENCES * 8);
  for (const ending of ['count', '#PF(4)', '#PF(6)', '#GP(0)', '#DE', '#UD', '#XM', '#MF', '#BP', 'hlt'])
    expect(endings).toContain(ending);
});

test(`${BLOBS} blobs of random bytes end in an exit, never in an error of ours`, { timeout: 600_000 }, () => {
  const bed = new Bed('interpreter');
  const kinds = new Map<string, number>();
  for (let seed = 0; seed < BLOBS; seed++) {
    const random = new Random(0x5eed_0000 + seed);
    const code = random.bytes(16 + random.below(240));
    // Half of them without the bytes that end most blobs at once.
    if (random.below(2))
      code.forEach((byte, i) => {
        if (NO_OPCODES.has(byte)) code[i] = NOP;
      });
    const codeAddress = WRITABLE_CODE.base + BigInt(random.below(0x1000));
    const c = { ...drawCase(drawSequence(random)[0]!, random), code, codeAddress };
    aim(c.gpr as bigint[], random);
    bed.start(c, random.below(4) ? 3 : 0);
    for (let left = 40; left > 0; left--) {
      const exit = bed.machine.run(500);
      kinds.set(exit.kind, (kinds.get(exit.kind) ?? 0) + 1);
      if (exit.kind === 'count') continue;
      // On behind the byte that it stopped at, while that is still in the blob.
      const at = bed.machine.cpu.rip + 1n;
      if (at < c.codeAddress || at >= c.codeAddress + BigInt(code.length)) break;
      bed.machine.cpu.rip = at;
    }
  }
  for (const kind of ['fault', 'unimplemented', 'hlt', 'count']) expect([...kinds.keys()]).toContain(kind);
});
