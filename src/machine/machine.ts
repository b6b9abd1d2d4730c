import { ExecContext } from '../exec/context.ts';
import type { Engine, EngineName } from '../exec/engine.ts';
import type { Exit, Fault } from '../exec/exit.ts';
import { HOT_AFTER, Interpreter } from '../exec/interpreter/interpreter.ts';
import { Legacy } from '../exec/legacy.ts';
import { Reference } from '../exec/reference.ts';
import { CodePages } from '../memory/code-pages.ts';
import { Mmu } from '../memory/mmu.ts';
import { PhysicalMemory } from '../memory/physical.ts';
import '../semantics/index.ts';
import type { MachineServices } from '../semantics/helpers/helper.ts';
import { CpuState } from '../state/cpu-state.ts';
import * as L from '../state/layout.ts';
import { isIa32e, isLongMode, isRealMode } from '../state/mode.ts';
import { FIXED_ONE, FLAG } from '../state/rflags.ts';
import { clearTiles } from '../state/tiles.ts';
import { STATE_BIT } from '../state/xsave.ts';
import { type CpuidLeaf, cpuid, stateComponents } from './cpuid.ts';
import { Decoding } from './decoding.ts';
import { deliverException, deliverInterrupt } from './exceptions.ts';
import type { Platform } from './platform.ts';
import { type CpuProfile, profileOf } from './profiles.ts';
import { randomNumber } from './random-numbers.ts';

export interface MachineOptions {
  /** Bytes of guest RAM; 1 GiB where nothing is said. Untouched memory costs nothing. */
  readonly memory?: number;
  readonly engine?: EngineName;
  /** How often the head of a loop or function is reached before the engine `jit` compiles the code around it. */
  readonly hotAfter?: number;
  /** HLT ends the run at CPL 3 too, as bare guests end. */
  readonly haltEnds?: boolean;
  /** What stands around the CPU: interrupts, ports, devices in memory. None for a program without a machine of its own. */
  readonly platform?: Platform;
  /** Which CPU it is; `default` where nothing is said. */
  readonly cpu?: string;
  /** Decides what RDRAND and RDSEED give; 0 where nothing is said. */
  readonly seed?: number;
  /** SYSCALL works from the start (EFER.SCE) and ends the run, for somebody who plays the operating system. */
  readonly syscall?: boolean;
}

const DEFAULT_MEMORY = 1 << 30;
/** What reading a port gives where no device answers. */
const FLOATING_BUS = 0xffff_ffff;
/** Gates of user privilege in Linux's IDT: #BP and #OF. */
const USER_GATES: ReadonlySet<number> = new Set([3, 4]);

const CR0_INITIAL = 0x8005_0033n; // PG AM WP NE ET MP PE
const CR4_INITIAL = 0x1_06b0n; // FSGSBASE OSXMMEXCPT OSFXSR PGE PAE PSE
const CR4_OSXSAVE = 1n << 18n;
/** What the default profile may use without XSETBV, as CPUID does not tell of it. */
const EVERY_STATE = STATE_BIT.x87 | STATE_BIT.sse | STATE_BIT.avx | STATE_BIT.avx512;
/** CPUID leaf 7; LAM is bit 26 of EAX of its subleaf 1. */
const LEAF_FEATURES = 7;
const CPUID_LAM = 1 << 26;
const EFER_NXE_LMA_LME = 0xd00n;
const EFER_SCE = 1n;
const DR6_INITIAL = 0xffff_0ff0n;
const DR7_INITIAL = 0x400n;
const PAT_INITIAL = 0x0007_0406_0007_0406n;
const MXCSR_INITIAL = 0x1f80;
const X87_CW_INITIAL = 0x037f;
const X87_TW_EMPTY = 0xffff;
/** Selectors of user code and data as Linux numbers them. */
const USER_CS = 0x33;
const USER_SS = 0x2b;
const KERNEL_CS = 0x10;
const KERNEL_SS = 0x18;

/** One CPU in long mode with its memory. Everything about it is a function of what was loaded and of the seed. */
export class Machine {
  readonly memory: PhysicalMemory;
  readonly cpu: CpuState;
  readonly mmu: Mmu;
  readonly context: ExecContext;
  readonly engine: Engine;
  /** Decodes what is fetched. */
  readonly decoding: Decoding;
  /** What CPUID offers and what executes. */
  readonly profile: CpuProfile;
  readonly #options: MachineOptions;
  readonly #platform: Platform | null;
  /** Runs real, protected and compatibility mode. */
  readonly #legacy: Legacy;
  /** Runs by itself an instruction that reaches devices. */
  readonly #stepper: Engine;
  #pagingChanges = 0;
  /** An instruction wants the machine: to be run alone because it reaches devices, or because it has. */
  #asked = false;
  #alone = false;
  #longMode = true;
  #stepping = false;
  /** Who looks at every exception before it is delivered, with RIP where it was raised. */
  onException: ((fault: Fault) => void) | null = null;

  /** @throws RangeError when the memory size is out of bounds */
  constructor(options: MachineOptions = {}) {
    const { platform } = options;
    this.#platform = platform ?? null;
    this.memory = new PhysicalMemory(options.memory ?? DEFAULT_MEMORY);
    this.cpu = new CpuState(this.memory);
    this.#options = options;
    this.profile = profileOf(options.cpu ?? 'default');
    this.#initialise();
    this.mmu = new Mmu(this.memory, this.cpu, new CodePages());
    this.decoding = new Decoding(this.profile);
    const seed = options.seed ?? 0;
    const services: MachineServices = {
      cpuid: (leaf, subleaf) => {
        const own = this.cpuid(leaf, subleaf);
        return platform?.cpuid(leaf, subleaf, own) ?? own;
      },
      has: this.profile.has,
      decode: (bytes) => this.decoding.decode(bytes),
      decodeLegacy: (bytes, bits) => this.decoding.decodeLegacy(bytes, bits),
      random: (n) => randomNumber(seed, n),
      tsc: (icount) => platform?.now(icount) ?? BigInt(icount),
      haltEnds: options.haltEnds ?? false,
      syscallExits: options.syscall ?? false,
      interruptGates: USER_GATES,
      interruptWaits: () => platform?.interruptWaits() ?? false,
      monitor: (linear) => platform?.monitor(linear),
      // A CPU by itself has nobody to wait for.
      mwait: (interruptsBreak) => platform?.mwait(interruptsBreak) ?? false,
      alone: () => {
        if (platform === undefined || this.#alone) return true;
        this.#asked = true;
        return false;
      },
      readMsr: (number) => platform?.readMsr(number) ?? null,
      writeMsr: (number, value) => platform?.writeMsr(number, value) ?? false,
      pagingChanged: () => {
        this.#pagingChanges++;
      },
      flushTlb: (scope) => this.mmu.flush(scope),
      flushPage: (linear) => this.mmu.flushPage(linear),
      flushContext: (pcid, linear) => this.mmu.flushContext(pcid, linear),
      portIn: (port, bytes) => platform?.portIn(port, bytes) ?? FLOATING_BUS >>> (32 - 8 * bytes),
      portOut: (port, bytes, value) => {
        if (platform?.portOut(port, bytes, value) === true) this.#asked = true;
        return this.#asked;
      },
    };
    this.context = new ExecContext(this.cpu, this.mmu, services);
    this.context.attention = () => this.#asked || isLongMode(this.cpu) !== this.#longMode || this.#interruptible();
    this.#legacy = new Legacy(this.context);
    this.#stepper = new Reference(this.context);
    if (platform !== undefined)
      this.mmu.devices = {
        alone: services.alone,
        read: (physical, size) => platform.memoryRead(physical, size),
        write: (physical, size, value) => platform.memoryWrite(physical, size, value),
      };
    this.engine =
      options.engine === 'reference'
        ? new Reference(this.context)
        : new Interpreter(this.context, options.engine === 'interpreter' ? null : (options.hotAfter ?? HOT_AFTER));
  }

  /** How often the guest has loaded CR0, CR3 or CR4 since the machine was made. */
  get pagingChanges(): number {
    return this.#pagingChanges;
  }

  /** Registers, counters and translations as in a new machine. Memory stays as it is. */
  reset(): void {
    this.engine.until = null;
    this.cpu.u8.fill(0, L.STATE, L.STATE_END);
    clearTiles(this.cpu);
    this.#initialise();
    this.mmu.flush('all');
  }

  #initialise(): void {
    const { cpu } = this;
    cpu.setU64(L.CR0, CR0_INITIAL);
    cpu.setU64(L.CR4, CR4_INITIAL);
    cpu.setU64(L.EFER, EFER_NXE_LMA_LME | (this.#options.syscall ? EFER_SCE : 0n));
    const xsave = this.profile.reported.has('XSAVE');
    cpu.setU64(L.XCR0, xsave ? stateComponents(this.profile) : STATE_BIT.x87);
    if (xsave) cpu.setU64(L.CR4, CR4_INITIAL | CR4_OSXSAVE);
    // Linux lets nobody use tiles whom CPUID has not told of them.
    const always = this.#options.syscall ? EVERY_STATE : EVERY_STATE | STATE_BIT.amx;
    if (this.profile.has('AVX') && !xsave) cpu.view.setUint32(L.ALWAYS_USABLE, Number(always), true);
    cpu.settleUsable();
    cpu.setU64(L.PAT, PAT_INITIAL);
    cpu.setU64(L.CANONICAL_HALF, 1n << 47n);
    cpu.setU64(L.CANONICAL_SPAN, 1n << 48n);
    cpu.setU64(L.DR + 48, DR6_INITIAL);
    cpu.setU64(L.DR + 56, DR7_INITIAL);
    cpu.mxcsr = MXCSR_INITIAL;
    cpu.view.setUint16(L.X87_CW, X87_CW_INITIAL, true);
    cpu.view.setUint16(L.X87_TW, X87_TW_EMPTY, true);
    cpu.rflags = FIXED_ONE | FLAG.IF;
    this.setPrivilege(3);
  }

  /** Puts the CPU at CPL 0 or 3 with flat selectors. */
  setPrivilege(cpl: 0 | 3): void {
    const { cpu } = this;
    if (cpl === 3) cpu.setFlatSegments(USER_CS, USER_SS, 3);
    else cpu.setFlatSegments(KERNEL_CS, KERNEL_SS, 0);
    // Before the MMU is made there is nothing to drop.
    this.mmu?.flushFast();
  }

  /** Loads CR3 with the physical address of a PML4 and drops non-global translations. */
  setRoot(physical: number): void {
    this.cpu.setU64(L.CR3, BigInt(physical));
    this.mmu.flush('non-global');
  }

  flushTlb(): void {
    this.mmu.flush('all');
  }

  flushPage(linear: bigint): void {
    this.mmu.flushPage(linear);
  }

  /** EAX, EBX, ECX and EDX of a CPUID leaf, as the guest would read them now. */
  cpuid(leaf: number, subleaf: number): CpuidLeaf {
    const osxsave = (this.cpu.u64(L.CR4) & CR4_OSXSAVE) !== 0n;
    const own = cpuid(this.profile, leaf, subleaf, { osxsave, xcr0: this.cpu.u64(L.XCR0) });
    if (leaf !== LEAF_FEATURES || !this.#options.syscall || !this.has('LAM')) return own;
    // Linux lets programs use it, so they see it.
    const [a, b, c, d] = own;
    return subleaf === 1 ? [a | CPUID_LAM, b, c, d] : subleaf === 0 ? [Math.max(1, a), b, c, d] : own;
  }

  /** Whether the CPU has a feature, by the names of its profile. */
  has(feature: string): boolean {
    return this.profile.reported.has(feature) || this.profile.system.has(feature);
  }

  /**
   * Runs at most `budget` instructions. Once the guest has executed LIDT its exceptions go through its IDT; until then they end
   * the run. With a platform it returns early, with 'count', where the platform may have changed.
   */
  run(budget: number): Exit {
    const { cpu } = this;
    const end = cpu.icount + budget;
    for (;;) {
      if (this.#platform !== null) {
        const ended = this.#interrupt(this.#platform);
        if (ended !== null) return ended;
      }
      const exit = this.#slice(end - cpu.icount);
      const asked = this.#asked;
      this.#asked = false;
      if (exit.kind === 'count' && asked && cpu.icount < end) {
        const alone = this.#runAlone();
        if (alone.kind !== 'fault') return alone;
        const ended = this.#deliver(alone);
        if (ended !== null) return ended;
        continue;
      }
      if (exit.kind === 'fault') {
        const ended = this.#deliver(exit);
        if (ended !== null) return ended;
      } else if (exit.kind !== 'count' || cpu.icount >= end || this.#platform !== null) return exit;
    }
  }

  /** Runs one instruction, even where `engine.until` stands. */
  step(): Exit {
    this.#stepping = true;
    try {
      return this.run(1);
    } finally {
      this.#stepping = false;
    }
  }

  #slice(budget: number): Exit {
    this.#longMode = isLongMode(this.cpu);
    // In the shadow of STI or MOV SS an interrupt waits for one instruction more.
    const part = this.#interruptible() ? Math.min(budget, 1) : budget;
    const engine = this.#stepping ? this.#stepper : this.engine;
    return (this.#longMode ? engine : this.#legacy).run(part);
  }

  #runAlone(): Exit {
    return this.#byItself(() => (isLongMode(this.cpu) ? this.#stepper : this.#legacy).run(1));
  }

  /** Runs something that may reach devices: no engine holds anything back meanwhile. */
  #byItself<T>(run: () => T): T {
    this.#alone = true;
    try {
      return run();
    } finally {
      this.#alone = false;
    }
  }

  /** An exception through the guest's tables; the exit where it has none, or where nothing can be delivered any more. */
  #deliver(exit: Exit & { kind: 'fault' }): Exit | null {
    const { cpu } = this;
    this.onException?.(exit.fault);
    if (cpu.view.getUint8(L.GUEST_IDT) === 0) return exit;
    if (!isRealMode(cpu) && !isIa32e(cpu)) return exit;
    const faults = this.#byItself(() => deliverException(this.context, exit.fault));
    return faults === null ? null : { kind: 'shutdown', faults };
  }

  #interruptible(): boolean {
    const { cpu } = this;
    const open = (cpu.view.getUint32(L.SYSTEM_FLAGS, true) & FLAG.IF) !== 0;
    return this.#platform !== null && open && this.#platform.interruptWaits();
  }

  /** Delivers what waits at the platform and is not held off. */
  #interrupt(platform: Platform): Exit | null {
    const { cpu } = this;
    const now = BigInt(cpu.icount);
    const shadow = cpu.u64(L.STI_SHADOW) === now + 1n || cpu.u64(L.MOV_SS_SHADOW) === now + 1n;
    if (shadow) return null;
    let vector: number | null = null;
    if (platform.nmiWaits() && cpu.view.getUint8(L.NMI_BLOCKED) === 0) {
      vector = platform.takeNmi();
      cpu.view.setUint8(L.NMI_BLOCKED, 1);
    } else if (this.#interruptible()) vector = platform.takeInterrupt();
    if (vector === null) return null;
    if (!isRealMode(cpu) && !isIa32e(cpu))
      return { kind: 'unimplemented', mnemonic: 'interrupt', bytes: new Uint8Array() };
    const due = vector;
    const faults = this.#byItself(() => deliverInterrupt(this.context, due));
    return faults === null ? null : { kind: 'shutdown', faults };
  }
}
