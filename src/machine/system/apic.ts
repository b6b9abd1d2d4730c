/** What an interrupt command asks for (SDM 3A 11.6.1). */
export const DELIVERY = { fixed: 0, lowest: 1, smi: 2, nmi: 4, init: 5, startup: 6, external: 7 } as const;

/** An inter-processor interrupt on its way. */
export interface InterruptCommand {
  readonly mode: number;
  readonly vector: number;
  /** Shorthand: 0 none, 1 self, 2 all, 3 all but self. */
  readonly shorthand: number;
  readonly logical: boolean;
  /** Assert; INIT without it is the de-assert that nothing heeds. */
  readonly assert: boolean;
  readonly destination: number;
  readonly x2: boolean;
}

/** What a local APIC reaches outside of itself. */
export interface ApicBus {
  /** Virtual time. */
  now(): number;
  send(from: LocalApic, command: InterruptCommand): void;
}

/** Register numbers: byte offset / 16, which is the offset of the x2APIC MSR from 0x800. */
export const REG = {
  id: 0x2,
  version: 0x3,
  tpr: 0x8,
  apr: 0x9,
  ppr: 0xa,
  eoi: 0xb,
  rrd: 0xc,
  ldr: 0xd,
  dfr: 0xe,
  svr: 0xf,
  isr: 0x10,
  tmr: 0x18,
  irr: 0x20,
  esr: 0x28,
  icr: 0x30,
  icrHigh: 0x31,
  lvtTimer: 0x32,
  lvtThermal: 0x33,
  lvtPerf: 0x34,
  lvtLint0: 0x35,
  lvtLint1: 0x36,
  lvtError: 0x37,
  timerInitial: 0x38,
  timerCurrent: 0x39,
  timerDivide: 0x3e,
  selfIpi: 0x3f,
} as const;

const VERSION = 0x0005_0014;
const ENABLED = 1 << 8;
const MASKED = 1 << 16;
const SVR_RESET = 0xff;
const MODE_ONESHOT = 0;
const MODE_PERIODIC = 1;
const MODE_DEADLINE = 2;
/** Errors that ESR reports: a vector below 16 sent or received; a register that is not there. */
const ERROR = { sent: 1 << 5, received: 1 << 6, register: 1 << 7 } as const;

export const APIC_BASE = {
  address: 0xfee0_0000,
  bsp: 1n << 8n,
  x2: 1n << 10n,
  enable: 1n << 11n,
  bits: 0xff_ffff_f000n | (1n << 8n) | (1n << 10n) | (1n << 11n),
} as const;

/** 256 bits. */
class VectorSet {
  readonly words = new Uint32Array(8);
  set(n: number): void {
    this.words[n >> 5]! |= 1 << (n & 31);
  }
  clear(n: number): void {
    this.words[n >> 5]! &= ~(1 << (n & 31));
  }
  has(n: number): boolean {
    return ((this.words[n >> 5]! >>> (n & 31)) & 1) === 1;
  }
  /** The highest, −1: none. */
  get highest(): number {
    for (let i = 7; i >= 0; i--) if (this.words[i] !== 0) return i * 32 + 31 - Math.clz32(this.words[i]!);
    return -1;
  }
}

/** The local APIC of one CPU (SDM 3A 11), as registers by number; xAPIC and x2APIC reach the same. */
export class LocalApic {
  readonly id: number;
  readonly #bus: ApicBus;
  base: bigint;
  readonly #irr = new VectorSet();
  readonly #isr = new VectorSet();
  readonly #lvt = new Uint32Array(6);
  #tpr = 0;
  #ldr = 0;
  #dfr = 0xffff_ffff;
  #svr = SVR_RESET;
  #esr = 0;
  #errors = 0;
  #icrLow = 0;
  #icrHigh = 0;
  #divide = 0;
  #initial = 0;
  /** Virtual time at which the timer was started, and at which it fires; null: it does not. */
  #started = 0;
  #fires: number | null = null;
  /** An NMI waits. */
  nmi = false;

  constructor(id: number, bus: ApicBus) {
    this.id = id;
    this.#bus = bus;
    this.base = BigInt(APIC_BASE.address) | APIC_BASE.enable | (id === 0 ? APIC_BASE.bsp : 0n);
    this.#lvt.fill(MASKED);
  }

  /** As INIT leaves it: everything but the identity and IA32_APIC_BASE (SDM 3A 11.4.7.3). */
  reset(): void {
    this.#irr.words.fill(0);
    this.#isr.words.fill(0);
    this.#lvt.fill(MASKED);
    this.#tpr = this.#ldr = this.#esr = this.#errors = this.#icrLow = this.#icrHigh = this.#divide = this.#initial = 0;
    this.#dfr = 0xffff_ffff;
    this.#svr = SVR_RESET;
    this.#fires = null;
    this.nmi = false;
  }

  get x2(): boolean {
    return (this.base & APIC_BASE.x2) !== 0n;
  }
  get enabled(): boolean {
    return (this.base & APIC_BASE.enable) !== 0n;
  }
  get softwareEnabled(): boolean {
    return (this.#svr & ENABLED) !== 0;
  }
  get tpr(): number {
    return this.#tpr;
  }
  set tpr(value: number) {
    this.#tpr = value & 0xff;
  }
  /** LVT entry of LINT0, for an interrupt controller that is wired there. */
  get lint0(): number {
    return this.#lvt[3]!;
  }

  /** Loads IA32_APIC_BASE; false for a transition that there is not (SDM 3A figure 11-27). */
  setBase(value: bigint): boolean {
    if (value & ~APIC_BASE.bits) return false;
    const [before, after] = [this.base, value].map((base) => Number((base >> 10n) & 3n)) as [number, number];
    // 0 disabled, 2 xAPIC, 3 x2APIC; 1 is none. From x2APIC only to disabled, from disabled not to x2APIC.
    if (after === 1 || (before === 3 && after === 2) || (before === 0 && after === 3)) return false;
    if (after === 0 && before !== 0) this.reset();
    this.base = (value & ~APIC_BASE.bsp) | (this.base & APIC_BASE.bsp);
    if (after === 3) this.#ldr = (((this.id >> 4) << 16) | (1 << (this.id & 15))) >>> 0;
    return true;
  }

  // ——— interrupts ———

  /** A fixed interrupt arrives. */
  accept(vector: number): void {
    if (vector < 16) this.#error(ERROR.received);
    else if (this.softwareEnabled) this.#irr.set(vector);
  }

  get #ppr(): number {
    const serviced = Math.max(this.#isr.highest, 0);
    return this.#tpr >> 4 >= serviced >> 4 ? this.#tpr : serviced & 0xf0;
  }

  /** The vector that would be delivered now, −1: none. */
  get waiting(): number {
    const vector = this.#irr.highest;
    return vector >= 0 && vector >> 4 > this.#ppr >> 4 ? vector : -1;
  }

  /** Moves the waiting vector into service. */
  acknowledge(): number {
    const vector = this.waiting;
    this.#irr.clear(vector);
    this.#isr.set(vector);
    return vector;
  }

  /** Somebody has reached for a register that is not there. */
  strayAccess(): void {
    this.#error(ERROR.register);
  }

  #error(bits: number): void {
    this.#errors |= bits;
    this.#local(5);
  }

  /** Raises the interrupt of an LVT entry: timer, thermal, performance, LINT0, LINT1, error. */
  #local(n: number): void {
    const entry = this.#lvt[n]!;
    if (entry & MASKED) return;
    if (((entry >> 8) & 7) === DELIVERY.nmi) this.nmi = true;
    else if ((entry & 0xff) >= 16) this.accept(entry & 0xff);
    else this.#errors |= ERROR.received;
  }

  // ——— timer ———

  get #timerMode(): number {
    return (this.#lvt[0]! >> 17) & 3;
  }

  get #divisor(): number {
    const code = (this.#divide & 3) | ((this.#divide >> 1) & 4);
    return code === 7 ? 1 : 2 << code;
  }

  /** When the timer fires next; null: never. */
  get fires(): number | null {
    return this.#fires;
  }

  /** Fires the timer where its time has come. */
  tick(now: number): void {
    while (this.#fires !== null && this.#fires <= now) {
      const at = this.#fires;
      const periodic = this.#timerMode === MODE_PERIODIC;
      this.#started = at;
      this.#fires = periodic ? at + this.#initial * this.#divisor : null;
      this.#local(0);
      // A period that was shorter than what ran gives one interrupt, not many.
      if (this.#fires !== null && this.#fires <= now) {
        const period = this.#initial * this.#divisor;
        this.#fires = at + Math.ceil((now + 1 - at) / period) * period;
        this.#started = this.#fires - period;
      }
    }
  }

  #startTimer(count: number): void {
    this.#initial = count;
    this.#started = this.#bus.now();
    const counts = this.#timerMode === MODE_ONESHOT || this.#timerMode === MODE_PERIODIC;
    this.#fires = count === 0 || !counts ? null : this.#started + count * this.#divisor;
  }

  get #current(): number {
    if (this.#fires === null || this.#timerMode === MODE_DEADLINE) return 0;
    return Math.max(0, Math.ceil((this.#fires - this.#bus.now()) / this.#divisor)) >>> 0;
  }

  /** IA32_TSC_DEADLINE. */
  get deadline(): bigint {
    return this.#timerMode === MODE_DEADLINE ? BigInt(this.#fires ?? 0) : 0n;
  }
  set deadline(value: bigint) {
    if (this.#timerMode === MODE_DEADLINE) this.#fires = value === 0n ? null : Number(value);
  }

  // ——— registers ———

  /** Reads a register by its number; null where there is none. */
  read(n: number): number | null {
    if (n >= REG.isr && n < REG.isr + 8) return this.#isr.words[n - REG.isr]!;
    if (n >= REG.tmr && n < REG.tmr + 8) return 0;
    if (n >= REG.irr && n < REG.irr + 8) return this.#irr.words[n - REG.irr]!;
    if (n >= REG.lvtTimer && n <= REG.lvtError) return this.#lvt[n - REG.lvtTimer]!;
    switch (n) {
      case REG.id:
        return this.x2 ? this.id : (this.id << 24) >>> 0;
      case REG.version:
        return VERSION;
      case REG.tpr:
        return this.#tpr;
      case REG.apr:
      case REG.rrd:
        return this.x2 ? null : 0;
      case REG.ppr:
        return this.#ppr;
      case REG.ldr:
        return this.#ldr;
      case REG.dfr:
        return this.x2 ? null : this.#dfr;
      case REG.svr:
        return this.#svr;
      case REG.esr:
        return this.#esr;
      case REG.icr:
        return this.#icrLow;
      case REG.icrHigh:
        return this.x2 ? null : this.#icrHigh;
      case REG.timerInitial:
        return this.#initial;
      case REG.timerCurrent:
        return this.#current;
      case REG.timerDivide:
        return this.#divide;
      default:
        return null;
    }
  }

  /** Writes a register by its number; false where there is none to be written, or the value is refused. */
  write(n: number, value: number): boolean {
    if (n >= REG.lvtTimer && n <= REG.lvtError) {
      const which = n - REG.lvtTimer;
      const mode = this.#timerMode;
      this.#lvt[which] = this.softwareEnabled ? value : value | MASKED;
      if (which === 0 && this.#timerMode !== mode) this.#fires = null;
      return true;
    }
    switch (n) {
      case REG.id:
        return !this.x2;
      case REG.tpr:
        if (value >> 8) return false;
        this.#tpr = value;
        return true;
      case REG.eoi: {
        if (this.x2 && value !== 0) return false;
        const vector = this.#isr.highest;
        if (vector >= 0) this.#isr.clear(vector);
        return true;
      }
      case REG.ldr:
        if (this.x2) return false;
        this.#ldr = (value & 0xff00_0000) >>> 0;
        return true;
      case REG.dfr:
        if (this.x2) return false;
        this.#dfr = (value | 0x0fff_ffff) >>> 0;
        return true;
      case REG.svr:
        this.#svr = value & 0x1ff;
        if (!this.softwareEnabled) for (let i = 0; i < this.#lvt.length; i++) this.#lvt[i]! |= MASKED;
        return true;
      case REG.esr:
        if (this.x2 && value !== 0) return false;
        this.#esr = this.#errors;
        this.#errors = 0;
        return true;
      case REG.icr:
        this.command(value, this.#icrHigh);
        return true;
      case REG.icrHigh:
        if (this.x2) return false;
        this.#icrHigh = value;
        return true;
      case REG.timerInitial:
        if (this.#timerMode !== MODE_DEADLINE) this.#startTimer(value);
        return true;
      case REG.timerDivide:
        this.#divide = value & 0xb;
        return true;
      case REG.selfIpi:
        if (!this.x2 || value >> 8) return false;
        this.accept(value);
        return true;
      default:
        return false;
    }
  }

  /** Sends what the interrupt command register says; the high half holds the destination. */
  command(low: number, high: number): void {
    this.#icrLow = low & ~(1 << 12);
    this.#icrHigh = high;
    const mode = (low >> 8) & 7;
    const vector = low & 0xff;
    const fixed = mode === DELIVERY.fixed || mode === DELIVERY.lowest;
    if (fixed && vector < 16) return this.#error(ERROR.sent);
    this.#bus.send(this, {
      mode,
      vector,
      shorthand: (low >> 18) & 3,
      logical: (low & (1 << 11)) !== 0,
      assert: (low & (1 << 14)) !== 0,
      destination: this.x2 ? high >>> 0 : high >>> 24,
      x2: this.x2,
    });
  }

  /** Both halves as x2APIC reads them. */
  get icr(): bigint {
    return (BigInt(this.#icrHigh >>> 0) << 32n) | BigInt(this.#icrLow >>> 0);
  }

  /** Whether a destination names this APIC (SDM 3A 11.6.2). */
  matches(destination: number, logical: boolean, x2: boolean): boolean {
    if (!logical) return destination === this.id || destination === (x2 ? 0xffff_ffff : 0xff);
    if (this.x2) {
      if (destination === 0xffff_ffff) return true;
      return destination >>> 16 === this.#ldr >>> 16 && (destination & this.#ldr & 0xffff) !== 0;
    }
    const own = this.#ldr >>> 24;
    if (this.#dfr >>> 28 === 0xf) return (own & destination & 0xff) !== 0;
    return destination >> 4 === own >> 4 && (destination & own & 0xf) !== 0;
  }
}
