import { milliseconds } from '../../bits/clock.ts';
import type { Kernel } from '../kernel.ts';
import { SIG } from '../signals/numbers.ts';
import { signalGroup } from './jobs.ts';
import type { Terminal } from './terminal.ts';

/** A keyboard and a screen outside the machine: the host's terminal, as it is without any line discipline. */
export interface Console {
  /** Rows, columns, and the same in pixels. */
  size(): readonly [number, number, number, number];
  /** What was typed; empty: nothing yet; null: nobody types any more. */
  read(): Uint8Array | null;
  write(bytes: Uint8Array): void;
}

/** How often the keyboard and the size are looked at, in milliseconds. */
const EVERY_MS = 10;
const MOST_BYTES = 1 << 16;

/** Carries bytes between a console and the guest's terminal; the line discipline is the guest's. */
export class ConsoleLink {
  readonly #kernel: Kernel;
  readonly #console: Console;
  readonly #terminal: Terminal;
  #next = 0;
  #ended = false;

  constructor(kernel: Kernel, console: Console, terminal: Terminal) {
    this.#kernel = kernel;
    this.#console = console;
    this.#terminal = terminal;
    terminal.size = console.size();
  }

  /** Whether anything may still be typed. */
  get isOpen(): boolean {
    return !this.#ended && this.#terminal.slaves > 0;
  }

  /** Shows what was written, and now and then takes what was typed. */
  carry(): void {
    const { outputBytes } = this.#terminal;
    if (outputBytes > 0) {
      this.#console.write(this.#terminal.takeOutput(MOST_BYTES));
      this.#kernel.changed = true;
    }
    const now = milliseconds();
    if (now < this.#next || this.#ended) return;
    this.#next = now + EVERY_MS;
    this.#resize();
    if (this.#terminal.inputRoom === 0) return;
    const typed = this.#console.read();
    if (typed === null) {
      this.#ended = true;
      this.#kernel.terminals.hangUp(this.#terminal);
    } else if (typed.length > 0) this.#terminal.type(typed);
    else return;
    this.#kernel.changed = true;
  }

  #resize(): void {
    const size = this.#console.size();
    if (size.every((value, i) => value === this.#terminal.size[i])) return;
    this.#terminal.size = size;
    signalGroup(this.#kernel, this.#terminal.foreground, SIG.WINCH);
  }
}
