import type { CampaignOptions, ChunkResult } from './campaign.ts';
import type { OracleName } from './oracle-names.ts';
import type { FuzzCase } from './steps.ts';

/** What a thread is made with. Sets and maps cross the border between threads as they are. */
export interface WorkerSetup extends Omit<CampaignOptions, 'oracles'> {
  /** Null: the host CPU and the interpreter, or without a host the engines. */
  readonly oracles: readonly OracleName[] | null;
}

/** What a thread is asked. */
export type Request =
  | { readonly kind: 'runs'; readonly from: number; readonly to: number }
  | { readonly kind: 'inputs'; readonly cases: readonly FuzzCase[]; readonly first: number }
  | {
      readonly kind: 'learn';
      /** How many inputs there were before these that count no more. */
      readonly forgotten?: number;
      readonly corpus: readonly FuzzCase[];
      readonly features: readonly number[];
      readonly reported: readonly string[];
    };

export interface Ready {
  readonly kind: 'ready';
  readonly oracles: readonly OracleName[];
  /** Encodings that are drawn from. */
  readonly words: number;
  /** What was asked for and cannot be checked here, with the reason. */
  readonly unchecked: readonly string[];
  /** Why there is no host, where nobody said that it must be there. */
  readonly noHost: string | null;
  /** The host CPU's vendor, where it judges. */
  readonly vendor: string | null;
  readonly helper: number | null;
}

/** A line for the user: what is wrong, where, how to mend it. */
export interface Refusal {
  readonly kind: 'refused';
  readonly what: string;
  readonly where: string;
  readonly mend: string;
}

export type Answer =
  | Ready
  | Refusal
  /** `helper`: the process that runs code on the host CPU, to be ended when nothing comes any more. */
  | { readonly kind: 'done'; readonly result: ChunkResult; readonly helper: number | null }
  | { readonly kind: 'broken'; readonly message: string };
