import { Blocked } from '../block.ts';
import { E, fail } from '../errno.ts';
import type { Process } from '../process.ts';
import type { SignalInfo } from '../signals/state.ts';
import { AnonymousFile } from './anonymous.ts';
import { POLL } from './mode.ts';

/** Bytes of `struct signalfd_siginfo`. */
const INFO_BYTES = 128;

/** signalfd(2): reading takes signals that wait. They are those of the process that made it. */
export class SignalFile extends AnonymousFile {
  mask: bigint;
  readonly #process: Process;

  constructor(process: Process, ino: number, mask: bigint, flags: number) {
    super('signalfd', ino, flags);
    this.#process = process;
    this.mask = mask;
  }

  #waits(): boolean {
    if (this.#process.pending.mask & this.mask) return true;
    for (const { pending } of this.#process.tasks) if (pending.mask & this.mask) return true;
    return false;
  }

  #take(): SignalInfo | undefined {
    for (const { pending } of this.#process.tasks) {
      const info = pending.take(this.mask);
      if (info !== undefined) return info;
    }
    return this.#process.pending.take(this.mask);
  }

  override read(length: number): Uint8Array {
    if (length < INFO_BYTES) fail(E.EINVAL);
    const records: Uint8Array[] = [];
    for (let room = length; room >= INFO_BYTES; room -= INFO_BYTES) {
      const info = this.#take();
      if (info === undefined) break;
      records.push(record(info));
    }
    if (records.length === 0) {
      if (this.nonblocking) fail(E.EAGAIN);
      throw new Blocked('a signal (signalfd)', { ready: () => this.#waits() });
    }
    return Buffer.concat(records);
  }
  override poll(): number {
    return this.#waits() ? POLL.IN | POLL.RDNORM : 0;
  }
}

function record(info: SignalInfo): Uint8Array {
  const view = new DataView(new ArrayBuffer(INFO_BYTES));
  view.setUint32(0, info.signal, true);
  view.setInt32(4, info.errno ?? 0, true);
  view.setInt32(8, info.code, true);
  view.setUint32(12, info.pid ?? 0, true);
  view.setUint32(16, info.uid ?? 0, true);
  view.setUint32(24, info.timer?.id ?? 0, true);
  view.setUint32(32, info.timer?.overrun ?? 0, true);
  view.setInt32(40, info.status ?? 0, true);
  view.setInt32(44, Number(BigInt.asIntN(32, info.value ?? 0n)), true);
  view.setBigUint64(48, info.value ?? 0n, true);
  view.setBigUint64(72, info.address ?? 0n, true);
  return new Uint8Array(view.buffer);
}
