/** `0x` and lower-case digits, padded to `width` bits where one is given. */
export function hex(value: bigint | number, width = 0): string {
  return `0x${BigInt(value)
    .toString(16)
    .padStart(width / 4, '0')}`;
}

/** Bytes as two digits each, separated by `separator`. */
export function hexBytes(bytes: Uint8Array, separator = ' '): string {
  return Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join(separator);
}

/** Parses hexadecimal digits, spaces ignored. @throws RangeError naming the first bad character */
export function parseHexBytes(text: string): Uint8Array {
  const digits = text.replace(/\s+/g, '');
  const bad = digits.search(/[^0-9a-fA-F]/);
  if (bad >= 0) throw new RangeError(`not a hexadecimal digit: '${digits[bad]}'`);
  if (digits.length % 2) throw new RangeError('an odd number of hexadecimal digits');
  const out = new Uint8Array(digits.length / 2);
  for (let i = 0; i < out.length; i++) out[i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16);
  return out;
}
