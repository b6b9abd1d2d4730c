import type { PortDevice } from './ports.ts';

const ICW1 = 0x10;
const OCW3 = 0x08;
const READ_ISR = 3;
const END_OF_INTERRUPT = 0x20;
const SPECIFIC = 0x40;
const CASCADE = 2;

/** One 8259A, edge-triggered and fully nested. */
class Controller implements PortDevice {
  readonly first: number;
  readonly count = 2;
  offset = 0;
  mask = 0xff;
  request = 0;
  service = 0;
  #initialising = 0;
  #readsService = false;

  constructor(first: number) {
    this.first = first;
  }

  /** The highest request that is neither masked nor below one in service; −1: none. */
  get waiting(): number {
    const requests = this.request & ~this.mask & 0xff;
    for (let n = 0; n < 8; n++) {
      if ((this.service >> n) & 1) return -1;
      if ((requests >> n) & 1) return n;
    }
    return -1;
  }

  acknowledge(n: number): number {
    this.request &= ~(1 << n);
    this.service |= 1 << n;
    return this.offset + n;
  }

  read(offset: number): number {
    return offset === 1 ? this.mask : this.#readsService ? this.service : this.request;
  }

  write(offset: number, _bytes: number, value: number): void {
    if (offset === 1) {
      if (this.#initialising === 0) this.mask = value & 0xff;
      else {
        if (this.#initialising === 1) this.offset = value & 0xf8;
        this.#initialising = this.#initialising === 3 ? 0 : this.#initialising + 1;
      }
    } else if (value & ICW1) {
      this.#initialising = 1;
      this.mask = this.request = this.service = 0;
    } else if (value & OCW3) this.#readsService = (value & 3) === READ_ISR;
    else if (value & END_OF_INTERRUPT) {
      const n = value & SPECIFIC ? value & 7 : 31 - Math.clz32(this.service & -this.service);
      if (n >= 0) this.service &= ~(1 << n);
    }
  }
}

/** The two interrupt controllers of a PC, the second behind line 2 of the first. */
export class Pic {
  readonly master = new Controller(0x20);
  readonly slave = new Controller(0xa0);

  raise(irq: number): void {
    if (irq < 8) this.master.request |= 1 << irq;
    else this.slave.request |= 1 << (irq - 8);
  }

  #cascade(): void {
    if (this.slave.waiting >= 0) this.master.request |= 1 << CASCADE;
    else this.master.request &= ~(1 << CASCADE);
  }

  get waits(): boolean {
    this.#cascade();
    return this.master.waiting >= 0;
  }

  /** Vector of the request that waits. */
  acknowledge(): number {
    this.#cascade();
    const n = this.master.waiting;
    const vector = this.master.acknowledge(n);
    return n === CASCADE ? this.slave.acknowledge(this.slave.waiting) : vector;
  }
}
