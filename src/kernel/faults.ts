import { type Fault, VECTOR } from '../exec/exit.ts';
import { XFD_ERR } from '../state/layout.ts';
import { SysError } from './errno.ts';
import { faultSignal, pushFlags } from './exceptions.ts';
import type { Kernel } from './kernel.ts';
import type { Task } from './task.ts';
import { vsyscall } from './vdso/vsyscall.ts';
import { PF } from './vm/flags.ts';
import { TASK_SIZE } from './vm/layout.ts';
import { useDisabled } from './xstate.ts';

/** An access faults once for its page and once more for a stale translation; a page crossing twice that. */
const MAX_SAME_FAULTS = 4;

/** Where the vDSO of 32-bit programs goes on behind INT 80h (Linux 6: int80_landing_pad). */
const LANDING_PAD = 0x5e9;
const SYSENTER = [0x0f, 0x34] as const;

function isSysenter({ user }: Task, rip: bigint): boolean {
  try {
    return user.read(Number(rip), SYSENTER.length).every((byte, n) => byte === SYSENTER[n]);
  } catch (error) {
    if (error instanceof SysError) return false;
    throw error;
  }
}

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
    if (fault.vector === VECTOR.GP && isSysenter(task, cpu.rip)) {
      this.#sysenter(task);
      return;
    }
    if (fault.vector === VECTOR.NM && cpu.u64(XFD_ERR) !== 0n) {
      const refused = useDisabled(task);
      if (refused === null) return;
      pushFlags(fault, cpu);
      this.#kernel.signals.force(task, { ...refused, fault });
      return;
    }
    const { signal, code, address } = faultSignal(fault, cpu);
    pushFlags(fault, cpu);
    task.trap = { vector: fault.vector, errorCode: fault.errorCode ?? 0, address: task.trap.address };
    this.#kernel.signals.force(task, { signal, code, address, fault });
  }

  /**
   * SYSENTER leads to the kernel's entry for 32-bit programs, which returns to their vDSO's landing pad, 32 bits of its address: in a
   * 64-bit process nothing is there.
   */
  #sysenter(task: Task): void {
    const { cpu } = this.#kernel.machine;
    const vdso = task.space.areas.all.find(({ name }) => name === '[vdso]');
    cpu.rip = BigInt.asUintN(32, BigInt((vdso?.start ?? 0) + LANDING_PAD));
    this.#pageFault(task, { vector: VECTOR.PF, errorCode: PF.USER | PF.FETCH, cr2: cpu.rip });
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
    pushFlags(fault, this.#kernel.machine.cpu);
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
