import type { Random } from '../../src/bits/random.ts';
import type { Insn } from '../../src/decode/insn.ts';
import type { EngineName } from '../../src/exec/engine.ts';
import { drawInsn, findEncodings } from '../../src/oracle/encodings.ts';
import { DATA } from '../../src/oracle/layout.ts';
import { Sandbox } from '../../src/oracle/sandbox.ts';
import { instructionNamed } from '../../src/semantics/define.ts';
import { isSupported } from '../../src/semantics/lift.ts';
import { constantOperands } from '../../src/semantics/operands.ts';
import { CR3 } from '../../src/state/layout.ts';

const RSP = 4;

/** Encodings that have a definition. */
export const encodings = findEncodings(
  (insn) => instructionNamed(insn.mnemonic) !== undefined && constantOperands(insn, 0n).every(isSupported),
);

/** Those without VEX and EVEX, which would be few among the others. */
const plain = encodings.filter(({ codeName }) => !/^E?VEX_/.test(codeName));

/** A sandbox whose machine starts over for every sequence; code is compiled as soon as it is reached by a jump. */
export class Bed {
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
    this.sandbox.enableXsave();
    this.machine.setPrivilege(cpl);
    this.sandbox.place(c);
  }
}

/** Registers that mostly point at memory, so that instructions in the middle of a sequence find some. */
export function aim(gpr: bigint[], random: Random): void {
  for (let n = 0; n < 16; n++)
    if (n !== RSP && random.below(3)) gpr[n] = DATA.base + 0x400n + BigInt(random.below(0x80) * 16);
}

/** Eight to 24 instructions of any kind. */
export function drawSequence(random: Random): Insn[] {
  const insns: Insn[] = [];
  for (const length = 8 + random.below(17); insns.length < length; ) {
    const insn = drawInsn(random.pick(random.below(2) ? encodings : plain), random);
    if (insn !== null) insns.push(insn);
  }
  return insns;
}
