import type { Val } from '../ir/nodes.ts';
import { VECTOR } from '../state/pending.ts';
import { define } from './define.ts';
import { type Lift, RAX, RDX } from './lift.ts';
import type { Op } from './operands.ts';

/** CF and OF say that the high half matters; SF and PF follow the low half, ZF and AF are cleared (undefined in the manual). */
function productFlags(x: Lift, low: Val, overflow: Val): void {
  const no = x.constant(0, 1);
  x.setFlags({ cf: overflow, of: overflow, sf: x.b.msb(low), pf: x.b.parity(low), zf: no, af: no });
}

/** Both halves of a product of two `w`-bit values. */
function product(x: Lift, a: Val, b: Val, signed: boolean): { low: Val; high: Val } {
  const k = x.b;
  const w = a.w;
  if (w === 64) return { low: k.mul(a, b), high: signed ? k.mulhs(a, b) : k.mulhu(a, b) };
  const wide = signed ? k.mul(k.sext(a, 64), k.sext(b, 64)) : k.mul(k.zext(a, 64), k.zext(b, 64));
  return { low: k.trunc(wide, w), high: k.trunc(k.shr(wide, x.constant(w, 64)), w) };
}

/** Whether the high half is anything but the sign of the low one. */
const signedOverflow = (x: Lift, low: Val, high: Val): Val => x.b.ne(high, x.b.sar(low, x.constant(low.w - 1, low.w)));

/** Writes high:low to RDX:RAX, or to AX for bytes. */
function writePair(x: Lift, low: Val, high: Val): void {
  const k = x.b;
  if (low.w === 8) {
    k.put(RAX, low);
    k.put(RAX, high, 1);
  } else {
    x.writePlace(RAX, low);
    x.writePlace(RDX, high);
  }
}

define('mul', 'Unsigned multiply of the accumulator', (x, src) => {
  const { low, high } = product(x, x.b.get(RAX, src!.w as 64), x.read(src!), false);
  writePair(x, low, high);
  productFlags(x, low, x.b.ne(high, x.constant(0, low.w)));
});

define('imul', 'Signed multiply', (x, dst, src, third) => {
  if (src === undefined) {
    const { low, high } = product(x, x.b.get(RAX, dst!.w as 64), x.read(dst!), true);
    writePair(x, low, high);
    productFlags(x, low, signedOverflow(x, low, high));
    return;
  }
  const [a, b] = third === undefined ? [dst!, src] : [src, third];
  const { low, high } = product(x, x.read(a), x.read(b, dst!.w), true);
  x.write(dst!, low);
  productFlags(x, low, signedOverflow(x, low, high));
});

define('mulx', 'Unsigned multiply of RDX without flags', (x, high, low, src) => {
  const p = product(x, x.b.get(RDX, src!.w as 64), x.read(src!), false);
  // The same register twice receives the high half.
  x.write(low!, p.low);
  x.write(high!, p.high);
});

/** DIV and IDIV below 64 bits: the dividend fits a native 64-bit division (RDX:RAX, or AX for bytes). */
function divideNarrow(x: Lift, src: Op, signed: boolean): void {
  const k = x.b;
  const w = src.w;
  const divisor = x.read(src);
  x.trapIf(k.eqz(divisor), VECTOR.DE);
  const d = signed ? k.sext(divisor, 64) : k.zext(divisor, 64);
  const pair = (): Val => {
    if (w === 8) return signed ? k.sext(k.get(RAX, 16), 64) : k.zext(k.get(RAX, 16), 64);
    const high = k.get(RDX, w as 32);
    const joined = k.or(k.shl(k.zext(high, 64), x.constant(w, 64)), k.zext(k.get(RAX, w as 32), 64));
    return signed && w < 32 ? k.sext(k.trunc(joined, 32), 64) : joined;
  };
  const n = pair();
  if (!signed) {
    const q = k.divu(n, d);
    x.trapIf(k.ne(k.shr(q, x.constant(w, 64)), x.constant(0, 64)), VECTOR.DE);
    writePair(x, k.trunc(q, w), k.trunc(k.remu(n, d), w));
    return;
  }
  // The one 64-bit overflow, which wasm traps on, is an overflow here as well.
  const minimum = k.eq(n, x.constant(1n << 63n, 64));
  x.trapIf(k.and(minimum, k.eq(d, x.constant(-1n, 64))), VECTOR.DE);
  const q = k.divs(n, d);
  x.trapIf(k.ne(q, k.sext(k.trunc(q, w), 64)), VECTOR.DE);
  writePair(x, k.trunc(q, w), k.trunc(k.rems(n, d), w));
}

define('div', 'Unsigned divide RDX:RAX; flags stay', (x, src) => {
  if (src!.w < 64) return divideNarrow(x, src!, false);
  const k = x.b;
  const d = x.read(src!);
  const high = k.get(RDX, 64);
  const low = k.get(RAX, 64);
  // Covers a divisor of zero: no high half is below it.
  x.trapIf(k.leu(d, high), VECTOR.DE);
  writePair(x, k.divqu(high, low, d), k.remqu(high, low, d));
});

define('idiv', 'Signed divide RDX:RAX; flags stay', (x, src) => {
  if (src!.w < 64) return divideNarrow(x, src!, true);
  const k = x.b;
  const d = x.read(src!);
  const high = k.get(RDX, 64);
  const low = k.get(RAX, 64);
  x.trapIf(k.eqz(d), VECTOR.DE);
  const q = k.divqs(high, low, d);
  x.trapIf(k.ne(k.divqsHigh(high, low, d), k.sar(q, x.constant(63, 64))), VECTOR.DE);
  writePair(x, q, k.remqs(high, low, d));
});
