import type { Insn } from '../decode/insn.ts';
import type { Exit } from './exit.ts';

/** What runs instructions. All engines leave the same state behind after the same number of instructions. */
export interface Engine {
  /** Runs until something ends it, at most `budget` instructions. CPU state and `ICOUNT` are exact on return. */
  run(budget: number): Exit;
  /** Stop before the instruction at this address; null: nowhere. */
  until: bigint | null;
  /** Makes what these instructions will need at once, which costs less than one after the other. */
  prepare?(insns: readonly Insn[]): void;
  /** What it has counted about itself since it was made, for people to read. */
  statistics?(): EngineStatistics;
}

/** Numbers by name (a unit is part of the name), grouped by subject: «compiled code» → «regions» → 12. */
export type EngineStatistics = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Names for `--engine`. */
export const ENGINE_NAMES = ['jit', 'interpreter', 'reference'] as const;
export type EngineName = (typeof ENGINE_NAMES)[number];
