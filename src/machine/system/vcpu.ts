import type { InstructionCache } from '../../memory/icache.ts';
import { Tlb } from '../../memory/tlb.ts';
import { SavedCpu } from '../../state/saved-cpu.ts';
import { type ApicBus, LocalApic } from './apic.ts';

/** What a CPU is doing. */
export type Activity =
  | 'running'
  /** HLT: an interrupt, an NMI or INIT wakes it. */
  | 'halted'
  /** Behind INIT: a start-up interrupt wakes it. */
  | 'waiting';

/** A line of memory and what stood in it. */
export interface Monitored {
  readonly physical: number;
  readonly bytes: Uint8Array;
}

/** One CPU while another one's state is in the registers: a copy of its state, its TLB, its local APIC. */
export class Vcpu {
  readonly id: number;
  readonly apic: LocalApic;
  readonly state = new SavedCpu();
  /** Instructions that it has executed. */
  icount = 0;
  readonly tlb = new Tlb();
  /** What it may execute although memory has changed; null where caches of instructions are coherent. */
  icache: InstructionCache | null = null;
  activity: Activity = 'waiting';
  /** The line that MONITOR watches, as it was then; null: none. */
  monitored: Monitored | null = null;
  /** What MWAIT waits for while the CPU is halted by it. */
  awaits: (Monitored & { readonly interruptsBreak: boolean }) | null = null;

  constructor(id: number, bus: ApicBus) {
    this.id = id;
    this.apic = new LocalApic(id, bus);
  }
}
