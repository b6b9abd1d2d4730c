import type { Val } from '../../ir/nodes.ts';
import { define } from '../define.ts';
import type { Lift } from '../lift.ts';
import { RDI } from '../lift.ts';
import { checkMmx, enterMmx } from '../prologue.ts';
import { checkFloat, joinLanes, lanesOf, readAligned, vectorPlace } from './operands.ts';

define('emms', 'Empty the MMX state: every x87 register becomes free', (x) => {
  checkMmx(x);
  x.b.call('mmx.empty', 0);
});

define('movntq', 'Store a quadword past the caches', (x, dst, src) => x.write(dst!, x.read(src!, 64)));
define('movdq2q', 'Move the low quadword to an MMX register', (x, dst, src) => x.write(dst!, x.read(src!, 64)));
define('movq2dq', 'Move an MMX register to the low quadword, zeros above', (x, dst, src) =>
  x.write(dst!, x.b.vector(x.read(src!, 64), 128)),
);

define('maskmovq', 'Store the bytes whose mask has its top bit set at [RDI]', (x, src, mask) => {
  const k = x.b;
  const value = x.read(src!, 64);
  const chosen = k.i8x16_bitmask(k.vector(x.read(mask!, 64), 128), 32);
  const address = x.segmented(k.zext(k.get(RDI, x.insn.addressWidth), 64));
  k.call('maskedStore', 0, address, value, x.constant(0, 64), chosen);
});

// ——— conversions between MMX and vector registers ———

const doublewords = (x: Lift, quadword: Val): Val[] => [
  x.b.trunc(quadword, 32),
  x.b.trunc(x.b.shr(quadword, x.constant(32, 64)), 32),
];
const quadword = (x: Lift, lanes: readonly Val[]): Val => x.b.low(joinLanes(x, lanes), 64);

define('cvtpi2ps', 'Convert two doublewords to singles; the upper half of the destination stays', (x, dst, src) => {
  const memory = src!.kind === 'mem';
  // A source in memory has the same effect on the x87 as one in an MMX register (SDM 2A CVTPI2PS).
  if (memory) checkMmx(x);
  const r = doublewords(x, x.read(src!, 64)).map((lane) => x.b.call('f32.from32', 32, lane));
  checkFloat(x);
  x.b.put(vectorPlace(dst!), quadword(x, r));
  if (memory) enterMmx(x);
});

define('cvtpi2pd', 'Convert two doublewords to doubles', (x, dst, src) => {
  const r = doublewords(x, x.read(src!, 64)).map((lane) => x.b.call('f64.from32', 64, lane));
  x.write(dst!, joinLanes(x, r));
});

for (const [mnemonic, title, helper] of [
  ['cvtps2pi', 'Convert two singles to doublewords', 'f32.to32'],
  ['cvttps2pi', 'Convert two singles to doublewords toward zero', 'f32.trunc32'],
] as const)
  define(mnemonic, title, (x, dst, src) => {
    const r = doublewords(x, x.read(src!, 64)).map((lane) => x.b.call(helper, 32, lane));
    checkFloat(x);
    x.write(dst!, quadword(x, r));
  });

for (const [mnemonic, title, helper] of [
  ['cvtpd2pi', 'Convert two doubles to doublewords', 'f64.to32'],
  ['cvttpd2pi', 'Convert two doubles to doublewords toward zero', 'f64.trunc32'],
] as const)
  define(mnemonic, title, (x, dst, src) => {
    const r = lanesOf(x, readAligned(x, src!), 64).map((lane) => x.b.call(helper, 32, lane));
    checkFloat(x);
    x.write(dst!, quadword(x, r));
  });
