import { Blocked } from '../block.ts';
import { E, fail } from '../errno.ts';
import { AnonymousFile } from './anonymous.ts';
import { POLL } from './mode.ts';

const BYTES = 8;
const MOST = 0xffff_ffff_ffff_fffen;

/** eventfd(2): a counter that writes add to and reads take. */
export class EventFile extends AnonymousFile {
  #count: bigint;
  readonly #semaphore: boolean;
  #activity = 0;

  constructor(ino: number, count: number, semaphore: boolean, flags: number) {
    super('eventfd', ino, flags);
    this.#count = BigInt(count);
    this.#semaphore = semaphore;
  }

  override get activity(): number {
    return this.#activity;
  }
  override read(length: number): Uint8Array {
    if (length < BYTES) fail(E.EINVAL);
    if (this.#count === 0n) {
      if (this.nonblocking) fail(E.EAGAIN);
      throw new Blocked('an event (eventfd)', { ready: () => this.#count > 0n });
    }
    const value = this.#semaphore ? 1n : this.#count;
    this.#count -= value;
    this.#activity++;
    return new Uint8Array(BigUint64Array.of(value).buffer);
  }
  override write(bytes: Uint8Array): number {
    if (bytes.length < BYTES) fail(E.EINVAL);
    const value = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
    if (value > MOST) fail(E.EINVAL);
    if (this.#count > MOST - value) {
      if (this.nonblocking) fail(E.EAGAIN);
      throw new Blocked('room in an eventfd', { ready: () => this.#count <= MOST - value });
    }
    this.#count += value;
    this.#activity++;
    return BYTES;
  }
  override poll(): number {
    return (this.#count > 0n ? POLL.IN | POLL.RDNORM : 0) | (this.#count < MOST ? POLL.OUT | POLL.WRNORM : 0);
  }
}
