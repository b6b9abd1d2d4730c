/** The number that bytes are, the lowest first. */
export const littleEndianNumber = (bytes: Uint8Array): bigint =>
  bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
