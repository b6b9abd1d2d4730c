import type { Node } from '../../ir/nodes.ts';
import { type FlagState, type FlagStates, IN_STATE } from './flags.ts';
import type { Structure } from './graph.ts';
import type { LiftedBlock } from './lift-block.ts';

/** How flags stand where a block begins. */
export interface FlagsIn {
  /** Their state, or null: in the CPU state. */
  readonly state: FlagState | null;
  /** They must be put into the CPU state first. */
  readonly settle: boolean;
}

interface RegionFlags {
  readonly blocks: readonly LiftedBlock[];
  readonly states: FlagStates;
  readonly structure: Structure;
  readonly successors: readonly (readonly number[])[];
}

/**
 * Data flow of flag states: a block that reads flags which it has not written either finds one state on all ways to it, or puts the
 * flags into the CPU state and reads them there. A leaf whose register is written while its state may last moves to a local.
 */
export function settleFlags(region: RegionFlags): FlagsIn[] {
  const { blocks, states } = region;
  const incoming = reaching(region);
  blocks.forEach((block, i) => {
    unsource(block.nodes, incoming[i]!, states);
  });
  return blocks.map((block, i) => {
    const ids = [...incoming[i]!];
    if (!block.readsFlags) return { settle: false, state: null };
    if (ids.length > 1) return { settle: true, state: null };
    const id = ids[0] ?? IN_STATE;
    return { settle: false, state: id === IN_STATE ? null : states.byId(id) };
  });
}

/** Which states may stand where each block begins. */
function reaching({ blocks, structure, successors, states }: RegionFlags): Set<number>[] {
  const incoming = blocks.map(() => new Set<number>());
  // From outside flags come in the CPU state; through the root, where it tells several targets apart, from anywhere.
  const anywhere = structure.roots.length > 1 ? [IN_STATE, ...states.list.map(({ id }) => id)] : [IN_STATE];
  for (const root of structure.roots) for (const id of anywhere) incoming[root]!.add(id);
  const work = blocks.map((_, i) => i);
  while (work.length > 0) {
    const i = work.pop()!;
    const { flagsOut, passesFlags } = blocks[i]!;
    const out = [...(passesFlags ? incoming[i]! : []), ...(flagsOut === null ? [] : [flagsOut])];
    for (const to of successors[i]!) {
      const before = incoming[to]!.size;
      for (const id of out) incoming[to]!.add(id);
      if (incoming[to]!.size > before) work.push(to);
    }
  }
  return incoming;
}

/** Takes the source from leaves whose register changes while one of these states stands. */
function unsource(nodes: readonly Node[], incoming: ReadonlySet<number>, states: FlagStates): void {
  let current: readonly number[] = [...incoming];
  /** Register writes right behind a `putflags` are those that its sources count on. */
  let committing = false;
  for (const node of nodes) {
    if (node.op === 'putflags') {
      current = [Number(node.attr.value)];
      committing = true;
    } else if (node.op !== 'put') committing = false;
    else if (!committing)
      for (const id of current)
        if (id !== IN_STATE)
          for (const leaf of states.byId(id).leaves) if (leaf.source === node.attr.place) leaf.source = null;
  }
}
