import { MAXPHYADDR } from '../memory/paging.ts';
import { TILE_BYTES, TILE_DATA_BYTES } from '../state/layout.ts';
import { PALETTE } from '../state/tiles.ts';
import { COMPONENTS, compactedLayout, STATE_BIT, standardSize } from '../state/xsave.ts';
import { type CpuidRegister, FEATURE_BITS, namedBits } from './feature-bits.ts';
import type { CpuProfile } from './profiles.ts';

/** Registers of one CPUID leaf: EAX, EBX, ECX, EDX. */
export type CpuidLeaf = readonly [number, number, number, number];

const ascii = (text: string): number =>
  [...text].reduce((word, char, i) => word | (char.charCodeAt(0) << (8 * i)), 0) >>> 0;

/** Bits that say what the machine is like, whatever its profile: CPUID.1:EDX DE PSE PAE PGE PAT PSE36. */
const PLATFORM_EDX = [2, 3, 6, 13, 16, 17].reduce((bits, n) => bits | (1 << n), 0);
/** CPUID.7.0:EBX: FDP_EXCPTN_ONLY, and no FCS and FDS. */
const PLATFORM_LEAF7_EBX = (1 << 6) | (1 << 13);
/** CPUID.7.0:EBX: there is a leaf about tracing. */
const PROCESSOR_TRACE = 1 << 25;
/** CPUID.80000001:EDX: NX, 1G pages, LM. */
const PLATFORM_EXTENDED_EDX = (1 << 20) | (1 << 26) | (1 << 29);
const OSXSAVE = 27;
/** CPUID.0D.1:EAX: XGETBV with ECX = 1. */
const XGETBV_1 = 1 << 2;
/** CPUID.0D.1:EAX: IA32_XFD. */
const FEATURE_DISABLE = 1 << 4;
/** CPUID.0D.n:ECX: the component begins at a multiple of 64 in the compacted format; IA32_XFD can switch it off. */
const ALIGNED = 2;
const CAN_BE_OFF = 4;

/** The bits of one register that a profile's features set. */
function featureBits({ reported }: CpuProfile, leaf: number, subleaf: number, register: CpuidRegister): number {
  let bits = 0;
  for (const [l, s, r, , names] of FEATURE_BITS) {
    if (l !== leaf || s !== subleaf || r !== register) continue;
    for (const [bit, name] of namedBits(names)) if (reported.has(name)) bits |= 1 << bit;
  }
  return bits;
}

/** What CPUID tells that changes while a machine runs. */
export interface CpuidState {
  /** CR4.OSXSAVE. */
  readonly osxsave: boolean;
  readonly xcr0: bigint;
}

/** State components that a profile's XCR0 can enable. */
export function stateComponents({ reported }: CpuProfile): bigint {
  return (
    STATE_BIT.x87 |
    STATE_BIT.sse |
    (reported.has('AVX') ? STATE_BIT.avx : 0n) |
    (reported.has('AVX512F') ? STATE_BIT.avx512 : 0n) |
    (reported.has('AMX_TILE') ? STATE_BIT.amx : 0n)
  );
}

/** Leaf 0Dh: the state components, and the areas that XSAVE and its kin take for them (SDM 1 13.2). */
function xsaveLeaf(profile: CpuProfile, subleaf: number, xcr0: bigint): CpuidLeaf {
  if (!profile.reported.has('XSAVE')) return [0, 0, 0, 0];
  const known = stateComponents(profile);
  if (subleaf === 0) return [Number(known), standardSize(xcr0), standardSize(known), 0];
  if (subleaf === 1) {
    const disable = profile.reported.has('AMX_TILE') ? FEATURE_DISABLE : 0;
    return [featureBits(profile, 0x0d, 1, 'eax') | XGETBV_1 | disable, compactedLayout(xcr0).size, 0, 0];
  }
  const component = COMPONENTS.find(({ number }) => number === subleaf);
  if (component === undefined || !((known >> BigInt(subleaf)) & 1n)) return [0, 0, 0, 0];
  const { size, offset, aligned, canBeOff } = component;
  return [size, offset, (aligned ? ALIGNED : 0) | (canBeOff ? CAN_BE_OFF : 0), 0];
}

/** Leaf 1Dh: the palettes of tiles. */
function paletteLeaf({ reported }: CpuProfile, subleaf: number): CpuidLeaf {
  if (!reported.has('AMX_TILE') || subleaf > PALETTE.number) return [0, 0, 0, 0];
  if (subleaf === 0) return [PALETTE.number, 0, 0, 0];
  return [TILE_DATA_BYTES | (TILE_BYTES << 16), PALETTE.bytesPerRow | (PALETTE.tiles << 16), PALETTE.rows, 0];
}

/** Leaf 1Eh: the largest K, and the bytes of the largest N, of a product of tiles. */
const productLeaf = ({ reported }: CpuProfile, subleaf: number): CpuidLeaf =>
  reported.has('AMX_TILE') && subleaf === 0 ? [0, PALETTE.rows | (PALETTE.bytesPerRow << 8), 0, 0] : [0, 0, 0, 0];

/** The largest leaf. */
const maxLeaf = ({ reported }: CpuProfile): number =>
  reported.has('AMX_TILE') ? 0x1e : reported.has('PTWRITE') ? 0x14 : 0x0d;

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

/** CPUID.1:ECX, of which OSXSAVE follows CR4. */
function leaf1Ecx(profile: CpuProfile, { osxsave }: CpuidState): number {
  const bits = featureBits(profile, 1, 0, 'ecx');
  return osxsave && profile.reported.has('XSAVE') ? bits | (1 << OSXSAVE) : bits;
}

const BRAND = 'swapgs x86-64 virtual CPU'.padEnd(48, '\0');

/** What CPUID answers on a CPU of this profile (SDM 2A CPUID). */
export function cpuid(profile: CpuProfile, leaf: number, subleaf: number, state: CpuidState): CpuidLeaf {
  const bits = (register: CpuidRegister, fixed = 0): number =>
    fixed | featureBits(profile, leaf >>> 0, subleaf, register);
  switch (leaf >>> 0) {
    case 0:
      return [maxLeaf(profile), ascii('Genu'), ascii('ntel'), ascii('ineI')];
    case 1:
      // Family 6, model 0x8f, stepping 0; CLFLUSH line of 64 bytes, one logical processor.
      return [
        0x0008_06f0,
        (1 << 16) | (8 << 8),
        leaf1Ecx(profile, state),
        featureBits(profile, 1, 0, 'edx') | PLATFORM_EDX,
      ];
    case 2:
      return [0x00ff_ff01, 0, 0, 0];
    case 4:
      return cacheLeaf(subleaf);
    case 7:
      if (subleaf > 0) return [bits('eax'), 0, 0, bits('edx')];
      return [
        featureBits(profile, 7, 1, 'eax') || featureBits(profile, 7, 1, 'edx') ? 1 : 0,
        bits('ebx', PLATFORM_LEAF7_EBX | (profile.reported.has('PTWRITE') ? PROCESSOR_TRACE : 0)),
        bits('ecx'),
        bits('edx'),
      ];
    case 0x0d:
      return xsaveLeaf(profile, subleaf, state.xcr0);
    case 0x14:
      // Of tracing there is what a program sees: PTWRITE.
      return [0, bits('ebx'), 0, 0];
    case 0x1d:
      return paletteLeaf(profile, subleaf);
    case 0x1e:
      return productLeaf(profile, subleaf);
    case 0x8000_0000:
      return [0x8000_0008, 0, 0, 0];
    case 0x8000_0001:
      return [
        0,
        0,
        featureBits(profile, 0x8000_0001, 0, 'ecx'),
        featureBits(profile, 0x8000_0001, 0, 'edx') | PLATFORM_EXTENDED_EDX,
      ];
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
      return [(48 << 8) | MAXPHYADDR, bits('ebx'), 0, 0];
    default:
      return [0, 0, 0, 0];
  }
}
