import { MOST_STEPS } from '../../fuzz/limits.ts';
import type { OracleName } from '../../fuzz/oracle-names.ts';
import type { WorkerSetup } from '../../fuzz/protocol.ts';

export interface ReplayOptions {
  readonly oracles?: readonly OracleName[];
  readonly json?: boolean;
}

export interface FuzzOptions extends ReplayOptions {
  readonly seed: number;
  readonly runs?: number;
  /** Milliseconds. */
  readonly maxTime?: number;
  readonly jobs: number;
  readonly length: number;
  readonly features?: readonly string[];
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  readonly weight?: readonly (readonly [string, number])[];
  readonly cpl: '0' | '3';
  readonly findings: string;
  readonly corpus?: string;
  readonly merge?: readonly string[];
  readonly minimise?: boolean;
}

/** What every thread is made with. */
export function setupOf(options: FuzzOptions): WorkerSetup {
  return {
    seed: options.seed,
    oracles: options.oracles ?? null,
    length: options.length,
    cpl: options.cpl === '0' ? 0 : 3,
    features: options.features === undefined ? null : new Set(options.features),
    include: options.include === undefined ? null : new Set(options.include),
    exclude: new Set(options.exclude),
    weights: new Map(options.weight ?? []),
  };
}

/** Options of a run over given inputs alone: everything may occur in them. */
export const ANYTHING: Omit<WorkerSetup, 'oracles' | 'cpl'> = {
  seed: 0,
  length: MOST_STEPS,
  features: null,
  include: null,
  exclude: new Set<string>(),
  weights: new Map<string, number>(),
};
