import { describe, expect, test } from 'vitest';
import { parseHexBytes } from '../../src/bits/hex.ts';
import { Decoding } from '../../src/machine/decoding.ts';
import { Machine } from '../../src/machine/machine.ts';
import { CPU_NAMES, type CpuName, profileNamed, profileOf } from '../../src/machine/profiles.ts';

/** An instruction of each level, and what a CPU makes of it that lacks it. */
const SAMPLES: readonly [string, feature: string, text: string, without?: string][] = [
  ['66 0f ef c0', 'SSE2', 'pxor'],
  ['66 0f 38 00 c1', 'SSSE3', 'pshufb'],
  ['f3 0f b8 c1', 'POPCNT', 'popcnt'],
  ['f3 0f bc c1', 'BMI1', 'tzcnt', 'bsf'],
  ['f3 0f bd c1', 'LZCNT', 'lzcnt', 'bsr'],
  ['0f 38 f0 01', 'MOVBE', 'movbe'],
  ['c4 e2 f0 f2 c2', 'BMI1', 'andn'],
  ['66 0f 38 dc c1', 'AES', 'aesenc'],
  ['0f c7 f0', 'RDRAND', 'rdrand'],
  ['0f ae 21', 'XSAVE', 'xsave'],
  ['66 0f 79 c1', 'SSE4A', 'extrq'],
  ['0f 01 fc', 'CLZERO', 'clzero'],
  ['66 0f ae f1', 'WAITPKG', 'tpause'],
  ['f3 0f ae e0', 'PTWRITE', 'ptwrite'],
  ['0f 01 d5', 'RTM', 'xend'],
];

describe.each(CPU_NAMES)('%s', (name) => {
  const profile = profileNamed(name);
  const decoding = new Decoding(profile);

  test.each(SAMPLES)('%s (%s)', (bytes, feature, mnemonic, without) => {
    const insn = decoding.decode(parseHexBytes(bytes));
    const expected = profile.has(feature) ? mnemonic : (without ?? 'invalid');
    expect(typeof insn === 'string' ? insn : insn.mnemonic).toBe(expected);
  });

  test.each(SAMPLES)('%s (%s) in 32-bit code', (bytes, feature, mnemonic, without) => {
    const insn = decoding.decodeLegacy(parseHexBytes(bytes.replace('c4 e2 f0', 'c4 e2 70')), 32);
    const expected = profile.has(feature) ? mnemonic : (without ?? 'invalid');
    expect(typeof insn === 'string' ? insn : insn.mnemonic).toBe(expected);
  });

  test('CPUID tells of nothing that does not execute', () => {
    for (const feature of profile.reported) expect(profile.has(feature), feature).toBe(true);
  });

  test('leaf 0Dh goes with XSAVE', () => {
    const machine = new Machine({ memory: 1 << 22, engine: 'interpreter', cpu: name });
    const osxsave = (machine.cpuid(1, 0)[2] >>> 27) & 1;
    const [components, size, most] = machine.cpuid(0x0d, 0);
    expect(osxsave).toBe(profile.reported.has('XSAVE') ? 1 : 0);
    if (osxsave === 0) return expect([components, size, most]).toEqual([0, 0, 0]);
    const avx = profile.reported.has('AVX');
    const avx512 = profile.reported.has('AVX512F');
    const amx = profile.reported.has('AMX_TILE');
    const all = avx512 ? [0xe7, 2688, 2688] : avx ? [7, 832, 832] : [3, 576, 576];
    expect([components, size, most]).toEqual(amx ? [0x600e7, 11008, 11008] : all);
    expect(machine.cpuid(0x0d, 2).slice(0, 2)).toEqual(avx ? [256, 576] : [0, 0]);
  });
});

test('each level has what the one below has', () => {
  const levels: CpuName[] = ['x86-64', 'x86-64-v2', 'x86-64-v3', 'x86-64-v4', 'max'];
  levels.slice(1).forEach((name, i) => {
    for (const feature of profileNamed(levels[i]!).reported) expect(profileNamed(name).reported).toContain(feature);
  });
});

describe('features switched', () => {
  const bit = (cpu: string, leaf: number, register: number, n: number): number =>
    (new Machine({ memory: 1 << 22, engine: 'interpreter', cpu }).cpuid(leaf, 0)[register]! >>> n) & 1;

  test('come with what they need', () => {
    const { reported, has } = profileOf('x86-64,+avx2');
    for (const feature of ['AVX2', 'AVX', 'SSE4_2', 'SSE3', 'XSAVE']) {
      expect(reported, feature).toContain(feature);
      expect(has(feature), feature).toBe(true);
    }
    expect(has('FMA')).toBe(false);
    expect([bit('x86-64,+avx2', 7, 1, 5), bit('x86-64', 7, 1, 5)]).toEqual([1, 0]);
  });

  test('go with what needs them', () => {
    const { reported, has } = profileOf('x86-64-v4,-avx');
    for (const feature of ['AVX', 'AVX2', 'FMA', 'AVX512F', 'AVX512BW']) {
      expect(reported, feature).not.toContain(feature);
      expect(has(feature), feature).toBe(false);
    }
    expect(has('SSE4_2')).toBe(true);
  });

  test('the last word counts', () => {
    expect(profileOf('x86-64,+sha_ni,-sha_ni').has('SHA')).toBe(false);
    expect(profileOf('max,-sha_ni,+sha_ni').has('SHA')).toBe(true);
  });

  test('of other vendors come by name only', () => {
    expect([bit('max', 0x8000_0001, 2, 6), bit('max,+sse4a', 0x8000_0001, 2, 6)]).toEqual([0, 1]);
    expect([bit('max', 0x8000_0008, 1, 0), bit('max,+clzero', 0x8000_0008, 1, 0)]).toEqual([0, 1]);
    expect(profileOf('x86-64,+sse4a').has('SSE4A')).toBe(true);
    expect(profileOf('x86-64,+sse4a').has('SSE3')).toBe(true);
  });

  test('that are hints execute everywhere', () => {
    for (const cpu of ['x86-64', 'max', 'max,+3dnowprefetch,+cldemote', 'max,-cldemote']) {
      const decoding = new Decoding(profileOf(cpu));
      for (const bytes of ['0f 0d 08', '0f 1c 00', 'f3 0f 09'])
        expect(typeof decoding.decode(parseHexBytes(bytes)), `${cpu}: ${bytes}`).toBe('object');
    }
    expect([bit('max', 0x8000_0001, 2, 8), bit('max,+3dnowprefetch', 0x8000_0001, 2, 8)]).toEqual([0, 1]);
  });

  test('PTWRITE is told by the leaf of tracing', () => {
    const leaf = (cpu: string): readonly number[] =>
      new Machine({ memory: 1 << 22, engine: 'interpreter', cpu }).cpuid(0x14, 0);
    expect([leaf('max'), leaf('max,+ptwrite')]).toEqual([
      [0, 0, 0, 0],
      [0, 16, 0, 0],
    ]);
    expect([bit('max', 7, 1, 25), bit('max,+ptwrite', 7, 1, 25)]).toEqual([0, 1]);
  });

  test('a kernel finds them in CPUID and in CR4', () => {
    expect(profileOf('max,-umip').system).not.toContain('UMIP');
    expect(profileOf('x86-64-v3,+pcid,-umip').has('UMIP')).toBe(false);
    expect(profileOf('x86-64-v3').has('INVPCID')).toBe(true);
  });

  test.each([
    ['x86-65', "no CPU 'x86-65'; there are default, x86-64, x86-64-v2, x86-64-v3, x86-64-v4, max"],
    ['max,+umpi', "no CPU feature 'umpi'; near it: umip (names as in /proc/cpuinfo)"],
    ['max,umip', "a CPU feature is switched by +NAME or -NAME, not 'umip'"],
    ['max,-sse2', "every 64-bit CPU has 'sse2'"],
    ['max,+rtm', "the CPU feature 'rtm' is not implemented"],
  ])('%s is refused', (text, message) => {
    expect(() => profileOf(text)).toThrow(new RangeError(message));
  });
});

test('RDRAND is a function of the seed', () => {
  const draw = (seed: number): bigint => {
    const machine = new Machine({ memory: 1 << 22, engine: 'interpreter', seed });
    return machine.context.machine.random(0n);
  };
  expect(draw(1)).toBe(draw(1));
  expect(draw(1)).not.toBe(draw(2));
});
