import { describe, expect, test } from 'vitest';
import { Random } from '../../../src/bits/random.ts';
import { ENGINE_NAMES } from '../../../src/exec/engine.ts';
import * as S from '../../support/singles.ts';
import { AMX, TileBench } from '../../support/tiles.ts';

/** Products of tiles, which no CPU here has, against loops over rows and columns and numbers worked out by exact integers. */

const C = 0;
const A = 1;
const B = 2;
const benches = ENGINE_NAMES.map((name) => new TileBench(name));
type Product =
  | 'tdpbssd'
  | 'tdpbsud'
  | 'tdpbusd'
  | 'tdpbuud'
  | 'tdpbf16ps'
  | 'tdpfp16ps'
  | 'tcmmimfp16ps'
  | 'tcmmrlfp16ps';
type Element = (column: readonly number[], row: readonly number[], before: number) => number;

interface Extent {
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

const word = (bytes: Uint8Array, row: number, column: number): number =>
  new DataView(bytes.buffer, bytes.byteOffset).getUint32(64 * row + 4 * column, true);

/** C as it has to be: `element` gets a row of A and a column of B, in words of 32 bits. */
function expected(tiles: readonly Uint8Array[], { m, n, k }: Extent, element: Element): Uint8Array {
  const out = new Uint8Array(1024);
  const view = new DataView(out.buffer);
  for (let row = 0; row < m; row++)
    for (let column = 0; column < n; column++) {
      const as = Array.from({ length: k }, (_, i) => word(tiles[A]!, row, i));
      const bs = Array.from({ length: k }, (_, i) => word(tiles[B]!, i, column));
      view.setUint32(64 * row + 4 * column, element(as, bs, word(tiles[C]!, row, column)), true);
    }
  return out;
}

/** Runs the instruction on every engine with these tiles and compares. */
function conforms(name: Product, tiles: readonly Uint8Array[], extent: Extent, element: Element): void {
  const { m, n, k } = extent;
  const wanted = expected(tiles, extent, element);
  for (const bench of benches) {
    expect(bench.configure({ [C]: [m, 4 * n], [A]: [m, 4 * k], [B]: [k, 4 * n] })).toBe('');
    tiles.forEach((bytes, tile) => {
      bench.put(bytes);
      expect(bench.run(AMX.tileloadd(tile))).toBe('');
      // What lies beyond a tile's rows and columns is none of the product's business.
      bench.tile(tile).set(bytes);
    });
    expect(bench.run(AMX[name](C, A, B))).toBe('');
    expect(bench.tile(C)).toEqual(wanted);
    expect(bench.tile(A)).toEqual(tiles[A]);
  }
}

const random = new Random(1711);
const extents: readonly Extent[] = [
  { m: 16, n: 16, k: 16 },
  { m: 1, n: 1, k: 1 },
  { m: 3, n: 16, k: 5 },
  { m: 16, n: 7, k: 2 },
];

describe('integers', () => {
  const signed = (byte: number): number => (byte < 128 ? byte : byte - 256);
  const same = (byte: number): number => byte;
  test.each([
    ['tdpbssd', signed, signed],
    ['tdpbsud', signed, same],
    ['tdpbusd', same, signed],
    ['tdpbuud', same, same],
  ] as const)('%s', (name, ofA, ofB) => {
    const parts = (w: number): number[] => [w & 255, (w >> 8) & 255, (w >> 16) & 255, w >>> 24];
    for (const extent of extents)
      conforms(
        name,
        [0, 1, 2].map(() => random.bytes(1024)),
        extent,
        (as, bs, before) => {
          let total = BigInt(before);
          as.forEach((a, i) => parts(a).forEach((byte, j) => (total += BigInt(ofA(byte) * ofB(parts(bs[i]!)[j]!)))));
          return Number(BigInt.asUintN(32, total));
        },
      );
  });

  test('wrap at 32 bits', () => {
    const tiles = [new Uint8Array(1024).fill(0xff), new Uint8Array(1024).fill(0xff), new Uint8Array(1024).fill(0xff)];
    conforms('tdpbuud', tiles, { m: 2, n: 2, k: 16 }, () => 64 * 255 * 255 - 1);
    conforms('tdpbssd', tiles, { m: 2, n: 2, k: 16 }, () => 63);
  });
});

describe('floating point', () => {
  /** Numbers of 16 bits whose exponents lie close together, with zeros, denormals and ties among them. */
  function draw(bits: () => number): Uint8Array {
    const out = new Uint8Array(1024);
    const view = new DataView(out.buffer);
    for (let at = 0; at < 1024; at += 2) view.setUint16(at, bits(), true);
    return out;
  }
  const pick = <T>(...values: readonly T[]): T => random.pick(values);
  const sign = (): number => random.below(2) << 15;
  const halves = (): number =>
    pick(
      0,
      0x8000,
      1,
      0x3ff,
      0x400,
      random.u32() & 0x83ff,
      sign() | (0x3800 + random.below(0x1000)),
      sign() | random.below(0x7c00),
    );
  const bfloats = (at: number, spread: number) => (): number =>
    pick(
      0,
      0x8000,
      0x40,
      0x807f,
      sign() | ((at + random.below(spread)) << 7) | random.below(128),
      sign() | ((at + random.below(3)) << 7),
    );
  /** Singles of about that exponent. */
  const singles = (at: number) => (): Uint8Array => {
    const words = Uint32Array.from({ length: 256 }, () =>
      pick(
        0,
        0x8000_0000,
        0x7f_ffff,
        0x8000_0001,
        (random.below(2) << 31) | ((at + random.below(9)) << 23) | (random.u32() & 0x7f_ffff),
      ),
    );
    return new Uint8Array(words.buffer);
  };
  const low = (w: number): number => w & 0xffff;
  const high = (w: number): number => w >>> 16;

  /** The two sums of a row and a column, then their sum added to what was there. */
  function element(
    value: (bits: number) => S.Exact,
    first: readonly [typeof low, typeof low],
    second: readonly [typeof low, typeof low],
    minus = false,
  ): Element {
    return (as, bs, before) => {
      let [x, y] = [S.ZERO, S.ZERO];
      as.forEach((a, i) => {
        x = S.multiplyAdd(value(first[0](a)), value(first[1](bs[i]!)), x);
        const b = value(second[1](bs[i]!));
        y = S.multiplyAdd(value(second[0](a)), minus ? S.negated(b) : b, y);
      });
      return S.bitsOf(S.sum(S.single(before), S.sum(x, y)));
    };
  }
  const pairs = [
    [low, low],
    [high, high],
  ] as const;
  const elements = {
    tdpbf16ps: element(S.bfloat, ...pairs),
    tdpfp16ps: element(S.half, ...pairs),
    tcmmrlfp16ps: element(S.half, ...pairs, true),
    tcmmimfp16ps: element(S.half, [high, low], [low, high]),
  } as const;

  test.each(['tdpfp16ps', 'tcmmrlfp16ps', 'tcmmimfp16ps'] as const)('%s', (name) => {
    for (const extent of extents) conforms(name, [singles(120)(), draw(halves), draw(halves)], extent, elements[name]);
  });

  test.each([
    ['of about one', 120, 12, 118],
    ['of far apart sizes', 90, 70, 110],
    ['whose products are tiny', 60, 9, 1],
    ['whose products are near the smallest single', 61, 4, 1],
  ] as const)('tdpbf16ps of numbers %s', (_, at, spread, before) => {
    for (const extent of extents)
      conforms(
        'tdpbf16ps',
        [singles(before)(), draw(bfloats(at, spread)), draw(bfloats(at, spread))],
        extent,
        elements.tdpbf16ps,
      );
  });

  const one = (bits: number): Uint8Array => {
    const out = new Uint8Array(1024);
    new DataView(out.buffer).setUint32(0, bits, true);
    return out;
  };
  /** One element: words of C, A and B, and what becomes of C. */
  test.each([
    ['tdpbf16ps', 0, 0x3f80_3f80, 0x4000_4040, 0x40a0_0000],
    ['tdpfp16ps', 0x3f80_0000, 0x3c00_4000, 0x4000_4200, 0x4110_0000],
    // (1 + 2i) (3 + 4i) = −5 + 10i
    ['tcmmrlfp16ps', 0, 0x4000_3c00, 0x4400_4200, 0xc0a0_0000],
    ['tcmmimfp16ps', 0, 0x4000_3c00, 0x4400_4200, 0x4120_0000],
    // A NaN of a factor, then of the sum; infinities; ∞ · 0
    ['tdpbf16ps', 0, 0x0000_7fc1, 0x0000_3f80, 0x7fc1_0000],
    ['tdpbf16ps', 0x7f80_1234, 0, 0, 0x7fc0_1234],
    ['tdpbf16ps', 0, 0x0000_7f80, 0x0000_bf80, 0xff80_0000],
    ['tdpbf16ps', 0, 0x0000_7f80, 0, 0xffc0_0000],
    ['tdpbf16ps', 0xff80_0000, 0x0000_7f80, 0x0000_3f80, 0xffc0_0000],
    ['tdpbf16ps', 0, 0x0000_7f7f, 0x0000_7f7f, 0x7f80_0000],
    ['tdpfp16ps', 0, 0x7e05_0000, 0x3c00_0000, 0x7fc0_a000],
    ['tdpfp16ps', 0, 0x7c00_0000, 0x3c00_0000, 0x7f80_0000],
    ['tcmmrlfp16ps', 0, 0x7c00_0000, 0x3c00_0000, 0xff80_0000],
    ['tcmmrlfp16ps', 0, 0x3c00_0000, 0x7e05_0000, 0x7fc0_a000],
    // Denormal halves count, denormal bfloats and singles do not; MXCSR is the same whatever it says
    ['tdpfp16ps', 0, 0x0000_0001, 0x0000_3c00, 0x3380_0000],
    ['tdpbf16ps', 0, 0x0000_007f, 0x0000_7f00, 0],
    ['tdpbf16ps', 0x8000_0001, 0, 0, 0],
  ] as const)('%s of single elements: %i', (name, before, a, b, after) => {
    for (const mxcsr of [0x1f80, 0x7f80, 0]) {
      for (const { cpu } of benches) cpu.mxcsr = mxcsr;
      conforms(name, [one(before), one(a), one(b)], { m: 1, n: 1, k: 1 }, () => after);
      for (const { cpu } of benches) expect(cpu.mxcsr).toBe(mxcsr);
    }
  });

  test('what is tiny is so behind its rounding', () => {
    const words = (...bits: number[]): Uint8Array => {
      const out = new Uint8Array(1024);
      bits.forEach((value, i) => new DataView(out.buffer).setUint32(4 * i, value, true));
      return out;
    };
    const below = (b: number, wanted: number): void => {
      const column = new Uint8Array(1024);
      new DataView(column.buffer).setUint32(0, 0x2000, true);
      new DataView(column.buffer).setUint32(64, b, true);
      // 2^-63 · 2^-63, and from it something by 2^-76
      conforms('tdpbf16ps', [words(), words(0x2000, 0x1980), column], { m: 1, n: 1, k: 2 }, elements.tdpbf16ps);
      expect(new DataView(benches[0]!.tile(C).slice().buffer).getUint32(0, true)).toBe(wanted);
    };
    below(0x9980, 0x0080_0000);
    below(0x9a00, 0x0080_0000);
    below(0x9a40, 0);
    below(0x9b00, 0);
  });

  test('one number that is none does not change how the others are rounded', () => {
    const tiles = [singles(120)(), draw(halves), draw(halves)] as const;
    const extent = { m: 16, n: 16, k: 16 };
    const wanted = expected(tiles, extent, elements.tdpfp16ps);
    // Row 3 of A: infinities against whatever stands in B.
    tiles[A].fill(0x7c, 192, 256);
    const bench = benches[0]!;
    bench.configure({ [C]: [16, 64], [A]: [16, 64], [B]: [16, 64] });
    tiles.forEach((bytes, n) => bench.tile(n).set(bytes));
    bench.run(AMX.tdpfp16ps(C, A, B));
    for (let row = 0; row < 16; row++)
      if (row !== 3)
        expect(bench.tile(C).slice(64 * row, 64 * row + 64)).toEqual(wanted.slice(64 * row, 64 * row + 64));
  });
});

describe('tiles that do not fit each other are #UD', () => {
  const whole: [number, number] = [16, 64];
  test.each([
    ['rows of C and A', { [C]: [15, 64], [A]: whole, [B]: whole }],
    ['columns of C and B', { [C]: [16, 60], [A]: whole, [B]: whole }],
    ['columns of A and rows of B', { [C]: whole, [A]: [16, 60], [B]: whole }],
    ['no C', { [A]: whole, [B]: whole }],
    ['no B', { [C]: whole, [A]: whole }],
    ['columns that are no words', { [C]: [16, 62], [A]: whole, [B]: [16, 62] }],
  ] as const)('%s', (_, shapes) => {
    for (const bench of benches)
      for (const name of ['tdpbssd', 'tdpbf16ps', 'tcmmimfp16ps'] as const) {
        bench.configure(shapes as Record<number, [number, number]>);
        expect(bench.run(AMX[name](C, A, B))).toBe('#UD');
      }
  });
});
