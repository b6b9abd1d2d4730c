import { ExecContext } from '../exec/context.ts';
import type { Engine, EngineName } from '../exec/engine.ts';
import type { Exit } from '../exec/exit.ts';
import { HOT_AFTER, Interpreter } from '../exec/interpreter/interpreter.ts';
import { Reference } from '../exec/reference.ts';
import { CodePages } from '../memory/code-pages.ts';
import { Mmu } from '../memory/mmu.ts';
import { PhysicalMemory } from '../memory/physical.ts';
import '../semantics/index.ts';
import type { MachineServices } from '../semantics/helpers/helper.ts';
import { CpuState } from '../state/cpu-state.ts';
import * as L from '../state/layout.ts';
import { FIXED_ONE, FLAG } from '../state/rflags.ts';
import { STATE_BIT } from '../state/xsave.ts';
import { type CpuidLeaf, cpuid, stateComponents } from './cpuid.ts';
import { Decoding } from './decoding.ts';
import { deliverException } from './exceptions.ts';
import { type CpuName, type CpuProfile, profileNamed } from './profiles.ts';
import { randomNumber } from './random-numbers.ts';

export interface MachineOptions {
  /** Bytes of guest RAM; 1 GiB where nothing is said. Untouched memory costs nothing. */
  readonly memory?: number;
  readonly engine?: EngineName;
  /** How often the head of a loop or function is reached before the engine `jit` compiles the code around it. */
  readonly hotAfter?: number;
  /** HLT ends the run at CPL 3 too, as bare guests end. */
  readonly haltEnds?: boolean;
  /** Which CPU it is; `default` where nothing is said. */
  readonly cpu?: CpuName;
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
const EVERY_STATE = STATE_BIT.x87 | STATE_BIT.sse | STATE_BIT.avx;
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
  /** What CPUID offers and what executes. */
  readonly profile: CpuProfile;
  readonly #options: MachineOptions;
  #pagingChanges = 0;

  /** @throws RangeError when the memory size is out of bounds */
  constructor(options: MachineOptions = {}) {
    this.memory = new PhysicalMemory(options.memory ?? DEFAULT_MEMORY);
    this.cpu = new CpuState(this.memory);
    this.#options = options;
    this.profile = profileNamed(options.cpu ?? 'default');
    this.#initialise();
    this.mmu = new Mmu(this.memory, this.cpu, new CodePages());
    const decoding = new Decoding(this.profile);
    const seed = options.seed ?? 0;
    const services: MachineServices = {
      cpuid: (leaf, subleaf) => this.cpuid(leaf, subleaf),
      has: this.profile.has,
      decode: (bytes) => decoding.decode(bytes),
      random: (n) => randomNumber(seed, n),
      tsc: (icount) => BigInt(icount),
      haltEnds: options.haltEnds ?? false,
      syscallExits: options.syscall ?? false,
      interruptGates: USER_GATES,
      interruptWaits: () => false,
      pagingChanged: () => {
        this.#pagingChanges++;
      },
      flushTlb: (scope) => this.mmu.flush(scope),
      flushPage: (linear) => this.mmu.flushPage(linear),
      flushContext: (pcid, linear) => this.mmu.flushContext(pcid, linear),
      portIn: (_port, bytes) => FLOATING_BUS >>> (32 - 8 * bytes),
      portOut: () => false,
    };
    this.context = new ExecContext(this.cpu, this.mmu, services);
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
    if (this.profile.has('AVX') && !xsave) cpu.view.setUint32(L.ALWAYS_USABLE, Number(EVERY_STATE), true);
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
    return cpuid(this.profile, leaf, subleaf, { osxsave, xcr0: this.cpu.u64(L.XCR0) });
  }

  /**
   * Runs at most `budget` instructions. Once the guest has executed LIDT its exceptions go through its IDT; until then they end
   * the run.
   */
  run(budget: number): Exit {
    const { cpu } = this;
    const end = cpu.icount + budget;
    for (;;) {
      const exit = this.engine.run(end - cpu.icount);
      if (exit.kind !== 'fault' || cpu.view.getUint8(L.GUEST_IDT) === 0) return exit;
      if (deliverException(this.context, exit.fault) === 'shutdown') return { kind: 'shutdown' };
    }
  }
}
