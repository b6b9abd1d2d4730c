import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cpuMaskText, parseCpuList } from '../../../src/trace/events/cpulist.ts';
import { EVENTS, eventByName, eventsNamed } from '../../../src/trace/events/events.ts';
import { FilterError, parseFilter, parseFilters } from '../../../src/trace/events/filter.ts';
import type { TraceEvent } from '../../../src/trace/events/record.ts';
import { formatLines } from '../../../src/trace/events/text.ts';

const scope = {
  cpus: 8,
  function: (name: string) => (name === 'do_sync_core' ? { from: 0x1000n, to: 0x1040n } : null),
};
const queue = eventByName('csd_queue_cpu')!;
const cpumask = eventByName('ipi_send_cpumask')!;
const event = (type: typeof queue, values: TraceEvent['values'], more: Partial<TraceEvent> = {}): TraceEvent => ({
  ...{ type, time: 0, cpu: 0, pid: 42, comm: 'rteval', irqsOff: false, hardirq: false, preempt: 1 },
  ...more,
  values,
});
const on = (cpu: number, more: Partial<TraceEvent> = {}) =>
  event(queue, { cpu: BigInt(cpu), callsite: 0x2000n, func: 0x1010n, csd: 5n }, more);
const passing = (text: string, cpus = [...Array(8).keys()]): number[] =>
  cpus.filter((cpu) => parseFilter(text, queue, scope)(on(cpu)));
const passes = (text: string, one: TraceEvent): boolean => parseFilter(text, one.type, scope)(one);

describe('cpulists', () => {
  it.each([
    ['2,4-6', 0b0111_0100n],
    ['0-7:2/4', 0b0011_0011n],
    ['all', 0xffn],
    ['N', 0x80n],
    ['6-N', 0xc0n],
    ['', 0n],
    ['9-2', null],
    ['8', null],
    ['1-', null],
    ['0-7:5/4', null],
    ['0-7:0/0', null],
    ['x', null],
  ])('%s', (text, mask) => expect(parseCpuList(text, 8)).toBe(mask));

  it('are printed as words of 8 digits, the highest first', () => {
    expect(cpuMaskText(0xff00n, 64)).toBe('00000000,0000ff00');
    expect(cpuMaskText(4n, 8)).toBe('00000004');
  });
});

describe('filters', () => {
  it('of a CPU number by a list', () => {
    expect(passing('cpu & CPUS{2,4-6}')).toEqual([2, 4, 5, 6]);
    expect(passing('cpu == CPUS{3}')).toEqual([3]);
    expect(passing('cpu == CPUS{2,3}')).toEqual([]);
    expect(passing('cpu != CPUS{2,3}')).toHaveLength(8);
    expect(passing('cpu != CPUS{3}')).toEqual([0, 1, 2, 4, 5, 6, 7]);
    for (const operator of ['&', '==', '!=']) expect(passing(`cpu ${operator} CPUS{3}`, [9999])).toEqual([]);
    expect(passing('cpu & CPUS{0-7:1/2} && !(cpu == 4)')).toEqual([0, 2, 6]);
  });

  it('of a mask by a list', () => {
    const mask = (bits: bigint) => event(cpumask, { cpumask: bits, callsite: 0n, callback: 0n });
    expect([0b100n, 0b1100n, 0b1n].map((bits) => passes('cpumask & CPUS{2-3}', mask(bits)))).toEqual([
      true,
      true,
      false,
    ]);
    expect([0b100n, 0b1100n].map((bits) => passes('cpumask == CPUS{2}', mask(bits)))).toEqual([true, false]);
    expect([0b100n, 0b1100n].map((bits) => passes('cpumask == CPUS{2,3}', mask(bits)))).toEqual([false, true]);
    expect([0b100n, 0b1100n].map((bits) => passes('cpumask != CPUS{2,3}', mask(bits)))).toEqual([true, false]);
  });

  it('of where it happened', () => {
    expect(passes('CPU & CPUS{0}', on(5))).toBe(true);
    expect(passes('CPU & CPUS{0}', on(0, { cpu: 5 }))).toBe(false);
    expect(passes('common_cpu == 5', on(0, { cpu: 5 }))).toBe(true);
  });

  it('of numbers: && binds tighter than ||', () => {
    expect(passing('cpu == 1 || cpu >= 2 && cpu < 4')).toEqual([1, 2, 3]);
    expect(passing('(cpu == 1 || cpu >= 2) && cpu <= 0x2')).toEqual([1, 2]);
    expect(passing('cpu & 6')).toEqual([2, 3, 4, 5, 6, 7]);
    expect(passing('cpu == 010', [8])).toEqual([8]);
    // Compared in the field's width.
    expect(passing('cpu == 0x100000003')).toEqual([3]);
    expect(passes('common_pid > -1 && common_preempt_count == 1', on(0))).toBe(true);
  });

  it('of strings and functions', () => {
    expect(passes('comm == "rteval"', on(0))).toBe(true);
    expect(passes("comm ~ 'rt*[a-l]'", on(0))).toBe(true);
    expect(passes('COMM ~ r?eval', on(0))).toBe(true);
    expect(passes('comm != rteval', on(0))).toBe(false);
    expect(passes('func.function == do_sync_core', on(0))).toBe(true);
    expect(passes('callsite.function != do_sync_core', on(0))).toBe(true);
  });

  it('0 lets everything pass', () => expect(passing('0')).toHaveLength(8));

  it.each([
    ['cpu & CPUS{2', "Missing '}'", 12],
    ['cpu & CPUS', "Missing '{'", 10],
    ['cpu & CPUS{9-2}', 'Invalid cpulist', 11],
    ['cpu & CPUS{', "Missing '}'", 11],
    ['nobody == 3', 'Field not found', 0],
    ['comm < 3', 'Illegal operation for field type', 5],
    ['cpu ~ 3', 'Illegal operation for field type', 4],
    ['cpu < CPUS{1}', 'Illegal operation for field type', 4],
    ['((cpu == 1)', "Too many '('", 0],
    ['cpu == 1)', "Too few '('", 8],
    ['comm == "x', 'Missing quote', 8],
    ['cpu @ 3', 'Invalid operator', 4],
    ['cpu == 1 cpu', 'Invalid operator', 9],
    ['cpu == 0xg', 'Illegal integer value', 7],
    ['cpu == abc', 'Expecting an integer value', 7],
    ['cpu == 99999999999999999999', 'Illegal integer value', 7],
    [`comm == "${'x'.repeat(300)}"`, 'Operand too long', 8],
    ['()', 'Meaningless filter expression', 1],
    ['', 'Meaningless filter expression', 0],
    ['cpu == 1 &&', 'Meaningless filter expression', 11],
    ['func.function == nobody', 'Function not found', 17],
  ])('%s: %s', (text, message, position) => {
    let error: unknown;
    try {
      parseFilter(text, queue, scope);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(FilterError);
    const { lines } = error as FilterError;
    expect(lines).toEqual([text, `${' '.repeat(position)}^`, `parse_error: ${message}`]);
  });

  it('of a whole subsystem: for the events that have its fields', () => {
    const types = eventsNamed('csd');
    expect([...parseFilters('cpu == 3', types, scope).keys()].map(({ name }) => name)).toContain('csd_queue_cpu');
    expect(() => parseFilters('nobody == 3', types, scope)).toThrow("Couldn't find or set field");
  });

  it('any text is a filter or an error with a place in it', () => {
    const words = [
      'cpu',
      'comm',
      'CPUS{',
      '1-3',
      '}',
      '==',
      '!=',
      '&',
      '&&',
      '||',
      '!',
      '(',
      ')',
      '"',
      "'",
      '~',
      ' ',
      '7',
      'func',
      '.function',
      '\u{1f600}',
      'CPUS',
    ];
    const text = fc.oneof(
      fc.string(),
      fc.array(fc.constantFrom(...words)).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(text, (filter) => {
        try {
          parseFilter(filter, queue, scope)(on(3));
        } catch (error) {
          expect(error).toBeInstanceOf(FilterError);
          expect((error as FilterError).position).toBeLessThanOrEqual(filter.length);
        }
      }),
      { numRuns: 100_000 },
    );
  }, 120_000);
});

describe('events', () => {
  it('by name, system and pattern', () => {
    const named = (pattern: string) => eventsNamed(pattern).map(({ name }) => name);
    expect(named('ipi_send_cpu')).toEqual(['ipi_send_cpu']);
    expect(named('csd')).toEqual(['csd_queue_cpu', 'csd_function_entry', 'csd_function_exit']);
    expect(named('csd:*_e*')).toEqual(['csd_function_entry', 'csd_function_exit']);
    expect(named('nobody')).toEqual([]);
  });

  it('describe themselves as format files do', () => {
    expect(formatLines(queue)).toContain('\tfield:unsigned int cpu; offset:8; size:4; signed:0;');
    expect(formatLines(queue)).toContain('\tfield:void * callsite; offset:16; size:8; signed:0;');
    expect(EVENTS.every((type) => formatLines(type).at(-1)!.startsWith('print fmt: "'))).toBe(true);
  });
});
