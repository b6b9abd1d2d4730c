import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ENGINE_NAMES } from '../../src/exec/engine.ts';
import { RoundRobin, Seeded } from '../../src/machine/system/scheduler.ts';
import type { StaleCode } from '../../src/memory/icache.ts';
import type { StaleUse } from '../../src/memory/mmu.ts';
import * as L from '../../src/state/layout.ts';
import { boot } from '../support/boot.ts';
import { ONE_LINE, swapgs } from '../support/cli.ts';
import { KernelBed } from '../support/kernel-bed.ts';
import { image, KERNEL, said, start } from '../support/small-kernel.ts';

const folder = mkdtempSync(join(tmpdir(), 'swapgs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
describe.each(ENGINE_NAMES)('the small kernel (%s)', (engine) => {
  const says = (commandLine: string): string[] => said(commandLine, { engine });

  it('boots on several CPUs', () => expect(says('')[0]).toMatch(/^3 CPUs are there; name a scenario: ipi /));

  it.each([
    ['v2-16bit', 16, 5, 0],
    ['v2-16bit', 16, 5, 65_532],
    ['v2-2bit', 2, 5, 0],
    ['v2-2bit', 2, 8, 1],
    ['v7', 28, 9, 0],
    ['v7-2bit', 2, 7, 0],
  ])(
    'context tracking counts 2 a round trip, modulo its width: %s, %i bits, %i rounds',
    (layout, bits, rounds, from) => {
      expect(says(`ct-word ${layout} rounds=${rounds} counter=${from}`)).toEqual([
        `ct ${layout}: rounds ${rounds} counter +${(2 * rounds) % 2 ** bits} of ${bits} bits, state in the kernel 0, outside 2, work 0`,
        // Work is still there in the kernel, where it has been done, and gone behind the way out.
        'ct set: 1 word 1 in the kernel 1 then 0',
      ]);
    },
  );

  it('work is set for a CPU in user mode, idle or in a guest, and not in the kernel', () => {
    expect(says('ct-set')).toEqual([
      'user: returns 1, interrupts 0',
      'kernel: returns 0, interrupts 1',
      'idle: returns 1, interrupts 0',
      'guest: returns 1, interrupts 0',
    ]);
  });

  it.each([
    ['ct-race', 'race while: deferred 0, interrupts in user mode 1'],
    ['ct-race do-while', 'race do-while: deferred 1, interrupts in user mode 0'],
    ['ct-race do-while late', 'race do-while late: deferred 0, interrupts in user mode 1'],
  ])('a CPU that leaves the kernel behind the sender’s read: %s', (scenario, line) =>
    expect(says(scenario)).toEqual([line]),
  );

  it('1000 and 500 deferrals are one synchronisation and one flush', () => {
    expect(says('ct-coalesce')).toEqual(['deferred 1500, queue 0: sync_core 1, flush 1']);
  });

  it('33 pages are flushed one by one, 34 all at once', () => {
    expect(says('flush-threshold').slice(1, 3)).toEqual([
      '33 pages: INVLPG 33, flushes 0 on each of 3 CPUs',
      '34 pages: INVLPG 0, flushes 1 on each of 3 CPUs',
    ]);
  });

  it('a read of `current` that was folded writes to the wrong task, and a worker dies of it', () => {
    expect(says('early')).toEqual([
      "cpu 1: idle's mm none, init_task's mm init_mm",
      'kworker/u4:1: vector 14 error 2 cr2 0 flags 10246',
    ]);
    expect(says('early loaded')).toEqual([
      "cpu 1: idle's mm init_mm, init_task's mm none",
      'kworker/u4:1: dropped, 1 left',
    ]);
  });

  it('between the stacks and `current` the task before is current', () => {
    expect(says('switch probe')).toEqual([
      'switch: cached read 1, reloaded read 2, back in 1',
      'window: vector 14, current 1 on the stack of 2',
    ]);
    expect(says('switch')).toEqual(['switch: cached read 1, reloaded read 2, back in 1']);
  });

  it('a user’s read of the kernel’s half: a page fault, or with LASS #GP and CR2 untouched', () => {
    expect(says('user-read nopti')).toEqual(['user read, lass 0: vector 14 error 5 cr2 ffff888000000000']);
    expect(says('user-read nopti lass')).toEqual(['user read, lass 1: vector 13 error 0 cr2 0']);
  });
});

describe('a descriptor and LTR', () => {
  it.each([
    ['ltr', 'ltr: vector 0 error 0, type b', null],
    [
      'ltr swapped',
      'ltr: vector 13 error 40, type 0',
      /^swapgs: CPU 0 at 0x[0-9a-f]+ <set_tss_swapped\+0x5>: LTR reads 16 B written 1 insn later: the descriptor at 0x[0-9a-f]+, by 0x[0-9a-f]+ mov %rsi,\(%rdi\)\n$/,
    ],
  ])('%s', (scenario, line, report) => {
    const args = ['run', '--bare', '--multiboot', KERNEL, '--append', scenario, '--detect', 'late-store'];
    const { stdout, stderr } = swapgs(args);
    expect(stdout).toBe(`${line}\n`);
    if (report === null) expect(stderr).toBe('');
    else expect(stderr).toMatch(report);
  });
});

describe('patched code', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('is the old one, the INT3, or the new one, in this order (seed %i)', (seed) => {
    expect(said('text-poke', { seed })).toEqual(['text_poke: old seen, new seen, order kept, ways b kept']);
  });
});

describe.each(ENGINE_NAMES)('a deferred flush (%s)', (engine) => {
  it.each([
    ['vunmap', 'the new frame', 0],
    ['vunmap read-early', 'the old frame', 1],
    // Flushed with the switch of CR3, in front of everything else.
    ['vunmap read-early v7-flush', 'the new frame', 0],
  ])('and a read on the way in: %s', (commandLine, read, uses) => {
    const stale: StaleUse[] = [];
    const { system, said: text } = boot(
      image,
      { cpus: 2, engine, scheduler: new RoundRobin(500), hotAfter: 200, staleUse: (use) => void stale.push(use) },
      { commandLine, modules: [] },
    );
    expect(system.run({ instructions: 5_000_000 })).toEqual({ reason: 'exit', status: 1 });
    expect(text()).toBe(`vunmap: CPU 1 read ${read}\n`);
    expect(stale.map(({ linear, access }) => [linear, access])).toEqual(
      Array(uses).fill([0xffffc90000000000n, 'read']),
    );
  });
});

describe('instruction caches that only serializing instructions make coherent', () => {
  const found = (commandLine: string, seed: number) => {
    const stale: StaleCode[] = [];
    const icache = { seed, report: (one: StaleCode) => void stale.push(one) };
    const { system, said: text } = boot(
      image,
      { cpus: 3, scheduler: new Seeded(seed, 500), icache },
      { commandLine, modules: [] },
    );
    system.run({ instructions: 5_000_000 });
    return { stale, text: text() };
  };

  it.each([1, 2, 3, 8, 10])('with each step synchronised no instruction is ever half old (seed %i)', (seed) => {
    const { stale, text } = found('text-poke', seed);
    expect(text).toBe('text_poke: old seen, new seen, order kept, ways b kept\n');
    expect(stale.filter(({ mixed }) => mixed)).toEqual([]);
    expect(stale.every(({ cpu }) => cpu === 1)).toBe(true);
  });

  it('without the first synchronisation a CPU executes the old first byte with the new rest', () => {
    let mixed: StaleCode | undefined;
    for (let seed = 1; seed < 60 && mixed === undefined; seed++)
      mixed = found('text-poke without=2', seed).stale.find((one) => one.mixed);
    expect(mixed).toMatchObject({ cpu: 1 });
    expect(mixed!.executed).not.toEqual(mixed!.memory);
  }, 120_000);
});

describe('page-table isolation', () => {
  /** Page walks for 200 more round trips. */
  const walks = (options: string): number => {
    const [few, many] = [100, 300].map((rounds) => {
      const { system, stop } = start(`round-trips rounds=${rounds} ${options}`, { cpus: 2 });
      expect(stop).toEqual({ reason: 'exit', status: 1 });
      return system.machine.mmu.counts.walks;
    });
    return many! - few!;
  };

  it('with PCID the switches of CR3 drop nothing, without everything that is not global', () => {
    expect(walks('')).toBe(0);
    expect(walks('nopcid')).toBeGreaterThan(400);
    expect(walks('nopti nopcid')).toBe(0);
  });
});

describe.each(ENGINE_NAMES)('LASS (%s)', (engine) => {
  it('ends a user’s access before any walk', () => {
    const bed = new KernelBed(engine).level(3);
    // A page of the kernel at 0xffff888000000000: PML4E 273, and the first entries below it.
    const tables = [0x30_0000, 0x30_1000, 0x30_2000, 0x30_3000];
    [bed.tables.root + 8 * 273, ...tables.slice(0, 3)].forEach((at, i) => void bed.write(at, BigInt(tables[i]!) | 3n));
    const read = '48 a1 00 00 00 00 80 88 ff ff';
    const walked = (): [string, number] => {
      const { walks } = bed.machine.mmu.counts;
      const ended = bed.level(3).ends(read);
      return [ended, bed.machine.mmu.counts.walks - walks];
    };
    walked();
    expect(walked()).toEqual(['#PF(5) at 0xffff888000000000', 1]);
    bed.cpu.setU64(L.CR4, bed.cpu.u64(L.CR4) | (1n << 27n));
    bed.machine.mmu.flushFast();
    walked();
    expect(walked()).toEqual(['#GP(0)', 0]);
  });
});

describe('interrupts of isolated CPUs', () => {
  const record = (name: string, commandLine: string): string => {
    const trace = join(folder, name);
    const args = ['run', '--bare', '--multiboot', KERNEL, '--cpus', '32', '--append', commandLine, '-o', trace];
    const done = swapgs([
      ...args,
      ...['-e', 'csd_queue_cpu', '-f', 'cpu & CPUS{1-31}'],
      ...['-e', 'ipi_send_cpumask', '-f', 'cpumask & CPUS{1-31}'],
      ...['-e', 'ipi_send_cpu', '-f', 'cpu & CPUS{1-31}'],
    ]);
    expect(done).toMatchObject({ status: 1, stderr: '' });
    return trace;
  };
  /** A pipeline of the shell, over the report of a trace. */
  const piped = (trace: string, pipeline: string): string => {
    const { stdout } = swapgs(['report', trace]);
    return spawnSync('sh', ['-c', pipeline], { input: stdout, encoding: 'utf8', maxBuffer: 1 << 28 }).stdout;
  };
  const SENT = "grep callback | awk '{ print $(NF) }' | sort | uniq -c | sort -nr";
  const QUEUED = "grep csd_queue | awk '{ print $(NF-1) }' | sort | uniq -c | sort -nr";

  it('338 of them, and what they are for', () => {
    const trace = record('base.trace', 'ipi');
    expect(piped(trace, 'head -1')).toBe('cpus=32\n');
    expect(piped(trace, SENT)).toBe('    338 callback=generic_smp_call_function_single_interrupt+0x0\n');
    expect(piped(trace, QUEUED)).toBe(
      '   9207 func=do_flush_tlb_all\n   1116 func=do_sync_core\n     62 func=do_kernel_range_flush\n      3 func=nohz_full_kick_func\n',
    );
    // As a timeline: an entry for each event, a track for each CPU.
    const { traceEvents } = JSON.parse(swapgs(['report', '--format', 'perfetto', trace]).stdout) as {
      traceEvents: { ph: string; name: string; args?: { event?: string } }[];
    };
    const count = (event: string): number => traceEvents.filter(({ args }) => args?.event === event).length;
    expect([count('csd_queue_cpu'), count('ipi_send_cpumask'), count('ipi_send_cpu')]).toEqual([10388, 335, 3]);
    expect(traceEvents.filter(({ name }) => name === 'thread_name')).toHaveLength(32);
    // ftrace's shape, and a filter of the report.
    const lines = swapgs([
      'report',
      '--format',
      'ftrace',
      '-F',
      'ipi_send_cpu: callback.function == generic_smp_call_function_single_interrupt',
      trace,
    ]).stdout.split('\n');
    expect(lines[0]).toBe('# tracer: nop');
    expect(lines.filter((line) => !line.startsWith('#') && line !== '')).toHaveLength(3);
    expect(lines.at(-2)).toMatch(
      /^ {4}housekeeping-42 {6}\[000\] \.{5} {5}\d\.\d{6}: ipi_send_cpu: cpu=3 callsite=scenario_ipi\+0x[0-9a-f]+\/0x[0-9a-f]+ callback=generic_smp_call_function_single_interrupt\+0x0\/0x[0-9a-f]+$/,
    );
  });

  it('two are left when what can wait waits for the next entry', () => {
    const trace = record('deferred.trace', 'ipi defer');
    expect(piped(trace, SENT)).toBe('      2 callback=generic_smp_call_function_single_interrupt+0x0\n');
    expect(piped(trace, QUEUED)).toBe('      2 func=nohz_full_kick_func\n');
  });

  it('and the same two where the flush comes with the switch of CR3', () => {
    const trace = record('v7.trace', 'ipi v7-flush');
    expect(piped(trace, SENT)).toBe('      2 callback=generic_smp_call_function_single_interrupt+0x0\n');
    expect(piped(trace, QUEUED)).toBe('      2 func=nohz_full_kick_func\n');
  });

  it('with arrows from each call to where it runs', () => {
    const trace = join(folder, 'flow.trace');
    swapgs([
      'run',
      '--bare',
      '--multiboot',
      KERNEL,
      '--cpus',
      '3',
      '--append',
      'ipi flushes=4 pokes=1',
      '-e',
      'csd,ipi',
      '-o',
      trace,
    ]);
    const { traceEvents } = JSON.parse(swapgs(['report', '--format', 'perfetto', trace]).stdout) as {
      traceEvents: { ph: string; id?: number }[];
    };
    const ids = (ph: string) => traceEvents.filter((one) => one.ph === ph).map(({ id }) => id);
    expect(ids('s')).toHaveLength(2 * (4 + 3 + 2) + 3);
    expect(new Set(ids('f'))).toEqual(new Set(ids('s')));
  });

  it('swapgs record takes trace-cmd’s command line, and the file begins with the number of CPUs', () => {
    const trace = join(folder, 'recorded.trace');
    const done = swapgs([
      ...['record', '--cpus', '8', '-o', trace],
      ...['-e', 'csd_queue_cpu', '-f', 'cpu & CPUS{1-3}', '-f', 'func.function == do_sync_core'],
      ...['-e', 'ipi_send_cpu', KERNEL, 'ipi', 'flushes=2', 'pokes=1', 'kicks=1'],
    ]);
    expect(done).toEqual({ status: 1, stdout: 'ipi sent: 2 flushes, 1 pokes, 2 small, 1 kicks\n', stderr: '' });
    expect(readFileSync(trace, 'utf8').split('\n', 1)).toEqual(['cpus=8']);
    const [first, ...lines] = swapgs(['report', trace]).stdout.trimEnd().split('\n');
    expect(first).toBe('cpus=8');
    const count = (event: RegExp): number => lines.filter((line) => event.test(line)).length;
    // Three synchronisations of three CPUs each, and the kick: each filter is for the event before it.
    expect([count(/: csd_queue_cpu: +cpu=[123] .*func=do_sync_core/), count(/: ipi_send_cpu: /), lines.length]).toEqual(
      [9, 1, 10],
    );
  });

  it('swapgs record refuses in one line what it cannot do', () => {
    for (const args of [[], [KERNEL], ['-f', 'cpu == 1', KERNEL], ['-e', 'nobody', KERNEL], ['-e', 'ipi', 'nowhere']])
      expect(swapgs(['record', ...args])).toMatchObject({ status: 125, stderr: expect.stringMatching(ONE_LINE) });
  });

  it('a bad filter is one line behind the filter and a caret; so is an unknown event', () => {
    const run = (...args: string[]) => swapgs(['run', '--bare', '--multiboot', KERNEL, '--cpus', '2', ...args]);
    const bad = run('-e', 'csd_queue_cpu', '-f', 'cpu & CPUS{1');
    expect(bad.stderr.split('\n').slice(0, 2)).toEqual(['cpu & CPUS{1', '            ^']);
    expect(bad.stderr.split('\n')[2]).toContain("EINVAL: parse_error: Missing '}'");
    expect(bad.status).toBe(125);
    expect(run('-e', 'nobody').stderr).toMatch(ONE_LINE);
    expect(run('-f', 'cpu == 1').stderr).toMatch(ONE_LINE);
    expect(swapgs(['report', KERNEL]).stderr).toMatch(ONE_LINE);
    expect(swapgs(['report', join(folder, 'none')]).stderr).toMatch(ONE_LINE);
  });
});

it('the same seed is the same run, on every engine', () => {
  const hashes = (seed: number) =>
    (['jit', 'interpreter', 'jit'] as const).map((engine) =>
      start('ipi flushes=2 pokes=1', { seed, engine }).system.hash(),
    );
  const [first, ...others] = hashes(7);
  expect(others).toEqual([first, first]);
  expect(hashes(8)[0]).not.toBe(first);
});
