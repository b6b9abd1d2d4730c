import { hex, hexBytes } from '../../bits/hex.ts';
import { lateStore, lateStoreText } from '../../debug/late-store.ts';
import type { Machine } from '../../machine/machine.ts';
import type { StaleCode } from '../../memory/icache.ts';
import type { StaleUse } from '../../memory/mmu.ts';
import type { Names } from '../../trace/names.ts';

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
    const line = `CPU ${cpu} used a stale translation (${access}): page ${hex(page)} went to frame ${hex(cached)}, the tables lead ${now}`;
    this.#uses.set(line, (this.#uses.get(line) ?? 0) + 1);
  };

  /** An exception is about to be delivered. */
  lateStore({ memory, cpu }: Machine, id: number): void {
    const found = lateStore(memory, cpu);
    if (found === null) return;
    const line = `CPU ${id} at ${this.#place(cpu.rip)}: ${lateStoreText(found)}`;
    this.#uses.set(line, (this.#uses.get(line) ?? 0) + 1);
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
