import type { Pool } from '../../fuzz/pool.ts';
import type { SessionCounts } from '../../fuzz/session.ts';
import { complain } from '../output.ts';
import type { FuzzOptions } from './options.ts';

/** What is said on standard error, for people only: `--json` has events instead. */

const PULSE_MS = 10_000;
const MOST_UNCHECKED = 6;

/** Status lines as libFuzzer writes them. */
export class StatusLine {
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

/** Reasons of one kind in one line: `not implemented: in (34), outs (13)`. */
export function grouped(reasons: ReadonlyMap<string, number>): string[] {
  const kinds = new Map<string, string[]>();
  for (const [why, times] of [...reasons].sort()) {
    const [kind, what] = why.split(': ');
    kinds.set(kind!, [...(kinds.get(kind!) ?? []), what === undefined ? `${times}` : `${what} (${times})`]);
  }
  return [...kinds].map(([kind, whats]) => `${kind}: ${whats.join(', ')}`);
}

/** Who judges whom, and what nobody can. */
export function introduce({ ready }: Pool, options: FuzzOptions): void {
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
