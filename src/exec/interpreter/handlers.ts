import type { Block, Field } from '../../ir/nodes.ts';
import { TYPE, W } from '../../ir/wasm-opcodes.ts';
import { liftShape } from '../../semantics/lift.ts';
import { RIP as JUMP_TARGET } from '../../state/layout.ts';
import { importCallee } from '../wasm/callees.ts';
import { emitBlock, type Target } from '../wasm/emit-ir.ts';
import { FunctionBuilder } from '../wasm/function.ts';
import { ModuleBuilder } from '../wasm/module.ts';
import { pushField, recordSite } from './operands.ts';
import { RECORD } from './record.ts';
import type { Shape } from './shape.ts';

/** What an out-of-line handler tells the dispatcher. */
export const OUTCOME = {
  /** Go on with the next record. */
  next: 0,
  /** The address to go on at is in the RIP slot, which is exact only between runs. */
  jump: 1,
  /** Execute the same record again (a repeated string instruction). */
  again: 2,
  /** Something is pending; the instruction has not retired. */
  fault: 3,
  /** Something is pending; the instruction has retired. */
  exit: 4,
  /** Only of a region: it ends before the instruction at RIP, which is to be interpreted. */
  plain: 5,
} as const;

/** IR of a shape, reading its operands from a record; null where the mnemonic has no definition. */
export const liftRecord = (shape: Shape): Block | null => liftShape(shape.info, shape.operands, recordSite);

const RECORD_PARAM = 0;

function outOfLine(block: Block, module: ModuleBuilder): FunctionBuilder {
  const f = new FunctionBuilder([TYPE.i32], [TYPE.i32]);
  const leave = (outcome: number): void => {
    f.i32(outcome);
    f.op(W.return);
  };
  const target: Target = {
    f,
    callee: (name) => importCallee(module, name),
    placeAddress: (field: Field) => pushField(f, RECORD_PARAM, field, 32),
    field: (field, w) => pushField(f, RECORD_PARAM, field, w),
    stackOperand: () => {
      f.get(RECORD_PARAM);
      f.access(W.i32_load8_u, RECORD.stack);
    },
    // The dispatcher stored the count before it called.
    beforeCall: () => {},
    fault: () => leave(OUTCOME.fault),
    jump: (_node, push) => {
      f.storeState(JUMP_TARGET, 64, push);
      leave(OUTCOME.jump);
    },
    again: () => leave(OUTCOME.again),
    next: () => leave(OUTCOME.next),
    exit: () => leave(OUTCOME.exit),
  };
  emitBlock(block, target);
  f.op(W.unreachable);
  return f;
}

/**
 * A module with one function per shape, each of which must have a definition: put into the table from `at` on, or, for null,
 * exported under their numbers. (An instance with an imported table costs V8 some 20 bytes an entry of the table.)
 */
export function outOfLineModule(shapes: readonly Shape[], at: number | null): ModuleBuilder {
  const module = new ModuleBuilder();
  if (at !== null) module.fillTable(at);
  const bodies = shapes.map((shape) => outOfLine(liftRecord(shape)!, module));
  bodies.forEach((body, i) => {
    module.define(at === null ? String(i) : null, body);
  });
  return module;
}
