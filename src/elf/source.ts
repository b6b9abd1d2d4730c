/** Bytes that are read where they are wanted: a file may be far larger than what is looked at. */
export interface ByteSource {
  /** Bytes of the whole. */
  readonly length: number;
  /** `length` bytes from `offset` on, fewer where the source ends. What it returns may be a view: it is not to be written. */
  read(offset: number, length: number): Uint8Array;
}

/** Bytes that are in memory already. */
export function memorySource(bytes: Uint8Array): ByteSource {
  // Node's Buffer has a `slice` that shares memory: whoever copies by it would write here.
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  return { length: plain.length, read: (offset, length) => plain.subarray(offset, offset + length) };
}

/** A part of a source as a source of its own. */
export function partOf(source: ByteSource, from: number, length: number): ByteSource {
  return {
    length,
    read: (offset, wanted) => source.read(from + offset, Math.max(0, Math.min(wanted, length - offset))),
  };
}
