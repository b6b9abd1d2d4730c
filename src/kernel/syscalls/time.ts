import { CLOCK_TICKS } from '../auxv.ts';
import { Blocked } from '../block.ts';
import { SECOND } from '../clock.ts';
import { E, fail } from '../errno.ts';
import type { Task } from '../process.ts';
import { Unimplemented } from '../unimplemented.ts';
import { ADDRESS, choice, flags, UINT } from './args.ts';
import { timeoutAt, waitInVain } from './poll.ts';
import { row, type SyscallRow } from './row.ts';
import { IN_TIMESPEC, OUT_TIMESPEC, OUT_TIMEVAL, timeBytes } from './structs.ts';

const CLOCK = {
  CLOCK_REALTIME: 0,
  CLOCK_MONOTONIC: 1,
  CLOCK_PROCESS_CPUTIME_ID: 2,
  CLOCK_THREAD_CPUTIME_ID: 3,
  CLOCK_MONOTONIC_RAW: 4,
  CLOCK_REALTIME_COARSE: 5,
  CLOCK_MONOTONIC_COARSE: 6,
  CLOCK_BOOTTIME: 7,
  CLOCK_REALTIME_ALARM: 8,
  CLOCK_BOOTTIME_ALARM: 9,
  CLOCK_TAI: 11,
} as const;
const CLOCK_ID = choice(CLOCK);
const TIMER_ABSTIME = 1;
/** Period of the coarse clocks: a kernel of 250 ticks per second. */
const COARSE = 4_000_000n;

/** The time of a clock in nanoseconds. @throws SysError EINVAL for a clock that does not exist */
function now(task: Task, id: number): bigint {
  const { clock } = task.kernel;
  switch (id) {
    case CLOCK.CLOCK_REALTIME:
    case CLOCK.CLOCK_REALTIME_ALARM:
    case CLOCK.CLOCK_TAI:
      return clock.realtime();
    case CLOCK.CLOCK_REALTIME_COARSE:
      return clock.realtime() - (clock.realtime() % COARSE);
    case CLOCK.CLOCK_MONOTONIC:
    case CLOCK.CLOCK_MONOTONIC_RAW:
    case CLOCK.CLOCK_BOOTTIME:
    case CLOCK.CLOCK_BOOTTIME_ALARM:
      return clock.monotonic();
    case CLOCK.CLOCK_MONOTONIC_COARSE:
      return clock.monotonic() - (clock.monotonic() % COARSE);
    case CLOCK.CLOCK_PROCESS_CPUTIME_ID:
    case CLOCK.CLOCK_THREAD_CPUTIME_ID:
      return clock.cpu();
    default:
      // Negative numbers are the CPU clocks of a process (~pid << 3 | kind): there is one process.
      if (id < 0 && (~(id >> 3) === 0 || ~(id >> 3) === task.process.pid)) return clock.cpu();
      return fail(E.EINVAL);
  }
}

function sleep(task: Task, id: number, bits: number, request: number): number {
  const current = now(task, id);
  if (NOT_FOR_SLEEP.includes(id)) fail(E.EOPNOTSUPP);
  if (id === CLOCK.CLOCK_THREAD_CPUTIME_ID) fail(E.EINVAL);
  const wanted = timeoutAt(task, request) ?? fail(E.EFAULT);
  const wait = bits & TIMER_ABSTIME ? wanted - current : wanted;
  // A process that sleeps uses no CPU time: nobody would wake it.
  if (id === CLOCK.CLOCK_PROCESS_CPUTIME_ID && wait > 0n) throw new Blocked('its own CPU time');
  if (wait > 0n) waitInVain(task, wait, 'a timer');
  return 0;
}

const NOT_FOR_SLEEP: readonly number[] = [
  CLOCK.CLOCK_MONOTONIC_RAW,
  CLOCK.CLOCK_REALTIME_COARSE,
  CLOCK.CLOCK_MONOTONIC_COARSE,
];

const ITIMER = choice({ ITIMER_REAL: 0, ITIMER_VIRTUAL: 1, ITIMER_PROF: 2 });

function setitimer(task: Task, which: number, value: number, old: number): number {
  if (which < 0 || which > 2) fail(E.EINVAL);
  const view = value === 0 ? null : task.user.view(value, 32);
  if (view !== null && (view.getBigInt64(16, true) !== 0n || view.getBigInt64(24, true) !== 0n)) {
    throw new Unimplemented('timers that send signals (setitimer)');
  }
  if (old !== 0) task.user.clear(old, 32);
  return 0;
}

export const TIME: readonly SyscallRow[] = [
  row(35, 'nanosleep', [IN_TIMESPEC, ADDRESS], (task, request) => sleep(task, CLOCK.CLOCK_MONOTONIC, 0, request)),
  row(36, 'getitimer', [ITIMER, ADDRESS], (task, which, value) => {
    if (which < 0 || which > 2) fail(E.EINVAL);
    task.user.clear(value, 32);
    return 0;
  }),
  row(37, 'alarm', [UINT], (_task, seconds) => {
    if (seconds !== 0) throw new Unimplemented('timers that send signals (alarm)');
    return 0;
  }),
  row(38, 'setitimer', [ITIMER, ADDRESS, ADDRESS], setitimer),
  row(96, 'gettimeofday', [OUT_TIMEVAL, ADDRESS], (task, time, zone) => {
    if (time !== 0) task.user.write(time, timeBytes(task.kernel.clock.realtime(), 1000n));
    if (zone !== 0) task.user.clear(zone, 8);
    return 0;
  }),
  row(100, 'times', [ADDRESS], (task, out) => {
    const tick = SECOND / BigInt(CLOCK_TICKS);
    if (out !== 0) {
      task.user.clear(out, 32);
      task.user.setU64(out, task.kernel.clock.cpu() / tick);
    }
    return Number(task.kernel.clock.monotonic() / tick);
  }),
  row(201, 'time', [ADDRESS], (task, out) => {
    const seconds = task.kernel.clock.realtime() / SECOND;
    if (out !== 0) task.user.setU64(out, seconds);
    return Number(seconds);
  }),
  row(227, 'clock_settime', [CLOCK_ID, IN_TIMESPEC], (task, id) => {
    now(task, id);
    return fail(id === CLOCK.CLOCK_REALTIME ? E.EPERM : E.EINVAL);
  }),
  row(228, 'clock_gettime', [CLOCK_ID, OUT_TIMESPEC], (task, id, out) => {
    task.user.write(out, timeBytes(now(task, id)));
    return 0;
  }),
  row(229, 'clock_getres', [CLOCK_ID, OUT_TIMESPEC], (task, id, out) => {
    now(task, id);
    const coarse = id === CLOCK.CLOCK_REALTIME_COARSE || id === CLOCK.CLOCK_MONOTONIC_COARSE;
    if (out !== 0) task.user.write(out, timeBytes(coarse ? COARSE : 1n));
    return 0;
  }),
  row(230, 'clock_nanosleep', [CLOCK_ID, flags({ '0': 0, TIMER_ABSTIME }), IN_TIMESPEC, ADDRESS], sleep),
];
