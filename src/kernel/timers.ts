/** Something that happens at a time. */
export interface Timer {
  readonly deadline: bigint;
  readonly fire: () => void;
}

/** What happens by itself, in order of time; at equal times in the order in which it was asked for. */
export class Timers {
  #waiting: Timer[] = [];

  /** @param deadline monotonic nanoseconds */
  add(deadline: bigint, fire: () => void): Timer {
    const timer = { deadline, fire };
    let at = this.#waiting.length;
    while (at > 0 && this.#waiting[at - 1]!.deadline > deadline) at--;
    this.#waiting.splice(at, 0, timer);
    return timer;
  }

  cancel(timer: Timer | null): void {
    if (timer === null) return;
    const at = this.#waiting.indexOf(timer);
    if (at >= 0) this.#waiting.splice(at, 1);
  }

  /** When the next one is due; null: none waits. */
  next(): bigint | null {
    return this.#waiting[0]?.deadline ?? null;
  }

  /** Fires what is due. */
  expire(now: bigint): void {
    while (this.#waiting.length > 0 && this.#waiting[0]!.deadline <= now) this.#waiting.shift()!.fire();
  }
}
