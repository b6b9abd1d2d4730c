import type { PortDevice } from './ports.ts';

/** Virtual time units a second, and the timer's clock. */
const UNITS = 1_000_000_000;
const CLOCK = 1_193_182;
const ticksOf = (units: number): number => Math.floor((units * CLOCK) / UNITS);
const unitsOf = (ticks: number): number => Math.ceil((ticks * UNITS) / CLOCK);

/** One counter of the 8254: mode, reload value, and what a read gives next. */
class Counter {
  mode = 0;
  reload = 0x1_0000;
  started = 0;
  #access = 3;
  #low: number | null = null;
  #high: number | null = null;
  #latched: number | null = null;

  value(now: number): number {
    const gone = ticksOf(now - this.started);
    const periodic = this.mode === 2 || this.mode === 3;
    return periodic ? this.reload - (gone % this.reload) : Math.max(0, this.reload - gone) & 0xffff;
  }

  /** Whether its output is high: for modes 0 and 1 once the count is done. */
  out(now: number): boolean {
    const gone = ticksOf(now - this.started);
    return this.mode < 2 ? gone >= this.reload : gone % this.reload < this.reload / 2;
  }

  control(access: number, mode: number, now: number): void {
    if (access === 0) {
      this.#latched ??= this.value(now);
      return;
    }
    this.#access = access;
    this.mode = mode > 5 ? mode - 4 : mode;
    this.#low = this.#high = this.#latched = null;
  }

  write(byte: number, now: number): void {
    if (this.#access === 3 && this.#low === null) {
      this.#low = byte;
      return;
    }
    const value = this.#access === 1 ? byte : this.#access === 2 ? byte << 8 : (byte << 8) | this.#low!;
    this.#low = null;
    this.reload = value === 0 ? 0x1_0000 : value;
    this.started = now;
  }

  read(now: number): number {
    if (this.#high !== null) {
      const high = this.#high;
      this.#high = null;
      return high;
    }
    const value = this.#latched ?? this.value(now);
    this.#latched = null;
    if (this.#access === 2) return (value >> 8) & 0xff;
    if (this.#access === 3) this.#high = (value >> 8) & 0xff;
    return value & 0xff;
  }
}

const CONTROL = 3;

/** The 8254 interval timer: counter 0 is IRQ 0, counter 2 is read through port 61. */
export class Pit implements PortDevice {
  readonly first = 0x40;
  readonly count = 4;
  readonly #now: () => number;
  readonly #counters = [new Counter(), new Counter(), new Counter()];
  #next: number | null = null;
  #gate = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** When counter 0 raises IRQ 0 next; null: never, until it is loaded. */
  get fires(): number | null {
    return this.#next;
  }

  /** Whether IRQ 0 has been raised by then. */
  tick(now: number): boolean {
    if (this.#next === null || this.#next > now) return false;
    const counter = this.#counters[0]!;
    const period = unitsOf(counter.reload);
    const periodic = counter.mode === 2 || counter.mode === 3;
    this.#next = periodic ? this.#next + Math.ceil((now + 1 - this.#next) / period) * period : null;
    return true;
  }

  read(offset: number): number {
    return offset === CONTROL ? 0 : this.#counters[offset]!.read(this.#now());
  }

  write(offset: number, _bytes: number, value: number): void {
    const now = this.#now();
    if (offset === CONTROL) {
      const counter = this.#counters[(value >> 6) & 3];
      counter?.control((value >> 4) & 3, (value >> 1) & 7, now);
      return;
    }
    const counter = this.#counters[offset]!;
    counter.write(value & 0xff, now);
    if (offset === 0) this.#next = now + unitsOf(counter.reload);
  }

  /** Port 61: gate of counter 2 and its output. */
  get gate(): PortDevice {
    return {
      first: 0x61,
      count: 1,
      read: () => (this.#gate & 3) | (this.#counters[2]!.out(this.#now()) ? 0x20 : 0),
      write: (_offset, _bytes, value) => {
        if (value & 1 && !(this.#gate & 1)) this.#counters[2]!.started = this.#now();
        this.#gate = value & 3;
      },
    };
  }
}
