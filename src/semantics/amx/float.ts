import { add, convert, F16, F32, floatEnv, fma } from '../../bits/softfloat.ts';
import { TILE_BYTES } from '../../state/layout.ts';
import { PALETTE } from '../../state/tiles.ts';
import type { Extent } from './products.ts';

/**
 * Products of tiles of 16-bit numbers: each element of C has two sums of products, one of the even and one of the odd numbers, in
 * singles with one rounding a product; at the end both are added and the sum to C (SDM 2A TDPBF16PS). Nearest even, results that
 * are denormal become zeros; denormal singles and bfloats count as zeros, denormal halves as what they are. MXCSR is not asked.
 */

/** Which numbers of A and B belong together: even ones and odd ones; those of a real part, the second product negative; those of an imaginary part. */
export type Dot = 'pairs' | 'real' | 'imaginary';

const HALVES = TILE_BYTES / 2;
const SINGLES = TILE_BYTES / 4;
const ROW = PALETTE.bytesPerRow / 4;
const SMALLEST_NORMAL = 2 ** -126;
/** Below it a number stays below the smallest normal one when it is rounded. */
const TINY = SMALLEST_NORMAL * (1 - 2 ** -20);

const env = floatEnv({ daz: true, ftz: true });
const exact = floatEnv();

const single = new Float32Array(1);
const singleBits = new Uint32Array(single.buffer);

const bitsOf = (x: number): bigint => {
  single[0] = x;
  return BigInt(singleBits[0]!);
};
const fromBits = (bits: number): number => {
  singleBits[0] = bits;
  return single[0]!;
};

/** a · b + c of finite singles, c not denormal, rounded once; NaN or infinity where the result is none of these. */
export function fused(a: number, b: number, c: number): number {
  // The product has at most 22 bits, and c has 24: what a double loses of the sum is too far below to decide between two singles.
  const sum = a * b + c;
  const size = Math.abs(sum);
  if (size < SMALLEST_NORMAL && size !== 0)
    return size < TINY ? Math.sign(sum) * 0 : fromBits(Number(fma(F32, env, bitsOf(a), bitsOf(b), bitsOf(c))));
  return Math.fround(sum);
}

/** a + b of singles; denormals are zeros on both sides. */
function sumOf(a: number, b: number): number {
  const sum = Math.fround(a + b);
  return Math.abs(sum) < SMALLEST_NORMAL ? sum * 0 : sum;
}

const BFLOAT = { shift: 16, exponent: 0x7f80, sign: 0x8000 } as const;
const widenBfloat = (bits: number): number =>
  ((bits & BFLOAT.exponent ? bits : bits & BFLOAT.sign) << BFLOAT.shift) >>> 0;

/** What the last bit of a half counts, by its exponent. */
const HALF_UNIT = Float64Array.from({ length: 32 }, (_, exponent) => 2 ** (Math.max(exponent, 1) - 25));

/** The number that 16 bits stand for; NaN where it is none. */
const VALUE = {
  bfloat: (bits: number): number => fromBits(widenBfloat(bits)),
  half: (bits: number): number => {
    const exponent = (bits >> 10) & 0x1f;
    const fraction = bits & 0x3ff;
    const size = (exponent === 0 ? fraction : 0x400 + fraction) * HALF_UNIT[exponent]!;
    return exponent === 0x1f ? Number.NaN : bits & 0x8000 ? -size : size;
  },
} as const;

/** Bits of a single with the value of a number of 16 bits. */
const WIDEN = {
  bfloat: (bits: number): bigint => BigInt(widenBfloat(bits)),
  half: (bits: number): bigint => convert(F16, F32, exact, BigInt(bits)),
} as const;

/** Which of a pair of A and of B make the sums; and whether the second product is negative. */
const PARTS = {
  pairs: { first: [0, 0], second: [1, 1], negative: false },
  real: { first: [0, 0], second: [1, 1], negative: true },
  imaginary: { first: [1, 0], second: [0, 1], negative: false },
} as const;

interface Operands {
  readonly format: keyof typeof VALUE;
  readonly a: Uint16Array;
  readonly b: Uint16Array;
  /** Bits of singles, which are replaced. */
  readonly c: Uint32Array;
}

/** Numbers of A and B. */
const [X, Y] = [new Float64Array(HALVES), new Float64Array(HALVES)];

function decodeAll(format: keyof typeof VALUE, from: Uint16Array, to: Float64Array): Float64Array {
  const value = VALUE[format];
  for (let i = 0; i < HALVES; i++) to[i] = value(from[i]!);
  return to;
}

/** By numbers of JavaScript; false, with nothing done, where some number is or becomes infinite or a NaN. */
function quickly({ format, a, b, c }: Operands, dot: Dot, { m, n, k }: Extent): boolean {
  const [x, y] = [decodeAll(format, a, X), decodeAll(format, b, Y)];
  const { first, second, negative } = PARTS[dot];
  const out = new Float32Array(SINGLES);
  for (let i = 0; i < m; i++)
    for (let j = 0; j < n; j++) {
      let even = 0;
      let odd = 0;
      for (let l = 0; l < k; l++) {
        const p = 2 * (i * ROW + l);
        const q = 2 * (l * ROW + j);
        even = fused(x[p + first[0]]!, y[q + first[1]]!, even);
        const last = y[q + second[1]]!;
        odd = fused(x[p + second[0]]!, negative ? -last : last, odd);
      }
      const at = i * ROW + j;
      const before = fromBits(c[at]!);
      const result = sumOf(Math.abs(before) < SMALLEST_NORMAL ? before * 0 : before, sumOf(even, odd));
      if (!Number.isFinite(result)) return false;
      out[at] = result;
    }
  c.set(new Uint32Array(out.buffer));
  return true;
}

/** The same by bits. A NaN keeps its sign where a product is negative. */
function slowly({ format, a, b, c }: Operands, dot: Dot, { m, n, k }: Extent): void {
  const [x, y] = [BigUint64Array.from(a, WIDEN[format]), BigUint64Array.from(b, WIDEN[format])];
  const { first, second, negative } = PARTS[dot];
  const isNaN32 = (bits: bigint): boolean => (bits & ~F32.signBit) > F32.infinity;
  const out = new Uint32Array(SINGLES);
  for (let i = 0; i < m; i++)
    for (let j = 0; j < n; j++) {
      let even = 0n;
      let odd = 0n;
      for (let l = 0; l < k; l++) {
        const p = 2 * (i * ROW + l);
        const q = 2 * (l * ROW + j);
        even = fma(F32, env, x[p + first[0]]!, y[q + first[1]]!, even);
        const last = y[q + second[1]]!;
        odd = fma(F32, env, x[p + second[0]]!, negative && !isNaN32(last) ? last ^ F32.signBit : last, odd);
      }
      const at = i * ROW + j;
      out[at] = Number(add(F32, env, BigInt(c[at]!), add(F32, env, even, odd)));
    }
  c.set(out);
}

/** C += A · B; of C what lies beyond the product becomes zero. */
export function floatProduct(
  format: keyof typeof VALUE,
  dot: Dot,
  memory: ArrayBufferLike,
  at: { readonly c: number; readonly a: number; readonly b: number },
  extent: Extent,
): void {
  const operands = {
    format,
    a: new Uint16Array(memory, at.a, HALVES),
    b: new Uint16Array(memory, at.b, HALVES),
    c: new Uint32Array(memory, at.c, SINGLES),
  };
  if (!quickly(operands, dot, extent)) slowly(operands, dot, extent);
}
