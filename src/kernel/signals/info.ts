import { SIG } from './numbers.ts';
import type { SignalInfo } from './state.ts';

export const SIGINFO_BYTES = 128;

const FAULTS: readonly number[] = [SIG.SEGV, SIG.BUS, SIG.ILL, SIG.FPE, SIG.TRAP];

/** `siginfo_t` (include/uapi/asm-generic/siginfo.h): which fields there are depends on what sent it. */
export function infoBytes(info: SignalInfo): Uint8Array {
  const view = new DataView(new ArrayBuffer(SIGINFO_BYTES));
  view.setInt32(0, info.signal, true);
  view.setInt32(4, info.errno ?? 0, true);
  view.setInt32(8, info.code, true);
  if (info.timer !== undefined) {
    view.setInt32(16, info.timer.id, true);
    view.setInt32(20, info.timer.overrun, true);
    view.setBigUint64(24, info.value ?? 0n, true);
  } else if (FAULTS.includes(info.signal) && info.code > 0) {
    view.setBigUint64(16, BigInt.asUintN(64, info.address ?? 0n), true);
  } else {
    view.setInt32(16, info.pid ?? 0, true);
    view.setUint32(20, info.uid ?? 0, true);
    if (info.status !== undefined) {
      view.setInt32(24, info.status, true);
      view.setBigInt64(32, BigInt(info.userTime ?? 0), true);
    } else {
      view.setBigUint64(24, BigInt.asUintN(64, info.value ?? 0n), true);
    }
  }
  return new Uint8Array(view.buffer);
}
