import { milliseconds } from '../bits/clock.ts';
import type { Exit, Fault } from '../exec/exit.ts';
import { CR3 } from '../state/layout.ts';
import { type BareRegion, BareSpace } from './bare-space.ts';
import { Machine, type MachineOptions } from './machine.ts';
import type { RegisterSetting } from './registers.ts';

/** What a bare guest starts with. */
export interface BareProgram {
  readonly regions: readonly BareRegion[];
  /** Written in this order, whatever the rights of the region. */
  readonly contents: readonly { readonly address: bigint; readonly bytes: Uint8Array }[];
  readonly entry: bigint;
  readonly cpl: 0 | 3;
  /** Set last, in ascending rank. */
  readonly registers: readonly RegisterSetting[];
}

/** Where and when a run ends at the latest. */
export interface BareLimits {
  /** Stop before the instruction at this address. */
  readonly until?: bigint;
  readonly instructions?: number;
  readonly milliseconds?: number;
}

/** Why a bare guest stopped: a closed union. An exception ends the run until the guest has executed LIDT. */
export type BareStop =
  | { readonly reason: 'hlt' | 'until' | 'max-insns' | 'timeout' }
  | { readonly reason: 'shutdown'; readonly faults: readonly Fault[] }
  | { readonly reason: 'fault'; readonly fault: Fault }
  | { readonly reason: 'unimplemented'; readonly mnemonic: string; readonly bytes: Uint8Array };

export type BareOptions = Pick<MachineOptions, 'memory' | 'engine' | 'cpu' | 'seed'>;

const RSP = 4;
/** The stack that a bare guest has unless its RSP is set to another place: 64 KiB, RSP at its end. */
export const STACK: BareRegion = { address: 0x7fff_0000n, size: 0x1_0000, write: true, execute: false, user: true };
const STACK_TOP = STACK.address + BigInt(STACK.size);
/** Instructions between two looks at the clock. */
const SLICE = { jit: 2_000_000, interpreter: 200_000, reference: 10_000 } as const;

/**
 * One CPU without an operating system: flat code in mapped memory, at CPL 0 or 3, in long mode with paging. Its memory and
 * state can be loaded again and again: nothing of one program is left for the next.
 */
export class BareGuest {
  #machine: Machine;
  #space: BareSpace;
  readonly #options: BareOptions;
  /** Where the machine's count stood when its memory was surely clean; NaN when it surely is not. */
  #pagingChanges: number;

  /** @throws RangeError when the memory size is out of bounds */
  constructor(options: BareOptions = {}) {
    this.#options = options;
    this.#machine = this.#make();
    this.#space = new BareSpace(this.#machine.memory);
    this.#pagingChanges = this.#machine.pagingChanges;
  }

  #make(): Machine {
    return new Machine({ ...this.#options, haltEnds: true });
  }

  get machine(): Machine {
    return this.#machine;
  }

  /** @throws MappingError when a region or its contents do not fit, RegisterError when a register refuses its value */
  load(program: BareProgram): void {
    if (this.#machine.pagingChanges !== this.#pagingChanges) {
      // By page tables of its own the last guest may have reached any frame: only new memory is surely clean.
      this.#machine = this.#make();
      this.#space = new BareSpace(this.#machine.memory);
      this.#pagingChanges = this.#machine.pagingChanges;
    } else {
      this.#machine.reset();
      this.#space.reset();
    }
    const { cpu } = this.#machine;
    cpu.setGpr(RSP, STACK_TOP);
    program.registers.find(({ name }) => name.toLowerCase() === 'rsp')?.apply(cpu);
    const rsp = cpu.gpr(RSP);
    if (rsp >= STACK.address && rsp <= STACK_TOP) this.#space.map(STACK);
    for (const region of program.regions) this.#space.map(region);
    for (const { address, bytes } of program.contents) this.#space.write(address, bytes);
    cpu.rip = program.entry;
    this.#machine.setRoot(this.#space.root);
    this.#machine.setPrivilege(program.cpl);
    for (const setting of [...program.registers].sort((a, b) => a.rank - b.rank)) setting.apply(cpu);
    if (cpu.u64(CR3) !== BigInt(this.#space.root)) this.#pagingChanges = Number.NaN;
    this.#machine.flushTlb();
  }

  /** Maps more memory and fills it while the guest stands still: for whoever gives it what it asks for. @throws MappingError */
  supply(region: BareRegion, bytes: Uint8Array): void {
    this.#space.map(region);
    this.#space.write(region.address, bytes);
    this.#machine.flushTlb();
  }

  /** Writes mapped memory while the guest stands still, whatever its rights. @throws MappingError */
  poke(address: bigint, bytes: Uint8Array): void {
    this.#space.write(address, bytes);
  }

  /** Runs what was loaded until it stops. `step` runs instead of the machine where every instruction is watched. */
  run(limits: BareLimits = {}, step: (budget: number) => Exit = (budget) => this.#machine.run(budget)): BareStop {
    const { engine, cpu } = this.#machine;
    engine.until = limits.until ?? null;
    const most = limits.instructions ?? Number.POSITIVE_INFINITY;
    const timed = limits.milliseconds !== undefined;
    const deadline = timed ? milliseconds() + limits.milliseconds! : Number.POSITIVE_INFINITY;
    const slice = timed ? SLICE[this.#options.engine ?? 'jit'] : Number.MAX_SAFE_INTEGER;
    const start = cpu.icount;
    for (;;) {
      const left = most - (cpu.icount - start);
      const exit = step(Math.min(left, slice));
      switch (exit.kind) {
        case 'count':
          if (cpu.icount - start >= most) return { reason: 'max-insns' };
          if (timed && milliseconds() >= deadline) return { reason: 'timeout' };
          break;
        case 'until':
        case 'hlt':
          return { reason: exit.kind };
        case 'shutdown':
          return { reason: 'shutdown', faults: exit.faults };
        case 'fault':
          return { reason: 'fault', fault: exit.fault };
        case 'syscall':
          throw new Error('nobody plays the operating system of a bare guest');
        case 'unimplemented':
          return { reason: 'unimplemented', mnemonic: exit.mnemonic, bytes: exit.bytes };
      }
    }
  }
}
