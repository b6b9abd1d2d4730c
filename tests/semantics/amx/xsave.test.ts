import { describe, expect, test } from 'vitest';
import { parseHexBytes } from '../../../src/bits/hex.ts';
import { Random } from '../../../src/bits/random.ts';
import { ENGINE_NAMES } from '../../../src/exec/engine.ts';
import { Machine } from '../../../src/machine/machine.ts';
import { TILES, XCR0, XFD, XFD_ERR } from '../../../src/state/layout.ts';
import {
  clearTiles,
  setTileConfiguration,
  setTileData,
  tileConfiguration,
  tileData,
} from '../../../src/state/tiles.ts';
import { exitText, TestSpace } from '../../support/space.ts';
import { configuration } from '../../support/tiles.ts';

const CODE = 0x40_0000n;
const AREA = 0x50_0000n;
const AREA_BYTES = 11_008;
const CFG = { number: 1n << 17n, at: 2752 };
const DATA = { number: 1n << 18n, at: 2816 };
const BOTH = CFG.number | DATA.number;
const ALL = BOTH | 0xe7n;
const INT3 = 0xcc;
const SHAPES = configuration({ 0: [16, 64], 3: [2, 8] });

const INSN = {
  xsave: '0f ae 27',
  xsaveopt: '0f ae 37',
  xsavec: '0f c7 27',
  xsaves: '0f c7 2f',
  xrstor: '0f ae 2f',
  xrstors: '0f c7 1f',
  xgetbv: '0f 01 d0',
  xsetbv: '0f 01 d1',
  rdmsr: '0f 32',
  wrmsr: '0f 30',
} as const;

/** A CPU of a name at CPL 0 with an area for XSAVE. */
class Bench {
  readonly space: TestSpace;

  constructor(engine: (typeof ENGINE_NAMES)[number], cpu = 'max') {
    this.space = new TestSpace(engine, { cpu });
    this.space.map(CODE);
    for (let page = 0n; page < 3n; page++) this.space.map(AREA + 0x1000n * page);
    this.space.machine.setPrivilege(0);
  }

  get cpu() {
    return this.space.cpu;
  }

  /** Runs an instruction on the area with EDX:EAX and ECX; what ended it, '' behind it. */
  run(name: keyof typeof INSN, value: bigint, rcx = 0n): string {
    const { cpu, space } = this;
    space.write(CODE, Uint8Array.of(...parseHexBytes(INSN[name]), INT3));
    cpu.setGpr(0, value & 0xffff_ffffn);
    cpu.setGpr(2, value >> 32n);
    cpu.setGpr(1, rcx);
    cpu.setGpr(7, AREA);
    const ended = exitText(space.run(CODE));
    return ended === '#BP' ? '' : ended;
  }

  /** EDX:EAX. */
  get result(): bigint {
    return (this.cpu.gpr(2) << 32n) | this.cpu.gpr(0);
  }
  get area(): Uint8Array {
    return this.space.bytes(AREA, AREA_BYTES);
  }
  set area(bytes: Uint8Array) {
    this.space.write(AREA, bytes);
  }
  word(at: number): bigint {
    return new DataView(this.area.buffer).getBigUint64(at, true);
  }

  tiles(bytes: Uint8Array | null): void {
    setTileConfiguration(this.cpu, SHAPES);
    setTileData(this.cpu, bytes);
  }
}

const random = new Random(17);
const tiles = random.bytes(8192);

describe.each(ENGINE_NAMES)('%s', (engine) => {
  test('the standard format has TILECFG and tile data behind everything else', () => {
    const b = new Bench(engine);
    b.tiles(tiles);
    expect(b.run('xsave', ALL)).toBe('');
    expect(b.word(512) & BOTH).toBe(BOTH);
    expect([b.area.slice(CFG.at, DATA.at), b.area.slice(DATA.at)]).toEqual([SHAPES, tiles]);
    b.tiles(null);
    setTileConfiguration(b.cpu, new Uint8Array(64));
    expect(b.run('xrstor', ALL)).toBe('');
    expect([tileConfiguration(b.cpu), tileData(b.cpu)]).toEqual([SHAPES, tiles]);
  });

  test('initial components are initial behind an area without them', () => {
    const b = new Bench(engine);
    b.tiles(tiles);
    expect(b.run('xrstor', ALL)).toBe('');
    expect([tileConfiguration(b.cpu), tileData(b.cpu)]).toEqual([new Uint8Array(64), null]);
    // Zeros count as initial, and are written by XSAVE only.
    b.tiles(new Uint8Array(8192));
    b.area = new Uint8Array(AREA_BYTES).fill(0x55, DATA.at);
    expect(b.run('xsaveopt', BOTH)).toBe('');
    expect([b.word(512) & BOTH, b.area.at(-1)]).toEqual([CFG.number, 0x55]);
    expect(b.run('xsave', BOTH)).toBe('');
    expect([b.word(512) & BOTH, b.area.at(-1)]).toEqual([CFG.number, 0]);
  });

  test.each([
    ['xsavec', ALL, 2432],
    ['xsaves', ALL, 2432],
    ['xsavec', BOTH, 576],
    ['xsaves', BOTH | 4n, 832],
  ] as const)('%s of %i begins each at a multiple of 64', (name, mask, at) => {
    const b = new Bench(engine);
    b.tiles(tiles);
    expect(b.run(name, mask)).toBe('');
    expect(b.word(520)).toBe(mask | (1n << 63n));
    expect([b.area.slice(at, at + 64), b.area.slice(at + 64, at + 64 + 8192)]).toEqual([SHAPES, tiles]);
    clearTiles(b.cpu);
    expect(b.run(name === 'xsaves' ? 'xrstors' : 'xrstor', DATA.number)).toBe('');
    expect(tileData(b.cpu)).toEqual(tiles);
  });

  test('what LDTILECFG refuses is not loaded', () => {
    const b = new Bench(engine);
    b.tiles(tiles);
    b.run('xsave', ALL);
    const area = b.area;
    area[CFG.at + 48] = 17;
    b.area = area;
    expect(b.run('xrstor', ALL)).toBe('');
    expect([tileConfiguration(b.cpu), tileData(b.cpu)]).toEqual([new Uint8Array(64), tiles]);
  });

  test('IA32_XFD keeps tile data from being loaded, and from being saved', () => {
    const b = new Bench(engine);
    b.tiles(tiles);
    b.run('xsave', ALL);
    expect(b.run('wrmsr', DATA.number, 0x1c4n)).toBe('');
    expect(b.run('xrstor', CFG.number | 0xe7n)).toBe('');
    expect(b.cpu.u64(XFD_ERR)).toBe(0n);
    expect(b.run('xrstor', ALL)).toBe('#NM');
    expect(b.run('rdmsr', 0n, 0x1c5n)).toBe('');
    expect(b.result).toBe(DATA.number);
    // Saved as if it were initial; what makes it initial may be loaded.
    expect(b.run('xsave', ALL)).toBe('');
    expect([b.word(512) & BOTH, b.area.slice(DATA.at)]).toEqual([CFG.number, new Uint8Array(8192)]);
    expect(b.run('xgetbv', 0n, 1n)).toBe('');
    expect(b.result & BOTH).toBe(BOTH);
    expect(b.run('xrstor', ALL)).toBe('');
    expect(tileData(b.cpu)).toBe(null);
  });

  test('XSETBV takes both or neither', () => {
    const b = new Bench(engine);
    for (const [value, ended] of [
      [3n | BOTH, ''],
      [1n | BOTH, ''],
      [3n | CFG.number, '#GP(0)'],
      [3n | DATA.number, '#GP(0)'],
      [BOTH, '#GP(0)'],
      [3n, ''],
    ] as const) {
      expect(b.run('xsetbv', value)).toBe(ended);
      if (ended === '') expect(b.cpu.u64(XCR0)).toBe(value);
    }
    const lacking = new Bench(engine, 'x86-64-v4');
    expect(lacking.run('xsetbv', 3n | BOTH)).toBe('#GP(0)');
  });

  test('IA32_XFD and IA32_XFD_ERR have the bits of what can be switched off', () => {
    const b = new Bench(engine);
    for (const [number, at] of [
      [0x1c4n, XFD],
      [0x1c5n, XFD_ERR],
    ] as const) {
      expect(b.run('wrmsr', DATA.number, number)).toBe('');
      expect(b.cpu.u64(at)).toBe(DATA.number);
      for (const value of [CFG.number, 4n, 1n << 63n]) expect(b.run('wrmsr', value, number)).toBe('#GP(0)');
      expect(b.run('wrmsr', 0n, number)).toBe('');
      const lacking = new Bench(engine, 'x86-64-v4');
      expect([lacking.run('wrmsr', 0n, number), lacking.run('rdmsr', 0n, number)]).toEqual(['#GP(0)', '#GP(0)']);
    }
  });
});

describe('CPUID', () => {
  const leaf = (cpu: string, n: number, subleaf = 0): readonly number[] =>
    new Machine({ memory: 1 << 20, engine: 'interpreter', cpu }).cpuid(n, subleaf).map((word) => word >>> 0);
  const bit = (word: number, n: number): number => (word >>> n) & 1;

  test('tells of tiles on max, and by name', () => {
    for (const cpu of ['max', 'x86-64-v4,+amx-int8,+amx_bf16,+amx-fp16,+amx-complex']) {
      const edx = leaf(cpu, 7)[3]!;
      expect([22, 24, 25].map((n) => bit(edx, n))).toEqual([1, 1, 1]);
      expect([bit(leaf(cpu, 7, 1)[0]!, 21), bit(leaf(cpu, 7, 1)[3]!, 8)]).toEqual([1, 1]);
      expect(leaf(cpu, 0)[0]).toBe(0x1e);
      expect(leaf(cpu, 0x1d)).toEqual([1, 0, 0, 0]);
      expect(leaf(cpu, 0x1d, 1)).toEqual([0x0400_2000, 0x0008_0040, 16, 0]);
      expect(leaf(cpu, 0x1e)).toEqual([0, 0x4010, 0, 0]);
      expect(leaf(cpu, 0x0d).slice(0, 3)).toEqual([0x600e7, AREA_BYTES, AREA_BYTES]);
      expect(bit(leaf(cpu, 0x0d, 1)[0]!, 4)).toBe(1);
      expect(leaf(cpu, 0x0d, 1)[1]).toBe(2432 + 64 + 8192);
      expect(leaf(cpu, 0x0d, 17)).toEqual([64, 2752, 2, 0]);
      expect(leaf(cpu, 0x0d, 18)).toEqual([8192, 2816, 6, 0]);
    }
    const edx = leaf('x86-64,+amx-int8', 7)[3]!;
    expect([22, 24, 25].map((n) => bit(edx, n))).toEqual([0, 1, 1]);
  });

  test.each(['default', 'x86-64-v3', 'x86-64-v4', 'max,-amx-tile'])('says nothing of them on %s', (cpu) => {
    const edx = leaf(cpu, 7)[3]!;
    expect([22, 24, 25].map((n) => bit(edx, n))).toEqual([0, 0, 0]);
    expect([leaf(cpu, 0)[0], leaf(cpu, 0x1d, 1), leaf(cpu, 0x1e)]).toEqual([0xd, [0, 0, 0, 0], [0, 0, 0, 0]]);
    expect([leaf(cpu, 0x0d, 17), leaf(cpu, 0x0d, 18)]).toEqual([
      [0, 0, 0, 0],
      [0, 0, 0, 0],
    ]);
    const { cpu: state } = new Machine({ memory: 1 << 20, cpu });
    expect(state.u64(XCR0) & BOTH).toBe(0n);
    expect(state.u8.subarray(TILES, TILES + 8192).every((byte) => byte === 0)).toBe(true);
  });
});
