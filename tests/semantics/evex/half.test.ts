import { describe, expect, test } from 'vitest';
import { Random } from '../../../src/bits/random.ts';
import { decode } from '../../../src/decode/decode.ts';
import { Sandbox } from '../../../src/oracle/sandbox.ts';
import { opmaskAt, vectorAt } from '../../../src/state/layout.ts';
import { VECTOR } from '../../../src/state/pending.ts';
import { DE, Half, INFINITY, isDenormal, isNaN16, type Mode, numberOf } from '../../support/half.ts';

/** AVX512-FP16, which no CPU here has, against numbers worked out by exact integers (`tests/support/half.ts`). */

const sandbox = new Sandbox('interpreter');
const { cpu } = sandbox.machine;
const DEFAULT = 0x1f80;

const CORNERS = [
  0,
  0x8000,
  1,
  0x8001,
  2,
  0x3ff,
  0x83ff,
  0x400,
  0x8400,
  0x401,
  0x7ff,
  0x800,
  0x3c00,
  0xbc00,
  0x3c01,
  0x3bff,
  0x3800,
  0xb800,
  0x3e00,
  0x4000,
  0xc000,
  0x4200,
  0x4500,
  0x6400,
  0x6801,
  0x7800,
  0x77ff,
  0x7bff,
  0xfbff,
  INFINITY,
  0xfc00,
  0x7e00,
  0xfe12,
  0x7c01,
  0xfd55,
  0x0c00,
  0x1400,
  0x2e66,
  0xae66,
  0x5bff,
];

interface Code {
  readonly map: 1 | 2 | 3 | 5 | 6;
  readonly pp: 0 | 1 | 2 | 3;
  readonly opcode: number;
  readonly w?: 1;
  readonly imm?: number;
  /** 0, 1 or 2: 128, 256 or 512 bits; with `rounding` the control of its own. */
  readonly length?: number;
  readonly own?: boolean;
  readonly mask?: number;
}

/** Of registers 2, 0 and 1; of one source register 1. */
function bytesOf(c: Code): Uint8Array {
  // No first source is encoded as register 0.
  const p1 = (c.w ? 0x80 : 0) | 0x7c | c.pp;
  const p2 = ((c.length ?? 2) << 5) | (c.own ? 0x10 : 0) | 8 | (c.mask ?? 0);
  return Uint8Array.of(0x62, 0xf0 | c.map, p1, p2, c.opcode, 0xd1, ...(c.imm === undefined ? [] : [c.imm]));
}

const random = new Random(16);
const half = (): number => (random.below(3) ? random.pick(CORNERS) : random.u32() & 0xffff);

function setLane(register: number, w: number, lane: number, value: bigint): void {
  for (let byte = 0; byte < w / 8; byte++)
    cpu.u8[vectorAt(register) + (lane * w) / 8 + byte] = Number((value >> BigInt(8 * byte)) & 0xffn);
}
function lane(register: number, w: number, n: number): bigint {
  let value = 0n;
  for (let byte = w / 8 - 1; byte >= 0; byte--)
    value = (value << 8n) | BigInt(cpu.u8[vectorAt(register) + (n * w) / 8 + byte]!);
  return value;
}

/** Runs the instruction on registers that `fill` has set; MXCSR behind it, or the vector of a fault. */
function run(code: Uint8Array, mxcsr: number, fill: () => void): string {
  sandbox.place({ code, gpr: new Array<bigint>(16).fill(0n), mxcsr });
  fill();
  const end = cpu.rip + BigInt(code.length);
  const exit = sandbox.machine.run(4);
  const normal = exit.kind === 'fault' && exit.fault.vector === VECTOR.BP && cpu.rip === end + 1n;
  return normal ? cpu.mxcsr.toString(16) : exit.kind === 'fault' ? `vector ${exit.fault.vector}` : exit.kind;
}

const mnemonicOf = (code: Uint8Array): string => {
  const insn = decode(Uint8Array.from([...code, ...new Uint8Array(15 - code.length)]));
  return typeof insn === 'string' ? insn : insn.mnemonic.replace('evex.', '');
};

interface Shape {
  /** Bits of a lane of the result and of the sources; of a comparison the result is a bit. */
  readonly to: number;
  readonly from: number;
  /** Operands that are no halves. */
  readonly draw?: () => bigint;
  readonly imm?: (n: number) => number;
  /** Its own control chooses no rounding. */
  readonly sae?: boolean;
  readonly noFlags?: boolean;
}

/** Holds an instruction to its model: all roundings, by MXCSR with its flags and by its own control without. */
function conforms(
  mnemonic: string,
  code: Code,
  shape: Shape,
  model: (h: Half, a: bigint, b: bigint, d: bigint, imm: number, lane: number) => bigint,
): void {
  test(mnemonic, () => {
    const { to, from } = shape;
    const n = 512 / Math.max(to === 1 ? from : to, from);
    const draw = shape.draw ?? (() => BigInt(half()) | (from === 32 ? BigInt(half()) << 16n : 0n));
    for (let turn = 0; turn < 12; turn++) {
      const mode = (turn & 3) as Mode;
      const own = turn >= 8 && turn & 4 ? false : turn >= 8;
      const imm = shape.imm?.(turn) ?? 0;
      const bytes = bytesOf({ ...code, own, length: own && !shape.sae ? mode : 2, ...(shape.imm ? { imm } : {}) });
      expect(mnemonicOf(bytes)).toBe(mnemonic);
      const sources = Array.from({ length: 3 }, () => Array.from({ length: n }, draw));
      const [a, b, d] = sources as [bigint[], bigint[], bigint[]];
      const rc = own ? (shape.sae ? mode : (mode + 1) & 3) : mode;
      const ran = run(bytes, DEFAULT | (rc << 13) | (turn & 1 ? 0x8040 : 0), () => {
        for (let i = 0; i < n; i++)
          for (const [register, values] of [a, b, d].entries()) setLane(register, from, i, values[i]!);
      });
      let flags = 0;
      const expected: string[] = [];
      for (let i = 0; i < n; i++) {
        const h = new Half(shape.sae ? (rc as Mode) : mode);
        expected.push(BigInt.asUintN(to, model(h, a[i]!, b[i]!, d[i]!, imm, i)).toString(16));
        flags |= h.flags;
      }
      const found = Array.from({ length: n }, (_, i) =>
        to === 1 ? (cpu.u64(opmaskAt(2)) >> BigInt(i)) & 1n : lane(2, to, i),
      ).map((v) => v.toString(16));
      const text = (values: readonly string[]) =>
        values.map((v, i) => `${a[i]!.toString(16)} ${b[i]!.toString(16)} ${d[i]!.toString(16)}: ${v}`);
      expect(text(found)).toEqual(text(expected));
      const before = DEFAULT | (rc << 13) | (turn & 1 ? 0x8040 : 0);
      expect(ran).toBe((before | (own || shape.noFlags ? 0 : flags)).toString(16));
    }
  });
}

const PH: Shape = { to: 16, from: 16 };
const big = (f: (h: Half, a: number, b: number) => number) => (h: Half, a: bigint, b: bigint) =>
  BigInt(f(h, Number(a), Number(b)));

describe('arithmetic', () => {
  for (const [stem, opcode, f] of [
    ['add', 0x58, (h: Half, a: number, b: number) => h.add(a, b)],
    ['mul', 0x59, (h: Half, a: number, b: number) => h.mul(a, b)],
    ['sub', 0x5c, (h: Half, a: number, b: number) => h.sub(a, b)],
    ['div', 0x5e, (h: Half, a: number, b: number) => h.div(a, b)],
  ] as const)
    conforms(`v${stem}ph`, { map: 5, pp: 0, opcode }, PH, big(f));
  conforms(
    'vminph',
    { map: 5, pp: 0, opcode: 0x5d },
    { ...PH, sae: true },
    big((h, a, b) => h.min(a, b)),
  );
  conforms(
    'vmaxph',
    { map: 5, pp: 0, opcode: 0x5f },
    { ...PH, sae: true },
    big((h, a, b) => h.max(a, b)),
  );
  conforms(
    'vsqrtph',
    { map: 5, pp: 0, opcode: 0x51 },
    { ...PH },
    big((h, _a, b) => h.sqrt(b)),
  );
  conforms(
    'vscalefph',
    { map: 6, pp: 1, opcode: 0x2c },
    PH,
    big((h, a, b) => h.scale(a, b)),
  );
});

describe('fused', () => {
  for (const [k, order] of [
    [0x90, '132'],
    [0xa0, '213'],
    [0xb0, '231'],
  ] as const)
    for (const [stem, offset, negated, subtracted] of [
      ['fmaddsub', 6, false, (i: number) => i % 2 === 0],
      ['fmsubadd', 7, false, (i: number) => i % 2 === 1],
      ['fmadd', 8, false, () => false],
      ['fmsub', 0xa, false, () => true],
      ['fnmadd', 0xc, true, () => false],
      ['fnmsub', 0xe, true, () => true],
    ] as const)
      conforms(`v${stem}${order}ph`, { map: 6, pp: 1, opcode: k | offset }, PH, (h, a, b, d, _imm, i) => {
        const operands = [d, a, b].map(Number);
        const [x, y, z] = [...order].map((at) => operands[Number(at) - 1]!) as [number, number, number];
        return BigInt(h.fma(x, y, z, negated, subtracted(i)));
      });
});

describe('complex', () => {
  const parts = (v: bigint): [number, number] => [Number(v & 0xffffn), Number(v >> 16n)];
  for (const [conjugate, stem, pp] of [
    [false, 'vf', 2],
    [true, 'vfc', 3],
  ] as const) {
    const step = (h: Half, a: bigint, b: bigint, re: number, im: number): bigint => {
      const [[p, q], [, s]] = [parts(a), parts(b)];
      return BigInt(h.fma(q, s, re, !conjugate)) | (BigInt(h.fma(p, s, im, conjugate)) << 16n);
    };
    conforms(`${stem}mulcph`, { map: 6, pp, opcode: 0xd6 }, { to: 32, from: 32 }, (h, a, b) => {
      const [[p, q], [r]] = [parts(a), parts(b)];
      return step(h, a, b, h.mul(p, r), h.mul(q, r));
    });
    conforms(`${stem}maddcph`, { map: 6, pp, opcode: 0x56 }, { to: 32, from: 32 }, (h, a, b, d) => {
      const [[p, q], [r], [t, u]] = [parts(a), parts(b), parts(d)];
      return step(h, a, b, h.fma(p, r, t), h.fma(q, r, u));
    });
  }

  test('reports overflow and raises nothing, unmasked though it is', () => {
    const code = bytesOf({ map: 6, pp: 2, opcode: 0xd6 });
    expect(run(code, 0, () => [0, 1].forEach((r) => setLane(r, 16, 0, 0x7bffn)))).toBe('28');
    expect(lane(2, 16, 0)).toBe(0x7c00n);
  });
});

describe('comparisons', () => {
  const HOLDS = ['e', 'l', 'le', 'u', 'lgu', 'geu', 'gu', 'lge', 'eu', 'lu', 'leu', '', 'lg', 'ge', 'g', 'lgeu'];
  const QUIETLY = new Set([0, 3, 4, 7, 8, 11, 12, 15, 17, 18, 21, 22, 25, 26, 29, 30]);
  conforms(
    'vcmpph',
    { map: 3, pp: 0, opcode: 0xc2 },
    { to: 1, from: 16, sae: true, imm: (n) => (n * 5 + 3) & 31 },
    (h, a, b, _d, imm) => {
      const order = h.order(Number(a), Number(b), !QUIETLY.has(imm));
      const letter = order === null ? 'u' : order < 0 ? 'l' : order > 0 ? 'g' : 'e';
      return HOLDS[imm & 15]!.includes(letter) ? 1n : 0n;
    },
  );
});

const integer = (w: number) => () =>
  random.below(3) ? random.u64() >> BigInt(64 - w + random.below(w)) : BigInt.asUintN(w, -BigInt(random.below(70_000)));
describe('integers', () => {
  for (const [name, w, to, tot, from, fromPp] of [
    ['dq', 32, [5, 1, 0x5b], [5, 2, 0x5b], [5, 0, 0x5b], 0],
    ['qq', 64, [5, 1, 0x7b], [5, 1, 0x7a], [5, 0, 0x5b], 1],
    ['w', 16, [5, 1, 0x7d], [5, 1, 0x7c], [5, 2, 0x7d], 0],
    ['udq', 32, [5, 0, 0x79], [5, 0, 0x78], [5, 3, 0x7a], 0],
    ['uqq', 64, [5, 1, 0x79], [5, 1, 0x78], [5, 3, 0x7a], 1],
    ['uw', 16, [5, 0, 0x7d], [5, 0, 0x7c], [5, 3, 0x7d], 0],
  ] as const) {
    const unsigned = name.startsWith('u');
    const [least, most] = unsigned
      ? [0n, (1n << BigInt(w)) - 1n]
      : [-(1n << BigInt(w - 1)), (1n << BigInt(w - 1)) - 1n];
    const other = unsigned ? most : least;
    for (const [t, [map, pp, opcode]] of [
      ['', to],
      ['t', tot],
    ] as const)
      conforms(`vcvt${t}ph2${name}`, { map, pp, opcode }, { to: w, from: 16, sae: t === 't' }, (h, _a, b) =>
        h.toInteger(Number(b), least, most, other, t === 't'),
      );
    const [map, pp, opcode] = from;
    conforms(
      `vcvt${name}2ph`,
      { map, pp, opcode, ...(fromPp ? { w: 1 } : {}) },
      { to: 16, from: w, draw: integer(w) },
      (h, _a, b) => BigInt(h.fromInteger(unsigned ? b : BigInt.asIntN(w, b))),
    );
  }
});

const view = new DataView(new ArrayBuffer(8));
function singleBits(x: number): bigint {
  view.setFloat32(0, x);
  return BigInt(view.getUint32(0));
}
function doubleBits(x: number): bigint {
  view.setFloat64(0, x);
  return view.getBigUint64(0);
}
/** A NaN of 16 bits, quiet, in a wider format. */
const widened = (h: bigint, fraction: number, w: number): bigint =>
  ((h >> 15n) << BigInt(w - 1)) |
  (((1n << BigInt(w - 1 - fraction)) - 1n) << BigInt(fraction)) |
  (((h & 0x3ffn) | 0x200n) << BigInt(fraction - 10));

describe('other formats', () => {
  for (const [name, w, fraction, set, code] of [
    ['vcvtph2psx', 32, 23, (x: number) => singleBits(x), { map: 6, pp: 1, opcode: 0x13 }],
    ['vcvtph2pd', 64, 52, (x: number) => doubleBits(x), { map: 5, pp: 0, opcode: 0x5a }],
  ] as const)
    conforms(name, code, { to: w, from: 16, sae: true }, (h, _a, b) => {
      const bits = Number(b);
      const nan = h.nan(bits);
      if (nan !== null) return widened(b, fraction, w);
      h.denormals(bits);
      return set(numberOf(bits));
    });

  // Close to numbers of 16 bits, so that roundings and their ties come up; no NaNs.
  const near = (): number => {
    const x =
      numberOf(half() & 0xfbff) *
      (1 + (random.below(5) - 2) * 2 ** -random.pick([11, 12, 20, 22])) *
      (random.below(8) ? 1 : 2 ** (random.below(60) - 30));
    return Number.isNaN(x) ? 1 : x;
  };
  conforms(
    'vcvtps2phx',
    { map: 5, pp: 1, opcode: 0x1d },
    { to: 16, from: 32, draw: () => singleBits(near()) },
    (h, _a, b) => {
      view.setUint32(0, Number(b));
      return BigInt(h.fromNumber(view.getFloat32(0), false));
    },
  );
  conforms(
    'vcvtpd2ph',
    { map: 5, pp: 1, opcode: 0x5a, w: 1 },
    { to: 16, from: 64, draw: () => doubleBits(near()) },
    (h, _a, b) => {
      view.setBigUint64(0, b);
      return BigInt(h.fromNumber(view.getFloat64(0), false));
    },
  );

  test('DAZ counts for singles, FTZ for no half', () => {
    const code = bytesOf({ map: 5, pp: 1, opcode: 0x1d });
    const narrowed = (mxcsr: number, single: bigint): [string, bigint] => {
      const ran = run(code, mxcsr, () => setLane(1, 32, 0, single));
      return [ran, lane(2, 16, 0)];
    };
    expect(narrowed(0x1f80, 1n)).toEqual(['1fb2', 0n]);
    expect(narrowed(0x1fc0, 1n)).toEqual(['1fc0', 0n]);
    expect(narrowed(0x9f80, 0x3380_0000n)).toEqual(['9f80', 1n]);
    expect(narrowed(0x1f80, 0x7f80_2000n)).toEqual(['1f81', 0x7e01n]);
  });
});

describe('of one operand, as the wider form has it', () => {
  for (const [stem, map, pp, opcode, wide, imms] of [
    ['getexp', 6, 1, 0x42, [2, 0x42], null],
    ['getmant', 3, 0, 0x26, [3, 0x26], [0, 1, 2, 3, 5, 10, 15]],
    ['rndscale', 3, 0, 0x08, [3, 0x08], [0, 1, 2, 3, 4, 0x30, 0xa1, 0x8b]],
    ['reduce', 3, 0, 0x56, [3, 0x56], [0, 1, 2, 3, 4, 0x30, 0xa1, 0x8b]],
  ] as const)
    test(`v${stem}ph`, () => {
      for (const imm of imms ?? [undefined]) {
        const halves = Array.from({ length: 16 }, half);
        const own = imm === undefined ? {} : { imm };
        const code = bytesOf({ map, pp, opcode, length: 1, ...own });
        expect(mnemonicOf(code)).toBe(`v${stem}ph`);
        const flags = run(code, DEFAULT, () => {
          for (const [i, h] of halves.entries()) setLane(1, 16, i, BigInt(h));
        });
        const found = Array.from({ length: 16 }, (_, i) => lane(2, 16, i));
        const wideCode = bytesOf({ map: wide[0], pp: 1, opcode: wide[1], ...own });
        const wideFlags = run(wideCode, DEFAULT, () => {
          for (const [i, h] of halves.entries()) {
            view.setFloat32(0, numberOf(h));
            const quiet = isNaN16(h) ? widened(BigInt(h), 23, 32) ^ (h & 0x200 ? 0n : 0x40_0000n) : null;
            setLane(1, 32, i, quiet ?? BigInt(view.getUint32(0)));
          }
        });
        const expected = halves.map((_, i) => {
          const wider = lane(2, 32, i);
          view.setUint32(0, Number(wider));
          const x = view.getFloat32(0);
          if (Number.isNaN(x)) return ((wider >> 16n) & 0x8000n) | 0x7c00n | ((wider >> 13n) & 0x3ffn);
          return BigInt(new Half(stem === 'reduce' ? ((imm! & 4 ? 0 : imm! & 3) as Mode) : 0).fromNumber(x, false));
        });
        expect(found.map((v, i) => `${halves[i]!.toString(16)}: ${v.toString(16)}`)).toEqual(
          expected.map((v, i) => `${halves[i]!.toString(16)}: ${v.toString(16)}`),
        );
        // A half that is denormal is none as a single.
        if (stem.startsWith('get')) {
          const denormal = halves.some(isDenormal) ? DE : 0;
          expect(Number.parseInt(flags, 16) & ~DE).toBe(Number.parseInt(wideFlags, 16));
          expect(Number.parseInt(flags, 16) & DE & ~denormal).toBe(0);
        }
      }
    });

  test.each([
    ['vrcpph', 0x4c, (x: number) => 1 / x],
    ['vrsqrtph', 0x4e, (x: number) => 1 / Math.sqrt(x)],
  ] as const)('%s is within 2^-11 + 2^-14', (name, opcode, exact) => {
    const code = bytesOf({ map: 6, pp: 1, opcode });
    expect(mnemonicOf(code)).toBe(name);
    for (let first = 0x400; first < 0x7c00; first += 0x200 + 32) {
      run(code, DEFAULT, () => {
        for (let i = 0; i < 32; i++) setLane(1, 16, i, BigInt(first + i));
      });
      for (let i = 0; i < 32 && first + i < 0x7400; i++) {
        const [is, should] = [numberOf(Number(lane(2, 16, i))), exact(numberOf(first + i))];
        expect(Math.abs(is / should - 1)).toBeLessThan(2 ** -11 + 2 ** -14);
      }
    }
    const ends = [0, 0x8000, 0x7c00, 0xfc00, 0x7c01, 0xfe00, 0x3c00, 0x4400, 1, 0x4000];
    expect(run(code, DEFAULT, () => ends.forEach((h, i) => setLane(1, 16, i, BigInt(h))))).toBe('1f80');
    const found = ends.map((_, i) => Number(lane(2, 16, i)).toString(16));
    const root = name === 'vrsqrtph';
    expect(found).toEqual([
      '7c00',
      'fc00',
      '0',
      root ? 'fe00' : '8000',
      '7e01',
      'fe00',
      '3c00',
      root ? '3800' : '3400',
      root ? '6c00' : '7c00',
      root ? '39a8' : '3800',
    ]);
  });
});

describe('scalars, masks and moves', () => {
  const start = (code: string, regs: readonly bigint[], k1 = 0n, mxcsr = DEFAULT): [string, string] => {
    const ran = run(Uint8Array.from(code.split(' ').map((b) => Number.parseInt(b, 16))), mxcsr, () => {
      regs.forEach((v, r) => setLane(r, 128, 0, v));
      cpu.setU64(opmaskAt(1), k1);
      cpu.setGpr(0, 0xffff_ffff_ffff_4400n);
    });
    return [ran, lane(2, 128, 0).toString(16)];
  };
  const A = 0x1111_2222_3333_4444_5555_6666_7777_3c00n;
  const B = 0x9999_aaaa_bbbb_cccc_dddd_eeee_8888_4000n;
  const D = 0x0707_0707_0707_0707_0707_0707_0707_4200n;
  test.each([
    ['62 f5 7e 08 58 d1', 'vaddsh xmm2,xmm0,xmm1', '1111222233334444555566667777' + '4200'],
    ['62 f5 7e 09 58 d1', 'vaddsh xmm2{k1},xmm0,xmm1', '1111222233334444555566667777' + '4200'],
    ['62 f5 7e 89 58 d1', 'vaddsh xmm2{k1}{z},xmm0,xmm1', '1111222233334444555566667777' + '0000'],
    ['62 f6 7d 08 99 d1', 'vfmadd132sh xmm2,xmm0,xmm1', '707070707070707070707070707' + '4700'],
    ['62 f5 7e 08 10 d1', 'vmovsh xmm2,xmm0,xmm1', '1111222233334444555566667777' + '4000'],
    ['62 f5 7d 08 6e d0', 'vmovw xmm2,eax', '4400'],
    ['62 f6 7e 08 d7 d1', 'vfmulcsh xmm2,xmm0,xmm1', null],
    ['62 f5 7e 08 2a d0', 'vcvtsi2sh xmm2,xmm0,eax', '1111222233334444555566667777' + 'f9e0'],
    ['62 f5 7c 08 1d d1', 'vcvtss2sh xmm2,xmm0,xmm1', null],
  ] as const)('%s %s', (code, text, expected) => {
    const [ran, value] = start(code, [A, B, D]);
    expect(mnemonicOf(Uint8Array.from(code.split(' ').map((b) => Number.parseInt(b, 16))))).toBe(text.split(' ')[0]);
    expect(ran).toMatch(/^1f/);
    if (expected !== null) expect(value).toBe(expected);
    else expect(value).toMatch(/^11112222333344445555666/);
  });

  test('an unmasked exception leaves the destination alone', () => {
    expect(start('62 f5 7e 08 5e d1', [A, 0n, D], 0n, DEFAULT & ~0x200)).toEqual(['vector 19', D.toString(16)]);
    // By its own control nothing is raised.
    expect(start('62 f5 7e 18 5e d1', [A, 0n, D], 0n, DEFAULT & ~0x200)[0]).toBe((DEFAULT & ~0x200).toString(16));
  });

  test.each([
    ['62 f5 7c 08 2e c1', 'vucomish', 0x3c00n, 0x4000n, 0x01, '1f80'],
    ['62 f5 7c 08 2e c1', 'vucomish', 0x4000n, 0x3c00n, 0x00, '1f80'],
    ['62 f5 7c 08 2e c1', 'vucomish', 0x8000n, 0n, 0x40, '1f80'],
    ['62 f5 7c 08 2e c1', 'vucomish', 0x7e00n, 0n, 0x45, '1f80'],
    ['62 f5 7c 08 2f c1', 'vcomish', 0x7e00n, 0n, 0x45, '1f81'],
    ['62 f5 7c 08 2f c1', 'vcomish', 1n, 0n, 0x00, '1f82'],
  ] as const)('%s %s %i %i', (code, name, a, b, flags, mxcsr) => {
    expect(mnemonicOf(Uint8Array.from(code.split(' ').map((x) => Number.parseInt(x, 16))))).toBe(name);
    expect(start(code, [a, b])[0]).toBe(mxcsr);
    expect(cpu.rflags & 0x8d5).toBe(flags);
  });

  test('vcvtsh2si, vcvttsh2usi and vmovw write general registers', () => {
    const to = (code: string, h: bigint): string => {
      start(code, [0n, h]);
      return cpu.gpr(2).toString(16);
    };
    expect(to('62 f5 7e 08 2d d1', 0xc100n)).toBe('fffffffe');
    expect(to('62 f5 fe 08 2d d1', 0xc100n)).toBe('fffffffffffffffe');
    expect(to('62 f5 7e 08 78 d1', 0xc100n)).toBe('ffffffff');
    expect(to('62 f5 7e 08 78 d1', 0x7bffn)).toBe('ffe0');
    expect(to('62 f5 7d 08 7e ca', 0x1234_7bffn)).toBe('7bff');
  });

  test('vrndscaleph reports underflow of what is tiny and inexact', () => {
    const code = bytesOf({ map: 3, pp: 0, opcode: 0x08, imm: 0xf0 });
    const scaled = (h: bigint): [string, bigint] => [run(code, DEFAULT, () => setLane(1, 16, 0, h)), lane(2, 16, 0)];
    expect(scaled(0x0280n)).toEqual(['1fb0', 0x0200n]);
    expect(scaled(0x0200n)).toEqual(['1f80', 0x0200n]);
    expect(scaled(0x0040n)).toEqual(['1fa0', 0n]);
  });

  test('vfpclassph', () => {
    const code = bytesOf({ map: 3, pp: 0, opcode: 0x66, imm: 0 });
    const halves = [0x7e00, 0, 0x8000, 0x7c00, 0xfc00, 1, 0xbc00, 0x7c01];
    for (const [bit, members] of [[0x7e00], [0], [0x8000], [0x7c00], [0xfc00], [1], [0xbc00], [0x7c01]].entries()) {
      const with_ = Uint8Array.from([...code.subarray(0, 6), 1 << bit]);
      run(with_, 0x1fc0, () => halves.forEach((h, i) => setLane(1, 16, i, BigInt(h))));
      const found = halves.filter((_, i) => (cpu.u64(opmaskAt(2)) >> BigInt(i)) & 1n);
      expect(found).toEqual(members);
    }
  });

  test('complex ones need a destination of their own', () => {
    expect(mnemonicOf(Uint8Array.of(0x62, 0xf6, 0x7e, 0x08, 0xd6, 0xc1))).toBe('invalid');
  });
});
