import type { Insn } from '../../decode/insn.ts';
import type { Block } from '../../ir/nodes.ts';
import { instructionNamed } from '../../semantics/define.ts';
import { isSupported } from '../../semantics/lift.ts';
import type { ExecContext } from '../context.ts';
import { link } from '../wasm/link.ts';
import { dispatchModule, FIRST_INLINE, PSEUDO } from './dispatch.ts';
import { liftRecord, outOfLineModule } from './handlers.ts';
import { inlineSamples } from './inline.ts';
import { type Shape, shapeOf } from './shape.ts';

/** Arm of the dispatcher and, for an out-of-line shape, index of its function. */
export interface Handler {
  readonly handler: number;
  readonly index: number;
}

/** Maps shapes to handlers; a shape met for the first time gets a function of its own, compiled in batches. */
export class HandlerTable {
  readonly #context: ExecContext;
  readonly #table: WebAssembly.Table;
  readonly #handlers = new Map<string, Handler>();
  #pending: Shape[] = [];
  #pendingFrom = 0;
  #size = 0;
  /** The interpreter's loop: returns a number of PENDING_KIND. */
  readonly run: () => number;

  constructor(context: ExecContext) {
    this.#context = context;
    this.#table = new WebAssembly.Table({ element: 'anyfunc', initial: 256 });
    const blocks: Block[] = [];
    for (const { key, insn } of inlineSamples()) {
      if (this.#handlers.has(key)) continue;
      const block = liftRecord(shapeOf(insn, key));
      if (block === null) continue;
      this.#handlers.set(key, { handler: FIRST_INLINE + blocks.length, index: 0 });
      blocks.push(block);
    }
    const exports = link(dispatchModule(blocks), context, this.#table);
    this.run = exports['run'] as () => number;
  }

  /** Whether the instruction has a definition. */
  defines(insn: Insn, key: string): boolean {
    if (this.#handlers.has(key)) return true;
    return instructionNamed(insn.mnemonic) !== undefined && shapeOf(insn, key).operands.every(isSupported);
  }

  of(insn: Insn, key: string): Handler {
    let handler = this.#handlers.get(key);
    if (handler === undefined) {
      handler = { handler: PSEUDO.outOfLine, index: this.#size++ };
      this.#handlers.set(key, handler);
      this.#pending.push(shapeOf(insn, key));
    }
    return handler;
  }

  /** Compiles the functions of every shape met since the last call. */
  compilePending(): void {
    if (this.#pending.length === 0) return;
    const exports = link(outOfLineModule(this.#pending), this.#context, null);
    if (this.#size > this.#table.length) this.#table.grow(Math.max(256, this.#size - this.#table.length));
    this.#pending.forEach((_, i) => {
      this.#table.set(this.#pendingFrom + i, exports[String(i)]);
    });
    this.#pendingFrom = this.#size;
    this.#pending = [];
  }
}
