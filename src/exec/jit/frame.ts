import { FLAG_ORDER } from '../../ir/forward.ts';
import type { FlagName, Node } from '../../ir/nodes.ts';
import { TYPE } from '../../ir/wasm-opcodes.ts';
import * as L from '../../state/layout.ts';
import { importCallee } from '../wasm/callees.ts';
import { Emission, type Target } from '../wasm/emit-ir.ts';
import { FunctionBuilder } from '../wasm/function.ts';
import type { ModuleBuilder } from '../wasm/module.ts';
import { type FlagTemplate, type FlagTemplates, flagOf, MAX_LEAVES } from './flags.ts';

const neverCalled = (): never => {
  throw new Error('an expression of flags neither branches nor faults');
};

/** A target for pure expressions. */
export function pureTarget(f: FunctionBuilder, module: ModuleBuilder): Target {
  return {
    f,
    callee: (name) => importCallee(module, name),
    placeAddress: neverCalled,
    field: neverCalled,
    stackOperand: neverCalled,
    beforeCall: neverCalled,
    fault: neverCalled,
    jump: neverCalled,
    again: neverCalled,
    next: () => {},
    exit: neverCalled,
  };
}

/** Emits expressions over a template's leaves, which stand in locals as i64. */
class TemplateEmission extends Emission {
  readonly #leaves: readonly Node[];
  readonly #first: number;

  /** @param first local of the first leaf; the others follow it */
  constructor(template: FlagTemplate, flags: readonly FlagName[], target: Target, first: number) {
    const nodes = expressionNodes(
      flags.map((flag) => flagOf(template, flag)),
      template.leaves,
    );
    const puts = flags.map((flag): Node => ({ op: 'putflag', w: 0, args: [flagOf(template, flag)], attr: { flag } }));
    super({ nodes: [...nodes, ...puts] }, target);
    this.#leaves = template.leaves;
    this.#first = first;
  }

  protected override isHeld(node: Node): boolean {
    return this.#leaves.includes(node) || super.isHeld(node);
  }

  protected override push(node: Node): void {
    const leaf = this.#leaves.indexOf(node);
    if (leaf < 0) return super.push(node);
    this.f.get(this.#first + leaf);
    if (node.w < 64) this.f.wrap();
  }

  /** Leaves the one flag on the stack. */
  value(flag: Node): void {
    this.prepare();
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

/** Leaves one flag of a state on the stack, computed from the leaves in the locals from `first` on. */
export function emitFlag(template: FlagTemplate, flag: FlagName, target: Target, first: number): void {
  new TemplateEmission(template, [flag], target, first).value(flagOf(template, flag));
}

/**
 * A function (template, leaves …) that puts all six flags into the CPU state: what a region calls where it is left, and before
 * anything that reads flags from there.
 */
export function flagsFunction(templates: FlagTemplates, module: ModuleBuilder): FunctionBuilder {
  const f = new FunctionBuilder([TYPE.i32, ...new Array(MAX_LEAVES).fill(TYPE.i64)], []);
  const { list } = templates;
  f.block((done) => {
    const open = (i: number): void => {
      if (i < 0) {
        f.block((none) => {
          f.get(0);
          f.brTable([none, ...list.map((_, at) => labels[at]!)], none);
        });
        f.br(done);
        return;
      }
      f.block((label) => {
        labels[i] = label;
        open(i - 1);
      });
      new TemplateEmission(list[i]!, FLAG_ORDER, pureTarget(f, module), 1).run();
      f.br(done);
    };
    const labels: number[] = [];
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
  readonly template: number;
  /** First of MAX_LEAVES locals. */
  readonly leaves: number;
  readonly registers = new Map<number, { local: number; w: 64 | 128; written: boolean }>();

  constructor() {
    this.f = new FunctionBuilder([TYPE.i32], [TYPE.i32]);
    const { f } = this;
    this.left = f.allocate(TYPE.i32);
    this.rip = f.allocate(TYPE.i64);
    this.outcome = f.allocate(TYPE.i32);
    this.template = f.allocate(TYPE.i32);
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
