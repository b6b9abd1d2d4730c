import { FS_BASE, GS_BASE } from '../../state/layout.ts';
import { E, fail } from '../errno.ts';
import type { Process } from '../process.ts';
import { NSIG } from '../signals/numbers.ts';
import { DEFAULT_TIMER_SLACK, type Task } from '../task.ts';
import { decodeName, LAM_UNTAG_MASK } from '../user-memory.ts';
import { TASK_SIZE } from '../vm/layout.ts';
import { requestState, tellStates } from '../xstate.ts';
import { ADDRESS, type ArgKind, choice, HEX, INT, onlyIf, PATH, SIZE } from './args.ts';
import { enterStrict } from './privileges.ts';
import { NO_RESULT, row, type SyscallRow } from './row.ts';
import { OUT_CPUS } from './structs.ts';

const ARCH = {
  ARCH_SET_GS: 0x1001,
  ARCH_SET_FS: 0x1002,
  ARCH_GET_FS: 0x1003,
  ARCH_GET_GS: 0x1004,
  ARCH_GET_CPUID: 0x1011,
  ARCH_SET_CPUID: 0x1012,
  ARCH_GET_XCOMP_SUPP: 0x1021,
  ARCH_GET_XCOMP_PERM: 0x1022,
  ARCH_REQ_XCOMP_PERM: 0x1023,
  ARCH_GET_UNTAG_MASK: 0x4001,
  ARCH_ENABLE_TAGGED_ADDR: 0x4002,
  ARCH_GET_MAX_TAG_BITS: 0x4003,
  ARCH_FORCE_TAGGED_SVA: 0x4004,
} as const;

const RSI = 6;
/** Width of the tags of LAM_U57. */
const LAM_TAG_BITS = 6;

/** The checks in the order of arch/x86/kernel/process_64.c: prctl_enable_tagged_addr. It cannot be undone. */
function enableTaggedAddresses(task: Task, bits: number): number {
  const { space, kernel } = task;
  if (!kernel.machine.has('LAM')) fail(E.ENODEV);
  if (space.lam.locked) fail(E.EBUSY);
  if (bits === 0 || bits > LAM_TAG_BITS) fail(E.EINVAL);
  kernel.enableTags(space);
  return 0;
}

/** arch_prctl(2). What depends on a CPU feature that is not offered is EINVAL, as on Linux without it. */
function archPrctl(task: Task, code: number, address: number): number {
  const { cpu } = task.kernel.machine;
  switch (code) {
    case ARCH.ARCH_SET_FS:
    case ARCH.ARCH_SET_GS:
      // The register itself: a base carries no tag.
      if (cpu.gpr(RSI) >= BigInt(TASK_SIZE)) fail(E.EPERM);
      cpu.setU64(code === ARCH.ARCH_SET_FS ? FS_BASE : GS_BASE, BigInt(address));
      return 0;
    case ARCH.ARCH_GET_FS:
    case ARCH.ARCH_GET_GS:
      task.user.setU64(address, cpu.u64(code === ARCH.ARCH_GET_FS ? FS_BASE : GS_BASE));
      return 0;
    case ARCH.ARCH_GET_CPUID:
      return 1;
    case ARCH.ARCH_SET_CPUID:
      return fail(E.ENODEV);
    case ARCH.ARCH_GET_XCOMP_SUPP:
    case ARCH.ARCH_GET_XCOMP_PERM:
      return tellStates(task, address, code === ARCH.ARCH_GET_XCOMP_SUPP);
    case ARCH.ARCH_REQ_XCOMP_PERM:
      return requestState(task, Number(BigInt.asUintN(53, cpu.gpr(RSI))));
    case ARCH.ARCH_GET_UNTAG_MASK:
      task.user.setU64(address, task.space.lam.enabled ? LAM_UNTAG_MASK : -1n);
      return 0;
    case ARCH.ARCH_ENABLE_TAGGED_ADDR:
      return enableTaggedAddresses(task, Number(BigInt.asUintN(53, cpu.gpr(RSI))));
    case ARCH.ARCH_GET_MAX_TAG_BITS:
      task.user.setU64(address, task.kernel.machine.has('LAM') ? LAM_TAG_BITS : 0);
      return 0;
    case ARCH.ARCH_FORCE_TAGGED_SVA:
      return 0;
    default:
      return fail(E.EINVAL);
  }
}

const PR = {
  PR_SET_PDEATHSIG: 1,
  PR_GET_PDEATHSIG: 2,
  PR_GET_DUMPABLE: 3,
  PR_SET_DUMPABLE: 4,
  PR_GET_KEEPCAPS: 7,
  PR_SET_KEEPCAPS: 8,
  PR_SET_NAME: 15,
  PR_GET_NAME: 16,
  PR_GET_SECCOMP: 21,
  PR_SET_SECCOMP: 22,
  PR_CAPBSET_READ: 23,
  PR_CAPBSET_DROP: 24,
  PR_GET_TIMING: 13,
  PR_SET_TIMING: 14,
  PR_GET_TSC: 25,
  PR_SET_TSC: 26,
  PR_GET_SECUREBITS: 27,
  PR_SET_SECUREBITS: 28,
  PR_MCE_KILL: 33,
  PR_MCE_KILL_GET: 34,
  PR_GET_TID_ADDRESS: 40,
  PR_CAP_AMBIENT: 47,
  PR_SET_TIMERSLACK: 29,
  PR_GET_TIMERSLACK: 30,
  PR_SET_CHILD_SUBREAPER: 36,
  PR_GET_CHILD_SUBREAPER: 37,
  PR_SET_NO_NEW_PRIVS: 38,
  PR_GET_NO_NEW_PRIVS: 39,
  PR_SET_THP_DISABLE: 41,
  PR_GET_THP_DISABLE: 42,
  PR_SET_VMA: 0x53564d41,
} as const;
const COMM_LENGTH = 16;
const PR_MCE_KILL_DEFAULT = 2;
const PR_CAP_AMBIENT_RAISE = 2;
const PR_CAP_AMBIENT_CLEAR_ALL = 4;
const PR_TSC_ENABLE = 1;
const LAST_CAPABILITY = 40;

function prctl(task: Task, option: number, a: number, b: number, c: number, d: number): number {
  const { process } = task;
  switch (option) {
    case PR.PR_SET_NAME: {
      const bytes = task.user.span(a, COMM_LENGTH, false);
      if (bytes === 0) fail(E.EFAULT);
      const text = task.user.read(a, bytes);
      const end = text.indexOf(0);
      task.name = decodeName(text.subarray(0, end < 0 ? COMM_LENGTH - 1 : Math.min(end, COMM_LENGTH - 1)));
      return 0;
    }
    case PR.PR_GET_NAME: {
      const out = new Uint8Array(COMM_LENGTH);
      out.set(new TextEncoder().encode(task.name).subarray(0, COMM_LENGTH - 1));
      task.user.write(a, out);
      return 0;
    }
    case PR.PR_GET_DUMPABLE:
      return process.dumpable;
    case PR.PR_SET_DUMPABLE:
      if (a > 1) fail(E.EINVAL);
      process.dumpable = a;
      return 0;
    case PR.PR_SET_NO_NEW_PRIVS:
      if (a !== 1 || b || c || d) fail(E.EINVAL);
      process.noNewPrivileges = true;
      return 0;
    case PR.PR_GET_NO_NEW_PRIVS:
      return process.noNewPrivileges ? 1 : 0;
    case PR.PR_GET_PDEATHSIG:
      task.user.setU32(a, process.parentDeathSignal);
      return 0;
    case PR.PR_SET_PDEATHSIG:
      if (a > NSIG) fail(E.EINVAL);
      process.parentDeathSignal = a;
      return 0;
    case PR.PR_SET_CHILD_SUBREAPER:
      process.subreaper = a !== 0;
      return 0;
    case PR.PR_GET_TSC:
      task.user.setU32(a, PR_TSC_ENABLE);
      return 0;
    case PR.PR_GET_TIMERSLACK:
      return task.timerSlack;
    case PR.PR_SET_TIMERSLACK:
      task.timerSlack = a === 0 ? DEFAULT_TIMER_SLACK : a;
      return 0;
    case PR.PR_SET_KEEPCAPS:
      if (a > 1) fail(E.EINVAL);
      process.keepCapabilities = a === 1;
      return 0;
    case PR.PR_GET_KEEPCAPS:
      return process.keepCapabilities ? 1 : 0;
    case PR.PR_SET_THP_DISABLE:
      if (b || c || d) fail(E.EINVAL);
      process.thpDisabled = a !== 0;
      return 0;
    case PR.PR_GET_THP_DISABLE:
      if (a || b || c || d) fail(E.EINVAL);
      return process.thpDisabled ? 1 : 0;
    case PR.PR_SET_TSC:
    case PR.PR_SET_TIMING:
      return a === (option === PR.PR_SET_TSC ? PR_TSC_ENABLE : 0) ? 0 : fail(E.EINVAL);
    case PR.PR_GET_TIMING:
    case PR.PR_GET_SECUREBITS:
      return 0;
    case PR.PR_SET_SECUREBITS:
      return a === 0 ? 0 : fail(E.EPERM);
    case PR.PR_MCE_KILL:
      return 0;
    case PR.PR_MCE_KILL_GET:
      return PR_MCE_KILL_DEFAULT;
    case PR.PR_GET_TID_ADDRESS:
      task.user.setU64(a, task.clearTid);
      return 0;
    case PR.PR_CAPBSET_DROP:
      if (a > LAST_CAPABILITY) fail(E.EINVAL);
      return process.credentials.euid === 0 ? 0 : fail(E.EPERM);
    case PR.PR_CAP_AMBIENT:
      // No ambient capability is ever set.
      if (a < 1 || a > PR_CAP_AMBIENT_CLEAR_ALL || b > LAST_CAPABILITY || c || d) fail(E.EINVAL);
      if (a === PR_CAP_AMBIENT_RAISE) fail(E.EPERM);
      return 0;
    case PR.PR_CAPBSET_READ:
      if (a > LAST_CAPABILITY) fail(E.EINVAL);
      return process.credentials.euid === 0 ? 1 : 0;
    case PR.PR_SET_SECCOMP:
      return a === 1 ? enterStrict(task) : fail(E.EINVAL);
    case PR.PR_GET_SECCOMP:
      return 0;
    case PR.PR_GET_CHILD_SUBREAPER:
      task.user.setU32(a, process.subreaper ? 1 : 0);
      return 0;
    default:
      return fail(E.EINVAL);
  }
}

const isName = (option: number): boolean => option === PR.PR_SET_NAME || option === PR.PR_GET_NAME;
/** The name, or a number. */
const PRCTL_ARGUMENT: ArgKind = {
  ...HEX,
  out: true,
  show: (value, context) => (isName(context.args[0]!) ? PATH.show(value, context) : HEX.show(value, context)),
};
const rest = onlyIf(HEX, ([option]) => !isName(option!));

/** Bytes of the kernel's set of CPUs: 64 of them. */
const CPU_SET_BYTES = 8;

/** The process with a number; 0 is the caller's. @throws SysError ESRCH */
function processOf(task: Task, pid: number): Process {
  return pid === 0 ? task.process : (task.kernel.processes.get(pid) ?? fail(E.ESRCH));
}

/** The thread with a number; 0 is the caller. @throws SysError EINVAL, ESRCH */
function threadOf(task: Task, tid: number): Task {
  if (tid < 0) fail(E.EINVAL);
  return tid === 0 ? task : (task.kernel.tasks.get(tid) ?? fail(E.ESRCH));
}

/** setpgid(2), its checks in the order of kernel/sys.c. */
function setpgid(task: Task, pid: number, wanted: number): number {
  const { process, kernel } = task;
  const group = wanted === 0 ? pid || process.pid : wanted;
  if (group < 0) fail(E.EINVAL);
  const target = pid === 0 ? process : (kernel.processes.get(pid) ?? fail(E.ESRCH));
  if (target !== process) {
    if (target.parent !== process) fail(E.ESRCH);
    if (target.session !== process.session) fail(E.EPERM);
    if (target.hasExecuted) fail(E.EACCES);
  }
  if (target.session === target.pid) fail(E.EPERM);
  if (group !== target.pid) {
    const there = [...kernel.processes.values()].some((one) => one.group === group && one.session === process.session);
    if (!there) fail(E.EPERM);
  }
  target.group = group;
  return 0;
}

const allCpus = (task: Task): bigint => (1n << BigInt(task.kernel.cpus.count)) - 1n;

const ROBUST_HEAD_SIZE = 24;

export const PROCESS: readonly SyscallRow[] = [
  row(24, 'sched_yield', [], (task) => {
    const cpu = task.kernel.cpus.all[task.cpu]!;
    if (cpu.task === task && task.kernel.cpus.wanted(cpu)) task.kernel.cpus.preempt(cpu);
    return 0;
  }),
  row(39, 'getpid', [], (task) => task.process.pid),
  row(
    60,
    'exit',
    [INT],
    (task, status) => {
      const { process } = task;
      task.exitStatus = status & 0xff;
      // The status of the last thread is the process's.
      if (process.tasks.size === 1) process.finish({ kind: 'exited', status: status & 0xff });
      task.kernel.endTask(task);
      return NO_RESULT;
    },
    'none',
  ),
  row(109, 'setpgid', [INT, INT], setpgid),
  row(110, 'getppid', [], (task) => task.process.parentPid),
  row(111, 'getpgrp', [], (task) => task.process.group),
  row(112, 'setsid', [], (task) => {
    const { process, kernel } = task;
    if ([...kernel.processes.values()].some(({ group }) => group === process.pid)) fail(E.EPERM);
    process.group = process.pid;
    process.session = process.pid;
    return process.pid;
  }),
  row(121, 'getpgid', [INT], (task, pid) => processOf(task, pid).group),
  row(124, 'getsid', [INT], (task, pid) => processOf(task, pid).session),
  row(
    135,
    'personality',
    [HEX],
    (task, value) => {
      const old = task.process.persona;
      if (value % 2 ** 32 !== 0xffff_ffff) task.process.persona = value % 2 ** 32;
      return old;
    },
    'flags',
  ),
  // 20 − nice, so that it is never negative.
  row(140, 'getpriority', [INT, INT], (task, which, who) => {
    if (which < 0 || which > 2) fail(E.EINVAL);
    if (which === 0) threadOf(task, who);
    return 20;
  }),
  row(141, 'setpriority', [INT, INT, INT], (_task, which) => (which < 0 || which > 2 ? fail(E.EINVAL) : 0)),
  row(157, 'prctl', [choice(PR), PRCTL_ARGUMENT, rest, rest, rest], prctl),
  row(158, 'arch_prctl', [choice(ARCH), ADDRESS], archPrctl),
  row(186, 'gettid', [], (task) => task.tid),
  row(203, 'sched_setaffinity', [INT, SIZE, ADDRESS], (task, pid, size, address) => {
    const target = threadOf(task, pid);
    const bytes = new Uint8Array(CPU_SET_BYTES);
    bytes.set(task.user.read(address, Math.min(size, CPU_SET_BYTES)));
    const mask = new DataView(bytes.buffer).getBigUint64(0, true) & allCpus(task);
    if (mask === 0n) fail(E.EINVAL);
    target.affinity = mask;
    // A thread that runs where it may not any more leaves its CPU at once.
    const cpu = task.kernel.cpus.all[target.cpu]!;
    if (cpu.task === target && ((mask >> BigInt(target.cpu)) & 1n) === 0n) task.kernel.cpus.preempt(cpu);
    return 0;
  }),
  row(204, 'sched_getaffinity', [INT, SIZE, OUT_CPUS], (task, pid, size, address) => {
    if (size < CPU_SET_BYTES || size % CPU_SET_BYTES !== 0) fail(E.EINVAL);
    task.user.setU64(address, threadOf(task, pid).affinity & allCpus(task));
    return CPU_SET_BYTES;
  }),
  row(218, 'set_tid_address', [ADDRESS], (task, address) => {
    task.clearTid = address;
    return task.tid;
  }),
  row(
    231,
    'exit_group',
    [INT],
    (task, status) => {
      task.process.finish({ kind: 'exited', status: status & 0xff });
      task.kernel.endTask(task);
      return NO_RESULT;
    },
    'none',
  ),
  row(273, 'set_robust_list', [ADDRESS, SIZE], (task, head, size) => {
    if (size !== ROBUST_HEAD_SIZE) fail(E.EINVAL);
    task.robustList = head;
    return 0;
  }),
  row(274, 'get_robust_list', [INT, ADDRESS, ADDRESS], (task, pid, head, size) => {
    const target = threadOf(task, pid);
    task.user.setU64(size, ROBUST_HEAD_SIZE);
    task.user.setU64(head, target.robustList);
    return 0;
  }),
  row(309, 'getcpu', [ADDRESS, ADDRESS, ADDRESS], (task, cpu, node) => {
    if (cpu !== 0) task.user.setU32(cpu, task.cpu);
    if (node !== 0) task.user.setU32(node, 0);
    return 0;
  }),
];
