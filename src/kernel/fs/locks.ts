import { FdTable } from './fd-table.ts';
import type { OpenFile } from './open-file.ts';

/** Who holds a lock: a process by its descriptors (POSIX), or an open file (F_OFD_…, flock). */
export type LockOwner = FdTable | OpenFile;

/** Bytes `start` to `end`, both inside; `end` may be Infinity. */
export interface LockRange {
  readonly start: number;
  readonly end: number;
}

export interface RecordLock extends LockRange {
  readonly owner: LockOwner;
  readonly exclusive: boolean;
  /** The process that set it; -1: an open file's. */
  readonly pid: number;
}

interface Waiting {
  readonly key: string;
  readonly lock: RecordLock;
}

const keyOf = (file: OpenFile): string => {
  const { dev, ino } = file.attributes();
  return `${dev}:${ino}`;
};

const meets = (a: LockRange, b: LockRange): boolean => a.start <= b.end && b.start <= a.end;

/** Locks on ranges of files (fcntl(2)) and on whole ones (flock(2)); the two do not see each other (Linux: fs/locks.c). */
export class FileLocks {
  readonly #records = new Map<string, RecordLock[]>();
  readonly #whole = new Map<string, Map<OpenFile, 'shared' | 'exclusive'>>();
  /** What the POSIX locks wait for, by whoever waits. */
  readonly #waiting = new Map<object, Waiting>();

  #recordsOf(key: string): readonly RecordLock[] {
    return this.#records.get(key) ?? [];
  }
  #keep(key: string, locks: RecordLock[]): void {
    if (locks.length === 0) this.#records.delete(key);
    else this.#records.set(key, locks);
  }

  #conflicts(key: string, wanted: RecordLock): RecordLock[] {
    return this.#recordsOf(key).filter(
      (lock) => lock.owner !== wanted.owner && meets(lock, wanted) && (lock.exclusive || wanted.exclusive),
    );
  }

  /** The first lock that is in the way; null: none is. */
  conflict(file: OpenFile, wanted: RecordLock): RecordLock | null {
    return this.#conflicts(keyOf(file), wanted)[0] ?? null;
  }

  /** Sets a lock that nothing is in the way of, in place of what its owner has there. */
  set(file: OpenFile, lock: RecordLock): void {
    const key = keyOf(file);
    this.#clear(key, lock.owner, lock);
    let { start, end } = lock;
    // Neighbours of the same kind become one.
    const rest = this.#recordsOf(key).filter((other) => {
      const joins =
        other.owner === lock.owner &&
        other.exclusive === lock.exclusive &&
        other.start <= end + 1 &&
        start <= other.end + 1;
      if (joins) [start, end] = [Math.min(start, other.start), Math.max(end, other.end)];
      return !joins;
    });
    rest.push({ ...lock, start, end });
    this.#keep(
      key,
      rest.sort((a, b) => a.start - b.start),
    );
    const { owner } = lock;
    if (owner instanceof FdTable) owner.onClose ??= (closed) => this.#clear(keyOf(closed), owner, WHOLE);
    else owner.onRelease ??= () => this.#forget(owner);
  }

  unset(file: OpenFile, owner: LockOwner, range: LockRange): void {
    this.#clear(keyOf(file), owner, range);
  }

  /** Takes `range` out of what an owner has: what reaches beyond it stays. */
  #clear(key: string, owner: LockOwner, range: LockRange): void {
    const locks = this.#recordsOf(key);
    if (locks.length === 0) return;
    const left = locks.flatMap((lock): RecordLock[] => {
      if (lock.owner !== owner || !meets(lock, range)) return [lock];
      const parts: RecordLock[] = [];
      if (lock.start < range.start) parts.push({ ...lock, end: range.start - 1 });
      if (lock.end > range.end) parts.push({ ...lock, start: range.end + 1 });
      return parts;
    });
    this.#keep(key, left);
  }

  // ——— waiting ———

  /** Whether waiting for `wanted` would wait for its own owner, over whoever waits already (posix_locks_deadlock). */
  wouldDeadlock(file: OpenFile, wanted: RecordLock): boolean {
    const seen = new Set<LockOwner>();
    const reaches = (key: string, lock: RecordLock): boolean =>
      this.#conflicts(key, lock).some(({ owner }) => {
        if (owner === wanted.owner) return true;
        if (seen.has(owner)) return false;
        seen.add(owner);
        return [...this.#waiting.values()].some((one) => one.lock.owner === owner && reaches(one.key, one.lock));
      });
    return reaches(keyOf(file), wanted);
  }
  wait(waiter: object, file: OpenFile, lock: RecordLock): void {
    this.#waiting.set(waiter, { key: keyOf(file), lock });
  }
  stopWaiting(waiter: object): void {
    this.#waiting.delete(waiter);
  }

  // ——— flock(2) ———

  /** Whether another open file's lock is in the way. */
  isHeld(file: OpenFile, exclusive: boolean): boolean {
    const holders = this.#whole.get(keyOf(file)) ?? new Map<OpenFile, string>();
    return [...holders].some(([holder, kind]) => holder !== file && (exclusive || kind === 'exclusive'));
  }
  hold(file: OpenFile, exclusive: boolean): void {
    const key = keyOf(file);
    const holders = this.#whole.get(key) ?? new Map<OpenFile, 'shared' | 'exclusive'>();
    holders.set(file, exclusive ? 'exclusive' : 'shared');
    this.#whole.set(key, holders);
    file.onRelease ??= () => this.#forget(file);
  }
  letGo(file: OpenFile): void {
    const key = keyOf(file);
    const holders = this.#whole.get(key);
    holders?.delete(file);
    if (holders?.size === 0) this.#whole.delete(key);
  }

  #forget(file: OpenFile): void {
    this.letGo(file);
    this.#clear(keyOf(file), file, WHOLE);
  }
}

const WHOLE: LockRange = { start: 0, end: Number.POSITIVE_INFINITY };
