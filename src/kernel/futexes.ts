import type { Task } from './task.ts';
import type { AddressSpace } from './vm.ts';

export const MATCH_ANY = 0xffff_ffff;

/** A thread that waits on a word of memory. */
export interface Waiter {
  readonly task: Task;
  /** Where it waits now: a requeue moves it. */
  key: string;
  readonly bitset: number;
  /** It waits to own a priority-inheritance lock; or will, once it has been moved there. */
  readonly lock: boolean;
  woken: boolean;
}

/**
 * Who waits on which word (Linux: kernel/futex). A word of shared memory is the same word for every process that maps it; a private
 * one belongs to an address space.
 */
export class Futexes {
  readonly #queues = new Map<string, Waiter[]>();
  readonly #numbers = new WeakMap<object, number>();
  #next = 0;
  readonly #changed: () => void;

  /** @param changed is told when somebody may go on */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  #number(object: object): number {
    let number = this.#numbers.get(object);
    if (number === undefined) {
      number = this.#next++;
      this.#numbers.set(object, number);
    }
    return number;
  }

  /** The word at `address` as everybody knows it. */
  key(space: AddressSpace, address: number): string {
    const area = space.areas.at(address);
    if (area?.shared) return `s${this.#number(area.shared)}:${area.offset + (address - area.start)}`;
    return `p${this.#number(space)}:${address}`;
  }

  /** Queues a thread. */
  wait(task: Task, key: string, bitset = MATCH_ANY, lock = false): Waiter {
    const waiter: Waiter = { task, key, bitset, lock, woken: false };
    const queue = this.#queues.get(key);
    if (queue === undefined) this.#queues.set(key, [waiter]);
    else queue.push(waiter);
    return waiter;
  }

  /** Takes a waiter out that has not been woken. */
  leave(waiter: Waiter): void {
    const queue = this.#queues.get(waiter.key);
    if (queue === undefined) return;
    const at = queue.indexOf(waiter);
    if (at >= 0) queue.splice(at, 1);
    if (queue.length === 0) this.#queues.delete(waiter.key);
  }

  /** Those who wait on a word, in order. */
  waiters(key: string): readonly Waiter[] {
    return this.#queues.get(key) ?? [];
  }

  /** Lets one waiter go on. */
  release(waiter: Waiter): void {
    this.leave(waiter);
    waiter.woken = true;
    this.#changed();
  }

  /** Wakes up to `count` of those whose bits meet `bitset`, the first ones first. Returns how many. */
  wakeKey(key: string, count: number, bitset = MATCH_ANY): number {
    const chosen = this.waiters(key).filter((waiter) => (waiter.bitset & bitset) !== 0);
    const woken = chosen.slice(0, Math.max(0, count));
    for (const waiter of woken) this.release(waiter);
    return woken.length;
  }

  wake(task: Task, address: number, count: number, bitset = MATCH_ANY): number {
    return this.wakeKey(this.key(task.space, address), count, bitset);
  }

  /** Moves up to `count` waiters to another word. Returns how many. */
  requeue(from: string, to: string, count: number): number {
    const moved = this.waiters(from).slice(0, Math.max(0, count));
    for (const waiter of moved) this.move(waiter, to);
    return moved.length;
  }

  move(waiter: Waiter, to: string): void {
    this.leave(waiter);
    waiter.key = to;
    const queue = this.#queues.get(to);
    if (queue === undefined) this.#queues.set(to, [waiter]);
    else queue.push(waiter);
  }
}
