import type { PortDevice } from './ports.ts';

/** COM1. */
export const COM1 = 0x3f8;

const REG = {
  data: 0,
  interrupts: 1,
  identity: 2,
  line: 3,
  modem: 4,
  lineStatus: 5,
  modemStatus: 6,
  scratch: 7,
} as const;
const DIVISOR_LATCH = 0x80;
/** Transmitter and its holding register are empty. */
const READY = 0x60;
const NO_INTERRUPT = 1;
/** CTS, DSR, DCD. */
const CONNECTED = 0xb0;

/** A 16550 that sends at once and never receives. */
export class Serial implements PortDevice {
  readonly first = COM1;
  readonly count = 8;
  readonly #send: (byte: number) => void;
  readonly #registers = new Uint8Array(8);
  readonly #divisor = new Uint8Array([1, 0]);

  constructor(send: (byte: number) => void) {
    this.#send = send;
  }

  get #latched(): boolean {
    return (this.#registers[REG.line]! & DIVISOR_LATCH) !== 0;
  }

  read(offset: number): number {
    if (offset < 2 && this.#latched) return this.#divisor[offset]!;
    switch (offset) {
      case REG.data:
        return 0;
      case REG.identity:
        return NO_INTERRUPT;
      case REG.lineStatus:
        return READY;
      case REG.modemStatus:
        return CONNECTED;
      default:
        return this.#registers[offset]!;
    }
  }

  write(offset: number, bytes: number, value: number): void {
    if (offset < 2 && this.#latched) this.#divisor[offset] = value;
    else if (offset === REG.data) for (let i = 0; i < bytes; i++) this.#send((value >>> (8 * i)) & 0xff);
    else this.#registers[offset] = value;
  }
}

/** The debug console of Bochs and QEMU: bytes go out, and reading says that it is there. */
export class DebugConsole implements PortDevice {
  readonly first = 0xe9;
  readonly count = 1;
  readonly #send: (byte: number) => void;

  constructor(send: (byte: number) => void) {
    this.#send = send;
  }

  read(): number {
    return 0xe9;
  }

  write(_offset: number, _bytes: number, value: number): void {
    this.#send(value & 0xff);
  }
}
