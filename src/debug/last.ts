import type { Step } from '../trace/watcher.ts';

/** How many instructions before a fault are shown. */
export const SHOWN_BEFORE = 8;

/** The last instructions that were executed, or why they are not known. */
export type LastSteps = { readonly steps: readonly Step[] } | { readonly unknown: string };

/** Keeps the last `SHOWN_BEFORE` instructions of many. */
export class LastFew {
  readonly #steps: Step[] = [];

  add(step: Step): void {
    this.#steps.push(step);
    if (this.#steps.length > SHOWN_BEFORE) this.#steps.shift();
  }

  get steps(): readonly Step[] {
    return this.#steps;
  }
}
