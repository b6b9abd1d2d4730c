import { roundMagnitude } from './convert.ts';
import { type FloatEnv, IE } from './env.ts';
import { F80 } from './format.ts';
import { roundPack } from './round.ts';
import { FINITE, unpack, ZERO } from './unpack.ts';

const DIGITS = 18;
const LIMIT = 10n ** BigInt(DIGITS);
const SIGN = 1n << 79n;
/** Packed BCD indefinite (SDM 1 4.7). */
export const BCD_INDEFINITE = 0xffff_c000_0000_0000_0000n;

/** Reads 18 packed decimal digits and a sign (FBLD). Nothing is checked: a digit above 9 counts as its value. */
export function fromBcd(env: FloatEnv, packed: bigint): bigint {
  let magnitude = 0n;
  for (let digit = DIGITS - 1; digit >= 0; digit--) magnitude = magnitude * 10n + ((packed >> BigInt(4 * digit)) & 15n);
  const sign = packed & SIGN ? 1 : 0;
  return magnitude === 0n ? (sign ? F80.signBit : 0n) : roundPack(F80, env, sign, 0, magnitude);
}

/** Rounds to an integer and writes it as 18 packed decimal digits and a sign (FBSTP), or the BCD indefinite. */
export function toBcd(env: FloatEnv, bits: bigint): bigint {
  const a = unpack(F80, bits);
  const sign = a.sign ? SIGN : 0n;
  env.roundedUp = false;
  if (a.kind === ZERO) return sign;
  if (a.kind === FINITE && a.exp < 0) {
    const before = env.flags;
    const magnitude = roundMagnitude(env, a);
    if (magnitude < LIMIT) return sign | BigInt(`0x${magnitude}`);
    env.flags = before;
    env.roundedUp = false;
  }
  env.flags |= IE;
  return BCD_INDEFINITE;
}
