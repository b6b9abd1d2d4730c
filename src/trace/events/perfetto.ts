import { hex } from '../../bits/hex.ts';
import type { Trace, TraceEvent } from './record.ts';
import { payload } from './text.ts';

/** One entry of Chrome's trace format, which ui.perfetto.dev opens. */
type Entry = Readonly<Record<string, unknown>>;

const MACHINE = 1;
const NS_PER_US = 1000;
/** Shortest slice that an arrow can begin at, in microseconds. */
const INSTANT = 0.001;
const ENTRY = 'csd_function_entry';
const EXIT = 'csd_function_exit';
const QUEUE = 'csd_queue_cpu';

/** An entry as a track per CPU shows it: a function's run as a slice, the rest as short slices that arrows may leave. */
function entry(event: TraceEvent, trace: Trace): Entry {
  const { type, time, cpu, values } = event;
  const common = { pid: MACHINE, tid: cpu, ts: time / NS_PER_US, cat: type.system };
  const func = values['func'];
  const name = typeof func === 'bigint' ? (trace.places.get(func)?.name ?? hex(func)) : type.name;
  if (type.name === ENTRY) return { ...common, ph: 'B', name, args: { event: type.name } };
  if (type.name === EXIT) return { ...common, ph: 'E', name, args: { event: type.name } };
  return { ...common, ph: 'X', dur: INSTANT, name: type.name, args: { event: type.name, text: payload(event, trace) } };
}

/**
 * A trace in Chrome's JSON form: one track a CPU, an arrow from every queued function call to where it begins. Every event of the trace is
 * one entry with its name in `args.event`.
 */
export function perfettoJson(trace: Trace): string {
  const entries: Entry[] = [
    { ph: 'M', pid: MACHINE, name: 'process_name', args: { name: 'machine' } },
    ...Array.from({ length: trace.cpus }, (_, tid) => [
      { ph: 'M', pid: MACHINE, tid, name: 'thread_name', args: { name: `CPU ${tid}` } },
      { ph: 'M', pid: MACHINE, tid, name: 'thread_sort_index', args: { sort_index: tid } },
    ]).flat(),
  ];
  /** Calls that are queued, by their call data and CPU. */
  const queued = new Map<string, number>();
  let flows = 0;
  for (const event of trace.events) {
    entries.push(entry(event, trace));
    const { type, values, time, cpu } = event;
    const common = { pid: MACHINE, tid: cpu, ts: time / NS_PER_US, cat: 'csd', name: 'call' };
    if (type.name === QUEUE) {
      flows++;
      queued.set(`${values['csd']} ${values['cpu']}`, flows);
      entries.push({ ...common, ph: 's', id: flows });
    } else if (type.name === ENTRY) {
      const key = `${values['csd']} ${cpu}`;
      const id = queued.get(key);
      if (id !== undefined) entries.push({ ...common, ph: 'f', bp: 'e', id });
      queued.delete(key);
    }
  }
  return `{"traceEvents":[\n${entries.map((one) => JSON.stringify(one)).join(',\n')}\n],"displayTimeUnit":"ns"}`;
}
