import type { ExecContext } from '../exec/context.ts';
import type { Fault } from '../exec/exit.ts';
import { deliver } from '../semantics/helpers/delivery.ts';
import { deliverReal } from '../semantics/helpers/legacy.ts';
import { isRealMode } from '../state/mode.ts';
import { VECTOR } from '../state/pending.ts';
import { FLAG } from '../state/rflags.ts';

/** How two exceptions combine (SDM 3A table 6-4). */
type Class = 'benign' | 'contributory' | 'page fault';

const CONTRIBUTORY: ReadonlySet<number> = new Set([VECTOR.DE, VECTOR.TS, VECTOR.NP, VECTOR.SS, VECTOR.GP, VECTOR.CP]);

function classOf(vector: number): Class {
  if (CONTRIBUTORY.has(vector)) return 'contributory';
  return vector === VECTOR.PF || vector === VECTOR.VE ? 'page fault' : 'benign';
}

/** Whether an exception in the delivery of another makes a double fault (SDM 3A table 6-5); else it is delivered instead. */
function doubles(first: number, second: number): boolean {
  const [a, b] = [classOf(first), classOf(second)];
  return (a === 'contributory' && b === 'contributory') || (a === 'page fault' && b !== 'benign');
}

/** Goes to the handler of an event; false with an exception pending. */
function through(
  context: ExecContext,
  vector: number,
  kind: 'exception' | 'external',
  errorCode: number | null,
  flags: number,
): boolean {
  const { cpu } = context;
  const handler = isRealMode(cpu)
    ? deliverReal(context, vector, cpu.rip)
    : deliver(context, { vector, kind, errorCode, rip: cpu.rip, flags });
  context.takeStepCancelled();
  if (handler !== null) cpu.rip = handler;
  return handler !== null;
}

/** Delivers an interrupt from outside, or the exception that its delivery raises; null or the faults of a shutdown. */
export function deliverInterrupt(context: ExecContext, vector: number): readonly Fault[] | null {
  if (through(context, vector, 'external', null, context.cpu.rflags)) return null;
  return deliverException(context, context.takeFault());
}

/**
 * Delivers an exception through the guest's IDT, or what becomes of it: an exception in its delivery, or #DF.
 *
 * @returns null, or where the delivery of #DF raises a fault all faults that led there, in their order
 */
export function deliverException(context: ExecContext, fault: Fault): readonly Fault[] | null {
  const { cpu } = context;
  const faults = [fault];
  for (let now = fault; ; ) {
    // Debug exceptions come with RF as it is: clear, unless the instruction behind them is to run whatever DR7 says.
    const flags = now.vector === VECTOR.DB ? cpu.rflags : cpu.rflags | FLAG.RF;
    if (through(context, now.vector, 'exception', now.errorCode, flags)) return null;
    const second = context.takeFault();
    faults.push(second);
    if (now.vector === VECTOR.DF && classOf(second.vector) !== 'benign') return faults;
    now = second;
    if (!doubles(faults.at(-2)!.vector, second.vector)) continue;
    now = { vector: VECTOR.DF, errorCode: 0, cr2: null };
    faults.push(now);
  }
}
