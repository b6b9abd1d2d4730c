import { MXCSR } from '../../state/layout.ts';
import { VECTOR } from '../../state/pending.ts';
import { define } from '../define.ts';
import { RDI } from '../lift.ts';
import { readAligned, storeAligned, vectorPlace } from './operands.ts';

define('movaps movapd movdqa', 'Move 16 aligned bytes', (x, dst, src) => {
  if (dst!.kind === 'mem') storeAligned(x, dst!, x.read(src!, 128));
  else x.write(dst!, readAligned(x, src!));
});

define('movups movupd movdqu', 'Move 16 bytes', (x, dst, src) => x.write(dst!, x.read(src!, 128)));

define('movntps movntpd movntdq', 'Store 16 aligned bytes past the caches', (x, dst, src) => {
  if (dst!.kind === 'mem') storeAligned(x, dst!, x.read(src!, 128));
});

for (const [mnemonic, w] of [
  ['movss', 32],
  ['movsd', 64],
] as const)
  define(mnemonic, 'Move a scalar: between registers it merges, from memory it zeroes the rest', (x, dst, src) => {
    if (dst!.kind === 'mem') x.write(dst!, x.read(src!, w));
    else if (src!.kind === 'mem') x.write(dst!, x.b.vector(x.read(src!, w), 128));
    else x.b.put(vectorPlace(dst!), x.read(src!, w));
  });

define('movd movq', 'Move 32 or 64 bits between a vector or MMX register and elsewhere, zeros above', (x, dst, src) => {
  const file = dst!.kind === 'reg' ? dst!.file : null;
  if (file === 'mm') x.write(dst!, x.b.zext(x.read(src!), 64));
  else if (file !== 'vector') x.write(dst!, x.read(src!, dst!.w));
  else x.write(dst!, x.b.vector(x.read(src!, Math.min(src!.w, 64)), 128));
});

for (const [mnemonics, offset] of [
  ['movlps movlpd', 0],
  ['movhps movhpd', 8],
] as const)
  define(mnemonics, 'Move one half between a register and memory', (x, dst, src) => {
    if (dst!.kind === 'mem') x.write(dst!, x.b.get(vectorPlace(src!), 64, offset));
    else x.b.put(vectorPlace(dst!), x.read(src!, 64), offset);
  });

define('movhlps', 'High half of the source to the low half', (x, dst, src) =>
  x.b.put(vectorPlace(dst!), x.b.get(vectorPlace(src!), 64, 8)),
);
define('movlhps', 'Low half of the source to the high half', (x, dst, src) =>
  x.b.put(vectorPlace(dst!), x.b.get(vectorPlace(src!), 64), 8),
);

for (const [mnemonic, row] of [
  ['movmskps', 'i32x4_bitmask'],
  ['movmskpd', 'i64x2_bitmask'],
  ['pmovmskb', 'i8x16_bitmask'],
] as const)
  define(mnemonic, 'Gather the lanes’ top bits', (x, dst, src) => {
    const k = x.b;
    const v = src!.w === 64 ? k.vector(x.read(src!, 64), 128) : x.read(src!, 128);
    x.write(dst!, k.zext(k[row](v, 32), dst!.w));
  });

define('maskmovdqu', 'Store the bytes whose mask has its top bit set at [RDI]', (x, src, mask) => {
  const k = x.b;
  const value = x.read(src!, 128);
  const chosen = x.read(mask!, 128);
  const w = x.insn.addressWidth;
  const address = x.segmented(k.zext(k.get(RDI, w), 64));
  k.call('maskedStore', 0, address, k.low(value, 64), k.high(value, 64), k.i8x16_bitmask(chosen, 32));
});

define('ldmxcsr', 'Load MXCSR; #GP(0) for a reserved bit', (x, src) => {
  const value = x.read(src!, 32);
  x.trapIf(x.b.ne(x.b.and(value, x.constant(0xffff0000n, 32)), x.constant(0, 32)), VECTOR.GP, 0);
  x.b.put(MXCSR, value);
});
define('stmxcsr', 'Store MXCSR', (x, dst) => x.write(dst!, x.b.get(MXCSR, 32)));
