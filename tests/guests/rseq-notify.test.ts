import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ENGINE_NAMES } from '../../src/exec/engine.ts';
import { type Scheduler, Seeded } from '../../src/machine/system/scheduler.ts';
import { boot } from '../support/boot.ts';
import { guestPath } from './expected.ts';

/** Little, so that many runs are quick. */
const MEMORY = 4 << 20;
const SEPARATE = readFileSync(guestPath('kernel/rseq_notify.bin'));
const BATCHED = readFileSync(guestPath('kernel/rseq_batched.bin'));

/** The other CPU up to where it is ready, then the first one alone. */
class FirstAlone implements Scheduler {
  #other = 1500;
  next(runnable: readonly number[]) {
    const cpu = runnable.includes(1) && this.#other-- > 0 ? 1 : 0;
    return { cpu, instructions: 1 };
  }
  latency(): number {
    return 0;
  }
}

const STAC = [0x0f, 0x01, 0xcb];
const CLAC = [0x0f, 0x01, 0xca];
const ROUNDS = 40;

/** How often the first CPU executes STAC and CLAC in a whole run. */
function pairs(guest: Uint8Array): { readonly stac: number; readonly clac: number } {
  const { system } = boot(guest, { cpus: 2, scheduler: new FirstAlone(), engine: 'reference', memory: MEMORY });
  let [stac, clac] = [0, 0];
  for (;;) {
    const rip = Number(system.machine.cpu.rip);
    const bytes = system.machine.memory.bytes(rip, 3);
    const first = system.current === 0;
    if (first && STAC.every((byte, i) => bytes[i] === byte)) stac++;
    if (first && CLAC.every((byte, i) => bytes[i] === byte)) clac++;
    if (system.run({ instructions: 1 }).reason === 'exit') return { stac, clac };
  }
}

function ended(guest: Uint8Array, seed: number, engine: (typeof ENGINE_NAMES)[number] = 'interpreter') {
  const { system, said } = boot(guest, { cpus: 2, scheduler: new Seeded(seed, 20), engine, memory: MEMORY });
  const stop = system.run({ instructions: 200_000 });
  return [said(), stop.reason === 'exit' ? stop.status : stop.reason];
}

describe('the notification of the 2016 rseq(2)', () => {
  it('opens user memory once for each access, or once for all', { timeout: 60_000 }, () => {
    // One pair prepares the structure, and the thread looks once in each round.
    const rounds = (count: number): { stac: number; clac: number } => {
      const all = 1 + ROUNDS * (count + 1);
      return { stac: all, clac: all };
    };
    // Two stores and three loads: the pointer and two words of the section.
    expect(pairs(SEPARATE)).toEqual(rounds(5));
    expect(pairs(BATCHED)).toEqual(rounds(1));
  });

  it('shows another thread a CPU and a counter that do not belong together, unless one store writes both', {
    timeout: 60_000,
  }, () => {
    const seeds = Array.from({ length: 16 }, (_, n) => n + 1);
    const statuses = (guest: Uint8Array): Set<unknown> => new Set(seeds.map((seed) => ended(guest, seed)[1]));
    // 5 would be the thread itself that sees one.
    expect(statuses(SEPARATE)).toEqual(new Set([1, 3]));
    expect(statuses(BATCHED)).toEqual(new Set([1]));
    const torn = seeds.find((seed) => ended(SEPARATE, seed)[1] === 3)!;
    for (const engine of ENGINE_NAMES) expect(ended(SEPARATE, torn, engine)).toEqual(['torn\n', 3]);
  });
});
