import type { Val } from '../ir/nodes.ts';
import type { Lift } from './lift.ts';
import type { Op } from './operands.ts';

/** Offset and selector of a far pointer in memory: the offset comes first. */
export function farPointer(x: Lift, op: Op): { readonly offset: Val; readonly selector: Val; readonly w: number } {
  if (op.kind !== 'mem') throw new TypeError(`${x.insn.mnemonic}: a far pointer stands in memory`);
  const w = op.w - 16;
  const at = x.address(op);
  const offset = x.load(at, w, op.fault);
  const selector = x.load(x.b.add(at, x.constant(w / 8, 64)), 16, op.fault);
  return { offset, selector: x.b.zext(selector, 32), w };
}
