import { DR } from '../state/layout.ts';
import { VECTOR } from '../state/pending.ts';
import { FLAG } from '../state/rflags.ts';
import type { ExecContext } from './context.ts';
import type { Exit } from './exit.ts';

/** DR6.BS: the debug exception comes from single-stepping (SDM 3B 17.2.3). */
const BS = 1n << 14n;
const DR6 = DR + 6 * 8;

/**
 * Runs `slice` until something ends the run, with RFLAGS.TF as it stands at each instruction's start: an instruction that begins with
 * TF set is followed by #DB. `slice` gives null where an instruction may have changed TF.
 */
export function runSteppable(context: ExecContext, budget: number, slice: (budget: number) => Exit | null): Exit {
  const { cpu } = context;
  let left = budget;
  for (;;) {
    const before = cpu.icount;
    const stepping = left > 0 && (cpu.rflags & FLAG.TF) !== 0;
    const exit = slice(stepping ? 1 : left);
    const done = cpu.icount - before;
    left -= done;
    if (stepping && done > 0 && (exit === null || exit.kind === 'count' || exit.kind === 'until')) {
      cpu.setU64(DR6, cpu.u64(DR6) | BS);
      return { kind: 'fault', fault: { vector: VECTOR.DB, errorCode: null, cr2: null } };
    }
    if (exit !== null) return exit;
  }
}
