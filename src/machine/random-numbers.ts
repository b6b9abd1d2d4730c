import { wrap } from '../bits/width.ts';

/** Odd constants of splitmix64 (Steele, Lea and Flood 2014). */
const GOLDEN = 0x9e37_79b9_7f4a_7c15n;
const MIX_1 = 0xbf58_476d_1ce4_e5b9n;
const MIX_2 = 0x94d0_49bb_1331_11ebn;

/** Random number `n` of a seed, 64 bits: the same on every machine, and without a state besides `n`. */
export function randomNumber(seed: number, n: bigint): bigint {
  let z = wrap((BigInt(seed >>> 0) << 32n) + (n + 1n) * GOLDEN, 64);
  z = wrap((z ^ (z >> 30n)) * MIX_1, 64);
  z = wrap((z ^ (z >> 27n)) * MIX_2, 64);
  return z ^ (z >> 31n);
}
