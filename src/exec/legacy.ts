import type { Block } from '../ir/nodes.ts';
import { liftLegacy } from '../semantics/legacy/lift.ts';
import { SEGMENT } from '../state/descriptors.ts';
import * as L from '../state/layout.ts';
import { codeBits, isLongMode } from '../state/mode.ts';
import { PENDING_KIND } from '../state/pending.ts';
import type { ExecContext } from './context.ts';
import type { Engine } from './engine.ts';
import { execute } from './execute.ts';
import type { Exit } from './exit.ts';
import { fetchLegacy } from './fetch.ts';
import { runSteppable } from './single-step.ts';

const IP = 0xffff_ffffn;
const MOST_LIFTED = 10_000;

/**
 * Runs code of real, protected and compatibility mode until the CPU is in 64-bit mode, as the reference engine runs that: boot paths
 * are short. RIP is the offset into CS.
 */
export class Legacy implements Engine {
  until: bigint | null = null;
  readonly #context: ExecContext;
  readonly #lifted = new Map<string, Block | null>();

  constructor(context: ExecContext) {
    this.#context = context;
  }

  run(budget: number): Exit {
    return runSteppable(this.#context, budget, (part) => this.#run(part));
  }

  #run(budget: number): Exit | null {
    const context = this.#context;
    const { cpu } = context;
    context.count = () => cpu.icount;
    cpu.view.setInt32(L.PENDING, PENDING_KIND.none, true);
    for (let left = budget; ; left--) {
      if (isLongMode(cpu)) return null;
      const eip = cpu.rip;
      const linear = BigInt.asUintN(32, cpu.segment(SEGMENT.CS).base + eip);
      if (this.until !== null && linear === this.until) return { kind: 'until' };
      if (left === 0) return { kind: 'count' };
      const bits = codeBits(cpu);
      const fetched = fetchLegacy(context, linear, bits);
      if (fetched === null) return context.takeExit();
      const { insn } = fetched;
      const key = `${bits}:${eip}:${String.fromCharCode(...insn.bytes)}`;
      let block = this.#lifted.get(key);
      if (block === undefined) {
        if (this.#lifted.size > MOST_LIFTED) this.#lifted.clear();
        block = liftLegacy(insn, eip);
        this.#lifted.set(key, block);
      }
      if (block === null) return { kind: 'unimplemented', mnemonic: insn.mnemonic, bytes: insn.bytes };
      const outcome = execute(context, block);
      if (outcome === 'fault') return this.#pending(insn.mnemonic, insn.bytes);
      if (outcome === 'next' || outcome === 'exit') cpu.rip = (eip + BigInt(insn.length)) & IP;
      cpu.icount += 1;
      if (outcome === 'exit') return this.#pending(insn.mnemonic, insn.bytes);
    }
  }

  #pending(mnemonic: string, bytes: Uint8Array): Exit | null {
    const kind = this.#context.cpu.view.getInt32(L.PENDING, true);
    if (kind === PENDING_KIND.resume) return null;
    return kind === PENDING_KIND.unimplemented ? { kind: 'unimplemented', mnemonic, bytes } : this.#context.takeExit();
  }
}
