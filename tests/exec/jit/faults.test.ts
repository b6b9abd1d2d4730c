import { expect, test } from 'vitest';
import { hexBytes } from '../../../src/bits/hex.ts';
import { Random } from '../../../src/bits/random.ts';
import type { Insn } from '../../../src/decode/insn.ts';
import type { Interpreter } from '../../../src/exec/interpreter/interpreter.ts';
import { stateHash } from '../../../src/machine/state-hash.ts';
import { CODE } from '../../../src/oracle/layout.ts';
import { drawCase } from '../../../src/oracle/states.ts';
import { aim, Bed, drawSequence } from '../../support/sequences.ts';
import { exitText } from '../../support/space.ts';

/** More in a campaign: SWAPGS_SEQUENCES=10000. */
const SEQUENCES = Number(process.env['SWAPGS_SEQUENCES'] ?? 250);
/** Instructions of a run; a sequence ends in a branch back to its start. */
const BUDGET = 400;
const CPL = 3;
/** The number of no access. */
const NEVER = 0;

/** `jmp` to the first byte of the sequence. */
function backTo(start: number): Uint8Array {
  const jump = new Uint8Array(5);
  jump[0] = 0xe9;
  new DataView(jump.buffer).setInt32(1, -(start + 5), true);
  return jump;
}

/** What a run with the n-th data access made to fault leaves behind. */
function outcome(bed: Bed, c: Parameters<Bed['start']>[0], n: number) {
  bed.start(c, CPL);
  let accesses = 0;
  bed.machine.mmu.intercept = () => (++accesses === n ? 'fault' : 'go');
  const exit = bed.machine.run(BUDGET);
  bed.machine.mmu.intercept = null;
  const { cpu } = bed.machine;
  return { ending: exitText(exit), rip: cpu.rip, icount: cpu.icount, accesses, hash: stateHash(bed.machine) };
}

test(`a fault at each data access of ${SEQUENCES} random loops leaves the reference's state`, {
  timeout: 600_000,
}, () => {
  const [jit, reference] = [new Bed('jit'), new Bed('reference')];
  let injected = 0;
  for (let seed = 0; seed < SEQUENCES; seed++) {
    const random = new Random(0xfa0_0000 + seed);
    const insns: Insn[] = drawSequence(random);
    const body = Uint8Array.from(insns.flatMap((insn) => [...insn.bytes]));
    const code = Uint8Array.from([...body, ...backTo(body.length)]);
    const c = drawCase(insns[0]!, random);
    aim(c.gpr as bigint[], random);
    const placed = { ...c, code, codeAddress: CODE.base + 0x1000n - BigInt(random.below(code.length)) };
    const [is, should] = [outcome(jit, placed, NEVER), outcome(reference, placed, NEVER)];
    expect({ ...is, accesses: 0 }, `seed ${seed}: ${hexBytes(code)}`).toEqual({ ...should, accesses: 0 });
    // A region that leaves an instruction to the interpreter has made some of its accesses already: counts would differ.
    if (is.accesses !== should.accesses) continue;
    for (let n = 1; n <= should.accesses; n++, injected++)
      expect(outcome(jit, placed, n), `seed ${seed}, access ${n}: ${hexBytes(code)}`).toEqual(
        outcome(reference, placed, n),
      );
  }
  expect(injected).toBeGreaterThan(SEQUENCES);
  expect((jit.machine.engine as Interpreter).regions!.counts.regions).toBeGreaterThan(SEQUENCES);
});
