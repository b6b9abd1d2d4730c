import { hex, hexBytes } from '../../bits/hex.ts';
import { lateStore, lateStoreText } from '../../debug/late-store.ts';
import type { Machine } from '../../machine/machine.ts';
import type { StrayWrite } from '../../machine/system/system.ts';
import type { StaleCode } from '../../memory/icache.ts';
import type { FreedWalk, StaleUse } from '../../memory/mmu.ts';
import { ENTRY_NAMES } from '../../memory/page-walk.ts';
import { PAGE_SIZE } from '../../memory/physical.ts';
import type { Names } from '../../trace/names.ts';

/** Bits of an entry. */
const A = 0x20;
const D = 0x40;

interface Counted {
  readonly first: StaleCode;
  count: number;
}

/** Stale code that was executed and stale translations that were used: each once, with how often. */
export class StaleReport {
  readonly #names: Names;
  readonly #uses = new Map<string, number>();
  readonly #found = new Map<string, Counted>();

  constructor(names: Names) {
    this.#names = names;
  }

  readonly add = (found: StaleCode): void => {
    const key = [found.cpu, found.rip, found.executed, found.memory].join();
    const known = this.#found.get(key);
    if (known === undefined) this.#found.set(key, { first: found, count: 1 });
    else known.count++;
  };

  readonly use = ({ cpu, access, linear, cached, frame }: StaleUse & { readonly cpu: number }): void => {
    const now = frame === null ? 'nowhere' : `to frame ${hex(frame)}`;
    const page = linear & ~0xfffn;
    this.#count(
      `CPU ${cpu} used a stale translation (${access}): page ${hex(page)} went to frame ${hex(cached)}, the tables lead ${now}`,
    );
  };

  readonly stray = ({ cpu, physical, size, value }: StrayWrite): void => {
    this.#count(
      `CPU ${cpu} wrote ${hex(value)} (${size} bytes) to ${hex(physical)}: the local APIC has no such register there`,
    );
  };

  readonly freed = ({ cpu, access, linear, table, marked }: FreedWalk & { readonly cpu: number }): void => {
    const asked = access === 'speculation' ? 'nobody asked for it' : access;
    this.#count(`CPU ${cpu} walked through freed table ${hex(table)} for ${hex(linear)} (${asked})`);
    for (const { level, at, bits } of marked) {
      const which = [bits & A ? 'A' : '', bits & D ? 'D' : ''].filter((name) => name !== '').join(' and ');
      const frame = hex(at - (at % PAGE_SIZE));
      this.#count(`${which} bit written into freed frame ${frame} by CPU ${cpu}: ${ENTRY_NAMES[level]} at ${hex(at)}`);
    }
  };

  #count(line: string): void {
    this.#uses.set(line, (this.#uses.get(line) ?? 0) + 1);
  }

  /** An exception is about to be delivered. */
  lateStore({ memory, cpu }: Machine, id: number): void {
    const found = lateStore(memory, cpu);
    if (found === null) return;
    this.#count(`CPU ${id} at ${this.#place(cpu.rip)}: ${lateStoreText(found)}`);
  }

  #place(address: bigint): string {
    const name = this.#names.describe(address);
    return `${hex(address)}${name === undefined ? '' : ` <${name}>`}`;
  }

  lines(): string[] {
    const uses = [...this.#uses].map(([line, count]) => `swapgs: ${line}${count === 1 ? '' : `, ${count} times`}`);
    return [...uses, ...this.#code()];
  }

  #code(): string[] {
    return [...this.#found.values()].map(({ first: { cpu, rip, executed, memory, mixed }, count }) => {
      const times = count === 1 ? 'once' : `${count} times`;
      return `swapgs: CPU ${cpu} executed ${mixed ? 'mixed' : 'stale'} code ${times}: at ${this.#place(rip)}: ${hexBytes(executed)}, memory has ${hexBytes(memory)}`;
    });
  }
}
