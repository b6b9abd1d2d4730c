/** Milliseconds of the host's monotonic clock. As `performance.now`, whose module a start need not load for it. */
export function milliseconds(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}

const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** Lets the whole process wait. */
export function pause(time: number): void {
  if (time > 0) Atomics.wait(sleeper, 0, 0, time);
}
