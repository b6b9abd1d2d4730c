import type { ExecContext } from '../exec/context.ts';
import type { Fault } from '../exec/exit.ts';
import { deliver } from '../semantics/helpers/delivery.ts';
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

/**
 * Delivers an exception through the guest's IDT, or what becomes of it: an exception in its delivery, or #DF.
 *
 * @returns 'shutdown' where the delivery of #DF raises a fault
 */
export function deliverException(context: ExecContext, fault: Fault): 'delivered' | 'shutdown' {
  const { cpu } = context;
  for (let now = fault; ; ) {
    const handler = deliver(context, {
      vector: now.vector,
      kind: 'exception',
      errorCode: now.errorCode,
      rip: cpu.rip,
      // Debug exceptions come with RF as it is: clear, unless the instruction behind them is to run whatever DR7 says.
      flags: now.vector === VECTOR.DB ? cpu.rflags : cpu.rflags | FLAG.RF,
    });
    context.takeStepCancelled();
    if (handler !== null) {
      cpu.rip = handler;
      return 'delivered';
    }
    const second = context.takeFault();
    if (now.vector === VECTOR.DF && classOf(second.vector) !== 'benign') return 'shutdown';
    now = doubles(now.vector, second.vector) ? { vector: VECTOR.DF, errorCode: 0, cr2: null } : second;
  }
}
