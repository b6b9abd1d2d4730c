import fs from 'node:fs';
import type { TraceSink } from '../../machine/system/trace-port.ts';
import type { PhysicalMemory } from '../../memory/physical.ts';
import { type EventType, eventsNamed } from '../../trace/events/events.ts';
import { FilterError, type Predicate, parseFilters } from '../../trace/events/filter.ts';
import { decodeRecord, eventLine, headerLine, placeLine, RECORD_SIZE } from '../../trace/events/record.ts';
import type { Names } from '../../trace/names.ts';
import { CliError } from '../errors.ts';
import { fileError } from '../files.ts';
import { DEFAULT_TRACE, type SystemOptions, type TraceRequest } from '../options.ts';
import { complain } from '../output.ts';
import { placeOf } from './places.ts';

/** A filter error with the filter and the place in it, on stderr; then the one line. */
export function withFilterError<T>(where: string, use: () => T): T {
  try {
    return use();
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    for (const line of error.lines.slice(0, 2)) complain(line);
    const [what, mend] = error.message.split('; ');
    throw new CliError(what!, where, mend);
  }
}

/** Each wanted event with its filter. */
function wanted(requests: readonly TraceRequest[], cpus: number, names: Names): Map<EventType, Predicate> {
  const found = new Map<EventType, Predicate>();
  const bounds = (name: string) => {
    const symbol = names.symbols.named(name);
    return symbol === undefined
      ? null
      : { from: symbol.address, to: symbol.address + BigInt(Math.max(1, symbol.size)) };
  };
  for (const { events, filter } of requests)
    for (const pattern of events.split(',')) {
      const types = eventsNamed(pattern);
      if (types.length === 0)
        throw new CliError(`no event ${pattern}`, '--trace-events', 'as csd_queue_cpu, ipi_send_cpumask, ipi, csd:*');
      const predicates =
        filter === null
          ? new Map(types.map((type) => [type, () => true] as const))
          : withFilterError('--filter', () => parseFilters(filter, types, { cpus, function: bounds }));
      for (const [type, predicate] of predicates) {
        const before = found.get(type);
        found.set(type, before === undefined ? predicate : (event) => before(event) || predicate(event));
      }
    }
  return found;
}

/** A trace that is being written. */
export interface Tracing {
  readonly sink: (memory: () => PhysicalMemory) => TraceSink;
  readonly close: () => void;
}

const BUFFER = 1 << 16;

/** @throws CliError for an unknown event, a bad filter, a file that cannot be written */
export function startTrace(options: SystemOptions, cpus: number, names: Names): Tracing {
  const predicates = wanted(options.traceEvents ?? [], cpus, names);
  const path = options.traceOutput ?? DEFAULT_TRACE;
  let fd: number;
  try {
    fd = fs.openSync(path, 'w');
  } catch (error) {
    throw fileError(error, path);
  }
  let text = `${headerLine(cpus)}\n`;
  const flush = (): void => {
    fs.writeSync(fd, text);
    text = '';
  };
  const known = new Set<bigint>();
  let enabled = 0;
  for (const { id } of predicates.keys()) enabled |= 1 << id;
  return {
    sink: (memory) => ({
      enabled,
      report: ({ at, cpu, time }) => {
        if (at + RECORD_SIZE > memory().size) return;
        const event = decodeRecord(memory().bytes(at, RECORD_SIZE), cpu, time);
        if (event === null || predicates.get(event.type)?.(event) !== true) return;
        for (const { name, kind } of event.type.fields) {
          const value = event.values[name];
          if (kind !== 'pointer' || typeof value !== 'bigint' || known.has(value)) continue;
          known.add(value);
          const place = placeOf(names, value);
          if (place !== null) text += `${placeLine(value, place)}\n`;
        }
        text += `${eventLine(event)}\n`;
        if (text.length >= BUFFER) flush();
      },
    }),
    close: () => {
      flush();
      fs.closeSync(fd);
    },
  };
}
