import { beforeEach, describe, expect, test } from 'vitest';
import { Random } from '../../../src/bits/random.ts';
import { ENGINE_NAMES } from '../../../src/exec/engine.ts';
import { stateHash } from '../../../src/machine/state-hash.ts';
import { DATA, READ_ONLY } from '../../../src/oracle/layout.ts';
import { ALWAYS_USABLE, FS_BASE, TILECFG, XFD, XFD_ERR } from '../../../src/state/layout.ts';
import { FLAG } from '../../../src/state/rflags.ts';
import { touchTiles } from '../../../src/state/tiles.ts';
import { AMX, configuration, type Shapes, TileBench } from '../../support/tiles.ts';

const random = new Random(64);
const EDGE = DATA.base + 0x2000n;
const SIXTEEN: Shapes = { 0: [16, 64], 1: [16, 64], 2: [16, 64], 7: [5, 12] };

describe.each(ENGINE_NAMES)('%s', (engine) => {
  const bench = new TileBench(engine);
  const { cpu } = bench;
  beforeEach(() => {
    bench.reset();
    cpu.setU64(XFD, 0n);
    cpu.setU64(XFD_ERR, 0n);
  });
  /** A tile that holds these bytes. */
  const fill = (n: number, bytes = random.bytes(1024)): Uint8Array => {
    bench.put(bytes);
    expect(bench.run(AMX.tileloadd(n))).toBe('');
    return bytes;
  };
  const zeros = new Uint8Array(64);

  describe('LDTILECFG', () => {
    test('is stored back by STTILECFG, and clears all tiles', () => {
      bench.configure(SIXTEEN);
      fill(2);
      const shapes: Shapes = { 0: [1, 4], 2: [16, 64], 6: [3, 63] };
      bench.configure(shapes, 2);
      expect(bench.configured()).toEqual(configuration(shapes, 2));
      expect(bench.tile(2)).toEqual(new Uint8Array(1024));
    });

    test('of palette 0 releases them, whatever else it says', () => {
      bench.configure(SIXTEEN);
      fill(2);
      bench.put(Uint8Array.from({ length: 64 }, (_, i) => (i === 0 ? 0 : 0xff)));
      expect(bench.run(AMX.ldtilecfg)).toBe('');
      expect(bench.configured()).toEqual(zeros);
      expect(bench.run(AMX.tilezero(2))).toBe('#UD');
    });

    const wrong = (at: number, value: number): Uint8Array => {
      const image = configuration(SIXTEEN);
      image[at] = value;
      return image;
    };
    test.each([
      ['palette 2', wrong(0, 2)],
      ['reserved bytes', wrong(2, 1)],
      ['reserved bytes up to 15', wrong(15, 0x80)],
      ['more columns than a row has', wrong(16, 65)],
      ['columns of 256 bytes', wrong(17, 1)],
      ['more rows than a tile has', wrong(48, 17)],
      ['columns without rows', wrong(18 + 4, 4)],
      ['rows without columns', wrong(48 + 3, 1)],
      ['a ninth tile by its columns', wrong(32, 4)],
      ['a ninth tile by its rows', wrong(56, 1)],
      ['a sixteenth tile', wrong(63, 1)],
    ])('of %s is #GP, and nothing changes', (_, image) => {
      bench.configure(SIXTEEN);
      const held = fill(1);
      bench.put(image);
      expect(bench.run(AMX.ldtilecfg)).toBe('#GP');
      expect(bench.configured()).toEqual(configuration(SIXTEEN));
      expect(bench.tile(1)).toEqual(held);
    });

    test('reads all 64 bytes before it does anything', () => {
      bench.configure(SIXTEEN);
      expect(bench.run(AMX.ldtilecfg, EDGE - 63n)).toBe(`#PF ${EDGE.toString(16)}`);
      expect(bench.run(AMX.ldtilecfg, 1n << 63n)).toBe('#GP');
      expect(bench.configured()).toEqual(configuration(SIXTEEN));
    });

    test('needs no alignment; STTILECFG writes all or nothing', () => {
      bench.put(configuration(SIXTEEN, 3), DATA.base + 0xfd1n);
      expect(bench.run(AMX.ldtilecfg, DATA.base + 0xfd1n)).toBe('');
      expect(bench.configured()).toEqual(configuration(SIXTEEN, 3));
      bench.put(zeros, EDGE - 64n);
      expect(bench.run(AMX.sttilecfg, EDGE - 63n)).toBe(`#PF ${EDGE.toString(16)} w`);
      expect(bench.run(AMX.sttilecfg, READ_ONLY.base)).toMatch(/^#PF .* w$/);
      expect(bench.bytes(64, EDGE - 64n)).toEqual(zeros);
    });
  });

  describe('rows', () => {
    test.each([0, 1, 2, 3])('lie a stride apart, scale %i', (scale) => {
      bench.configure(SIXTEEN);
      const memory = random.bytes(0x2000);
      bench.put(memory);
      const stride = 41n;
      for (const load of [AMX.tileloadd, AMX.tileloaddt1]) {
        expect(bench.run(load(7, scale), DATA.base + 9n, stride)).toBe('');
        for (let row = 0; row < 16; row++) {
          const at = 9 + row * (41 << scale);
          const wanted = row < 5 ? [...memory.slice(at, at + 12), ...zeros.slice(12)] : [...zeros];
          expect([...bench.tile(7).slice(64 * row, 64 * row + 64)]).toEqual(wanted);
        }
      }
      expect(bench.run(AMX.tilestored(7, scale), DATA.base + 0x101n, stride)).toBe('');
      for (let row = 0; row < 5; row++) {
        const at = 0x101 + row * (41 << scale);
        memory.set(bench.tile(7).slice(64 * row, 64 * row + 12), at);
      }
      expect(bench.bytes(0x2000)).toEqual(memory);
    });

    test('go downwards with a negative stride', () => {
      bench.configure({ 0: [16, 64] });
      const memory = random.bytes(1024);
      bench.put(memory);
      expect(bench.run(AMX.tileloadd(0), DATA.base + 960n, -64n)).toBe('');
      expect(bench.tile(0).slice(0, 64)).toEqual(memory.slice(960));
      expect(bench.tile(0).slice(960)).toEqual(memory.slice(0, 64));
    });

    test('have addresses of 32 bits with a prefix, before the segment base', () => {
      bench.configure({ 0: [2, 8] });
      const memory = random.bytes(256);
      bench.put(memory);
      expect(bench.run([0x67, ...AMX.tileloadd(0)], DATA.base + 0xffff_0000_0000_0000n, 0xff_0000_0010n)).toBe('');
      expect(bench.tile(0).slice(64, 72)).toEqual(memory.slice(16, 24));
      cpu.setU64(FS_BASE, DATA.base);
      expect(bench.run([0x64, 0x67, ...AMX.tileloadd(0)], 0xffff_fff8n, 16n)).toBe('#PF 10ffffff8');
      expect(bench.run([0x64, ...AMX.tileloadd(0)], 5n, 16n)).toBe('');
      expect(bench.tile(0).slice(64, 72)).toEqual(memory.slice(21, 29));
    });

    test.each([4, 8, 12, 64])('of %i bytes need no alignment, whatever AC says', (bytes) => {
      bench.configure({ 0: [3, bytes] });
      const memory = random.bytes(0x300);
      bench.put(memory);
      cpu.rflags |= FLAG.AC;
      const ended = [bench.run(AMX.tileloadd(0), DATA.base + 3n, 69n)];
      ended.push(bench.run(AMX.tilestored(0), DATA.base + 0x401n, 69n));
      cpu.rflags &= ~FLAG.AC;
      expect(ended).toEqual(['', '']);
      for (const row of [0, 1, 2]) {
        const stored = bench.bytes(bytes, DATA.base + 0x401n + BigInt(69 * row));
        expect(stored).toEqual(memory.slice(3 + 69 * row, 3 + 69 * row + bytes));
      }
    });

    test('of a base in the stack segment are #SS where they are no addresses', () => {
      bench.configure({ 0: [2, 8] });
      // TILELOADD TMM0, [RSP + RSI]
      expect(bench.run([0xc4, 0xe2, 0x7b, 0x4b, 0x04, 0x34], DATA.base, 1n << 62n)).toMatch(/^#PF/);
      cpu.setGpr(4, 1n << 62n);
      expect(bench.run([0xc4, 0xe2, 0x7b, 0x4b, 0x04, 0x34])).toBe('#SS');
      expect(bench.run(AMX.tileloadd(0), 1n << 62n)).toBe('#GP');
    });

    test('that fault leave those above, and the load goes on with the one it stopped at', () => {
      bench.configure(SIXTEEN);
      fill(0);
      const memory = random.bytes(1024);
      const from = EDGE - 3n * 100n - 32n;
      bench.put(memory.slice(0, 332), from);
      expect(bench.run(AMX.tileloadd(0), from, 100n)).toBe(`#PF ${EDGE.toString(16)}`);
      expect(bench.configured()[1]).toBe(3);
      const rows = (n: number): number[] => [...bench.tile(0).slice(64 * n, 64 * n + 64)];
      for (let n = 0; n < 3; n++) expect(rows(n)).toEqual([...memory.slice(100 * n, 100 * n + 64)]);
      expect(bench.tile(0).slice(192)).toEqual(new Uint8Array(832));
      // With memory there, only the others are read.
      bench.put(memory.slice(0, 1024));
      expect(bench.run(AMX.tileloadd(0), DATA.base - 300n, 100n)).toBe('');
      expect(rows(2)).toEqual([...memory.slice(200, 264)]);
      for (let n = 3; n < 12; n++) expect(rows(n)).toEqual([...memory.slice(100 * n - 300, 100 * n - 236)]);
      expect(bench.configured()[1]).toBe(0);
    });

    test('that cannot be written are not written in part', () => {
      bench.configure(SIXTEEN);
      const held = fill(0, new Uint8Array(1024).fill(0xaa));
      const from = EDGE - 2n * 64n - 63n;
      bench.put(zeros, EDGE - 64n);
      expect(bench.run(AMX.tilestored(0), from)).toBe(`#PF ${EDGE.toString(16)} w`);
      expect(bench.configured()[1]).toBe(2);
      // The 65th byte from the end belongs to the second row, which is there.
      expect([...bench.bytes(64, EDGE - 64n)]).toEqual([0xaa, ...new Uint8Array(63)]);
      expect(bench.run(AMX.tilestored(0), DATA.base - 128n)).toBe('');
      expect(bench.bytes(896)).toEqual(held.slice(128));
      expect(bench.configured()[1]).toBe(0);
    });

    test.each([
      ['columns that are no words', { 0: [4, 6] }, 0],
      ['a tile that is not configured', { 1: [4, 8] }, 0],
      ['a row to begin with that the tile has not', { 0: [4, 8] }, 4],
    ] as const)('of %s are #UD', (_, shapes, start) => {
      bench.configure(shapes as unknown as Shapes, start);
      for (const make of [AMX.tileloadd, AMX.tileloaddt1, AMX.tilestored]) expect(bench.run(make(0))).toBe('#UD');
    });
  });

  test('TILEZERO clears one tile and the row to begin with', () => {
    bench.configure(SIXTEEN);
    const held = fill(0);
    fill(1);
    bench.run(AMX.tileloadd(2), EDGE - 64n);
    expect(bench.configured()[1]).toBe(1);
    expect(bench.run(AMX.tilezero(1))).toBe('');
    expect([bench.tile(1), bench.tile(0)]).toEqual([new Uint8Array(1024), held]);
    expect(bench.configured()[1]).toBe(0);
  });

  test('TILERELEASE leaves a CPU as if it had none', () => {
    const before = stateHash(bench.sandbox.machine);
    bench.configure(SIXTEEN);
    fill(0);
    expect(bench.run(AMX.tilerelease)).toBe('');
    expect(bench.configured()).toEqual(zeros);
    const hash = stateHash(bench.sandbox.machine);
    bench.reset();
    expect(stateHash(bench.sandbox.machine)).toBe(before);
    expect(hash).not.toBe('');
  });

  const EACH: readonly [string, readonly number[]][] = [
    ['ldtilecfg', AMX.ldtilecfg],
    ['sttilecfg', AMX.sttilecfg],
    ['tilerelease', AMX.tilerelease],
    ['tilezero', AMX.tilezero(0)],
    ['tileloadd', AMX.tileloadd(0)],
    ['tileloaddt1', AMX.tileloaddt1(0)],
    ['tilestored', AMX.tilestored(0)],
    ['tdpbssd', AMX.tdpbssd(0, 1, 2)],
    ['tdpbf16ps', AMX.tdpbf16ps(0, 1, 2)],
    ['tdpfp16ps', AMX.tdpfp16ps(0, 1, 2)],
    ['tcmmrlfp16ps', AMX.tcmmrlfp16ps(0, 1, 2)],
  ];

  test.each(EACH)('%s is #UD where the system has not enabled tiles', (_, code) => {
    bench.configure(SIXTEEN);
    const usable = cpu.view.getUint32(ALWAYS_USABLE, true);
    for (const missing of [1 << 17, 1 << 18]) {
      cpu.view.setUint32(ALWAYS_USABLE, usable & ~missing, true);
      cpu.settleUsable();
      const ended = bench.run(code);
      cpu.view.setUint32(ALWAYS_USABLE, usable, true);
      cpu.settleUsable();
      expect(ended).toBe('#UD');
    }
  });

  test.each(EACH)('%s and IA32_XFD', (name, code) => {
    bench.configure(SIXTEEN);
    cpu.setU64(XFD, 1n << 18n);
    const ended = bench.run(code);
    const free = name === 'sttilecfg' || name === 'tilerelease';
    expect([ended, cpu.u64(XFD_ERR)]).toEqual(free ? ['', 0n] : ['#NM', 1n << 18n]);
  });

  test.each(EACH.slice(3))('%s without a configuration is #UD, whatever IA32_XFD says', (_, code) => {
    expect(bench.run(code)).toBe('#UD');
    cpu.setU64(XFD, 1n << 18n);
    expect(bench.run(code)).toBe('#UD');
  });
});

test('tiles belong to what a state hash sees', () => {
  const bench = new TileBench('interpreter');
  const hashes = new Set<string>();
  const note = (): void => void hashes.add(stateHash(bench.sandbox.machine));
  note();
  bench.cpu.u8[TILECFG] = 1;
  note();
  bench.cpu.setU64(XFD, 1n << 18n);
  note();
  bench.configure({ 0: [1, 4] });
  note();
  bench.tile(0)[5] = 1;
  touchTiles(bench.cpu);
  note();
  expect(hashes.size).toBe(5);
});
