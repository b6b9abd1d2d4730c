/** What a reader throws for debug information that no compiler writes; whoever reads it names the file. */
export class DwarfError extends Error {}

/** Reads numbers one after the other. @throws DwarfError behind the end */
export class Cursor {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
  }

  #take(size: number): number {
    const at = this.at;
    if (at < 0 || at + size > this.bytes.length) throw new DwarfError('it ends in the middle of an entry');
    this.at = at + size;
    return at;
  }

  /** A number of 1 to 8 bytes without sign; past 2^53 it is rounded. */
  unsigned(size: number): number {
    const at = this.#take(size);
    switch (size) {
      case 1:
        return this.#view.getUint8(at);
      case 2:
        return this.#view.getUint16(at, true);
      case 3:
        return this.#view.getUint16(at, true) | (this.#view.getUint8(at + 2) << 16);
      case 4:
        return this.#view.getUint32(at, true);
      default:
        return Number(this.#view.getBigUint64(at, true));
    }
  }

  /** An address, signed: those of a kernel are exact. */
  address(size: number): number {
    const at = this.#take(size);
    return size === 8 ? Number(this.#view.getBigInt64(at, true)) : this.#view.getUint32(at, true);
  }

  /** Eight bytes, exact. */
  big(): bigint {
    return this.#view.getBigUint64(this.#take(8), true);
  }

  uleb(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.unsigned(1);
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  sleb(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.unsigned(1);
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return byte & 0x40 ? value - scale * 128 : value;
    }
  }

  /** A string up to its NUL. */
  text(): string {
    const end = this.bytes.indexOf(0, this.at);
    if (end < 0) throw new DwarfError('a string in it has no end');
    const text = Buffer.from(this.bytes.buffer, this.bytes.byteOffset + this.at, end - this.at).toString('utf8');
    this.at = end + 1;
    return text;
  }

  skip(size: number): void {
    this.#take(size);
  }
}
