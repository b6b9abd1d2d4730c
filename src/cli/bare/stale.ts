import { hex, hexBytes } from '../../bits/hex.ts';
import type { StaleCode } from '../../memory/icache.ts';
import type { Names } from '../../trace/names.ts';

interface Counted {
  readonly first: StaleCode;
  count: number;
}

/** Stale code that was executed: each place and pair of bytes once, with how often. */
export class StaleReport {
  readonly #names: Names;
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

  lines(): string[] {
    return [...this.#found.values()].map(({ first: { cpu, rip, executed, memory, mixed }, count }) => {
      const name = this.#names.describe(rip);
      const at = `${hex(rip)}${name === undefined ? '' : ` <${name}>`}`;
      const times = count === 1 ? 'once' : `${count} times`;
      return `swapgs: CPU ${cpu} executed ${mixed ? 'mixed' : 'stale'} code ${times}: at ${at}: ${hexBytes(executed)}, memory has ${hexBytes(memory)}`;
    });
  }
}
