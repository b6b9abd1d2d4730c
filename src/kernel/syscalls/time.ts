import { CLOCK_TICKS } from '../auxv.ts';
import { ERESTART } from '../block.ts';
import { SECOND } from '../clock.ts';
import { E, fail } from '../errno.ts';
import type { Task } from '../task.ts';
import { deadlineAfter, waitFor } from '../wait.ts';
import { ADDRESS, choice, flags } from './args.ts';
import { timeoutAt } from './poll.ts';
import { row, type SyscallRow } from './row.ts';
import { IN_TIMESPEC, OUT_TIMESPEC, OUT_TIMEVAL, timeBytes } from './structs.ts';

export const CLOCK = {
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
export const CLOCK_ID = choice(CLOCK);
const TIMER_ABSTIME = 1;
/** Period of the coarse clocks: a kernel of 250 ticks per second. */
const COARSE = 4_000_000n;

/** The time of a clock in nanoseconds. @throws SysError EINVAL for a clock that does not exist */
export function now(task: Task, id: number): bigint {
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
      return BigInt(task.process.cpuTime);
    case CLOCK.CLOCK_THREAD_CPUTIME_ID:
      return BigInt(task.instructions);
    default:
      return id < 0 ? otherCpuTime(task, id) : fail(E.EINVAL);
  }
}

/** Of a thread and not of a process: bit 2 of the number of a CPU clock. */
const PER_THREAD = 4;

/** The CPU clock of any process or thread: ~pid << 3, or ~tid << 3 with a bit (clock_getcpuclockid(3)). */
function otherCpuTime(task: Task, id: number): bigint {
  const pid = ~(id >> 3);
  const { kernel } = task;
  if (id & PER_THREAD) return BigInt((pid === 0 ? task : (kernel.tasks.get(pid) ?? fail(E.EINVAL))).instructions);
  return BigInt((pid === 0 ? task.process : (kernel.processes.get(pid) ?? fail(E.EINVAL))).cpuTime);
}

/** nanosleep(2) and clock_nanosleep(2). `left` gets what a signal has cut off a relative sleep. */
function sleep(task: Task, id: number, bits: number, request: number, left: number): number {
  const current = now(task, id);
  if (NOT_FOR_SLEEP.includes(id)) fail(E.EOPNOTSUPP);
  if (id === CLOCK.CLOCK_THREAD_CPUTIME_ID) fail(E.EINVAL);
  const wanted = timeoutAt(task, request) ?? fail(E.EFAULT);
  const absolute = (bits & TIMER_ABSTIME) !== 0;
  const wait = absolute ? wanted - current : wanted;
  if (id === CLOCK.CLOCK_PROCESS_CPUTIME_ID) {
    const end = task.resumed === null ? BigInt(task.process.cpuTime) + wait : BigInt(task.progress);
    task.progress = Number(end);
    waitFor(task, 'CPU time of its process', { ready: () => task.process.cpuTime >= Number(end) });
    return 0;
  }
  const deadline = deadlineAfter(task, wait)!;
  sleepUntil(task, deadline, absolute ? 0 : left, absolute);
  return 0;
}

function sleepUntil(task: Task, deadline: bigint, left: number, absolute: boolean): void {
  const interrupted = (): number => {
    if (absolute) return -ERESTART.NOHAND;
    const rest = deadline - task.kernel.clock.monotonic();
    if (left !== 0) task.user.write(left, timeBytes(rest > 0n ? rest : 0n));
    task.restart = () => {
      sleepUntil(task, deadline, left, false);
      return 0;
    };
    return -ERESTART.BLOCK;
  };
  waitFor(task, 'a timer', { deadline, interrupted });
}

const NOT_FOR_SLEEP: readonly number[] = [
  CLOCK.CLOCK_MONOTONIC_RAW,
  CLOCK.CLOCK_REALTIME_COARSE,
  CLOCK.CLOCK_MONOTONIC_COARSE,
];

export const TIME: readonly SyscallRow[] = [
  row(35, 'nanosleep', [IN_TIMESPEC, ADDRESS], (task, request, left) =>
    sleep(task, CLOCK.CLOCK_MONOTONIC, 0, request, left),
  ),
  row(96, 'gettimeofday', [OUT_TIMEVAL, ADDRESS], (task, time, zone) => {
    if (time !== 0) task.user.write(time, timeBytes(task.kernel.clock.realtime(), 1000n));
    if (zone !== 0) task.user.clear(zone, 8);
    return 0;
  }),
  row(100, 'times', [ADDRESS], (task, out) => {
    const tick = SECOND / BigInt(CLOCK_TICKS);
    if (out !== 0) {
      task.user.clear(out, 32);
      task.user.setU64(out, BigInt(task.process.cpuTime) / tick);
      task.user.setU64(out + 16, BigInt(task.process.childrenTime) / tick);
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
  row(219, 'restart_syscall', [], (task) => task.restart?.() ?? fail(E.EINTR)),
];
