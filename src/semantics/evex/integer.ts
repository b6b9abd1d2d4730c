import { asSigned, evex, type Lanes, type Row, type Sources, wrap } from './row.ts';

const WIDTHS = [
  ['b', 8],
  ['w', 16],
  ['d', 32],
  ['q', 64],
] as const;
type Two = (a: bigint, b: bigint, w: number) => bigint;

const two =
  (f: Two, w: number): Row['lane'] =>
  (s, i) =>
    f(s.a[i]!, s.b[i]!, w);
const clampS = (w: number, v: bigint): bigint => {
  const top = (1n << BigInt(w - 1)) - 1n;
  return v > top ? top : v < -top - 1n ? -top - 1n : v;
};
const clampU = (w: number, v: bigint): bigint => (v < 0n ? 0n : v >> BigInt(w) ? (1n << BigInt(w)) - 1n : v);
const S = asSigned;

const shl: Two = (a, n, w) => (n >= BigInt(w) ? 0n : a << n);
const shr: Two = (a, n, w) => (n >= BigInt(w) ? 0n : a >> n);
const sar: Two = (a, n, w) => S(w, a) >> (n >= BigInt(w) ? BigInt(w - 1) : n);
const rol: Two = (a, n, w) => ((a << (n % BigInt(w))) | (a >> (BigInt(w) - (n % BigInt(w))))) as bigint;
const ror: Two = (a, n, w) => rol(a, BigInt(w) - (n % BigInt(w)), w);
const bit = (yes: boolean): bigint => (yes ? 1n : 0n);
const ones = (v: bigint): bigint => BigInt(v.toString(2).replaceAll('0', '').length);

// Any width: stem, operation.
for (const [stem, f] of [
  ['padd', (a, b) => a + b],
  ['psub', (a, b) => a - b],
  ['pmaxs', (a, b, w) => (S(w, a) > S(w, b) ? a : b)],
  ['pmins', (a, b, w) => (S(w, a) < S(w, b) ? a : b)],
  ['pmaxu', (a, b) => (a > b ? a : b)],
  ['pminu', (a, b) => (a < b ? a : b)],
  ['pabs', (_a, b, w) => (S(w, b) < 0n ? -S(w, b) : b)],
  ['popcnt', (_a, b) => ones(b)],
] as const satisfies readonly (readonly [string, Two])[])
  for (const [suffix, w] of WIDTHS) evex(`v${stem}${suffix}`, w, two(f, w));

for (const [stem, f] of [
  ['padds', (a, b, w) => clampS(w, S(w, a) + S(w, b))],
  ['psubs', (a, b, w) => clampS(w, S(w, a) - S(w, b))],
  ['paddus', (a, b, w) => clampU(w, a + b)],
  ['psubus', (a, b, w) => clampU(w, a - b)],
  ['pavg', (a, b) => (a + b + 1n) >> 1n],
] as const satisfies readonly (readonly [string, Two])[])
  for (const [suffix, w] of WIDTHS.slice(0, 2)) evex(`v${stem}${suffix}`, w, two(f, w));

evex(
  'vpmulhuw',
  16,
  two((a, b) => (a * b) >> 16n, 16),
);
evex(
  'vpmulhw',
  16,
  two((a, b) => (S(16, a) * S(16, b)) >> 16n, 16),
);
evex(
  'vpmulhrsw',
  16,
  two((a, b) => (((S(16, a) * S(16, b)) >> 14n) + 1n) >> 1n, 16),
);
evex(
  'vpmullw',
  16,
  two((a, b) => a * b, 16),
);
evex(
  'vpmulld',
  32,
  two((a, b) => a * b, 32),
);
evex(
  'vpmullq',
  64,
  two((a, b) => a * b, 64),
);
evex(
  'vpmuludq',
  64,
  two((a, b) => wrap(32, a) * wrap(32, b), 64),
);
evex(
  'vpmuldq',
  64,
  two((a, b) => S(32, a) * S(32, b), 64),
);
const LOW52 = (1n << 52n) - 1n;
for (const [half, shift] of [
  ['l', 0n],
  ['h', 52n],
] as const)
  evex(`vpmadd52${half}uq`, 64, (s, i) => s.d[i]! + ((((s.a[i]! & LOW52) * (s.b[i]! & LOW52)) >> shift) & LOW52));

for (const [suffix, w] of WIDTHS.slice(2)) {
  evex(
    `vpand${suffix}`,
    w,
    two((a, b) => a & b, w),
  );
  evex(
    `vpandn${suffix}`,
    w,
    two((a, b) => ~a & b, w),
  );
  evex(
    `vpor${suffix}`,
    w,
    two((a, b) => a | b, w),
  );
  evex(
    `vpxor${suffix}`,
    w,
    two((a, b) => a ^ b, w),
  );
  evex(`vprolv${suffix}`, w, two(rol, w));
  evex(`vprorv${suffix}`, w, two(ror, w));
  evex(`vprol${suffix}`, w, (s, i) => rol(s.b[i]!, BigInt(s.imm), w));
  evex(`vpror${suffix}`, w, (s, i) => ror(s.b[i]!, BigInt(s.imm), w));
  evex(`vplzcnt${suffix}`, w, (s, i) => BigInt(w - (s.b[i]! ? s.b[i]!.toString(2).length : 0)));
  evex(
    `vpconflict${suffix}`,
    w,
    (s, i) => s.b.reduce((bits, v, j) => (j < i && v === s.b[i] ? bits | (1n << BigInt(j)) : bits), 0n),
    { whole: true },
  );
  // Which lanes of one are anywhere in the other (SDM 2C VP2INTERSECTD).
  evex(`vp2intersect${suffix}`, w, (s, i) => bit(s.b.includes(s.a[i]!)) | (bit(s.a.includes(s.b[i]!)) << 1n), {
    whole: true,
    pair: true,
  });
  evex(`vpternlog${suffix}`, w, (s, i) => {
    let r = 0n;
    for (let n = 0; n < 8; n++)
      if ((s.imm >> n) & 1)
        r |= (n & 4 ? s.d[i]! : ~s.d[i]!) & (n & 2 ? s.a[i]! : ~s.a[i]!) & (n & 1 ? s.b[i]! : ~s.b[i]!);
    return r;
  });
}
for (const [stem, w] of [
  ['ps', 32],
  ['pd', 64],
] as const) {
  evex(
    `vand${stem}`,
    w,
    two((a, b) => a & b, w),
  );
  evex(
    `vandn${stem}`,
    w,
    two((a, b) => ~a & b, w),
  );
  evex(
    `vor${stem}`,
    w,
    two((a, b) => a | b, w),
  );
  evex(
    `vxor${stem}`,
    w,
    two((a, b) => a ^ b, w),
  );
}

// Shifts: by an immediate, by the low 64 bits of an XMM register or m128, lane by lane.
for (const [stem, f] of [
  ['sll', shl],
  ['srl', shr],
  ['sra', sar],
] as const)
  for (const [suffix, w] of WIDTHS.slice(1)) {
    evex(`vp${stem}v${suffix}`, w, two(f, w));
    evex(`vp${stem}${suffix}`, w, (s, i) => f(s.a[i]!, s.a === s.b ? BigInt(s.imm) : countOf(s.b, w), w), {
      byXmm: true,
    });
  }
/** The low 64 bits of a count. */
function countOf(b: Lanes, w: number): bigint {
  let count = 0n;
  for (let i = 0; i < 64 / w; i++) count |= b[i]! << BigInt(i * w);
  return count;
}
for (const [suffix, w] of WIDTHS.slice(1)) {
  const W = BigInt(w);
  const left = (a: bigint, b: bigint, n: bigint): bigint => (((a << W) | b) << (n % W)) >> W;
  const right = (a: bigint, b: bigint, n: bigint): bigint => ((b << W) | a) >> (n % W);
  evex(`vpshld${suffix}`, w, (s, i) => left(s.a[i]!, s.b[i]!, BigInt(s.imm)));
  evex(`vpshrd${suffix}`, w, (s, i) => right(s.a[i]!, s.b[i]!, BigInt(s.imm)));
  evex(`vpshldv${suffix}`, w, (s, i) => left(s.d[i]!, s.a[i]!, s.b[i]!));
  evex(`vpshrdv${suffix}`, w, (s, i) => right(s.d[i]!, s.a[i]!, s.b[i]!));
}

// Comparisons into opmasks.
const order = (a: bigint, b: bigint, imm: number): boolean =>
  [a === b, a < b, a <= b, false, a !== b, a >= b, a > b, true][imm & 7]!;
for (const [suffix, w] of WIDTHS) {
  const test = { test: true };
  evex(`vpcmpeq${suffix}`, w, (s, i) => bit(s.a[i] === s.b[i]), test);
  evex(`vpcmpgt${suffix}`, w, (s, i) => bit(S(w, s.a[i]!) > S(w, s.b[i]!)), test);
  evex(`vpcmp${suffix}`, w, (s, i) => bit(order(S(w, s.a[i]!), S(w, s.b[i]!), s.imm)), test);
  evex(`vpcmpu${suffix}`, w, (s, i) => bit(order(s.a[i]!, s.b[i]!, s.imm)), test);
  evex(`vptestm${suffix}`, w, (s, i) => bit((s.a[i]! & s.b[i]!) !== 0n), test);
  evex(`vptestnm${suffix}`, w, (s, i) => bit((s.a[i]! & s.b[i]!) === 0n), test);
  evex(`vpblendm${suffix}`, w, (s, i) => s.b[i]!, { otherwise: true });
  evex(`vpmov${suffix}2m`, w, (s, i) => s.b[i]! >> BigInt(w - 1), test);
  evex(`vpmovm2${suffix}`, w, (s, i) => -((s.b[0]! >> BigInt(i)) & 1n), { from: w });
}
evex('vblendmps', 32, (s, i) => s.b[i]!, { otherwise: true });
evex('vblendmpd', 64, (s, i) => s.b[i]!, { otherwise: true });

// Dot products.
const sum = (n: number, f: (k: number) => bigint): bigint =>
  Array.from({ length: n }, (_, k) => f(k)).reduce((p, q) => p + q);
const part = (v: bigint, k: number, w: number): bigint => (v >> BigInt(k * w)) & ((1n << BigInt(w)) - 1n);
const dots = (s: Sources, i: number): bigint => sum(4, (k) => part(s.a[i]!, k, 8) * S(8, part(s.b[i]!, k, 8)));
const words = (s: Sources, i: number): bigint =>
  sum(2, (k) => S(16, part(s.a[i]!, k, 16)) * S(16, part(s.b[i]!, k, 16)));
for (const [mnemonic, f] of [
  ['vpdpbusd', dots],
  ['vpdpwssd', words],
] as const) {
  evex(mnemonic, 32, (s, i) => s.d[i]! + f(s, i));
  evex(`${mnemonic}s`, 32, (s, i) => clampS(32, S(32, s.d[i]!) + f(s, i)));
}
evex('vpmaddwd', 32, words, { whole: true });
evex(
  'vpmaddubsw',
  16,
  (s, i) =>
    clampS(
      16,
      sum(2, (k) => part(s.a[i]!, k, 8) * S(8, part(s.b[i]!, k, 8))),
    ),
  { whole: true },
);
evex(
  'vpsadbw',
  64,
  (s, i) =>
    sum(8, (k) => {
      const d = part(s.a[i]!, k, 8) - part(s.b[i]!, k, 8);
      return d < 0n ? -d : d;
    }),
  { whole: true },
);

for (const [mnemonic, w, clamp] of [
  ['vpacksswb', 8, clampS],
  ['vpackssdw', 16, clampS],
  ['vpackuswb', 8, clampU],
  ['vpackusdw', 16, clampU],
] as const)
  evex(
    mnemonic,
    w,
    (s, i) => {
      const per = 64 / w;
      const at = Math.floor(i / (2 * per)) * per + (i % per);
      return clamp(w, S(2 * w, (i % (2 * per) < per ? s.a : s.b)[at]!));
    },
    { from: 2 * w, whole: true, packs: true },
  );
for (const [mnemonic, turn] of [
  ['vpslldq', -1],
  ['vpsrldq', 1],
] as const)
  evex(
    mnemonic,
    8,
    (s, i) => {
      const at = (i & 15) + turn * s.imm;
      return at >= 0 && at < 16 ? s.b[(i & ~15) + at]! : 0n;
    },
    { whole: true },
  );
evex(
  'vpmultishiftqb',
  8,
  (s, i) => {
    const q = Math.floor(i / 8);
    const n = s.a[i]! & 63n;
    const v = s.b64![q]!;
    return ((v >> n) | (v << (64n - n))) & 0xffn;
  },
  { quads: true, whole: true },
);
evex('vpshufbitqmb', 8, (s, i) => (s.a64![Math.floor(i / 8)]! >> (s.b[i]! & 63n)) & 1n, { quads: true, test: true });
for (const [suffix, w] of WIDTHS) {
  evex(`vpcompress${suffix}`, w, (s, i) => s.b[i]!, { compress: true });
  evex(`vpexpand${suffix}`, w, (s, i) => s.b[i]!, { expand: true });
}
for (const [suffix, w] of [
  ['ps', 32],
  ['pd', 64],
] as const) {
  evex(`vcompress${suffix}`, w, (s, i) => s.b[i]!, { compress: true });
  evex(`vexpand${suffix}`, w, (s, i) => s.b[i]!, { expand: true });
}

// Widening and narrowing.
for (const [to, w] of WIDTHS)
  for (const [by, from] of WIDTHS) {
    if (from < w) {
      evex(`vpmovsx${by}${to}`, w, (s, i) => S(from, s.b[i]!), { from });
      evex(`vpmovzx${by}${to}`, w, (s, i) => s.b[i]!, { from });
    }
    if (from > w) {
      evex(`vpmov${by}${to}`, w, (s, i) => s.b[i]!, { from });
      evex(`vpmovs${by}${to}`, w, (s, i) => clampS(w, S(from, s.b[i]!)), { from });
      evex(`vpmovus${by}${to}`, w, (s, i) => clampU(w, s.b[i]!), { from });
    }
  }
