import { TYPE, W } from '../../ir/wasm-opcodes.ts';
import { allHelpers } from '../../semantics/helpers/helper.ts';
import { FunctionBuilder, typeOf } from './function.ts';
import { ModuleBuilder } from './module.ts';

/**
 * WebAssembly that all generated code shares: `resolve`, which splits an address so that no bigint is made on the way to the MMU,
 * and the common case of every helper that has one, with the TypeScript one (`slow:NAME`) behind it.
 */
export function runtimeModule(): ModuleBuilder {
  const module = new ModuleBuilder();
  const functions: [string, FunctionBuilder][] = [['resolve', resolve(module)]];
  for (const helper of allHelpers()) {
    if (helper.fast === undefined) continue;
    const params = helper.args.map(typeOf);
    const results = helper.result ? [typeOf(helper.result)] : [];
    const slow = module.import(`slow:${helper.name}`, params, results);
    const f = new FunctionBuilder(params, results);
    helper.fast(f, () => {
      params.forEach((_, i) => {
        f.get(i);
      });
      f.call(slow);
    });
    functions.push([`helper:${helper.name}`, f]);
  }
  for (const [name, f] of functions) module.define(name, f);
  return module;
}

function resolve(module: ModuleBuilder): FunctionBuilder {
  const halves = module.import('halves', [TYPE.i32, TYPE.i32, TYPE.i32], [TYPE.i32]);
  const f = new FunctionBuilder([TYPE.i64, TYPE.i32], [TYPE.i32]);
  f.get(0);
  f.i64(32n);
  f.op(W.i64_shr_u, W.i32_wrap_i64);
  f.get(0);
  f.op(W.i32_wrap_i64);
  f.get(1);
  f.call(halves);
  return f;
}
