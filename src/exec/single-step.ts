import { DR, MOV_SS_SHADOW, SYSTEM_FLAGS } from '../state/layout.ts';
import { VECTOR } from '../state/pending.ts';
import { FLAG } from '../state/rflags.ts';
import type { ExecContext } from './context.ts';
import type { Exit } from './exit.ts';

/** DR6.BS: the debug exception comes from single-stepping (SDM 3B 17.2.3). */
const BS = 1n << 14n;
const DR6 = DR + 6 * 8;

/**
 * Runs `slice` until something ends the run, with RFLAGS.TF and RF as they stand at each instruction's start: an instruction that
 * begins with TF set is followed by #DB, and RF is gone behind one that began with it. `slice` gives null where an instruction may
 * have changed the mode in which the next one runs.
 */
export function runSteppable(context: ExecContext, budget: number, slice: (budget: number) => Exit | null): Exit {
  const { cpu } = context;
  const { view } = cpu;
  let left = budget;
  for (;;) {
    const before = cpu.icount;
    const flags = view.getUint32(SYSTEM_FLAGS, true);
    const alone = left > 0 && (flags & (FLAG.TF | FLAG.RF)) !== 0;
    const exit = alone ? one(context, flags, slice) : slice(left);
    context.settle();
    const cancelled = context.takeStepCancelled();
    const done = cpu.icount - before;
    left -= done;
    const steps = alone && done > 0 && (flags & FLAG.TF) !== 0 && !cancelled;
    if (steps && (exit === null || exit.kind === 'count' || exit.kind === 'until') && !inShadow(context)) {
      cpu.setU64(DR6, cpu.u64(DR6) | BS);
      return { kind: 'fault', fault: { vector: VECTOR.DB, errorCode: null, cr2: null } };
    }
    if (exit !== null && !(alone && exit.kind === 'count' && left > 0)) return exit;
  }
}

/** One instruction; RF is cleared before it and comes back where it has not retired. */
function one(context: ExecContext, flags: number, slice: (budget: number) => Exit | null): Exit | null {
  const { view } = context.cpu;
  const before = context.cpu.icount;
  if (flags & FLAG.RF) view.setUint32(SYSTEM_FLAGS, flags & ~FLAG.RF, true);
  const exit = slice(1);
  if (flags & FLAG.RF && context.cpu.icount === before && !context.hasRetired)
    view.setUint32(SYSTEM_FLAGS, view.getUint32(SYSTEM_FLAGS, true) | FLAG.RF, true);
  return exit;
}

/** Behind MOV SS no debug trap is taken before the next instruction has retired (SDM 3A 6.8.3). */
const inShadow = ({ cpu }: ExecContext): boolean => cpu.u64(MOV_SS_SHADOW) === BigInt(cpu.icount) + 1n;
