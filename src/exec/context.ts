import type { Mmu } from '../memory/mmu.ts';
import { raise } from '../memory/mmu.ts';
import type { HelperContext, MachineServices } from '../semantics/helpers/helper.ts';
import type { CpuState } from '../state/cpu-state.ts';
import * as L from '../state/layout.ts';
import { PENDING_KIND, VECTOR } from '../state/pending.ts';
import { Breakpoints } from './breakpoints.ts';
import type { Exit, Fault } from './exit.ts';
import { fetchInsn } from './fetch.ts';
import { refusal } from './vector-access.ts';

/** The helpers' view of CPU, memory and machine; one object for all engines of a CPU. */
export class ExecContext implements HelperContext {
  readonly cpu: CpuState;
  readonly mmu: Mmu;
  readonly machine: MachineServices;
  readonly breakpoints: Breakpoints;
  /** Set by the machine: whether it wants to be asked before the next instruction. */
  attention: () => boolean = () => false;
  #watching = false;
  /** Set by the engine: instructions retired before the one that runs. */
  count: () => number = () => 0;

  /** Where the instruction that ended by itself goes on; null: none did. */
  #retiredAt: bigint | null = null;
  #stepCancelled = false;

  constructor(cpu: CpuState, mmu: Mmu, machine: MachineServices) {
    this.cpu = cpu;
    this.mmu = mmu;
    this.machine = machine;
    this.breakpoints = new Breakpoints(cpu);
    mmu.code.refuse = (insn) => refusal(insn, cpu);
  }

  get icount(): number {
    return this.count();
  }

  fault(vector: number, errorCode: number | null): void {
    raise(this.cpu, vector, errorCode);
  }

  stop(reason: number): void {
    this.cpu.view.setInt32(L.PENDING, reason, true);
  }

  read(address: bigint, width: number, fault: 'general' | 'stack' = 'general'): bigint | null {
    return this.mmu.read(address, width / 8, fault === 'stack');
  }

  write(address: bigint, value: bigint, width: number, fault: 'general' | 'stack' = 'general'): boolean {
    return this.mmu.write(address, value, width / 8, fault === 'stack');
  }

  probeWrite(address: bigint, bytes: number, fault: 'general' | 'stack' = 'general'): boolean {
    return this.mmu.probeWrite(address, bytes, fault === 'stack');
  }

  readSystem(address: bigint, width: number): bigint | null {
    return this.mmu.asSystem(() => this.read(address, width));
  }

  writeSystem(address: bigint, value: bigint, width: number, fault: 'general' | 'stack' = 'general'): boolean {
    return this.mmu.asSystem(() => this.write(address, value, width, fault));
  }

  probeSystem(address: bigint, bytes: number, fault: 'general' | 'stack' = 'general'): boolean {
    return this.mmu.asSystem(() => this.probeWrite(address, bytes, fault));
  }

  retire(rip: bigint, reason: number = PENDING_KIND.resume): void {
    this.#retiredAt = rip;
    this.stop(reason);
  }

  /** Whether an instruction has ended by itself and `settle` is still to come. */
  get hasRetired(): boolean {
    return this.#retiredAt !== null;
  }

  /** Behind a run of an engine: brings RIP and the count to where an instruction that ended by itself left them. */
  settle(): void {
    if (this.#retiredAt === null) return;
    this.cpu.rip = this.#retiredAt;
    this.cpu.icount += 1;
    this.#retiredAt = null;
  }

  cancelStep(): void {
    this.#stepCancelled = true;
  }

  /** Whether a single-step trap was cancelled since this was asked last. */
  takeStepCancelled(): boolean {
    const cancelled = this.#stepCancelled;
    this.#stepCancelled = false;
    return cancelled;
  }

  decodingChanged(): void {
    this.mmu.code.forget();
  }

  portUsed(port: number, bytes: number): void {
    this.breakpoints.port(port, bytes);
  }

  /** Has data accesses looked at while a breakpoint is on any, and only then. */
  watchData(): void {
    const { breakpoints } = this;
    const watches = breakpoints.armed && breakpoints.watchesData;
    if (watches === this.#watching) return;
    this.#watching = watches;
    this.mmu.watch = watches ? (access) => breakpoints.access(access) : null;
  }

  modeChanged(): void {
    this.mmu.flushFast();
  }

  /** Takes the fault that is pending; the address of a #PF goes to CR2. */
  takeFault(): Fault {
    const { view } = this.cpu;
    view.setInt32(L.PENDING, PENDING_KIND.none, true);
    const vector = view.getInt32(L.FAULT_VECTOR, true);
    const code = view.getInt32(L.FAULT_ERROR, true);
    const cr2 = vector === VECTOR.PF ? this.cpu.u64(L.FAULT_ADDRESS) : null;
    if (cr2 !== null) this.cpu.setU64(L.CR2, cr2);
    return { vector, errorCode: code < 0 ? null : code, cr2 };
  }

  /** Takes what is pending, as the exit that an engine returns. */
  takeExit(): Exit {
    const view = this.cpu.view;
    const kind = view.getInt32(L.PENDING, true);
    view.setInt32(L.PENDING, PENDING_KIND.none, true);
    switch (kind) {
      case PENDING_KIND.fault:
        return { kind: 'fault', fault: this.takeFault() };
      case PENDING_KIND.trap:
        return { kind: 'fault', fault: { vector: view.getInt32(L.FAULT_VECTOR, true), errorCode: null, cr2: null } };
      case PENDING_KIND.syscall:
        return { kind: 'syscall' };
      case PENDING_KIND.hlt:
        return { kind: 'hlt' };
      case PENDING_KIND.unimplemented: {
        const { mnemonic, bytes } = fetchInsn(this.mmu, this, this.cpu.rip)!.insn;
        return { kind: 'unimplemented', mnemonic, bytes };
      }
      default:
        throw new Error(`nothing is pending (${kind})`);
    }
  }
}
