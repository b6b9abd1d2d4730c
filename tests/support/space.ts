import type { EngineName } from '../../src/exec/engine.ts';
import type { Exit } from '../../src/exec/exit.ts';
import { vectorName } from '../../src/exec/exit.ts';
import { Machine, type MachineOptions } from '../../src/machine/machine.ts';

/** Bits of page-table entries. */
export const P = 1n;
export const RW = 2n;
export const US = 4n;
export const A = 0x20n;
export const D = 0x40n;
export const PS = 0x80n;
export const G = 0x100n;
export const XD = 1n << 63n;

const ADDRESS = 0x000f_ffff_ffff_f000n;
const INNER = P | RW | US;

/** A machine with page tables that a test writes entry by entry; nothing is flushed that the test does not flush. */
export class TestSpace {
  readonly machine: Machine;
  /** Physical address of the PML4. */
  readonly root: number;

  constructor(engine: EngineName, options: MachineOptions = {}) {
    this.machine = new Machine({ memory: 8 << 20, hotAfter: 1, ...options, engine });
    this.root = this.machine.memory.allocateFrame();
    this.machine.setRoot(this.root);
  }

  get cpu() {
    return this.machine.cpu;
  }
  get memory() {
    return this.machine.memory;
  }

  frame(): number {
    return this.machine.memory.allocateFrame();
  }

  /** Physical address of the entry for `linear` at a level: 3 PML4E … 0 PTE. Tables above it are made where there are none. */
  entryAt(linear: bigint, level = 0): number {
    let table = this.root;
    for (let l = 3; l > level; l--) {
      const at = table + Number((linear >> BigInt(12 + 9 * l)) & 511n) * 8;
      let entry = this.memory.readU64(at);
      if ((entry & P) === 0n) {
        entry = BigInt(this.frame()) | INNER;
        this.memory.writeU64(at, entry);
      }
      table = Number(entry & ADDRESS);
    }
    return table + Number((linear >> BigInt(12 + 9 * level)) & 511n) * 8;
  }

  entry(linear: bigint, level = 0): bigint {
    return this.memory.readU64(this.entryAt(linear, level));
  }

  setEntry(linear: bigint, value: bigint, level = 0): void {
    this.memory.writeU64(this.entryAt(linear, level), value);
  }

  /** Maps a page, to a new frame where none is given; gives the frame. */
  map(linear: bigint, bits = P | RW | US, frame = this.frame()): number {
    this.setEntry(linear, BigInt(frame) | bits);
    return frame;
  }

  /** Physical address behind a mapped linear one, by the tables. */
  physical(linear: bigint): number {
    return Number(this.entry(linear) & ADDRESS) + Number(linear & 0xfffn);
  }

  /** Puts bytes at a linear address, over page ends too. */
  write(linear: bigint, bytes: Uint8Array): void {
    bytes.forEach((byte, i) => {
      this.memory.write(this.physical(linear + BigInt(i)), Uint8Array.of(byte));
    });
  }

  bytes(linear: bigint, length: number): Uint8Array {
    return Uint8Array.from({ length }, (_, i) => this.memory.bytes(this.physical(linear + BigInt(i)), 1)[0]!);
  }

  /** Runs from `rip`. */
  run(rip: bigint, budget = 10_000): Exit {
    this.cpu.rip = rip;
    return this.machine.run(budget);
  }
}

/** A fault as one text, `#PF(0x6) at 0x1000`; the kind of any other exit. */
export function exitText(exit: Exit): string {
  if (exit.kind !== 'fault') return exit.kind;
  const { vector, errorCode, cr2 } = exit.fault;
  const code = errorCode === null ? '' : `(${errorCode})`;
  return `${vectorName(vector)}${code}${cr2 === null ? '' : ` at 0x${cr2.toString(16)}`}`;
}
