import { FEATURE_BITS, namedBits } from './feature-bits.ts';

/** Where Linux calls a feature otherwise than iced in small letters (Linux arch/x86/include/asm/cpufeatures.h). */
const LINUX_NAMES: Readonly<Record<string, string>> = {
  SSE3: 'pni',
  CMPXCHG16B: 'cx16',
  LAHF_SAHF: 'lahf_lm',
  LZCNT: 'abm',
  SHA: 'sha_ni',
  CLFSH: 'clflush',
  PREFETCHW: '3dnowprefetch',
  AVX512_IFMA: 'avx512ifma',
  AVX512_VBMI: 'avx512vbmi',
  MONITORX: 'mwaitx',
};

/** What only a kernel sees of a CPU: control bits and what they do (SDM 3A 2.5, 2A CPUID). */
export const SYSTEM_FEATURES = 'PCID INVPCID SMEP SMAP UMIP PKU PKS LA57 LASS LAM X2APIC MONITOR'.split(' ');

/** Features by Linux's names, those of /proc/cpuinfo. */
export const FEATURES_BY_NAME: ReadonlyMap<string, string> = new Map(
  [...FEATURE_BITS.flatMap(([, , , , names]) => [...namedBits(names)].map(([, name]) => name)), ...SYSTEM_FEATURES].map(
    (feature) => [LINUX_NAMES[feature] ?? feature.toLowerCase(), feature],
  ),
);

/** What a feature cannot be without, one step. */
const REQUIRES: Readonly<Record<string, string>> = {
  SSE3: 'SSE2',
  SSSE3: 'SSE3',
  SSE4_1: 'SSSE3',
  SSE4_2: 'SSE4_1',
  AES: 'SSE2',
  PCLMULQDQ: 'SSE2',
  SHA: 'SSE2',
  XSAVEOPT: 'XSAVE',
  XSAVEC: 'XSAVE',
  XSAVES: 'XSAVEC',
  AVX: 'XSAVE SSE4_2',
  AVX2: 'AVX',
  FMA: 'AVX',
  F16C: 'AVX',
  SSE4A: 'SSE3',
  AVX_VNNI: 'AVX2',
  AVX_IFMA: 'AVX2',
  AVX_NE_CONVERT: 'AVX2',
  AVX_VNNI_INT8: 'AVX2',
  AVX_VNNI_INT16: 'AVX2',
  SHA512: 'AVX2',
  SM3: 'AVX',
  SM4: 'AVX2',
  VAES: 'AVX AES',
  VPCLMULQDQ: 'AVX PCLMULQDQ',
  AVX512F: 'AVX2 FMA F16C',
  AVX512_FP16: 'AVX512BW',
  AMX_TILE: 'XSAVEC',
  AMX_INT8: 'AMX_TILE',
  AMX_BF16: 'AMX_TILE',
  AMX_FP16: 'AMX_TILE',
  AMX_COMPLEX: 'AMX_TILE',
};

function requirements(feature: string): string[] {
  const named = REQUIRES[feature]?.split(' ') ?? [];
  return feature.startsWith('AVX512') && feature !== 'AVX512F' ? ['AVX512F', ...named] : named;
}

/** A feature and all that it cannot be without. */
export const withRequirements = (feature: string): string[] => [
  feature,
  ...requirements(feature).flatMap((other) => withRequirements(other)),
];

/** A feature and all that cannot be without it. */
export const withDependents = (feature: string): string[] =>
  [...FEATURES_BY_NAME.values()].filter((other) => withRequirements(other).includes(feature));
