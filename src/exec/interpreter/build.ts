import type { Block } from '../../ir/nodes.ts';
import type { LinkUnit } from '../wasm/link.ts';
import type { ModuleBuilder } from '../wasm/module.ts';
import { runtimeModule } from '../wasm/runtime.ts';
import { COMMON_SAMPLES } from './common.ts';
import { dispatchModule } from './dispatch.ts';
import { liftRecord, outOfLineModule } from './handlers.ts';
import { decodeSamples, INLINE_SAMPLES } from './inline.ts';
import { type Shape, shapeOf } from './shape.ts';

/** What an interpreter starts with. */
export interface Handlers {
  /** What the others call. */
  readonly runtime: LinkUnit;
  /** The dispatcher, and the shapes of its arms in the order of their numbers. */
  readonly dispatcher: LinkUnit;
  readonly inline: readonly string[];
  /** A module that fills the table from 0 on, and the shapes of its functions. */
  readonly common: LinkUnit;
  readonly outOfLine: readonly string[];
}

const unit = (module: ModuleBuilder): LinkUnit => ({ bytes: module.encode(), imports: module.importedNames });

/** Generates the dispatcher and the common out-of-line handlers from the definitions. */
export function buildHandlers(): Handlers {
  const arms = new Map<string, Block>();
  for (const { key, insn } of decodeSamples(INLINE_SAMPLES)) {
    const block = arms.has(key) ? null : liftRecord(shapeOf(insn, key));
    if (block !== null) arms.set(key, block);
  }
  const shapes = new Map<string, Shape>();
  for (const { key, insn } of decodeSamples(COMMON_SAMPLES)) {
    const shape = shapeOf(insn, key);
    if (!arms.has(key) && liftRecord(shape) !== null) shapes.set(key, shape);
  }
  return {
    runtime: unit(runtimeModule()),
    dispatcher: unit(dispatchModule([...arms.values()])),
    inline: [...arms.keys()],
    common: unit(outOfLineModule([...shapes.values()], 0)),
    outOfLine: [...shapes.keys()],
  };
}
