import type { Insn } from '../../decode/insn.ts';
import { instructionNamed } from '../../semantics/define.ts';
import { isSupported } from '../../semantics/lift.ts';
import type { ExecContext } from '../context.ts';
import { Linker } from '../wasm/link.ts';
import { buildHandlers, type Handlers } from './build.ts';
import { FIRST_INLINE, PSEUDO } from './dispatch.ts';
import { outOfLineModule } from './handlers.ts';
import { loadPrebuilt } from './prebuilt.ts';
import { type Shape, shapeOf } from './shape.ts';

/** Arm of the dispatcher and, for an out-of-line shape, index of its function. */
export interface Handler {
  readonly handler: number;
  readonly index: number;
}

let made: Handlers | undefined;

/** What every interpreter of the process starts with, made once. */
function startingHandlers(): Handlers {
  made ??= loadPrebuilt() ?? buildHandlers();
  return made;
}

/** Table indices of shapes that are not inline, and of compiled regions behind them; records hold 16 bits. */
const MOST_SHAPES = 24_576;
const MOST_INDICES = 65536;

/** Maps shapes to handlers; a shape met for the first time gets a function of its own, compiled in batches. */
export class HandlerTable {
  readonly linker: Linker;
  readonly table: WebAssembly.Table;
  /** Indices of the table that are not for shapes. */
  readonly rest = { from: MOST_SHAPES, to: MOST_INDICES } as const;
  readonly #handlers = new Map<string, Handler>();
  #pending: Shape[] = [];
  #pendingFrom = 0;
  #size = 0;
  /** Shapes that every interpreter starts with. */
  readonly #first: number;
  /** The interpreter's loop: returns a number of PENDING_KIND. */
  readonly run: () => number;

  constructor(context: ExecContext) {
    const handlers = startingHandlers();
    this.table = new WebAssembly.Table({ element: 'anyfunc', initial: MOST_INDICES });
    handlers.inline.forEach((key, i) => {
      this.#handlers.set(key, { handler: FIRST_INLINE + i, index: 0 });
    });
    handlers.outOfLine.forEach((key, i) => {
      this.#handlers.set(key, { handler: PSEUDO.outOfLine, index: i });
    });
    this.#size = this.#pendingFrom = this.#first = handlers.outOfLine.length;
    this.linker = new Linker(context, this.table, handlers.runtime);
    this.linker.link(handlers.common);
    this.run = this.linker.link(handlers.dispatcher)['run'] as () => number;
  }

  /** Whether so many more shapes may be met. */
  hasRoom(shapes: number): boolean {
    return this.#size + shapes <= MOST_SHAPES;
  }

  /** Forgets every shape met since the start; no record may lead to one any more. */
  forget(): void {
    for (const [key, { handler, index }] of this.#handlers)
      if (handler === PSEUDO.outOfLine && index >= this.#first) this.#handlers.delete(key);
    this.#size = this.#pendingFrom = this.#first;
    this.#pending = [];
  }

  /** Whether the shape has been met. */
  has(key: string): boolean {
    return this.#handlers.has(key);
  }

  /** Whether the instruction has a definition. */
  defines(insn: Insn, key: string): boolean {
    if (this.#handlers.has(key)) return true;
    return instructionNamed(insn.mnemonic) !== undefined && shapeOf(insn, key).operands.every(isSupported);
  }

  of(insn: Insn, key: string): Handler {
    let handler = this.#handlers.get(key);
    if (handler === undefined) {
      if (this.#size === MOST_SHAPES) throw new RangeError('more shapes of instructions than the handler table holds');
      handler = { handler: PSEUDO.outOfLine, index: this.#size++ };
      this.#handlers.set(key, handler);
      this.#pending.push(shapeOf(insn, key));
    }
    return handler;
  }

  /** Compiles the functions of every shape met since the last call. */
  compilePending(): void {
    if (this.#pending.length === 0) return;
    const module = outOfLineModule(this.#pending, null);
    const made = this.linker.link({ bytes: module.encode(), imports: module.importedNames });
    this.#pending.forEach((_, i) => {
      this.table.set(this.#pendingFrom + i, made[i] as () => number);
    });
    this.#pendingFrom = this.#size;
    this.#pending = [];
  }
}
