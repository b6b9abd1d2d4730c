import type { Val } from '../../ir/nodes.ts';
import { FXSAVE_BYTES, FXSAVE_MXCSR, MXCSR_MASK } from '../../state/fxsave.ts';
import { VECTOR } from '../../state/pending.ts';
import { define } from '../define.ts';
import { environmentBytes, saveBytes } from '../helpers/x87-image.ts';
import type { Lift } from '../lift.ts';
import type { MemoryOp, Op } from '../operands.ts';
import { checkAligned } from '../sse/operands.ts';
import { checkAvailable, defineControl, yes } from './instruction.ts';

const IN_PAGE = 0xfffn;

/**
 * Touches both ends of a memory operand of at most a page, so that the helper behind finds it there: its first piece, which is
 * also what an alignment check asks of it, and the first byte of its last page.
 */
function probe(x: Lift, op: MemoryOp, bytes: number, piece: 16 | 32 | 64, intent: 'read' | 'write'): Val {
  const k = x.b;
  const address = x.address(op);
  k.load(address, piece, op.fault, intent);
  const lastPage = k.and(k.add(address, x.constant(bytes - 1, 64)), x.constant(~IN_PAGE, 64));
  const samePage = k.eq(lastPage, k.and(address, x.constant(~IN_PAGE, 64)));
  k.load(k.select(samePage, address, lastPage), 8, op.fault, intent);
  return address;
}

function memory(x: Lift, op: Op | undefined): MemoryOp {
  if (op?.kind !== 'mem') throw new TypeError(`${x.insn.mnemonic}: a memory operand was expected`);
  return op;
}

/** Operand size of an environment or save image, by its length in bits. */
const sizeOf = (op: MemoryOp): 16 | 32 => (op.w === 8 * environmentBytes(16) || op.w === 8 * saveBytes(16) ? 16 : 32);

for (const [mnemonic, title, waits, intent] of [
  ['fnstenv', 'Store the environment and mask all exceptions', false, 'write'],
  ['fnsave', 'Store environment and registers and initialise', false, 'write'],
  ['fldenv', 'Load the environment', true, 'read'],
  ['frstor', 'Load environment and registers', true, 'read'],
] as const)
  defineControl(mnemonic, title, waits, (x, operand) => {
    const op = memory(x, operand);
    const size = sizeOf(op);
    x.b.call(`x87.${mnemonic}.${size}`, 0, probe(x, op, op.w / 8, size, intent));
  });

for (const [suffix, wide] of [
  ['', false],
  ['64', true],
] as const) {
  define(`fxsave${suffix}`, 'Store x87 and SSE state; 16-byte alignment', (x, operand) => {
    const op = memory(x, operand);
    checkAvailable(x);
    checkAligned(x, x.address(op));
    x.b.call('fxsave', 0, probe(x, op, FXSAVE_BYTES, 64, 'write'), yes(x, wide));
  });
  define(
    `fxrstor${suffix}`,
    'Load x87 and SSE state; 16-byte alignment, #GP(0) for a reserved bit of MXCSR',
    (x, operand) => {
      const k = x.b;
      const op = memory(x, operand);
      checkAvailable(x);
      checkAligned(x, x.address(op));
      const address = probe(x, op, FXSAVE_BYTES, 64, 'read');
      const mxcsr = k.load(k.add(address, x.constant(FXSAVE_MXCSR, 64)), 32, op.fault);
      x.trapIf(k.ne(k.and(mxcsr, x.constant(~MXCSR_MASK, 32)), x.constant(0, 32)), VECTOR.GP, 0);
      k.call('fxrstor', 0, address, yes(x, wide));
    },
  );
}
