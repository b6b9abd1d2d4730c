import type { HelperContext } from './helper.ts';

/** Holds interrupts off until the next instruction has retired, unless they are held off already; `at`: whose shadow it is. */
export function shadow(c: HelperContext, at: number): void {
  const ends = BigInt(c.icount) + 2n;
  if (c.cpu.u64(at) !== ends - 1n) c.cpu.setU64(at, ends);
}
