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

/** The way back to user mode of a thread with a registration (Linux: kernel/rseq.c). */
export class Rseq {
  readonly #kernel: Kernel;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** Before a signal's frame is pushed: a critical section is left, so that the frame shows where it aborts to. */
  beforeSignal(task: Task): void {
    if (task.rseq !== null) this.#settle(task, true);
  }

  /** Behind a switch: a section that was interrupted is aborted, and the numbers of CPU and task are written. */
  returning(task: Task): void {
    if (task.rseq !== null) this.#settle(task, true);
  }

  /** Writes the numbers. @throws SysError EFAULT */
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

  #settle(task: Task, event: boolean): void {
    try {
      this.#fixup(task, event);
      this.writeIds(task);
    } catch (error) {
      if (!(error instanceof SysError || error instanceof Violation)) throw error;
      this.#kernel.signals.force(task, { signal: SIG.SEGV, code: SI.KERNEL, address: 0n });
    }
  }

  #fixup(task: Task, event: boolean): void {
    const { address, signature } = task.rseq!;
    const { cpu } = this.#kernel.machine;
    const at = task.user.u64(address + RSEQ.cs);
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
    const inside = BigInt.asUintN(64, cpu.rip - start) < length;
    if (inside && !event) return;
    task.user.setU64(address + RSEQ.cs, 0n);
    if (inside) {
      cpu.rip = abort;
      this.#kernel.onAbort?.(task, start, abort);
    }
  }
}
