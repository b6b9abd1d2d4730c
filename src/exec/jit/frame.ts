import { FLAG_ORDER } from '../../ir/forward.ts';
import type { FlagName, Node } from '../../ir/nodes.ts';
import { TYPE, W, type WasmType } from '../../ir/wasm-opcodes.ts';
import * as L from '../../state/layout.ts';
import { importCallee } from '../wasm/callees.ts';
import { type Callee, Emission, type Target } from '../wasm/emit-ir.ts';
import { FunctionBuilder } from '../wasm/function.ts';
import type { ModuleBuilder } from '../wasm/module.ts';
import { type FlagState, type FlagStates, flagOf, type Leaf, MAX_LEAVES } from './flags.ts';

const neverCalled = (): never => {
  throw new Error('an expression neither reads a record nor leaves');
};

/** A target for pure expressions. */
export class PureTarget implements Target {
  readonly f: FunctionBuilder;
  readonly #module: ModuleBuilder;

  constructor(f: FunctionBuilder, module: ModuleBuilder) {
    this.f = f;
    this.#module = module;
  }

  callee(name: Callee): number {
    return importCallee(this.#module, name);
  }
  placeAddress(): void {
    neverCalled();
  }
  field(): void {
    neverCalled();
  }
  stackOperand(): void {
    neverCalled();
  }
  beforeCall(): void {
    neverCalled();
  }
  fault(): void {
    neverCalled();
  }
  jump(): void {
    neverCalled();
  }
  again(): void {
    neverCalled();
  }
  next(): void {}
  exit(): void {
    neverCalled();
  }
}

/** Puts a leaf on the stack as an i64 whose low bits are its value. */
type PushLeaf = (leaf: Leaf, i: number) => void;

/** Emits expressions over a state's leaves. */
class StateEmission extends Emission {
  readonly #leaves: readonly Leaf[];
  readonly #pushLeaf: PushLeaf;

  constructor(state: FlagState, flags: readonly FlagName[], target: Target, pushLeaf: PushLeaf) {
    const nodes = expressionNodes(
      flags.map((flag) => flagOf(state, flag)),
      state.leaves.map(({ node }) => node),
    );
    const puts = flags.map((flag): Node => ({ op: 'putflag', w: 0, args: [flagOf(state, flag)], attr: { flag } }));
    super({ nodes: [...nodes, ...puts] }, target);
    this.#leaves = state.leaves;
    this.#pushLeaf = pushLeaf;
  }

  protected override isHeld(node: Node): boolean {
    return this.#leaves.some((leaf) => leaf.node === node) || super.isHeld(node);
  }

  protected override push(node: Node): void {
    const i = this.#leaves.findIndex((leaf) => leaf.node === node);
    if (i < 0) return super.push(node);
    const { f } = this;
    this.#pushLeaf(this.#leaves[i]!, i);
    if (node.w === 64) return;
    f.wrap();
    if (node.w === 32) return;
    f.i32((1 << node.w) - 1);
    f.op(W.i32_and);
  }

  /** Leaves the one flag on the stack. */
  value(flag: Node): void {
    this.pure();
    this.push(flag);
    this.finish();
  }
}

/** The nodes of some expressions below which the leaves stand, arguments first. */
function expressionNodes(roots: readonly Node[], leaves: readonly Node[]): Node[] {
  const out: Node[] = [];
  const visit = (node: Node): void => {
    if (out.includes(node) || leaves.includes(node)) return;
    for (const arg of node.args) visit(arg);
    out.push(node);
  };
  for (const root of roots) visit(root);
  return out;
}

/** Leaves one flag of a state on the stack, from the registers and leaves in a region's locals. */
export function emitFlag(state: FlagState, flag: FlagName, target: Target, frame: Frame): void {
  const push: PushLeaf = ({ source }, i) =>
    target.f.get(source === null ? frame.leaves + i : frame.registers.get(source)!.local);
  new StateEmission(state, [flag], target, push).value(flagOf(state, flag));
}

/**
 * A function (state, leaves …) that puts all six flags into the CPU state, where the registers already are: what a region calls
 * where it is left, and before anything that reads flags from there.
 */
export function flagsFunction({ list }: FlagStates, module: ModuleBuilder): FunctionBuilder {
  const f = new FunctionBuilder([TYPE.i32, ...new Array<WasmType>(MAX_LEAVES).fill(TYPE.i64)], []);
  const target = new PureTarget(f, module);
  const push: PushLeaf = ({ source }, i) => {
    if (source === null) f.get(1 + i);
    else f.loadState(source, 64);
  };
  f.block((done) => {
    const labels: number[] = [];
    const open = (i: number): void => {
      if (i < 0) {
        f.get(0);
        f.brTable([done, ...list.map((_, at) => labels[at]!)], done);
        return;
      }
      f.block((label) => {
        labels[i] = label;
        open(i - 1);
      });
      new StateEmission(list[i]!, FLAG_ORDER, target, push).run();
      f.br(done);
    };
    open(list.length - 1);
  });
  return f;
}

/** The locals of a region's function. */
export class Frame {
  readonly f: FunctionBuilder;
  /** Entry number, the parameter; then the number of the root's next target. */
  readonly entry = 0;
  readonly left: number;
  readonly rip: number;
  readonly outcome: number;
  /** Number of the flags' state. */
  readonly flags: number;
  /** Whether the host's float arithmetic stands (see `float.ts`). */
  readonly plainFloats: number;
  /** First of MAX_LEAVES locals. */
  readonly leaves: number;
  readonly registers = new Map<number, { local: number; w: 64 | 128; written: boolean }>();

  constructor() {
    this.f = new FunctionBuilder([TYPE.i32], [TYPE.i32]);
    const { f } = this;
    this.left = f.allocate(TYPE.i32);
    this.rip = f.allocate(TYPE.i64);
    this.outcome = f.allocate(TYPE.i32);
    this.flags = f.allocate(TYPE.i32);
    this.plainFloats = f.allocate(TYPE.i32);
    this.leaves = f.allocate(TYPE.i64);
    for (let i = 1; i < MAX_LEAVES; i++) f.allocate(TYPE.i64);
  }

  /** Gives a register a local. */
  declare(place: number, written: boolean): void {
    const known = this.registers.get(place);
    if (known !== undefined) {
      known.written ||= written;
      return;
    }
    const w = place >= L.VECTOR ? 128 : 64;
    this.registers.set(place, { local: this.f.allocate(w === 64 ? TYPE.i64 : TYPE.v128), w, written });
  }
}
