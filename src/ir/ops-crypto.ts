import { mapLanes } from '../bits/width.ts';
import { swapBytes } from './emit-scalar.ts';
import type { Row } from './ops.ts';
import { V128 } from './ops-vector.ts';
import { type Emitter, TYPE, V, W } from './wasm-opcodes.ts';

/** Arithmetic in GF(2^8) and GF(2)[x] behind AES, GFNI and PCLMULQDQ. */

type UnaryRow = Row & { readonly kind: 'unary' };

/** x^8 + x^7 + x^6 + x^5 + x^4 + x^2 + 1: the field of SM4. */
const SM4_POLYNOMIAL = 0x1f5;
/** x^8 + x^4 + x^3 + x + 1: the field of AES (FIPS 197 4.2). */
const POLYNOMIAL = 0x11b;
const REDUCTION = POLYNOMIAL & 0xff;

function multiply(a: number, b: number, polynomial = POLYNOMIAL): number {
  let out = 0;
  for (let i = 7; i >= 0; i--) {
    out <<= 1;
    if (out & 0x100) out ^= polynomial;
    if ((b >> i) & 1) out ^= a;
  }
  return out;
}

/** Powers of 3, which generates the field. */
const POWERS: number[] = [1];
for (let i = 1; i < 255; i++) POWERS.push(multiply(POWERS[i - 1]!, 3));
/** Inverses in the field; that of 0 is 0. */
const INVERSE: number[] = [0];
POWERS.forEach((power, i) => {
  INVERSE[power] = POWERS[(255 - i) % 255]!;
});
const rotated = (x: number, n: number): number => ((x << n) | (x >> (8 - n))) & 0xff;
/** The S-box: the inverse, and an affine transformation (FIPS 197 5.1.1). */
const S_BOX = INVERSE.map((x) => x ^ rotated(x, 1) ^ rotated(x, 2) ^ rotated(x, 3) ^ rotated(x, 4) ^ 0x63);
/** The S-box of SM4: an inverse in its field between two equal affine transformations (GB/T 32907). */
const sm4Affine = (x: number): number => {
  let out = 0xd3;
  for (let i = 0; i < 8; i++) for (let bits = rotated(0xa7, i) & x; bits !== 0; bits &= bits - 1) out ^= 1 << i;
  return out;
};
const SM4_BOX = S_BOX.map((_, x) => {
  const from = sm4Affine(x);
  const inverse = S_BOX.findIndex((_, y) => multiply(from, y, SM4_POLYNOMIAL) === 1);
  return sm4Affine(Math.max(inverse, 0));
});
const S_BOX_INVERSE = S_BOX.map((_, y) => S_BOX.indexOf(y));

function splat(e: Emitter, byte: number): void {
  e.simd(V.v128_const, ...new Array<number>(16).fill(byte));
}

/** Every byte by a table of 256: sixteen swizzles, of which one gives something else than zero. */
function byTable(doc: string, table: readonly number[]): UnaryRow {
  return {
    doc: `${doc}, byte by byte`,
    kind: 'unary',
    widths: V128,
    eval: (_w, [a]) => mapLanes(8, (x) => BigInt(table[Number(x)]!), a!),
    emit: (e) =>
      e.temp(TYPE.v128, (x) => {
        e.set(x);
        for (let row = 0; row < 16; row++) {
          e.simd(V.v128_const, ...table.slice(16 * row, 16 * row + 16));
          e.get(x);
          if (row > 0) {
            splat(e, 16);
            e.simd(V.i8x16_sub);
            e.tee(x);
          }
          e.simd(V.i8x16_swizzle);
          if (row > 0) e.simd(V.v128_or);
        }
      }),
  };
}

/** Replaces the bytes on the stack by twice them in the field. */
function double(e: Emitter): void {
  e.temp(TYPE.v128, (x) => {
    e.tee(x);
    e.get(x);
    e.simd(V.i8x16_add);
    e.get(x);
    e.i32(7);
    e.simd(V.i8x16_shr_s);
    splat(e, REDUCTION);
    e.simd(V.v128_and);
    e.simd(V.v128_xor);
  });
}

/** Puts `local` with its columns of four bytes rotated by `n` on the stack: byte i of a column is byte i + n. */
function rotateColumns(e: Emitter, local: number, n: number): void {
  e.get(local);
  e.get(local);
  e.simd(V.i8x16_shuffle, ...Array.from({ length: 16 }, (_, i) => (i & ~3) | ((i + n) & 3)));
}

function emitMix(e: Emitter): void {
  e.temp(TYPE.v128, (a) => {
    e.tee(a);
    rotateColumns(e, a, 1);
    e.simd(V.v128_xor);
    double(e);
    for (const n of [1, 2, 3]) {
      rotateColumns(e, a, n);
      e.simd(V.v128_xor);
    }
  });
}

/** Columns times a circulant matrix, given by its first row (FIPS 197 5.1.3, 5.3.3). */
function mix(doc: string, factors: readonly number[], emit: (e: Emitter) => void): UnaryRow {
  return {
    doc,
    kind: 'unary',
    widths: V128,
    eval: (_w, [a]) =>
      mapLanes(
        32,
        (column) => {
          const bytes = [0, 1, 2, 3].map((i) => Number((column! >> BigInt(8 * i)) & 0xffn));
          let out = 0n;
          for (let i = 0; i < 4; i++) {
            const sum = factors.reduce((s, f, j) => s ^ multiply(bytes[(i + j) & 3]!, f), 0);
            out |= BigInt(sum) << BigInt(8 * i);
          }
          return out;
        },
        a!,
      ),
    emit,
  };
}

function carrylessProduct(a: bigint, b: bigint): bigint {
  let out = 0n;
  for (let i = 0n; i < 64n; i++) if ((b >> i) & 1n) out ^= a << i;
  return out;
}

/** Bits in reverse order. */
function reverse(e: Emitter): void {
  e.temp(TYPE.i64, (x) => {
    for (const [shift, mask] of [
      [1n, 0x5555_5555_5555_5555n],
      [2n, 0x3333_3333_3333_3333n],
      [4n, 0x0f0f_0f0f_0f0f_0f0fn],
    ] as const) {
      e.tee(x);
      e.i64(shift);
      e.op(W.i64_shr_u);
      e.i64(mask);
      e.op(W.i64_and);
      e.get(x);
      e.i64(mask);
      e.op(W.i64_and);
      e.i64(shift);
      e.op(W.i64_shl, W.i64_or);
    }
  });
  swapBytes(e, 64);
}

/** Every fourth bit, from bit n on: products of such numbers keep their carries between the bits that count. */
const everyFourth = (n: number): bigint => 0x1111_1111_1111_1111n << BigInt(n);

/** Replaces two i64 by the low half of their product without carries. */
function lowProduct(e: Emitter): void {
  const masked = (from: number, n: number): void => {
    e.get(from);
    e.i64(everyFourth(n));
    e.op(W.i64_and);
  };
  const parts = (from: number, body: (locals: readonly number[]) => void, taken: readonly number[] = []): void => {
    if (taken.length === 4) return body(taken);
    e.temp(TYPE.i64, (local) => {
      masked(from, taken.length);
      e.set(local);
      parts(from, body, [...taken, local]);
    });
  };
  e.temp(TYPE.i64, (b) =>
    e.temp(TYPE.i64, (a) => {
      e.set(b);
      e.set(a);
      parts(a, (as) =>
        parts(b, (bs) => {
          for (let n = 0; n < 4; n++) {
            for (let i = 0; i < 4; i++) {
              e.get(as[i]!);
              e.get(bs[(n - i) & 3]!);
              e.op(W.i64_mul);
              if (i > 0) e.op(W.i64_xor);
            }
            e.i64(everyFourth(n));
            e.op(W.i64_and);
            if (n > 0) e.op(W.i64_or);
          }
        }),
      );
    }),
  );
}

export const CRYPTO_ROWS = {
  i8x16_aes_sub: byTable('the S-box of AES', S_BOX),
  i8x16_aes_sub_inverse: byTable('the inverse S-box of AES', S_BOX_INVERSE),
  i8x16_sm4_sub: byTable('the S-box of SM4', SM4_BOX),
  i8x16_gf_inverse: byTable('the inverse in GF(2^8), 0 for 0', INVERSE),
  i32x4_aes_mix: mix('MixColumns of AES', [2, 3, 1, 1], emitMix),
  i32x4_aes_mix_inverse: mix('InvMixColumns of AES', [14, 11, 13, 9], (e) =>
    // The inverse is MixColumns of a + 4 · (a + a rotated by 2).
    e.temp(TYPE.v128, (a) => {
      e.tee(a);
      e.get(a);
      rotateColumns(e, a, 2);
      e.simd(V.v128_xor);
      double(e);
      double(e);
      e.simd(V.v128_xor);
      emitMix(e);
    }),
  ),
  i8x16_gf_mul: {
    doc: 'products in GF(2^8), byte by byte (GF2P8MULB)',
    kind: 'binary',
    widths: V128,
    eval: (_w, [a, b]) => mapLanes(8, (x, y) => BigInt(multiply(Number(x), Number(y))), a!, b!),
    emit: (e) =>
      e.temp(TYPE.v128, (b) =>
        e.temp(TYPE.v128, (a) => {
          e.set(b);
          e.set(a);
          for (let i = 7; i >= 0; i--) {
            if (i < 7) double(e);
            // a where bit i of b is one
            e.get(a);
            e.get(b);
            e.i32(7 - i);
            e.simd(V.i8x16_shl);
            e.i32(7);
            e.simd(V.i8x16_shr_s);
            e.simd(V.v128_and);
            if (i < 7) e.simd(V.v128_xor);
          }
        }),
      ),
  },
  i64x2_gf_affine: {
    doc: 'every byte of a times the matrix of bits in its quadword of b: bit i is the parity of the byte and row 7 − i (GF2P8AFFINEQB)',
    kind: 'binary',
    widths: V128,
    eval: (_w, [a, b]) =>
      mapLanes(
        64,
        (x, matrix) => {
          let out = 0n;
          for (let byte = 0n; byte < 64n; byte += 8n)
            for (let i = 0n; i < 8n; i++) {
              let ones = (x! >> byte) & (matrix! >> (56n - 8n * i)) & 0xffn;
              for (; ones !== 0n; ones &= ones - 1n) out ^= 1n << (byte + i);
            }
          return out;
        },
        a!,
        b!,
      ),
    emit: (e) =>
      e.temp(TYPE.v128, (b) =>
        e.temp(TYPE.v128, (a) => {
          e.set(b);
          e.set(a);
          for (let i = 0; i < 8; i++) {
            e.get(b);
            e.get(b);
            e.simd(V.i8x16_shuffle, ...Array.from({ length: 16 }, (_, n) => (n & 8) | (7 - i)));
            e.get(a);
            e.simd(V.v128_and);
            e.simd(V.i8x16_popcnt);
            splat(e, 1);
            e.simd(V.v128_and);
            if (i > 0) {
              e.i32(i);
              e.simd(V.i8x16_shl);
              e.simd(V.v128_or);
            }
          }
        }),
      ),
  },
  clmul: {
    doc: 'the product of a and b without carries, 128 bits (PCLMULQDQ)',
    kind: 'join',
    widths: [64],
    eval: (_w, [a, b]) => carrylessProduct(a!, b!),
    emit: (e) =>
      e.temp(TYPE.i64, (b) =>
        e.temp(TYPE.i64, (a) => {
          e.set(b);
          e.tee(a);
          e.get(b);
          lowProduct(e);
          e.simd(V.i64x2_splat);
          // The high half is the low half of the product of the reverses, reversed, without its lowest bit.
          e.get(a);
          reverse(e);
          e.get(b);
          reverse(e);
          lowProduct(e);
          reverse(e);
          e.i64(1n);
          e.op(W.i64_shr_u);
          e.simd(V.i64x2_replace_lane, 1);
        }),
      ),
  },
} as const satisfies Record<string, Row>;
