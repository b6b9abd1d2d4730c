import type { Row } from '../../ir/ops.ts';
import { CRYPTO_ROWS } from '../../ir/ops-crypto.ts';
import { evex, wrap } from './row.ts';

/** AES, GF(2^8) and GF(2)[x] at vector length (SDM 2A AESENC …, GF2P8MULB …, PCLMULQDQ). */

const VECTOR = 128;
const ROWS: Readonly<Record<keyof typeof CRYPTO_ROWS, Row>> = CRYPTO_ROWS;
type Unary = (a: bigint) => bigint;
const by =
  (row: Row): Unary =>
  (a) =>
    row.eval(VECTOR, [a], VECTOR);
const substituted = by(ROWS.i8x16_aes_sub);
const substitutedBack = by(ROWS.i8x16_aes_sub_inverse);
const mixed = by(ROWS.i32x4_aes_mix);
const mixedBack = by(ROWS.i32x4_aes_mix_inverse);

/** ShiftRows, or its inverse: byte 4c + r comes from column c ± r (FIPS 197 5.1.2, 5.3.1). */
function shifted(a: bigint, direction: 1 | -1): bigint {
  let out = 0n;
  for (let i = 0; i < 16; i++) {
    const from = (((i >> 2) + direction * (i & 3)) & 3) * 4 + (i & 3);
    out |= ((a >> BigInt(8 * from)) & 0xffn) << BigInt(8 * i);
  }
  return out;
}
const encrypted = (a: bigint): bigint => substituted(shifted(a, 1));
const decrypted = (a: bigint): bigint => substitutedBack(shifted(a, -1));

for (const [mnemonic, round] of [
  ['vaesenc', (a) => mixed(encrypted(a))],
  ['vaesenclast', encrypted],
  ['vaesdec', (a) => mixedBack(decrypted(a))],
  ['vaesdeclast', decrypted],
] as const satisfies readonly (readonly [string, Unary])[])
  evex(mnemonic, VECTOR, (s, i) => round(s.a[i]!) ^ s.b[i]!);

evex('vpclmulqdq', VECTOR, (s, i) => {
  const half = (v: bigint, bit: number): bigint => wrap(64, (s.imm >> bit) & 1 ? v >> 64n : v);
  return ROWS.clmul.eval(64, [half(s.a[i]!, 0), half(s.b[i]!, 4)], VECTOR);
});

evex('vgf2p8mulb', 8, (s, i) => ROWS.i8x16_gf_mul.eval(VECTOR, [s.a[i]!, s.b[i]!], VECTOR) & 0xffn);
for (const [mnemonic, inverse] of [
  ['vgf2p8affineqb', false],
  ['vgf2p8affineinvqb', true],
] as const)
  evex(
    mnemonic,
    8,
    (s, i) => {
      const x = inverse ? ROWS.i8x16_gf_inverse.eval(VECTOR, [s.a[i]!], VECTOR) & 0xffn : s.a[i]!;
      return (ROWS.i64x2_gf_affine.eval(VECTOR, [x, s.b64![Math.floor(i / 8)]!], VECTOR) & 0xffn) ^ BigInt(s.imm);
    },
    { quads: true, whole: true },
  );
