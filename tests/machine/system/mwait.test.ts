import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ENGINE_NAMES } from '../../../src/exec/engine.ts';
import { RoundRobin, Seeded } from '../../../src/machine/system/scheduler.ts';
import { boot, flat } from '../../support/boot.ts';
import { KernelBed } from '../../support/kernel-bed.ts';

const PING = readFileSync(new URL('../../../guest/kernel/mwait.bin', import.meta.url));

/** mov eax, 0x200000; xor ecx, ecx; xor edx, edx; monitor */
const MONITOR = 'b8 00 00 20 00 31 c9 31 d2 0f 01 c8';
const MWAIT = '31 c0 0f 01 c9';
/** mov al, 1; out 0xf4, al */
const EXIT = 'b0 01 e6 f4 f4';

const run = (code: string, options = {}) => boot(flat(code), options).system.run({ instructions: 100_000 });

describe('MONITOR and MWAIT', () => {
  test('two CPUs wake each other by stores, with interrupts off: the same on every engine', { timeout: 60_000 }, () => {
    for (const scheduler of [() => new RoundRobin(300), () => new Seeded(1, 300), () => new Seeded(2, 40)]) {
      const runs = ENGINE_NAMES.map((engine) => {
        const { system, said } = boot(PING, { engine, cpus: 2, scheduler: scheduler() });
        const stop = system.run({ instructions: 1_000_000 });
        return { stop, said: said(), time: system.now(), hash: system.hash() };
      });
      expect(runs[0]).toMatchObject({ stop: { reason: 'exit', status: 3 }, said: 'a hundred rounds\n' });
      for (const one of runs) expect(one).toEqual(runs[0]);
    }
  });

  test('a line that was written in between, or that nobody watches, lets MWAIT go on', () => {
    expect(run(`${MONITOR} c6 05 3f 00 20 00 01 ${MWAIT} ${EXIT}`)).toEqual({ reason: 'exit', status: 3 });
    expect(run(`31 c9 ${MWAIT} ${EXIT}`)).toEqual({ reason: 'exit', status: 3 });
    // The next line is not the one that is watched.
    expect(run(`${MONITOR} c6 05 40 00 20 00 01 ${MWAIT} ${EXIT}`)).toEqual({ reason: 'deadlock' });
  });

  test('nobody writes: it is a deadlock', () => {
    expect(run(`${MONITOR} ${MWAIT} ${EXIT}`)).toEqual({ reason: 'deadlock' });
  });

  test('extensions that do not exist are #GP(0)', () => {
    for (const code of [MONITOR.replace('31 c9', 'b1 01'), `b9 02 00 00 00 ${MWAIT}`])
      expect(run(`31 c9 ${code} ${EXIT}`)).toMatchObject({ reason: 'fault', fault: { vector: 13, errorCode: 0 } });
  });

  test('CPUID tells of them unless the CPU has none; then they are #UD', () => {
    // mov eax, 1; cpuid; shr ecx, 3; and ecx, 1; mov eax, ecx; out 0xf4, al
    const asks = 'b8 01 00 00 00 0f a2 c1 e9 03 83 e1 01 89 c8 e6 f4 f4';
    expect(run(asks)).toEqual({ reason: 'exit', status: 3 });
    expect(run(asks, { cpu: 'default,-monitor' })).toEqual({ reason: 'exit', status: 1 });
    const without = new KernelBed('interpreter', { cpu: 'default,-monitor' }).boot();
    expect([without.ends(`${MONITOR} f4`), without.ends('0f 01 c9 f4')]).toEqual(['#6', '#6']);
    expect(new KernelBed('interpreter').boot().level(3).ends('31 c9 0f 01 c9')).toBe('#6');
  });
});
