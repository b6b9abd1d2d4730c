import { milliseconds, pause } from '../../bits/clock.ts';
import type { StdioFile } from '../fs/stdio.ts';
import type { Kernel } from '../kernel.ts';
import type { ConsoleLink } from '../tty/console.ts';

/** Milliseconds between two looks at what comes from outside while nobody runs. */
const PATIENCE_MS = 5;
const NANOSECONDS = 1e6;

/** What the machine is not alone with: a terminal of the host, or a standard input that is not there yet. */
export class Outside {
  readonly #kernel: Kernel;
  link: ConsoleLink | null = null;
  input: StdioFile | null = null;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  carry(): void {
    this.link?.carry();
  }

  /**
   * Nobody can run. Where something outside may end a wait, time passes as it does there, in small steps up to `next`, and true
   * is the answer; else false.
   */
  wait(next: bigint | null): boolean {
    const { input } = this;
    if (this.link?.isOpen !== true && input?.waiting !== true) return false;
    // Whoever still waits for it looks again.
    if (input !== null) input.waiting = false;
    const { clock } = this.#kernel;
    const left = next === null ? PATIENCE_MS : Number(next - clock.monotonic()) / NANOSECONDS;
    const before = milliseconds();
    pause(Math.max(0, Math.min(PATIENCE_MS, left)));
    const passed = BigInt(Math.ceil((milliseconds() - before) * NANOSECONDS));
    if (next !== null) clock.sleepUntil(left <= PATIENCE_MS ? next : clock.monotonic() + passed);
    this.#kernel.changed = true;
    return true;
  }
}
