import { type FlagTemplate, type FlagTemplates, IN_STATE } from './flags.ts';
import type { Structure } from './graph.ts';
import type { LiftedBlock } from './lift-block.ts';

/** How flags stand where a block begins. */
export interface FlagsIn {
  /** Their template, or null: in the CPU state. */
  readonly template: FlagTemplate | null;
  /** They must be put into the CPU state first. */
  readonly settle: boolean;
}

const UNKNOWN = -1;
const MIXED = -2;

const meet = (a: number, b: number): number => (a === UNKNOWN ? b : b === UNKNOWN || a === b ? a : MIXED);

/**
 * Data flow of flag templates: a block that reads flags which it has not written either finds one template on all ways to it, or
 * puts the flags into the CPU state and reads them there.
 */
export function flagStates(region: {
  readonly blocks: readonly LiftedBlock[];
  readonly templates: FlagTemplates;
  readonly structure: Structure;
  readonly successors: readonly (readonly number[])[];
}): FlagsIn[] {
  const { blocks, structure, templates } = region;
  const n = blocks.length;
  const predecessors: number[][] = blocks.map(() => []);
  region.successors.forEach((list, from) => {
    for (const to of list) predecessors[to]!.push(from);
  });
  const settle = new Array<boolean>(n).fill(false);
  const before = new Array<number>(n).fill(UNKNOWN);
  const behind = (i: number): number => blocks[i]!.flagsOut ?? (settle[i] ? IN_STATE : before[i]!);
  for (let changed = true; changed; ) {
    changed = false;
    for (let i = 0; i < n; i++) {
      // From outside flags come in the CPU state; through the root from anywhere.
      let state = structure.roots.includes(i) ? (structure.roots.length > 1 ? MIXED : IN_STATE) : UNKNOWN;
      for (const p of predecessors[i]!) state = meet(state, behind(p));
      if (state !== before[i]) {
        before[i] = state;
        changed = true;
      }
      const needs = blocks[i]!.readsFlags && state === MIXED;
      if (needs && !settle[i]) {
        settle[i] = true;
        changed = true;
      }
    }
  }
  return blocks.map((_, i) => {
    const state = before[i]!;
    return { settle: settle[i]!, template: settle[i] || state <= IN_STATE ? null : templates.byId(state) };
  });
}
