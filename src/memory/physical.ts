import { MAX_RAM, RAM } from '../state/layout.ts';

/** Thrown when the guest wants more frames than `--memory` grants. Caught by the kernel stub (ENOMEM) and by the CLI. */
export class OutOfMemory extends Error {
  readonly limit: number;
  constructor(limit: number) {
    super(`guest memory limit of ${limit} bytes is used up`);
    this.limit = limit;
  }
}

/** Bytes in a frame and in the smallest page. */
export const PAGE_SIZE = 4096;

/** Told of every write that does not come from an engine's own store path, so that decoded code can be dropped. */
export type WriteObserver = (physical: number, length: number) => void;

/**
 * Guest RAM, CPU state and translated code in one `WebAssembly.Memory` that never grows, so views stay valid for life.
 * The operating system commits its pages on first touch: an unused gigabyte costs nothing.
 */
export class PhysicalMemory {
  readonly wasm: WebAssembly.Memory;
  /** Bytes of guest RAM. */
  readonly size: number;
  /** The whole WebAssembly memory, indexed by the addresses of `state/layout.ts`. */
  readonly u8: Uint8Array;
  readonly view: DataView;
  #next = PAGE_SIZE;
  readonly #free: number[] = [];
  /** By frame: whether somebody can have written there who did not get it from `allocateFrame`. */
  readonly #touched: Uint8Array;
  #observer: WriteObserver = () => {};

  /** @param size bytes of guest RAM, rounded up to 64 KiB; at most `MAX_RAM`. */
  constructor(size: number) {
    if (!(size > 0 && size <= MAX_RAM)) throw new RangeError(`guest RAM must be 1 to ${MAX_RAM} bytes, not ${size}`);
    const pages = Math.ceil(size / 0x10000);
    this.size = pages * 0x10000;
    this.wasm = new WebAssembly.Memory({ initial: RAM / 0x10000 + pages, maximum: RAM / 0x10000 + pages });
    this.u8 = new Uint8Array(this.wasm.buffer);
    this.view = new DataView(this.wasm.buffer);
    this.#touched = new Uint8Array(this.size / PAGE_SIZE);
  }

  /** Called by the code cache: `observer` hears of every `write` and `fill`. */
  observe(observer: WriteObserver): void {
    this.#observer = observer;
  }

  /** Frames handed out and not returned. */
  get framesInUse(): number {
    return this.#next / PAGE_SIZE - 1 - this.#free.length;
  }

  /** Frames that may still be handed out. */
  get framesLeft(): number {
    return (this.size - this.#next) / PAGE_SIZE + this.#free.length;
  }

  /** Frames that anybody can have written, ascending; all others are zero. */
  *touchedFrames(): Generator<number> {
    for (let frame = 0; frame < this.size; frame += PAGE_SIZE)
      if (frame < this.#next || this.#touched[frame / PAGE_SIZE] === 1) yield frame;
  }

  /** A range is about to be written: by a store of the guest, or from outside. */
  touch(physical: number, length: number): void {
    this.#touched.fill(1, Math.floor(physical / PAGE_SIZE), Math.ceil((physical + length) / PAGE_SIZE));
  }

  /** A zeroed frame's physical address. Never 0. @throws OutOfMemory */
  allocateFrame(): number {
    const reused = this.#free.pop();
    if (reused !== undefined) {
      this.fill(reused, PAGE_SIZE, 0);
      return reused;
    }
    if (this.#next + PAGE_SIZE > this.size) throw new OutOfMemory(this.size);
    const frame = this.#next;
    this.#next += PAGE_SIZE;
    return frame;
  }

  freeFrame(physical: number): void {
    this.#free.push(physical);
  }

  /** A live view of guest RAM; writing through it does not tell the code cache: use `write` for that. */
  bytes(physical: number, length: number): Uint8Array {
    return this.u8.subarray(RAM + physical, RAM + physical + length);
  }

  write(physical: number, data: Uint8Array): void {
    this.u8.set(data, RAM + physical);
    this.touch(physical, data.length);
    this.#observer(physical, data.length);
  }

  fill(physical: number, length: number, value: number): void {
    this.u8.fill(value, RAM + physical, RAM + physical + length);
    this.touch(physical, length);
    this.#observer(physical, length);
  }

  readU64(physical: number): bigint {
    return this.view.getBigUint64(RAM + physical, true);
  }

  writeU64(physical: number, value: bigint): void {
    this.view.setBigUint64(RAM + physical, value, true);
    this.touch(physical, 8);
    this.#observer(physical, 8);
  }
}
