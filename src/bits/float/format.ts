/** A binary floating-point format as x86 stores it (SDM 1 4.2.2, 4.8). Values are bit patterns in a bigint. */
export interface FloatFormat {
  readonly name: string;
  /** Total width in bits. */
  readonly width: number;
  /** Bits of the significand, the integer bit included. */
  readonly precision: number;
  /** Bits of the significand that are stored: `precision`, less one where the integer bit is implicit. */
  readonly stored: number;
  /** The integer bit is stored (double extended): encodings exist that are unsupported. */
  readonly explicitInteger: boolean;
  readonly bias: number;
  /** Exponent field of infinities and NaNs. */
  readonly exponentMask: number;
  /** Exponent of the smallest normal number and of the largest finite one (value = 1.f × 2^e). */
  readonly minExponent: number;
  readonly maxExponent: number;
  /** Exponent of the least significant bit of the smallest normal number, and of every denormal. */
  readonly quantum: number;
  /** What an unmasked overflow or underflow adds to the exponent before rounding (SDM 1 4.9.1.4, 4.9.1.5). */
  readonly exponentAdjust: number;
  readonly storedShift: bigint;
  readonly storedMask: bigint;
  /** Stored bits without the integer bit. */
  readonly fractionMask: bigint;
  readonly integerBit: bigint;
  readonly signBit: bigint;
  readonly quietBit: bigint;
  /** +∞; its exponent and integer bit are also those of every NaN. */
  readonly infinity: bigint;
  /** The real indefinite QNaN: sign set, payload zero. */
  readonly defaultNaN: bigint;
}

function makeFormat(name: string, exponentBits: number, precision: number, explicitInteger: boolean): FloatFormat {
  const stored = explicitInteger ? precision : precision - 1;
  const exponentMask = 2 ** exponentBits - 1;
  const bias = exponentMask >> 1;
  const width = 1 + exponentBits + stored;
  const storedShift = BigInt(stored);
  const integerBit = 1n << BigInt(precision - 1);
  const signBit = 1n << BigInt(width - 1);
  const quietBit = integerBit >> 1n;
  const infinity = (BigInt(exponentMask) << storedShift) | (explicitInteger ? integerBit : 0n);
  return {
    name,
    width,
    precision,
    stored,
    explicitInteger,
    bias,
    exponentMask,
    minExponent: 1 - bias,
    maxExponent: bias,
    quantum: 2 - bias - precision,
    exponentAdjust: 3 * 2 ** (exponentBits - 2),
    storedShift,
    storedMask: (1n << storedShift) - 1n,
    fractionMask: integerBit - 1n,
    integerBit,
    signBit,
    quietBit,
    infinity,
    defaultNaN: signBit | infinity | quietBit,
  };
}

/** Half precision (F16C, AVX512-FP16). */
export const F16 = makeFormat('f16', 5, 11, false);
/** Single precision. */
export const F32 = makeFormat('f32', 8, 24, false);
/** Double precision. */
export const F64 = makeFormat('f64', 11, 53, false);
/** Double extended precision: what an x87 register holds. */
export const F80 = makeFormat('f80', 15, 64, true);
