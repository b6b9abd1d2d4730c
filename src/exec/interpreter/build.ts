import type { Block } from '../../ir/nodes.ts';
import type { LinkUnit } from '../wasm/link.ts';
import { dispatchModule } from './dispatch.ts';
import { liftRecord } from './handlers.ts';
import { inlineSamples } from './inline.ts';
import { shapeOf } from './shape.ts';

/** The dispatcher's module and the shapes of its arms, in the order of their numbers. */
export interface Dispatcher extends LinkUnit {
  readonly keys: readonly string[];
}

/** Generates the dispatcher from the definitions of the inline shapes. */
export function buildDispatcher(): Dispatcher {
  const arms = new Map<string, Block>();
  for (const { key, insn } of inlineSamples()) {
    const block = arms.has(key) ? null : liftRecord(shapeOf(insn, key));
    if (block !== null) arms.set(key, block);
  }
  const module = dispatchModule([...arms.values()]);
  return { bytes: module.encode(), imports: module.importedNames, keys: [...arms.keys()] };
}
