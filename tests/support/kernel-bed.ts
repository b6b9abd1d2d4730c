import { parseHexBytes } from '../../src/bits/hex.ts';
import type { EngineName } from '../../src/exec/engine.ts';
import type { Exit } from '../../src/exec/exit.ts';
import { Machine, type MachineOptions } from '../../src/machine/machine.ts';
import { PageTables } from '../../src/memory/page-tables.ts';
import { ATTRIBUTE, FLAT, flatDescriptor, SYSTEM_TYPE } from '../../src/state/descriptors.ts';
import * as L from '../../src/state/layout.ts';
import { exitText } from './space.ts';

/** Where everything stands; linear and physical addresses are the same. User code may use what is from USER on. */
export const AT = {
  gdt: 0x1_0000,
  idt: 0x1_1000,
  tss: 0x1_2000,
  ldt: 0x1_3000,
  /** Holds the table pointers that LGDT and LIDT read, and what a test puts there. */
  data: 0x1_4000,
  code: 0x2_0000,
  /** Handler of vector n: HLT at `handlers + 16 n`. */
  handlers: 0x2_8000,
  stack: 0x4_0000,
  stack1: 0x4_8000,
  ist: 0x5_0000,
  user: 0x10_0000,
  userData: 0x11_0000,
  userStack: 0x18_0000,
  end: 0x20_0000,
} as const;

/** Selectors of the table that a bed has. */
export const SEL = {
  code: 0x10,
  data: 0x18,
  user32: 0x23,
  userData: 0x2b,
  userCode: 0x33,
  conforming: 0x38,
  tss: 0x40,
  ldt: 0x50,
  gate: 0x60,
  ring1Code: 0x70,
  ring1Data: 0x78,
  readOnly: 0x80,
  executeOnly: 0x88,
  absent: 0x90,
  free: 0xa0,
} as const;

const GDT_SIZE = 0x100;
const P = ATTRIBUTE.P;

export interface Gate {
  readonly offset?: number | bigint;
  readonly selector?: number;
  readonly type?: number;
  readonly dpl?: number;
  readonly ist?: number;
  readonly present?: boolean;
}

/** A machine at CPL 0 with a GDT, an IDT with a handler of one HLT for every vector, a TSS and an identity map. */
export class KernelBed {
  readonly machine: Machine;
  readonly tables: PageTables;

  constructor(engine: EngineName, options: MachineOptions = {}) {
    this.machine = new Machine({ memory: 8 << 20, hotAfter: 1, haltEnds: true, ...options, engine });
    const { memory } = this.machine;
    this.tables = new PageTables(memory);
    for (let page = 0; page < AT.end; page += 0x1000)
      this.tables.map4k(page, page, { write: true, execute: true, user: page >= AT.user });
    this.machine.setRoot(this.tables.root);
    this.machine.setPrivilege(0);
    for (const [selector, attributes] of [
      [SEL.code, FLAT.longCode(0)],
      [SEL.data, FLAT.data(0)],
      [SEL.user32, FLAT.code32(3)],
      [SEL.userData, FLAT.data(3)],
      [SEL.userCode, FLAT.longCode(3)],
      [SEL.conforming, FLAT.longCode(0) | ATTRIBUTE.DOWN_CONFORMING],
      [SEL.ring1Code, FLAT.longCode(1)],
      [SEL.ring1Data, FLAT.data(1)],
      [SEL.readOnly, FLAT.data(0) & ~ATTRIBUTE.READ_WRITE],
      [SEL.executeOnly, FLAT.longCode(0) & ~ATTRIBUTE.READ_WRITE],
      [SEL.absent, FLAT.data(0) & ~P],
    ] as const)
      this.descriptor(selector, flatDescriptor(attributes));
    this.system(SEL.tss, P | SYSTEM_TYPE.availableTss, BigInt(AT.tss), 0x67);
    this.system(SEL.ldt, P | SYSTEM_TYPE.ldt, BigInt(AT.ldt), 0x1f);
    for (const [at, value] of [
      [4, AT.stack],
      [12, AT.stack1],
      [36, AT.ist],
    ] as const)
      this.write(AT.tss + at, BigInt(value));
    for (let vector = 0; vector < 256; vector++) {
      this.gate(vector);
      this.put(AT.handlers + 16 * vector, 'f4');
    }
    const pointer = (at: number, base: number, limit: number): void => {
      this.memory.write(at, Uint8Array.of(limit & 0xff, limit >> 8));
      this.write(at + 2, BigInt(base));
    };
    pointer(AT.data, AT.gdt, GDT_SIZE - 1);
    pointer(AT.data + 16, AT.idt, 256 * 16 - 1);
    this.cpu.setGpr(4, BigInt(AT.stack));
    this.cpu.rflags = 2;
    this.machine.flushTlb();
  }

  get cpu() {
    return this.machine.cpu;
  }
  get memory() {
    return this.machine.memory;
  }

  /** An 8-byte descriptor of the GDT. */
  descriptor(selector: number, value: bigint): void {
    this.write(AT.gdt + (selector & ~7), value);
  }

  /** A 16-byte system descriptor. */
  system(selector: number, attributes: number, base: bigint, limit: number): void {
    const low = (BigInt(limit & 0xffff) | ((base & 0xff_ffffn) << 16n)) as bigint;
    const high = (BigInt(attributes & 0xff) << 40n) | (((base >> 24n) & 0xffn) << 56n);
    this.descriptor(selector, low | high);
    this.write(AT.gdt + selector + 8, base >> 32n);
  }

  /** A gate of the IDT, by default an interrupt gate of level 0 to the vector's handler. */
  gate(vector: number, gate: Gate = {}): void {
    const { low, high } = gateWords({ offset: AT.handlers + 16 * vector, ...gate });
    this.write(AT.idt + 16 * vector, low);
    this.write(AT.idt + 16 * vector + 8, high);
  }

  /** A call gate in the GDT. */
  callGate(selector: number, gate: Gate): void {
    const { low, high } = gateWords({ type: SYSTEM_TYPE.callGate, ...gate });
    this.descriptor(selector, low);
    this.write(AT.gdt + selector + 8, high);
  }

  read(at: number): bigint {
    return this.memory.readU64(at);
  }
  write(at: number, value: bigint): void {
    this.memory.writeU64(at, value);
  }
  put(at: number, code: string): void {
    this.memory.write(at, parseHexBytes(code));
  }

  /** LGDT, LIDT and LTR as a kernel does them, in the CPU's state: the guest's tables count from here. */
  boot(): this {
    const { cpu } = this;
    const code = `0f 01 14 25 ${word(AT.data)} 0f 01 1c 25 ${word(AT.data + 16)} 66 b8 40 00 0f 00 d8 f4`;
    this.run(code);
    cpu.setGpr(0, 0n);
    return this;
  }

  /** Goes to a level: flat segments of it, with a stack of its own. */
  level(cpl: 0 | 1 | 3): this {
    const [code, data, stack] = {
      0: [SEL.code, SEL.data, AT.stack],
      1: [SEL.ring1Code | 1, SEL.ring1Data | 1, AT.stack1],
      3: [SEL.userCode, SEL.userData, AT.userStack],
    }[cpl] as [number, number, number];
    this.cpu.setFlatSegments(code, data, cpl);
    this.cpu.setGpr(4, BigInt(stack));
    this.machine.mmu.flushFast();
    return this;
  }

  /** Runs code at this level; `ended` says how. */
  run(code: string, budget = 1000): Exit {
    const at = this.cpu.cpl === 3 ? AT.user : AT.code;
    this.put(at, code);
    this.cpu.rip = BigInt(at);
    return this.machine.run(budget);
  }

  /** How code ends: `hlt` with the vector where a handler was reached, else as `exitText` says. */
  ends(code: string, budget = 1000): string {
    return this.ending(this.run(code, budget));
  }

  ending(exit: Exit): string {
    const at = Number(this.cpu.rip) - AT.handlers;
    if (exit.kind !== 'hlt' || at < 0 || at >= 256 * 16) return exitText(exit);
    const vector = at / 16;
    const code = ERROR_CODES.has(vector) ? `(${this.stack(0).toString(16)})` : '';
    return `#${vector}${code}`;
  }

  /** The n-th quadword of the stack. */
  stack(n: number): bigint {
    return this.read(Number(this.cpu.gpr(4)) + 8 * n);
  }

  /** RIP, CS, RFLAGS, RSP and SS that an event has pushed; `code`: an error code stands below them. */
  frame(code: boolean) {
    const at = code ? 1 : 0;
    const [rip, cs, flags, rsp, ss] = [0, 1, 2, 3, 4].map((n) => this.stack(at + n)) as [
      bigint,
      bigint,
      bigint,
      bigint,
      bigint,
    ];
    return { rip, cs, flags, rsp, ss };
  }

  get tr(): number {
    return this.cpu.view.getUint16(L.TR_SELECTOR, true);
  }
}

const ERROR_CODES: ReadonlySet<number> = new Set([8, 10, 11, 12, 13, 14, 17, 21]);

/** A 32-bit little-endian word as hexadecimal bytes. */
export const word = (value: number): string =>
  [0, 8, 16, 24].map((shift) => ((value >>> shift) & 0xff).toString(16).padStart(2, '0')).join(' ');

function gateWords({
  offset = 0,
  selector = SEL.code,
  type = SYSTEM_TYPE.interruptGate,
  dpl = 0,
  ist = 0,
  present = true,
}: Gate) {
  const at = BigInt.asUintN(64, BigInt(offset));
  const attributes = BigInt(type | (dpl << 5) | (present ? P : 0));
  return {
    low:
      (at & 0xffffn) |
      (BigInt(selector) << 16n) |
      (BigInt(ist) << 32n) |
      (attributes << 40n) |
      (((at >> 16n) & 0xffffn) << 48n),
    high: at >> 32n,
  };
}
