import type { Emitter } from '../../ir/wasm-opcodes.ts';

/** What a helper's fast path may emit besides a row's: control flow, CPU state, parameters (locals 0 … n − 1). */
export interface FunctionEmitter extends Emitter {
  /** A load or store: the address (and value) are on the stack, `offset` is added to it. */
  access(opcode: number, offset: number): void;
  /** Loads 32 or 64 bits of the CPU state. */
  loadState(at: number, width: 32 | 64): void;
  /** Stores 32 or 64 bits to the CPU state; `value` puts them on the stack. */
  storeState(at: number, width: 32 | 64, value: () => void): void;
}
