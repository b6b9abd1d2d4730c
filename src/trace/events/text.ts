import { cpuMaskText } from './cpulist.ts';
import type { EventType } from './events.ts';
import type { Trace, TraceEvent } from './record.ts';

/** In which shape symbols are shown: trace-cmd leaves the size out. */
type Shape = 'trace-cmd' | 'ftrace';

const COMM_WIDTH = 16;
const COMM_SHOWN = 15;
const NAME_WIDTH = 20;

function symbol(address: bigint, trace: Trace, shape: Shape, bare: boolean): string {
  const place = trace.places.get(address);
  if (place === undefined) return `0x${address.toString(16)}`;
  if (bare) return place.name;
  const size = shape === 'ftrace' ? `/0x${place.size.toString(16)}` : '';
  return `${place.name}+0x${place.offset.toString(16)}${size}`;
}

/** What stands behind an event's name. */
export function payload({ type, values }: TraceEvent, trace: Trace, shape: Shape = 'trace-cmd'): string {
  let next = 0;
  return type.format.replace(/%u|%lx|%pS|%ps|%p|%s/g, (directive) => {
    const field = type.fields[next++]!;
    const value = values[field.name]!;
    if (typeof value === 'string') return value;
    if (field.kind === 'cpumask') return cpuMaskText(value, trace.cpus);
    if (directive === '%u') return value.toString();
    if (directive === '%lx') return value.toString(16);
    if (directive === '%p') return value.toString(16).padStart(16, '0');
    return symbol(value, trace, shape, directive === '%ps');
  });
}

const comm = ({ pid, comm: name }: TraceEvent): string =>
  (pid === 0 ? '<idle>' : name === '' ? '<...>' : name.slice(0, COMM_SHOWN)).padStart(COMM_WIDTH);
const cpu = (event: TraceEvent): string => `[${String(event.cpu).padStart(3, '0')}]`;

/** Nanoseconds as seconds: microseconds rounded down unless all nine digits are wanted. */
export function seconds(time: number, digits: 6 | 9 = 6): string {
  const whole = Math.floor(time / 1e9);
  const fraction = String(Math.floor(time) % 1e9)
    .padStart(9, '0')
    .slice(0, digits);
  return `${String(whole).padStart(5)}.${fraction}`;
}

/** The five latency columns. */
function flags({ irqsOff, hardirq, preempt }: TraceEvent): string {
  return `${irqsOff ? 'd' : '.'}.${hardirq ? 'h' : '.'}${preempt === 0 ? '.' : preempt.toString(16)}.`;
}

export interface ReportOptions {
  /** All nine digits of time. */
  readonly nanoseconds?: boolean;
  /** The latency columns. */
  readonly latency?: boolean;
}

/** A line as `trace-cmd report` writes it. */
export function traceCmdLine(event: TraceEvent, trace: Trace, options: ReportOptions = {}): string {
  const latency = options.latency === true ? ` ${flags(event)}` : '';
  const time = seconds(event.time, options.nanoseconds === true ? 9 : 6);
  return `${comm(event)}-${String(event.pid).padEnd(5)} ${cpu(event)}${latency} ${time}: ${`${event.type.name}:`.padEnd(NAME_WIDTH)} ${payload(event, trace)}`;
}

/** A line of ftrace's `trace` file. */
export function ftraceLine(event: TraceEvent, trace: Trace): string {
  return `${comm(event)}-${String(event.pid).padEnd(7)} ${cpu(event)} ${flags(event)} ${seconds(event.time)}: ${event.type.name}: ${payload(event, trace, 'ftrace')}`;
}

/** What stands above them. */
export const ftraceHeader = ({ cpus, events }: Trace): readonly string[] => [
  '# tracer: nop',
  '#',
  `# entries-in-buffer/entries-written: ${events.length}/${events.length}   #P:${cpus}`,
  '#',
  '#                                _-----=> irqs-off/BH-disabled',
  '#                               / _----=> need-resched',
  '#                              | / _---=> hardirq/softirq',
  '#                              || / _--=> preempt-depth',
  '#                              ||| / _-=> migrate-disable',
  '#                              |||| /     delay',
  '#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION',
  '#              | |         |   |||||     |         |',
];

const COMMON = [
  'field:unsigned short common_type; offset:0; size:2; signed:0;',
  'field:unsigned char common_flags; offset:2; size:1; signed:0;',
  'field:unsigned char common_preempt_count; offset:3; size:1; signed:0;',
  'field:int common_pid; offset:4; size:4; signed:1;',
];

/** An event's `format` file. */
export function formatLines({ name, id, fields, format }: EventType): readonly string[] {
  let at = 8;
  const rows = fields.map(({ type, name: field, size }) => {
    at = Math.ceil(at / size) * size;
    const row = `field:${type} ${field}; offset:${at}; size:${size}; signed:0;`;
    at += size;
    return `\t${row}`;
  });
  const values = fields.map((field) =>
    field.kind === 'cpumask' ? `__get_cpumask(${field.name})` : `REC->${field.name}`,
  );
  return [
    `name: ${name}`,
    `ID: ${id}`,
    'format:',
    ...COMMON.map((row) => `\t${row}`),
    '',
    ...rows,
    '',
    `print fmt: "${format}", ${values.join(', ')}`,
  ];
}
