import type { Val } from '../../ir/nodes.ts';
import { define } from '../define.ts';
import type { Lift } from '../lift.ts';
import { joinLanes, lanesOf, readParts, writeParts } from '../sse/operands.ts';

// What a round is made of; 32 or 64 bits, as the words are.

const rotateLeft = (x: Lift, v: Val, by: number): Val => x.b.rotl(v, x.constant(by, v.w));
const rotateRight = (x: Lift, v: Val, by: number): Val => x.b.rotr(v, x.constant(by, v.w));
const xor = (x: Lift, ...values: Val[]): Val => values.reduce((a, b) => x.b.xor(a, b));
const sum = (x: Lift, ...values: Val[]): Val => values.reduce((a, b) => x.b.add(a, b));
const choice = (x: Lift, a: Val, b: Val, c: Val): Val => xor(x, x.b.and(a, b), x.b.and(x.b.not(a), c));
const majority = (x: Lift, a: Val, b: Val, c: Val): Val => xor(x, x.b.and(a, b), x.b.and(a, c), x.b.and(b, c));
/** A word and its rotations to the left. */
const spread = (x: Lift, v: Val, ...by: number[]): Val => xor(x, v, ...by.map((n) => rotateLeft(x, v, n)));

/** All words of a vector operand. */
const words = (x: Lift, parts: readonly Val[], w: 32 | 64): Val[] => parts.flatMap((part) => lanesOf(x, part, w));
/** Four quadwords as parts of 128 bits. */
const quads = (x: Lift, q: readonly Val[]): Val[] => [x.b.pair(q[0]!, q[1]!), x.b.pair(q[2]!, q[3]!)];

// ——— SHA-512 (FIPS 180-4) ———

const sigma = (x: Lift, v: Val, first: number, second: number, shift: number): Val =>
  xor(x, rotateRight(x, v, first), rotateRight(x, v, second), x.b.shr(v, x.constant(shift, 64)));
const bigSigma = (x: Lift, v: Val, ...by: number[]): Val => xor(x, ...by.map((n) => rotateRight(x, v, n)));

define('vsha512msg1', 'First step of the next four words of SHA-512', (x, dst, src) => {
  const next = lanesOf(x, readParts(x, src!, 128)[0]!, 64)[0]!;
  const w = [...words(x, readParts(x, dst!), 64), next];
  const r = w.slice(0, 4).map((word, i) => sum(x, word, sigma(x, w[i + 1]!, 1, 8, 7)));
  writeParts(x, dst!, quads(x, r));
});

define('vsha512msg2', 'Last step of the next four words of SHA-512', (x, dst, src) => {
  const [, , w14, w15] = words(x, readParts(x, src!), 64) as [Val, Val, Val, Val];
  const out: Val[] = [];
  words(x, readParts(x, dst!), 64).forEach((word, i) => {
    out.push(sum(x, word, sigma(x, i < 2 ? [w14, w15][i]! : out[i - 2]!, 19, 61, 6)));
  });
  writeParts(x, dst!, quads(x, out));
});

define('vsha512rnds2', 'Two rounds of SHA-512', (x, dst, state, message) => {
  let [f, e, b, a] = words(x, readParts(x, state!), 64) as [Val, Val, Val, Val];
  let [h, g, d, c] = words(x, readParts(x, dst!), 64) as [Val, Val, Val, Val];
  for (const word of lanesOf(x, readParts(x, message!, 128)[0]!, 64)) {
    const first = sum(x, choice(x, e, f, g), bigSigma(x, e, 14, 18, 41), word, h);
    const second = sum(x, majority(x, a, b, c), bigSigma(x, a, 28, 34, 39));
    [a, b, c, d, e, f, g, h] = [sum(x, first, second), a, b, c, sum(x, first, d), e, f, g];
  }
  writeParts(x, dst!, quads(x, [f, e, b, a]));
});

// ——— SM3 (GB/T 32905) ———

const four = (x: Lift, op: Parameters<typeof readParts>[1]): [Val, Val, Val, Val] =>
  lanesOf(x, readParts(x, op, 128)[0]!, 32) as [Val, Val, Val, Val];

define('vsm3msg1', 'First step of the next four words of SM3', (x, dst, later, first) => {
  const w = four(x, first!);
  const w7 = four(x, dst!);
  const w13 = four(x, later!);
  const r = w.map((word, i) => {
    const both = xor(x, w7[i]!, word);
    return spread(x, i < 3 ? xor(x, both, rotateLeft(x, w13[i]!, 15)) : both, 15, 23);
  });
  writeParts(x, dst!, [joinLanes(x, r)]);
});

define('vsm3msg2', 'Last step of the next four words of SM3', (x, dst, third, tenth) => {
  const w10 = four(x, tenth!);
  const w3 = four(x, third!);
  const r = four(x, dst!).map((word, i) => xor(x, rotateLeft(x, w3[i]!, 7), w10[i]!, word));
  const w16 = r[0]!;
  r[3] = xor(x, r[3]!, rotateLeft(x, w16, 6), rotateLeft(x, w16, 15), rotateLeft(x, w16, 30));
  writeParts(x, dst!, [joinLanes(x, r)]);
});

/** Constants of the rounds below 16 and of the others. */
const SM3_CONSTANTS = [0x79cc4519, 0x7a879d8a] as const;

define('vsm3rnds2', 'Two rounds of SM3; the immediate is the number of the first', (x, dst, state, message, number) => {
  const k = x.b;
  const round = k.zext(k.and(x.read(number!, 8), x.constant(0x3e, 8)), 32);
  const early = k.ltu(round, x.constant(16, 32));
  const w = four(x, message!);
  let [f, e, b, a] = four(x, state!);
  let [h, g, d, c] = four(x, dst!);
  [c, d, g, h] = [rotateLeft(x, c, 9), rotateLeft(x, d, 9), rotateLeft(x, g, 19), rotateLeft(x, h, 19)];
  const constants = SM3_CONSTANTS.map((value) => x.constant(value, 32));
  let constant = k.rotl(k.select(early, constants[0]!, constants[1]!), k.and(round, x.constant(31, 32)));
  for (const i of [0, 1]) {
    const turned = rotateLeft(x, a, 12);
    const s1 = rotateLeft(x, sum(x, turned, e, constant), 7);
    const s2 = xor(x, s1, turned);
    const ff = k.select(early, xor(x, a, b, c), majority(x, a, b, c));
    const gg = k.select(early, xor(x, e, f, g), choice(x, e, f, g));
    const t1 = sum(x, ff, d, s2, xor(x, w[i]!, w[i + 2]!));
    const t2 = sum(x, gg, h, s1, w[i]!);
    [a, b, c, d] = [t1, a, rotateLeft(x, b, 9), c];
    [e, f, g, h] = [spread(x, t2, 9, 17), e, rotateLeft(x, f, 19), g];
    constant = rotateLeft(x, constant, 1);
  }
  writeParts(x, dst!, [joinLanes(x, [f, e, b, a])]);
});

// ——— SM4 (GB/T 32907) ———

/** Every byte of a word by the S-box. */
const substituted = (x: Lift, v: Val): Val =>
  x.b.trunc(x.b.low(x.b.i8x16_sm4_sub(x.b.vector(x.b.zext(v, 64), 128)), 64), 32);

for (const [mnemonic, title, by] of [
  ['vsm4key4', 'Four round keys of SM4', [13, 23]],
  ['vsm4rnds4', 'Four rounds of SM4', [2, 10, 18, 24]],
] as const)
  define(mnemonic, title, (x, dst, block, keys) => {
    const third = readParts(x, keys!, dst!.w);
    const r = readParts(x, block!, dst!.w).map((part, n) => {
      const words = lanesOf(x, part, 32);
      for (const key of lanesOf(x, third[n]!, 32)) {
        const [w0, w1, w2, w3] = words.slice(-4) as [Val, Val, Val, Val];
        words.push(xor(x, w0, spread(x, substituted(x, xor(x, w1, w2, w3, key)), ...by)));
      }
      return joinLanes(x, words.slice(4));
    });
    writeParts(x, dst!, r);
  });
