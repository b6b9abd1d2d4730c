import { roundMagnitude } from '../../bits/float/convert.ts';
import { INFINITY, unpack, ZERO } from '../../bits/float/unpack.ts';
import { convert, F32, F64, type FloatEnv, type FloatFormat, fromInt, IE, toInt } from '../../bits/softfloat.ts';
import { FORMATS } from './formats.ts';
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

const INTEGERS = [
  ['w', 16],
  ['dq', 32],
  ['qq', 64],
] as const;
for (const [letter, fmt, from, common] of FORMATS) {
  const suffix = `p${letter}`;
  const options = { ...common, float: true } as const;
  for (const [integer, w] of INTEGERS) {
    // Only halves go with words.
    if (w === 16 && from !== 16) continue;
    for (const truncate of [false, true]) {
      const t = truncate ? 't' : '';
      evex(`vcvt${t}${suffix}2${integer}`, w, (s, i) => toInt(fmt, s.env, s.b[i]!, w, truncate), { ...options, from });
      evex(`vcvt${t}${suffix}2u${integer}`, w, (s, i) => toUnsigned(fmt, s.env, s.b[i]!, w, truncate), {
        ...options,
        from,
      });
    }
    const back = { ...options, from: w };
    evex(`vcvt${integer}2${suffix}`, from, (s, i) => fromInt(fmt, s.env, s.b[i]!, w), back);
    evex(`vcvtu${integer}2${suffix}`, from, (s, i) => fromInt(fmt, s.env, s.b[i]!, 65), back);
  }
}
const options = { float: true } as const;
evex('vcvtps2pd', 64, (s, i) => convert(F32, F64, s.env, s.b[i]!), { ...options, from: 32 });
evex('vcvtpd2ps', 32, (s, i) => convert(F64, F32, s.env, s.b[i]!), { ...options, from: 64 });
