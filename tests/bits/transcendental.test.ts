import { describe, expect, test } from 'vitest';
import { angle, powerLessOne, trigonometric, yLog2, yLog2PlusOne } from '../../src/bits/float/transcendental.ts';
import { convert, DE, F64, F80, type FloatEnv, floatEnv, IE, PE, ZE } from '../../src/bits/softfloat.ts';

const view = new DataView(new ArrayBuffer(8));
function bitsOf(value: number): bigint {
  view.setFloat64(0, value);
  return view.getBigUint64(0);
}
const extended = (value: number): bigint => convert(F64, F80, floatEnv(), bitsOf(value));
function double(bits: bigint): number {
  view.setBigUint64(0, convert(F80, F64, floatEnv(), bits));
  return view.getFloat64(0);
}

type Binary = (env: FloatEnv, x: bigint, y: bigint) => bigint;
const of = (f: Binary, x: number, y: number): [value: number, flags: number] => {
  const env = floatEnv();
  const value = double(f(env, extended(x), extended(y)));
  return [value, env.flags];
};
const plain =
  (f: (env: FloatEnv, x: bigint) => bigint | null) =>
  (x: number): number =>
    double(f(floatEnv(), extended(x))!);
const sin = plain((env, x) => trigonometric(env, x, 'sin'));
const cos = plain((env, x) => trigonometric(env, x, 'cos'));
const tan = plain((env, x) => trigonometric(env, x, 'tan'));
const exp2m1 = plain(powerLessOne);

describe('doubles are what Math gives, but for the last bits', () => {
  test.each([0.001, 0.5, 0.785, 1, 1.5, 2, 3, -0.25, -2.5, 6, 1e-9, -1e-300])('of %d', (x) => {
    expect(sin(x)).toBeCloseTo(Math.sin(x), 15);
    expect(cos(x)).toBeCloseTo(Math.cos(x), 15);
    expect(tan(x) / Math.tan(x)).toBeCloseTo(1, 14);
    expect(of(angle, 1, x)[0]).toBeCloseTo(Math.atan(x), 15);
    expect(of(angle, -2, x)[0]).toBeCloseTo(Math.atan2(x, -2), 15);
    if (Math.abs(x) < 1) expect(exp2m1(x)).toBeCloseTo(2 ** x - 1, 15);
    if (x > 0) expect(of(yLog2, x, 3)[0]).toBeCloseTo(3 * Math.log2(x), 12);
    if (Math.abs(x) < 0.29) expect(of(yLog2PlusOne, x, 3)[0]).toBeCloseTo((3 * Math.log1p(x)) / Math.LN2, 14);
  });
});

test('directed roundings are neighbours around the result', () => {
  const value = (rounding: 0 | 1 | 2 | 3): bigint => trigonometric(floatEnv({ rounding }), extended(1), 'sin')!;
  expect(value(2) - value(1)).toBe(1n);
  expect(value(3)).toBe(value(1));
  expect([value(1), value(2)]).toContain(value(0));
  expect(value(0)).toBe(0x3ffe_d76a_a478_4867_7021n);
});

test('angles are reduced by the π of 66 bits', () => {
  // The double extended number next to π: what is left is the 65th and 66th bit of π.
  const nearPi = 0x4000_c90f_daa2_2168_c235n;
  expect(trigonometric(floatEnv(), nearPi, 'sin')).toBe(0xbfbf_8000_0000_0000_0000n);
  expect(trigonometric(floatEnv(), 0x403e_8000_0000_0000_0000n, 'sin')).toBeNull();
  expect(trigonometric(floatEnv(), 0x403d_8000_0000_0000_0000n, 'cos')).toBe(0xbffe_b503_3c86_7715_345an);
});

const { PI } = Math;
const INF = Infinity;
// biome-ignore format: a test is a line
describe('FPATAN of zeros and infinities (SDM 2 table 3-32)', () => {
  test.each([
    [-INF, -INF, (-3 * PI) / 4], [0, -INF, -PI / 2], [INF, -INF, -PI / 4], [-INF, -1, -PI], [-1, -0, -PI], [-0, -0, -PI],
    [0, -0, -0], [1, -0, -0], [-INF, 0, PI], [-0, 0, PI], [0, 0, 0], [INF, 0, 0], [-0, 1, PI / 2], [0, -1, -PI / 2],
    [INF, 1, 0], [-INF, INF, (3 * PI) / 4], [1, INF, PI / 2], [INF, INF, PI / 4], [INF, -1, -0],
  ])('x %d, y %d', (x, y, expected) => {
    expect(of(angle, x, y)[0]).toBe(expected);
  });
});

// biome-ignore format: a test is a line
describe('FYL2X of zeros and infinities (SDM 2 table 3-60)', () => {
  test.each([
    [-1, 1, NaN, IE], [-INF, 1, NaN, IE], [0, INF, -INF, 0], [0, 1, -INF, ZE], [-0, -1, INF, ZE], [0, 0, NaN, IE],
    [0.5, INF, -INF, 0], [0.5, 0, -0, 0], [1, 5, 0, 0], [1, -5, -0, 0], [1, INF, NaN, IE], [2, INF, INF, 0],
    [2, -0, -0, 0], [INF, 0, NaN, IE], [INF, 1, INF, 0], [INF, -1, -INF, 0], [8, 2, 6, 0], [0.25, 3, -6, 0],
  ])('x %d, y %d', (x, y, expected, flags) => {
    expect(of(yLog2, x, y)).toEqual([expected, flags]);
  });
  test.each([[0, 1, 0, 0], [-0, 1, -0, 0], [0, INF, NaN, IE], [INF, 0, NaN, IE], [-INF, 1, NaN, IE], [0.25, -INF, -INF, 0]])('FYL2XP1: x %d, y %d', (x, y, expected, flags) => {
    expect(of(yLog2PlusOne, x, y)).toEqual([expected, flags]);
  });
});

test('F2XM1 at its ends, and exceptions of operands', () => {
  expect([exp2m1(0), exp2m1(-0), exp2m1(1), exp2m1(-1)]).toEqual([0, -0, 1, -0.5]);
  const env = floatEnv();
  trigonometric(env, 1n, 'sin');
  expect(env.flags & (DE | PE)).toBe(DE | PE);
  const signalling = floatEnv();
  expect(powerLessOne(signalling, 0x7fff_8000_0000_0000_0001n)).toBe(0x7fff_c000_0000_0000_0001n);
  expect(signalling.flags).toBe(IE);
});

test.each([-69, -71, -80, -1000, -16382])('the cosine of 2^%d is a little less than one', (exponent) => {
  const angle = (BigInt(16383 + exponent) << 64n) | 0x8000_0000_0000_0000n;
  const of = (rounding: 0 | 1 | 2 | 3): [bigint | null, number] => {
    const env = floatEnv({ rounding });
    return [trigonometric(env, angle, 'cos'), env.flags];
  };
  const [one, below] = [0x3fff_8000_0000_0000_0000n, 0x3ffe_ffff_ffff_ffff_ffffn];
  expect([of(0), of(1), of(2), of(3)]).toEqual([
    [one, PE],
    [below, PE],
    [one, PE],
    [below, PE],
  ]);
});
