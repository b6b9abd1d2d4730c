import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Random } from '../../../src/bits/random.ts';
import { readImage } from '../../../src/elf/image.ts';
import { Reference } from '../../../src/exec/reference.ts';
import { Kernel } from '../../../src/kernel/kernel.ts';
import { Machine } from '../../../src/machine/machine.ts';
import { stateHash } from '../../../src/machine/state-hash.ts';
import { guestPath } from '../../guests/expected.ts';
import { TextStdio } from '../../support/run-program.ts';

const LIMIT = 120_000;
/** Every so many instructions the states are compared. */
const STEP = 2000;

interface Run {
  readonly hashes: string[];
  readonly output: string;
}

/** Runs a program with an engine of its own, or on turns with the reference, after random numbers of instructions. */
function run(guest: string, hotAfter: number, seed: number | null): Run {
  const machine = new Machine({
    syscall: true,
    memory: 32 << 20,
    engine: seed === null ? 'reference' : 'jit',
    hotAfter,
  });
  const reference = new Reference(machine.context);
  const random = new Random(seed ?? 0);
  const stdio = new TextStdio();
  const kernel = new Kernel(machine, { stdio });
  kernel.exec(readImage(readFileSync(guestPath(guest))), [`/bin/${guest}`], []);
  const own = machine.engine.run.bind(machine.engine);
  if (seed !== null)
    machine.engine.run = (budget) => {
      let left = budget;
      for (;;) {
        const part = Math.min(left, 1 + random.below(random.below(4) ? 40 : 3000));
        const before = machine.cpu.icount;
        const exit = random.below(3) ? own(part) : reference.run(part);
        left -= machine.cpu.icount - before;
        if (exit.kind !== 'count' || left === 0) return exit;
      }
    };
  const hashes: string[] = [];
  while (kernel.process!.end === null && machine.cpu.icount < LIMIT) {
    kernel.run({ instructions: STEP });
    hashes.push(stateHash(machine));
  }
  return { hashes, output: stdio.text };
}

describe.each(['user/status', 'user/floats-glibc', 'user/numbers'])('%s', (guest) => {
  const whole = run(guest, 1, null);
  test.each([1, 5, 50])('switching engines at random, regions after %d arrivals', (hotAfter) => {
    for (let seed = 1; seed <= 3; seed++) expect(run(guest, hotAfter, seed)).toEqual(whole);
  });
});
