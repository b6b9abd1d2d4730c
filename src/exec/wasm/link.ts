import { TYPE, W } from '../../ir/wasm-opcodes.ts';
import { helperNamed } from '../../semantics/helpers/helper.ts';
import type { ExecContext } from '../context.ts';
import { hostHelper, hostRow } from './callees.ts';
import { RESOLVE } from './emit-ir.ts';
import { FunctionBuilder, typeOf } from './function.ts';
import { ModuleBuilder } from './module.ts';

type Exports = Record<string, unknown>;

/** What emitted code may import, made on demand and kept: one set of functions per CPU. */
const RUNTIMES = new WeakMap<ExecContext, Runtime>();

/** A module's bytes and the names of the functions that it imports. */
export interface LinkUnit {
  readonly bytes: Uint8Array;
  readonly imports: readonly string[];
}

/** Compiles and instantiates a module against the runtime of a CPU. */
export function link(module: LinkUnit, context: ExecContext, table: WebAssembly.Table | null): Exports {
  let runtime = RUNTIMES.get(context);
  if (runtime === undefined) {
    runtime = new Runtime(context);
    RUNTIMES.set(context, runtime);
  }
  return instantiate(module, context, (name) => runtime.provide(name), table);
}

/** Compiled modules of units that are linked more than once. */
const COMPILED = new WeakMap<LinkUnit, WebAssembly.Module>();

function compiled(unit: LinkUnit): WebAssembly.Module {
  let module = COMPILED.get(unit);
  if (module === undefined) {
    module = new WebAssembly.Module(unit.bytes);
    COMPILED.set(unit, module);
  }
  return module;
}

function instantiate(
  module: LinkUnit,
  context: ExecContext,
  provide: (name: string) => unknown,
  table: WebAssembly.Table | null,
): Exports {
  const env: Record<string, unknown> = { memory: context.mmu.memory.wasm };
  if (table) env['table'] = table;
  for (const name of module.imports) env[name] = provide(name);
  return new WebAssembly.Instance(compiled(module), { env }).exports;
}

const unit = (module: ModuleBuilder): LinkUnit => ({ bytes: module.encode(), imports: module.importedNames });

class Runtime {
  readonly #context: ExecContext;
  readonly #provided = new Map<string, unknown>();

  constructor(context: ExecContext) {
    this.#context = context;
  }

  provide(name: string): unknown {
    let value = this.#provided.get(name);
    if (value === undefined) {
      value = this.#make(name);
      this.#provided.set(name, value);
    }
    return value;
  }

  #make(name: string): unknown {
    const { mmu } = this.#context;
    if (name === 'resolve') return this.#resolve();
    if (name === 'commit') return () => mmu.commit();
    if (name === 'fetch') return (linear: bigint) => (mmu.fetch(BigInt.asUintN(64, linear)) === null ? 0 : 1);
    if (name.startsWith('row:')) return hostRow(name);
    const helper = name.slice('helper:'.length);
    const host = hostHelper(helper, this.#context);
    return helperNamed(helper).fast === undefined ? host : this.#fast(helper, host);
  }

  /** Splits the address in wasm, so that no bigint is made on the way. */
  #resolve(): unknown {
    const { mmu } = this.#context;
    const module = new ModuleBuilder();
    const halves = module.import('halves', [TYPE.i32, TYPE.i32, TYPE.i32], [TYPE.i32]);
    const f = new FunctionBuilder([TYPE.i64, TYPE.i32], [TYPE.i32]);
    f.get(0);
    f.i64(32n);
    f.op(W.i64_shr_u, W.i32_wrap_i64);
    f.get(0);
    f.op(W.i32_wrap_i64);
    f.get(1);
    f.call(halves);
    module.define('resolve', f);
    const resolveHalves = (high: number, low: number, how: number): number =>
      mmu.resolve(
        high >>> 0,
        low >>> 0,
        how & RESOLVE.size,
        (how & RESOLVE.write) !== 0,
        (how & RESOLVE.stack) !== 0,
        (how & RESOLVE.load) !== 0,
      );
    return instantiate(unit(module), this.#context, () => resolveHalves, null)['resolve'];
  }

  /** A helper's common case in wasm, with the TypeScript one behind it. */
  #fast(name: string, host: unknown): unknown {
    const helper = helperNamed(name);
    const module = new ModuleBuilder();
    const params = helper.args.map(typeOf);
    const results = helper.result ? [typeOf(helper.result)] : [];
    const slow = module.import('slow', params, results);
    const f = new FunctionBuilder(params, results);
    helper.fast!(f, () => {
      params.forEach((_, i) => {
        f.get(i);
      });
      f.call(slow);
    });
    module.define('fast', f);
    return instantiate(unit(module), this.#context, () => host, null)['fast'];
  }
}
