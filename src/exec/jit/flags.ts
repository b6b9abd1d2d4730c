import { FLAG_ORDER } from '../../ir/forward.ts';
import { type FlagName, isEffect, type Node, type Val } from '../../ir/nodes.ts';

/** More values than these and a state is kept as its six flags. */
export const MAX_LEAVES = 6;

/** A value that flags stand on. */
export interface Leaf {
  readonly node: Node;
  /** The register in whose low bits it is found as long as the state lasts, or null: in a local for leaves. */
  source: number | null;
}

/**
 * The six flags as expressions of a few values, the leaves. A region keeps the number of the state, and values only where no
 * register holds them; flags are computed where they are read or where the region is left.
 */
export interface FlagState {
  /** Number within the region; 0 is «in the CPU state». */
  readonly id: number;
  /** Expressions in the order of FLAG_ORDER. */
  readonly flags: readonly Node[];
  readonly leaves: readonly Leaf[];
}

/** Flags as the CPU state holds them. */
export const IN_STATE = 0;

/** The flag states of a region: those with expressions of one form over leaves in the same places are one. */
export class FlagStates {
  readonly #byForm = new Map<string, FlagState>();
  readonly list: FlagState[] = [];

  /** The state that a `putflags` makes, and the leaves' values there. `alive`: what is computed for another purpose as well. */
  of(node: Node, alive: ReadonlySet<Node>): { state: FlagState; values: readonly Node[] } {
    const { args, attr } = node;
    let values = leavesOf(args, alive);
    if (values.length > MAX_LEAVES) values = [...new Set(args.filter((v) => v.op !== 'const'))];
    const sources = values.map((value) => holderOf(value, attr.holders!));
    const form = `${formOf(args, values)} ${sources.join()}`;
    let state = this.#byForm.get(form);
    if (state === undefined) {
      const leaves = values.map((value, i): Leaf => ({ node: value, source: sources[i]! }));
      state = { id: this.list.length + 1, flags: args, leaves };
      this.#byForm.set(form, state);
      this.list.push(state);
    }
    return { state, values };
  }

  byId(id: number): FlagState {
    return this.list[id - 1]!;
  }
}

export const flagOf = (state: FlagState, flag: FlagName): Node => state.flags[FLAG_ORDER.indexOf(flag)]!;

function holderOf(value: Node, holders: ReadonlyMap<Node, number>): number | null {
  return holders.get(value) ?? (value.op === 'trunc' ? (holders.get(value.args[0]!) ?? null) : null);
}

/** The values that the expressions stand on: nodes that are there anyway, and effects. */
function leavesOf(values: readonly Node[], alive: ReadonlySet<Node>): Node[] {
  const leaves: Node[] = [];
  const seen = new Set<Node>();
  const visit = (node: Node): void => {
    if (seen.has(node) || node.op === 'const') return;
    seen.add(node);
    // A leaf has at most 64 bits.
    if (isEffect(node) || alive.has(node) || node.args.some((arg) => arg.w > 64)) leaves.push(node);
    else for (const arg of node.args) visit(arg);
  };
  for (const value of values) visit(value);
  // One that the others give is none.
  const given = (arg: Node): boolean => arg.op === 'const' || leaves.includes(arg);
  return leaves.filter((leaf) => isEffect(leaf) || !leaf.args.every(given));
}

/** The expressions as text with leaves by number: equal texts, equal states. */
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

/** Nodes that matter to something else than flags; a `putflags` needs its arguments only through its state. */
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

/** The `putflags` with its state's number and the leaves' values as arguments. */
export function reduced(id: number, values: readonly Node[]): Node {
  return Object.freeze({ op: 'putflags', w: 0, args: values as readonly Val[], attr: { value: BigInt(id) } });
}
