import { existsSync } from 'node:fs';
import { Corpus, type CorpusEntry } from '../../fuzz/corpus.ts';
import type { Pool } from '../../fuzz/pool.ts';
import { Session, type SessionCounts } from '../../fuzz/session.ts';
import { CliError } from '../errors.ts';
import { fileError } from '../files.ts';
import { complain, Output } from '../output.ts';
import { STATUS } from '../status.ts';
import { printFinding, writeFinding } from './findings.ts';
import { ANYTHING, type FuzzOptions, setupOf } from './options.ts';
import { startPool } from './start.ts';

const SIGINT = 2;
const DEFAULT_RUNS = 100_000;
/** So many runs are more than anybody waits for. */
const NO_END = 0x7fff_ffff;
const PULSE_MS = 10_000;
const MOST_UNCHECKED = 6;

function openCorpus(folder: string, mustExist: boolean): Corpus {
  if (mustExist && !existsSync(folder)) throw new CliError('no such directory', folder, 'check the path');
  try {
    return new Corpus(folder);
  } catch (error) {
    throw fileError(error, folder);
  }
}

const readCorpus = (corpus: Corpus): CorpusEntry[] =>
  corpus.read((path, why) => complain(`swapgs: ${why}: ${path}: left out`));

/** Reasons of one kind in one line: `not implemented: in (34), outs (13)`. */
function grouped(reasons: ReadonlyMap<string, number>): string[] {
  const kinds = new Map<string, string[]>();
  for (const [why, times] of [...reasons].sort()) {
    const [kind, what] = why.split(': ');
    kinds.set(kind!, [...(kinds.get(kind!) ?? []), what === undefined ? `${times}` : `${what} (${times})`]);
  }
  return [...kinds].map(([kind, whats]) => `${kind}: ${whats.join(', ')}`);
}

/** Status lines as libFuzzer writes them, on standard error. */
class StatusLine {
  readonly #start = Date.now();
  readonly #json: boolean;
  #last = 0;

  constructor(json: boolean) {
    this.#json = json;
  }

  say(event: string, { runs, features, inputs, findings }: Readonly<SessionCounts>): void {
    if (this.#json) return;
    this.#last = Date.now();
    const rate = Math.round(runs / Math.max(0.001, (Date.now() - this.#start) / 1000));
    complain(`#${runs}\t${event.padEnd(6)} cov: ${features} corp: ${inputs} exec/s: ${rate} find: ${findings}`);
  }

  pulse(counts: Readonly<SessionCounts>): void {
    if (Date.now() - this.#last >= PULSE_MS) this.say('pulse', counts);
  }

  get milliseconds(): number {
    return Date.now() - this.#start;
  }
}

function introduce({ ready }: Pool, options: FuzzOptions): void {
  if (options.json) return;
  const { oracles, words, unchecked, noHost, vendor } = ready;
  const host = vendor === null ? '' : ` (${vendor})`;
  complain(
    `swapgs: ${words} encodings, judged by ${oracles[0]}${host}: ${oracles.slice(1).join(', ') || 'nobody else'}; seed ${options.seed}`,
  );
  if (noHost !== null && options.oracles === undefined) complain(`swapgs: no host CPU: ${noHost}`);
  const asked = options.features !== undefined || options.include !== undefined;
  if (unchecked.length === 0) return;
  const shown = asked ? unchecked : unchecked.slice(0, MOST_UNCHECKED);
  const more = unchecked.length > shown.length ? ` … and ${unchecked.length - shown.length} more` : '';
  complain(`swapgs: not checked: ${shown.join(', ')}${more}`);
}

/** Runs a campaign, or tidies a corpus; returns the exit status. */
export async function fuzz(folder: URL, options: FuzzOptions): Promise<number> {
  const tidies = options.merge !== undefined || options.minimise === true;
  if (tidies && options.corpus === undefined)
    throw new CliError(`${options.merge ? '--merge' : '--minimise'} needs --corpus`, 'swapgs fuzz', 'add --corpus DIR');
  const corpus = options.corpus === undefined ? null : openCorpus(options.corpus, options.minimise === true);
  const others = (options.merge ?? []).map((path) => openCorpus(path, true));
  let stopped = false;
  const setup = tidies
    ? { ...ANYTHING, oracles: options.oracles ?? null, cpl: setupOf(options).cpl }
    : setupOf(options);
  const pool = await startPool(folder, setup, options.jobs);
  const interrupt = (): void => {
    // The second time nobody wants to wait.
    if (stopped) process.exit(STATUS.signal + SIGINT);
    stopped = true;
  };
  process.on('SIGINT', interrupt);
  try {
    return await new Fuzzing(pool, options, corpus).go(others, () => stopped);
  } finally {
    process.off('SIGINT', interrupt);
    await pool.end();
  }
}

class Fuzzing {
  readonly #pool: Pool;
  readonly #options: FuzzOptions;
  readonly #corpus: Corpus | null;
  readonly #out = new Output(1);
  readonly #status: StatusLine;
  readonly #session: Session;

  constructor(pool: Pool, options: FuzzOptions, corpus: Corpus | null) {
    this.#pool = pool;
    this.#options = options;
    this.#corpus = corpus;
    const status = new StatusLine(options.json === true);
    this.#status = status;
    this.#session = new Session(pool, {
      finding: (finding) => {
        const path = writeFinding(options.findings, finding);
        if (options.json) this.#event({ event: 'finding', path, ...finding });
        else printFinding(this.#out, finding, path);
        status.say('FIND', this.#session.counts);
      },
      input: (c) => corpus?.add(c),
      round: (counts) => status.pulse(counts),
      lost: (from, to, why) => {
        if (options.json) this.#event({ event: 'lost', from, to, why });
        else complain(`swapgs: runs ${from} to ${to} are lost: ${why}`);
      },
    });
  }

  #event(value: object): void {
    this.#out.line(JSON.stringify(value));
    this.#out.flush();
  }

  async go(others: readonly Corpus[], interrupted: () => boolean): Promise<number> {
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
    if (counts.findings > 0) return STATUS.found;
    if (counts.lost > 0)
      throw new CliError(`${counts.lost} runs are lost`, 'swapgs fuzz', 'please report it with the lines above');
    return interrupted() ? STATUS.signal + SIGINT : STATUS.ok;
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
    const fresh = await this.#session.inputs(
      entries.map((entry) => entry.case),
      stop,
    );
    let added = 0;
    entries.forEach((entry, i) => {
      if (!fresh[i]) return;
      this.#corpus!.add(entry.case);
      added++;
    });
    if (!this.#options.json) complain(`swapgs: ${added} of ${entries.length} inputs of ${other.folder} are new`);
  }

  /** Short inputs first: a longer one stays only for what they do not show. */
  async #minimise(stop: () => boolean): Promise<void> {
    const size = ({ case: c }: CorpusEntry): number => c.steps.reduce((sum, { bytes }) => sum + bytes.length, 0);
    const entries = readCorpus(this.#corpus!).sort((a, b) => size(a) - size(b) || (a.path < b.path ? -1 : 1));
    const needed = await this.#session.inputs(
      entries.map((entry) => entry.case),
      stop,
    );
    // What has not run may be needed.
    if (stop()) return;
    const spare = entries.filter((_, i) => !needed[i]);
    for (const entry of spare) this.#corpus!.remove(entry);
    if (!this.#options.json) complain(`swapgs: ${entries.length - spare.length} of ${entries.length} inputs are left`);
  }
}
