import { SYSTEM_FLAGS } from '../../state/layout.ts';
import { FLAG } from '../../state/rflags.ts';
import type { HelperContext } from './helper.ts';

/** Memory as it is seen without alignment checks: by memory operands of more than 8 bytes, whose elements are no accesses of their own. */
export function unaligned(c: HelperContext): HelperContext {
  if ((c.cpu.view.getUint32(SYSTEM_FLAGS, true) & FLAG.AC) === 0) return c;
  const bytes = (width: number): bigint[] => Array.from({ length: width / 8 }, (_, n) => BigInt(n));
  const at = (from: bigint, n: bigint): bigint => BigInt.asUintN(64, from + n);
  const reach: Pick<HelperContext, 'cpu' | 'fault' | 'read' | 'write' | 'probeWrite'> = {
    cpu: c.cpu,
    fault: (vector, errorCode) => c.fault(vector, errorCode),
    read: (from, width, fault) => {
      let value = 0n;
      for (const n of bytes(width)) {
        const byte = c.read(at(from, n), 8, fault);
        if (byte === null) return null;
        value |= byte << (8n * n);
      }
      return value;
    },
    write: (to, value, width, fault) =>
      bytes(width).every((n) => c.write(at(to, n), (value >> (8n * n)) & 0xffn, 8, fault)),
    probeWrite: (to, length, fault) =>
      length > 8 ? c.probeWrite(to, length, fault) : bytes(8 * length).every((n) => c.probeWrite(at(to, n), 1, fault)),
  };
  return reach as HelperContext;
}
