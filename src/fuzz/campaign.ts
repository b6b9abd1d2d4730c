import { Random } from '../bits/random.ts';
import { hostFeatures, hostVendor } from '../oracle/native.ts';
import { Bench, type Mismatch } from './bench.ts';
import { featuresOf } from './coverage.ts';
import { type Finding, makeFinding } from './finding.ts';
import { type GenerateOptions, generate } from './generate.ts';
import { MOST_INPUTS, MOST_STEPS } from './limits.ts';
import { mutate } from './mutate.ts';
import type { OracleName } from './oracle-names.ts';
import { findCulprit, shrink } from './shrink.ts';
import { signatureText } from './signature.ts';
import { decoded, type FuzzCase } from './steps.ts';
import { Vocabulary, type VocabularyOptions } from './vocabulary.ts';

export interface CampaignOptions extends Omit<VocabularyOptions, 'host'> {
  readonly seed: number;
  readonly oracles: readonly OracleName[];
  /** At most so many instructions a sequence, up to 32. */
  readonly length: number;
}

/** An input that has shown something new. */
export interface Interesting {
  readonly run: number;
  readonly case: FuzzCase;
  readonly features: readonly number[];
}

/** What came of some runs. */
export interface ChunkResult {
  readonly runs: number;
  readonly instructions: number;
  readonly mismatches: number;
  /** Why runs were not judged, with how often. */
  readonly unjudged: readonly (readonly [why: string, times: number])[];
  /** Those runs. */
  readonly left: readonly number[];
  readonly interesting: readonly Interesting[];
  readonly findings: readonly { readonly key: string; readonly finding: Finding; readonly run: number }[];
}

const BATCH = 512;
/** Every second run begins from an input of the corpus. */
const MUTATED = 2;

/** Seeds of runs, far apart: a product with an odd constant reaches every number. */
const seedOf = (seed: number, run: number): number =>
  (Math.imul(seed, 0x9e37_79b1) + Math.imul(run, 0x85eb_ca6b)) >>> 0;

/**
 * Makes and judges runs by number: what a run does is decided by the seed, its number, and the corpus as it was when its round
 * began. So who does which runs, and in how many threads, changes nothing.
 */
export class Campaign {
  readonly vocabulary: Vocabulary;
  readonly #bench: Bench;
  readonly #options: CampaignOptions;
  readonly #generate: GenerateOptions;
  readonly #corpus: FuzzCase[] = [];
  #learnt = 0;
  readonly #covered = new Set<number>();
  readonly #reported = new Set<string>();

  /** @throws Error with one line where an oracle cannot be had or nothing is left to draw from */
  constructor(options: CampaignOptions) {
    const host = options.oracles.includes('host') ? hostFeatures() : null;
    this.vocabulary = new Vocabulary({ ...options, host });
    this.#options = options;
    this.#bench = new Bench(options.oracles, options.cpl);
    const most = Math.min(options.length, MOST_STEPS);
    this.#generate = { vocabulary: this.vocabulary, strict: this.#bench.strict, most };
  }

  /** The process of the host's helper, or null. */
  get helperPid(): number | null {
    return this.#bench.helperPid;
  }

  close(): void {
    this.#bench.close();
  }

  /**
   * Inputs and coverage of the rounds so far.
   * @param forgotten how many inputs there were before these that newer ones have taken the place of
   */
  learn(corpus: readonly FuzzCase[], features: readonly number[], reported: readonly string[], forgotten = 0): void {
    this.#learnt += forgotten;
    // Newer inputs take the place of older ones: all would not fit into memory.
    for (const c of corpus) this.#corpus[this.#learnt++ % MOST_INPUTS] = decoded(c);
    for (const feature of features) this.#covered.add(feature);
    for (const key of reported) this.#reported.add(key);
  }

  #make(run: number): FuzzCase {
    const random = new Random(seedOf(this.#options.seed, run));
    if (this.#corpus.length > 0 && random.below(MUTATED) === 0) {
      const mutant = mutate(random.pick(this.#corpus), random.pick(this.#corpus), random, this.#generate);
      if (mutant !== null) return mutant;
    }
    return generate(random, this.#generate);
  }

  /** Runs `from` to `to`, the latter not included. */
  runs(from: number, to: number): ChunkResult {
    const tally = new Tally();
    for (let first = from; first < to; first += BATCH) {
      const cases: FuzzCase[] = [];
      for (let run = first; run < Math.min(first + BATCH, to); run++) cases.push(this.#make(run));
      this.#judge(cases, first, tally);
    }
    return tally.result();
  }

  /** Runs inputs that are given; they count as runs from `first` on. */
  inputs(cases: readonly FuzzCase[], first: number): ChunkResult {
    const tally = new Tally();
    this.#judge(cases, first, tally);
    return tally.result();
  }

  #judge(cases: readonly FuzzCase[], first: number, tally: Tally): void {
    const suspects: { readonly index: number; readonly mismatch: Mismatch }[] = [];
    this.#bench.run(cases, (verdict, i) => {
      tally.runs++;
      tally.instructions += verdict.icount;
      if (verdict.unjudged !== null) {
        tally.leave(verdict.unjudged);
        tally.left.push(first + i);
        return;
      }
      if (verdict.mismatch !== null) suspects.push({ index: i, mismatch: verdict.mismatch });
      const c = cases[i]!;
      const features = featuresOf(c, verdict);
      if (!features.some((feature) => !this.#covered.has(feature) && !tally.seen.has(feature))) return;
      for (const feature of features) tally.seen.add(feature);
      tally.interesting.push({ run: first + i, case: bare(c), features });
    });
    for (const { index, mismatch } of suspects) {
      tally.mismatches++;
      this.#report(cases[index]!, mismatch, first + index, tally);
    }
  }

  /** A mismatch becomes a finding unless one like it is known. */
  #report(c: FuzzCase, { differences }: Mismatch, run: number, tally: Tally): void {
    const culprit = findCulprit(this.#bench, c);
    if (culprit === null) {
      const { field, got, want } = differences[0]!;
      tally.leave(`a mismatch that did not come again: run ${run}, ${field} ${got} for ${want}`);
      return;
    }
    const key = signatureText(culprit.signature);
    if (this.#reported.has(key)) return;
    this.#reported.add(key);
    const small = shrink(this.#bench, culprit);
    const { seed, cpl, oracles } = this.#options;
    const host = oracles.includes('host') ? hostVendor() : null;
    const finding = makeFinding(small.case, c, small.mismatch, small.signature, { seed, run, host, cpl });
    tally.findings.push({ key, finding, run });
  }
}

/** What a chunk adds up to. */
class Tally {
  runs = 0;
  instructions = 0;
  mismatches = 0;
  readonly seen = new Set<number>();
  readonly left: number[] = [];
  readonly interesting: Interesting[] = [];
  readonly findings: { key: string; finding: Finding; run: number }[] = [];
  readonly #unjudged = new Map<string, number>();

  leave(why: string): void {
    this.#unjudged.set(why, (this.#unjudged.get(why) ?? 0) + 1);
  }

  result(): ChunkResult {
    const { runs, instructions, mismatches, left, interesting, findings } = this;
    return { runs, instructions, mismatches, unjudged: [...this.#unjudged], left, interesting, findings };
  }
}

/** The sequence without what can be decoded again. */
const bare = (c: FuzzCase): FuzzCase => ({ ...c, steps: c.steps.map(({ insn: _, ...step }) => step) });
