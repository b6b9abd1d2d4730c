/** CPUID bits by name: the one table that profiles answer from and that the host CPU is read with. */

export type CpuidRegister = 'eax' | 'ebx' | 'ecx' | 'edx';

/** State components that the operating system must have enabled in XCR0 for a feature (SDM 1 13.3). */
const SSE_STATE = 0b010;
const AVX_STATE = 0b110;
const AVX512_STATE = 0b1110_0110;
const AMX_STATE = 0b11 << 17;

type FeatureRow = readonly [leaf: number, subleaf: number, register: CpuidRegister, xcr0: number, names: string];

/** `names` is «bit name bit name …»; the names are those of iced's `CpuidFeature`, and LAHF_SAHF and MMXEXT, which it does not name. */
// biome-ignore format: one row per register, in the manual's order of bits
export const FEATURE_BITS: readonly FeatureRow[] = [
  [1, 0, 'edx', 0, '0 FPU 4 TSC 5 MSR 8 CX8 11 SEP 15 CMOV 19 CLFSH 23 MMX 24 FXSR 25 SSE 26 SSE2'],
  [1, 0, 'ecx', 0, '0 SSE3 1 PCLMULQDQ 3 MONITOR 9 SSSE3 13 CMPXCHG16B 19 SSE4_1 20 SSE4_2 22 MOVBE 23 POPCNT 25 AES 26 XSAVE 30 RDRAND'],
  [1, 0, 'ecx', AVX_STATE, '12 FMA 28 AVX 29 F16C'],
  [7, 0, 'ebx', 0, '0 FSGSBASE 3 BMI1 8 BMI2 10 INVPCID 11 RTM 18 RDSEED 19 ADX 20 SMAP 23 CLFLUSHOPT 24 CLWB 29 SHA'],
  [7, 0, 'ebx', AVX_STATE, '5 AVX2'],
  [7, 0, 'ebx', AVX512_STATE, '16 AVX512F 17 AVX512DQ 21 AVX512_IFMA 26 AVX512PF 27 AVX512ER 28 AVX512CD 30 AVX512BW 31 AVX512VL'],
  [7, 0, 'ecx', 0, '3 PKU 5 WAITPKG 8 GFNI 22 RDPID 23 KL 25 CLDEMOTE 27 MOVDIRI 28 MOVDIR64B 29 ENQCMD'],
  [7, 0, 'ecx', AVX_STATE, '9 VAES 10 VPCLMULQDQ'],
  [7, 0, 'ecx', AVX512_STATE, '1 AVX512_VBMI 6 AVX512_VBMI2 11 AVX512_VNNI 12 AVX512_BITALG 14 AVX512_VPOPCNTDQ'],
  [7, 0, 'edx', 0, '5 UINTR 14 SERIALIZE'],
  [7, 0, 'edx', AVX512_STATE, '2 AVX512_4VNNIW 3 AVX512_4FMAPS 8 AVX512_VP2INTERSECT 23 AVX512_FP16'],
  [7, 0, 'edx', AMX_STATE, '22 AMX_BF16 24 AMX_TILE 25 AMX_INT8'],
  [7, 1, 'eax', AMX_STATE, '21 AMX_FP16'],
  [7, 1, 'edx', AMX_STATE, '8 AMX_COMPLEX'],
  [7, 1, 'eax', 0, '3 RAO_INT 7 CMPCCXADD'],
  [7, 1, 'edx', AVX_STATE, '4 AVX_VNNI_INT8 5 AVX_NE_CONVERT 10 AVX_VNNI_INT16'],
  [7, 1, 'eax', AVX_STATE, '0 SHA512 1 SM3 2 SM4 4 AVX_VNNI 23 AVX_IFMA'],
  [7, 1, 'eax', AVX512_STATE, '5 AVX512_BF16'],
  [0x0d, 1, 'eax', SSE_STATE, '0 XSAVEOPT 1 XSAVEC 3 XSAVES'],
  [0x14, 0, 'ebx', 0, '4 PTWRITE'],
  [0x8000_0001, 0, 'ecx', 0, '0 LAHF_SAHF 5 LZCNT 6 SSE4A 8 PREFETCHW 21 TBM 29 MONITORX'],
  [0x8000_0001, 0, 'ecx', AVX_STATE, '11 XOP 16 FMA4'],
  [0x8000_0001, 0, 'edx', 0, '11 SYSCALL 22 MMXEXT 27 RDTSCP 30 D3NOWEXT 31 D3NOW'],
  [0x8000_0008, 0, 'ebx', 0, '0 CLZERO 4 RDPRU 9 WBNOINVD'],
];

/** Every feature of a row with its bit. */
export function* namedBits(names: string): Generator<readonly [bit: number, name: string]> {
  const words = names.split(' ');
  for (let i = 0; i < words.length; i += 2) yield [Number(words[i]), words[i + 1]!];
}
