import type { Val } from '../../ir/nodes.ts';
import type { Lift } from '../lift.ts';
import { defineBinary, defineUnary } from './define.ts';
import { joinLanes, lanesOf, splatByte, XMM0 } from './operands.ts';

// ——— AES (FIPS 197): the state's columns are the doublewords ———

/** Where each byte comes from in ShiftRows and its inverse: byte 4c + r from column c ± r. */
const rows = (direction: 1 | -1): bigint => {
  let order = 0n;
  for (let i = 0; i < 16; i++) order |= BigInt((((i >> 2) + direction * (i & 3)) & 3) * 4 + (i & 3)) << BigInt(8 * i);
  return order;
};
const SHIFT_ROWS = rows(1);
const SHIFT_ROWS_BACK = rows(-1);

const substituted = (x: Lift, a: Val): Val => x.b.i8x16_aes_sub(x.b.i8x16_swizzle(a, x.constant(SHIFT_ROWS, 128)));
const substitutedBack = (x: Lift, a: Val): Val =>
  x.b.i8x16_aes_sub_inverse(x.b.i8x16_swizzle(a, x.constant(SHIFT_ROWS_BACK, 128)));

defineBinary('aesenc', 'A round of encryption', (x, a, key) => x.b.v128_xor(x.b.i32x4_aes_mix(substituted(x, a)), key));
defineBinary('aesenclast', 'The last round of encryption', (x, a, key) => x.b.v128_xor(substituted(x, a), key));
defineBinary('aesdec', 'A round of decryption', (x, a, key) =>
  x.b.v128_xor(x.b.i32x4_aes_mix_inverse(substitutedBack(x, a)), key),
);
defineBinary('aesdeclast', 'The last round of decryption', (x, a, key) => x.b.v128_xor(substitutedBack(x, a), key));
defineUnary('aesimc', 'A round key for decryption', (x, a) => x.b.i32x4_aes_mix_inverse(a));

/** Words 1 and 3, each as it is and then rotated by a byte. */
const KEY_WORDS = 0x0c0f0e0d_0f0e0d0c_04070605_07060504n;
defineUnary('aeskeygenassist', 'Words of the key schedule', (x, a, imm) => {
  const k = x.b;
  const words = k.i8x16_aes_sub(k.i8x16_swizzle(a, x.constant(KEY_WORDS, 128)));
  const constant = k.shl(k.zext(imm, 64), x.constant(32, 64));
  return k.v128_xor(words, k.pair(constant, constant));
});

// ——— GF(2^8) and GF(2)[x] ———

defineBinary('gf2p8mulb', 'Multiply bytes in GF(2^8)', (x, a, b) => x.b.i8x16_gf_mul(a, b));
defineBinary('gf2p8affineqb', 'Bytes times a matrix of bits, plus a constant', (x, a, b, imm) =>
  x.b.v128_xor(x.b.i64x2_gf_affine(a, b), splatByte(x, imm)),
);
defineBinary('gf2p8affineinvqb', 'Inverses of bytes times a matrix of bits, plus a constant', (x, a, b, imm) =>
  x.b.v128_xor(x.b.i64x2_gf_affine(x.b.i8x16_gf_inverse(a), b), splatByte(x, imm)),
);

defineBinary('pclmulqdq', 'Product without carries of the halves that bits 0 and 4 choose', (x, a, b, imm) => {
  const k = x.b;
  const half = (v: Val, bit: number): Val =>
    k.select(k.trunc(k.shr(imm, x.constant(bit, 8)), 1), k.high(v, 64), k.low(v, 64));
  return k.clmul(half(a, 0), half(b, 4));
});

// ——— SHA-1 and SHA-256 (FIPS 180-4) ———

const rotateLeft = (x: Lift, v: Val, by: number): Val => x.b.rotl(v, x.constant(by, 32));
const rotateRight = (x: Lift, v: Val, by: number): Val => x.b.rotr(v, x.constant(by, 32));
const xor = (x: Lift, ...values: Val[]): Val => values.reduce((a, b) => x.b.xor(a, b));
const sum = (x: Lift, ...values: Val[]): Val => values.reduce((a, b) => x.b.add(a, b));

const choice = (x: Lift, a: Val, b: Val, c: Val): Val => xor(x, x.b.and(a, b), x.b.and(x.b.not(a), c));
const majority = (x: Lift, a: Val, b: Val, c: Val): Val => xor(x, x.b.and(a, b), x.b.and(a, c), x.b.and(b, c));

const SHA1_CONSTANTS = [0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6];

defineBinary(
  'sha1rnds4',
  'Four rounds of SHA-1; the immediate names the function and its constant',
  (x, state, data, imm) => {
    const k = x.b;
    const bit = (n: number): Val => k.trunc(k.shr(imm, x.constant(n, 8)), 1);
    const [high, low] = [bit(1), bit(0)];
    const byNumber = (values: readonly Val[]): Val =>
      k.select(high, k.select(low, values[3]!, values[2]!), k.select(low, values[1]!, values[0]!));
    const constant = byNumber(SHA1_CONSTANTS.map((value) => x.constant(value, 32)));
    let [d, c, b, a] = lanesOf(x, state, 32) as [Val, Val, Val, Val];
    let e: Val = x.constant(0, 32);
    // The first word has E in it already.
    for (const word of lanesOf(x, data, 32).reverse()) {
      const parity = xor(x, b, c, d);
      const f = byNumber([choice(x, b, c, d), parity, majority(x, b, c, d), parity]);
      const next = sum(x, f, rotateLeft(x, a, 5), word, e, constant);
      [a, b, c, d, e] = [next, a, rotateLeft(x, b, 30), c, d];
    }
    return joinLanes(x, [d, c, b, a]);
  },
  { legacy: true },
);

defineBinary(
  'sha1nexte',
  'E of the next four rounds, added to the first word',
  (x, state, data) => {
    const k = x.b;
    const e = rotateLeft(x, lanesOf(x, state, 32)[3]!, 30);
    return k.i32x4_add(data, k.pair(x.constant(0, 64), k.shl(k.zext(e, 64), x.constant(32, 64))));
  },
  { legacy: true },
);

defineBinary(
  'sha1msg1',
  'First step of the next four words of SHA-1',
  (x, a, b) => x.b.v128_xor(a, x.b.pair(x.b.high(b, 64), x.b.low(a, 64))),
  { legacy: true },
);

defineBinary(
  'sha1msg2',
  'Last step of the next four words of SHA-1',
  (x, a, b) => {
    const [a0, a1, a2, a3] = lanesOf(x, a, 32) as [Val, Val, Val, Val];
    const [b0, b1, b2] = lanesOf(x, b, 32) as [Val, Val, Val];
    const w16 = rotateLeft(x, xor(x, a3, b2), 1);
    const w17 = rotateLeft(x, xor(x, a2, b1), 1);
    const w18 = rotateLeft(x, xor(x, a1, b0), 1);
    return joinLanes(x, [rotateLeft(x, xor(x, a0, w16), 1), w18, w17, w16]);
  },
  { legacy: true },
);

/** σ0 and σ1: two rotations and a shift. */
const sigma = (x: Lift, v: Val, first: number, second: number, shift: number): Val =>
  xor(x, rotateRight(x, v, first), rotateRight(x, v, second), x.b.shr(v, x.constant(shift, 32)));
const bigSigma = (x: Lift, v: Val, ...by: number[]): Val => xor(x, ...by.map((n) => rotateRight(x, v, n)));

defineBinary(
  'sha256rnds2',
  'Two rounds of SHA-256; words with their constants in XMM0',
  (x, cdgh, abef) => {
    let [f, e, b, a] = lanesOf(x, abef, 32) as [Val, Val, Val, Val];
    let [h, g, d, c] = lanesOf(x, cdgh, 32) as [Val, Val, Val, Val];
    const [w0, w1] = lanesOf(x, x.read(XMM0), 32) as [Val, Val];
    for (const word of [w0, w1]) {
      const first = sum(x, choice(x, e, f, g), bigSigma(x, e, 6, 11, 25), word, h);
      const second = sum(x, majority(x, a, b, c), bigSigma(x, a, 2, 13, 22));
      [a, b, c, d, e, f, g, h] = [sum(x, first, second), a, b, c, sum(x, first, d), e, f, g];
    }
    return joinLanes(x, [f, e, b, a]);
  },
  { legacy: true },
);

defineBinary(
  'sha256msg1',
  'First step of the next four words of SHA-256',
  (x, a, b) => {
    const words = [...lanesOf(x, a, 32), lanesOf(x, b, 32)[0]!];
    return joinLanes(
      x,
      words.slice(0, 4).map((word, i) => sum(x, word, sigma(x, words[i + 1]!, 7, 18, 3))),
    );
  },
  { legacy: true },
);

defineBinary(
  'sha256msg2',
  'Last step of the next four words of SHA-256',
  (x, a, b) => {
    const [, , b2, b3] = lanesOf(x, b, 32) as [Val, Val, Val, Val];
    const out: Val[] = [];
    lanesOf(x, a, 32).forEach((word, i) => {
      const before = i < 2 ? [b2, b3][i]! : out[i - 2]!;
      out.push(sum(x, word, sigma(x, before, 17, 19, 10)));
    });
    return joinLanes(x, out);
  },
  { legacy: true },
);
