import type { Exit } from '../exec/exit.ts';
import type { Machine } from '../machine/machine.ts';
import type { Output } from './output.ts';

type Numbers = Readonly<Record<string, number>>;

/** How often each kind of exit has left the engine. */
export type ExitCounts = Partial<Record<Exit['kind'], number>>;

const MIB = 2 ** 20;

/** `run`, with its exits counted. */
export function countingExits(counts: ExitCounts, run: (budget: number) => Exit): (budget: number) => Exit {
  return (budget) => {
    const exit = run(budget);
    counts[exit.kind] = (counts[exit.kind] ?? 0) + 1;
    return exit;
  };
}

/** Ends a run with its statistics: lines, or one JSON object. */
export function showStats(
  machine: Machine,
  milliseconds: number,
  exits: ExitCounts,
  json: boolean,
  to: Output,
  threads: Numbers = {},
): void {
  const values = { ...statsValues(machine, milliseconds, exits), threads };
  if (json) to.line(JSON.stringify(values));
  else for (const line of statsLines(values)) to.line(line);
}

/** What `--stats` tells at the end of a run, as plain values. Times and the host's memory vary; everything else is the run's own. */
export function statsValues(machine: Machine, milliseconds: number, exits: ExitCounts) {
  const { cpu, mmu, engine } = machine;
  const { misses, walks, pageFaults } = mmu.counts;
  return {
    instructions: cpu.icount,
    ms: milliseconds,
    mips: milliseconds > 0 ? cpu.icount / milliseconds / 1000 : 0,
    memory: { 'fast TLB misses': misses, 'page-table walks': walks, 'page faults': pageFaults },
    exits: exits as Numbers,
    engine: engine.statistics?.() ?? {},
    host: { 'MiB at most': process.resourceUsage().maxRSS / (MIB / 1024) },
  };
}

const shown = (value: number): string => (Number.isInteger(value) ? String(value) : value.toFixed(1));

function group(title: string, numbers: Numbers): string[] {
  const parts = Object.entries(numbers).map(([name, value]) => `${shown(value)} ${name}`);
  return parts.length === 0 ? [] : [`swapgs: ${title}: ${parts.join(', ')}`];
}

/** The same as lines: first «swapgs: N instructions, S s, M MIPS», then a line for each subject. */
export function statsLines(values: ReturnType<typeof statsValues> & { readonly threads: Numbers }): string[] {
  const { instructions, ms, mips, memory, exits, engine, host, threads } = values;
  return [
    `swapgs: ${instructions} instructions, ${(ms / 1000).toFixed(3)} s, ${mips.toFixed(1)} MIPS`,
    ...group('memory', memory),
    ...group('exits', exits),
    ...group('threads', threads),
    ...Object.entries(engine).flatMap(([subject, numbers]) => group(subject, numbers)),
    ...group('host', host),
  ];
}
