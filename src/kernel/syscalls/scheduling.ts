import { E, fail } from '../errno.ts';
import type { Scheduling, Task } from '../task.ts';
import { ADDRESS, choice, HEX32, INT, outStruct, UINT } from './args.ts';
import { row, type SyscallRow } from './row.ts';
import { OUT_TIMESPEC } from './structs.ts';

const POLICY = {
  SCHED_OTHER: 0,
  SCHED_FIFO: 1,
  SCHED_RR: 2,
  SCHED_BATCH: 3,
  SCHED_IDLE: 5,
  SCHED_DEADLINE: 6,
} as const;
const RESET_ON_FORK = 0x4000_0000;
const RT_PRIORITY_MAX = 99;
const NICE = { least: -20, most: 19 } as const;
const MS = 1_000_000;
/** Slices that sched_rr_get_interval(2) tells, in nanoseconds. */
const SLICE = { roundRobin: 100 * MS, fair: 4 * MS } as const;
/** `struct sched_attr`: its first published size, and the one with utilization. */
const ATTR_FIRST = 48;
const ATTR_BYTES = 56;
const PAGE = 4096;

/** The thread with a number; 0 is the caller. @throws SysError EINVAL, ESRCH */
function threadOf(task: Task, tid: number): Task {
  if (tid < 0) fail(E.EINVAL);
  return tid === 0 ? task : (task.kernel.tasks.get(tid) ?? fail(E.ESRCH));
}

const isRealTime = (policy: number): boolean => policy === POLICY.SCHED_FIFO || policy === POLICY.SCHED_RR;

function priorityBound(policy: number, bound: number): number {
  if (!Object.values(POLICY).includes(policy as 0)) fail(E.EINVAL);
  return isRealTime(policy) ? bound : 0;
}

/** Sets policy and priority: kept, and told again; they decide nothing here (Linux: __sched_setscheduler). */
function set(task: Task, target: Task, wanted: Scheduling): number {
  const { policy, priority, nice } = wanted;
  // What SCHED_DEADLINE needs is given to nobody.
  if (policy === POLICY.SCHED_DEADLINE || !Object.values(POLICY).includes(policy as 0)) fail(E.EINVAL);
  if (priority > RT_PRIORITY_MAX || isRealTime(policy) !== priority > 0) fail(E.EINVAL);
  const mayAll = task.process.credentials.euid === 0;
  if (!mayAll && (isRealTime(policy) || nice < target.scheduling.nice)) fail(E.EPERM);
  target.scheduling = wanted;
  return 0;
}

function setScheduler(task: Task, pid: number, policy: number, parameter: number): number {
  if (parameter === 0 || pid < 0) fail(E.EINVAL);
  const priority = task.user.u32(parameter);
  const target = threadOf(task, pid);
  const resetOnFork = (policy & RESET_ON_FORK) !== 0;
  return set(task, target, { ...target.scheduling, policy: policy & ~RESET_ON_FORK, priority, resetOnFork });
}

function setAttributes(task: Task, pid: number, at: number, bits: number): number {
  const { user } = task;
  if (at === 0 || pid < 0 || bits !== 0) fail(E.EINVAL);
  const size = user.u32(at) || ATTR_FIRST;
  const tooLarge =
    size > ATTR_BYTES && user.read(at + ATTR_BYTES, Math.min(size, PAGE) - ATTR_BYTES).some((b) => b !== 0);
  if (size < ATTR_FIRST || size > PAGE || tooLarge) {
    user.setU32(at, ATTR_BYTES);
    fail(E.E2BIG);
  }
  const view = user.view(at, ATTR_FIRST);
  const policy = view.getInt32(4, true);
  const nice = Math.max(NICE.least, Math.min(NICE.most, view.getInt32(16, true)));
  const resetOnFork = (view.getBigUint64(8, true) & 1n) !== 0n;
  if (view.getBigUint64(8, true) > 0x7fn || policy < 0) fail(E.EINVAL);
  return set(task, threadOf(task, pid), { policy, priority: view.getUint32(20, true), nice, resetOnFork });
}

function getAttributes(task: Task, pid: number, at: number, room: number, bits: number): number {
  if (at === 0 || pid < 0 || room < ATTR_FIRST || room > PAGE || bits !== 0) fail(E.EINVAL);
  const { policy, priority, nice, resetOnFork } = threadOf(task, pid).scheduling;
  const bytes = new Uint8Array(room);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, Math.min(room, ATTR_BYTES), true);
  view.setUint32(4, policy, true);
  view.setUint32(8, resetOnFork ? 1 : 0, true);
  if (!isRealTime(policy)) view.setInt32(16, nice, true);
  view.setUint32(20, priority, true);
  if (room >= ATTR_BYTES) view.setUint32(52, 1024, true);
  task.user.write(at, bytes.subarray(0, Math.min(room, ATTR_BYTES)));
  return 0;
}

/** Classes and levels of ioprio_set(2). */
const IOPRIO = { none: 0, realTime: 1, bestEffort: 2, idle: 3, classShift: 13, levelMask: 7 } as const;
const WHO = { IOPRIO_WHO_PROCESS: 1, IOPRIO_WHO_PGRP: 2, IOPRIO_WHO_USER: 3 } as const;

/** The threads that `which` and `who` mean. @throws SysError EINVAL, ESRCH */
function meant(task: Task, which: number, who: number): Task[] {
  const all = [...task.kernel.tasks.values()];
  let found: Task[];
  if (which === WHO.IOPRIO_WHO_PROCESS) found = who === 0 ? [task] : all.filter(({ tid }) => tid === who);
  else if (which === WHO.IOPRIO_WHO_PGRP)
    found = all.filter(({ process }) => process.group === (who || task.process.group));
  else if (which === WHO.IOPRIO_WHO_USER)
    found = all.filter(({ process }) => process.credentials.uid === (who || task.process.credentials.uid));
  else return fail(E.EINVAL);
  return found.length > 0 ? found : fail(E.ESRCH);
}

function setIoPriority(task: Task, which: number, who: number, value: number): number {
  const kind = (value >>> IOPRIO.classShift) & IOPRIO.levelMask;
  // Between level and class stand hints to the device, which may be anything.
  const level = value & IOPRIO.levelMask;
  if (kind > IOPRIO.idle || (kind === IOPRIO.none && level !== 0)) fail(E.EINVAL);
  if (kind === IOPRIO.realTime && task.process.credentials.euid !== 0) fail(E.EPERM);
  for (const target of meant(task, which, who)) target.ioPriority = value;
  return 0;
}

const POLICIES = choice(POLICY);
const OUT_PRIORITY = outStruct((address, user) => `[${user.u32(address)}]`);

export const SCHEDULING: readonly SyscallRow[] = [
  row(142, 'sched_setparam', [INT, ADDRESS], (task, pid, parameter) => {
    if (parameter === 0 || pid < 0) fail(E.EINVAL);
    const priority = task.user.u32(parameter);
    const target = threadOf(task, pid);
    return set(task, target, { ...target.scheduling, priority });
  }),
  row(143, 'sched_getparam', [INT, OUT_PRIORITY], (task, pid, out) => {
    if (out === 0) fail(E.EINVAL);
    task.user.setU32(out, threadOf(task, pid).scheduling.priority);
    return 0;
  }),
  row(144, 'sched_setscheduler', [INT, POLICIES, ADDRESS], setScheduler),
  row(145, 'sched_getscheduler', [INT], (task, pid) => {
    const { policy, resetOnFork } = threadOf(task, pid).scheduling;
    return policy | (resetOnFork ? RESET_ON_FORK : 0);
  }),
  row(146, 'sched_get_priority_max', [POLICIES], (_task, policy) => priorityBound(policy, RT_PRIORITY_MAX)),
  row(147, 'sched_get_priority_min', [POLICIES], (_task, policy) => priorityBound(policy, 1)),
  row(148, 'sched_rr_get_interval', [INT, OUT_TIMESPEC], (task, pid, out) => {
    const { policy } = threadOf(task, pid).scheduling;
    const slice = policy === POLICY.SCHED_FIFO ? 0 : policy === POLICY.SCHED_RR ? SLICE.roundRobin : SLICE.fair;
    task.user.setU64(out, 0);
    task.user.setU64(out + 8, slice);
    return 0;
  }),
  row(251, 'ioprio_set', [choice(WHO), INT, HEX32], setIoPriority),
  row(252, 'ioprio_get', [choice(WHO), INT], (task, which, who) =>
    Math.max(...meant(task, which, who).map(({ ioPriority }) => ioPriority)),
  ),
  row(314, 'sched_setattr', [INT, ADDRESS, UINT], setAttributes),
  row(315, 'sched_getattr', [INT, ADDRESS, UINT, UINT], getAttributes),
];
