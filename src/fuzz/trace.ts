import { type Insn, x87Opcode } from '../decode/insn.ts';
import type { ExecContext } from '../exec/context.ts';
import { fetchInsn } from '../exec/fetch.ts';
import { BANNED, HINTS } from '../oracle/campaign.ts';
import type { OracleCase } from '../oracle/case.ts';
import { hostFeatures } from '../oracle/native.ts';
import { endsJudgement, isOpen, openBehind, readsOpen } from './open.ts';
import { BUDGET, type Ending, EngineOracle } from './oracles.ts';

/** What a sequence did, instruction by instruction. */
export interface Trace {
  /** The last instruction that began, and where; null where not even one could be fetched. */
  readonly last: Insn | null;
  readonly lastAt: bigint;
  /** Flags that the manual leaves open at the end. */
  readonly openFlags: number;
  /** Something that the manual leaves open has decided about what came later. */
  readonly tainted: boolean;
  /** It has made itself an instruction that the host CPU does not have. */
  readonly lacking: boolean;
  /** How many x87 instructions began. */
  readonly x87: number;
  readonly ending: Ending;
}

const hasOrIgnores = (feature: string): boolean => hostFeatures().has(feature) || HINTS.has(feature);

/** Follows sequences on the reference engine. */
export class Tracer {
  #oracle: EngineOracle | undefined;

  trace(c: OracleCase): Trace {
    this.#oracle ??= new EngineOracle('reference');
    const oracle = this.#oracle;
    oracle.place(c);
    const { machine } = oracle.sandbox;
    // A look at the next instruction leaves no fault behind.
    const quiet = Object.assign(Object.create(machine.context) as ExecContext, { fault: () => {} });
    const end = c.codeAddress! + BigInt(c.code.length);
    let open = 0;
    let tainted = false;
    let lacking = false;
    let before = 0;
    let x87 = 0;
    let last: Insn | null = null;
    let lastAt = c.codeAddress!;
    let ending: Ending = { kind: 'count' };
    for (let n = 0; n < BUDGET && ending.kind === 'count'; n++) {
      const { rip } = machine.cpu;
      const fetched = fetchInsn(machine.mmu, quiet, rip);
      // Whether a repeated instruction that overwrites itself sees it is up to the CPU.
      if (fetched === null && rip === lastAt && last !== null) tainted = true;
      const atMarker = rip === end && fetched?.insn.mnemonic === 'int3';
      if (fetched !== null && !atMarker) {
        const again: boolean = rip === lastAt && last !== null;
        if (again && Buffer.compare(fetched.insn.bytes, last!.bytes) !== 0) tainted = true;
        // What cannot be followed further may only come last; a sequence that changes its own code may have put it elsewhere.
        if (!again && last !== null && endsJudgement(last)) tainted = true;
        last = fetched.insn;
        lastAt = rip;
        // Code that changed itself may be anything.
        if (!again && (isOpen(last) || readsOpen(last, open) || BANNED.has(last.mnemonic))) tainted = true;
        if (!again && !last.features.every(hasOrIgnores)) lacking = true;
        if (!again && (x87Opcode(last.bytes) !== null || last.mnemonic.startsWith('fx'))) x87++;
        before = again ? before | open : open;
        open = openBehind(last, open);
      }
      ending = oracle.step(c);
    }
    // An instruction that faults has written nothing: what was open before it still is.
    const faulted = ending.kind === 'fault' && machine.cpu.rip === lastAt;
    return { last, lastAt, openFlags: faulted ? open | before : open, tainted, lacking, x87, ending };
  }
}
