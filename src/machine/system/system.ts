import { milliseconds } from '../../bits/clock.ts';
import type { EngineName } from '../../exec/engine.ts';
import type { Exit, Fault } from '../../exec/exit.ts';
import { fetchInsn, fetchLegacy } from '../../exec/fetch.ts';
import { CodeWrites, InstructionCache, type StaleCode } from '../../memory/icache.ts';
import type { FreedWalk, StaleUse } from '../../memory/mmu.ts';
import { pageWalk } from '../../memory/page-walk.ts';
import { SEGMENT } from '../../state/descriptors.ts';
import * as L from '../../state/layout.ts';
import { codeBits, isLongMode } from '../../state/mode.ts';
import { FLAG } from '../../state/rflags.ts';
import { Machine } from '../machine.ts';
import type { Platform } from '../platform.ts';
import { cpuHash, memoryHash } from '../state-hash.ts';
import { type ApicBus, DELIVERY, type InterruptCommand, type LocalApic, REG } from './apic.ts';
import { MONITOR_LINE, systemCpuid } from './cpuid.ts';
import { FwCfg } from './fw-cfg.ts';
import { Pic } from './pic.ts';
import { Pit } from './pit.ts';
import { PortBus } from './ports.ts';
import { debugExit, keyboardReset, type PowerEvent, resetControl } from './power.ts';
import { RoundRobin, type Scheduler } from './scheduler.ts';
import { DebugConsole, Serial } from './serial.ts';
import { type SpeculatedWalk, type SpeculationPlan, Speculator } from './speculator.ts';
import { protectCpu, resetCpu, startAt } from './start.ts';
import { type TraceSink, tracePort } from './trace-port.ts';
import { type Activity, type Monitored, Vcpu } from './vcpu.ts';

/** APICs have numbers of 8 bits, and the last is everybody's. */
export const MOST_CPUS = 255;

export interface SystemOptions {
  readonly memory?: number;
  readonly engine?: EngineName;
  readonly hotAfter?: number;
  /** Which CPU they are (`profileOf`). */
  readonly cpu?: string;
  /** CPUs, 1 to 255. */
  readonly cpus?: number;
  readonly scheduler?: Scheduler;
  /** Takes what the guest sends to its serial port. */
  readonly serial?: (byte: number) => void;
  /** Takes what the guest reports to its trace port. */
  readonly trace?: TraceSink;
  /** Takes every data access by a translation that was cached before the page tables changed. */
  readonly staleUse?: (use: StaleUse & { readonly cpu: number }) => void;
  /** Takes every walk through a table that the page tables do not lead to any more. */
  readonly freedWalk?: (walk: FreedWalk & { readonly cpu: number }) => void;
  /** Walks that CPUs make without having been asked; takes what comes of each. */
  readonly speculation?: {
    readonly plans: readonly SpeculationPlan[];
    readonly seed: number;
    readonly report: (walk: SpeculatedWalk) => void;
  };
  /** Takes every store to the local APIC's page where it has no register, or none that takes the value. */
  readonly strayApicWrite?: (write: StrayWrite) => void;
  /** Looks at every exception before it is delivered, on the CPU whose state is in the registers. */
  readonly exception?: (fault: Fault, cpu: number) => void;
  /** Instruction caches that are coherent only by serializing instructions; takes what they show. The engine is then the reference. */
  readonly icache?: { readonly seed: number; readonly report: (found: StaleCode) => void };
}

/** A store that met nothing. */
export interface StrayWrite {
  readonly cpu: number;
  readonly physical: number;
  readonly size: number;
  readonly value: bigint;
}

/** Why a system stopped: a closed union. `cpu` says whose state is in the registers. */
export type SystemStop =
  | { readonly reason: 'exit'; readonly status: number }
  | { readonly reason: 'reset' | 'max-insns' | 'timeout' }
  /** Every CPU is halted and nothing can wake one: with interrupts off everywhere, or with nothing under way. */
  | { readonly reason: 'deadlock' | 'idle' }
  | { readonly reason: 'shutdown'; readonly cpu: number; readonly faults: readonly Fault[] }
  | { readonly reason: 'fault'; readonly cpu: number; readonly fault: Fault }
  | { readonly reason: 'unimplemented'; readonly cpu: number; readonly mnemonic: string; readonly bytes: Uint8Array };

export interface SystemLimits {
  /** Of all CPUs together. */
  readonly instructions?: number;
  readonly milliseconds?: number;
}

/** An interrupt between CPUs that has not arrived. */
interface Delivery {
  readonly at: number;
  readonly from: LocalApic;
  readonly target: Vcpu;
  readonly command: InterruptCommand;
}

const IA32_APIC_BASE = 0x1b;
const IA32_TSC_DEADLINE = 0x6e0;
const X2APIC = 0x800;
const X2APIC_END = 0x83f;
const LOW = 0xffff_ffffn;
const LVT_MASKED = 1 << 16;
const APIC_PAGE = 0x1000;
/** How often the clock is looked at. */
const LOOK_AFTER = 200_000;

/**
 * A machine of several CPUs with local APICs and the devices of a PC, run by one engine: a scheduler decides who runs, and the state of
 * the others waits. Time is the number of instructions that all CPUs have executed, and what they have slept.
 */
export class System implements ApicBus {
  readonly machine: Machine;
  readonly vcpus: readonly Vcpu[];
  readonly #scheduler: Scheduler;
  readonly #ports = new PortBus();
  readonly #pit: Pit;
  readonly #pic = new Pic();
  #current: Vcpu;
  /** Virtual time when the current slice began, and the CPU's count then. */
  #time = 0;
  #sliceStart = 0;
  #deliveries: Delivery[] = [];
  #power: PowerEvent | null = null;
  #strayWrite: (write: StrayWrite) => void = () => {};
  #speculator: Speculator | null = null;
  /** CPU, count and RIP when the speculator was asked last. */
  #speculatedAt = '';

  /** @throws RangeError when the memory size or the number of CPUs is out of bounds */
  constructor(options: SystemOptions = {}) {
    const count = options.cpus ?? 1;
    if (!(count >= 1 && count <= MOST_CPUS)) throw new RangeError(`1 to ${MOST_CPUS} CPUs, not ${count}`);
    this.#scheduler = options.scheduler ?? new RoundRobin();
    this.vcpus = Array.from({ length: count }, (_, id) => new Vcpu(id, this));
    this.#current = this.vcpus[0]!;
    this.#pit = new Pit(() => this.now());
    const { memory, engine, hotAfter, cpu } = options;
    this.machine = new Machine({
      ...(memory === undefined ? {} : { memory }),
      ...(options.icache !== undefined ? { engine: 'reference' } : engine === undefined ? {} : { engine }),
      ...(hotAfter === undefined ? {} : { hotAfter }),
      ...(cpu === undefined ? {} : { cpu }),
      platform: this.#platform(),
    });
    if (options.icache !== undefined) this.#instructionCaches(options.icache);
    const { staleUse } = options;
    if (staleUse !== undefined) this.machine.mmu.staleUse = (use) => staleUse({ ...use, cpu: this.#current.id });
    this.#strayWrite = options.strayApicWrite ?? this.#strayWrite;
    const { exception, freedWalk, speculation } = options;
    const { mmu } = this.machine;
    if (freedWalk !== undefined) mmu.freedWalk = (walk) => freedWalk({ ...walk, cpu: this.#current.id });
    if (speculation !== undefined)
      this.#speculator = new Speculator(speculation.plans, speculation.seed, mmu, speculation.report);
    if (exception !== undefined) this.machine.onException = (fault) => exception(fault, this.#current.id);
    const send = options.serial ?? (() => {});
    const end = (event: PowerEvent): void => {
      this.#power ??= event;
    };
    this.#ports.add(
      new Serial(send),
      new DebugConsole(send),
      debugExit(end),
      keyboardReset(end),
      resetControl(end),
      tracePort(options.trace, (at) => ({ at, cpu: this.#current.id, time: this.now() })),
      new FwCfg(count, this.machine.memory.size),
      this.#pit,
      this.#pit.gate,
      this.#pic.master,
      this.#pic.slave,
    );
    for (const vcpu of this.vcpus) {
      resetCpu(this.machine.cpu);
      this.machine.cpu.icount = 0;
      this.#save(vcpu);
    }
    this.#load(this.#current);
  }

  #instructionCaches({ seed, report }: NonNullable<SystemOptions['icache']>): void {
    const { memory, mmu } = this.machine;
    const writes = new CodeWrites(memory, mmu.code);
    for (const vcpu of this.vcpus)
      vcpu.icache = new InstructionCache(vcpu.id, seed + vcpu.id, memory, mmu.code, writes, report);
    mmu.code.connect((physical, length) => this.#current.icache?.drop(physical, length));
  }

  /** Starts the first CPU at a physical address, as a boot loader does: flat 32-bit protected mode. EAX and EBX as given. */
  start(entry: number, eax: number, ebx: number): void {
    const { cpu } = this.machine;
    protectCpu(cpu, entry);
    cpu.setGpr(0, BigInt(eax >>> 0));
    cpu.setGpr(3, BigInt(ebx >>> 0));
    this.machine.mmu.flush('all');
    this.#current.activity = 'running';
  }

  /** The CPU whose state is in the registers. */
  get current(): number {
    return this.#current.id;
  }

  /** Instructions that a CPU has executed. */
  count(id: number): number {
    return id === this.#current.id ? this.machine.cpu.icount : this.vcpus[id]!.icount;
  }

  /** What every CPU is doing, and where. */
  places(): { readonly id: number; readonly activity: Activity; readonly rip: bigint }[] {
    return this.vcpus.map((vcpu) => {
      const here = vcpu === this.#current;
      return { id: vcpu.id, activity: vcpu.activity, rip: here ? this.machine.cpu.rip : this.#saved(vcpu, L.RIP) };
    });
  }

  /** Virtual time: instructions of all CPUs together, and sleep. */
  now(icount = this.machine.context.icount): number {
    return this.#time + icount - this.#sliceStart;
  }

  /** Hashes of every CPU's state, and of memory: the same for the same run on every engine. */
  hash(): string {
    const was = this.#current;
    const hashes = this.vcpus.map((vcpu) => {
      this.#switchTo(vcpu);
      return cpuHash(this.machine);
    });
    this.#switchTo(was);
    return [...hashes, memoryHash(this.machine.memory)].join('.');
  }

  // ——— CPUs ———

  #save(vcpu: Vcpu): void {
    vcpu.state.take(this.machine.cpu);
    vcpu.icount = this.machine.cpu.icount;
  }

  #load(vcpu: Vcpu): void {
    vcpu.state.put(this.machine.cpu);
    this.machine.cpu.icount = vcpu.icount;
    this.machine.mmu.exchange(vcpu.tlb);
    this.machine.mmu.icache = vcpu.icache;
    this.#current = vcpu;
    this.#sliceStart = this.machine.cpu.icount;
  }

  #switchTo(vcpu: Vcpu): void {
    if (vcpu === this.#current) return;
    this.#save(this.#current);
    this.#load(vcpu);
  }

  #platform(): Platform {
    const apic = (): LocalApic => this.#current.apic;
    return {
      cpuid: (leaf, subleaf, own) => {
        const keys = (this.machine.cpu.u64(L.CR4) & (1n << 22n)) !== 0n;
        return systemCpuid(own, leaf, subleaf, this.#current.id, this.vcpus.length, keys, this.machine.profile.system);
      },
      now: (icount) => BigInt(this.now(icount)),
      interruptWaits: () => this.#interruptWaits(this.#current),
      takeInterrupt: () =>
        this.#priority(this.#current).waiting >= 0 ? apic().acknowledge() : this.#pic.acknowledge(),
      monitor: (linear) => this.#monitor(linear),
      mwait: (interruptsBreak) => this.#mwait(interruptsBreak),
      nmiWaits: () => apic().nmi,
      takeNmi: () => {
        apic().nmi = false;
        return 2;
      },
      portIn: (port, bytes) => this.#ports.read(port, bytes),
      portOut: (port, bytes, value) => {
        this.#ports.write(port, bytes, value);
        return true;
      },
      readMsr: (number) => this.#readMsr(apic(), number),
      writeMsr: (number, value) => this.#writeMsr(apic(), number, value),
      memoryRead: (physical, size) => {
        const n = this.#apicRegister(physical, size);
        return n === null ? BigInt.asUintN(8 * size, -1n) : BigInt(this.#priority(this.#current).read(n) ?? 0);
      },
      memoryWrite: (physical, size, value) => {
        const n = this.#apicRegister(physical, size);
        if (n === null || !apic().write(n, Number(value & LOW))) this.#stray({ physical, size, value });
        if (n === REG.tpr) this.machine.cpu.setU64(L.CR8, BigInt(apic().tpr >> 4));
      },
    };
  }

  /** The APIC with its task priority, which CR8 holds too. */
  #priority(vcpu: Vcpu): LocalApic {
    const cr8 = Number(vcpu === this.#current ? this.machine.cpu.u64(L.CR8) : this.#saved(vcpu, L.CR8));
    if (vcpu.apic.tpr >> 4 !== cr8) vcpu.apic.tpr = cr8 << 4;
    return vcpu.apic;
  }

  #saved(vcpu: Vcpu, at: number): bigint {
    return vcpu.state.u64(at);
  }

  #interruptWaits(vcpu: Vcpu): boolean {
    if (this.#priority(vcpu).waiting >= 0) return true;
    // The interrupt controller is wired to LINT0 of the first CPU.
    const { apic } = vcpu;
    const wired =
      !apic.softwareEnabled || (((apic.lint0 >> 8) & 7) === DELIVERY.external && !(apic.lint0 & LVT_MASKED));
    return vcpu.id === 0 && wired && this.#pic.waits;
  }

  /** Says so of a store in the APIC's page, whose error status register knows of it too. */
  #stray(write: Omit<StrayWrite, 'cpu'>): void {
    const { apic, id } = this.#current;
    const offset = write.physical - Number(apic.base & 0xff_ffff_f000n);
    if (!apic.enabled || apic.x2 || offset < 0 || offset >= APIC_PAGE) return;
    apic.strayAccess();
    this.#strayWrite({ ...write, cpu: id });
  }

  /** Number of the APIC register at a physical address; null where there is none. */
  #apicRegister(physical: number, size: number): number | null {
    const { apic } = this.#current;
    const base = Number(apic.base & 0xff_ffff_f000n);
    const offset = physical - base;
    if (!apic.enabled || apic.x2 || offset < 0 || offset >= 0x400 || offset % 16 !== 0 || size > 8) return null;
    return offset >> 4;
  }

  #readMsr(apic: LocalApic, number: number): bigint | null {
    if (number === IA32_APIC_BASE) return apic.base;
    if (number === IA32_TSC_DEADLINE) return apic.deadline;
    if (number < X2APIC || number > X2APIC_END || !apic.x2) return null;
    if (number - X2APIC === REG.icr) return apic.icr;
    const value = this.#priority(this.#current).read(number - X2APIC);
    return value === null ? null : BigInt(value >>> 0);
  }

  #writeMsr(apic: LocalApic, number: number, value: bigint): boolean {
    if (number === IA32_APIC_BASE) return apic.setBase(value);
    if (number === IA32_TSC_DEADLINE) {
      apic.deadline = value;
      return true;
    }
    if (number < X2APIC || number > X2APIC_END || !apic.x2) return false;
    const n = number - X2APIC;
    if (n === REG.icr) {
      apic.command(Number(value & LOW), Number(value >> 32n));
      return true;
    }
    if (value >> 32n || !apic.write(n, Number(value))) return false;
    if (n === REG.tpr) this.machine.cpu.setU64(L.CR8, BigInt(apic.tpr >> 4));
    return true;
  }

  // ——— interrupts between CPUs ———

  send(from: LocalApic, command: InterruptCommand): void {
    const { mode, shorthand } = command;
    if (mode === DELIVERY.init && !command.assert) return;
    const chosen = this.vcpus.filter(({ apic }) => {
      if (shorthand === 1) return apic === from;
      if (shorthand === 2) return true;
      if (shorthand === 3) return apic !== from;
      return apic.matches(command.destination, command.logical, command.x2);
    });
    const targets = mode === DELIVERY.lowest ? chosen.slice(0, 1) : chosen;
    for (const target of targets) {
      const latency = target.apic === from ? 0 : this.#scheduler.latency();
      // What one CPU sends to another arrives in order.
      const before = this.#deliveries.findLast((one) => one.from === from && one.target === target)?.at ?? 0;
      this.#deliveries.push({ at: Math.max(before, this.now() + latency), from, target, command });
    }
    // Stable: what was sent first arrives first at equal times.
    this.#deliveries.sort((a, b) => a.at - b.at);
  }

  #arrive({ target, command }: Delivery): void {
    switch (command.mode) {
      case DELIVERY.fixed:
      case DELIVERY.lowest:
        return target.apic.accept(command.vector);
      case DELIVERY.nmi:
        target.apic.nmi = true;
        return;
      case DELIVERY.init:
        return this.#initialise(target);
      case DELIVERY.startup:
        if (target.activity !== 'waiting') return;
        this.#switchTo(target);
        startAt(this.machine.cpu, command.vector);
        target.activity = 'running';
    }
  }

  #initialise(target: Vcpu): void {
    this.#switchTo(target);
    target.apic.reset();
    resetCpu(this.machine.cpu);
    this.machine.mmu.flush('all');
    target.activity = target.id === 0 ? 'running' : 'waiting';
  }

  #monitor(linear: bigint): void {
    const { memory, cpu } = this.machine;
    const { physical } = pageWalk(memory, cpu, linear);
    const line = physical === null ? 0 : physical - (physical % MONITOR_LINE);
    const known = physical !== null && line + MONITOR_LINE <= memory.size;
    this.#current.monitored = known ? { physical: line, bytes: memory.bytes(line, MONITOR_LINE).slice() } : null;
  }

  #mwait(interruptsBreak: boolean): boolean {
    const { monitored } = this.#current;
    this.#current.monitored = null;
    if (monitored === null || this.#written(monitored)) return false;
    this.#current.awaits = { ...monitored, interruptsBreak };
    return true;
  }

  /** Whether a watched line has changed; a store of what stands there already changes nothing for whoever waits. */
  #written({ physical, bytes }: Monitored): boolean {
    const now = this.machine.memory.bytes(physical, MONITOR_LINE);
    return bytes.some((byte, i) => byte !== now[i]);
  }

  /** Whether something has come that wakes a halted CPU. */
  #wakes(vcpu: Vcpu): boolean {
    if (vcpu.apic.nmi) return true;
    const { awaits } = vcpu;
    if (awaits !== null && (this.#written(awaits) || (awaits.interruptsBreak && this.#interruptWaits(vcpu))))
      return true;
    const flags = vcpu === this.#current ? this.machine.cpu.rflags : Number(this.#saved(vcpu, L.SYSTEM_FLAGS) & LOW);
    return (flags & FLAG.IF) !== 0 && this.#interruptWaits(vcpu);
  }

  /** Goes on behind HLT. */
  #wake(vcpu: Vcpu): void {
    this.#switchTo(vcpu);
    const { cpu, mmu, context } = this.machine;
    const linear = isLongMode(cpu) ? cpu.rip : BigInt.asUintN(32, cpu.segment(SEGMENT.CS).base + cpu.rip);
    const fetched = isLongMode(cpu) ? fetchInsn(mmu, context, linear) : fetchLegacy(context, linear, codeBits(cpu));
    cpu.rip += BigInt(fetched?.insn.length ?? 1);
    cpu.icount += 1;
    this.#sliceStart = cpu.icount;
    vcpu.activity = 'running';
    vcpu.awaits = null;
  }

  // ——— time ———

  /** When something happens by itself next; null: never. */
  #nextEvent(): number | null {
    let next: number | null = this.#deliveries[0]?.at ?? null;
    for (const at of [this.#pit.fires, ...this.vcpus.map(({ apic }) => apic.fires)])
      if (at !== null && (next === null || at < next)) next = at;
    return next;
  }

  /** Lets happen what is due. */
  #settle(): void {
    const now = this.#time;
    if (this.#pit.tick(now)) this.#pic.raise(0);
    for (const { apic } of this.vcpus) apic.tick(now);
    while (this.#deliveries.length > 0 && this.#deliveries[0]!.at <= now) this.#arrive(this.#deliveries.shift()!);
    for (const vcpu of this.vcpus) if (vcpu.activity === 'halted' && this.#wakes(vcpu)) this.#wake(vcpu);
  }

  /** Runs until something ends it. */
  run(limits: SystemLimits = {}): SystemStop {
    const { cpu } = this.machine;
    const most = limits.instructions ?? Number.POSITIVE_INFINITY;
    const deadline = limits.milliseconds === undefined ? null : milliseconds() + limits.milliseconds;
    let done = 0;
    let looked = 0;
    let quantum = 0;
    this.#sliceStart = cpu.icount;
    for (;;) {
      this.#settle();
      if (this.#power !== null) return this.#ended(this.#power);
      if (done >= most) return { reason: 'max-insns' };
      const runnable = this.vcpus.filter(({ activity }) => activity === 'running').map(({ id }) => id);
      const next = this.#nextEvent();
      if (runnable.length === 0) {
        if (next === null) return { reason: this.#isDeadlocked() ? 'deadlock' : 'idle' };
        this.#time = Math.max(this.#time, next);
        if (deadline !== null && milliseconds() >= deadline) return { reason: 'timeout' };
        continue;
      }
      if (quantum <= 0 || this.#current.activity !== 'running' || !runnable.includes(this.#decided)) {
        const decision = this.#scheduler.next(runnable);
        this.#decided = decision.cpu;
        quantum = decision.instructions;
      }
      this.#switchTo(this.vcpus[this.#decided]!);
      const slice = Math.max(
        1,
        Math.min(quantum, most - done, next === null ? quantum : next - this.#time, this.#speculate()),
      );
      this.#sliceStart = cpu.icount;
      const exit = this.#steps ? this.machine.step() : this.machine.run(slice);
      const ran = cpu.icount - this.#sliceStart;
      this.#time += ran;
      this.#sliceStart = cpu.icount;
      done += ran;
      quantum -= ran;
      const stop = this.#after(exit);
      if (stop !== null) return stop;
      if (deadline !== null && done - looked >= LOOK_AFTER) {
        looked = done;
        if (milliseconds() >= deadline) return { reason: 'timeout' };
      }
    }
  }

  #decided = 0;
  /** The next instruction runs by itself. */
  #steps = false;

  /** Makes the walks that are due here; gives how many instructions the CPU may run before it must look again. */
  #speculate(): number {
    const { cpu, engine } = this.machine;
    const { id } = this.#current;
    if (this.#speculator === null) return LOOK_AFTER;
    const here = `${id} ${cpu.icount} ${cpu.rip}`;
    if (here !== this.#speculatedAt) this.#speculator.before(id, cpu.rip, cpu.icount);
    this.#speculatedAt = here;
    engine.until = this.#speculator.until;
    this.#steps = this.#speculator.steps(id, cpu.rip);
    return this.#steps ? 1 : Math.min(LOOK_AFTER, this.#speculator.most(id, cpu.icount));
  }

  #after(exit: Exit): SystemStop | null {
    const { id } = this.#current;
    switch (exit.kind) {
      case 'count':
      case 'until':
        return null;
      case 'hlt':
        this.#current.activity = 'halted';
        return null;
      case 'shutdown':
        return { reason: 'shutdown', cpu: id, faults: exit.faults };
      case 'fault':
        return { reason: 'fault', cpu: id, fault: exit.fault };
      case 'unimplemented':
        return { reason: 'unimplemented', cpu: id, mnemonic: exit.mnemonic, bytes: exit.bytes };
      case 'syscall':
        throw new Error('nobody plays the operating system of a system');
    }
  }

  #ended(event: PowerEvent): SystemStop {
    return event.kind === 'exit' ? { reason: 'exit', status: event.status } : { reason: 'reset' };
  }

  /** Whether every halted CPU has its interrupts off. */
  #isDeadlocked(): boolean {
    return this.vcpus.every((vcpu) => {
      if (vcpu.activity !== 'halted') return true;
      const flags = vcpu === this.#current ? this.machine.cpu.rflags : Number(this.#saved(vcpu, L.SYSTEM_FLAGS) & LOW);
      return (flags & FLAG.IF) === 0;
    });
  }
}
