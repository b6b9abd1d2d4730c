import { FINITE, INFINITY, unpack } from '../../bits/float/unpack.ts';
import { convert, F16, F32, F64, type FloatEnv, floatEnv, fma, invalid, mul } from '../../bits/softfloat.ts';
import { evex, wrap } from './row.ts';

/** What AVX512-FP16 has besides the arithmetic that it shares with the wider formats. */

const kept = { float: true, keeps: 'operands and results' } as const;

// ——— Complex numbers: the real part in the low half of 32 bits (SDM 2C VFMULCPH, VFMADDCPH and their conjugates) ———

const real = (v: bigint): bigint => wrap(16, v);
const imaginary = (v: bigint): bigint => v >> 16n;
/** The sign of a NaN stays as it is. */
const negated = (v: bigint): bigint => ((v & ~F16.signBit) > F16.infinity ? v : v ^ F16.signBit);

/**
 * a · b, or a · b plus what was there, by two fused steps a part, each of them rounded; b conjugate where the second step's signs
 * are exchanged.
 */
function product(env: FloatEnv, a: bigint, b: bigint, sum: bigint | null, conjugate: boolean): bigint {
  const first = (x: bigint, part: (v: bigint) => bigint): bigint =>
    sum === null ? mul(F16, env, x, real(b)) : fma(F16, env, x, real(b), part(sum));
  const re = first(real(a), real);
  const im = first(imaginary(a), imaginary);
  const second = (x: bigint, to: bigint, minus: boolean): bigint =>
    fma(F16, env, minus ? negated(x) : x, imaginary(b), to);
  return second(imaginary(a), re, !conjugate) | (second(real(a), im, conjugate) << 16n);
}

for (const conjugate of [false, true])
  for (const scalar of [false, true]) {
    const [stem, form] = [conjugate ? 'vfc' : 'vf', scalar ? 'csh' : 'cph'];
    const options = { ...kept, scalar, quiet: true };
    evex(`${stem}mul${form}`, 32, (s, i) => product(s.env, s.a[i]!, s.b[i]!, null, conjugate), options);
    evex(`${stem}madd${form}`, 32, (s, i) => product(s.env, s.a[i]!, s.b[i]!, s.d[i]!, conjugate), options);
  }

// ——— Between formats ———

evex('vcvtph2psx', 32, (s, i) => convert(F16, F32, s.env, s.b[i]!), { ...kept, from: 16 });
evex('vcvtph2pd', 64, (s, i) => convert(F16, F64, s.env, s.b[i]!), { ...kept, from: 16 });
evex('vcvtps2phx', 16, (s, i) => convert(F32, F16, s.env, s.b[i]!), { float: true, keeps: 'results', from: 32 });
evex('vcvtpd2ph', 16, (s, i) => convert(F64, F16, s.env, s.b[i]!), { float: true, keeps: 'results', from: 64 });
for (const [letter, fmt, w] of [
  ['s', F32, 32],
  ['d', F64, 64],
] as const) {
  evex(`vcvtsh2s${letter}`, w, (s) => convert(F16, fmt, s.env, s.b[0]!), { ...kept, scalar: true, from: 16, fromA: w });
  evex(`vcvts${letter}2sh`, 16, (s) => convert(fmt, F16, s.env, s.b[0]!), {
    float: true,
    keeps: 'results',
    scalar: true,
    from: w,
    fromA: 16,
  });
}

// ——— Approximations: exact ones, rounded to nearest; the manual asks for an error below 2^-11 + 2^-14, and no exception ———

const nearest = floatEnv();
const view = new DataView(new ArrayBuffer(8));

/** A positive number as a half. Of what is computed from halves a double knows all that decides the rounding. */
function rounded(value: number): bigint {
  view.setFloat64(0, value);
  return convert(F64, F16, nearest, view.getBigUint64(0));
}

function approximation(bits: bigint, root: boolean): bigint {
  const a = unpack(F16, bits);
  const signBit = a.sign ? F16.signBit : 0n;
  if (a.kind > INFINITY) return bits | F16.quietBit;
  if (a.kind < FINITE) return signBit | F16.infinity;
  if (root && a.sign) return invalid(F16, nearest);
  if (a.kind === INFINITY) return signBit;
  const x = Number(a.sig) * 2 ** a.exp;
  return signBit | rounded(1 / (root ? Math.sqrt(x) : x));
}

for (const scalar of [false, true]) {
  const form = scalar ? 'sh' : 'ph';
  evex(`vrcp${form}`, 16, (s, i) => approximation(s.b[i]!, false), { scalar });
  evex(`vrsqrt${form}`, 16, (s, i) => approximation(s.b[i]!, true), { scalar });
}

evex('vmovw', 16, (s) => s.b[0]!, { scalar: true });
evex('vmovsh', 16, (s) => s.b[0]!, { scalar: true });
