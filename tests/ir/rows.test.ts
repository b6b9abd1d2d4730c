import { describe, expect, test } from 'vitest';
import { Random } from '../../src/bits/random.ts';
import { mask, type Width, wrap } from '../../src/bits/width.ts';
import { hostRow, importCallee } from '../../src/exec/wasm/callees.ts';
import { emitBlock, type Target } from '../../src/exec/wasm/emit-ir.ts';
import { FunctionBuilder } from '../../src/exec/wasm/function.ts';
import { ModuleBuilder } from '../../src/exec/wasm/module.ts';
import { createBuilder, ROWS, resultWidth } from '../../src/ir/builder.ts';
import type { Val } from '../../src/ir/nodes.ts';
import type { Row } from '../../src/ir/ops.ts';

/** Operands are read from and results written to these byte offsets. */
const INPUT = 0x100;
const OUTPUT = 0x200;
const SLOT = 16;

const arity = (row: Row): number =>
  ({ unary: 1, test: 1, resize: 1, binary: 2, compare: 2, join: 2, ternary: 3, select: 3 })[row.kind];

/** The widths that a resizing row's result may have. */
function targets(name: string, row: Row, w: number): Width[] {
  if (row.kind !== 'resize') return [0 as Width];
  if (name === 'vector') return [128];
  if (name === 'high') return [64];
  if (name === 'low') return [32, 64];
  if (name.endsWith('_bitmask')) return [32];
  const all: Width[] = [1, 8, 16, 32, 64];
  return all.filter((to) => (name === 'trunc' ? to < w : to > w));
}

/** Compiles `row` at width `w` to a function that works on memory, through the same emitter as the engines. */
function compile(name: string, row: Row, w: Width, to: Width, memory: WebAssembly.Memory): () => void {
  const b = createBuilder();
  const widths = operandWidths(row, w);
  const args = widths.map((aw, i) => (aw === 1 ? b.trunc(b.get(INPUT + SLOT * i, 8), 1) : b.get(INPUT + SLOT * i, aw)));
  const method = (b as unknown as Record<string, (...a: unknown[]) => Val>)[name]!;
  const result = method.call(b, ...args, ...(row.kind === 'resize' ? [to] : []));
  b.put(OUTPUT, result.w === 1 ? b.zext(result, 8) : result);
  const module = new ModuleBuilder();
  const f = new FunctionBuilder([], []);
  const unexpected = (): never => {
    throw new Error('a pure row has no control flow');
  };
  const target: Target = {
    f,
    callee: (callee) => importCallee(module, callee),
    placeAddress: unexpected,
    field: unexpected,
    stackOperand: unexpected,
    beforeCall: () => {},
    fault: unexpected,
    jump: unexpected,
    again: unexpected,
    next: () => {},
    exit: unexpected,
  };
  emitBlock(b.block(), target);
  module.define('run', f);
  const env: Record<string, unknown> = { memory };
  for (const callee of module.importedNames) env[callee] = hostRow(callee);
  return new WebAssembly.Instance(new WebAssembly.Module(module.encode()), { env }).exports['run'] as () => void;
}

const operandWidths = (row: Row, w: Width): Width[] =>
  row.kind === 'select' ? [1, w, w] : new Array<Width>(arity(row)).fill(w);

function corners(w: number): bigint[] {
  const top = 1n << BigInt(w - 1);
  const values = [0n, 1n, 2n, 3n, 7n, 8n, 15n, 16n, 31n, 63n, top, top - 1n, top + 1n, mask(w), mask(w) - 1n];
  if (w === 128) for (const lane of [8n, 16n, 32n, 64n]) values.push((mask(128) / ((1n << lane) - 1n)) << (lane - 1n));
  return [...new Set(values.map((v) => wrap(v, w)))];
}

function write(view: DataView, at: number, value: bigint): void {
  view.setBigUint64(at, value & mask(64), true);
  view.setBigUint64(at + 8, value >> 64n, true);
}

const read = (view: DataView, at: number): bigint =>
  view.getBigUint64(at, true) | (view.getBigUint64(at + 8, true) << 64n);

describe('eval ≡ emit', () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const view = new DataView(memory.buffer);
  for (const [name, row] of Object.entries(ROWS) as [string, Row][]) {
    test(name, () => {
      const random = new Random(name.length * 7919);
      let checked = 0;
      for (const w of row.widths)
        for (const to of targets(name, row, w)) {
          const run = compile(name, row, w, to, memory);
          const widths = operandWidths(row, w);
          const drawn = (): bigint[] =>
            widths.map((aw) =>
              random.below(3)
                ? wrap(random.u64() | (random.u64() << 64n), aw) >> BigInt(random.below(aw))
                : random.pick(corners(aw)),
            );
          const product = widths.reduce<bigint[][]>(
            (rows, aw) => rows.flatMap((r) => corners(aw).map((c) => [...r, c])),
            [[]],
          );
          // Shift counts above the width are rare in random values, so the corners carry them.
          const cases = [...product.slice(0, 4000), ...Array.from({ length: 300 }, drawn)];
          for (const args of cases) {
            if (row.when && !row.when(w, args)) continue;
            const width = resultWidth(
              row,
              widths.map((aw) => ({ w: aw }) as Val),
              to,
            );
            const expected = wrap(row.eval(w, args, width), width);
            args.forEach((value, i) => {
              write(view, INPUT + SLOT * i, value);
            });
            write(view, OUTPUT, 0n);
            run();
            const got = read(view, OUTPUT);
            if (got !== expected)
              expect.fail(
                `${name} at ${w} bits of ${args.map((v) => v.toString(16))}: emit ${got.toString(16)}, eval ${expected.toString(16)}`,
              );
            checked++;
          }
        }
      expect(checked).toBeGreaterThan(0);
    });
  }
});

test('every row has WebAssembly of its own', () => {
  const outside = (Object.entries(ROWS) as [string, Row][]).filter(([, row]) => row.emit === undefined);
  expect(outside.map(([name]) => name)).toEqual([]);
});
