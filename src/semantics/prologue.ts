import { CR0, X87_SW } from '../state/layout.ts';
import { VECTOR } from '../state/pending.ts';
import { SW } from '../state/x87.ts';
import type { Instruction } from './define.ts';
import type { Lift } from './lift.ts';
import type { Op } from './operands.ts';

const CR0_EM = 1 << 2;
const CR0_TS = 1 << 3;

const usesMmx = (operands: readonly Op[]): boolean => operands.some((op) => op.kind === 'reg' && op.file === 'mm');

/** What comes before an MMX instruction: #UD with CR0.EM, #NM with CR0.TS, #MF while an x87 exception waits (SDM 3A 13.5). */
export function checkMmx(x: Lift): void {
  const k = x.b;
  const none = x.constant(0, 32);
  const cr0 = k.get(CR0, 32);
  x.trapIf(k.ne(k.and(cr0, x.constant(CR0_EM, 32)), none), VECTOR.UD);
  x.trapIf(k.ne(k.and(cr0, x.constant(CR0_TS, 32)), none), VECTOR.NM);
  x.trapIf(k.ne(k.and(k.get(X87_SW, 16), x.constant(SW.ES, 16)), x.constant(0, 16)), VECTOR.MF);
}

/** What every MMX instruction but EMMS leaves behind: TOP is 0 and no register is empty (SDM 1 9.6.1). */
export const enterMmx = (x: Lift): void => void x.b.call('mmx.enter', 0);

/** Lifts one instruction: its meaning, within what the register files of its operands ask of every instruction. */
export function liftWithin(x: Lift, instruction: Instruction, operands: readonly Op[]): void {
  if (!usesMmx(operands)) return instruction.define(x, ...operands);
  checkMmx(x);
  instruction.define(x, ...operands);
  enterMmx(x);
}
