import { describe, expect, test } from 'vitest';
import { parseHexBytes } from '../../../src/bits/hex.ts';
import { Random } from '../../../src/bits/random.ts';
import type { EngineName } from '../../../src/exec/engine.ts';
import { stateHash } from '../../../src/machine/state-hash.ts';
import { exitText, P, RW, TestSpace, US } from '../../support/space.ts';

const CODE = 0x40_0000n;
/** Three pages, and the last two of them once more right behind, before nothing. */
const DATA = 0x50_0000n;
const SIZE = 5 * 4096;
const [RAX, RCX, RSI, RDI] = [0, 1, 6, 7];
const CASES = 20;

/** Runs a repeated instruction twice, from the same random state for the same seed. */
function outcome(engine: EngineName, hex: string, seed: number): object {
  const random = new Random(seed);
  const s = new TestSpace(engine, { haltEnds: true });
  s.map(CODE);
  // STD or CLD; the instruction; the same again with other registers; HLT.
  s.write(CODE, parseHexBytes(`${random.below(8) ? 'fc' : 'fd'} ${hex} 48 89 d7 48 89 f9 81 e1 ff 00 00 00 ${hex} f4`));
  const frames = [0n, 1n, 2n].map((page) => s.map(DATA + page * 4096n));
  s.map(DATA + 3n * 4096n, P | (random.below(4) ? RW : 0n) | US, frames[1]!);
  s.map(DATA + 4n * 4096n, P | RW | US, frames[2]!);
  s.write(
    DATA,
    Uint8Array.from({ length: 3 * 4096 }, () => random.below(256)),
  );
  const pointer = (): bigint => DATA + BigInt(random.below(SIZE));
  const near = pointer();
  const byte = BigInt(random.below(256));
  s.cpu.setGpr(RAX, random.below(2) ? byte * 0x0101_0101_0101_0101n : random.u64());
  s.cpu.setGpr(RCX, BigInt(random.below(random.below(2) ? 6000 : 40)));
  s.cpu.setGpr(RDI, near);
  s.cpu.setGpr(RSI, random.below(2) ? pointer() : near + BigInt(random.below(64)) - 32n);
  s.cpu.setGpr(2, pointer());
  const first = random.below(6000);
  const exits = [s.run(CODE, first), s.machine.run(20_000)].map(exitText);
  return { exits, hash: stateHash(s.machine), icount: s.cpu.icount, rip: s.cpu.rip };
}

describe.each([
  ['rep stosb', 'f3 aa'],
  ['rep stosw', 'f3 66 ab'],
  ['rep stosd', 'f3 ab'],
  ['rep stosq', 'f3 48 ab'],
  ['repne stosb', 'f2 aa'],
  ['rep movsb', 'f3 a4'],
  ['rep movsw', 'f3 66 a5'],
  ['rep movsd', 'f3 a5'],
  ['rep movsq', 'f3 48 a5'],
  ['rep movsb, 32-bit addresses', 'f3 67 a4'],
])('%s', (_name, hex) => {
  test('ends as if each element were done by itself: overlaps, aliases, page ends, faults, any count of instructions', () => {
    for (let seed = 1; seed <= CASES; seed++)
      expect({ seed, ...outcome('jit', hex, seed) }).toEqual({
        seed,
        ...outcome('reference', hex, seed),
      });
  });
});
