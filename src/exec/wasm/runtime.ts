import { TYPE, W } from '../../ir/wasm-opcodes.ts';
import { allHelpers } from '../../semantics/helpers/helper.ts';
import * as L from '../../state/layout.ts';
import { RESOLVE } from './emit-ir.ts';
import { FunctionBuilder, typeOf } from './function.ts';
import { ModuleBuilder } from './module.ts';

/**
 * WebAssembly that all generated code shares: `resolve`, which looks into the fast TLB once more (its caller may have looked for
 * several accesses at once) and splits the address so that no bigint is made on the way to the MMU, and the common case of every helper that has one, with the TypeScript one (`slow:NAME`) behind it.
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
  const slot = f.allocate(TYPE.i32);
  // The entry in the table of writes or of reads.
  f.get(0);
  f.i64(BigInt(Math.log2(4096 / L.TLB_ENTRY_SIZE)));
  f.op(W.i64_shr_u, W.i32_wrap_i64);
  f.i32((L.TLB_ENTRIES - 1) * L.TLB_ENTRY_SIZE);
  f.op(W.i32_and);
  f.i32(L.TLB_WRITE);
  f.i32(L.TLB_READ);
  f.get(1);
  f.i32(RESOLVE.write);
  f.op(W.i32_and, W.select, W.i32_add);
  f.tee(slot);
  f.access(W.i64_load, 0);
  f.get(0);
  f.get(1);
  f.i32(RESOLVE.size);
  f.op(W.i32_and);
  f.i32(1);
  f.op(W.i32_sub, W.i64_extend_i32_u, W.i64_add);
  f.i64(-4096n);
  f.op(W.i64_and, W.i64_eq);
  f.ifElse(null, () => {
    f.get(0);
    f.op(W.i32_wrap_i64);
    f.get(slot);
    f.access(W.i32_load, 8);
    f.op(W.i32_add, W.return);
  });
  f.get(0);
  f.i64(32n);
  f.op(W.i64_shr_u, W.i32_wrap_i64);
  f.get(0);
  f.op(W.i32_wrap_i64);
  f.get(1);
  f.call(halves);
  return f;
}
