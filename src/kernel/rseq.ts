import { SysError } from './errno.ts';
import type { Kernel } from './kernel.ts';
import { SIG } from './signals/numbers.ts';
import { SI } from './signals/state.ts';
import type { Task } from './task.ts';
import { TASK_SIZE } from './vm/layout.ts';

/**
 * `struct rseq`:
 *     +0 cpu_id_start u32   +4 cpu_id u32   +8 rseq_cs u64   +16 flags u32   +20 node_id u32   +24 mm_cid u32
 */
export const RSEQ = { cpuIdStart: 0, cpuId: 4, cs: 8, flags: 16, nodeId: 20, mmCid: 24 } as const;
/** `struct rseq_cs`: +0 version u32  +4 flags u32  +8 start_ip  +16 post_commit_offset  +24 abort_ip. */
const CS_BYTES = 32;
const SIGNATURE_BYTES = 4;

/** A critical section that is not one: the process gets SIGSEGV. */
class Violation extends Error {}

/** Which interface rseq(2) has: Linux's, or that of the seventh request for comments of 2016. */
export type RseqAbi = 'linux' | 'v7';

/** The interface, and what the RFC's review asked about it. */
export interface RseqOptions {
  readonly abi: RseqAbi;
  /** RFC: a switch is told only inside a section, or behind a migration. */
  readonly lazy: boolean;
  /** RFC: the event counter's value before the first event. */
  readonly counter: number;
}
export const LINUX_RSEQ: RseqOptions = { abi: 'linux', lazy: false, counter: 0 };

/** What has happened, for `--stats`. */
export interface RseqCounts {
  /** Ways back to user mode on which a registration was looked at. */
  notifications: number;
  aborts: number;
}

/** `struct rseq` of the RFC: +0 cpu_id s32  +4 event_counter u32  +8 rseq_cs u64. */
export const RSEQ_V7 = { cpuId: 0, eventCounter: 4, cs: 8, bytes: 16, align: 8 } as const;
/** Its `struct rseq_cs`: +0 start_ip  +8 post_commit_ip  +16 abort_ip. Nobody looks at the start. */
const V7_POST_COMMIT = 8;
const V7_ABORT = 16;

/** The way back to user mode of a thread with a registration (Linux: kernel/rseq.c). */
export class Rseq {
  readonly options: RseqOptions;
  readonly counts: RseqCounts = { notifications: 0, aborts: 0 };
  readonly #kernel: Kernel;

  constructor(kernel: Kernel, options: RseqOptions) {
    this.#kernel = kernel;
    this.options = options;
  }

  get abi(): RseqAbi {
    return this.options.abi;
  }

  /** Before a signal's frame is pushed: a critical section is left, so that the frame shows where it aborts to. */
  beforeSignal(task: Task): void {
    if (task.rseq === null) return;
    this.#settle(task);
    // The RFC counts the way into the handler too.
    if (this.abi === 'v7') task.scheduledIn = true;
  }

  /** Behind a switch or a registration: a section that was interrupted is aborted, and the numbers are written. */
  returning(task: Task): void {
    if (task.rseq === null) return;
    if (this.options.lazy && !task.migrated && task.rseqTold && this.#isIdle(task)) return;
    task.migrated = false;
    task.rseqTold = true;
    this.#settle(task);
  }

  /** Whether a thread is in no section, as far as its memory can be read. */
  #isIdle(task: Task): boolean {
    const at = task.rseq!.address + RSEQ_V7.cs;
    return task.user.span(at, 8, false) === 8 && task.user.u64(at) === 0n;
  }

  /** Writes the numbers of CPU, node and concurrency. @throws SysError EFAULT */
  writeIds(task: Task): void {
    const { address } = task.rseq!;
    task.user.setU32(address + RSEQ.cpuIdStart, task.cpu);
    task.user.setU32(address + RSEQ.cpuId, task.cpu);
    task.user.setU32(address + RSEQ.nodeId, 0);
    task.user.setU32(address + RSEQ.mmCid, this.concurrencyId(task));
  }

  /** mm_cid: the lowest number that no other thread of the address space has that is on a CPU now. */
  concurrencyId(task: Task): number {
    const taken = new Set<number>();
    for (const { task: other } of this.#kernel.cpus.all)
      if (other !== null && other !== task && other.space === task.space) taken.add(other.cid);
    let id = 0;
    while (taken.has(id)) id++;
    task.cid = id;
    return id;
  }

  #settle(task: Task): void {
    this.counts.notifications++;
    try {
      if (this.abi === 'v7') {
        this.#settleV7(task);
      } else {
        this.#fixup(task);
        this.writeIds(task);
      }
    } catch (error) {
      if (!(error instanceof SysError || error instanceof Violation)) throw error;
      this.#kernel.signals.force(task, { signal: SIG.SEGV, code: SI.KERNEL, address: 0n });
    }
  }

  #fixup(task: Task): void {
    const { address, signature } = task.rseq!;
    const { cpu } = this.#kernel.machine;
    const at = task.user.untag(task.user.u64(address + RSEQ.cs));
    if (at === 0n) return;
    if (at >= BigInt(TASK_SIZE - CS_BYTES)) throw new Violation();
    const view = task.user.view(Number(at), CS_BYTES);
    const start = view.getBigUint64(8, true);
    const length = view.getBigUint64(16, true);
    const abort = view.getBigUint64(24, true);
    const limit = BigInt(TASK_SIZE);
    const end = start + length;
    if (start >= limit || end >= limit || abort >= limit || view.getUint32(0, true) !== 0) throw new Violation();
    // Inside the section, so that an abort would never end.
    if (abort >= start && abort < end) throw new Violation();
    if (task.user.u32(Number(abort) - SIGNATURE_BYTES) !== signature) throw new Violation();
    if (view.getUint32(4, true) !== 0 || task.user.u32(address + RSEQ.flags) !== 0) throw new Violation();
    task.user.setU64(address + RSEQ.cs, 0n);
    if (BigInt.asUintN(64, cpu.rip - start) < length) this.#abort(task, abort);
  }

  /** The RFC's order: CPU and event counter, then the section, whose start nobody looks at. */
  #settleV7(task: Task): void {
    const { address } = task.rseq!;
    const { cpu } = this.#kernel.machine;
    task.rseqEvents = (task.rseqEvents + 1) >>> 0;
    task.user.setU32(address + RSEQ_V7.cpuId, task.cpu);
    task.user.setU32(address + RSEQ_V7.eventCounter, task.rseqEvents);
    const at = task.user.word(address + RSEQ_V7.cs);
    if (at === 0) return;
    const postCommit = task.user.u64(at + V7_POST_COMMIT);
    const abort = task.user.u64(at + V7_ABORT);
    if (cpu.rip >= postCommit) return;
    task.user.setU64(address + RSEQ_V7.cs, 0n);
    this.#abort(task, abort);
  }

  #abort(task: Task, abort: bigint): void {
    const { cpu } = this.#kernel.machine;
    this.counts.aborts++;
    this.#kernel.onAbort?.(task, cpu.rip, abort);
    cpu.rip = abort;
  }
}
