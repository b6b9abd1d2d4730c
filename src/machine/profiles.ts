import { closest } from '../bits/closest.ts';
import { FEATURES_BY_NAME, SYSTEM_FEATURES, withDependents, withRequirements } from './feature-names.ts';

/** Which CPU a machine is: what CPUID offers, and what executes. */
export interface CpuProfile {
  /** As it was asked for: «x86-64-v3», «max,-umip». */
  readonly name: string;
  readonly doc: string;
  /** Features that CPUID reports, by the names of `feature-bits.ts`. */
  readonly reported: ReadonlySet<string>;
  /** What a kernel finds besides (`SYSTEM_FEATURES`). */
  readonly system: ReadonlySet<string>;
  /** Whether an instruction with this feature exists; #UD without. */
  readonly has: (feature: string) => boolean;
}

const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');

/** What every 64-bit CPU has, under the names that older instructions carry. */
const ALWAYS = words(
  'INTEL8086 INTEL186 INTEL286 INTEL386 INTEL486 FPU287 FPU387 X64 CPUID RDPMC PAUSE MULTIBYTENOP FPU TSC MSR CX8 SEP CMOV CLFSH FXSR SSE SSE2 SYSCALL',
);
/** On a CPU without them no-operations, or what they are without their prefix (WBINVD): they are never #UD. */
const HINTS = words('CET_IBT CET_SS CLDEMOTE PREFETCHW PREFETCHWT1 PREFETCHITI MPX WBNOINVD');

/** The default answer: what the engines run best, so that programs choose it. */
const MODEST = words('MMX CMPXCHG16B MOVBE POPCNT FSGSBASE BMI1 BMI2 ADX LAHF_SAHF LZCNT RDTSCP');

/** The levels of the System V ABI for x86-64, each on top of the last; and what an operating system counts on. */
const LEVEL_1 = words('MMX FSGSBASE RDTSCP');
const LEVEL_2 = words('CMPXCHG16B LAHF_SAHF POPCNT SSE3 SSSE3 SSE4_1 SSE4_2');
const LEVEL_3 = words('AVX AVX2 BMI1 BMI2 F16C FMA LZCNT MOVBE XSAVE XSAVEOPT XSAVEC');
const LEVEL_4 = words('AVX512F AVX512BW AVX512CD AVX512DQ AVX512VL');
/** Everything else that is implemented. */
const REST = words(
  'ADX AES AMX_BF16 AMX_COMPLEX AMX_FP16 AMX_INT8 AMX_TILE AVX512_BF16 AVX512_BITALG AVX512_FP16 AVX512_IFMA AVX512_VBMI AVX512_VBMI2 AVX512_VNNI AVX512_VP2INTERSECT AVX512_VPOPCNTDQ AVX_IFMA AVX_NE_CONVERT AVX_VNNI AVX_VNNI_INT16 AVX_VNNI_INT8 CLFLUSHOPT CLWB CMPCCXADD GFNI MOVDIR64B MOVDIRI PCLMULQDQ RAO_INT RDPID RDRAND RDSEED SERIALIZE SHA SHA512 SM3 SM4 SMAP VAES VPCLMULQDQ WAITPKG XSAVES',
);
/** Implemented, but of another vendor's CPUs or of no use without more: only by name, or on a host that has them. */
const BY_NAME = words('SSE4A CLZERO MONITORX PTWRITE MMXEXT PREFETCHW CLDEMOTE WBNOINVD');

/** Instructions of other vendors, which no Intel CPU has. */
const FOREIGN =
  /^(D3NOW|D3NOWEXT|XOP|FMA4|TBM|LWP|SSE4A|CLZERO|MONITORX|MCOMMIT|RDPRU|SVM|SKINIT|SKINIT_or_SVM|SEV_ES|SEV_SNP|INVLPGB|RMPQUERY|OSS|KNC|PADLOCK_.*|CENTAUR_AIS|GEODE|CYRIX_.*)$/;

/** Instructions that CPUs of Intel have for hypervisors, enclaves, transactions, tracing and the like, or had once: none of our CPUs offers them. */
const ABSENT =
  /^(VMX|VMX\+.*|INVEPT|INVVPID|SGX1|SMX|TDX|TSE|KL|AESKLE|WIDE_KL|RTM|HLE_or_RTM|TSXLDTRK|UINTR|ENQCMD|HRESET|PCONFIG|PCOMMIT|UDBG|WRMSRNS|MSRLIST|FRED|LKGS|AVX512ER|AVX512PF|AVX512_4FMAPS|AVX512_4VNNIW)$/;

function exactly(name: CpuName, doc: string, ...levels: readonly (readonly string[])[]): CpuProfile {
  const reported = new Set([...ALWAYS, ...levels.flat()]);
  const others = new Set([...HINTS, ...SYSTEM_FEATURES]);
  const has = (feature: string): boolean => reported.has(feature) || others.has(feature);
  return { name, doc, reported, system: new Set(SYSTEM_FEATURES), has };
}

/** Names for `--cpu`. */
export const CPU_NAMES = ['default', 'x86-64', 'x86-64-v2', 'x86-64-v3', 'x86-64-v4', 'max'] as const;
export type CpuName = (typeof CPU_NAMES)[number];

const PROFILES: Readonly<Record<CpuName, CpuProfile>> = {
  default: {
    name: 'default',
    doc: 'CPUID offers little more than x86-64, but every implemented instruction of user code executes',
    reported: new Set([...ALWAYS, ...MODEST]),
    system: new Set(SYSTEM_FEATURES),
    has: (feature) => !FOREIGN.test(feature) && !ABSENT.test(feature),
  },
  'x86-64': exactly('x86-64', 'the baseline: SSE2', LEVEL_1),
  'x86-64-v2': exactly('x86-64-v2', 'up to SSE4.2 and POPCNT', LEVEL_1, LEVEL_2),
  'x86-64-v3': exactly('x86-64-v3', 'up to AVX2, FMA and BMI2', LEVEL_1, LEVEL_2, LEVEL_3),
  'x86-64-v4': exactly('x86-64-v4', 'up to AVX-512 F, BW, CD, DQ and VL', LEVEL_1, LEVEL_2, LEVEL_3, LEVEL_4),
  max: exactly('max', 'everything that is implemented', LEVEL_1, LEVEL_2, LEVEL_3, LEVEL_4, REST),
};

/** Whether a profile can have the feature, by switches if not by its name. */
export const isImplemented = (feature: string): boolean =>
  PROFILES.max.reported.has(feature) || PROFILES.max.system.has(feature) || BY_NAME.includes(feature);

/** The profile of that name. */
export const profileNamed = (name: CpuName): CpuProfile => PROFILES[name];

const isName = (text: string): text is CpuName => (CPU_NAMES as readonly string[]).includes(text);

/**
 * A profile with features switched, by Linux's names: «x86-64-v3,+pcid,-umip». What a feature cannot be without comes with it, and goes with what it
 * needs.
 *
 * @throws RangeError where a name is none, or the feature is one that every 64-bit CPU has or that is not implemented
 */
export function profileOf(text: string): CpuProfile {
  const [name = '', ...switches] = text.split(',');
  if (!isName(name)) throw new RangeError(`no CPU '${name}'; there are ${CPU_NAMES.join(', ')}`);
  const base = PROFILES[name];
  if (switches.length === 0) return base;
  const known = PROFILES.max;
  const reported = new Set(base.reported);
  const system = new Set(base.system);
  const off = new Set<string>();
  const on = new Set<string>();
  for (const each of switches) {
    const feature = featureIn(each);
    if (each.startsWith('+')) {
      for (const one of withRequirements(feature)) {
        if (!isImplemented(one)) throw new RangeError(`the CPU feature '${each.slice(1)}' is not implemented`);
        off.delete(one);
        on.add(one);
        (known.system.has(one) ? system : reported).add(one);
      }
    } else {
      if (ALWAYS.includes(feature)) throw new RangeError(`every 64-bit CPU has '${each.slice(1)}'`);
      for (const one of withDependents(feature)) {
        on.delete(one);
        off.add(one);
        reported.delete(one);
        system.delete(one);
      }
    }
  }
  const has = (feature: string): boolean =>
    HINTS.includes(feature) || (!off.has(feature) && (on.has(feature) || base.has(feature)));
  return { name: text, doc: `${base.doc}, with ${switches.join(' ')}`, reported, system, has };
}

/** The feature of «+name» or «-name». */
function featureIn(text: string): string {
  const feature = /^[+-]./.test(text)
    ? (FEATURES_BY_NAME.get(text.slice(1)) ?? FEATURES_BY_NAME.get(text.slice(1).replaceAll('-', '_')))
    : undefined;
  if (feature !== undefined) return feature;
  if (!/^[+-]./.test(text)) throw new RangeError(`a CPU feature is switched by +NAME or -NAME, not '${text}'`);
  const near = closest(text.slice(1), [...FEATURES_BY_NAME.keys()]);
  throw new RangeError(
    `no CPU feature '${text.slice(1)}'${near.length > 0 ? `; near it: ${near.join(', ')}` : ''} (names as in /proc/cpuinfo)`,
  );
}
