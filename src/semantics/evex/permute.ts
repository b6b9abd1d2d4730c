import { evex, type Lanes, type Sources } from './row.ts';

const whole = { whole: true } as const;
const WIDTHS = [
  ['b', 8],
  ['w', 16],
  ['d', 32],
  ['q', 64],
  ['ps', 32],
  ['pd', 64],
] as const;
/** Index of the first lane of its 128 bits, and lanes in them. */
const base = (i: number, w: number): number => i - (i % (128 / w));

for (const [suffix, w] of WIDTHS) {
  evex(`vpermi2${suffix}`, w, (s, i) => pick2(s, s.d[i]!, s.a, s.b), whole);
  evex(`vpermt2${suffix}`, w, (s, i) => pick2(s, s.a[i]!, s.d, s.b), whole);
}
function pick2(s: Sources, index: bigint, low: Lanes, high: Lanes): bigint {
  const at = Number(index & BigInt(2 * s.n - 1));
  return at < s.n ? low[at]! : high[at - s.n]!;
}
for (const [mnemonics, w] of [
  ['vpermb', 8],
  ['vpermw', 16],
  ['vpermd vpermps', 32],
  ['vpermq vpermpd', 64],
] as const)
  evex(
    mnemonics,
    w,
    (s, i) => (s.a === s.b ? s.b[(i & ~3) | ((s.imm >> (2 * (i & 3))) & 3)]! : s.b[Number(s.a[i]! & BigInt(s.n - 1))]!),
    whole,
  );

for (const [suffix, w] of [
  ['bw', 8],
  ['wd', 16],
  ['dq', 32],
  ['qdq', 64],
] as const)
  for (const high of [0, 1])
    evex(
      `vpunpck${high ? 'h' : 'l'}${suffix}`,
      w,
      (s, i) => {
        const at = base(i, w) + ((i % (128 / w)) >> 1) + (high * 64) / w;
        return (i & 1 ? s.b : s.a)[at]!;
      },
      whole,
    );
for (const [suffix, w] of [
  ['ps', 32],
  ['pd', 64],
] as const)
  for (const high of [0, 1])
    evex(
      `vunpck${high ? 'h' : 'l'}${suffix}`,
      w,
      (s, i) => {
        const at = base(i, w) + ((i % (128 / w)) >> 1) + (high * 64) / w;
        return (i & 1 ? s.b : s.a)[at]!;
      },
      whole,
    );
evex('vpshufd', 32, (s, i) => s.b[(i & ~3) | ((s.imm >> (2 * (i & 3))) & 3)]!, whole);
evex('vpshuflw', 16, (s, i) => (i & 4 ? s.b[i]! : s.b[(i & ~3) | ((s.imm >> (2 * (i & 3))) & 3)]!), whole);
evex('vpshufhw', 16, (s, i) => (i & 4 ? s.b[(i & ~3) | ((s.imm >> (2 * (i & 3))) & 3)]! : s.b[i]!), whole);
evex('vpshufb', 8, (s, i) => (s.b[i]! & 0x80n ? 0n : s.a[(i & ~15) | Number(s.b[i]! & 15n)]!), whole);
evex('vshufps', 32, (s, i) => (i & 2 ? s.b : s.a)[(i & ~3) | ((s.imm >> (2 * (i & 3))) & 3)]!, whole);
evex('vshufpd', 64, (s, i) => (i & 1 ? s.b : s.a)[(i & ~1) | ((s.imm >> i) & 1)]!, whole);
evex(
  'vpermilps',
  32,
  (s, i) => s.a[(i & ~3) | (s.a === s.b ? (s.imm >> (2 * (i & 3))) & 3 : Number(s.b[i]! & 3n))]!,
  whole,
);
evex(
  'vpermilpd',
  64,
  (s, i) => s.a[(i & ~1) | (s.a === s.b ? (s.imm >> i) & 1 : Number((s.b[i]! >> 1n) & 1n))]!,
  whole,
);
evex(
  'vpalignr',
  8,
  (s, i) => {
    const at = (i & 15) + s.imm;
    return at < 16 ? s.b[(i & ~15) + at]! : at < 32 ? s.a[(i & ~15) + at - 16]! : 0n;
  },
  whole,
);
for (const [suffix, w] of [
  ['d', 32],
  ['q', 64],
] as const)
  evex(
    `valign${suffix}`,
    w,
    (s, i) => {
      const at = i + (s.imm & (s.n - 1));
      return at < s.n ? s.b[at]! : s.a[at - s.n]!;
    },
    whole,
  );
for (const [mnemonics, w] of [
  ['vshuff32x4 vshufi32x4', 32],
  ['vshuff64x2 vshufi64x2', 64],
] as const)
  evex(
    mnemonics,
    w,
    (s, i) => {
      const per = 128 / w;
      const blocks = s.n / per;
      const block = Math.floor(i / per);
      const bits = blocks === 4 ? 2 : 1;
      const from = block < blocks / 2 ? s.a : s.b;
      return from[((s.imm >> (bits * block)) & (blocks - 1)) * per + (i % per)]!;
    },
    whole,
  );

// Broadcasts: one lane, or some.
for (const [mnemonic, w, lanes] of [
  ['vpbroadcastb', 8, 1],
  ['vpbroadcastw', 16, 1],
  ['vpbroadcastd', 32, 1],
  ['vpbroadcastq', 64, 1],
  ['vbroadcastss', 32, 1],
  ['vbroadcastsd', 64, 1],
  ['vbroadcastf32x2', 32, 2],
  ['vbroadcasti32x2', 32, 2],
  ['vbroadcastf32x4', 32, 4],
  ['vbroadcasti32x4', 32, 4],
  ['vbroadcastf64x2', 64, 2],
  ['vbroadcasti64x2', 64, 2],
  ['vbroadcastf32x8', 32, 8],
  ['vbroadcasti32x8', 32, 8],
  ['vbroadcastf64x4', 64, 4],
  ['vbroadcasti64x4', 64, 4],
] as const)
  evex(mnemonic, w, (s, i) => s.b[i % lanes]!, { repeats: lanes });
for (const [mnemonic, w, bits] of [
  ['vpbroadcastmb2q', 64, 8],
  ['vpbroadcastmw2d', 32, 16],
] as const)
  evex(mnemonic, w, (s) => BigInt.asUintN(bits, s.b[0]!));

// Inserting and extracting blocks.
for (const [shape, w, lanes] of [
  ['32x4', 32, 4],
  ['64x2', 64, 2],
  ['32x8', 32, 8],
  ['64x4', 64, 4],
] as const)
  for (const type of ['f', 'i']) {
    const block = (imm: number, n: number): number => imm & (n / lanes - 1);
    evex(
      `vinsert${type}${shape}`,
      w,
      (s, i) => {
        const at = i - block(s.imm, s.n) * lanes;
        return at >= 0 && at < lanes ? s.b[at]! : s.a[i]!;
      },
      whole,
    );
    evex(`vextract${type}${shape}`, w, (s, i) => s.b[block(s.imm, s.b.length) * lanes + i]!, { lanes, whole: true });
  }
