import { MAXPHYADDR } from '../memory/paging.ts';

/** Registers of one CPUID leaf: EAX, EBX, ECX, EDX. */
export type CpuidLeaf = readonly [number, number, number, number];

const ascii = (text: string): number =>
  [...text].reduce((word, char, i) => word | (char.charCodeAt(0) << (8 * i)), 0) >>> 0;

/** CPUID.1:ECX: CMPXCHG16B, MOVBE, POPCNT; SSE3 and later are not offered. */
const FEATURES_ECX = (1 << 13) | (1 << 22) | (1 << 23);
/** CPUID.1:EDX: FPU DE PSE TSC MSR PAE CX8 SEP PGE CMOV PAT PSE36 CLFSH FXSR SSE SSE2. */
const FEATURES_EDX = [0, 2, 3, 4, 5, 6, 8, 11, 13, 15, 16, 17, 19, 24, 25, 26].reduce((bits, n) => bits | (1 << n), 0);
/** CPUID.7.0:EBX: FSGSBASE BMI1 FDP_EXCPTN_ONLY BMI2, no FCS and FDS, ADX. */
const LEAF7_EBX = (1 << 0) | (1 << 3) | (1 << 6) | (1 << 8) | (1 << 13) | (1 << 19);
/** CPUID.80000001:ECX LAHF, LZCNT; EDX SYSCALL NX 1G-pages RDTSCP LM. */
const EXTENDED_ECX = (1 << 0) | (1 << 5);
const EXTENDED_EDX = (1 << 11) | (1 << 20) | (1 << 26) | (1 << 27) | (1 << 29);

/** Deterministic cache parameters (leaf 4): a size of zero would break the thresholds of memcpy. */
function cacheLeaf(subleaf: number): CpuidLeaf {
  const cache = (level: number, type: number, ways: number, sets: number): CpuidLeaf => [
    type | (level << 5) | (1 << 8),
    ((ways - 1) << 22) | 63,
    sets - 1,
    0,
  ];
  switch (subleaf) {
    case 0:
      return cache(1, 1, 8, 64);
    case 1:
      return cache(1, 2, 8, 64);
    case 2:
      return cache(2, 3, 16, 1024);
    case 3:
      return cache(3, 3, 16, 8192);
    default:
      return [0, 0, 0, 0];
  }
}

const BRAND = 'swapgs x86-64 virtual CPU'.padEnd(48, '\0');

/** What CPUID answers: x86-64 with SSE2, BMI1, BMI2, ADX, POPCNT and MOVBE; nothing that needs XSAVE (SDM 2A CPUID). */
export function cpuid(leaf: number, subleaf: number): CpuidLeaf {
  switch (leaf >>> 0) {
    case 0:
      return [0x0d, ascii('Genu'), ascii('ntel'), ascii('ineI')];
    case 1:
      // Family 6, model 0x8f, stepping 0; CLFLUSH line of 64 bytes, one logical processor.
      return [0x0008_06f0, (1 << 16) | (8 << 8), FEATURES_ECX, FEATURES_EDX];
    case 2:
      return [0x00ff_ff01, 0, 0, 0];
    case 4:
      return cacheLeaf(subleaf);
    case 7:
      return subleaf === 0 ? [0, LEAF7_EBX, 0, 0] : [0, 0, 0, 0];
    case 0x8000_0000:
      return [0x8000_0008, 0, 0, 0];
    case 0x8000_0001:
      return [0, 0, EXTENDED_ECX, EXTENDED_EDX];
    case 0x8000_0002:
    case 0x8000_0003:
    case 0x8000_0004: {
      const at = ((leaf >>> 0) - 0x8000_0002) * 16;
      const word = (i: number): number => ascii(BRAND.slice(at + 4 * i, at + 4 * i + 4));
      return [word(0), word(1), word(2), word(3)];
    }
    case 0x8000_0006:
      return [0, 0, (1024 << 16) | (6 << 12) | 64, 0];
    case 0x8000_0008:
      return [(48 << 8) | MAXPHYADDR, 0, 0, 0];
    default:
      return [0, 0, 0, 0];
  }
}
