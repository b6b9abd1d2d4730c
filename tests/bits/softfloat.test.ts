import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as S from '../../src/bits/softfloat.ts';
import { F16, F32, F64, F80, type FloatEnv, floatEnv } from '../../src/bits/softfloat.ts';
import { modelled, parse, show } from './host/measure.ts';

const scratch = new DataView(new ArrayBuffer(8));
const bits64 = (x: number): bigint => {
  scratch.setFloat64(0, x);
  return scratch.getBigUint64(0);
};
const bits32 = (x: number): bigint => {
  scratch.setFloat32(0, x);
  return BigInt(scratch.getUint32(0));
};
const f80 = (env: FloatEnv, x: number): bigint => S.convert(F64, F80, env, bits64(x));

describe('vectors measured on a CPU', () => {
  const lines = readFileSync(new URL('./host/measured.txt', import.meta.url), 'utf8')
    .trimEnd()
    .split('\n');
  test(`${lines.length} results with exceptions and rounding direction`, () => {
    const models = lines.map((line) => {
      const { vector, outcome } = parse(line);
      return show(vector, modelled(vector, outcome));
    });
    expect(models).toEqual(lines);
  });
});

describe('the arithmetic of JavaScript is binary64 to nearest', () => {
  const number = fc.oneof(fc.double({ noNaN: true }), fc.double({ noNaN: true, min: -1e-300, max: 1e-300 }));
  const operations = [
    ['add', S.add, (a: number, b: number) => a + b],
    ['sub', S.sub, (a: number, b: number) => a - b],
    ['mul', S.mul, (a: number, b: number) => a * b],
    ['div', S.div, (a: number, b: number) => a / b],
    ['sqrt', S.sqrt as typeof S.add, (a: number) => Math.sqrt(a)],
  ] as const;
  for (const [name, soft, expected] of operations) {
    test(`${name} on f64`, () => {
      fc.assert(
        fc.property(number, number, (a, b) => {
          const result = expected(a, b);
          const want = Number.isNaN(result) ? F64.defaultNaN : bits64(result);
          expect(soft(F64, floatEnv(), bits64(a), bits64(b))).toBe(want);
        }),
        { seed: 1, numRuns: 1000 },
      );
    });
    // Twice 24 bits and two more: rounding through f64 is rounding once.
    test(`${name} on f32`, () => {
      fc.assert(
        fc.property(fc.float({ noNaN: true }), fc.float({ noNaN: true }), (a, b) => {
          const result = Math.fround(expected(a, b));
          const want = Number.isNaN(result) ? F32.defaultNaN : bits32(result);
          expect(soft(F32, floatEnv(), bits32(a), bits32(b))).toBe(want);
        }),
        { seed: 2, numRuns: 1000 },
      );
    });
  }

  test('conversion to f32 and back, to f80 and back', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), (x) => {
        const env = floatEnv();
        expect(S.convert(F64, F32, env, bits64(x))).toBe(bits32(x));
        expect(S.convert(F80, F64, env, f80(env, x))).toBe(bits64(x));
      }),
      { seed: 3, numRuns: 1000 },
    );
  });

  test('integers to f64 and back', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (n) => {
        const env = floatEnv();
        expect(S.fromInt(F64, env, n, 64)).toBe(bits64(Number(n)));
        expect(S.toInt(F80, env, S.fromInt(F80, env, n, 64), 64)).toBe(BigInt.asUintN(64, n));
        expect(env.flags & ~S.PE).toBe(0);
      }),
      { seed: 4, numRuns: 1000 },
    );
  });

  test('fma rounds once', () => {
    const tiny = bits64(2 ** -60);
    const env = floatEnv();
    // (1 + 2^-30)^2 = 1 + 2^-29 + 2^-60, and the last bit is what a product rounded first loses.
    const x = bits64(1 + 2 ** -30);
    expect(S.fma(F64, env, x, x, bits64(-(1 + 2 ** -29)))).toBe(tiny);
    expect(env.flags).toBe(0);
  });
});

describe('half precision', () => {
  test('every number goes to f32 and back', () => {
    for (let bits = 0n; bits < 1n << 16n; bits++) {
      const env = floatEnv();
      const wide = S.convert(F16, F32, env, bits);
      const nan = (bits & 0x7fffn) > F16.infinity;
      expect(S.convert(F32, F16, env, wide)).toBe(nan ? bits | F16.quietBit : bits);
    }
  });
});

/** Special cases of SSE scalars: operation, destination, source, result, exceptions. */
// biome-ignore format: a table
const SPECIAL: [string, bigint, bigint, bigint, number][] = [
  ['min',  0x3f800000n, 0x7fc01234n, 0x7fc01234n, 0x01],
  ['min',  0x7fc01234n, 0x3f800000n, 0x3f800000n, 0x01],
  ['max',  0x7f805678n, 0x3f800000n, 0x3f800000n, 0x01],
  ['max',  0x3f800000n, 0x7f805678n, 0x7f805678n, 0x01],
  ['min',  0x00000000n, 0x80000000n, 0x80000000n, 0x00],
  ['min',  0x80000000n, 0x00000000n, 0x00000000n, 0x00],
  ['max',  0x00000000n, 0x80000000n, 0x80000000n, 0x00],
  ['max',  0x80000000n, 0x00000000n, 0x00000000n, 0x00],
  ['add',  0x7fc01234n, 0xffc0abcdn, 0x7fc01234n, 0x00],
  ['add',  0xffc0abcdn, 0x7fc01234n, 0xffc0abcdn, 0x00],
  ['add',  0x3f800000n, 0x7fc01234n, 0x7fc01234n, 0x00],
  ['add',  0x7f805678n, 0xffc0abcdn, 0x7fc05678n, 0x01],
  ['add',  0xffc0abcdn, 0x7f805678n, 0xffc0abcdn, 0x01],
  ['add',  0x7f805678n, 0x3f800000n, 0x7fc05678n, 0x01],
  ['sub',  0x7f800000n, 0x7f800000n, 0xffc00000n, 0x01],
  ['mul',  0x00000000n, 0x7f800000n, 0xffc00000n, 0x01],
  ['div',  0x00000000n, 0x00000000n, 0xffc00000n, 0x01],
  ['div',  0x3f800000n, 0x00000000n, 0x7f800000n, 0x04],
  ['div',  0x3f800000n, 0x80000000n, 0xff800000n, 0x04],
  ['sqrt', 0x3f800000n, 0xbf800000n, 0xffc00000n, 0x01],
  ['sqrt', 0x3f800000n, 0x80000000n, 0x80000000n, 0x00],
  ['add',  0x00000001n, 0x3f800000n, 0x3f800000n, 0x22],
  ['mul',  0x00800000n, 0x3f000000n, 0x00400000n, 0x00],
  ['mul',  0x00800000n, 0x3eaaaaabn, 0x002aaaabn, 0x30],
  ['mul',  0x7f000000n, 0x7f000000n, 0x7f800000n, 0x28],
  ['add',  0x7f7fffffn, 0x7f7fffffn, 0x7f800000n, 0x28],
  ['add',  0x4b800000n, 0x3f800000n, 0x4b800000n, 0x20],
  ['cmp0', 0x7fc01234n, 0x3f800000n, 0x00000000n, 0x00],
  ['cmp1', 0x7fc01234n, 0x3f800000n, 0x00000000n, 0x01],
  ['cmp3', 0x7f805678n, 0x3f800000n, 0xffffffffn, 0x01],
  ['cmp4', 0x7fc01234n, 0x3f800000n, 0xffffffffn, 0x00],
  ['cmp7', 0x7fc01234n, 0x3f800000n, 0x00000000n, 0x00],
];

const BINARY: Record<string, typeof S.add> = { add: S.add, sub: S.sub, mul: S.mul, div: S.div, min: S.min, max: S.max };

describe('special cases of single precision', () => {
  for (const [name, a, b, result, flags] of SPECIAL)
    test(`${name} ${a.toString(16)} ${b.toString(16)} -> ${result.toString(16)}`, () => {
      const env = floatEnv();
      expect(special(env, name, a, b)).toBe(result);
      expect(env.flags).toBe(flags);
    });

  function special(env: FloatEnv, name: string, a: bigint, b: bigint): bigint {
    if (name.startsWith('cmp')) return S.cmpPredicate(F32, env, a, b, Number(name.slice(3))) ? 0xffffffffn : 0n;
    if (name === 'sqrt') return S.sqrt(F32, env, b);
    return BINARY[name]!(F32, env, a, b);
  }

  test('flush to zero reports underflow and inexact; a denormal read as zero reports nothing', () => {
    const flush = floatEnv({ ftz: true });
    expect(S.mul(F32, flush, 0x00800000n, 0x3f000000n)).toBe(0n);
    expect(flush.flags).toBe(S.UE | S.PE);
    const zeros = floatEnv({ daz: true });
    expect(S.mul(F32, zeros, 1n, 0x3f800000n)).toBe(0n);
    expect(zeros.flags).toBe(0);
  });

  test('an SNaN converts to a quiet NaN with its payload', () => {
    const env = floatEnv();
    expect(S.convert(F32, F64, env, 0x7f800001n)).toBe(0x7ff8000020000000n);
    expect(env.flags).toBe(S.IE);
  });
});

/** CVTSD2SI and CVTTSD2SI to 32 and 64 bits, in pairs of result and exceptions. */
// biome-ignore format: a table
const TO_INTEGER: [number, bigint, number, bigint, number, bigint, number, bigint, number][] = [
  [1e10,            0x80000000n, 1,    0x80000000n, 1,    0x2540be400n, 0,           0x2540be400n, 0],
  [-1e10,           0x80000000n, 1,    0x80000000n, 1,    0xfffffffdabf41c00n, 0,    0xfffffffdabf41c00n, 0],
  [2 ** 31 - 0.5,   0x80000000n, 1,    0x7fffffffn, 0x20, 0x80000000n, 0x20,         0x7fffffffn, 0x20],
  [-(2 ** 31) - .5, 0x80000000n, 0x20, 0x80000000n, 0x20, 0xffffffff80000000n, 0x20, 0xffffffff80000000n, 0x20],
  [-(2 ** 31) - 1,  0x80000000n, 1,    0x80000000n, 1,    0xffffffff7fffffffn, 0,    0xffffffff7fffffffn, 0],
  [Number.NaN,      0x80000000n, 1,    0x80000000n, 1,    1n << 63n, 1,              1n << 63n, 1],
  [1e20,            0x80000000n, 1,    0x80000000n, 1,    1n << 63n, 1,              1n << 63n, 1],
  [0.5,             0n, 0x20,          0n, 0x20,          0n, 0x20,                  0n, 0x20],
  [1.5,             2n, 0x20,          1n, 0x20,          2n, 0x20,                  1n, 0x20],
  [2.5,             2n, 0x20,          2n, 0x20,          2n, 0x20,                  2n, 0x20],
  [-0.5,            0n, 0x20,          0n, 0x20,          0n, 0x20,                  0n, 0x20],
  [2 ** 63,         0x80000000n, 1,    0x80000000n, 1,    1n << 63n, 1,              1n << 63n, 1],
  [Infinity,        0x80000000n, 1,    0x80000000n, 1,    1n << 63n, 1,              1n << 63n, 1],
];

describe('conversion to integers', () => {
  for (const [x, ...expected] of TO_INTEGER)
    test(`${x}`, () => {
      const results = ([32, 64] as const).flatMap((width) =>
        [false, true].flatMap((truncate) => {
          const env = floatEnv();
          return [S.toInt(F64, env, bits64(x), width, truncate), env.flags];
        }),
      );
      expect(results).toEqual(expected);
    });
});

describe('comparison', () => {
  const one = bits32(1);
  const two = bits32(2);
  test('the four relations', () => {
    const relations = [
      [one, two],
      [two, one],
      [one, one],
      [F32.defaultNaN, one],
      [0n, F32.signBit],
    ] as const;
    expect(relations.map(([a, b]) => S.compare(F32, floatEnv(), a, b, false))).toEqual([
      S.LESS,
      S.GREATER,
      S.EQUAL,
      S.UNORDERED,
      S.EQUAL,
    ]);
  });
  test('a QNaN is invalid only when signalling, an SNaN always', () => {
    const flags = (nan: bigint, signalling: boolean): number => {
      const env = floatEnv();
      S.compare(F32, env, nan, one, signalling);
      return env.flags;
    };
    expect([flags(0x7fc00000n, false), flags(0x7fc00000n, true), flags(0x7f800001n, false)]).toEqual([0, 1, 1]);
  });
});

describe('double extended', () => {
  test('1/3, and its three precisions', () => {
    const third = (precision: 24 | 53 | 64): string => {
      const env = floatEnv({ precision });
      return S.div(F80, env, f80(env, 1), f80(env, 3)).toString(16);
    };
    expect([third(64), third(53), third(24)]).toEqual([
      '3ffdaaaaaaaaaaaaaaab',
      '3ffdaaaaaaaaaaaaa800',
      '3ffdaaaaab0000000000',
    ]);
  });

  test('unmasked overflow stores the result with its exponent adjusted', () => {
    const env = floatEnv({ masks: 0x37 });
    const big = 0x7ffe8000000000000000n;
    expect(S.mul(F80, env, big, big)).toBe(0x5ffd8000000000000000n);
    expect(env.flags).toBe(S.OE);
  });

  test('classes of encodings', () => {
    // biome-ignore format: a table
    const classes: [bigint, number][] = [
      [0n, S.FXAM_ZERO],
      [1n, S.FXAM_DENORMAL],
      [0x00008000000000000000n, S.FXAM_DENORMAL], // pseudo-denormal
      [0x3fff8000000000000000n, S.FXAM_NORMAL],
      [0x3fff0000000000000001n, S.FXAM_UNSUPPORTED], // unnormal
      [0x7fff8000000000000000n, S.FXAM_INFINITY],
      [0x7fff0000000000000000n, S.FXAM_UNSUPPORTED], // pseudo-infinity
      [0x7fffc000000000000000n, S.FXAM_NAN],
      [0x7fff0000000000000001n, S.FXAM_UNSUPPORTED], // pseudo-NaN
    ];
    expect(classes.map(([bits]) => S.classify(bits))).toEqual(classes.map(([, kind]) => kind));
  });

  test('a partial remainder converges to the remainder', () => {
    const env = floatEnv();
    let value = f80(env, 1e300);
    let partial = true;
    for (let steps = 0; partial && steps < 40; steps++)
      ({ value, partial } = S.remainder(env, value, f80(env, 3), false));
    expect(S.convert(F80, F64, env, value)).toBe(bits64(1e300 % 3));
    expect(env.flags).toBe(0);
  });

  test('18 decimal digits there and back', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 18n - 1n }), fc.boolean(), (n, negative) => {
        const packed = BigInt(`0x${n}`) | (negative ? 1n << 79n : 0n);
        const env = floatEnv();
        expect(S.toBcd(env, S.fromBcd(env, packed))).toBe(packed);
        expect(env.flags).toBe(0);
      }),
      { seed: 5 },
    );
  });
});

test('a lane with an unmasked pre-computation exception hides the others’ later ones', () => {
  expect(S.mergeLaneFlags([S.IE, S.PE | S.OE, S.DE], 0x3f)).toBe(S.IE | S.DE | S.PE | S.OE);
  expect(S.mergeLaneFlags([S.IE, S.PE | S.OE, S.DE], 0x3f & ~S.DE)).toBe(S.IE | S.DE);
  expect(S.mergeLaneFlags([S.UE, S.PE], 0x3f & ~S.PE)).toBe(S.UE | S.PE);
});
