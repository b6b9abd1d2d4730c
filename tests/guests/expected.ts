import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** One run of a committed guest, as an x86-64 Linux host did it; written by `scripts/record-guests.js`. */
export interface GuestRun {
  /** Path below `guest/`. */
  readonly guest: string;
  /** Arguments after the program's name; `{folder}` stands for an empty folder. */
  readonly args: readonly string[];
  /** The whole environment; empty when absent. */
  readonly env?: Readonly<Record<string, string>>;
  readonly stdout: string;
  /** Exactly one of the two. */
  readonly status?: number;
  readonly signal?: string;
}

/** The path of a committed guest, for instance `user/hello`. */
export function guestPath(guest: string): string {
  return fileURLToPath(new URL(`../../guest/${guest}`, import.meta.url));
}

/** All recorded runs; the benchmarks with one percent of their work have `args` of `['1']`. */
export function expectedRuns(): readonly GuestRun[] {
  return JSON.parse(readFileSync(new URL('expected.json', import.meta.url), 'utf8'));
}
