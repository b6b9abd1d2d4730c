import { F32, floatEnv, fma } from '../../bits/softfloat.ts';
import { evex } from './row.ts';

/** Numbers of 16 bits: the upper half of a single. MXCSR is neither read nor written (SDM 2C VDPBF16PS, VCVTNE2PS2BF16). */

/** Nearest even; denormals are zeros. */
export function toBfloat(single: bigint): bigint {
  const exponent = single & F32.infinity;
  if (exponent === 0n) return (single & F32.signBit) >> 16n;
  if (exponent === F32.infinity) return (single >> 16n) | (single & F32.fractionMask ? F32.quietBit >> 16n : 0n);
  return (single + 0x7fffn + ((single >> 16n) & 1n)) >> 16n;
}

const env = floatEnv({ daz: true, ftz: true });
const HIGH = 0xffff_0000n;
const low = (pair: bigint): bigint => (pair << 16n) & HIGH;

evex('vdpbf16ps', 32, (s, i) => {
  const [a, b] = [s.a[i]!, s.b[i]!];
  const odd = fma(F32, env, a & HIGH, b & HIGH, s.d[i]!);
  return fma(F32, env, low(a), low(b), odd);
});
evex('vcvtneps2bf16', 16, (s, i) => toBfloat(s.b[i]!), { from: 32 });
evex(
  'vcvtne2ps2bf16',
  16,
  (s, i) => {
    const half = s.n / 2;
    return toBfloat(i < half ? s.b[i]! : s.a[i - half]!);
  },
  { from: 32, packs: true, whole: true },
);
