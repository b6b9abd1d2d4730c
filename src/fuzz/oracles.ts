import { Random } from '../bits/random.ts';
import type { EngineName } from '../exec/engine.ts';
import type { Exit } from '../exec/exit.ts';
import { Interpreter } from '../exec/interpreter/interpreter.ts';
import { ARCHITECTURAL } from '../machine/state-hash.ts';
import type { OracleCase } from '../oracle/case.ts';
import { CODE, REGIONS } from '../oracle/layout.ts';
import { Sandbox } from '../oracle/sandbox.ts';
import { CR3 } from '../state/layout.ts';
import { VECTOR } from '../state/pending.ts';
import type { EngineOracleName } from './oracle-names.ts';

export type Ending =
  | Exit
  | { readonly kind: 'normal' }
  /** The engine itself has failed, which it never may. */
  | { readonly kind: 'error'; readonly message: string };

/** An ending that the architecture knows. */
export type Judged = Exclude<Ending, { readonly kind: 'error' }>;

/** Repeated string instructions and short loops fit well below this. */
export const BUDGET = 4096;
/** Faults of system code may come back for ever, each a matter of a dozen instructions. */
const SYSTEM_BUDGET = 512;
const SLICE_SEED = 0x51c3;
const LONGEST_SLICE = 9;

const WRITABLE = REGIONS.filter((region) => region.writable);

/** Registers, RIP and flags, and the memory that sequences write. */
function stateOf(sandbox: Sandbox): Buffer {
  const { cpu, memory } = sandbox.machine;
  return Buffer.concat([
    Buffer.from(`${cpu.rip} ${cpu.rflags}`),
    ...ARCHITECTURAL.map(([from, to]) => cpu.u8.subarray(from, to)),
    ...WRITABLE.map((region) => memory.bytes(sandbox.physical(region.base), region.size)),
  ]);
}

/** One engine with its machine; what a sequence leaves behind stays there until the next one runs. */
export class EngineOracle {
  readonly name: EngineOracleName;
  readonly #cpl: 0 | 3;
  readonly #budget: number;
  #sandbox: Sandbox;
  #root: number;

  constructor(name: EngineOracleName, cpl: 0 | 3 = 3) {
    this.name = name;
    [this.#sandbox, this.#root] = this.#fresh();
    this.#cpl = cpl;
    this.#budget = cpl === 0 ? SYSTEM_BUDGET : BUDGET;
  }

  get sandbox(): Sandbox {
    return this.#sandbox;
  }

  #fresh(): [Sandbox, number] {
    const engine: EngineName = this.name === 'jit-slices' || this.name === 'jit-plain' ? 'jit' : this.name;
    const sandbox = new Sandbox(engine, 1);
    const regions = sandbox.machine.engine instanceof Interpreter ? sandbox.machine.engine.regions : null;
    if (regions !== null) regions.plain = this.name === 'jit-plain';
    return [sandbox, Number(sandbox.machine.cpu.u64(CR3))];
  }

  /** A fresh machine with the sequence in place. */
  place(c: OracleCase): void {
    const { machine } = this.sandbox;
    machine.reset();
    machine.setRoot(this.#root);
    this.sandbox.enableXsave();
    if (this.#cpl === 0) machine.setPrivilege(0);
    this.sandbox.place(c);
  }

  /** Runs the sequence to its end: `normal` at the marker behind it, as on the host. */
  run(c: OracleCase): Ending {
    return this.#guarded(() => {
      this.place(c);
      const exit = this.name === 'jit-slices' ? this.#runSlices() : this.sandbox.machine.run(this.#budget);
      return this.ending(c, exit);
    });
  }

  /** An engine that fails is replaced: nobody knows what state it is in. */
  #guarded(run: () => Ending): Ending {
    try {
      return run();
    } catch (error) {
      [this.#sandbox, this.#root] = this.#fresh();
      return { kind: 'error', message: (error as Error).message };
    }
  }

  #runSlices(): Exit {
    const { machine } = this.sandbox;
    const random = new Random(SLICE_SEED);
    for (let left = this.#budget; ; ) {
      const slice = Math.min(left, 1 + random.below(LONGEST_SLICE));
      const exit = machine.run(slice);
      left -= slice;
      if (exit.kind !== 'count' || left === 0) return exit;
    }
  }

  /** One instruction. */
  step(c: OracleCase): Ending {
    return this.#guarded(() => this.ending(c, this.sandbox.machine.run(1)));
  }

  /**
   * Where `run` has come to no end: whether there is none, since registers and memory are as they were some instructions before. A loop that
   * counts has another state each time round (Brent's algorithm: one state is kept, a newer one ever less often).
   */
  hasNoEnd(c: OracleCase): boolean {
    let kept = stateOf(this.#sandbox);
    for (let n = 1, renew = 2; n < this.#budget; n++) {
      if (this.step(c).kind !== 'count') return false;
      const now = stateOf(this.#sandbox);
      if (Buffer.compare(now, kept) === 0) return true;
      if (n < renew) continue;
      kept = now;
      renew = 2 * n;
    }
    return false;
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
