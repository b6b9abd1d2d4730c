import { E, fail } from '../errno.ts';
import { NSIG, SIG } from '../signals/numbers.ts';
import type { TimeBase, TimerNotice } from '../signals/timers.ts';
import type { Task } from '../task.ts';
import { ADDRESS, choice, INT, UINT } from './args.ts';
import { row, type SyscallRow } from './row.ts';
import { timeBytes } from './structs.ts';
import { CLOCK, CLOCK_ID, now } from './time.ts';

const SECOND = 1_000_000_000n;
const ITIMER = choice({ ITIMER_REAL: 0, ITIMER_VIRTUAL: 1, ITIMER_PROF: 2 });

/** `struct itimerval` or `struct itimerspec`: interval and value, in nanoseconds. @throws SysError EINVAL */
export function settingAt(
  task: Task,
  address: number,
  unit: 1n | 1000n,
): { readonly value: bigint; readonly interval: bigint } {
  const view = task.user.view(address, 32);
  const [interval, value] = [0, 16].map((at) => {
    const seconds = view.getBigInt64(at, true);
    const rest = view.getBigInt64(at + 8, true) * unit;
    if (seconds < 0n || rest < 0n || rest >= SECOND) fail(E.EINVAL);
    return seconds * SECOND + rest;
  }) as [bigint, bigint];
  return { value, interval };
}

/** The bytes of such a structure. */
export function settingBytes(
  setting: { readonly value: bigint; readonly interval: bigint },
  unit: 1n | 1000n,
): Uint8Array {
  return Buffer.concat([timeBytes(setting.interval, unit), timeBytes(setting.value, unit)]);
}

function setitimer(task: Task, which: number, value: number, old: number): number {
  const timer = task.process.timers.interval[which] ?? fail(E.EINVAL);
  const before = timer.get();
  const wanted = value === 0 ? { value: 0n, interval: 0n } : settingAt(task, value, 1000n);
  timer.set(wanted.value === 0n ? null : timer.now() + wanted.value, wanted.interval);
  if (old !== 0) task.user.write(old, settingBytes(before, 1000n));
  return 0;
}

const SIGEV = { SIGNAL: 0, NONE: 1, THREAD: 2, THREAD_ID: 4 } as const;

/** Which time a clock counts, for a timer. @throws SysError EINVAL */
function baseOf(task: Task, clock: number): TimeBase {
  now(task, clock);
  return clock === CLOCK.CLOCK_PROCESS_CPUTIME_ID || clock === CLOCK.CLOCK_THREAD_CPUTIME_ID ? 'cpu' : 'monotonic';
}

function noticeAt(task: Task, event: number): (id: number) => TimerNotice {
  if (event === 0) return (id) => ({ signal: SIG.ALRM, value: BigInt(id), task: null, silent: false });
  const view = task.user.view(event, 20);
  const value = view.getBigUint64(0, true);
  const signal = view.getInt32(8, true);
  const how = view.getInt32(12, true);
  if (how === SIGEV.NONE) return () => ({ signal, value, task: null, silent: true });
  if (signal < 1 || signal > NSIG) fail(E.EINVAL);
  if (how === SIGEV.SIGNAL || how === SIGEV.THREAD) return () => ({ signal, value, task: null, silent: false });
  if (how !== SIGEV.THREAD_ID) fail(E.EINVAL);
  const target = task.kernel.tasks.get(view.getInt32(16, true));
  if (target === undefined || target.process !== task.process) return fail(E.EINVAL);
  return () => ({ signal, value, task: target, silent: false });
}

const TIMER_ABSTIME = 1;

/** When an absolute time of a clock is reached, in monotonic time. */
export function monotonicTime(task: Task, clock: number, at: bigint): bigint {
  return at - now(task, clock) + task.kernel.clock.monotonic();
}

function settime(task: Task, id: number, bits: number, value: number, old: number): number {
  const timer = task.process.timers.posix.get(id) ?? fail(E.EINVAL);
  const { countdown, clock } = timer;
  const wanted = settingAt(task, value, 1n);
  const before = countdown.get();
  const absolute = (bits & TIMER_ABSTIME) !== 0;
  const at = absolute ? wanted.value - now(task, clock) + countdown.now() : countdown.now() + wanted.value;
  countdown.set(wanted.value === 0n ? null : at, wanted.interval);
  if (old !== 0) task.user.write(old, settingBytes(before, 1n));
  return 0;
}

export const TIMERS: readonly SyscallRow[] = [
  row(36, 'getitimer', [ITIMER, ADDRESS], (task, which, out) => {
    const timer = task.process.timers.interval[which] ?? fail(E.EINVAL);
    task.user.write(out, settingBytes(timer.get(), 1000n));
    return 0;
  }),
  row(37, 'alarm', [UINT], (task, seconds) => {
    const timer = task.process.timers.interval[0]!;
    const { value } = timer.get();
    timer.set(seconds === 0 ? null : timer.now() + BigInt(seconds) * SECOND, 0n);
    // A part of a second counts as one, and less than half of one only where nothing else is left.
    const whole = value / SECOND;
    const rest = value % SECOND;
    return Number(whole) + (rest >= SECOND / 2n || (whole === 0n && rest > 0n) ? 1 : 0);
  }),
  row(38, 'setitimer', [ITIMER, ADDRESS, ADDRESS], setitimer),
  row(222, 'timer_create', [CLOCK_ID, ADDRESS, ADDRESS], (task, clock, event, out) => {
    const base = baseOf(task, clock);
    const notice = noticeAt(task, event);
    task.user.u32(out);
    task.user.setU32(out, task.process.timers.create(clock, base, notice));
    return 0;
  }),
  row(223, 'timer_settime', [INT, INT, ADDRESS, ADDRESS], settime),
  row(224, 'timer_gettime', [INT, ADDRESS], (task, id, out) => {
    const timer = task.process.timers.posix.get(id) ?? fail(E.EINVAL);
    task.user.write(out, settingBytes(timer.countdown.get(), 1n));
    return 0;
  }),
  row(225, 'timer_getoverrun', [INT], (task, id) => (task.process.timers.posix.get(id) ?? fail(E.EINVAL)).overrun),
  row(226, 'timer_delete', [INT], (task, id) => {
    const timer = task.process.timers.posix.get(id) ?? fail(E.EINVAL);
    timer.countdown.set(null, 0n);
    task.process.timers.posix.delete(id);
    return 0;
  }),
];
