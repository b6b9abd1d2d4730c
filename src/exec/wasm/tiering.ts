import { setFlagsFromString } from 'node:v8';

/** V8's own budget of a WebAssembly function: bytes of code run, roughly, before the optimizing compiler is asked for it. */
const DEFAULT = 1_800_000;

/**
 * Makes WebAssembly modules whose functions are optimized sooner or later than V8 would: a process must wait at its end for a compilation
 * that has begun, so a large function that a short program hardly uses is not to be optimized at its first loop.
 *
 * @param budget bytes of code that a function runs, loops counted, before it is optimized
 */
export function withTieringBudget<T>(budget: number, make: () => T): T {
  setBudget(budget);
  try {
    return make();
  } finally {
    setBudget(DEFAULT);
  }
}

function setBudget(budget: number): void {
  try {
    setFlagsFromString(`--wasm-tiering-budget=${budget}`);
  } catch {
    // A V8 that does not know it.
  }
}
