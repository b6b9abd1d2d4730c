// The CRCs of packed data that the runtime does not have; both as tables over a byte.

/** CRC64 of ECMA-182, the low bit first, in two halves. */
const POLYNOMIAL64 = { high: 0xc96c5795, low: 0xd7870f42 } as const;
/** CRC32 of bzip2: that of Ethernet, but the high bit first. */
const POLYNOMIAL32 = 0x04c11db7;

const high64 = new Uint32Array(256);
const low64 = new Uint32Array(256);
const forward32 = new Uint32Array(256);
for (let byte = 0; byte < 256; byte++) {
  let high = 0;
  let low = byte;
  let forward = byte << 24;
  for (let bit = 0; bit < 8; bit++) {
    const odd = low & 1;
    low = ((low >>> 1) | (high << 31)) ^ (odd ? POLYNOMIAL64.low : 0);
    high = (high >>> 1) ^ (odd ? POLYNOMIAL64.high : 0);
    forward = (forward << 1) ^ (forward < 0 ? POLYNOMIAL32 : 0);
  }
  high64[byte] = high;
  low64[byte] = low;
  forward32[byte] = forward;
}

/** CRC64 of an .xz block. */
export function crc64(bytes: Uint8Array): bigint {
  let high = -1;
  let low = -1;
  for (let i = 0; i < bytes.length; i++) {
    const index = (low ^ bytes[i]!) & 0xff;
    low = ((low >>> 8) | (high << 24)) ^ low64[index]!;
    high = (high >>> 8) ^ high64[index]!;
  }
  return (BigInt(~high >>> 0) << 32n) | BigInt(~low >>> 0);
}

/** CRC32 of a bzip2 block. */
export function crc32Forward(bytes: Uint8Array): number {
  let crc = -1;
  for (let i = 0; i < bytes.length; i++) crc = (crc << 8) ^ forward32[(crc >>> 24) ^ bytes[i]!]!;
  return ~crc >>> 0;
}

/** Adler-32 of an lzop block (RFC 1950 8.2). */
export function adler32(bytes: Uint8Array): number {
  /** No more bytes than this fit into a number between two divisions. */
  const most = 5552;
  let a = 1;
  let b = 0;
  for (let from = 0; from < bytes.length; from += most) {
    const to = Math.min(from + most, bytes.length);
    for (let i = from; i < to; i++) {
      a += bytes[i]!;
      b += a;
    }
    a %= 65_521;
    b %= 65_521;
  }
  return ((b << 16) | a) >>> 0;
}
