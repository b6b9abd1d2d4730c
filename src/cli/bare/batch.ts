import tty from 'node:tty';
import { milliseconds } from '../../bits/clock.ts';
import type { BareGuest } from '../../machine/bare.ts';
import type { RunOptions } from '../commands/run.ts';
import { CliError, errorLine } from '../errors.ts';
import { Output } from '../output.ts';
import { parseLine, readLine } from './batch-line.ts';
import { lines } from './lines.ts';
import { loadError, prepare } from './request.ts';
import { stateValues } from './result.ts';
import { limitsOf, makeGuest } from './run.ts';

/** A run of a batch ends after so many instructions unless somebody says otherwise: one endless loop must not hold up the rest. */
const DEFAULT_MAX_INSNS = 1_000_000;
const PROGRESS_MS = 500;

/** Shows on a terminal how far a batch is. */
class Progress {
  readonly #shown = tty.isatty(2);
  readonly #start = milliseconds();
  #next = this.#start + PROGRESS_MS;
  #done = 0;

  step(): void {
    this.#done++;
    if (!this.#shown) return;
    const now = milliseconds();
    if (now >= this.#next) this.#show(now);
  }
  #show(now: number): void {
    this.#next = now + PROGRESS_MS;
    const rate = Math.round((this.#done / (now - this.#start)) * 1000);
    process.stderr.write(`\rswapgs: ${this.#done} runs, ${rate} a second `);
  }
  end(): void {
    if (!this.#shown) return;
    this.#show(milliseconds());
    process.stderr.write('\n');
  }
}

/**
 * `swapgs run --bare --batch`: one JSON object a line in, one out, in the same order, all on one machine. A bad line is
 * answered with its error; the batch goes on.
 */
export function runBatch(path: string, options: RunOptions): number {
  const out = new Output(1);
  const progress = new Progress();
  let guest = makeGuest(options);
  for (const text of lines(path, () => out.flush())) {
    if (text.trim() === '') continue;
    const answer = answerLine(guest, text, options);
    // Whatever failed in us may have left the machine half done.
    if (answer.broken) guest = makeGuest(options);
    out.line(answer.text);
    progress.step();
  }
  out.flush();
  progress.end();
  return 0;
}

interface Answer {
  readonly text: string;
  readonly broken: boolean;
}

function answerLine(guest: BareGuest, text: string, options: RunOptions): Answer {
  let id: unknown;
  const withId = (values: Record<string, unknown>): string =>
    JSON.stringify(id === undefined ? values : { id, ...values });
  try {
    const line = parseLine(text);
    id = line['id'];
    const { request, maxInsns, timeout } = readLine(line);
    const job = prepare(request);
    guest.load(job.program);
    const limits = limitsOf(job, {
      ...options,
      maxInsns: maxInsns ?? options.maxInsns ?? DEFAULT_MAX_INSNS,
      ...(timeout === undefined ? {} : { timeout }),
    });
    const stop = guest.run(limits);
    return { text: withId(stateValues(guest, stop, job.dumps)), broken: false };
  } catch (error) {
    const shown = loadError(error);
    const broken = !(shown instanceof CliError);
    return { text: withId({ error: errorLine(shown).replace(/^swapgs: /, '') }), broken };
  }
}
