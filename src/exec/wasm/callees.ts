import { wrap } from '../../bits/width.ts';
import { rowOf } from '../../ir/builder.ts';
import { TYPE, type WasmType } from '../../ir/wasm-opcodes.ts';
import { type HelperContext, helperNamed } from '../../semantics/helpers/helper.ts';
import type { Callee } from './emit-ir.ts';
import { typeOf } from './function.ts';
import type { ModuleBuilder } from './module.ts';

interface Signature {
  readonly params: readonly WasmType[];
  readonly results: readonly WasmType[];
}

/** Wasm signature of everything that emitted code may call. */
export function signatureOf(name: Callee): Signature {
  if (name === 'resolve') return { params: [TYPE.i64, TYPE.i32], results: [TYPE.i32] };
  if (name === 'commit') return { params: [], results: [] };
  const [kind, what] = name.split(':');
  if (kind === 'helper' || kind === 'slow') {
    const helper = helperNamed(what!);
    return { params: helper.args.map(typeOf), results: helper.result ? [typeOf(helper.result)] : [] };
  }
  const { width, arity } = rowCall(name);
  const type = typeOf(width);
  return { params: new Array<WasmType>(arity).fill(type), results: [type] };
}

/** Index of an import of that function in `module`. */
export function importCallee(module: ModuleBuilder, name: Callee): number {
  const { params, results } = signatureOf(name);
  return module.import(name, params, results);
}

const ARITY = { unary: 1, binary: 2, ternary: 3 } as const;

/** `row:divqu/64`: the rows that wasm calls out to take and give one width. */
function rowCall(name: string): { row: NonNullable<ReturnType<typeof rowOf>>; width: number; arity: number } {
  const [op, width] = name.slice('row:'.length).split('/');
  const row = rowOf(op!);
  if (row === undefined || !(row.kind in ARITY)) throw new Error(`${name} cannot be called from wasm`);
  return { row, width: Number(width), arity: ARITY[row.kind as keyof typeof ARITY] };
}

/** The TypeScript behind a row without `emit`. */
export function hostRow(name: string): (...args: (bigint | number)[]) => bigint | number {
  const { row, width } = rowCall(name);
  return (...args) => {
    const values = args.map((v) => BigInt.asUintN(width, BigInt(v)));
    const result = wrap(row.eval(width, values, width), width);
    return width === 64 ? result : Number(BigInt.asIntN(32, result));
  };
}

/** The TypeScript behind a helper, as wasm calls it: i32 parameters become unsigned bigints. */
export function hostHelper(
  name: string,
  context: HelperContext,
): (...args: (bigint | number)[]) => bigint | number | void {
  const helper = helperNamed(name);
  const { args: widths, result: w, run } = helper;
  return (...args) => {
    const values = args.map((v, i) => BigInt.asUintN(widths[i]!, BigInt(v)));
    const result = run(context, ...values);
    if (w === 0) return undefined;
    const bits = BigInt.asUintN(w, result ?? 0n);
    return w === 64 ? bits : Number(BigInt.asIntN(32, bits));
  };
}
