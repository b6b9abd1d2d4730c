import type { Val } from '../ir/nodes.ts';
import { define } from './define.ts';
import { resultFlags } from './flags.ts';
import type { Flags, Lift } from './lift.ts';
import type { Op } from './operands.ts';

/** The count as the CPU masks it (5 bits, 6 with REX.W), `w` bits wide, and whether it is other than zero. */
function maskedCount(x: Lift, op: Op, w: number): { count: Val; some: Val } {
  const k = x.b;
  const count = k.and(x.read(op, 8), x.constant(w === 64 ? 63 : 31, 8));
  const some = op.kind === 'imm' && op.nonzero ? x.constant(1, 1) : k.ne(count, x.constant(0, 8));
  return { count, some };
}

/** A width in which every masked count is in range and one bit above the operand still fits. */
const wider = (w: number): 32 | 64 => (w < 32 ? 32 : 64);

const bitAt = (x: Lift, value: Val, index: Val): Val => x.b.trunc(x.b.shr(value, index), 1);
const topTwo = (x: Lift, v: Val): Val => x.b.xor(x.b.msb(v), x.b.msb(x.b.shl(v, x.constant(1, v.w))));

/** Writes the result and, where the count is not zero, the flags. A count of zero still zero-extends a 32-bit register. */
function finish(x: Lift, dst: Op, some: Val, f: (old: Val) => { result: Val; flags: (r: Val) => Flags }): void {
  let flags: ((r: Val) => Flags) | undefined;
  const [, r] = x.update(dst, (old) => {
    const computed = f(old);
    flags = computed.flags;
    return computed.result;
  });
  x.setFlagsIf(some, flags!(r));
}

define('shl sal', 'Shift left', (x, dst, by) => {
  const k = x.b;
  const w = dst!.w;
  const { count, some } = maskedCount(x, by!, w);
  finish(x, dst!, some, (a) => {
    const flags = (cf: Val) => (r: Val) => ({ cf, ...resultFlags(x, r), of: topTwo(x, a), af: x.constant(0, 1) });
    if (w === 64) {
      const n = k.zext(count, 64);
      // Bit 64 − n; a count of zero never gets here with flags.
      const out = k.and(k.sub(x.constant(64, 64), n), x.constant(63, 64));
      return { result: k.shl(a, n), flags: flags(bitAt(x, a, out)) };
    }
    const v = wider(w);
    const t = k.shl(k.zext(a, v), k.zext(count, v));
    return { result: k.trunc(t, w), flags: flags(bitAt(x, t, x.constant(w, v))) };
  });
});

for (const [mnemonic, title, row] of [
  ['shr', 'Shift right, zeros in', 'shr'],
  ['sar', 'Shift right, signs in', 'sar'],
] as const)
  define(mnemonic, title, (x, dst, by) => {
    const k = x.b;
    const w = dst!.w;
    const { count, some } = maskedCount(x, by!, w);
    finish(x, dst!, some, (a) => {
      const v = w < 32 ? 32 : (w as 32 | 64);
      const n = k.zext(count, v);
      const t = row === 'sar' ? k.sext(a, v) : k.zext(a, v);
      const last = k.and(k.sub(n, x.constant(1, v)), x.constant(v - 1, v));
      const cf = k.trunc(k[row](t, last), 1);
      const of = row === 'sar' ? x.constant(0, 1) : k.msb(a);
      return {
        result: k.trunc(k[row](t, n), w),
        flags: (r) => ({ cf, ...resultFlags(x, r), of, af: x.constant(0, 1) }),
      };
    });
  });

for (const [mnemonic, title, row] of [
  ['rol', 'Rotate left', 'rotl'],
  ['ror', 'Rotate right', 'rotr'],
] as const)
  define(mnemonic, title, (x, dst, by) => {
    const k = x.b;
    const w = dst!.w;
    const { count, some } = maskedCount(x, by!, w);
    finish(x, dst!, some, (a) => {
      const n = k.zext(k.and(count, x.constant(w - 1, 8)), w);
      return {
        result: k[row](a, n),
        flags: (r) =>
          row === 'rotl'
            ? { cf: k.trunc(r, 1), of: topTwo(x, a) }
            : { cf: k.msb(r), of: k.xor(k.msb(a), k.trunc(a, 1)) },
      };
    });
  });

/** Rotation of w + 1 bits (CF above the operand) in 64-bit arithmetic, for operands below 64 bits. */
function rotateThroughCarry(x: Lift, a: Val, carry: Val, n: Val, left: boolean): Val {
  const k = x.b;
  const w = a.w;
  const all = k.or(k.zext(a, 64), k.shl(k.zext(carry, 64), x.constant(w, 64)));
  const back = k.sub(x.constant(w + 1, 64), n);
  return left ? k.or(k.shl(all, n), k.shr(all, back)) : k.or(k.shr(all, n), k.shl(all, back));
}

for (const [mnemonic, title, left] of [
  ['rcl', 'Rotate left through CF', true],
  ['rcr', 'Rotate right through CF', false],
] as const)
  define(mnemonic, title, (x, dst, by) => {
    const k = x.b;
    const w = dst!.w;
    const carry = x.flag('cf');
    let { count } = maskedCount(x, by!, w);
    if (w < 32) count = k.trunc(k.remu(k.zext(count, 32), x.constant(w + 1, 32)), 8);
    const some = k.ne(count, x.constant(0, 8));
    finish(x, dst!, some, (a) => {
      const of = left ? topTwo(x, a) : k.xor(k.msb(a), carry);
      const n = k.zext(count, 64);
      if (w < 64) {
        const t = rotateThroughCarry(x, a, carry, n, left);
        return { result: k.trunc(t, w), flags: () => ({ cf: bitAt(x, t, x.constant(w, 64)), of }) };
      }
      // n ≥ 1 here or the select below keeps the operand; each shift count is taken modulo 64.
      const low = x.constant(63, 64);
      const rest = k.and(k.sub(x.constant(64, 64), n), low);
      const last = k.and(k.sub(n, x.constant(1, 64)), low);
      const one = x.constant(1, 64);
      const carryIn = k.zext(carry, 64);
      const turned = left
        ? k.or(k.or(k.shl(a, n), k.shl(carryIn, last)), k.shr(k.shr(a, one), rest))
        : k.or(k.or(k.shr(a, n), k.shl(carryIn, rest)), k.shl(k.shl(a, one), rest));
      const cf = left ? bitAt(x, a, rest) : bitAt(x, a, last);
      return { result: k.select(some, turned, a), flags: () => ({ cf, of }) };
    });
  });

/** SHLD and SHRD. A 16-bit form with a count above 16 goes on with dst:src:dst (undefined in the manual, so on the CPU). */
for (const [mnemonic, title, left] of [
  ['shld', 'Shift left, bits of the source in', true],
  ['shrd', 'Shift right, bits of the source in', false],
] as const)
  define(mnemonic, title, (x, dst, src, by) => {
    const k = x.b;
    const w = dst!.w;
    const s = x.read(src!);
    const { count, some } = maskedCount(x, by!, w);
    finish(x, dst!, some, (a) => {
      const of = left ? topTwo(x, a) : k.xor(k.msb(a), k.trunc(s, 1));
      const flags = (cf: Val) => (r: Val) => ({ cf, ...resultFlags(x, r), of, af: x.constant(0, 1) });
      const n = k.zext(count, 64);
      const c64 = (v: number): Val => x.constant(v, 64);
      if (w === 64) {
        const rest = k.and(k.sub(c64(64), n), c64(63));
        const turned = left ? k.or(k.shl(a, n), k.shr(s, rest)) : k.or(k.shr(a, n), k.shl(s, rest));
        const last = k.and(k.sub(n, c64(1)), c64(63));
        return { result: k.select(some, turned, a), flags: flags(left ? bitAt(x, a, rest) : bitAt(x, a, last)) };
      }
      const wide = (v: Val, at: number): Val => k.shl(k.zext(v, 64), c64(at));
      const last = k.and(k.sub(n, c64(1)), c64(63));
      if (left) {
        const all = w === 16 ? k.or(k.or(wide(a, 32), wide(s, 16)), wide(a, 0)) : k.or(wide(a, 32), wide(s, 0));
        const high = w === 16 ? 47 : 63;
        const t = k.shl(all, n);
        return { result: k.trunc(k.shr(t, c64(32)), w), flags: flags(bitAt(x, k.shl(all, last), c64(high))) };
      }
      const all = w === 16 ? k.or(k.or(wide(a, 32), wide(s, 16)), wide(a, 0)) : k.or(wide(s, 32), wide(a, 0));
      return { result: k.trunc(k.shr(all, n), w), flags: flags(bitAt(x, k.shr(all, last), c64(0))) };
    });
  });

for (const [mnemonic, title, row] of [
  ['shlx', 'Shift left without flags', 'shl'],
  ['shrx', 'Shift right without flags, zeros in', 'shr'],
  ['sarx', 'Shift right without flags, signs in', 'sar'],
] as const)
  define(mnemonic, title, (x, dst, src, by) => {
    const count = x.b.and(x.read(by!), x.constant(dst!.w - 1, dst!.w));
    x.write(dst!, x.b[row](x.read(src!), count));
  });

define('rorx', 'Rotate right without flags', (x, dst, src, by) => {
  const w = dst!.w;
  const count = x.b.zext(x.b.and(x.read(by!, 8), x.constant(w - 1, 8)), w as 32 | 64);
  x.write(dst!, x.b.rotr(x.read(src!), count));
});
