import { FLAG_ORDER } from '../../ir/forward.ts';
import { type FlagName, isEffect, type Node, type Val } from '../../ir/nodes.ts';

/** More values than these and a state is kept as its six flags. */
export const MAX_LEAVES = 6;
/** Constants below this width stay part of the expressions. */
const NARROW = 8;

/**
 * The six flags as expressions of a few values. A region keeps the values in locals with the number of the template, and computes
 * flags only where they are read or where it is left.
 */
export interface FlagTemplate {
  /** Number within the region; 0 is «in the CPU state». */
  readonly id: number;
  /** Expressions in the order of FLAG_ORDER. */
  readonly flags: readonly Node[];
  /** The values that they stand on: the nodes of the first state with this template. */
  readonly leaves: readonly Node[];
}

/** Flags as the CPU state holds them. */
export const IN_STATE = 0;

/** A `putflags` node reduced to its template and the values that go with it here. */
export interface FlagState {
  readonly template: FlagTemplate;
  readonly leaves: readonly Node[];
}

/** The templates of a region: states with expressions of one form share one. */
export class FlagTemplates {
  readonly #byForm = new Map<string, FlagTemplate>();
  readonly list: FlagTemplate[] = [];

  /** @param alive nodes that are computed anyway, for another purpose than flags */
  stateOf(values: readonly Node[], alive: ReadonlySet<Node>): FlagState {
    let leaves = leavesOf(values, alive);
    if (leaves.length > MAX_LEAVES) leaves = [...new Set(values.filter((v) => v.op !== 'const'))];
    const form = formOf(values, leaves);
    let template = this.#byForm.get(form);
    if (template === undefined) {
      template = { id: this.list.length + 1, flags: values, leaves };
      this.#byForm.set(form, template);
      this.list.push(template);
    }
    return { template, leaves };
  }

  byId(id: number): FlagTemplate {
    return this.list[id - 1]!;
  }
}

export const flagOf = (template: FlagTemplate, flag: FlagName): Node => template.flags[FLAG_ORDER.indexOf(flag)]!;

/** The values that the expressions stand on: nodes that are there anyway, effects, and wide constants. */
function leavesOf(values: readonly Node[], alive: ReadonlySet<Node>): Node[] {
  const leaves: Node[] = [];
  const seen = new Set<Node>();
  const visit = (node: Node): void => {
    if (seen.has(node)) return;
    seen.add(node);
    if (node.op === 'const' && node.w <= NARROW) return;
    if (node.op === 'const' || isEffect(node) || alive.has(node)) leaves.push(node);
    else for (const arg of node.args) visit(arg);
  };
  for (const value of values) visit(value);
  // One that the others give is none.
  return leaves.filter(
    (leaf) =>
      isEffect(leaf) ||
      leaf.op === 'const' ||
      leaf.args.length === 0 ||
      !leaf.args.every((arg) => arg !== leaf && leaves.includes(arg)),
  );
}

/** The expressions as text with leaves by number: equal texts, equal templates. */
function formOf(values: readonly Node[], leaves: readonly Node[]): string {
  const numbers = new Map<Node, number>();
  const text = (node: Node): string => {
    const leaf = leaves.indexOf(node);
    if (leaf >= 0) return `$${leaf}.${node.w}`;
    if (node.op === 'const') return `${node.attr.value}.${node.w}`;
    const known = numbers.get(node);
    if (known !== undefined) return `#${known}`;
    numbers.set(node, numbers.size);
    return `${node.op}.${node.w}(${node.args.map(text).join()})`;
  };
  return values.map(text).join(';');
}

/** Nodes that matter to something else than flags; a `putflags` needs its arguments only through a template. */
export function aliveWithoutFlags(nodes: readonly Node[]): Set<Node> {
  const alive = new Set<Node>();
  for (const node of [...nodes].reverse()) {
    if (node.op === 'putflags') continue;
    const matters = isEffect(node) && node.op !== 'get' && node.op !== 'getflag';
    if (!matters && !alive.has(node)) continue;
    alive.add(node);
    for (const arg of node.args) alive.add(arg);
  }
  return alive;
}

/** A node like `putflags` with the values of a state as its arguments. */
export function reduced(node: Node, state: FlagState): Node {
  return Object.freeze({
    op: node.op,
    w: 0,
    args: state.leaves as readonly Val[],
    attr: { value: BigInt(state.template.id) },
  });
}
