import type { Val } from '../../ir/nodes.ts';
import { CR0, X87_DP, X87_IP, X87_OP, X87_SW } from '../../state/layout.ts';
import { VECTOR } from '../../state/pending.ts';
import { SW } from '../../state/x87.ts';
import { type Definition, define } from '../define.ts';
import type { Lift } from '../lift.ts';
import type { MemoryOp, Op } from '../operands.ts';

const CR0_EM = 1 << 2;
const CR0_TS = 1 << 3;

/** #NM while CR0.EM or CR0.TS is set (SDM 3A 2.5). */
export function checkAvailable(x: Lift): void {
  const k = x.b;
  const off = k.and(k.get(CR0, 32), x.constant(CR0_EM | CR0_TS, 32));
  x.trapIf(k.ne(off, x.constant(0, 32)), VECTOR.NM);
}

/** Whether an unmasked exception waits in the status word, 1 bit. */
function pending(x: Lift): Val {
  const k = x.b;
  return k.ne(k.and(k.get(X87_SW, 16), x.constant(SW.ES, 16)), x.constant(0, 16));
}

/** #MF while an unmasked exception waits (SDM 3A 6.15; CR0.NE is taken to be set). */
export function checkPending(x: Lift): void {
  x.trapIf(pending(x), VECTOR.MF);
}

/**
 * Notes the instruction: its address always; the opcode and the operand's offset within its segment (the effective address,
 * SDM 1 8.1.8, not the linear one) where it raised an unmasked exception, as a CPU does that reports FDP_EXCPTN_ONLY. None waited
 * before, so one that waits now is its own.
 */
export function notePointers(x: Lift, memory?: MemoryOp): void {
  const k = x.b;
  k.put(X87_IP, x.insnAddress());
  const raised = pending(x);
  k.put(X87_OP, k.select(raised, x.lastOpcode(), k.get(X87_OP, 16)));
  if (memory !== undefined) k.put(X87_DP, k.select(raised, x.offset(memory), k.get(X87_DP, 64)));
}

/** Defines an instruction that computes: exceptions that wait come first, and it leaves its address behind. */
export function defineX87(mnemonics: string, title: string, definition: Definition): void {
  define(mnemonics, title, (x, ...operands) => {
    checkAvailable(x);
    checkPending(x);
    definition(x, ...operands);
    notePointers(
      x,
      operands.find((op) => op.kind === 'mem'),
    );
  });
}

/** Defines a control instruction, which leaves the pointers alone and waits for exceptions or not. */
export function defineControl(mnemonics: string, title: string, waits: boolean, definition: Definition): void {
  define(mnemonics, title, (x, ...operands) => {
    checkAvailable(x);
    if (waits) checkPending(x);
    definition(x, ...operands);
  });
}

/** Number of an x87 register operand, as a helper's argument. */
export function stackIndex(x: Lift, op: Op): Val {
  if (op.kind !== 'reg') throw new TypeError('an x87 register was expected');
  return x.constant(op.n, 32);
}

/** A yes or no as a helper's argument. */
export const yes = (x: Lift, condition: boolean): Val => x.constant(condition ? 1 : 0, 32);

/** Loads 80 bits as a helper's two arguments: significand, then sign and exponent. */
export function readExtended(x: Lift, op: MemoryOp): [Val, Val] {
  const address = x.address(op);
  return [x.load(address, 64, op.fault), x.b.zext(x.load(second(x, address), 16, op.fault), 32)];
}

/** Address of an 80-bit operand's sign and exponent. */
export const second = (x: Lift, address: Val): Val => x.b.add(address, x.constant(8, 64));
