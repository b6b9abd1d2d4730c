import { E, fail } from '../errno.ts';
import { EPOLL, type EpollEvent, EpollFile } from '../fs/epoll.ts';
import { EventFile } from '../fs/event-fd.ts';
import { O, POLL } from '../fs/mode.ts';
import { SignalFile } from '../fs/signal-fd.ts';
import { TimerFile } from '../fs/timer-fd.ts';
import { UNBLOCKABLE } from '../signals/state.ts';
import type { Task } from '../task.ts';
import { ADDRESS, choice, FD, flags, INT, outStruct, SIZE, UINT } from './args.ts';
import { timeoutAt, waitForFiles, withMask } from './poll.ts';
import { row, type SyscallRow } from './row.ts';
import { IN_SIGSET, IN_TIMESPEC } from './structs.ts';
import { CLOCK, CLOCK_ID, now } from './time.ts';
import { monotonicTime, settingAt, settingBytes } from './timers.ts';

const KEPT = O.NONBLOCK;
const closes = (bits: number): boolean => (bits & O.CLOEXEC) !== 0;

const EPOLL_CTL = { EPOLL_CTL_ADD: 1, EPOLL_CTL_DEL: 2, EPOLL_CTL_MOD: 3 } as const;
/** `struct epoll_event` is packed on x86-64: events u32, data u64. */
const EVENT_BYTES = 12;
const MILLISECOND = 1_000_000n;

function epollAt(task: Task, fd: number): EpollFile {
  const file = task.fds.get(fd);
  return file instanceof EpollFile ? file : fail(E.EINVAL);
}

function epollCreate(task: Task, bits: number): number {
  if (bits & ~O.CLOEXEC) fail(E.EINVAL);
  return task.fds.add(new EpollFile(task.kernel.anonymousInode(), 0), closes(bits));
}

function epollCtl(task: Task, epfd: number, operation: number, fd: number, event: number): number {
  const view = operation === EPOLL_CTL.EPOLL_CTL_DEL ? null : task.user.view(event, EVENT_BYTES);
  const epoll = epollAt(task, epfd);
  const file = task.fds.get(fd);
  const events = view?.getUint32(0, true) ?? 0;
  const data = view?.getBigUint64(4, true) ?? 0n;
  if (view !== null && Math.floor(events / EPOLL.EXCLUSIVE) & 1) {
    // Only at the beginning, and only with what is told of files that many wait for.
    if (!file.pollable) fail(E.EPERM);
    const allowed = POLL.IN | POLL.OUT | POLL.ERR | POLL.HUP;
    if (operation === EPOLL_CTL.EPOLL_CTL_MOD || file instanceof EpollFile) fail(E.EINVAL);
    if ((events % EPOLL.EXCLUSIVE) & ~allowed || Math.floor(events / EPOLL.ONESHOT) & 1) fail(E.EINVAL);
  }
  switch (operation) {
    case EPOLL_CTL.EPOLL_CTL_ADD:
      epoll.add(fd, file, events, data);
      return 0;
    case EPOLL_CTL.EPOLL_CTL_DEL:
      epoll.remove(fd, file);
      return 0;
    case EPOLL_CTL.EPOLL_CTL_MOD:
      epoll.modify(fd, file, events, data);
      return 0;
    default:
      return fail(E.EINVAL);
  }
}

function writeEvents(task: Task, out: number, events: readonly EpollEvent[]): void {
  const view = new DataView(new ArrayBuffer(EVENT_BYTES * events.length));
  for (const [i, { events: bits, data }] of events.entries()) {
    view.setUint32(EVENT_BYTES * i, bits, true);
    view.setBigUint64(EVENT_BYTES * i + 4, data, true);
  }
  task.user.write(out, new Uint8Array(view.buffer));
}

function epollWait(task: Task, epfd: number, out: number, most: number, timeout: bigint | null): number {
  if (most <= 0) fail(E.EINVAL);
  const epoll = epollAt(task, epfd);
  if (task.user.span(out, EVENT_BYTES, true) === 0) fail(E.EFAULT);
  let events = epoll.take(most);
  if (events.length === 0 && timeout !== 0n) {
    waitForFiles(task, 'epoll_wait', timeout, () => epoll.isReady);
    events = epoll.take(most);
  }
  writeEvents(task, out, events);
  return events.length;
}

const fromMilliseconds = (value: number): bigint | null => (value < 0 ? null : BigInt(value) * MILLISECOND);

const EFD_SEMAPHORE = 1;

function eventfd(task: Task, count: number, bits: number): number {
  if (bits & ~(EFD_SEMAPHORE | O.NONBLOCK | O.CLOEXEC)) fail(E.EINVAL);
  const file = new EventFile(task.kernel.anonymousInode(), count, (bits & EFD_SEMAPHORE) !== 0, bits & KEPT);
  return task.fds.add(file, closes(bits));
}

function signalfd(task: Task, fd: number, set: number, size: number, bits: number): number {
  if (size !== 8 || bits & ~(O.NONBLOCK | O.CLOEXEC)) fail(E.EINVAL);
  const mask = task.user.u64(set) & ~UNBLOCKABLE;
  if (fd === -1) {
    const file = new SignalFile(task.process, task.kernel.anonymousInode(), mask, bits & KEPT);
    return task.fds.add(file, closes(bits));
  }
  const file = task.fds.get(fd);
  if (!(file instanceof SignalFile)) return fail(E.EINVAL);
  file.mask = mask;
  return fd;
}

const TIMER_CLOCKS: readonly number[] = [
  CLOCK.CLOCK_REALTIME,
  CLOCK.CLOCK_MONOTONIC,
  CLOCK.CLOCK_BOOTTIME,
  CLOCK.CLOCK_REALTIME_ALARM,
  CLOCK.CLOCK_BOOTTIME_ALARM,
];
const TFD = { ABSTIME: 1, CANCEL_ON_SET: 2 } as const;

function timerAt(task: Task, fd: number): TimerFile {
  const file = task.fds.get(fd);
  return file instanceof TimerFile ? file : fail(E.EINVAL);
}

function timerfdSettime(task: Task, fd: number, bits: number, value: number, old: number): number {
  if (bits & ~(TFD.ABSTIME | TFD.CANCEL_ON_SET)) fail(E.EINVAL);
  const wanted = settingAt(task, value, 1n);
  const timer = timerAt(task, fd);
  const before = timer.get();
  const start = task.kernel.clock.monotonic();
  const at = bits & TFD.ABSTIME ? monotonicTime(task, timer.clock, wanted.value) : start + wanted.value;
  timer.set(wanted.value === 0n ? null : at, wanted.interval);
  if (old !== 0) task.user.write(old, settingBytes(before, 1n));
  return 0;
}

const OUT_EVENTS = outStruct((address, user, { result }) => {
  const one = (at: number): string =>
    `{events=0x${user.u32(at).toString(16)}, data=0x${user.u64(at + 4).toString(16)}}`;
  return `[${Array.from({ length: Math.max(0, result) }, (_, i) => one(address + EVENT_BYTES * i)).join(', ')}]`;
});
const CLOEXEC = flags({ '0': 0, O_CLOEXEC: O.CLOEXEC, O_NONBLOCK: O.NONBLOCK });

export const EVENTS: readonly SyscallRow[] = [
  row(213, 'epoll_create', [INT], (task, size) => (size <= 0 ? fail(E.EINVAL) : epollCreate(task, 0))),
  row(232, 'epoll_wait', [FD, OUT_EVENTS, INT, INT], (task, epfd, out, most, timeout) =>
    epollWait(task, epfd, out, most, fromMilliseconds(timeout)),
  ),
  row(233, 'epoll_ctl', [FD, choice(EPOLL_CTL), FD, ADDRESS], epollCtl),
  row(281, 'epoll_pwait', [FD, OUT_EVENTS, INT, INT, IN_SIGSET, SIZE], (task, epfd, out, most, timeout, mask, size) =>
    withMask(task, mask, size, () => epollWait(task, epfd, out, most, fromMilliseconds(timeout))),
  ),
  row(282, 'signalfd', [FD, IN_SIGSET, SIZE], (task, fd, set, size) => signalfd(task, fd, set, size, 0)),
  row(283, 'timerfd_create', [CLOCK_ID, CLOEXEC], (task, clock, bits) => {
    if (bits & ~(O.NONBLOCK | O.CLOEXEC) || !TIMER_CLOCKS.includes(clock)) fail(E.EINVAL);
    now(task, clock);
    return task.fds.add(new TimerFile(task.kernel, task.kernel.anonymousInode(), clock, bits & KEPT), closes(bits));
  }),
  row(284, 'eventfd', [UINT], (task, count) => eventfd(task, count, 0)),
  row(286, 'timerfd_settime', [FD, INT, ADDRESS, ADDRESS], timerfdSettime),
  row(287, 'timerfd_gettime', [FD, ADDRESS], (task, fd, out) => {
    task.user.write(out, settingBytes(timerAt(task, fd).get(), 1n));
    return 0;
  }),
  row(289, 'signalfd4', [FD, IN_SIGSET, SIZE, CLOEXEC], signalfd),
  row(290, 'eventfd2', [UINT, CLOEXEC], eventfd),
  row(291, 'epoll_create1', [CLOEXEC], epollCreate),
  row(
    441,
    'epoll_pwait2',
    [FD, OUT_EVENTS, INT, IN_TIMESPEC, IN_SIGSET, SIZE],
    (task, epfd, out, most, time, mask, size) => {
      const timeout = timeoutAt(task, time);
      return withMask(task, mask, size, () => epollWait(task, epfd, out, most, timeout));
    },
  ),
];
