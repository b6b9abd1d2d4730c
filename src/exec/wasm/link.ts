import { setFlagsFromString } from 'node:v8';
import type { ExecContext } from '../context.ts';
import { hostHelper, hostRow } from './callees.ts';
import { RESOLVE } from './emit-ir.ts';
import { withTieringBudget } from './tiering.ts';

// The first lets V8 lay out code by the hints that the modules carry. Without the second V8 allocates registers in a large region (more than
// 8,192 virtual registers) by a quick method whose code takes twice the time.
for (const flag of ['--experimental-wasm-branch-hinting', '--no-turbo-use-mid-tier-regalloc-for-huge-functions'])
  try {
    setFlagsFromString(flag);
  } catch {
    // A V8 that does not know it: the code runs the same, only slower.
  }

/** A module's bytes and the names of the functions that it imports. */
export interface LinkUnit {
  readonly bytes: Uint8Array;
  readonly imports: readonly string[];
  /** What a function of it runs before it is optimized, where that is not V8's own choice (see `withTieringBudget`). */
  readonly budget?: number;
}

/** Compiled modules: the units that every CPU starts with are linked more than once. */
const COMPILED = new WeakMap<LinkUnit, WebAssembly.Module>();

function compiled(unit: LinkUnit): WebAssembly.Module {
  let module = COMPILED.get(unit);
  if (module === undefined) {
    module =
      unit.budget === undefined
        ? new WebAssembly.Module(unit.bytes)
        : withTieringBudget(unit.budget, () => new WebAssembly.Module(unit.bytes));
    COMPILED.set(unit, module);
  }
  return module;
}

/** Everything that generated code of one CPU may import; made on demand and kept. */
export class Linker {
  readonly #context: ExecContext;
  readonly #table: WebAssembly.Table;
  readonly #provided = new Map<string, unknown>();

  /** @param runtime the module of `runtimeModule`: what it exports goes before the TypeScript of the same name */
  constructor(context: ExecContext, table: WebAssembly.Table, runtime: LinkUnit) {
    this.#context = context;
    this.#table = table;
    for (const [name, value] of Object.entries(this.link(runtime))) this.#provided.set(name, value);
  }

  /** Compiles and instantiates a module; gives its exports. */
  link(unit: LinkUnit): Record<string, unknown> {
    const env: Record<string, unknown> = { memory: this.#context.mmu.memory.wasm, table: this.#table };
    for (const name of unit.imports) env[name] = this.#provide(name);
    return new WebAssembly.Instance(compiled(unit), { env }).exports;
  }

  #provide(name: string): unknown {
    let value = this.#provided.get(name);
    if (value === undefined) {
      value = this.#make(name);
      this.#provided.set(name, value);
    }
    return value;
  }

  #make(name: string): unknown {
    const { mmu } = this.#context;
    const [kind, what] = name.split(':');
    switch (kind) {
      case 'commit':
        return () => mmu.commit();
      case 'fetch':
        return (linear: bigint) => (mmu.fetch(BigInt.asUintN(64, linear)) === null ? 0 : 1);
      case 'halves':
        return (high: number, low: number, how: number) =>
          mmu.resolve(
            high >>> 0,
            low >>> 0,
            how & RESOLVE.size,
            (how & RESOLVE.write) !== 0,
            (how & RESOLVE.stack) !== 0,
            (how & RESOLVE.load) !== 0,
            (how & RESOLVE.data) !== 0,
          );
      case 'row':
        return hostRow(name);
      case 'helper':
      case 'slow':
        return hostHelper(what!, this.#context);
      default:
        throw new Error(`nothing provides ${name}`);
    }
  }
}
