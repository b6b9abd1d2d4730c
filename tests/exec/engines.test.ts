import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Random } from '../../src/bits/random.ts';
import { readImage } from '../../src/elf/image.ts';
import { ENGINE_NAMES, type EngineName } from '../../src/exec/engine.ts';
import { Kernel } from '../../src/kernel/kernel.ts';
import { PF, PROT } from '../../src/kernel/vm/flags.ts';
import { Machine } from '../../src/machine/machine.ts';
import { stateHash } from '../../src/machine/state-hash.ts';
import { PAGE_SIZE } from '../../src/memory/physical.ts';
import { RAM, STATE, STATE_END } from '../../src/state/layout.ts';
import { guestPath } from '../guests/expected.ts';
import { TextStdio } from '../support/run-program.ts';

/** A program at its entry, to be run in slices. */
class Program {
  readonly machine: Machine;
  readonly #kernel: Kernel;
  #registers = new Uint8Array();
  #memory = new Uint8Array();

  constructor(engine: EngineName, guest: string, name = `/bin/${guest.split('/').pop()}`, env: readonly string[] = []) {
    this.machine = new Machine({ syscall: true, memory: 32 << 20, engine, hotAfter: 10 });
    this.#kernel = new Kernel(this.machine, { stdio: new TextStdio() });
    this.#kernel.exec(readImage(readFileSync(guestPath(guest))), [name], env);
  }

  get done(): boolean {
    return this.#kernel.process!.end !== null;
  }
  get instructions(): number {
    return this.machine.cpu.icount;
  }
  get hash(): string {
    return stateHash(this.machine);
  }

  /** Runs `n` instructions, or to the end. */
  run(n: number): void {
    this.#kernel.run({ instructions: n });
  }

  /** Brings every page of the process in, so that running it allocates nothing, and notes where it stands. */
  checkpoint(): void {
    const { space } = this.#kernel.process!;
    for (const { start, end, prot } of space.areas.all)
      for (let page = start; page < end; page += PAGE_SIZE)
        space.handleFault(page, prot & PROT.WRITE ? PF.USER | PF.WRITE : PF.USER);
    const { memory, cpu } = this.machine;
    this.#registers = cpu.u8.slice(STATE, STATE_END);
    this.#memory = memory.bytes(0, this.#touched()).slice();
  }

  /** Bytes up to the last frame that anybody has written. */
  #touched(): number {
    return PAGE_SIZE + Math.max(...this.machine.memory.touchedFrames());
  }

  /** Goes back to the checkpoint. The code is the same there, so whatever has been decoded stays. */
  restore(): void {
    const { memory, cpu } = this.machine;
    cpu.u8.set(this.#registers, STATE);
    expect(this.#touched()).toBe(this.#memory.length);
    memory.u8.set(this.#memory, RAM);
    this.machine.flushTlb();
  }

  /** Hashes after every `step` instructions, up to the end or `limit`. */
  trail(step: number, limit: number): string[] {
    const hashes: string[] = [];
    while (!this.done && this.instructions < limit) {
      this.run(step);
      hashes.push(this.hash);
    }
    return hashes;
  }
}

const PROGRAMS = ['user/hello', 'user/status', 'user/hello-glibc', 'user/floats-glibc'];
/** As far as the reference engine goes within seconds. */
const LIMIT = 150_000;

describe('all engines are in the same state', () => {
  test.each(PROGRAMS)('%s, every 1,000 instructions', (guest) => {
    const [jit, interpreter, reference] = ENGINE_NAMES.map((engine) => new Program(engine, guest).trail(1000, LIMIT));
    expect(jit).toEqual(reference);
    expect(interpreter).toEqual(reference);
    expect(new Set(interpreter).size).toBe(interpreter!.length);
  });
});

describe.each(ENGINE_NAMES)('%s: a run can stop anywhere', (engine) => {
  /** All of the first 100,000 in a campaign: SWAPGS_STOPS=100000. */
  const FIRST = Number(process.env['SWAPGS_STOPS'] ?? 1000);

  test('run(n) is n steps, for each of the first instructions', () => {
    const program = new Program(engine, 'user/hello');
    program.checkpoint();
    const stepped = program.trail(1, FIRST);
    expect(stepped).toHaveLength(FIRST);
    for (let n = 1; n <= FIRST; n++) {
      program.restore();
      program.run(n);
      expect([n, program.instructions, program.hash]).toEqual([n, n, stepped[n - 1]]);
    }
  });

  test('and where nothing has been decoded yet', () => {
    const stepped = new Program(engine, 'user/hello').trail(1, FIRST);
    for (let n = 1; n <= FIRST; n = Math.ceil(n * 1.3)) {
      const program = new Program(engine, 'user/hello');
      program.run(n);
      expect([n, program.instructions, program.hash]).toEqual([n, n, stepped[n - 1]]);
    }
  });

  test('slices of any length are one run', () => {
    const whole = new Program(engine, 'user/status');
    whole.run(LIMIT);
    for (let seed = 1; seed <= 4; seed++) {
      const random = new Random(seed);
      const sliced = new Program(engine, 'user/status');
      while (!sliced.done) sliced.run(1 + random.below(random.pick([2, 10, 100, 2000])));
      expect(sliced.instructions).toBe(whole.instructions);
      expect(sliced.hash).toBe(whole.hash);
    }
  });
});

const onLinux = process.platform === 'linux' && process.arch === 'x64';

/** Whether the host lets a process be single-stepped. */
function canStep(): boolean {
  if (!onLinux) return false;
  const probe = spawnSync(guestPath('oracle/steps'), ['./hello'], { cwd: dirname(guestPath('user/hello')) });
  return probe.status === 0;
}

describe.skipIf(!canStep())('instruction counts are those of the host, single-stepped', () => {
  test.each(['hello', 'status'])('%s', (name) => {
    const cwd = dirname(guestPath('user/hello'));
    const { stderr } = spawnSync(guestPath('oracle/steps'), [`./${name}`], { cwd, encoding: 'utf8' });
    for (const engine of ENGINE_NAMES) {
      const program = new Program(engine, `user/${name}`, `./${name}`, ['PATH=/bin', 'HOME=/']);
      program.run(LIMIT);
      expect(`${program.instructions}\n`).toBe(stderr);
    }
  });
});
