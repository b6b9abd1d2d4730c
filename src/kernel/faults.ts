import { type Fault, VECTOR } from '../exec/exit.ts';
import { faultSignal } from './exceptions.ts';
import type { Kernel } from './kernel.ts';
import type { Task } from './task.ts';
import { vsyscall } from './vdso/vsyscall.ts';
import { PF } from './vm/flags.ts';
import { TASK_SIZE } from './vm/layout.ts';

/** An access faults once for its page and once more for a stale translation; a page crossing twice that. */
const MAX_SAME_FAULTS = 4;

/** Handles exceptions as Linux does: pages come in, everything else becomes a signal. */
export class Faults {
  readonly #kernel: Kernel;
  #last = { icount: -1, address: 0n, times: 0 };

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** An exception of the thread that runs. @throws OutOfMemory */
  handle(task: Task, fault: Fault): void {
    if (fault.vector === VECTOR.PF) {
      this.#pageFault(task, fault);
      return;
    }
    const { cpu } = this.#kernel.machine;
    const { signal, code, address } = faultSignal(fault, cpu);
    task.trap = { vector: fault.vector, errorCode: fault.errorCode ?? 0, address: task.trap.address };
    this.#kernel.signals.force(task, { signal, code, address, fault });
  }

  #pageFault(task: Task, fault: Fault): void {
    const { space } = task;
    const address = fault.cr2!;
    const errorCode = fault.errorCode!;
    if (errorCode & PF.FETCH && vsyscall(task, address)) return;
    const result = space.handleFault(Number(address), errorCode);
    if (result.ok) {
      this.#checkProgress(address);
      return;
    }
    const { signal, code } = result;
    // Linux hides whether a kernel address is mapped, and calls a page without rights absent (show_signal, PROT_NONE).
    const kernel = address >= BigInt(TASK_SIZE);
    const present = kernel || (space.tables.lookup(Number(address))?.user ?? false);
    const shown = { ...fault, errorCode: present ? errorCode | PF.PRESENT : errorCode & ~PF.PRESENT };
    task.trap = { vector: VECTOR.PF, errorCode: shown.errorCode, address };
    this.#kernel.signals.force(task, { signal, code, address, fault: shown });
  }

  /** A page fault that comes back after it was handled would be an error of the engine: better loud than for ever. */
  #checkProgress(address: bigint): void {
    const { icount } = this.#kernel.machine.cpu;
    const again = this.#last.icount === icount && this.#last.address === address;
    this.#last = { icount, address, times: again ? this.#last.times + 1 : 1 };
    if (this.#last.times > MAX_SAME_FAULTS) {
      throw new Error(`the page fault at 0x${address.toString(16)} does not go away`);
    }
  }
}
