import type { Node } from '../../ir/nodes.ts';
import { TYPE, V, W, type WasmType } from '../../ir/wasm-opcodes.ts';
import * as L from '../../state/layout.ts';
import type { Callee } from '../wasm/emit-ir.ts';
import type { FunctionBuilder } from '../wasm/function.ts';

/**
 * SSE arithmetic by the host's, where that cannot be told from the exact one: MXCSR in its default state with the inexact flag
 * already set, operands normal numbers or zeros, and no result near the ends of the range. Magnitudes are known as ranges of
 * exponents; a value from outside the block is looked at once, and whatever is computed from it is known without a look.
 */

/** A value is zero, or its magnitude is at least 2^low and below 2^high. */
export interface Magnitude {
  readonly low: number;
  readonly high: number;
}

interface Format {
  readonly w: 32 | 64;
  readonly type: WasmType;
  /** Bits of the significand, the hidden one included. */
  readonly precision: number;
  readonly bias: number;
  /** What a look at a value asks for: exponents within ± this. */
  readonly look: number;
  /** Results stay normal within ± this. */
  readonly most: number;
}

const F64: Format = { w: 64, type: TYPE.f64, precision: 53, bias: 1023, look: 300, most: 1020 };
const F32: Format = { w: 32, type: TYPE.f32, precision: 24, bias: 127, look: 30, most: 124 };
export const formatOf = (w: number): Format => (w === 64 ? F64 : F32);

const OPERATIONS = ['add', 'sub', 'mul', 'div', 'sqrt'] as const;
type Operation = (typeof OPERATIONS)[number];

/** The operation and format of a helper that is done here, or null. */
export function arithmeticOf(helper: string): { op: Operation; format: Format } | null {
  const [name, op] = helper.split('.');
  if (name !== 'f64' && name !== 'f32') return null;
  const known = OPERATIONS.find((o) => o === op);
  return known === undefined ? null : { op: known, format: name === 'f64' ? F64 : F32 };
}

const SCALAR: Readonly<Record<Operation, readonly [f32: number, f64: number]>> = {
  add: [W.f32_add, W.f64_add],
  sub: [W.f32_sub, W.f64_sub],
  mul: [W.f32_mul, W.f64_mul],
  div: [W.f32_div, W.f64_div],
  sqrt: [W.f32_sqrt, W.f64_sqrt],
};
const PACKED: Readonly<Record<Operation, readonly [f32: number, f64: number]>> = {
  add: [V.f32x4_add, V.f64x2_add],
  sub: [V.f32x4_sub, V.f64x2_sub],
  mul: [V.f32x4_mul, V.f64x2_mul],
  div: [V.f32x4_div, V.f64x2_div],
  sqrt: [V.f32x4_sqrt, V.f64x2_sqrt],
};

/** Control bits of MXCSR in their default state, and the inexact flag set. */
const MXCSR_MASK = 0xffe0;
const MXCSR_FAST = 0x1fa0;

/** Puts on the stack whether MXCSR lets the host's arithmetic stand. */
export function pushFloatsPlain(f: FunctionBuilder): void {
  f.loadState(L.MXCSR, 32);
  f.i32(MXCSR_MASK);
  f.op(W.i32_and);
  f.i32(MXCSR_FAST);
  f.op(W.i32_eq);
}

/** The magnitude of a result, or null where it may leave the range of normal numbers. */
function resultOf(op: Operation, format: Format, a: Magnitude, b: Magnitude): Magnitude | null {
  const r = {
    // The result is a multiple of the smaller operand's last place.
    add: () => ({ low: Math.min(a.low, b.low) - format.precision, high: Math.max(a.high, b.high) + 1 }),
    sub: () => ({ low: Math.min(a.low, b.low) - format.precision, high: Math.max(a.high, b.high) + 1 }),
    mul: () => ({ low: a.low + b.low, high: a.high + b.high }),
    div: () => ({ low: a.low - b.high - 1, high: a.high - b.low + 1 }),
    sqrt: () => ({ low: Math.floor(a.low / 2) - 1, high: Math.ceil(a.high / 2) + 1 }),
  }[op]();
  return r.low >= -format.most && r.high <= format.most ? r : null;
}

/** What the emission of a block offers. */
export interface FloatHost {
  readonly f: FunctionBuilder;
  callee(name: Callee): number;
  fault(): void;
  /** Leaves before the instruction, for the interpreter to execute. */
  plain(): void;
  /** Local that holds whether the host's arithmetic stands. */
  readonly plainFloats: number;
}

/** An operand: its node and the local that holds it, a float or a vector. */
export interface FloatOperand {
  readonly node: Node;
  readonly local: number;
}

const isFloat = (node: Node): boolean =>
  (node.op === 'call' || node.op === 'calls') && /^f(32|64)\./.test(node.attr.helper!);

/** Arithmetic of instructions that have more than one floating-point operation before what they raise is looked at. */
export function sharedArithmetic(nodes: readonly Node[]): Set<Node> {
  const shared = new Set<Node>();
  let together: Node[] = [];
  for (const node of nodes) {
    if (isFloat(node)) together.push(node);
    else if (node.op === 'call' && node.attr.helper === 'fpCheck') {
      if (together.length > 1) for (const one of together) shared.add(one);
      together = [];
    }
  }
  return shared;
}

/** Emits the arithmetic of one block. */
export class FloatArithmetic {
  readonly #host: FloatHost;
  readonly #magnitudes = new Map<Node, Magnitude>();

  constructor(host: FloatHost) {
    this.#host = host;
  }

  /** What is known of a value's magnitude, of every lane of a vector's. */
  #known(node: Node): Magnitude | undefined {
    const known = this.#magnitudes.get(node);
    if (known !== undefined) return known;
    switch (node.op) {
      case 'low':
      case 'high':
      case 'vector':
        return this.#known(node.args[0]!);
      case 'pair':
      case 'i64x2_interleave_low':
      case 'i64x2_interleave_high': {
        const [a, b] = node.args.map((arg) => this.#known(arg));
        return a && b && { low: Math.min(a.low, b.low), high: Math.max(a.high, b.high) };
      }
      default:
        return undefined;
    }
  }

  /** Looks at a value, all lanes of a vector, and leaves where it is out of the range. */
  #look({ node, local }: FloatOperand, format: Format): Magnitude {
    const found = { low: -format.look, high: format.look };
    const { f } = this.#host;
    if (node.w === 128) this.#lookAtLanes(local, format);
    else {
      const shift = format.w === 64 ? 21 : 24;
      f.get(local);
      if (format.w === 64) {
        f.op(W.i64_reinterpret_f64);
        f.i64(32n);
        f.op(W.i64_shr_u, W.i32_wrap_i64);
      } else f.op(W.i32_reinterpret_f32);
      // Without the sign.
      f.i32(1);
      f.op(W.i32_shl);
      f.i32(((format.bias - format.look) << shift) | 0);
      f.op(W.i32_sub);
      f.i32((2 * format.look) << shift);
      f.op(W.i32_ge_u);
      f.ifElse(
        null,
        () => {
          f.get(local);
          this.#constant(0, format);
          f.op(format.w === 64 ? W.f64_ne : W.f32_ne);
          f.ifElse(null, () => this.#host.plain());
        },
        undefined,
        'unlikely',
      );
    }
    this.#magnitudes.set(node, found);
    return found;
  }

  #constant(value: number, format: Format): void {
    const { f } = this.#host;
    const view = new DataView(new ArrayBuffer(8));
    if (format.w === 64) {
      view.setFloat64(0, value);
      f.i64(view.getBigInt64(0));
      f.op(W.f64_reinterpret_i64);
    } else {
      view.setFloat32(0, value);
      f.i32(view.getInt32(0));
      f.op(W.f32_reinterpret_i32);
    }
  }

  #lanes(value: number, format: Format): void {
    const bytes = new DataView(new ArrayBuffer(16));
    for (let at = 0; at < 16; at += format.w / 8)
      if (format.w === 64) bytes.setFloat64(at, value, true);
      else bytes.setFloat32(at, value, true);
    this.#host.f.simd(V.v128_const, ...new Uint8Array(bytes.buffer));
  }

  #lookAtLanes(local: number, format: Format): void {
    const { f } = this.#host;
    const wide = format.w === 64;
    const all = wide ? 3 : 15;
    f.temp(TYPE.v128, (size) => {
      f.get(local);
      f.simd(wide ? V.f64x2_abs : V.f32x4_abs);
      f.tee(size);
      this.#lanes(2 ** -format.look, format);
      f.simd(wide ? V.f64x2_gt : V.f32x4_gt);
      f.get(size);
      this.#lanes(2 ** format.look, format);
      f.simd(wide ? V.f64x2_lt : V.f32x4_lt);
      f.simd(V.v128_and);
      f.tee(size);
      f.simd(wide ? V.i64x2_bitmask : V.i32x4_bitmask);
      f.i32(all);
      f.op(W.i32_ne);
      f.ifElse(
        null,
        () => {
          f.get(size);
          f.get(local);
          this.#lanes(0, format);
          f.simd(wide ? V.f64x2_eq : V.f32x4_eq);
          f.simd(V.v128_or);
          f.simd(wide ? V.i64x2_bitmask : V.i32x4_bitmask);
          f.i32(all);
          f.op(W.i32_ne);
          f.ifElse(null, () => this.#host.plain());
        },
        undefined,
        'unlikely',
      );
    });
  }

  /** Leaves unless the comparison with zero that `opcodes` name holds in no lane. */
  #unlessZero(
    { node, local }: FloatOperand,
    format: Format,
    scalar: readonly [number, number],
    packed: readonly [number, number],
  ): void {
    const { f } = this.#host;
    const wide = format.w === 64;
    f.get(local);
    if (node.w === 128) {
      this.#lanes(0, format);
      f.simd(packed[wide ? 1 : 0]);
      f.simd(V.v128_any_true);
    } else {
      this.#constant(0, format);
      f.op(scalar[wide ? 1 : 0]);
    }
    f.ifElse(null, () => this.#host.plain(), undefined, 'unlikely');
  }

  /**
   * Emits an operation whose operands are in locals; the result, of the operands' kind, is left in `result`. The exceptions that
   * it raises are merged into MXCSR, an unmasked one is raised.
   *
   * @param shared the instruction has more than this operation: what they raise counts together (SDM 1 11.5.3), so one
   * that needs a closer look is left to the interpreter
   */
  emit(
    node: Node,
    op: Operation,
    format: Format,
    operands: readonly FloatOperand[],
    result: number,
    shared: boolean,
  ): void {
    const { f } = this.#host;
    if (shared) {
      f.get(this.#host.plainFloats);
      f.op(W.i32_eqz);
      f.ifElse(null, () => this.#host.plain(), undefined, 'unlikely');
    }
    const wide = format.w === 64 ? 1 : 0;
    const packed = node.w === 128;
    const magnitudes = operands.map((operand) => this.#known(operand.node) ?? this.#look(operand, format));
    let known = resultOf(op, format, magnitudes[0]!, magnitudes.at(-1)!);
    if (known === null) {
      // What has grown or shrunk on the way is looked at again.
      const again = operands.map((operand) => this.#look(operand, format));
      known = resultOf(op, format, again[0]!, again.at(-1)!)!;
    }
    if (op === 'div') this.#unlessZero(operands[1]!, format, [W.f32_eq, W.f64_eq], [V.f32x4_eq, V.f64x2_eq]);
    if (op === 'sqrt') this.#unlessZero(operands[0]!, format, [W.f32_lt, W.f64_lt], [V.f32x4_lt, V.f64x2_lt]);
    this.#magnitudes.set(node, known);
    for (const { local } of operands) f.get(local);
    if (packed) f.simd(PACKED[op][wide]);
    else f.op(SCALAR[op][wide]);
    f.set(result);
    if (shared) return;
    // While nothing has been inexact yet, the flag must be found out.
    f.get(this.#host.plainFloats);
    f.op(W.i32_eqz);
    f.ifElse(null, () => this.#exactly(node, op, format, operands, result), undefined, 'unlikely');
  }

  #exactly(node: Node, op: Operation, format: Format, operands: readonly FloatOperand[], result: number): void {
    const { f } = this.#host;
    const wide = format.w === 64;
    const helper = this.#host.callee(`helper:${wide ? 'f64' : 'f32'}.${op}`);
    if (node.w === 128)
      for (let lane = 0; lane < 128 / format.w; lane++) {
        f.get(result);
        for (const { local } of operands) {
          f.get(local);
          f.simd(wide ? V.i64x2_extract_lane : V.i32x4_extract_lane, lane);
        }
        f.call(helper);
        f.simd(wide ? V.i64x2_replace_lane : V.i32x4_replace_lane, lane);
        f.set(result);
      }
    else {
      for (const { local } of operands) {
        f.get(local);
        f.op(wide ? W.i64_reinterpret_f64 : W.i32_reinterpret_f32);
      }
      f.call(helper);
      f.op(wide ? W.f64_reinterpret_i64 : W.f32_reinterpret_i32);
      f.set(result);
    }
    f.loadState(L.FP_RAISED, 32);
    f.ifElse(null, () => {
      f.call(this.#host.callee('slow:fpCheck'));
      f.loadState(L.PENDING, 32);
      f.ifElse(null, () => this.#host.fault());
    });
    pushFloatsPlain(f);
    f.set(this.#host.plainFloats);
  }
}
