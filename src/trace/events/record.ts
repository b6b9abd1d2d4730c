import { littleEndianNumber } from '../../bits/bytes.ts';
import { hex } from '../../bits/hex.ts';
import { type EventType, eventById, eventByName } from './events.ts';

export type FieldValue = bigint | string;

/** One event that happened. */
export interface TraceEvent {
  readonly type: EventType;
  /** Nanoseconds of virtual time. */
  readonly time: number;
  /** Where it happened. */
  readonly cpu: number;
  readonly pid: number;
  readonly comm: string;
  /** Interrupts off, hard interrupt, preemption depth: what the latency columns show. */
  readonly irqsOff: boolean;
  readonly hardirq: boolean;
  readonly preempt: number;
  /** By field: numbers and masks as bigint. */
  readonly values: Readonly<Record<string, FieldValue>>;
}

/** Where an address lies. */
export interface Place {
  readonly name: string;
  readonly offset: bigint;
  readonly size: bigint;
}

/** A trace: what happened, on how many CPUs, and the names of the addresses in it. */
export interface Trace {
  readonly cpus: number;
  readonly events: readonly TraceEvent[];
  readonly places: ReadonlyMap<bigint, Place>;
}

/** Size of a guest's record. */
export const RECORD_SIZE = 96;
const AT = { event: 0, pid: 4, flags: 8, preempt: 12, comm: 16, values: 32, mask: 64 } as const;
const COMM_SIZE = 16;
const MASK_SIZE = 32;
const IRQS_OFF = 1;
const HARDIRQ = 2;

const cString = (bytes: Uint8Array): string => {
  const end = bytes.indexOf(0);
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString('latin1');
};

/**
 * A record that a guest has handed over by the trace port: event u32, pid u32, flags u32 (1 interrupts off, 2 hard interrupt), preemption
 * depth u32, comm 16 bytes, the numbers among the fields u64 each (up to 4), and 32 bytes for the mask or text among them.
 * @returns null for an event that nobody knows
 */
export function decodeRecord(bytes: Uint8Array, cpu: number, time: number): TraceEvent | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const type = eventById(view.getUint32(AT.event, true));
  if (type === undefined) return null;
  const flags = view.getUint32(AT.flags, true);
  const rest = bytes.subarray(AT.mask, AT.mask + MASK_SIZE);
  const values: Record<string, FieldValue> = {};
  let at: number = AT.values;
  for (const { name, kind, size } of type.fields) {
    if (kind === 'cpumask') values[name] = littleEndianNumber(rest);
    else if (kind === 'string') values[name] = cString(rest);
    else {
      values[name] = BigInt.asUintN(8 * size, view.getBigUint64(at, true));
      at += 8;
    }
  }
  return {
    type,
    time,
    cpu,
    pid: view.getUint32(AT.pid, true),
    comm: cString(bytes.subarray(AT.comm, AT.comm + COMM_SIZE)),
    irqsOff: (flags & IRQS_OFF) !== 0,
    hardirq: (flags & HARDIRQ) !== 0,
    preempt: view.getUint32(AT.preempt, true),
    values,
  };
}

/** The first line of a trace file. */
export const headerLine = (cpus: number): string => `cpus=${cpus}`;

const HEADER = /^cpus=(\d{1,3})$/;

/** A line of a trace file that names an address. */
export const placeLine = (address: bigint, { name, offset, size }: Place): string =>
  JSON.stringify({ at: hex(address), name, offset: Number(offset), size: Number(size) });

/** A line of a trace file. */
export function eventLine({ type, time, cpu, pid, comm, irqsOff, hardirq, preempt, values }: TraceEvent): string {
  const plain = Object.entries(values).map(([name, value]) => [name, typeof value === 'bigint' ? hex(value) : value]);
  const flags = (irqsOff ? IRQS_OFF : 0) | (hardirq ? HARDIRQ : 0);
  return JSON.stringify({ event: type.name, time, cpu, pid, comm, flags, preempt, values: Object.fromEntries(plain) });
}

/** A file that is no trace: one line. */
export class TraceFileError extends Error {
  override readonly name = 'TraceFileError';
}

/** Reads a trace file. @throws TraceFileError naming the line */
export function readTrace(lines: Iterable<string>): Trace {
  let cpus: number | null = null;
  const events: TraceEvent[] = [];
  const places = new Map<bigint, Place>();
  let n = 0;
  for (const line of lines) {
    n++;
    if (line === '') continue;
    if (cpus === null) {
      const [, count] = HEADER.exec(line) ?? [];
      if (count === undefined) throw new TraceFileError('no trace; record one with swapgs record');
      cpus = Number(count);
      continue;
    }
    try {
      // biome-ignore lint/suspicious/noExplicitAny: whatever a file holds; what is wrong with it throws
      const row = JSON.parse(line) as any;
      if (row.at !== undefined)
        places.set(BigInt(row.at), { name: String(row.name), offset: BigInt(row.offset), size: BigInt(row.size) });
      else events.push(eventOf(row));
    } catch {
      throw new TraceFileError(`line ${n} is no event; record it again with swapgs record`);
    }
  }
  if (cpus === null) throw new TraceFileError('the file is empty; record a trace with swapgs record');
  return { cpus, events, places };
}

// biome-ignore lint/suspicious/noExplicitAny: as above
function eventOf(row: any): TraceEvent {
  const type = eventByName(row.event);
  if (type === undefined || !Number.isFinite(row.time) || !Number.isInteger(row.cpu)) throw new RangeError();
  const values: Record<string, FieldValue> = {};
  for (const { name, kind } of type.fields)
    values[name] = kind === 'string' ? String(row.values[name]) : BigInt(row.values[name]);
  return {
    type,
    time: row.time,
    cpu: row.cpu,
    pid: Number(row.pid),
    comm: String(row.comm),
    irqsOff: (row.flags & IRQS_OFF) !== 0,
    hardirq: (row.flags & HARDIRQ) !== 0,
    preempt: Number(row.preempt),
    values,
  };
}
