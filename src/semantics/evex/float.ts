import {
  add,
  cmpPredicate,
  div,
  type FloatEnv,
  type FloatFormat,
  fma,
  max,
  min,
  mul,
  sqrt,
  sub,
} from '../../bits/softfloat.ts';
import { FORMATS } from './formats.ts';
import { evex } from './row.ts';

type Binary = (fmt: FloatFormat, env: FloatEnv, a: bigint, b: bigint) => bigint;
const ARITHMETIC: readonly (readonly [string, Binary])[] = [
  ['add', add],
  ['sub', sub],
  ['mul', mul],
  ['div', div],
  ['min', min],
  ['max', max],
  ['sqrt', (fmt, env, _a, b) => sqrt(fmt, env, b)],
];
const FUSED = [
  ['fmadd', 0, 0],
  ['fmsub', 0, 1],
  ['fnmadd', 1, 0],
  ['fnmsub', 1, 1],
  ['fmaddsub', 0, 2],
  ['fmsubadd', 0, 3],
] as const;

for (const [suffix, fmt, w, common] of FORMATS) {
  // The sign of a NaN stays as it is.
  const turned = (v: bigint, turn: boolean): bigint =>
    turn && (v & ~fmt.signBit) <= fmt.infinity ? v ^ fmt.signBit : v;
  for (const scalar of [false, true]) {
    const form = `${scalar ? 's' : 'p'}${suffix}`;
    const options = { ...common, float: true, scalar };
    for (const [stem, f] of ARITHMETIC) evex(`v${stem}${form}`, w, (s, i) => f(fmt, s.env, s.a[i]!, s.b[i]!), options);
    evex(`vcmp${form}`, w, (s, i) => (cmpPredicate(fmt, s.env, s.a[i]!, s.b[i]!, s.imm & 31) ? 1n : 0n), {
      ...options,
      test: true,
    });
    for (const [stem, negated, subtracted] of FUSED)
      if (!scalar || subtracted < 2)
        for (const order of ['132', '213', '231'])
          evex(
            `v${stem}${order}${form}`,
            w,
            (s, i) => {
              const [p, q, r] = [...order].map((n) => [s.d, s.a, s.b][Number(n) - 1]![i]!) as [bigint, bigint, bigint];
              const minus = subtracted < 2 ? subtracted === 1 : (i % 2 === 0) === (subtracted === 2);
              return fma(fmt, s.env, turned(p, negated === 1), q, turned(r, minus));
            },
            { ...options, restOfDestination: true },
          );
  }
}
