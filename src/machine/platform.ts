import type { CpuidLeaf } from './cpuid.ts';

/** What stands around the CPU that runs: its local APIC, the ports, devices in memory, the time. */
export interface Platform {
  /** A CPUID leaf, of which the CPU by itself says `own`. */
  cpuid(leaf: number, subleaf: number, own: CpuidLeaf): CpuidLeaf;
  /** Virtual time, one unit an instruction: of the machine as a whole, where the CPU's own count stands at `icount`. */
  now(icount: number): bigint;
  /** Whether an interrupt waits that the task priority lets through; RFLAGS.IF is not looked at. */
  interruptWaits(): boolean;
  /** Vector of that interrupt, which is now in service. */
  takeInterrupt(): number;
  /** MONITOR and MWAIT, as `MachineServices` has them. */
  monitor(linear: bigint): void;
  mwait(interruptsBreak: boolean): boolean;
  nmiWaits(): boolean;
  takeNmi(): number;
  portIn(port: number, bytes: number): number;
  /** True where the machine is to look at the platform before the next instruction. */
  portOut(port: number, bytes: number, value: number): boolean;
  /** Null where there is no such register, or it cannot be read. */
  readMsr(number: number): bigint | null;
  /** False where there is no such register, or it refuses the value. */
  writeMsr(number: number, value: bigint): boolean;
  /** Up to 8 bytes beyond RAM; all ones where there is nothing. */
  memoryRead(physical: number, size: number): bigint;
  memoryWrite(physical: number, size: number, value: bigint): void;
}
