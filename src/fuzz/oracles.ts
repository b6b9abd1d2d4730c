import { Random } from '../bits/random.ts';
import type { EngineName } from '../exec/engine.ts';
import type { Exit } from '../exec/exit.ts';
import type { OracleCase } from '../oracle/case.ts';
import { CODE } from '../oracle/layout.ts';
import { Sandbox } from '../oracle/sandbox.ts';
import { CR3 } from '../state/layout.ts';
import { VECTOR } from '../state/pending.ts';
import type { EngineOracleName } from './oracle-names.ts';

export type Ending = Exit | { readonly kind: 'normal' };

/** Repeated string instructions and short loops fit well below this. */
export const BUDGET = 4096;
const SLICE_SEED = 0x51c3;
const LONGEST_SLICE = 9;

/** One engine with its machine; what a sequence leaves behind stays there until the next one runs. */
export class EngineOracle {
  readonly name: EngineOracleName;
  readonly sandbox: Sandbox;
  readonly #root: number;
  readonly #cpl: 0 | 3;

  constructor(name: EngineOracleName, cpl: 0 | 3 = 3) {
    this.name = name;
    const engine: EngineName = name === 'jit-slices' ? 'jit' : name;
    this.sandbox = new Sandbox(engine, 1);
    this.#root = Number(this.sandbox.machine.cpu.u64(CR3));
    this.#cpl = cpl;
  }

  /** A fresh machine with the sequence in place. */
  place(c: OracleCase): void {
    const { machine } = this.sandbox;
    machine.reset();
    machine.setRoot(this.#root);
    if (this.#cpl === 0) machine.setPrivilege(0);
    this.sandbox.place(c);
  }

  /** Runs the sequence to its end: `normal` at the marker behind it, as on the host. */
  run(c: OracleCase): Ending {
    this.place(c);
    const exit = this.name === 'jit-slices' ? this.#runSlices() : this.sandbox.machine.run(BUDGET);
    return this.ending(c, exit);
  }

  #runSlices(): Exit {
    const { machine } = this.sandbox;
    const random = new Random(SLICE_SEED);
    for (let left = BUDGET; ; ) {
      const slice = Math.min(left, 1 + random.below(LONGEST_SLICE));
      const exit = machine.run(slice);
      left -= slice;
      if (exit.kind !== 'count' || left === 0) return exit;
    }
  }

  /** One instruction. */
  step(c: OracleCase): Ending {
    return this.ending(c, this.sandbox.machine.run(1));
  }

  /** An exit, seen as the host sees it. */
  ending(c: OracleCase, exit: Exit): Ending {
    const { cpu } = this.sandbox.machine;
    const end = (c.codeAddress ?? CODE.base) + BigInt(c.code.length);
    if (exit.kind !== 'fault' || exit.fault.vector !== VECTOR.BP || cpu.rip !== end + 1n) return exit;
    cpu.rip = end;
    return { kind: 'normal' };
  }
}
