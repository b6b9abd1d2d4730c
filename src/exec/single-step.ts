import { decode } from '../decode/decode.ts';
import { peek } from '../memory/page-walk.ts';
import { DEBUG_WAITING, DR, MOV_SS_SHADOW, SYSTEM_FLAGS } from '../state/layout.ts';
import { VECTOR } from '../state/pending.ts';
import { FLAG } from '../state/rflags.ts';
import type { ExecContext } from './context.ts';
import type { Exit } from './exit.ts';

/** DR6.BS: the debug exception comes from single-stepping (SDM 3B 18.2.3). */
const BS = 1 << 14;
const DR6 = DR + 6 * 8;
const LONGEST_INSN = 15;

/** What runs instructions: null where one may have changed the mode in which the next one runs. */
type Slice = (budget: number) => Exit | null;

/**
 * Runs `slice` until something ends the run, with RFLAGS.TF, RF and the breakpoints as they stand at each instruction's start: an
 * instruction that begins with TF set or that hits a data breakpoint is followed by #DB, one at an instruction breakpoint
 * begins with it unless RF is set, and RF is gone behind one that began with it.
 */
export function runSteppable(context: ExecContext, budget: number, slice: Slice): Exit {
  const { cpu, breakpoints } = context;
  const { view } = cpu;
  let left = budget;
  for (;;) {
    context.watchData();
    const flags = view.getUint32(SYSTEM_FLAGS, true);
    const stepping = (flags & FLAG.TF) !== 0;
    const alone = left > 0 && (stepping || (flags & FLAG.RF) !== 0 || breakpoints.armed);
    if (alone && (flags & FLAG.RF) === 0) {
      const bits = breakpoints.atInstruction(cpu.rip);
      if (bits !== 0) return debugException(context, bits);
    }
    const before = cpu.icount;
    const exit = alone ? one(context, flags, slice) : slice(left);
    context.settle();
    const cancelled = context.takeStepCancelled();
    const done = cpu.icount - before;
    left -= done;
    if (alone && done > 0 && (exit === null || exit.kind === 'count' || exit.kind === 'until')) {
      const bits = trapBits(context, stepping && !cancelled);
      if (bits !== 0) return debugException(context, bits);
    }
    breakpoints.hits = 0;
    if (exit === null ? context.attention() : !(alone && exit.kind === 'count' && left > 0)) {
      return exit ?? { kind: 'count' };
    }
  }
}

/** #DB, with what caused it in DR6. */
function debugException({ cpu }: ExecContext, bits: number): Exit {
  cpu.setU64(DR6, cpu.u64(DR6) | BigInt(bits));
  return { kind: 'fault', fault: { vector: VECTOR.DB, errorCode: null, cr2: null } };
}

/** Bits for DR6 of the traps behind an instruction; behind MOV SS those of breakpoints wait and that of TF is lost. */
function trapBits({ cpu, breakpoints }: ExecContext, stepped: boolean): number {
  const waiting = cpu.view.getUint32(DEBUG_WAITING, true) | breakpoints.hits;
  const shadowed = cpu.u64(MOV_SS_SHADOW) === BigInt(cpu.icount) + 1n;
  cpu.view.setUint32(DEBUG_WAITING, shadowed ? waiting : 0, true);
  return shadowed ? 0 : waiting | (stepped ? BS : 0);
}

/** One instruction. RF is cleared before it and comes back where it has not retired, or repeats. */
function one(context: ExecContext, flags: number, slice: Slice): Exit | null {
  if ((flags & FLAG.RF) === 0) return slice(1);
  const { cpu } = context;
  const { rip, icount } = cpu;
  cpu.view.setUint32(SYSTEM_FLAGS, flags & ~FLAG.RF, true);
  const exit = slice(1);
  const stands = cpu.icount === icount && !context.hasRetired;
  if (stands || (cpu.rip === rip && repeats(context)))
    cpu.view.setUint32(SYSTEM_FLAGS, cpu.view.getUint32(SYSTEM_FLAGS, true) | FLAG.RF, true);
  return exit;
}

/** Whether a repeated string instruction stands at RIP. */
export function repeats({ cpu, mmu }: ExecContext): boolean {
  const insn = decode(peek(mmu.memory, cpu, cpu.rip, LONGEST_INSN));
  return typeof insn !== 'string' && insn.repeat !== null && insn.width !== 0;
}
