import type { Corpus, CorpusEntry } from '../../fuzz/corpus.ts';
import type { Finding } from '../../fuzz/finding.ts';
import type { Pool } from '../../fuzz/pool.ts';
import { Session } from '../../fuzz/session.ts';
import { CliError, errorLine } from '../errors.ts';
import { complain, Output } from '../output.ts';
import { STATUS } from '../status.ts';
import { printFinding, writeFinding } from './findings.ts';
import { checkFindings, Keeper, openCorpus, readCorpus } from './inputs.ts';
import { ANYTHING, type FuzzOptions, setupOf } from './options.ts';
import { startPool } from './start.ts';
import { grouped, introduce, StatusLine } from './status-line.ts';

/** The user, or a supervisor such as timeout(1), wants it to end. */
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
const DEFAULT_RUNS = 100_000;
/** So many runs are more than anybody waits for. */
const NO_END = 0x7fff_ffff;

/** Runs a campaign, or tidies a corpus; returns the exit status. */
export async function fuzz(folder: URL, options: FuzzOptions): Promise<number> {
  const tidies = options.merge !== undefined || options.minimise === true;
  if (tidies && options.corpus === undefined)
    throw new CliError(`${options.merge ? '--merge' : '--minimise'} needs --corpus`, 'swapgs fuzz', 'add --corpus DIR');
  checkFindings(options.findings);
  const others = (options.merge ?? []).map((path) => openCorpus(path, '--merge', true));
  const corpus =
    options.corpus === undefined ? null : openCorpus(options.corpus, '--corpus', options.minimise === true);
  let stopped = 0;
  const setup = tidies
    ? { ...ANYTHING, oracles: options.oracles ?? null, cpl: setupOf(options).cpl }
    : setupOf(options);
  const pool = await startPool(folder, setup, options.jobs);
  const interrupt = (_: NodeJS.Signals, signal: number): void => {
    // The second time nobody wants to wait.
    if (stopped > 0) process.exit(STATUS.signal + signal);
    stopped = signal;
  };
  for (const name of SIGNALS) process.on(name, interrupt);
  try {
    return await new Fuzzing(pool, options, corpus).go(others, () => stopped);
  } finally {
    for (const name of SIGNALS) process.off(name, interrupt);
    await pool.end();
  }
}

class Fuzzing {
  readonly #pool: Pool;
  readonly #options: FuzzOptions;
  readonly #corpus: Corpus | null;
  readonly #keeper: Keeper | null;
  /** The first finding that could not be written: why. */
  #unwritten: unknown = null;
  readonly #out = new Output(1);
  readonly #status: StatusLine;
  readonly #session: Session;

  constructor(pool: Pool, options: FuzzOptions, corpus: Corpus | null) {
    this.#pool = pool;
    this.#options = options;
    this.#corpus = corpus;
    this.#keeper = corpus && new Keeper(corpus);
    const status = new StatusLine(options.json === true);
    this.#status = status;
    this.#session = new Session(pool, {
      finding: (finding) => {
        const path = this.#written(finding);
        if (options.json) this.#event({ event: 'finding', path, ...finding });
        else printFinding(this.#out, finding, path);
        status.say('FIND', this.#session.counts);
      },
      input: (c) => this.#keeper?.add(c),
      round: (counts) => status.pulse(counts),
      lost: (from, to, why) => {
        if (options.json) this.#event({ event: 'lost', from, to, why });
        else complain(`swapgs: runs ${from} to ${to} are lost: ${why}`);
      },
    });
  }

  /** Where a finding has been written, or null: then whoever prints it prints all of it. */
  #written(finding: Finding): string | null {
    try {
      return writeFinding(this.#options.findings, finding);
    } catch (error) {
      this.#unwritten ??= error;
      return null;
    }
  }

  #event(value: object): void {
    this.#out.line(JSON.stringify(value));
    this.#out.flush();
  }

  async go(others: readonly Corpus[], stopped: () => number): Promise<number> {
    const interrupted = (): boolean => stopped() > 0;
    const { json, minimise, merge, maxTime, runs } = this.#options;
    introduce(this.#pool, this.#options);
    if (json) this.#event({ event: 'start', seed: this.#options.seed, ...this.#pool.ready });
    if (minimise) await this.#minimise(interrupted);
    else await this.#begin(interrupted);
    for (const other of others) await this.#merge(other, interrupted);
    const { counts } = this.#session;
    if (!minimise && merge === undefined) {
      this.#status.say('INITED', counts);
      const end = maxTime === undefined ? Number.POSITIVE_INFINITY : Date.now() + maxTime;
      const most = runs ?? (maxTime === undefined ? DEFAULT_RUNS : NO_END);
      await this.#session.run(most, () => interrupted() || Date.now() >= end);
    }
    this.#status.say('DONE', counts);
    this.#summary(interrupted());
    if (this.#unwritten !== null) complain(errorLine(this.#unwritten));
    if (counts.findings > 0) return STATUS.found;
    if (counts.lost > 0)
      throw new CliError(`${counts.lost} runs are lost`, 'swapgs fuzz', 'please report it with the lines above');
    const refused = this.#keeper?.refused ?? 0;
    if (refused > 0) throw new CliError(`${refused} inputs could not be kept`, this.#corpus!.folder, 'give it room');
    return interrupted() ? STATUS.signal + stopped() : STATUS.ok;
  }

  #summary(interrupted: boolean): void {
    const { counts, unjudged } = this.#session;
    const seconds = this.#status.milliseconds / 1000;
    if (this.#options.json) {
      this.#event({ event: 'done', seconds, interrupted, ...counts, unjudged: Object.fromEntries(unjudged) });
      return;
    }
    for (const line of grouped(unjudged)) complain(`swapgs: not judged: ${line}`);
    this.#out.line(
      `${counts.runs} sequences, ${counts.instructions} instructions, ${counts.mismatches} mismatches, ${counts.findings} findings`,
    );
    this.#out.flush();
  }

  /** Runs what the corpus has, so that the campaign begins from it. */
  async #begin(stop: () => boolean): Promise<void> {
    if (this.#corpus === null) return;
    await this.#session.inputs(
      readCorpus(this.#corpus).map((entry) => entry.case),
      stop,
    );
  }

  async #merge(other: Corpus, stop: () => boolean): Promise<void> {
    const entries = readCorpus(other);
    const worth = await this.#session.inputs(
      entries.map((entry) => entry.case),
      stop,
    );
    const before = this.#keeper!.added;
    entries.forEach((entry, i) => {
      if (worth[i] === 'fresh') this.#keeper!.add(entry.case);
    });
    const added = this.#keeper!.added - before;
    if (!this.#options.json) complain(`swapgs: ${added} of ${entries.length} inputs of ${other.folder} are new`);
  }

  /** Short inputs first: a longer one stays only for what they do not show. */
  async #minimise(stop: () => boolean): Promise<void> {
    const size = ({ case: c }: CorpusEntry): number => c.steps.reduce((sum, { bytes }) => sum + bytes.length, 0);
    const entries = readCorpus(this.#corpus!).sort((a, b) => size(a) - size(b) || (a.path < b.path ? -1 : 1));
    const worth = await this.#session.inputs(
      entries.map((entry) => entry.case),
      stop,
    );
    // What has not run, or nobody could judge, may be needed.
    const spare = entries.filter((_, i) => worth[i] === 'known');
    for (const entry of spare) this.#corpus!.remove(entry);
    if (!this.#options.json) complain(`swapgs: ${entries.length - spare.length} of ${entries.length} inputs are left`);
  }
}
