import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { ENGINE_NAMES } from '../../../src/exec/engine.ts';
import { Recorder, RoundRobin, Script, Seeded } from '../../../src/machine/system/scheduler.ts';
import { boot } from '../../support/boot.ts';

const SMP = readFileSync(fileURLToPath(new URL('../../../guest/kernel/smp.bin', import.meta.url)));
const SAID = 'long mode\nevery CPU has counted\nthe timer has ticked\nevery CPU has answered\n';

describe('a kernel that starts all CPUs, counts with locked additions, waits for its timer and interrupts the others', () => {
  for (const [name, scheduler] of [
    ['in turn', () => new RoundRobin(700)],
    ['seed 1', () => new Seeded(1, 700)],
    ['seed 2', () => new Seeded(2, 700)],
  ] as const)
    test(`${name}: the same on every engine`, { timeout: 60_000 }, () => {
      const runs = ENGINE_NAMES.map((engine) => {
        const { system, said } = boot(SMP, { engine, cpus: 4, scheduler: scheduler() });
        const stop = system.run({ instructions: 2_000_000 });
        return { stop, said: said(), time: system.now(), hash: system.hash() };
      });
      expect(runs[0]).toMatchObject({ stop: { reason: 'exit', status: 1 }, said: SAID });
      for (const run of runs) expect(run).toEqual(runs[0]);
    });

  test('another seed is another run', () => {
    const hashes = [1, 2].map((seed) => {
      const { system } = boot(SMP, { engine: 'interpreter', cpus: 3, scheduler: new Seeded(seed, 300) });
      system.run({ instructions: 2_000_000 });
      return system.hash();
    });
    expect(hashes[0]).not.toBe(hashes[1]);
  });

  test('runs again from its recorded decisions', () => {
    const recorder = new Recorder(new Seeded(5, 400));
    const first = boot(SMP, { engine: 'interpreter', cpus: 4, scheduler: recorder }).system;
    first.run({ instructions: 2_000_000 });
    const again = boot(SMP, { engine: 'jit', cpus: 4, scheduler: new Script(recorder.recording) }).system;
    expect(again.run({ instructions: 2_000_000 })).toEqual({ reason: 'exit', status: 1 });
    expect(again.hash()).toBe(first.hash());
  });

  test('a script that ends too early, or that runs a halted CPU, is refused', () => {
    const short = boot(SMP, {
      cpus: 2,
      scheduler: new Script({ decisions: [{ cpu: 0, instructions: 10 }], latencies: [] }),
    });
    expect(() => short.system.run()).toThrow('the script ends after 1 decisions');
    const wrong = boot(SMP, {
      cpus: 2,
      scheduler: new Script({ decisions: [{ cpu: 1, instructions: 10 }], latencies: [] }),
    });
    expect(() => wrong.system.run()).toThrow('decision 1 runs CPU 1, which is halted');
  });

  test('32 CPUs', { timeout: 60_000 }, () => {
    const { system, said } = boot(SMP, { engine: 'jit', cpus: 32, scheduler: new RoundRobin(5000) });
    expect(system.run({ instructions: 20_000_000 })).toEqual({ reason: 'exit', status: 1 });
    expect(said()).toBe(SAID);
  });
});
