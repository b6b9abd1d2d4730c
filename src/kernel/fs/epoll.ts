import { E, fail } from '../errno.ts';
import { AnonymousFile } from './anonymous.ts';
import { POLL } from './mode.ts';
import type { OpenFile } from './open-file.ts';

export const EPOLL = { EXCLUSIVE: 2 ** 28, WAKEUP: 2 ** 29, ONESHOT: 2 ** 30, ET: 2 ** 31 } as const;
const ALWAYS = POLL.ERR | POLL.HUP;
/** Bits that are events, without those that say how they are told. */
const EVENTS = 0xffff;
const DEEPEST = 5;

interface Item {
  readonly fd: number;
  readonly file: OpenFile;
  events: number;
  data: bigint;
  /** Activity of the file when an edge was told last; -1: none was. */
  seen: number;
  /** EPOLLONESHOT has been used up. */
  spent: boolean;
}

/** What epoll_wait(2) tells of one descriptor. */
export interface EpollEvent {
  readonly events: number;
  readonly data: bigint;
}

/** epoll_create(2): a set of descriptors, and which of them are ready. */
export class EpollFile extends AnonymousFile {
  #items = new Map<string, Item>();
  readonly #numbers = new WeakMap<OpenFile, number>();
  #next = 0;

  constructor(ino: number, flags: number) {
    super('eventpoll', ino, flags);
  }

  #key(fd: number, file: OpenFile): string {
    let number = this.#numbers.get(file);
    if (number === undefined) {
      number = this.#next++;
      this.#numbers.set(file, number);
    }
    return `${fd}:${number}`;
  }

  /** Whether this set holds `other`, in other sets too. */
  #holds(other: OpenFile, depth = 0): boolean {
    if (depth > DEEPEST) return true;
    for (const { file } of this.#items.values())
      if (file === other || (file instanceof EpollFile && file.#holds(other, depth + 1))) return true;
    return false;
  }

  /** EPOLL_CTL_ADD. @throws SysError EEXIST, EPERM, ELOOP, EINVAL */
  add(fd: number, file: OpenFile, events: number, data: bigint): void {
    if (file === this) fail(E.EINVAL);
    if (!file.pollable) fail(E.EPERM);
    const key = this.#key(fd, file);
    if (this.#items.get(key)?.file.isOpen) fail(E.EEXIST);
    if (file instanceof EpollFile && file.#holds(this)) fail(E.ELOOP);
    this.#items.set(key, { fd, file, events, data, seen: -1, spent: false });
  }

  /** EPOLL_CTL_MOD. @throws SysError ENOENT */
  modify(fd: number, file: OpenFile, events: number, data: bigint): void {
    const item = this.#items.get(this.#key(fd, file)) ?? fail(E.ENOENT);
    if (Math.floor(item.events / EPOLL.EXCLUSIVE) & 1) fail(E.EINVAL);
    item.events = events;
    item.data = data;
    item.seen = -1;
    item.spent = false;
  }

  /** EPOLL_CTL_DEL. @throws SysError ENOENT */
  remove(fd: number, file: OpenFile): void {
    if (!this.#items.delete(this.#key(fd, file))) fail(E.ENOENT);
  }

  /** What a descriptor has to tell now; 0: nothing. */
  #ready({ file, events, seen, spent }: Item): number {
    if (spent || !file.isOpen) return 0;
    const found = file.poll() & ((events & EVENTS) | ALWAYS);
    return found !== 0 && events >= EPOLL.ET && file.activity === seen ? 0 : found;
  }

  /** Whether anything is ready. */
  get isReady(): boolean {
    for (const item of this.#items.values()) if (this.#ready(item) !== 0) return true;
    return false;
  }

  /** Takes up to `most` events; what was told goes behind the others. */
  take(most: number): EpollEvent[] {
    const told: [string, Item][] = [];
    const events: EpollEvent[] = [];
    for (const [key, item] of this.#items) {
      if (!item.file.isOpen) {
        this.#items.delete(key);
        continue;
      }
      if (events.length >= most) break;
      const found = this.#ready(item);
      if (found === 0) continue;
      events.push({ events: found, data: item.data });
      item.seen = item.file.activity;
      if (Math.floor(item.events / EPOLL.ONESHOT) & 1) item.spent = true;
      told.push([key, item]);
    }
    for (const [key, item] of told) {
      this.#items.delete(key);
      this.#items.set(key, item);
    }
    return events;
  }

  override poll(): number {
    return this.isReady ? POLL.IN | POLL.RDNORM : 0;
  }
}
