/** A control-flow graph whose nodes are numbered from 0; `entries` are reached from outside. */
export interface Graph {
  readonly successors: readonly (readonly number[])[];
  readonly entries: readonly number[];
}

/** What structured code needs to know of a graph (Ramsey, «Beyond Relooper», 2022). */
export interface Structure {
  /** Position of each node in reverse postorder, the root's being 0; −1 where nothing leads to it. */
  readonly order: readonly number[];
  /** Nodes that the root branches to: the entries, and heads of loops that are entered elsewhere too. */
  readonly roots: readonly number[];
  /** Reached from behind: a loop starts here. */
  readonly loops: ReadonlySet<number>;
  /** Reached by more than one forward edge. */
  readonly merges: ReadonlySet<number>;
  /** Nodes that each one immediately dominates and that are merges, in order. */
  readonly mergesBelow: readonly (readonly number[])[];
  /** Merges right below the root, in order. */
  readonly mergesAtRoot: readonly number[];
  /** Whether an edge goes through the root because it would enter a loop from the side. */
  readonly viaRoot: (from: number, to: number) => boolean;
}

/**
 * Dominators, loops and merges of a graph. An edge into a loop other than through its head goes through a virtual root, which
 * branches to the entries by number.
 */
export function structureOf(graph: Graph): Structure {
  const roots = [...graph.entries];
  for (;;) {
    const attempt = analyse(graph, roots);
    const odd = attempt.irreducible.filter((head) => !roots.includes(head));
    if (odd.length === 0) return attempt.structure;
    roots.push(...odd);
  }
}

function analyse(graph: Graph, roots: readonly number[]): { structure: Structure; irreducible: number[] } {
  const n = graph.successors.length;
  /** The virtual root. */
  const top = n;
  const forward = (v: number): readonly number[] => (v === top ? roots : graph.successors[v]!);
  const sequence = reversePostorder(n + 1, top, forward);
  const order = new Array<number>(n + 1).fill(-1);
  sequence.forEach((v, i) => {
    order[v] = i;
  });
  const predecessors: number[][] = Array.from({ length: n + 1 }, () => []);
  for (const v of sequence) for (const to of forward(v)) predecessors[to]!.push(v);
  const idom = dominators(sequence, order, predecessors);
  const dominates = (a: number, b: number): boolean => {
    let v = b;
    while (order[v]! > order[a]!) v = idom[v]!;
    return v === a;
  };
  const rerouted = new Set<string>();
  const irreducible = new Set<number>();
  const loops = new Set<number>();
  const forwardEdges = new Array<number>(n + 1).fill(0);
  for (const v of sequence)
    for (const to of forward(v)) {
      if (order[to]! > order[v]!) forwardEdges[to]!++;
      else if (dominates(to, v)) loops.add(to);
      else {
        irreducible.add(to);
        rerouted.add(`${v}>${to}`);
      }
    }
  // The root tells its targets apart by a br_table: with more than one, each needs a label.
  const merges = new Set<number>();
  for (const v of sequence) if (forwardEdges[v]! > 1 || (roots.length > 1 && roots.includes(v))) merges.add(v);
  const below: number[][] = Array.from({ length: n + 1 }, () => []);
  for (const v of sequence) if (v !== top && merges.has(v)) below[idom[v]!]!.push(v);
  const structure: Structure = {
    order,
    roots,
    loops,
    merges,
    mergesBelow: below.slice(0, n),
    mergesAtRoot: below[top]!,
    viaRoot: (from, to) => rerouted.has(`${from}>${to}`),
  };
  return { structure, irreducible: [...irreducible] };
}

function reversePostorder(n: number, root: number, successors: (v: number) => readonly number[]): number[] {
  const seen = new Uint8Array(n);
  const out: number[] = [];
  const stack: { v: number; next: number }[] = [{ v: root, next: 0 }];
  seen[root] = 1;
  while (stack.length > 0) {
    const top = stack.at(-1)!;
    const to = successors(top.v)[top.next++];
    if (to === undefined) {
      out.push(top.v);
      stack.pop();
    } else if (!seen[to]) {
      seen[to] = 1;
      stack.push({ v: to, next: 0 });
    }
  }
  return out.reverse();
}

/** Immediate dominators (Cooper, Harvey, Kennedy, «A Simple, Fast Dominance Algorithm»). */
function dominators(
  sequence: readonly number[],
  order: readonly number[],
  predecessors: readonly (readonly number[])[],
): number[] {
  const root = sequence[0]!;
  const idom = new Array<number>(order.length).fill(-1);
  idom[root] = root;
  const intersect = (a: number, b: number): number => {
    let [x, y] = [a, b];
    while (x !== y) {
      while (order[x]! > order[y]!) x = idom[x]!;
      while (order[y]! > order[x]!) y = idom[y]!;
    }
    return x;
  };
  for (let changed = true; changed; ) {
    changed = false;
    for (const v of sequence) {
      if (v === root) continue;
      let best = -1;
      for (const p of predecessors[v]!) if (idom[p] !== -1) best = best === -1 ? p : intersect(p, best);
      if (best !== idom[v]) {
        idom[v] = best;
        changed = true;
      }
    }
  }
  return idom;
}

/**
 * For each node the largest sum of weights on the way from its start to the next loop head or root: what has to be left at a
 * head so that nothing between has to look.
 */
export function longestWays(graph: Graph, structure: Structure, weight: (node: number) => number): number[] {
  const { order, loops, roots } = structure;
  const ways = new Array<number>(graph.successors.length).fill(0);
  const nodes = [...ways.keys()].filter((v) => order[v]! >= 0).sort((a, b) => order[b]! - order[a]!);
  for (const v of nodes) {
    let longest = 0;
    for (const to of graph.successors[v]!)
      if (order[to]! > order[v]! && !loops.has(to) && !roots.includes(to)) longest = Math.max(longest, ways[to]!);
    ways[v] = weight(v) + longest;
  }
  return ways;
}
