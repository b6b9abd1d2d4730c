import { expect, test } from 'vitest';
import { hexBytes } from '../../src/bits/hex.ts';
import { Random } from '../../src/bits/random.ts';
import { ENGINE_NAMES } from '../../src/exec/engine.ts';
import { stateHash } from '../../src/machine/state-hash.ts';
import { CODE, WRITABLE_CODE } from '../../src/oracle/layout.ts';
import { drawCase } from '../../src/oracle/states.ts';
import { aim, Bed, drawSequence } from '../support/sequences.ts';
import { exitText } from '../support/space.ts';

const SEQUENCES = Number(process.env['SWAPGS_SEQUENCES'] ?? 2000);
/** More than these in a private campaign: SWAPGS_BLOBS=10000. */
const BLOBS = Number(process.env['SWAPGS_BLOBS'] ?? 500);
const NOP = 0x90;
/** Bytes that are no opcodes in 64-bit mode, and the VEX and EVEX escapes. */
const NO_OPCODES = new Set(Buffer.from('06070e16171e1f272f373f606162829ac4c5ced4d5d6ea', 'hex'));

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
  // What is not implemented is so little that random bytes need not meet it.
  for (const kind of ['fault', 'hlt', 'count']) expect([...kinds.keys()]).toContain(kind);
});
