import { parseCpuList } from '../../trace/events/cpulist.ts';
import { eventsNamed } from '../../trace/events/events.ts';
import { parseFilters } from '../../trace/events/filter.ts';
import type { Trace } from '../../trace/events/record.ts';
import { CliError } from '../errors.ts';
import { withFilterError } from './record.ts';

/** The part of a trace that a report is asked for. @throws CliError */
export function selected(trace: Trace, cpuList: string | undefined, filters: readonly string[]): Trace {
  let { events } = trace;
  if (cpuList !== undefined) {
    const mask = parseCpuList(cpuList, trace.cpus);
    if (mask === null)
      throw new CliError(`'${cpuList}' names no CPUs of this trace`, '--cpu', `as 0-${trace.cpus - 1}`);
    events = events.filter(({ cpu }) => mask & (1n << BigInt(cpu)));
  }
  if (filters.length === 0) return { ...trace, events };
  const bounds = (name: string) => {
    for (const [address, place] of trace.places)
      if (place.name === name) return { from: address - place.offset, to: address - place.offset + place.size };
    return null;
  };
  const predicates = filters.map((text) => {
    // EVENT:FILTER or SYSTEM:EVENT:FILTER; a filter has no colon outside a list.
    const [, pattern = '', filter = '0'] = /^\s*(\w[\w*?]*(?::\w[\w*?]*(?=\s*:))?)\s*(?::(.*))?$/s.exec(text) ?? [];
    const types = eventsNamed(pattern);
    if (types.length === 0) throw new CliError(`no event in '${text}'`, '--filter', "as 'csd_queue_cpu: cpu == 3'");
    return withFilterError('--filter', () =>
      parseFilters(filter.trim(), types, { cpus: trace.cpus, function: bounds }),
    );
  });
  return {
    ...trace,
    events: events.filter((event) => predicates.some((one) => one.get(event.type)?.(event) === true)),
  };
}
