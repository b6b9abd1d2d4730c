import type { PortDevice } from './ports.ts';

/** A record that the guest has written into its memory, and what the machine knows of the moment. */
export interface TraceReport {
  /** Physical address of the record. */
  readonly at: number;
  readonly cpu: number;
  /** Virtual time, in nanoseconds: one an instruction. */
  readonly time: number;
}

/** Whoever listens to a guest's tracepoints. */
export interface TraceSink {
  /** Bits by event number: the guest reports only these. */
  readonly enabled: number;
  readonly report: (report: TraceReport) => void;
}

const TRACE_PORT = 0x5e0;

/**
 * A paravirtual trace buffer: reads give the events that somebody wants, as bits; a write of a record's physical address reports it.
 * Nobody listens unless asked, and the guest then reports nothing.
 */
export const tracePort = (sink: TraceSink | undefined, now: (at: number) => TraceReport): PortDevice => ({
  first: TRACE_PORT,
  count: 4,
  read: () => sink?.enabled ?? 0,
  write: (_offset, _bytes, value) => sink?.report(now(value)),
});
