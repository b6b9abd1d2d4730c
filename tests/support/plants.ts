import { ROWS, type RowName } from '../../src/ir/builder.ts';
import type { FlagName, Val } from '../../src/ir/nodes.ts';
import '../../src/semantics/index.ts';
import { type Definition, type Instruction, instructionNamed } from '../../src/semantics/define.ts';
import { addFlags } from '../../src/semantics/flags.ts';
import { type Helper, type HelperContext, helperNamed } from '../../src/semantics/helpers/helper.ts';
import { type Lift, RAX, RBP, RDI, RSI, RSP } from '../../src/semantics/lift.ts';
import type { Op } from '../../src/semantics/operands.ts';
import { FP_RAISED } from '../../src/state/layout.ts';

/** A wrong row, definition or helper in the place of the right one: what a fuzzer must find. */
export interface Plant {
  readonly kind: 'flag' | 'lane' | 'rounding' | 'fault order' | 'width';
  readonly what: string;
  /** Mnemonics that a finding of it may blame. */
  readonly blames: RegExp;
  /** Puts it in place; the result takes it away again. */
  readonly apply: () => () => void;
}

export type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Another meaning for a mnemonic, made from the right one. */
export function redefine(mnemonic: string, wrong: (right: Definition) => Definition): () => () => void {
  return () => {
    const instruction = instructionNamed(mnemonic) as Writable<Instruction>;
    const right = instruction.define;
    instruction.define = wrong(right);
    return () => {
      instruction.define = right;
    };
  };
}

function reevaluate(name: RowName, wrong: (result: bigint, args: readonly bigint[]) => bigint): () => () => void {
  return () => {
    const row = ROWS[name] as Writable<{ eval: (w: number, args: readonly bigint[], to: number) => bigint }>;
    const right = row.eval;
    row.eval = (w, args, to) => wrong(right(w, args, to), args);
    return () => {
      row.eval = right;
    };
  };
}

export function rehelp(name: string, wrong: (right: Helper['run']) => Helper['run']): () => () => void {
  return () => {
    const helper = helperNamed(name) as Writable<Helper>;
    const right = helper.run;
    helper.run = wrong(right);
    return () => {
      helper.run = right;
    };
  };
}

export const plant = (kind: Plant['kind'], what: string, blames: string, apply: Plant['apply']): Plant => ({
  kind,
  what,
  blames: new RegExp(`^(evex\\.)?v?(${blames})$`),
  apply,
});

/** A flag that gets another value than the definition gives it; `old` is what it was before. */
const flag = (mnemonic: string, name: FlagName, what: string, value: (x: Lift, old: Val) => Val): Plant =>
  plant(
    'flag',
    `${mnemonic}: ${name.toUpperCase()} ${what}`,
    mnemonic,
    redefine(mnemonic, (right) => (x, ...operands) => {
      const old = x.flag(name);
      right(x, ...operands);
      x.setFlags({ [name]: value(x, old) });
    }),
  );

const cleared = (x: Lift): Val => x.constant(0, 1);
const inverted =
  (name: FlagName) =>
  (x: Lift): Val =>
    x.b.xor(x.flag(name), x.constant(1, 1));
const kept = (_: Lift, old: Val): Val => old;

/** One lane of a vector row keeps what the first source has there. */
const lane = (row: RowName, width: number, n: number, blames: string): Plant => {
  const bits = ((1n << BigInt(width)) - 1n) << BigInt(width * n);
  return plant(
    'lane',
    `${row}: lane ${n} is left alone`,
    blames,
    reevaluate(row, (result, [a]) => (result & ~bits) | (a! & bits)),
  );
};

/** Bits of MXCSR that a helper does not see. */
export const blind = (helper: string, bits: number, what: string, blames: string): Plant =>
  plant(
    'rounding',
    `${helper}: ${what}`,
    blames,
    rehelp(helper, (right) => (c: HelperContext, ...args: bigint[]) => {
      const { cpu } = c;
      const seen = cpu.mxcsr & bits;
      cpu.mxcsr &= ~bits;
      const result = right(c, ...args);
      cpu.mxcsr |= seen;
      return result;
    }),
  );
export const ROUNDING = 0x6000;
const OE = 8;
const DAZ = 0x40;
const FTZ = 0x8000;

export const definition = (
  kind: Plant['kind'],
  mnemonic: string,
  what: string,
  wrong: (right: Definition) => Definition,
): Plant => plant(kind, `${mnemonic}: ${what}`, mnemonic, redefine(mnemonic, wrong));

export const PLANTS: readonly Plant[] = [
  flag('adc', 'af', 'is always clear', cleared),
  flag('sbb', 'of', 'is always clear', cleared),
  flag('inc', 'cf', 'is cleared instead of kept', cleared),
  flag('dec', 'af', 'is inverted', inverted('af')),
  flag('neg', 'cf', 'is inverted', inverted('cf')),
  flag('shl', 'cf', 'is cleared, also by a count of zero', cleared),
  flag('cmpxchg', 'af', 'is kept', kept),
  flag('popcnt', 'cf', 'is kept', kept),
  flag('bt', 'zf', 'is cleared instead of kept', cleared),
  flag('blsr', 'cf', 'is inverted', inverted('cf')),
  flag('ucomisd', 'pf', 'does not tell NaNs', cleared),
  flag('imul', 'of', 'is always clear', cleared),

  lane('i8x16_add', 8, 11, 'paddb'),
  lane('i32x4_sub', 32, 3, 'psubd'),
  lane('i16x8_mulh_s', 16, 5, 'pmulhw'),
  lane('i8x16_max_u', 8, 15, 'pmaxub'),
  lane('i16x8_shl', 16, 2, 'psllw'),
  lane('i8x16_avg_u', 8, 7, 'pavgb'),
  lane('i64x2_mul_even_u', 64, 1, 'pmuludq'),
  lane('i8x16_narrow_u', 8, 8, 'packuswb'),

  blind('f64.add', ROUNDING, 'always rounds to nearest', 'addsd|addpd|haddpd|addsubpd'),
  blind('f64.div', ROUNDING, 'always rounds to nearest', 'div[sp]d'),
  blind('f32.mul', FTZ, 'does not flush to zero', 'mul[sp]s|dpps'),
  blind('f32.sub', DAZ, 'takes denormals as they are', 'sub[sp]s|hsubps|addsubps'),
  blind('f64.sqrt', ROUNDING, 'always rounds to nearest', 'sqrt[sp]d'),
  plant(
    'rounding',
    'f64.mul: overflow is not reported',
    'mul[sp]d|dppd',
    rehelp('f64.mul', (right) => (c, ...args) => {
      const result = right(c, ...args);
      const { view } = c.cpu;
      view.setUint32(FP_RAISED, view.getUint32(FP_RAISED, true) & ~OE, true);
      return result;
    }),
  ),

  definition('fault order', 'push', 'RSP moves before the store', () => (x, src) => {
    const value = x.read(src!);
    const top = x.b.sub(x.b.get(RSP, 64), x.constant(value.w / 8, 64));
    x.b.put(RSP, top);
    x.b.store(top, value, 'stack');
  }),
  definition('fault order', 'leave', 'RSP moves before the load', (right) => (x) => {
    x.b.put(RSP, x.b.get(RBP, 64));
    right(x);
  }),
  definition(
    'fault order',
    'stos',
    'RDI moves before the store',
    () => (x) =>
      x.repeated(() => {
        const to = x.stringAddress(RDI, false);
        x.stringAdvance(RDI, x.insn.width);
        x.b.store(to, x.b.get(RAX, x.insn.width as 64), 'general');
        return null;
      }),
  ),
  definition('fault order', 'xadd', 'the source is written before the destination', () => (x, dst, src) => {
    const [a, b] = [x.read(dst!), x.read(src!)];
    const sum = x.b.add(a, b);
    x.write(src!, a);
    x.write(dst!, sum);
    addFlags(x, a, b, sum, false);
  }),
  definition('fault order', 'movaps', 'alignment is not checked', () => (x, dst, src) => x.write(dst!, x.read(src!))),
  definition('fault order', 'pop', 'RSP moves before the load', (right) => (x, dst) => {
    if (dst!.kind !== 'reg' || dst!.file !== 'gpr') return right(x, dst!);
    const top = x.b.get(RSP, 64);
    x.b.put(RSP, x.b.add(top, x.constant(dst!.w / 8, 64)));
    x.write(dst!, x.b.load(top, dst!.w as 64, 'stack'));
  }),
  definition(
    'fault order',
    'movs',
    'both pointers move before the store',
    () => (x) =>
      x.repeated(() => {
        const { width } = x.insn;
        const value = x.load(x.stringAddress(RSI, true), width);
        const to = x.stringAddress(RDI, false);
        x.stringAdvance(RSI, width);
        x.stringAdvance(RDI, width);
        x.b.store(to, value, 'general');
        return null;
      }),
  ),

  definition('width', 'movzx', 'a 32-bit result leaves the upper half alone', () => (x, dst, src) => {
    const value = x.b.zext(x.read(src!), dst!.w);
    if (dst!.kind === 'reg') x.writePlace(dst!.place, value, false);
  }),
  definition(
    'width',
    'movsx',
    'takes zeros instead of signs',
    () => (x, dst, src) => x.write(dst!, x.b.zext(x.read(src!), dst!.w)),
  ),
  definition('width', 'bswap', 'a 32-bit result leaves the upper half alone', (right) => (x, dst) => {
    if (dst!.kind === 'reg' && dst!.w === 32) x.writePlace(dst!.place, x.b.bswap(x.read(dst!)), false);
    else right(x, dst!);
  }),
  definition(
    'width',
    'lea',
    'a 32-bit address is not cut',
    (right) => (x, dst, src) => right(x, dst!, { ...src!, address32: false } as Op),
  ),
  definition('width', 'shr', 'counts of 64-bit operands are masked to 5 bits', (right) => (x, dst, by) => {
    if (dst!.w !== 64 || by!.kind !== 'reg') return right(x, dst!, by!);
    const count = x.read(by!);
    x.b.put(by!.place, x.b.and(count, x.constant(31, count.w)));
    right(x, dst!, by!);
    x.b.put(by!.place, count);
  }),
  definition('width', 'bsf', 'a source of zero clears the destination', (right) => (x, dst, src) => {
    right(x, dst!, src!);
    const empty = x.flag('zf');
    x.write(dst!, x.b.select(empty, x.constant(0, dst!.w), x.read(dst!)));
  }),
  definition('width', 'cwde', 'extends from 8 bits', () => (x) => x.writePlace(RAX, x.b.sext(x.b.get(RAX, 8), 32))),
];
