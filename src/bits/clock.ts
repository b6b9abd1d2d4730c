/** Milliseconds of the host's monotonic clock. As `performance.now`, whose module a start need not load for it. */
export function milliseconds(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}
