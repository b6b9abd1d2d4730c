import { describe, expect, test } from 'vitest';
import { Random } from '../../../src/bits/random.ts';
import { decode } from '../../../src/decode/decode.ts';
import { ENGINE_NAMES } from '../../../src/exec/engine.ts';
import { DATA } from '../../../src/oracle/layout.ts';
import { available, hostFeatures, NativeOracle } from '../../../src/oracle/native.ts';
import { Sandbox } from '../../../src/oracle/sandbox.ts';

/** Products and conversions of AVX-VNNI-INT8, -INT16, AVX-IFMA and AVX-NE-CONVERT in VEX form, by what the manual says in integers. */

const NONE = 0;
const P66 = 1;
const F3 = 2;
const F2 = 3;
const PRODUCTS = [
  ['vpdpbssd', F2, 0x50, 8, true, true],
  ['vpdpbsud', F3, 0x50, 8, true, false],
  ['vpdpbuud', NONE, 0x50, 8, false, false],
  ['vpdpwsud', F3, 0xd2, 16, true, false],
  ['vpdpwusd', P66, 0xd2, 16, false, true],
  ['vpdpwuud', NONE, 0xd2, 16, false, false],
  ['vpdpbusd', P66, 0x50, 8, false, true],
  ['vpdpwssd', P66, 0x52, 16, true, true],
] as const;

const random = new Random(8);
const CORNERS = [0n, 0x7f7f_7f7fn, 0x8080_8080n, 0xffff_ffffn, 0x7fff_ffffn, 0x8000_8000n, 0x7fff_7fffn, 0x8000_0000n];
const doubleword = (): bigint => (random.below(2) ? random.pick(CORNERS) : BigInt(random.u32()));
const vector = (): bigint => Array.from({ length: 8 }, doubleword).reduce((v, lane) => (v << 32n) | lane, 0n);
const lanes = (v: bigint, w: number, n: number): bigint[] =>
  Array.from({ length: n }, (_, i) => BigInt.asUintN(w, v >> BigInt(w * i)));
const join = (values: readonly bigint[], w: number): bigint =>
  values.reduce((all, v, i) => all | (BigInt.asUintN(w, v) << BigInt(w * i)), 0n);

const caseOf = (code: Uint8Array, values: readonly bigint[]) => ({
  code,
  gpr: new Array<bigint>(16).fill(0n),
  xmm: values.map((v) => BigInt.asUintN(128, v)),
  ymmHigh: values.map((v) => v >> 128n),
});

describe.each(ENGINE_NAMES)('%s', (engine) => {
  const sandbox = new Sandbox(engine, 1);
  function run(code: readonly number[], name: string, values: readonly bigint[]): bigint {
    const bytes = Uint8Array.from(code);
    const insn = decode(Uint8Array.from([...bytes, ...new Uint8Array(8)]));
    expect(typeof insn === 'string' ? insn : insn.mnemonic).toBe(name);
    expect(sandbox.run(caseOf(bytes, values), 10).kind).toBe('normal');
    return sandbox.machine.cpu.xmm(0) | (sandbox.machine.cpu.ymmHigh(0) << 128n);
  }

  for (const [name, pp, opcode, w, first, second] of PRODUCTS)
    for (const saturates of [false, true])
      test(name + (saturates ? 's' : ''), () => {
        const number = (v: bigint, signed: boolean): bigint => (signed ? BigInt.asIntN(w, v) : v);
        const signed = first || second;
        const [least, most] = signed ? [-(1n << 31n), (1n << 31n) - 1n] : [0n, (1n << 32n) - 1n];
        for (let n = 0; n < 20; n++) {
          const [d, a, b] = [vector(), vector(), vector()];
          const long = n % 2;
          const width = long ? 8 : 4;
          const expected = lanes(d, 32, width).map((start, i) => {
            const [p, q] = [a, b].map((v) => lanes(lanes(v, 32, 8)[i]!, w, 32 / w)) as [bigint[], bigint[]];
            const sum = p.reduce(
              (s, v, j) => s + number(v, first) * number(q[j]!, second),
              signed ? BigInt.asIntN(32, start) : start,
            );
            return !saturates ? sum : sum > most ? most : sum < least ? least : sum;
          });
          const code = [0xc4, 0xe2, 0x70 | (long ? 4 : 0) | pp, opcode + (saturates ? 1 : 0), 0xc2];
          expect(run(code, name + (saturates ? 's' : ''), [d, a, b]).toString(16)).toBe(
            join(expected, 32).toString(16),
          );
        }
      });

  test.each([
    ['vpmadd52luq', 0xb4, 0n],
    ['vpmadd52huq', 0xb5, 52n],
  ] as const)('%s', (name, opcode, shift) => {
    for (let n = 0; n < 20; n++) {
      const [d, a, b] = [vector(), vector(), vector()];
      const [p, q] = [a, b].map((v) => lanes(v, 64, 4).map((lane) => BigInt.asUintN(52, lane))) as [bigint[], bigint[]];
      const expected = lanes(d, 64, 4).map((lane, i) => lane + BigInt.asUintN(52, (p[i]! * q[i]!) >> shift));
      expect(run([0xc4, 0xe2, 0xf5, opcode, 0xc2], name, [d, a, b])).toBe(join(expected, 64));
    }
  });

  test('halves as singles, without exceptions: denormals count, a signalling NaN becomes quiet', () => {
    const { cpu } = sandbox.machine;
    const halves = [0x3c00, 0x0001, 0xfc00, 0x7c01, 0xc100, 0x8000, 0x7bff, 0x03ff];
    const singles = [
      0x3f80_0000n,
      0x3380_0000n,
      0xff80_0000n,
      0x7fc0_2000n,
      0xc020_0000n,
      0x8000_0000n,
      0x477f_e000n,
      0x387f_c000n,
    ];
    const memory = [{ address: 0x10_0000n, bytes: new Uint8Array(Uint16Array.from(halves).buffer) }];
    for (const [name, code, expected] of [
      ['vcvtneeph2ps', [0xc4, 0xe2, 0x79, 0xb0, 0x00], singles.filter((_, i) => i % 2 === 0)],
      ['vcvtneoph2ps', [0xc4, 0xe2, 0x78, 0xb0, 0x00], singles.filter((_, i) => i % 2 === 1)],
      [
        'vcvtneebf162ps',
        [0xc4, 0xe2, 0x7a, 0xb0, 0x00],
        halves.filter((_, i) => i % 2 === 0).map((h) => BigInt(h) << 16n),
      ],
      [
        'vcvtneobf162ps',
        [0xc4, 0xe2, 0x7b, 0xb0, 0x00],
        halves.filter((_, i) => i % 2 === 1).map((h) => BigInt(h) << 16n),
      ],
      ['vbcstnesh2ps', [0xc4, 0xe2, 0x7d, 0xb1, 0x00], new Array<bigint>(8).fill(singles[0]!)],
      ['vbcstnebf162ps', [0xc4, 0xe2, 0x7e, 0xb1, 0x00], new Array<bigint>(8).fill(0x3c00_0000n)],
    ] as const) {
      const address = DATA.base + 0x200n;
      const bytes = Uint8Array.from(code);
      const insn = decode(Uint8Array.from([...bytes, ...new Uint8Array(8)]));
      expect(typeof insn === 'string' ? insn : insn.mnemonic).toBe(name);
      const c = { ...caseOf(bytes, [0n]), memory: [{ ...memory[0]!, address }], mxcsr: 0x8040 };
      expect(sandbox.run({ ...c, gpr: [address, ...c.gpr.slice(1)] }, 10).kind).toBe('normal');
      expect(cpu.xmm(0) | (cpu.ymmHigh(0) << 128n)).toBe(join(expected, 32));
      expect(cpu.mxcsr).toBe(0x8040);
    }
  });

  test('vcvtneps2bf16', () => {
    const singles = [
      0x3f80_8000n,
      0x3f81_8000n,
      0x3f80_8001n,
      0x7f80_0001n,
      0x0000_8000n,
      0xff7f_ffffn,
      0x3f80_7fffn,
      0x8000_0001n,
    ];
    const found = run([0xc4, 0xe2, 0x7e, 0x72, 0xc1], 'vcvtneps2bf16', [0n, join(singles, 32)]);
    expect(lanes(found, 16, 8).map((v) => v.toString(16))).toEqual([
      '3f80',
      '3f82',
      '3f81',
      '7fc0',
      '0',
      'ff80',
      '3f80',
      '8000',
    ]);
    expect(found >> 128n).toBe(0n);
  });
});

const lacking =
  available() ??
  (['AVX512_VNNI', 'AVX512_IFMA', 'AVX512VL'].every((f) => hostFeatures().has(f)) ? null : 'no AVX-512 here');
test.skipIf(lacking !== null)(
  `the VEX form does what the EVEX form does on the host CPU${lacking === null ? '' : `: ${lacking}`}`,
  () => {
    const sandbox = new Sandbox('interpreter');
    const oracle = new NativeOracle();
    try {
      for (const [opcode, w] of [
        [0xb4, 0x80],
        [0xb5, 0x80],
        [0x50, 0],
        [0x51, 0],
        [0x52, 0],
        [0x53, 0],
      ] as const) {
        const values = Array.from({ length: 100 }, () => [vector(), vector(), vector()]);
        const evex = Uint8Array.of(0x62, 0xf2, 0x75 | w, 0x28, opcode, 0xc2);
        const vex = Uint8Array.of(0xc4, 0xe2, 0x75 | w, opcode, 0xc2);
        const answers = oracle.run(values.map((v) => caseOf(evex, v)));
        for (const [i, answer] of answers.entries()) {
          sandbox.run(caseOf(vex, values[i]!), 10);
          const { cpu } = sandbox.machine;
          expect([cpu.xmm(0), cpu.ymmHigh(0)]).toEqual([answer.xmm(0), answer.ymmHigh(0)]);
        }
      }
    } finally {
      oracle.close();
    }
  },
);
