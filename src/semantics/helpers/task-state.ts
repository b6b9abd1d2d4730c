import { SEGMENT } from '../../state/descriptors.ts';
import * as L from '../../state/layout.ts';
import { VECTOR } from '../../state/pending.ts';
import { isCanonical } from './descriptor.ts';
import type { HelperContext } from './helper.ts';

/**
 * The 64-bit task-state segment (SDM 3A 8.7): RSP0 at 4, RSP1 at 12, RSP2 at 20, IST1 at 36 … IST7 at 84, and at 102 where
 * the I/O permission map begins, u16.
 */
const RSP0 = 4;
const IST1 = 36;
const IO_MAP = 102;
/** The byte that follows the map has all bits set; two bytes are read at a time. */
const LAST_BIT = 7;

/** A stack pointer of the task-state segment; null with #TS(TR), #SS or the exception of the read pending. */
function pointer(c: HelperContext, offset: number, external: number): bigint | null {
  const { cpu } = c;
  const task = cpu.segment(SEGMENT.TR);
  if (offset + 7 > task.limit) {
    c.fault(VECTOR.TS, (cpu.view.getUint16(L.TR_SELECTOR, true) & 0xfffc) | external);
    return null;
  }
  const value = c.readSystem(BigInt.asUintN(64, task.base + BigInt(offset)), 64);
  if (value === null) return null;
  if (isCanonical(c, value)) return value;
  c.fault(VECTOR.SS, external);
  return null;
}

/** Stack of a privilege level below 3; null with an exception pending. */
export const stackOf = (c: HelperContext, level: number, external: number): bigint | null =>
  pointer(c, RSP0 + 8 * level, external);

/** Stack `n` of the interrupt stack table, 1 to 7; null with an exception pending. */
export const interruptStack = (c: HelperContext, n: number, external: number): bigint | null =>
  pointer(c, IST1 + 8 * (n - 1), external);

/** Whether the I/O permission map allows ports `port` to `port + bytes - 1`; false with an exception pending. */
export function portsAllowed(c: HelperContext, port: number, bytes: number): boolean {
  const task = c.cpu.segment(SEGMENT.TR);
  const refuse = (): false => {
    c.fault(VECTOR.GP, 0);
    return false;
  };
  if (IO_MAP + 1 > task.limit) return refuse();
  const map = c.readSystem(BigInt.asUintN(64, task.base + BigInt(IO_MAP)), 16);
  if (map === null) return false;
  const at = Number(map) + (port >> 3);
  if (at + 1 > task.limit) return refuse();
  const bits = c.readSystem(BigInt.asUintN(64, task.base + BigInt(at)), 16);
  if (bits === null) return false;
  const wanted = ((1 << bytes) - 1) << (port & LAST_BIT);
  return (Number(bits) & wanted) === 0 || refuse();
}
