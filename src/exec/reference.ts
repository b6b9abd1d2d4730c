import type { Insn } from '../decode/insn.ts';
import type { Block } from '../ir/nodes.ts';
import type { Mmu } from '../memory/mmu.ts';
import { liftInsn } from '../semantics/lift.ts';
import type { CpuState } from '../state/cpu-state.ts';
import * as L from '../state/layout.ts';
import { PENDING_KIND } from '../state/pending.ts';
import type { ExecContext } from './context.ts';
import type { Engine } from './engine.ts';
import { execute } from './execute.ts';
import type { Exit } from './exit.ts';
import { fetchInsn } from './fetch.ts';
import { runSteppable } from './single-step.ts';

/** Instructions behind which nothing counts that was fetched before (SDM 3A 9.3). */
const SERIALIZING = new Set(
  'cpuid iret rsm serialize invlpg invpcid invd wbinvd lgdt lidt lldt ltr wrmsr lmsw'.split(' '),
);
const isSerializing = ({ mnemonic, operands }: Insn): boolean => {
  if (SERIALIZING.has(mnemonic)) return true;
  const [to] = operands;
  return mnemonic === 'mov' && to?.kind === 'reg' && (to.register.file === 'cr' || to.register.file === 'dr');
};

/** The definition made executable: every node by its row's `eval`, every instruction fetched and decoded anew. */
export class Reference implements Engine {
  until: bigint | null = null;
  readonly #cpu: CpuState;
  readonly #mmu: Mmu;
  readonly #context: ExecContext;
  /** Lifted instructions by their address and bytes: changed bytes are another key. */
  readonly #lifted = new Map<string, Block | null>();

  constructor(context: ExecContext) {
    this.#context = context;
    this.#cpu = context.cpu;
    this.#mmu = context.mmu;
  }

  run(budget: number): Exit {
    return runSteppable(this.#context, budget, (part) => this.#run(part));
  }

  #run(budget: number): Exit | null {
    const cpu = this.#cpu;
    const context = this.#context;
    context.count = () => cpu.icount;
    cpu.view.setInt32(L.PENDING, PENDING_KIND.none, true);
    for (let left = budget; ; left--) {
      if (this.until !== null && cpu.rip === this.until) return { kind: 'until' };
      if (left === 0) return { kind: 'count' };
      const rip = cpu.rip;
      cpu.setU64(L.RIP_PAGE, rip & ~0xfffn);
      const fetched = fetchInsn(this.#mmu, context, rip);
      if (fetched === null) return context.takeExit();
      const { insn } = fetched;
      const block = this.#lift(insn, rip);
      if (block === null) return { kind: 'unimplemented', mnemonic: insn.mnemonic, bytes: insn.bytes };
      const outcome = execute(context, block);
      if (outcome === 'fault') {
        // IRET and its like end by themselves.
        if (context.hasRetired && isSerializing(insn)) this.#mmu.icache?.serialize();
        return this.#pending();
      }
      if (outcome === 'next' || outcome === 'exit') cpu.rip = BigInt.asUintN(64, rip + BigInt(insn.length));
      cpu.icount += 1;
      if (this.#mmu.icache !== null && isSerializing(insn)) this.#mmu.icache.serialize();
      if (outcome !== 'exit') continue;
      return this.#pending();
    }
  }

  /** What is pending; null where the run goes on. */
  #pending(): Exit | null {
    return this.#cpu.view.getInt32(L.PENDING, true) === PENDING_KIND.resume ? null : this.#context.takeExit();
  }

  #lift(insn: Parameters<typeof liftInsn>[0], rip: bigint): Block | null {
    const key = `${rip}:${String.fromCharCode(...insn.bytes)}`;
    let block = this.#lifted.get(key);
    if (block === undefined) {
      if (this.#lifted.size > 100_000) this.#lifted.clear();
      block = liftInsn(insn, rip);
      this.#lifted.set(key, block);
    }
    return block;
  }
}
