import type { Val } from '../ir/nodes.ts';
import { define } from './define.ts';
import { resultFlags } from './flags.ts';
import type { Lift } from './lift.ts';
import type { Op } from './operands.ts';

/**
 * BT, BTS, BTR, BTC. With a register as bit offset a memory operand is a bit string: the offset is signed and reaches
 * outside the operand (SDM 2A BT).
 */
function bitTest(x: Lift, dst: Op, by: Op, change: ((old: Val, bit: Val) => Val) | null): void {
  const k = x.b;
  const w = dst.w;
  const offset = x.read(by, w);
  const index = k.and(offset, x.constant(w - 1, w));
  const one = x.constant(1, w);
  let old: Val;
  if (dst.kind === 'mem' && by.kind === 'reg') {
    const words = k.sar(k.sext(offset, 64), x.constant(Math.log2(w), 64));
    const address = k.add(x.offset(dst), k.mul(words, x.constant(w / 8, 64)));
    const size = x.insn.addressWidth === 32 ? k.zext(k.trunc(address, 32), 64) : address;
    const linear = dst.segment === null ? size : k.add(size, k.get(dst.segment, 64));
    old = k.load(linear, w as 16 | 32 | 64, dst.fault, change ? 'write' : 'read');
    if (change) k.store(linear, change(old, k.shl(one, index)), dst.fault);
  } else if (change) [old] = x.update(dst, (v) => change(v, k.shl(one, index)));
  else old = x.read(dst);
  x.setFlags({ cf: k.trunc(k.shr(old, index), 1) });
}

define('bt', 'Bit test', (x, dst, by) => bitTest(x, dst!, by!, null));
define('bts', 'Bit test and set', (x, dst, by) => bitTest(x, dst!, by!, (v, bit) => x.b.or(v, bit)));
define('btr', 'Bit test and reset', (x, dst, by) => bitTest(x, dst!, by!, (v, bit) => x.b.and(v, x.b.not(bit))));
define('btc', 'Bit test and complement', (x, dst, by) => bitTest(x, dst!, by!, (v, bit) => x.b.xor(v, bit)));

/** BSF and BSR leave the whole destination alone for a zero source; flags besides ZF as the CPU sets them. */
function bitScan(x: Lift, dst: Op, src: Op, index: (a: Val) => Val): void {
  const k = x.b;
  const a = x.read(src);
  const zero = k.eqz(a);
  const i = index(a);
  if (dst.kind !== 'reg') throw new TypeError('bit scan into memory');
  const w = dst.w === 32 ? 64 : dst.w;
  k.put(dst.place, k.select(zero, k.get(dst.place, w as 16 | 64), k.zext(i, w)));
  const no = x.constant(0, 1);
  x.setFlags({ cf: no, of: no, sf: no, af: no, zf: zero, pf: k.or(zero, k.parity(i)) });
}

define('bsf', 'Bit scan forward', (x, dst, src) => bitScan(x, dst!, src!, (a) => x.b.ctz(a)));
define('bsr', 'Bit scan reverse', (x, dst, src) =>
  bitScan(x, dst!, src!, (a) => x.b.sub(x.constant(a.w - 1, a.w), x.b.clz(a))),
);

for (const [mnemonic, title, row] of [
  ['tzcnt', 'Count trailing zeros', 'ctz'],
  ['lzcnt', 'Count leading zeros', 'clz'],
] as const)
  define(mnemonic, title, (x, dst, src) => {
    const k = x.b;
    const a = x.read(src!);
    const r = k[row](a);
    x.write(dst!, r);
    const no = x.constant(0, 1);
    x.setFlags({ cf: k.eqz(a), zf: k.eqz(r), of: no, sf: no, af: no, pf: no });
  });

define('popcnt', 'Count ones', (x, dst, src) => {
  const a = x.read(src!);
  x.write(dst!, x.b.popcnt(a));
  const no = x.constant(0, 1);
  x.setFlags({ zf: x.b.eqz(a), cf: no, of: no, sf: no, af: no, pf: no });
});

/** BMI flags: PF and AF are undefined in the manual and cleared on the CPU. */
function bmiFlags(x: Lift, r: Val, cf: Val): void {
  const no = x.constant(0, 1);
  x.setFlags({ ...resultFlags(x, r), cf, of: no, af: no, pf: no });
}

define('blsi', 'Extract the lowest one', (x, dst, src) => {
  const k = x.b;
  const a = x.read(src!);
  const r = k.and(a, k.neg(a));
  x.write(dst!, r);
  bmiFlags(x, r, k.ne(a, x.constant(0, a.w)));
});

define('blsr', 'Reset the lowest one', (x, dst, src) => {
  const k = x.b;
  const a = x.read(src!);
  const r = k.and(a, k.sub(a, x.constant(1, a.w)));
  x.write(dst!, r);
  bmiFlags(x, r, k.eqz(a));
});

define('blsmsk', 'Mask up to the lowest one', (x, dst, src) => {
  const k = x.b;
  const a = x.read(src!);
  const r = k.xor(a, k.sub(a, x.constant(1, a.w)));
  x.write(dst!, r);
  bmiFlags(x, r, k.eqz(a));
});

/** value & (2^n − 1), all of it for n ≥ width. */
function lowBits(x: Lift, value: Val, n: Val): Val {
  const k = x.b;
  const w = value.w;
  const inside = k.ltu(n, x.constant(w, w));
  const ones = k.sub(k.shl(x.constant(1, w), k.and(n, x.constant(w - 1, w))), x.constant(1, w));
  return k.select(inside, k.and(value, ones), value);
}

define('bzhi', 'Zero high bits from an index', (x, dst, src, index) => {
  const k = x.b;
  const a = x.read(src!);
  const n = k.and(x.read(index!), x.constant(0xff, a.w));
  const r = lowBits(x, a, n);
  x.write(dst!, r);
  bmiFlags(x, r, k.leu(x.constant(a.w, a.w), n));
});

define('bextr', 'Extract a bit field: start in bits 7:0 of the control, length in 15:8', (x, dst, src, control) => {
  const k = x.b;
  const a = x.read(src!);
  const w = a.w;
  const c = x.read(control!);
  const start = k.and(c, x.constant(0xff, w));
  const length = k.and(k.shr(c, x.constant(8, w)), x.constant(0xff, w));
  const moved = k.shr(a, k.and(start, x.constant(w - 1, w)));
  const field = k.select(k.ltu(start, x.constant(w, w)), moved, x.constant(0, w));
  const r = lowBits(x, field, length);
  x.write(dst!, r);
  const no = x.constant(0, 1);
  x.setFlags({ zf: k.eqz(r), cf: no, of: no, af: no, sf: no, pf: no });
});

define('pdep', 'Deposit bits', (x, dst, src, mask) => x.write(dst!, x.b.pdep(x.read(src!), x.read(mask!))));
define('pext', 'Extract bits', (x, dst, src, mask) => x.write(dst!, x.b.pext(x.read(src!), x.read(mask!))));

define('bswap', 'Reverse bytes; a 16-bit register becomes 0 (undefined in the manual, so on the CPU)', (x, dst) => {
  const w = dst!.w;
  x.write(dst!, w === 16 ? x.constant(0, 16) : x.b.bswap(x.read(dst!)));
});

define('movbe', 'Move with bytes reversed', (x, dst, src) => {
  const k = x.b;
  const a = x.read(src!);
  const r = a.w === 16 ? k.rotl(a, x.constant(8, 16)) : k.bswap(a);
  x.write(dst!, r);
});

define('crc32', 'Accumulate CRC-32C', (x, dst, src) => {
  const k = x.b;
  const data = k.zext(x.read(src!), 64);
  let crc = x.read(dst!, 32);
  for (let at = 0; at < src!.w; at += 8)
    crc = k.crc32c(crc, k.and(k.trunc(k.shr(data, x.constant(at, 64)), 32), x.constant(0xff, 32)));
  x.write(dst!, dst!.w === 64 ? k.zext(crc, 64) : crc);
});
