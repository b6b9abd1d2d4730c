import { roundMagnitude } from '../../bits/float/convert.ts';
import { INFINITY, unpack, ZERO } from '../../bits/float/unpack.ts';
import { convert, F32, F64, type FloatEnv, type FloatFormat, fromInt, IE, toInt } from '../../bits/softfloat.ts';
import { evex } from './row.ts';

/** To an unsigned integer of 32 or 64 bits: all ones where it does not fit (SDM 2C VCVTPS2UDQ). */
export function toUnsigned(fmt: FloatFormat, env: FloatEnv, bits: bigint, width: number, truncate: boolean): bigint {
  const a = unpack(fmt, bits, env.daz);
  if (a.kind === ZERO) return 0n;
  const before = env.flags;
  if (a.kind < INFINITY) {
    const magnitude = a.exp > width ? 1n << BigInt(width) : roundMagnitude(env, a, truncate ? 3 : env.rounding);
    if (magnitude >> BigInt(width) === 0n && (!a.sign || magnitude === 0n)) return magnitude;
  }
  env.flags = before | IE;
  return (1n << BigInt(width)) - 1n;
}

const options = { float: true } as const;
for (const [suffix, fmt, from] of [
  ['ps', F32, 32],
  ['pd', F64, 64],
] as const)
  for (const [integer, w] of [
    ['dq', 32],
    ['qq', 64],
  ] as const)
    for (const truncate of [false, true]) {
      const t = truncate ? 't' : '';
      evex(`vcvt${t}${suffix}2${integer}`, w, (s, i) => toInt(fmt, s.env, s.b[i]!, w, truncate), { ...options, from });
      evex(`vcvt${t}${suffix}2u${integer}`, w, (s, i) => toUnsigned(fmt, s.env, s.b[i]!, w, truncate), {
        ...options,
        from,
      });
    }
for (const [suffix, fmt, w] of [
  ['ps', F32, 32],
  ['pd', F64, 64],
] as const)
  for (const [integer, from] of [
    ['dq', 32],
    ['qq', 64],
  ] as const) {
    evex(`vcvt${integer}2${suffix}`, w, (s, i) => fromInt(fmt, s.env, s.b[i]!, from), { ...options, from });
    evex(`vcvtu${integer}2${suffix}`, w, (s, i) => fromInt(fmt, s.env, s.b[i]!, 65), { ...options, from });
  }
evex('vcvtps2pd', 64, (s, i) => convert(F32, F64, s.env, s.b[i]!), { ...options, from: 32 });
evex('vcvtpd2ps', 32, (s, i) => convert(F64, F32, s.env, s.b[i]!), { ...options, from: 64 });
