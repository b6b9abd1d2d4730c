import { Blocked } from '../block.ts';
import { E, fail } from '../errno.ts';
import type { Kernel } from '../kernel.ts';
import type { Timer } from '../timers.ts';
import { AnonymousFile } from './anonymous.ts';
import { POLL } from './mode.ts';

const BYTES = 8;

/** timerfd_create(2): reading gives how often the timer has expired. Times are monotonic nanoseconds. */
export class TimerFile extends AnonymousFile {
  readonly clock: number;
  readonly #kernel: Kernel;
  /** The first expiration that nobody has read; null: not armed. */
  #at: bigint | null = null;
  #interval = 0n;
  #timer: Timer | null = null;
  #activity = 0;

  constructor(kernel: Kernel, ino: number, clock: number, flags: number) {
    super('timerfd', ino, flags);
    this.#kernel = kernel;
    this.clock = clock;
  }

  override get activity(): number {
    return this.#activity;
  }

  /** Time left and interval; zeros where it is not armed. */
  get(): { readonly value: bigint; readonly interval: bigint } {
    if (this.#at === null) return { value: 0n, interval: this.#interval };
    const missed = BigInt(this.#expirations()) * this.#interval;
    const left = this.#at + missed - this.#kernel.clock.monotonic();
    return { value: left > 0n ? left : 0n, interval: this.#interval };
  }

  set(at: bigint | null, interval: bigint): void {
    this.#kernel.timers.cancel(this.#timer);
    this.#at = at;
    this.#interval = interval;
    this.#timer = null;
    if (at === null) return;
    this.#timer = this.#kernel.timers.add(at, () => {
      this.#activity++;
      this.#kernel.changed = true;
    });
  }

  #expirations(): number {
    const now = this.#kernel.clock.monotonic();
    if (this.#at === null || now < this.#at) return 0;
    return this.#interval === 0n ? 1 : 1 + Number((now - this.#at) / this.#interval);
  }

  override read(length: number): Uint8Array {
    if (length < BYTES) fail(E.EINVAL);
    const count = this.#expirations();
    if (count === 0) {
      if (this.nonblocking) fail(E.EAGAIN);
      throw new Blocked('a timer (timerfd)', { ready: () => this.#expirations() > 0 });
    }
    this.set(this.#interval === 0n ? null : this.#at! + BigInt(count) * this.#interval, this.#interval);
    return new Uint8Array(BigUint64Array.of(BigInt(count)).buffer);
  }
  override poll(): number {
    return this.#expirations() > 0 ? POLL.IN | POLL.RDNORM : 0;
  }
  protected override closed(): void {
    this.#kernel.timers.cancel(this.#timer);
  }
}
