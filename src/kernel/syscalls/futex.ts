import { E, fail } from '../errno.ts';
import type { Task } from '../process.ts';
import { TASK_SIZE } from '../vm/layout.ts';
import { ADDRESS, type ArgKind, flagText, HEX32, INT, onlyIf, UINT } from './args.ts';
import { timeoutAt, waitInVain } from './poll.ts';
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

/** futex(2) where nobody else waits or wakes: a wait lasts until its timeout, and a wake finds no one. */
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
  if (operation & CLOCK_REALTIME && !REALTIME_COMMANDS.includes(command)) fail(E.ENOSYS);
  if (address % 4 !== 0) fail(E.EINVAL);
  if (address >= TASK_SIZE) fail(E.EFAULT);
  switch (command) {
    case FUTEX.WAIT:
    case FUTEX.WAIT_BITSET: {
      const bitset = command === FUTEX.WAIT_BITSET;
      const wait = timeoutAt(task, timeout);
      if (bitset && value3 === 0) fail(E.EINVAL);
      if (task.user.u32(address) !== value) fail(E.EAGAIN);
      const { clock } = task.kernel;
      const now = operation & CLOCK_REALTIME ? clock.realtime() : clock.monotonic();
      waitInVain(task, wait === null ? null : bitset ? wait - now : wait, `a futex at 0x${address.toString(16)}`);
      return fail(E.ETIMEDOUT);
    }
    case FUTEX.WAKE:
    case FUTEX.WAKE_BITSET:
      if (command === FUTEX.WAKE_BITSET && value3 === 0) fail(E.EINVAL);
      return 0;
    case FUTEX.CMP_REQUEUE:
      if (task.user.u32(address) !== value3) fail(E.EAGAIN);
      return 0;
    case FUTEX.REQUEUE:
      return 0;
    case FUTEX.LOCK_PI:
    case FUTEX.LOCK_PI2:
    case FUTEX.TRYLOCK_PI: {
      const owner = task.user.u32(address) & TID_MASK;
      if (owner === task.tid) fail(E.EDEADLK);
      if (owner !== 0) fail(E.ESRCH);
      task.user.setU32(address, task.tid);
      return 0;
    }
    case FUTEX.UNLOCK_PI:
      if ((task.user.u32(address) & TID_MASK) !== task.tid) fail(E.EPERM);
      task.user.setU32(address, 0);
      return 0;
    case FUTEX.WAKE_OP:
      return wakeOperation(task, address2, value3);
    default:
      return fail(E.ENOSYS);
  }
}

const REALTIME_COMMANDS: readonly number[] = [FUTEX.WAIT, FUTEX.WAIT_BITSET, FUTEX.WAIT_REQUEUE_PI, FUTEX.LOCK_PI2];

/**
 * FUTEX_WAKE_OP changes the second word even when nobody waits: op 4 bits, comparison 4, operand 12, comparand 12
 * (futex(2)).
 */
function wakeOperation(task: Task, address: number, encoded: number): number {
  if (address % 4 !== 0) fail(E.EINVAL);
  const shifted = (encoded >>> 28) & 8;
  const operation = (encoded >>> 28) & 7;
  const signed12 = (encoded << 8) >> 20;
  const operand = shifted ? 1 << (signed12 & 31) : signed12;
  const old = task.user.u32(address);
  switch (operation) {
    case 0:
      task.user.setU32(address, operand);
      return 0;
    case 1:
      task.user.setU32(address, old + operand);
      return 0;
    case 2:
      task.user.setU32(address, old | operand);
      return 0;
    case 3:
      task.user.setU32(address, old & ~operand);
      return 0;
    case 4:
      task.user.setU32(address, old ^ operand);
      return 0;
    default:
      return fail(E.ENOSYS);
  }
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
const MATCH_ANY = 0xffff_ffff;
const BITSET: ArgKind = {
  ...HEX32,
  show: (value, context) => (value === MATCH_ANY ? 'FUTEX_BITSET_MATCH_ANY' : HEX32.show(value, context)),
};
const THIRD: ArgKind = onlyIf(BITSET, (args) => BITSETS.includes(command(args)) || REQUEUES.includes(command(args)));

export const FUTEXES: readonly SyscallRow[] = [
  row(202, 'futex', [ADDRESS, OPERATION, UINT, TIMEOUT, SECOND, THIRD], futex),
];
