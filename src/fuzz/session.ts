import type { Interesting } from './campaign.ts';
import type { Finding } from './finding.ts';
import type { Outcome, Pool } from './pool.ts';
import type { Request } from './protocol.ts';
import { signatureText } from './signature.ts';
import type { FuzzCase } from './steps.ts';

/** Runs whose corpus is the same: what they find is known from the next round on. */
const ROUND = 4096;
/** Runs that a thread takes at once. */
const CHUNK = 256;
/** Runs that inputs of a corpus count as: none of those that are made. */
const INPUT_RUNS = 0x8000_0000;

export interface SessionCounts {
  runs: number;
  instructions: number;
  mismatches: number;
  features: number;
  inputs: number;
  findings: number;
  /** Runs that a thread did not survive. */
  lost: number;
}

/** What an input is worth: it shows something new, or nothing that others have not shown; or nobody knows, as it did not run or could not be judged. */
export type Worth = 'fresh' | 'known' | 'unknown';

export interface SessionEvents {
  /** A finding that is like none before. */
  finding(finding: Finding): void;
  /** An input that shows something new. */
  input(c: FuzzCase, run: number): void;
  /** A round is over. */
  round(counts: Readonly<SessionCounts>): void;
  /** Runs that a thread did not survive. */
  lost(from: number, to: number, why: string): void;
}

/** A campaign over threads: hands out runs by number and puts what they bring into one order, whoever brings it. */
export class Session {
  readonly counts: SessionCounts = {
    runs: 0,
    instructions: 0,
    mismatches: 0,
    features: 0,
    inputs: 0,
    findings: 0,
    lost: 0,
  };
  /** Why runs were not judged, with how often. */
  readonly unjudged = new Map<string, number>();
  readonly #pool: Pool;
  readonly #events: SessionEvents;
  readonly #features = new Set<number>();
  readonly #found = new Set<string>();

  constructor(pool: Pool, events: SessionEvents) {
    this.#pool = pool;
    this.#events = events;
  }

  /** Runs 0 to `runs`, until `stop`. */
  async run(runs: number, stop: () => boolean): Promise<void> {
    for (let from = 0; from < runs && !stop(); from += ROUND) {
      const chunks: Extract<Request, { kind: 'runs' }>[] = [];
      for (let at = from; at < Math.min(from + ROUND, runs); at += CHUNK)
        chunks.push({ kind: 'runs', from: at, to: Math.min(at + CHUNK, runs) });
      const outcomes = await this.#pool.all(chunks, stop);
      outcomes.forEach((outcome, i) => {
        if (outcome === null || !('lost' in outcome)) return;
        this.counts.lost += chunks[i]!.to - chunks[i]!.from;
        this.#events.lost(chunks[i]!.from, chunks[i]!.to, outcome.lost);
      });
      this.#take(outcomes, true);
    }
  }

  /**
   * Runs inputs that are there already, and learns from them.
   * @returns for each input what it is worth, given those before it
   */
  async inputs(cases: readonly FuzzCase[], stop: () => boolean): Promise<Worth[]> {
    const worth = new Array<Worth>(cases.length).fill('unknown');
    for (let from = 0; from < cases.length && !stop(); from += ROUND) {
      const chunks: Extract<Request, { kind: 'inputs' }>[] = [];
      for (let at = from; at < Math.min(from + ROUND, cases.length); at += CHUNK)
        chunks.push({
          kind: 'inputs',
          cases: cases.slice(at, Math.min(at + CHUNK, from + ROUND)),
          first: INPUT_RUNS + at,
        });
      const outcomes = await this.#pool.all(chunks, stop);
      outcomes.forEach((outcome, i) => {
        const first = chunks[i]!.first - INPUT_RUNS;
        const end = first + chunks[i]!.cases.length;
        if (outcome === null) return;
        if ('lost' in outcome) {
          this.counts.lost += end - first;
          this.#events.lost(first, end, outcome.lost);
          return;
        }
        worth.fill('known', first, end);
        for (const run of outcome.result.left) worth[run - INPUT_RUNS] = 'unknown';
      });
      for (const { run } of this.#take(outcomes, false)) worth[run - INPUT_RUNS] = 'fresh';
    }
    return worth;
  }

  #take(outcomes: readonly (Outcome | null)[], tell: boolean): Interesting[] {
    const { counts } = this;
    const accepted: Interesting[] = [];
    const features: number[] = [];
    const keys: string[] = [];
    for (const outcome of outcomes) {
      if (outcome === null || 'lost' in outcome) continue;
      const { result } = outcome;
      counts.runs += result.runs;
      counts.instructions += result.instructions;
      counts.mismatches += result.mismatches;
      for (const [why, times] of result.unjudged) this.unjudged.set(why, (this.unjudged.get(why) ?? 0) + times);
      for (const interesting of result.interesting) {
        const fresh = interesting.features.filter((feature) => !this.#features.has(feature));
        if (fresh.length === 0) continue;
        for (const feature of fresh) this.#features.add(feature);
        features.push(...fresh);
        accepted.push(interesting);
        if (tell) this.#events.input(interesting.case, interesting.run);
      }
      for (const { key, finding } of result.findings) {
        keys.push(key);
        const known = signatureText(finding.signature);
        if (this.#found.has(known)) continue;
        this.#found.add(known);
        counts.findings++;
        this.#events.finding(finding);
      }
    }
    counts.features = this.#features.size;
    counts.inputs += accepted.length;
    this.#pool.learn({ kind: 'learn', corpus: accepted.map((i) => i.case), features, reported: keys });
    this.#events.round(counts);
    return accepted;
  }
}
