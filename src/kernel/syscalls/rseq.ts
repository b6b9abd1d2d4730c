import { RSEQ_ALIGN, RSEQ_FEATURE_SIZE } from '../auxv.ts';
import { E, fail } from '../errno.ts';
import { RSEQ as FIELD, RSEQ_V7 } from '../rseq.ts';
import type { Task } from '../task.ts';
import { TASK_SIZE } from '../vm/layout.ts';
import { ADDRESS, choice, flags, HEX32, INT, UINT } from './args.ts';
import { row, type SyscallRow } from './row.ts';

const RSEQ_FLAG_UNREGISTER = 1;
/** Bytes of the structure as it was first published; its registration keeps that layout's alignment. */
const ORIGINAL_SIZE = 32;
/** cpu_id while nothing is registered: RSEQ_CPU_ID_UNINITIALIZED. */
const UNINITIALIZED = 0xffff_ffff;

/** rseq(2) of the request for comments of 2016: a pointer and flags, checked in its order; no length, no signature. */
function rseqV7(task: Task, address: number, bits: number): number {
  if (bits !== 0) fail(E.EINVAL);
  const old = task.rseq;
  if (address === 0) return old === null ? fail(E.ENOENT) : 0;
  if (old !== null) return old.address === address ? 0 : fail(E.EBUSY);
  if (address % RSEQ_V7.align !== 0) fail(E.EINVAL);
  if (address + RSEQ_V7.bytes > TASK_SIZE) fail(E.EFAULT);
  task.rseq = { address, length: RSEQ_V7.bytes, signature: 0 };
  task.rseqEvents = task.kernel.rseq.options.counter;
  task.rseqTold = false;
  // Memory is written on the way back to user mode; where it cannot be, the process dies there.
  task.scheduledIn = true;
  return 0;
}

/** rseq(2), the order of its checks after kernel/rseq.c of Linux 6.18. */
function rseq(task: Task, address: number, length: number, bits: number, signature: number): number {
  if (task.kernel.rseq.abi === 'v7') return rseqV7(task, address, length | 0);
  const old = task.rseq;
  if (bits & RSEQ_FLAG_UNREGISTER) {
    if (bits & ~RSEQ_FLAG_UNREGISTER) fail(E.EINVAL);
    if (old === null || old.address !== address || old.length !== length) return fail(E.EINVAL);
    if (old.signature !== signature) fail(E.EPERM);
    resetIds(task, address);
    task.rseq = null;
    return 0;
  }
  if (bits !== 0) fail(E.EINVAL);
  if (old !== null) {
    if (old.address !== address || old.length !== length) fail(E.EINVAL);
    return fail(old.signature !== signature ? E.EPERM : E.EBUSY);
  }
  if (length < ORIGINAL_SIZE) fail(E.EINVAL);
  if (length === ORIGINAL_SIZE && address % ORIGINAL_SIZE !== 0) fail(E.EINVAL);
  if (length > ORIGINAL_SIZE && (address % RSEQ_ALIGN !== 0 || length < RSEQ_FEATURE_SIZE)) fail(E.EINVAL);
  if (address + length > TASK_SIZE) fail(E.EFAULT);
  task.user.setU64(address + FIELD.cs, 0n);
  task.rseq = { address, length, signature };
  // Linux writes the ids on the way back to user mode; nothing can look in between.
  task.kernel.rseq.writeIds(task);
  return 0;
}

function resetIds(task: Task, address: number): void {
  task.user.setU32(address + FIELD.cpuIdStart, 0);
  task.user.setU32(address + FIELD.cpuId, UNINITIALIZED);
  task.user.setU32(address + FIELD.nodeId, 0);
  task.user.setU32(address + FIELD.mmCid, 0);
}

const MEMBARRIER = {
  MEMBARRIER_CMD_QUERY: 0,
  MEMBARRIER_CMD_GLOBAL: 1,
  MEMBARRIER_CMD_GLOBAL_EXPEDITED: 2,
  MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED: 4,
  MEMBARRIER_CMD_PRIVATE_EXPEDITED: 8,
  MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED: 16,
  MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE: 32,
  MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE: 64,
  MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ: 128,
  MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ: 256,
  MEMBARRIER_CMD_GET_REGISTRATIONS: 512,
} as const;
const ALL_COMMANDS = 0x3ff;
const MEMBARRIER_CMD_FLAG_CPU = 1;

/** Aborts the critical sections of the process on all other CPUs, or on one. */
function restartOthers(task: Task, only: number | null): void {
  for (const { id, task: other } of task.kernel.cpus.all)
    if (other !== null && other !== task && other.space === task.space && (only === null || only === id))
      other.scheduledIn = true;
}

/** membarrier(2). CPUs take turns on one engine, so that all of them are ordered; only registrations and RSEQ do anything. */
function membarrier(task: Task, command: number, bits: number, target: number): number {
  const { process } = task;
  if (
    bits !== 0 &&
    !(command === MEMBARRIER.MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ && bits === MEMBARRIER_CMD_FLAG_CPU)
  ) {
    fail(E.EINVAL);
  }
  switch (command) {
    case MEMBARRIER.MEMBARRIER_CMD_QUERY:
      return ALL_COMMANDS;
    case MEMBARRIER.MEMBARRIER_CMD_GLOBAL:
    case MEMBARRIER.MEMBARRIER_CMD_GLOBAL_EXPEDITED:
      return 0;
    case MEMBARRIER.MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED:
    case MEMBARRIER.MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED:
    case MEMBARRIER.MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE:
    case MEMBARRIER.MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ:
      process.barriers |= command;
      return 0;
    case MEMBARRIER.MEMBARRIER_CMD_PRIVATE_EXPEDITED:
    case MEMBARRIER.MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE:
    case MEMBARRIER.MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ:
      // The registration of a command is the next bit.
      if ((process.barriers & (command << 1)) === 0) fail(E.EPERM);
      if (command === MEMBARRIER.MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ) restartOthers(task, bits === 0 ? null : target);
      return 0;
    case MEMBARRIER.MEMBARRIER_CMD_GET_REGISTRATIONS:
      return process.barriers;
    default:
      return fail(E.EINVAL);
  }
}

export const RSEQ: readonly SyscallRow[] = [
  row(324, 'membarrier', [choice(MEMBARRIER), UINT, INT], membarrier),
  row(334, 'rseq', [ADDRESS, HEX32, flags({ '0': 0, RSEQ_FLAG_UNREGISTER }), HEX32], rseq),
];
