import type { Node } from '../../ir/nodes.ts';
import type { CodeRegion } from './blocks.ts';
import { isOpaque } from './code.ts';
import { type FlagsIn, settleFlags } from './flag-states.ts';
import { FlagStates } from './flags.ts';
import { arithmeticOf } from './float.ts';
import { longestWays, type Structure, structureOf } from './graph.ts';
import { type LiftedBlock, liftBlock } from './lift-block.ts';

/** Where control may go from a block, within or out of the region; twice what is reached in two ways. */
export function exitsOf(lifted: LiftedBlock, region: CodeRegion): bigint[] {
  const { start, insns } = lifted.code;
  const { next } = insns.at(-1)!;
  if (endsOpaquely(lifted)) return [];
  const out: bigint[] = lifted.nodes.some((node) => node.op === 'skipif') ? [next] : [];
  const last = lifted.nodes.at(-1);
  const constant = (node: Node): bigint[] => (node.op === 'const' ? [node.attr.value!] : []);
  switch (last?.op) {
    case 'jump':
      return last.args[0]!.op === 'const' ? constant(last.args[0]!) : [...(region.targets.get(start) ?? [])];
    case 'branch':
      return [...constant(last.args[1]!), next];
    case 'again':
      return [...out, start, next];
    case 'exit':
      return out;
    default:
      return [...out, next];
  }
}

/** The block ends in a helper behind which nothing is certain: the region is left. */
export const endsOpaquely = ({ nodes }: LiftedBlock): boolean =>
  nodes.some((node) => node.op === 'call' && isOpaque(node.attr.helper!));

const isArithmetic = (node: Node): boolean =>
  (node.op === 'call' || node.op === 'calls') && arithmeticOf(node.attr.helper!) !== null;

/** A region lifted, and what is known of the way control and flags take through it. */
export interface RegionPlan {
  readonly region: CodeRegion;
  readonly blocks: readonly LiftedBlock[];
  readonly states: FlagStates;
  readonly structure: Structure;
  /** Instructions on the longest way from each block's start to the next loop head or entry. */
  readonly ways: readonly number[];
  /** Some of it is SSE arithmetic. */
  readonly floats: boolean;
  /** How flags stand where each block begins. */
  readonly flags: readonly FlagsIn[];
}

/** Lifts a region's blocks and finds the order of its code. `plain`: without any optimisation of its expressions. */
export function planRegion(region: CodeRegion, plain = false): RegionPlan {
  const states = new FlagStates();
  const blocks = region.blocks.map((block) => liftBlock(block, states, plain));
  const successors = blocks.map((block) =>
    exitsOf(block, region).flatMap((to) => {
      const found = region.byStart.get(to);
      return found === undefined ? [] : [found.index];
    }),
  );
  const entries = region.entries.map((rip) => region.byStart.get(rip)!.index);
  const structure = structureOf({ successors, entries });
  return {
    region,
    blocks,
    states,
    structure,
    ways: longestWays({ successors, entries }, structure, (i) => blocks[i]!.code.insns.length),
    floats: blocks.some(({ nodes }) => nodes.some(isArithmetic)),
    flags: settleFlags({ blocks, states, structure, successors }),
  };
}
