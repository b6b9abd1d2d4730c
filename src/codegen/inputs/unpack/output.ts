import { CodegenError } from '../../error.ts';

const FIRST = 1 << 20;

/** Bytes that a decompressor has written: its result, and the dictionary that its matches copy from. */
export class Output {
  bytes: Uint8Array;
  length = 0;
  readonly #most: number;

  /** @param most bytes that the result may have at most */
  constructor(most: number) {
    this.bytes = new Uint8Array(Math.min(FIRST, most));
    this.#most = most;
  }

  /** Makes room for `more` bytes. @throws CodegenError where that is more than allowed */
  reserve(more: number): void {
    const wanted = this.length + more;
    if (wanted <= this.bytes.length) return;
    if (wanted > this.#most) throw new CodegenError(`the packed data unpack to more than ${this.#most >> 20} MiB`);
    const grown = new Uint8Array(Math.min(this.#most, Math.max(wanted, this.bytes.length * 2)));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  append(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** What has been written from `start` on. */
  from(start: number): Uint8Array {
    return this.bytes.subarray(start, this.length);
  }
}
