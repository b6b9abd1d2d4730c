/** One device on the port bus. */
export interface PortDevice {
  /** First port and how many. */
  readonly first: number;
  readonly count: number;
  /** Reads one access of up to 4 bytes at an offset. */
  read(offset: number, bytes: number): number;
  write(offset: number, bytes: number, value: number): void;
}

const ONES = 0xffff_ffff;

/** Ports by number; where no device answers, reads give ones and writes go nowhere. */
export class PortBus {
  readonly #devices: PortDevice[] = [];

  add(...devices: readonly PortDevice[]): void {
    this.#devices.push(...devices);
  }

  #at(port: number): PortDevice | undefined {
    return this.#devices.find(({ first, count }) => port >= first && port < first + count);
  }

  read(port: number, bytes: number): number {
    const device = this.#at(port);
    const value = device === undefined ? ONES : device.read(port - device.first, bytes);
    return (value & (ONES >>> (32 - 8 * bytes))) >>> 0;
  }

  write(port: number, bytes: number, value: number): void {
    const device = this.#at(port);
    device?.write(port - device.first, bytes, (value & (ONES >>> (32 - 8 * bytes))) >>> 0);
  }
}
