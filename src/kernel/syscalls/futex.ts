import { ERESTART } from '../block.ts';
import { E, fail } from '../errno.ts';
import { MATCH_ANY, type Waiter } from '../futexes.ts';
import type { Task } from '../task.ts';
import { TASK_SIZE } from '../vm/layout.ts';
import { deadlineAfter, waitFor } from '../wait.ts';
import { ADDRESS, type ArgKind, flagText, HEX32, INT, onlyIf, SIZE, UINT } from './args.ts';
import { timeoutAt } from './poll.ts';
import { row, type SyscallRow } from './row.ts';
import { IN_TIMESPEC } from './structs.ts';

const FUTEX = {
  WAIT: 0,
  WAKE: 1,
  FD: 2,
  REQUEUE: 3,
  CMP_REQUEUE: 4,
  WAKE_OP: 5,
  LOCK_PI: 6,
  UNLOCK_PI: 7,
  TRYLOCK_PI: 8,
  WAIT_BITSET: 9,
  WAKE_BITSET: 10,
  WAIT_REQUEUE_PI: 11,
  CMP_REQUEUE_PI: 12,
  LOCK_PI2: 13,
} as const;
const PRIVATE = 128;
const CLOCK_REALTIME = 256;
const COMMAND = 0x7f;

const TID_MASK = 0x3fff_ffff;

const OPERATION: ArgKind = {
  decode: INT.decode,
  show: (value) => {
    const name = Object.entries(FUTEX).find(([, number]) => number === (value & COMMAND))?.[0];
    const base = name === undefined ? `0x${value.toString(16)}` : `FUTEX_${name}${value & PRIVATE ? '_PRIVATE' : ''}`;
    return value & CLOCK_REALTIME
      ? `${base}|${flagText(CLOCK_REALTIME, { FUTEX_CLOCK_REALTIME: CLOCK_REALTIME })}`
      : base;
  },
};

const REALTIME_COMMANDS: readonly number[] = [FUTEX.WAIT, FUTEX.WAIT_BITSET, FUTEX.WAIT_REQUEUE_PI, FUTEX.LOCK_PI2];
const ABSOLUTE: readonly number[] = [FUTEX.WAIT_BITSET, FUTEX.WAIT_REQUEUE_PI, FUTEX.LOCK_PI, FUTEX.LOCK_PI2];
const WAITERS = 0x8000_0000;
const OWNER_DIED = 0x4000_0000;

/** Checks an address and gives the word's key. @throws SysError EINVAL, EFAULT */
function keyAt(task: Task, address: number): string {
  if (address % 4 !== 0) fail(E.EINVAL);
  if (address >= TASK_SIZE) fail(E.EFAULT);
  task.user.u32(address);
  return task.kernel.futexes.key(task.space, address);
}

/** When a wait ends, in monotonic time: the time is relative for WAIT and absolute for all others. */
function deadlineOf(task: Task, command: number, operation: number, timeout: number): bigint | null {
  const time = timeoutAt(task, timeout);
  if (time === null || !ABSOLUTE.includes(command)) return deadlineAfter(task, time);
  const { clock } = task.kernel;
  const realtime = (operation & CLOCK_REALTIME) !== 0 || command === FUTEX.LOCK_PI;
  return realtime ? time - clock.realtime() + clock.monotonic() : time;
}

/** Lets the caller wait as `waiter` until somebody wakes it. Returns true then, false when its time is over. */
function sleep(task: Task, waiter: Waiter, address: number, deadline: bigint | null, timed: boolean): boolean {
  const { futexes, clock } = task.kernel;
  task.waiter = waiter;
  if (!waiter.woken && (task.resumed?.timedOut || (deadline !== null && deadline <= clock.monotonic()))) {
    futexes.leave(waiter);
    return false;
  }
  return waitFor(task, `a futex at 0x${address.toString(16)}`, {
    deadline,
    ready: () => waiter.woken,
    leave: () => futexes.leave(waiter),
    // A wait with a time goes on with the rest of it, which here is the same call again.
    interrupted: () => (timed ? -ERESTART.NOHAND : -ERESTART.SYS),
  });
}

function wait(task: Task, address: number, expected: number, deadline: bigint | null, bitset: number): number {
  if (bitset === 0) fail(E.EINVAL);
  let waiter = task.resumed === null ? null : task.waiter;
  if (waiter === null) {
    const key = keyAt(task, address);
    if (task.user.u32(address) !== expected) fail(E.EAGAIN);
    waiter = task.kernel.futexes.wait(task, key, bitset);
  }
  return sleep(task, waiter, address, deadline, deadline !== null) ? 0 : fail(E.ETIMEDOUT);
}

/** Takes a priority-inheritance lock where it is free or its owner has died; false: somebody has it. */
function acquire(task: Task, address: number, more: boolean): boolean {
  const word = task.user.u32(address);
  const owner = word & TID_MASK;
  if (owner === task.tid) fail(E.EDEADLK);
  if (owner !== 0 && !(word & OWNER_DIED)) {
    if (!task.kernel.tasks.has(owner)) fail(E.ESRCH);
    return false;
  }
  task.user.setU32(address, (task.tid | (word & OWNER_DIED) | (more ? WAITERS : 0)) >>> 0);
  return true;
}

function lockPi(task: Task, address: number, deadline: bigint | null, tries: boolean): number {
  const { futexes } = task.kernel;
  let waiter = task.resumed === null ? null : task.waiter;
  if (waiter === null) {
    const key = keyAt(task, address);
    if (acquire(task, address, futexes.waiters(key).length > 0)) return 0;
    if (tries) fail(E.EAGAIN);
    task.user.setU32(address, (task.user.u32(address) | WAITERS) >>> 0);
    waiter = futexes.wait(task, key, MATCH_ANY, true);
  }
  // Whoever unlocks hands the lock over.
  return sleep(task, waiter, address, deadline, false) ? 0 : fail(E.ETIMEDOUT);
}

/** Gives a lock to the first who waits for it. */
function handOver(task: Task, address: number, key: string): void {
  const { futexes } = task.kernel;
  const next = futexes.waiters(key)[0];
  if (next === undefined) {
    task.user.setU32(address, 0);
    return;
  }
  futexes.release(next);
  task.user.setU32(address, (next.task.tid | (futexes.waiters(key).length > 0 ? WAITERS : 0)) >>> 0);
}

function unlockPi(task: Task, address: number): number {
  const key = keyAt(task, address);
  if ((task.user.u32(address) & TID_MASK) !== task.tid) fail(E.EPERM);
  handOver(task, address, key);
  return 0;
}

function waitRequeuePi(task: Task, from: number, expected: number, deadline: bigint | null, to: number): number {
  if (from === to) fail(E.EINVAL);
  let waiter = task.resumed === null ? null : task.waiter;
  if (waiter === null) {
    keyAt(task, to);
    const key = keyAt(task, from);
    if (task.user.u32(from) !== expected) fail(E.EAGAIN);
    waiter = task.kernel.futexes.wait(task, key, MATCH_ANY, true);
  }
  return sleep(task, waiter, from, deadline, true) ? 0 : fail(E.ETIMEDOUT);
}

function cmpRequeuePi(task: Task, from: number, wakes: number, moves: number, to: number, expected: number): number {
  if (wakes !== 1) fail(E.EINVAL);
  const { futexes } = task.kernel;
  const [source, target] = [keyAt(task, from), keyAt(task, to)];
  if (source === target) fail(E.EINVAL);
  if (task.user.u32(from) !== expected) fail(E.EAGAIN);
  let done = 0;
  for (const waiter of futexes.waiters(source).slice(0, wakes + Math.max(0, moves))) {
    if (!waiter.lock) fail(E.EINVAL);
    const word = task.user.u32(to);
    if ((word & TID_MASK) === 0) {
      task.user.setU32(to, (waiter.task.tid | (futexes.waiters(target).length > 0 ? WAITERS : 0)) >>> 0);
      futexes.release(waiter);
    } else {
      task.user.setU32(to, (word | WAITERS) >>> 0);
      futexes.move(waiter, target);
    }
    done++;
  }
  return done;
}

/** futex(2). */
function futex(
  task: Task,
  address: number,
  operation: number,
  value: number,
  timeout: number,
  address2: number,
  value3: number,
): number {
  const command = operation & COMMAND;
  const { futexes } = task.kernel;
  if (operation & CLOCK_REALTIME && !REALTIME_COMMANDS.includes(command)) fail(E.ENOSYS);
  const deadline = (): bigint | null => deadlineOf(task, command, operation, timeout);
  switch (command) {
    case FUTEX.WAIT:
      return wait(task, address, value, deadline(), MATCH_ANY);
    case FUTEX.WAIT_BITSET:
      return wait(task, address, value, deadline(), value3);
    case FUTEX.WAKE:
      return futexes.wakeKey(keyAt(task, address), value | 0);
    case FUTEX.WAKE_BITSET:
      if (value3 === 0) fail(E.EINVAL);
      return futexes.wakeKey(keyAt(task, address), value | 0, value3);
    case FUTEX.REQUEUE:
    case FUTEX.CMP_REQUEUE: {
      const [from, to] = [keyAt(task, address), keyAt(task, address2)];
      if ((value | 0) < 0 || (timeout | 0) < 0) fail(E.EINVAL);
      if (command === FUTEX.CMP_REQUEUE && task.user.u32(address) !== value3) fail(E.EAGAIN);
      const woken = futexes.wakeKey(from, value | 0);
      return woken + futexes.requeue(from, to, timeout | 0);
    }
    case FUTEX.LOCK_PI:
    case FUTEX.LOCK_PI2:
      return lockPi(task, address, deadline(), false);
    case FUTEX.TRYLOCK_PI:
      return lockPi(task, address, null, true);
    case FUTEX.UNLOCK_PI:
      return unlockPi(task, address);
    case FUTEX.WAKE_OP:
      return wakeOperation(task, address, value | 0, timeout | 0, address2, value3);
    case FUTEX.WAIT_REQUEUE_PI:
      return waitRequeuePi(task, address, value, deadline(), address2);
    case FUTEX.CMP_REQUEUE_PI:
      return cmpRequeuePi(task, address, value, timeout | 0, address2, value3);
    default:
      return fail(E.ENOSYS);
  }
}

const sign12 = (value: number): number => (value << 20) >> 20;

/**
 * FUTEX_WAKE_OP: changes the second word and wakes those who wait on it if its old value compares as asked (futex(2)): op 4
 * bits, comparison 4, operand 12, comparand 12.
 */
function wakeOperation(
  task: Task,
  first: number,
  wakes: number,
  wakes2: number,
  second: number,
  encoded: number,
): number {
  const { futexes } = task.kernel;
  const [from, to] = [keyAt(task, first), keyAt(task, second)];
  const shifted = (encoded >>> 28) & 8;
  const operand = shifted ? 1 << (sign12(encoded >> 12) & 31) : sign12(encoded >> 12);
  const old = task.user.u32(second);
  const changed = [operand, old + operand, old | operand, old & ~operand, old ^ operand][(encoded >>> 28) & 7];
  if (changed === undefined) return fail(E.ENOSYS);
  const comparand = sign12(encoded);
  const signed = old | 0;
  const holds = [
    signed === comparand,
    signed !== comparand,
    signed < comparand,
    signed <= comparand,
    signed > comparand,
    signed >= comparand,
  ][(encoded >>> 24) & 15];
  if (holds === undefined) return fail(E.ENOSYS);
  task.user.setU32(second, changed);
  return futexes.wakeKey(from, wakes) + (holds ? futexes.wakeKey(to, wakes2) : 0);
}

const WAITV_MOST = 128;
const WAITV_SIZE = 24;
const FUTEX2 = { SIZE_U32: 2, PRIVATE: 128 } as const;
const CLOCK_MONOTONIC = 1;

/** futex_waitv(2): waits on several words; the result is the index of one that was woken. */
function waitv(task: Task, vector: number, count: number, bits: number, timeout: number, clockId: number): number {
  if (bits !== 0 || count === 0 || count > WAITV_MOST || vector === 0) fail(E.EINVAL);
  if (timeout !== 0 && clockId !== 0 && clockId !== CLOCK_MONOTONIC) fail(E.EINVAL);
  const { futexes, clock } = task.kernel;
  const time = timeoutAt(task, timeout);
  const deadline = time === null ? null : clockId === 0 ? time - clock.realtime() + clock.monotonic() : time;
  let waiters = task.resumed === null ? null : task.waiters;
  if (waiters === null) {
    const view = task.user.view(vector, WAITV_SIZE * count);
    const words = Array.from({ length: count }, (_, i) => {
      const flags = view.getUint32(WAITV_SIZE * i + 16, true);
      if (view.getUint32(WAITV_SIZE * i + 20, true) !== 0) fail(E.EINVAL);
      if ((flags & ~FUTEX2.PRIVATE) !== FUTEX2.SIZE_U32) fail(E.EINVAL);
      const value = view.getBigUint64(WAITV_SIZE * i, true);
      if (value >> 32n) fail(E.EINVAL);
      const address = Number(task.user.untag(view.getBigUint64(WAITV_SIZE * i + 8, true)));
      return { address, value: Number(value), key: keyAt(task, address) };
    });
    for (const { address, value } of words) if (task.user.u32(address) !== value) fail(E.EAGAIN);
    waiters = words.map(({ key }) => futexes.wait(task, key));
  }
  const all = waiters;
  const leave = (): void => {
    for (const waiter of all) futexes.leave(waiter);
  };
  task.waiters = all;
  const woken = (): number => all.findIndex((waiter) => waiter.woken);
  if (woken() < 0 && (task.resumed?.timedOut || (deadline !== null && deadline <= clock.monotonic()))) {
    leave();
    return fail(E.ETIMEDOUT);
  }
  waitFor(task, `one of ${count} futexes`, { deadline, ready: () => woken() >= 0, leave });
  const index = woken();
  leave();
  return index;
}

/** Flags of futex_wake(2) and its like: words of 32 bits, private or not. @throws SysError EINVAL */
function checkFutex2(bits: number): void {
  if ((bits & ~FUTEX2.PRIVATE) !== FUTEX2.SIZE_U32) fail(E.EINVAL);
}

/** A mask or value of 64 bits of which 32 count. @throws SysError EINVAL */
const word32 = (value: number): number => (value > 0xffff_ffff || value < 0 ? fail(E.EINVAL) : value);

function wait2(task: Task, at: number, value: number, mask: number, bits: number, time: number, clock: number): number {
  checkFutex2(bits);
  const timeout = timeoutAt(task, time);
  if (timeout !== null && clock !== 0 && clock !== CLOCK_MONOTONIC) fail(E.EINVAL);
  const { realtime, monotonic } = { realtime: task.kernel.clock.realtime(), monotonic: task.kernel.clock.monotonic() };
  const deadline = timeout === null || clock !== 0 ? timeout : timeout - realtime + monotonic;
  return wait(task, at, word32(value), deadline, word32(mask));
}

function requeue2(task: Task, vector: number, bits: number, wakes: number, moves: number): number {
  if (bits !== 0 || vector === 0) fail(E.EINVAL);
  const view = task.user.view(vector, 2 * WAITV_SIZE);
  const [from, to] = [0, WAITV_SIZE].map((at) => {
    if (view.getUint32(at + 20, true) !== 0) fail(E.EINVAL);
    checkFutex2(view.getUint32(at + 16, true));
    return Number(task.user.untag(view.getBigUint64(at + 8, true)));
  }) as [number, number];
  const value = word32(Number(view.getBigUint64(0, true)));
  if (wakes < 0 || moves < 0) fail(E.EINVAL);
  const [source, target] = [keyAt(task, from), keyAt(task, to)];
  if (task.user.u32(from) !== value) fail(E.EAGAIN);
  const { futexes } = task.kernel;
  const woken = futexes.wakeKey(source, wakes);
  return woken + futexes.requeue(source, target, moves);
}

const command = (args: readonly number[]): number => args[1]! & COMMAND;
const WAKES: readonly number[] = [FUTEX.WAKE, FUTEX.WAKE_BITSET];
const BITSETS: readonly number[] = [FUTEX.WAIT_BITSET, FUTEX.WAKE_BITSET];
const REQUEUES: readonly number[] = [
  FUTEX.REQUEUE,
  FUTEX.CMP_REQUEUE,
  FUTEX.WAKE_OP,
  FUTEX.WAIT_REQUEUE_PI,
  FUTEX.CMP_REQUEUE_PI,
];
/** What an operation does not look at is not shown, and a number of threads stands where others have a time. */
const TIMEOUT: ArgKind = {
  ...ADDRESS,
  show: (value, context) => {
    if (WAKES.includes(command(context.args))) return '';
    return REQUEUES.includes(command(context.args)) ? String(value) : IN_TIMESPEC.show(value, context);
  },
};
const SECOND: ArgKind = onlyIf(ADDRESS, (args) => REQUEUES.includes(command(args)));
const BITSET: ArgKind = {
  ...HEX32,
  show: (value, context) => (value === MATCH_ANY ? 'FUTEX_BITSET_MATCH_ANY' : HEX32.show(value, context)),
};
const THIRD: ArgKind = onlyIf(BITSET, (args) => BITSETS.includes(command(args)) || REQUEUES.includes(command(args)));

export const FUTEXES: readonly SyscallRow[] = [
  row(202, 'futex', [ADDRESS, OPERATION, UINT, TIMEOUT, SECOND, THIRD], futex),
  row(454, 'futex_wake', [ADDRESS, SIZE, INT, UINT], (task, address, mask, count, bits) => {
    checkFutex2(bits);
    if (word32(mask) === 0) fail(E.EINVAL);
    return task.kernel.futexes.wakeKey(keyAt(task, address), count, mask);
  }),
  row(455, 'futex_wait', [ADDRESS, SIZE, SIZE, UINT, IN_TIMESPEC, INT], wait2),
  row(456, 'futex_requeue', [ADDRESS, UINT, INT, INT], requeue2),
  row(449, 'futex_waitv', [ADDRESS, UINT, UINT, IN_TIMESPEC, INT], waitv),
];
