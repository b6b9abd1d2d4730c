import type { Insn } from '../../decode/insn.ts';
import { instructionNamed } from '../../semantics/define.ts';
import { isSupported } from '../../semantics/lift.ts';
import type { ExecContext } from '../context.ts';
import { link } from '../wasm/link.ts';
import { buildDispatcher, type Dispatcher } from './build.ts';
import { FIRST_INLINE, PSEUDO } from './dispatch.ts';
import { outOfLineModule } from './handlers.ts';
import { loadPrebuilt } from './prebuilt.ts';
import { type Shape, shapeOf } from './shape.ts';

/** Arm of the dispatcher and, for an out-of-line shape, index of its function. */
export interface Handler {
  readonly handler: number;
  readonly index: number;
}

let dispatcher: Dispatcher | undefined;

/** Made once for all CPUs of the process. */
function theDispatcher(): Dispatcher {
  dispatcher ??= loadPrebuilt() ?? buildDispatcher();
  return dispatcher;
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
    const dispatcher = theDispatcher();
    dispatcher.keys.forEach((key, i) => {
      this.#handlers.set(key, { handler: FIRST_INLINE + i, index: 0 });
    });
    const exports = link(dispatcher, context, this.#table);
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
    const module = outOfLineModule(this.#pending);
    const exports = link({ bytes: module.encode(), imports: module.importedNames }, this.#context, null);
    if (this.#size > this.#table.length) this.#table.grow(Math.max(256, this.#size - this.#table.length));
    this.#pending.forEach((_, i) => {
      this.#table.set(this.#pendingFrom + i, exports[String(i)]);
    });
    this.#pendingFrom = this.#size;
    this.#pending = [];
  }
}
