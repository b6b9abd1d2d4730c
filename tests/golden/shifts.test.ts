import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Random } from '../../src/bits/random.ts';
import { FLAG } from '../../src/state/rflags.ts';
import { type Engine, run } from './on-engine.ts';

const lines = (name: string): string[] =>
  readFileSync(new URL(name, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n');

/**
 * The lines count in how many of thousands of random vectors a rule held. Which vectors those were is not known, so what is
 * reproduced is what a count says: in all of them, in none, in some.
 */
type Held = 'all' | 'none' | 'some';
const held = (count: number, of: number): Held => (count === of ? 'all' : count === 0 ? 'none' : 'some');

const VECTORS = 300;
const SEED = 0x90;
const RFLAGS = 0x202;
const ARITHMETIC = FLAG.CF | FLAG.PF | FLAG.AF | FLAG.ZF | FLAG.SF | FLAG.OF;
const RAX = 0;
const RCX = 1;

const bit = (value: bigint, n: number): number => Number((value >> BigInt(n)) & 1n);
/** PF of a value: its low byte has an even number of ones. */
const parity = (value: bigint): number => ([...(value & 0xffn).toString(2)].filter((c) => c === '1').length + 1) & 1;
const cut = (value: bigint, w: number): bigint => BigInt.asUintN(w, value);

interface Vector {
  readonly rax: bigint;
  readonly rcx: bigint;
  readonly rflags: number;
}
interface Outcome extends Vector {
  readonly result: bigint;
  readonly flags: number;
}

function outcome(engine: Engine, bytes: string, { rax, rcx, rflags }: Vector): Outcome {
  const gpr = new Array<bigint>(16).fill(0n);
  gpr[RAX] = rax;
  gpr[RCX] = rcx;
  const { cpu } = run(engine, bytes, { gpr, rflags });
  return { rax, rcx, rflags, result: cpu.gpr(RAX), flags: cpu.rflags & ARITHMETIC };
}

function vectors(draw: (random: Random) => { rax: bigint; rcx: bigint }, count = VECTORS): Vector[] {
  const random = new Random(SEED);
  return Array.from({ length: count }, () => ({ ...draw(random), rflags: RFLAGS | (random.u32() & ARITHMETIC) }));
}

/** How often each rule held. */
const counts = (
  outcomes: readonly Outcome[],
  rules: Readonly<Record<string, (o: Outcome) => boolean>>,
): Record<string, Held> =>
  Object.fromEntries(
    Object.entries(rules).map(([name, rule]) => [name, held(outcomes.filter(rule).length, outcomes.length)]),
  );

const pf = (o: Outcome): number => (o.flags & FLAG.PF ? 1 : 0);
const of = (o: Outcome): number => (o.flags & FLAG.OF ? 1 : 0);
const cf = (o: Outcome): number => (o.flags & FLAG.CF ? 1 : 0);

/** Some sources have few bits, so that every index comes up. */
const scanned = (random: Random, w: number): bigint => cut(random.u64() >> BigInt(random.below(w)), w) || 1n;

const SCANS: Readonly<Record<string, readonly [bytes: string, w: 32 | 64]>> = {
  bsf64: ['48 0f bc c1', 64],
  bsr64: ['48 0f bd c1', 64],
  bsr32: ['0f bd c1', 32],
};

/** `bsf64 src!=0: PF==par(idx) 100000 PF==1 57064 par(dst) 51108 0 42936 of 100000`. */
function scan(engine: Engine, line: string): [got: object, want: object] {
  const [, name, zero, ...numbers] =
    /^(\w+) src(!=|==)0: PF==par\(idx\) (\d+) PF==1 (\d+) par\(dst\) (\d+) 0 (\d+) of (\d+)$/.exec(line)!;
  const [bytes, w] = SCANS[name!]!;
  const [index, one, destination, none, all] = numbers.map(Number) as [number, number, number, number, number];
  const done = vectors((random) => ({ rax: random.u64(), rcx: zero === '==' ? 0n : scanned(random, w) })).map((v) =>
    outcome(engine, bytes, v),
  );
  return [
    counts(done, {
      'PF==par(idx)': (o) => pf(o) === parity(o.result),
      'PF==1': (o) => pf(o) === 1,
      'par(dst)': (o) => pf(o) === parity(o.rax),
      'PF==0': (o) => pf(o) === 0,
    }),
    {
      'PF==par(idx)': held(index, all),
      'PF==1': held(one, all),
      'par(dst)': held(destination, all),
      'PF==0': held(none, all),
    },
  ];
}

interface Double {
  readonly left: boolean;
  readonly w: 16 | 32 | 64;
  readonly bytes: string;
}

/** SHLD and SHRD of RAX from RDX by CL; RDX is RAX turned around, so that a vector has two numbers. */
const doubleShift = (name: string): Double => {
  const left = name.startsWith('shld');
  const w = Number(name.slice(4)) as 16 | 32 | 64;
  const prefix = w === 64 ? '48 ' : w === 16 ? '66 ' : '';
  return { left, w, bytes: `48 89 c2 48 f7 d2 48 0f ca ${prefix}0f ${left ? 'a5' : 'ad'} d0` };
};
const swapped = (value: bigint): bigint => {
  let out = 0n;
  for (let n = 0n; n < 64n; n += 8n) out = (out << 8n) | ((cut(~value, 64) >> n) & 0xffn);
  return out;
};

/** Rules of one line of `bsf_shld.txt` about a double shift, as the machine keeps them. */
function doubled(engine: Engine, line: string): [got: object, want: object] {
  const name = line.split(' ')[0]!;
  const { left, w, bytes } = doubleShift(name);
  const masked = (o: Outcome): number => Number(o.rcx & (w === 64 ? 63n : 31n));
  const dst = (o: Outcome): bigint => cut(o.rax, w);
  const src = (o: Outcome): bigint => cut(swapped(o.rax), w);
  const res = (o: Outcome): bigint => cut(o.result, w);
  // NOT and BSWAP before it leave the flags alone; the count is never zero, which would leave them all.
  const all = vectors((random) => ({
    rax: random.u64(),
    rcx: BigInt(1 + random.below(w === 64 ? 63 : 31)),
  })).map((v) => outcome(engine, bytes, v));
  const within = all.filter((o) => masked(o) <= w);
  const many = within.filter((o) => masked(o) > 1);
  const beyond = all.filter((o) => masked(o) > w);
  const shifted = (o: Outcome): bigint => {
    const [c, size] = [BigInt(masked(o)), BigInt(w)];
    return cut(left ? (dst(o) << c) | (src(o) >> (size - c)) : (dst(o) >> c) | (src(o) << (size - c)), w);
  };
  const turned = (o: Outcome, from: bigint): bigint => {
    const k = BigInt(masked(o) - w);
    const size = BigInt(w);
    return cut(left ? (src(o) << k) | (from >> (size - k)) : (src(o) >> k) | (from << (size - k)), w);
  };
  const lastOut = (o: Outcome): number => bit(dst(o), left ? w - masked(o) : masked(o) - 1);
  const wrong = (rule: (o: Outcome) => boolean, of = within): number => of.filter((o) => !rule(o)).length;
  const m = (value: bigint): number => bit(value, w - 1);
  const number = (pattern: RegExp): number => Number(pattern.exec(line)![1]);
  const c1 = number(/c>1 n=(\d+)/);
  const cw = number(/c>w n=(\d+)/);
  return [
    {
      'rules broken': {
        val: wrong((o) => res(o) === shifted(o)),
        CF: wrong((o) => cf(o) === lastOut(o)),
        ZF: wrong((o) => ((o.flags & FLAG.ZF) !== 0) === (res(o) === 0n)),
        SF: wrong((o) => ((o.flags & FLAG.SF) !== 0) === (m(res(o)) === 1)),
        PF: wrong((o) => pf(o) === parity(res(o))),
        AF: all.filter((o) => o.flags & FLAG.AF).length,
        'OF(c=1)': wrong(
          (o) => of(o) === (m(dst(o)) ^ m(res(o))),
          within.filter((o) => masked(o) === 1),
        ),
      },
      'c>1': counts(many, {
        zero: (o) => of(o) === 0,
        'm^m1': (o) => of(o) === (m(dst(o)) ^ bit(dst(o), w - 2)),
        'm^res': (o) => of(o) === (m(dst(o)) ^ m(res(o))),
        'res^CF': (o) => of(o) === (m(res(o)) ^ cf(o)),
        'm^s0': (o) => of(o) === (m(dst(o)) ^ bit(src(o), 0)),
        unch: (o) => of(o) === (o.rflags & FLAG.OF ? 1 : 0),
      }),
      ...(w !== 16
        ? {}
        : {
            'c>w': counts(beyond, {
              'wrap(dst)': (o) => res(o) === turned(o, dst(o)),
              'wrap(src)': (o) => res(o) === turned(o, src(o)),
              ZFok: (o) => ((o.flags & FLAG.ZF) !== 0) === (res(o) === 0n),
              AF0: (o) => (o.flags & FLAG.AF) === 0,
            }),
          }),
    },
    {
      'rules broken': { val: 0, CF: 0, ZF: 0, SF: 0, PF: 0, AF: number(/AF=1:(\d+)/), 'OF(c=1)': 0 },
      'c>1': Object.fromEntries(
        ['zero', 'm^m1', 'm^res', 'res^CF', 'm^s0', 'unch'].map((rule) => [
          rule,
          held(number(new RegExp(`[: ]${rule.replace('^', '\\^')} (\\d+)`)), c1),
        ]),
      ),
      ...(w !== 16
        ? {}
        : {
            'c>w': {
              'wrap(dst)': held(number(/wrap\(dst\) (\d+)/), cw),
              'wrap(src)': held(number(/wrap\(src\) (\d+)/), cw),
              ZFok: held(number(/ZFok (\d+)/), cw),
              AF0: held(number(/AF0 (\d+)/), cw),
            },
          }),
    },
  ];
}

const ROTATES: Readonly<Record<string, readonly [bytes: string, w: 8 | 16]>> = {
  rcl8: ['d2 d0', 8],
  rcl16: ['66 d3 d0', 16],
  rcr8: ['d2 d8', 8],
  rcr16: ['66 d3 d8', 16],
};

/** `rcl8 k==0: n=28105 OFunch=28105 CFunch=28105 val=28105`: counts that are a multiple of the rotation's length change nothing. */
function rotated(engine: Engine, line: string): [got: object, want: object] {
  const [, name, ...numbers] = /^(\w+) k==0: n=(\d+) OFunch=(\d+) CFunch=(\d+) val=(\d+)$/.exec(line)!;
  const [bytes, w] = ROTATES[name!]!;
  const [n, o, c, v] = numbers.map(Number) as [number, number, number, number];
  const turns = Math.floor(31 / (w + 1));
  const done = vectors((random) => ({ rax: random.u64(), rcx: BigInt((w + 1) * (1 + random.below(turns))) }), 100).map(
    (x) => outcome(engine, bytes, x),
  );
  return [
    counts(done, {
      OF: (x) => (x.flags & FLAG.OF) === (x.rflags & FLAG.OF),
      CF: (x) => (x.flags & FLAG.CF) === (x.rflags & FLAG.CF),
      val: (x) => x.result === x.rax,
    }),
    { OF: held(o, n), CF: held(c, n), val: held(v, n) },
  ];
}

describe.each(['interpreter', 'jit'] as const)('%s', (engine) => {
  const table = lines('bsf_shld.txt');
  test.each(table.filter((line) => line.includes(' src')))('%s', (line) => {
    const [got, want] = scan(engine, line);
    expect(got).toEqual(want);
  });
  test.each(table.filter((line) => line.startsWith('  s=')))('bsr32 %s', (line) => {
    const [, s, index, parityFlag] = /s=(\w+) idx=(\d+) PF=(\d)/.exec(line)!;
    const done = outcome(engine, SCANS['bsr32']![0], { rax: 0n, rcx: BigInt(`0x${s}`), rflags: RFLAGS });
    expect([done.result, pf(done)]).toEqual([BigInt(index!), Number(parityFlag)]);
  });
  test.each(table.filter((line) => line.startsWith('sh')))('%s', (line) => {
    const [got, want] = doubled(engine, line);
    expect(got).toEqual(want);
  });
  const [smc, ...rotates] = lines('rcl_smc.txt').reverse();
  test.each(rotates)('%s', (line) => {
    const [got, want] = rotated(engine, line);
    expect(got).toEqual(want);
  });
  test(smc!, () => {
    // movb $0x41 into the immediate of the MOV EAX, imm32 right behind it.
    const { cpu } = run(engine, 'c6 05 01 00 00 00 41 b8 00 00 00 00');
    expect(`SMC next-insn immediate: ${cpu.gpr(RAX).toString(16)}`).toBe(smc);
  });
});
