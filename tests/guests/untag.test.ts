import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readImage } from '../../src/elf/image.ts';
import { ENGINE_NAMES, type EngineName } from '../../src/exec/engine.ts';
import { Kernel } from '../../src/kernel/kernel.ts';
import { Machine } from '../../src/machine/machine.ts';
import { RoundRobin, type Scheduler, Seeded } from '../../src/machine/system/scheduler.ts';
import { boot } from '../support/boot.ts';
import { swapgs } from '../support/cli.ts';
import { elfFile } from '../support/elf-file.ts';
import { guestPath } from './expected.ts';

const folder = mkdtempSync(join(tmpdir(), 'untag-'));
afterAll(() => rmSync(folder, { recursive: true }));
/** Little, so that many runs are quick. */
const MEMORY = 4 << 20;
const ONCE = guestPath('kernel/untag.bin');
const TWICE = guestPath('kernel/untag_twice.bin');
const SAME = { said: 'one value\n', status: 1 };
const DIFFERENT = { said: 'checked 5400000000303018, used 0000000000303018\n', status: 3 };

function run(guest: string, scheduler: Scheduler, engine: EngineName = 'interpreter') {
  const { system, said } = boot(readFileSync(guest), { engine, cpus: 2, scheduler, memory: MEMORY });
  const stop = system.run({ instructions: 300_000 });
  return { said: said(), status: stop.reason === 'exit' ? stop.status : stop.reason };
}

type Turns = readonly { readonly cpu: number; readonly instructions: number }[];

/** Instructions of the loop that untags, at most, and of the CPU that turns tags on until it waits for the answer. */
const LOOP = 8;
const TURNS = 8;

/** The first CPU is interrupted behind each instruction of its loop, the other one never or behind each of its own. */
function* everySchedule(): Generator<Turns> {
  for (let first = 1; first <= LOOP; first++) {
    yield [{ cpu: 0, instructions: first }];
    for (let second = 1; second <= TURNS; second++)
      yield [
        { cpu: 0, instructions: first },
        { cpu: 1, instructions: second },
        { cpu: 0, instructions: 2 * LOOP },
      ];
  }
}

const interruptedAt = (instructions: number): Turns => [
  { cpu: 0, instructions },
  { cpu: 1, instructions: 10 },
];

/** Both CPUs up to where they wait for each other, then the given turns, then everybody in turn. */
class Interrupted implements Scheduler {
  readonly #turns: { readonly cpu: number; readonly instructions: number }[];
  readonly #then = new RoundRobin(1000);
  constructor(turns: Turns) {
    this.#turns = [{ cpu: 0, instructions: 3000 }, { cpu: 1, instructions: 1000 }, ...turns];
  }
  next(runnable: readonly number[]) {
    const turn = this.#turns[0];
    if (turn === undefined || !runnable.includes(turn.cpu)) return this.#then.next(runnable);
    this.#turns.shift();
    return turn;
  }
  latency(): number {
    return 0;
  }
}

describe('a tag taken off while another CPU lets pointers carry tags', () => {
  it('has two values in one place of the loop when the mask is read twice, and one everywhere when it is read once', () => {
    const places = Array.from({ length: 40 }, (_, n) => n + 1);
    const differs = (guest: string): number[] =>
      places.filter((n) => run(guest, new Interrupted(interruptedAt(n))).status === 3);
    expect(differs(ONCE)).toEqual([]);
    const found = differs(TWICE);
    expect(found.length).toBeGreaterThan(3);
    // Eight instructions of the loop; the mask changes between the second and the fourth of them.
    expect(new Set(found.map((n) => n % 8)).size).toBe(2);
    for (const engine of ENGINE_NAMES) {
      expect(run(TWICE, new Interrupted(interruptedAt(found[0]!)), engine)).toEqual(DIFFERENT);
      expect(run(ONCE, new Interrupted(interruptedAt(found[0]!)), engine)).toEqual(SAME);
    }
  });

  it('on every schedule with one or two switches', { timeout: 120_000 }, () => {
    const schedules = [...everySchedule()];
    expect(schedules.length).toBe(LOOP + LOOP * TURNS);
    const findings = (guest: string): number =>
      schedules.filter((turns) => run(guest, new Interrupted(turns)).status === 3).length;
    expect(findings(TWICE)).toBeGreaterThanOrEqual(1);
    for (const remedy of [ONCE, guestPath('kernel/untag_cached.bin'), guestPath('kernel/untag_stone.bin')])
      expect(findings(remedy), remedy).toBe(0);
  });

  it('on random schedules', () => {
    const seeds = Array.from({ length: 60 }, (_, seed) => seed + 1);
    const statuses = (guest: string): unknown[] => seeds.map((seed) => run(guest, new Seeded(seed, 20)).status);
    expect(new Set(statuses(ONCE))).toEqual(new Set([1]));
    expect(new Set(statuses(TWICE))).toEqual(new Set([1, 3]));
  });

  it('again from a file', () => {
    const file = join(folder, 'schedule');
    const args = (guest: string, ...more: string[]) => [
      'run',
      '--bare',
      '--multiboot',
      guest,
      '--cpus',
      '2',
      '--state',
      'none',
      ...more,
    ];
    const seed = Array.from({ length: 60 }, (_, n) => n + 1).find((n) => run(TWICE, new Seeded(n, 20)).status === 3)!;
    const first = swapgs(args(TWICE, '--seed', String(seed), '--quantum', '20', '--record-schedule', file));
    expect([first.stdout, first.status]).toEqual([DIFFERENT.said, 3]);
    const again = swapgs(args(TWICE, '--schedule', file));
    expect([again.stdout, again.status]).toEqual([DIFFERENT.said, 3]);
  });
});

it('tags are there from the first instruction of every program on, where the run says so', () => {
  // lea v(%rip),%rdi; bts $58,%rdi; movzbl (%rdi),%edi; mov $60,%eax; syscall; v: 42
  const code = '48 8d 3d 11 00 00 00 48 0f ba ef 3a 0f b6 3f b8 3c 00 00 00 0f 05 90 90 2a';
  const program = elfFile({ body: Uint8Array.from(Buffer.from(code.replaceAll(' ', ''), 'hex')) });
  const ends = (tagged: boolean): unknown => {
    const kernel = new Kernel(new Machine({ syscall: true, memory: 16 << 20 }), { tagged });
    try {
      kernel.exec(readImage(program), ['tagged'], []);
      return kernel.run({ instructions: 100 });
    } finally {
      kernel.close();
    }
  };
  expect(ends(true)).toEqual({ kind: 'exited', status: 42 });
  expect(ends(false)).toMatchObject({ kind: 'killed', signal: 11 });
});

describe('whose mask takes the tag off', () => {
  const ended = (guest: string, engine: EngineName) => {
    const { system, said } = boot(readFileSync(guestPath(`kernel/${guest}.bin`)), { engine });
    const stop = system.run({ instructions: 100_000 });
    return { said: said(), status: stop.reason === 'exit' ? stop.status : stop.reason };
  };

  it.each(ENGINE_NAMES)('a kernel thread that works for a process asks for the process’s mask (%s)', (engine) => {
    expect(ended('untag_remote', engine)).toEqual({
      said: [
        'the CPU in its own memory: -EFAULT',
        'the CPU in the other memory: 42',
        'untagged by its own mask: -EFAULT',
        'untagged by the other mask: 42\n',
      ].join('\n'),
      status: 1,
    });
  });

  it.each(ENGINE_NAMES)('with CR3 bits of each thread the kernel follows what the thread cannot (%s)', (engine) => {
    expect(ended('untag_threads', engine)).toEqual({
      said: 'thread 1: CPU reads 42, kernel for it reads 42\nthread 2: CPU refuses, kernel for it reads 42\n',
      status: 3,
    });
  });
});
