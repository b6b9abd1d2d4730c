import type { DataAccess } from '../memory/mmu.ts';
import type { CpuState } from '../state/cpu-state.ts';
import { CR4, DR } from '../state/layout.ts';

const DR7 = DR + 7 * 8;
/** L0, G0 … L3, G3. */
const ENABLED = 0xff;
const CR4_DE = 1n << 3n;

/** R/W fields of DR7 (SDM 3B 18.2.4). */
const ON = { execution: 0, writes: 1, ports: 2, data: 3 } as const;
/** Bytes by the LEN field. */
const LENGTHS = [1, 2, 8, 4] as const;

interface Breakpoint {
  readonly address: bigint;
  readonly on: number;
  readonly length: number;
}

/** The breakpoints that the debug registers of a CPU hold, and what has hit them (SDM 3B 18.2). */
export class Breakpoints {
  readonly #cpu: CpuState;
  /** Bits for DR6 of data and port breakpoints that were hit and not yet reported. */
  hits = 0;

  constructor(cpu: CpuState) {
    this.#cpu = cpu;
  }

  /** Whether any breakpoint is enabled. */
  get armed(): boolean {
    return (this.#cpu.view.getUint8(DR7) & ENABLED) !== 0;
  }

  /** Whether data accesses have to be looked at. */
  get watchesData(): boolean {
    return this.armed && this.#enabled().some((one) => one?.on === ON.writes || one?.on === ON.data);
  }

  #enabled(): (Breakpoint | null)[] {
    const cpu = this.#cpu;
    const control = cpu.view.getUint32(DR7, true);
    return [0, 1, 2, 3].map((n) => {
      if (((control >> (2 * n)) & 3) === 0) return null;
      const length = LENGTHS[(control >> (18 + 4 * n)) & 3]!;
      const on = (control >> (16 + 4 * n)) & 3;
      return { address: cpu.u64(DR + 8 * n), on, length };
    });
  }

  #matching(found: (one: Breakpoint) => boolean): number {
    return this.#enabled().reduce((bits, one, n) => (one !== null && found(one) ? bits | (1 << n) : bits), 0);
  }

  /** Bits for DR6 of the instruction breakpoints at an address. */
  atInstruction(rip: bigint): number {
    return this.#matching(({ address, on }) => on === ON.execution && address === rip);
  }

  /** Notes a data access. */
  access({ high, low, size, write }: DataAccess): void {
    const from = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
    this.hits |= this.#matching(({ address, on, length }) => {
      if (on !== ON.data && !(on === ON.writes && write)) return false;
      const first = address & ~BigInt(length - 1);
      return from < first + BigInt(length) && first < from + BigInt(size);
    });
  }

  /** Notes an access to ports. */
  port(port: number, size: number): void {
    if (!this.armed || !(this.#cpu.u64(CR4) & CR4_DE)) return;
    this.hits |= this.#matching(({ address, on, length }) => {
      if (on !== ON.ports) return false;
      const first = Number(address & 0xffffn) & ~(length - 1);
      return port < first + length && first < port + size;
    });
  }
}
