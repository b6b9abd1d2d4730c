import { describe, expect, it, test } from 'vitest';
import { readSymbols } from '../../src/elf/symbols.ts';
import { ENGINE_NAMES } from '../../src/exec/engine.ts';
import { RoundRobin } from '../../src/machine/system/scheduler.ts';
import type { SpeculatedWalk, SpeculationPlan } from '../../src/machine/system/speculator.ts';
import type { FreedWalk } from '../../src/memory/mmu.ts';
import { pageWalk } from '../../src/memory/page-walk.ts';
import * as L from '../../src/state/layout.ts';
import { boot } from '../support/boot.ts';
import { ONE_LINE, swapgs } from '../support/cli.ts';
import { AT, KernelBed } from '../support/kernel-bed.ts';
import { image, KERNEL, type Run, said, start } from '../support/small-kernel.ts';

const symbols = readSymbols(image);
const symbol = (name: string): bigint => symbols.named(name)!.address;
/** The area that the kernel's scenarios use, and a page beside it. */
const AREA = 0xffff_c900_0040_0000n;
const BESIDE = AREA + 0x1000n;

/** MOV to CR3 is the sixth instruction of the entry by SYSCALL. */
const MOV_CR3 = 6;

/** Runs a scenario with CPU 1 speculating. */
function speculate(commandLine: string, plan: Omit<SpeculationPlan, 'cpu'>, options: Run = {}) {
  const walks: SpeculatedWalk[] = [];
  const freed: FreedWalk[] = [];
  const run = start(commandLine, {
    cpus: 2,
    ...options,
    freedWalk: (walk) => void freed.push(walk),
    speculation: { plans: [{ cpu: 1, ...plan }], seed: options.seed ?? 0, report: (walk) => void walks.push(walk) },
  });
  expect(run.stop).toEqual({ reason: 'exit', status: 1 });
  return { walks, freed, text: run.said() };
}
const marking = (walks: readonly SpeculatedWalk[]) =>
  walks.filter(({ outcome }) => outcome.walked && outcome.marked.length > 0);

describe.each(ENGINE_NAMES)('%s', (engine) => {
  describe('a page table that is freed while a CPU puts off its flush', () => {
    const atEntry = { when: { at: symbol('kernel_entry'), count: 1 }, walks: [BESIDE] } as const;
    const inUser = { when: { every: 300 }, walks: [BESIDE] } as const;
    it.each([
      ['on the way in, behind the switch of CR3', 'free-table', atEntry],
      ['in user mode, whose tables are the kernel’s', 'free-table nopti', inUser],
    ])('%s: A is written into a page that is data by now', (_, commandLine, plan) => {
      const { freed, text } = speculate(commandLine, plan, { engine });
      const [, frame = ''] = /frame ([0-9a-f]+) word 1 was 200001, is 200021\n$/.exec(text) ?? [];
      const table = Number.parseInt(frame, 16);
      expect(freed.find(({ marked }) => marked.length > 0)).toEqual({
        cpu: 1,
        linear: BESIDE,
        access: 'speculation',
        table,
        marked: [{ level: 0, at: table + 8, bits: 0x20 }],
      });
    });

    it.each([
      ['free-table leaf-only', atEntry],
      ['free-table leaf-only nopti', inUser],
    ])('where only leaves go, nothing is: %s', (commandLine, plan) => {
      const { freed, walks } = speculate(commandLine, plan, { engine });
      expect(walks.length).toBeGreaterThan(1);
      expect(freed).toEqual([]);
    });

    it('and nothing without a speculator', () => {
      expect(said('free-table', { cpus: 2, engine })[0]).toMatch(/word 1 was 200001, is 200001$/);
    });
  });

  describe('the entry before MOV to CR3', () => {
    const entry = (count: number) => ({ when: { at: symbol('entry_syscall'), count }, walks: [AREA] });
    it('walks what the user’s tables lead to: A of an unrelated page directory entry', () => {
      const { walks, text } = speculate('entry-walk share-vmalloc', entry(MOV_CR3), { engine });
      const [first] = marking(walks);
      expect(first).toMatchObject({ cpu: 1, index: 1, rip: symbol('entry_syscall'), linear: AREA });
      expect(first!.outcome).toMatchObject({
        walked: true,
        marked: [{ level: 3 }, { level: 2 }, { level: 1 }, { level: 0 }],
      });
      expect(text).toBe('entry-walk: PDE accessed\n');
    });

    it('and nothing of the kernel’s half with tables of its own, until CR3 is the kernel’s', () => {
      const before = speculate('entry-walk', entry(MOV_CR3), { engine });
      expect(before.walks.map(({ index }) => index).slice(0, MOV_CR3)).toEqual([1, 2, 3, 4, 5, 6]);
      expect([marking(before.walks), before.text]).toEqual([[], 'entry-walk: PDE not accessed\n']);
      const behind = speculate('entry-walk', entry(MOV_CR3 + 1), { engine });
      expect(marking(behind.walks).map(({ index }) => index)).toEqual([MOV_CR3 + 1]);
      expect(behind.text).toBe('entry-walk: PDE accessed\n');
    });
  });

  describe('the TLB over a switch of CR3', () => {
    // mov %cr3,%rax; [bts $63,%rax]; mov %rax,%cr3; hlt
    const READ = '48 0f ba f0 3f';
    const SET = '48 0f ba e8 3f';
    const populations = (pcid: boolean, bit: string) => {
      const b = new KernelBed(engine).boot();
      b.tables.map4k(AT.end, AT.userData, { write: true, execute: false, user: false });
      // A global page beside those that are not.
      const cr4 = b.cpu.u64(L.CR4) | (pcid ? 1n << 17n : 0n);
      b.cpu.setU64(L.CR4, cr4 | 0x80n);
      b.machine.flushTlb();
      const { at } = pageWalk(b.memory, b.cpu, BigInt(AT.end)).steps.at(-1)!;
      b.write(at, b.read(at) | 0x100n);
      b.machine.flushTlb();
      b.machine.mmu.speculate(BigInt(AT.end));
      b.run(`a1 ${'00 00 11 00 00 00 00 00'} f4`);
      b.put(AT.code + 0x100, `0f 20 d8 ${bit} 0f 22 d8 f4`);
      b.cpu.rip = BigInt(AT.code + 0x100);
      b.machine.run(2);
      const before = b.machine.mmu.population;
      b.machine.step();
      return { before, after: b.machine.mmu.population };
    };

    test('with PCID and bit 63 no entry goes', () => {
      const { before, after } = populations(true, SET);
      expect(before.local).toBeGreaterThan(1);
      expect(before.global).toBe(1);
      expect(after).toEqual(before);
    });

    test.each([
      [false, READ],
      [true, READ],
    ])('without (PCID %s) all go but global ones', (pcid, bit) => {
      expect(populations(pcid, bit).after).toEqual({ local: 0, global: 1 });
    });

    /** Entries of the TLB before MOV to CR3 in the entry by SYSCALL, and behind it. */
    const overEntry = (commandLine: string) => {
      const seen: { index: number; local: number }[] = [];
      // Nothing is walked: no address of this kind exists.
      const plan = { cpu: 1, when: { at: symbol('entry_syscall'), count: MOV_CR3 + 1 }, walks: [1n << 62n] };
      const report = ({ index }: SpeculatedWalk): void => {
        seen.push({ index: index!, local: system.machine.mmu.population.local });
      };
      const speculation = { plans: [plan], seed: 0, report };
      const { system } = boot(
        image,
        { cpus: 2, engine, scheduler: new RoundRobin(500), hotAfter: 200, speculation },
        { commandLine, modules: [] },
      );
      system.run({ instructions: 20_000_000 });
      const of = (index: number): number[] => seen.filter((one) => one.index === index).map(({ local }) => local);
      return { before: of(MOV_CR3), after: of(MOV_CR3 + 1) };
    };

    test('so a kernel with PCID drops nothing on its way in', () => {
      const { before, after } = overEntry('round-trips rounds=10');
      expect(before).toHaveLength(10);
      expect(before[9]).toBeGreaterThan(5);
      expect(after).toEqual(before);
    });

    test('and one without drops all of it', () => {
      expect(overEntry('round-trips rounds=10 nopcid').after).toEqual(Array(10).fill(0));
    });
  });
});

describe('random walks', () => {
  const plan = { when: { every: 97 }, walks: { from: AREA, to: AREA + 0x10_0000n } };
  const run = (seed: number, engine?: Run['engine']) =>
    speculate('round-trips rounds=5', plan, { seed, ...(engine === undefined ? {} : { engine }) }).walks.map(
      ({ linear, rip }) => `${linear} ${rip}`,
    );

  it('are the same for a seed on every engine, and others for another', () => {
    const first = run(3);
    expect(first.length).toBeGreaterThan(20);
    expect(run(3, 'interpreter')).toEqual(first);
    expect(run(3, 'reference')).toEqual(first);
    expect(run(4)).not.toEqual(first);
  });
});

describe('swapgs run --speculate', () => {
  const run = (...args: string[]) =>
    swapgs(['run', '--bare', '--multiboot', KERNEL, '--cpus', '2', '--quantum', '500', ...args]);

  it('tells of the A bit in the freed frame', () => {
    const { stdout, stderr } = run(
      ...['--append', 'free-table', '--detect', 'freed-table'],
      ...['--speculate', 'walk=0xffffc90000401000,at=kernel_entry,cpu=1'],
    );
    const [, frame = ''] = /frame ([0-9a-f]+)/.exec(stdout) ?? [];
    expect(stderr).toContain(
      `swapgs: CPU 1 walked through freed table 0x${frame} for 0xffffc90000401000 (nobody asked for it)\nswapgs: A bit written into freed frame 0x${frame} by CPU 1: PTE at 0x${frame.slice(0, -3)}008\n`,
    );
    const leafOnly = run(
      ...['--append', 'free-table leaf-only', '--detect', 'freed-table'],
      ...['--speculate', 'walk=0xffffc90000401000,at=kernel_entry,cpu=1'],
    );
    expect(leafOnly.stderr).not.toContain('freed');
  });

  it('tells of a freed table that only the user’s tables lead to, where the guest says what it frees', () => {
    const plan = ['--speculate', 'walk=0xffffc90000400000,every=500,cpu=1'];
    const { stdout, stderr } = run('--append', 'user-copy', '--detect', 'freed-table', ...plan);
    const [, frame = ''] = /^user-copy: frame ([0-9a-f]+) word 0 was 200001, is 200021\n$/.exec(stdout) ?? [];
    expect(stderr).toContain(`swapgs: A bit written into freed frame 0x${frame} by CPU 1: PDPTE at 0x${frame}\n`);
    // Without a copy only walks before the flush find it, and nothing to write.
    expect(run('--append', 'user-copy nopti', '--detect', 'freed-table', ...plan).stderr).not.toContain('written');
  });

  it('says before which instruction of the entry it walked', () => {
    const { stderr } = run(
      ...['--append', 'entry-walk share-vmalloc'],
      ...['--speculate', 'walk=0xffffc90000400000,at=entry_syscall,for=6,cpu=1'],
    );
    expect(stderr).toMatch(
      /^swapgs: CPU 1 walked before insn 1 from entry_syscall, 0x[0-9a-f]+ <entry_\w+>: 0xffffc90000400000: A set in PML4E at 0x\w+, PDPTE at 0x\w+, PDE at 0x\w+, PTE at 0x\w+\nswapgs: 1 speculative walk\n$/,
    );
  });

  it.each([
    'walk=1',
    'every=5',
    'walk=1,every=0',
    'walk=1,every=5,at=2',
    'walk=1,every=5,for=2',
    'walk=1,at=nobody',
    'walk=1,at=1,cpu=2',
    'walk=5-4,every=3',
    'walk=1-9,walk=2,every=3',
    'walk=0-0xffffffffffffffff,every=3',
    'walk=1,every=3,every=4',
    'fly=1',
    '',
  ])('refuses a bad plan in one line: %s', (plan) => {
    const done = run('--speculate', plan);
    expect(done).toMatchObject({ status: 125, stderr: expect.stringMatching(ONE_LINE) });
  });

  it('refuses two places', () => {
    const done = run('--speculate', 'walk=1,at=1', '--speculate', 'walk=1,at=2');
    expect(done).toMatchObject({ status: 125, stderr: expect.stringMatching(ONE_LINE) });
  });
});
