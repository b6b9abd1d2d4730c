import { MXCSR } from '../../state/layout.ts';
import { VECTOR } from '../../state/pending.ts';
import { define } from '../define.ts';
import { RDI } from '../lift.ts';
import { mergeLow, readParts, sourcesOf, storeParts, vectorPlace, writeParts } from './operands.ts';

for (const [mnemonics, title, aligned] of [
  ['movaps movapd movdqa vmovaps vmovapd vmovdqa', 'Move an aligned vector', true],
  ['movups movupd movdqu vmovups vmovupd vmovdqu', 'Move a vector', false],
  ['movntps movntpd movntdq vmovntps vmovntpd vmovntdq', 'Store an aligned vector past the caches', true],
] as const)
  define(mnemonics, title, (x, dst, src) => {
    if (dst!.kind === 'mem') storeParts(x, dst!, readParts(x, src!), aligned);
    else writeParts(x, dst!, readParts(x, src!, dst!.w, aligned));
  });

for (const [mnemonic, w] of [
  ['movss', 32],
  ['movsd', 64],
] as const)
  define(
    `${mnemonic} v${mnemonic}`,
    'Move a scalar: between registers it merges, from memory it zeroes the rest',
    (x, ...operands) => {
      const [dst] = operands;
      const src = operands.at(-1)!;
      if (dst!.kind === 'mem') x.write(dst!, x.read(src, w));
      else if (src.kind === 'mem') writeParts(x, dst!, [x.b.vector(x.read(src, w), 128)]);
      else {
        const value = x.read(src, w);
        mergeLow(x, dst!, operands[1]!, value);
      }
    },
  );

define(
  'movd movq vmovd vmovq',
  'Move 32 or 64 bits between a vector or MMX register and elsewhere, zeros above',
  (x, dst, src) => {
    const file = dst!.kind === 'reg' ? dst!.file : null;
    if (file === 'mm') x.write(dst!, x.b.zext(x.read(src!), 64));
    else if (file !== 'vector') x.write(dst!, x.read(src!, dst!.w));
    else writeParts(x, dst!, [x.b.vector(x.read(src!, Math.min(src!.w, 64)), 128)]);
  },
);

for (const [mnemonics, offset] of [
  ['movlps movlpd vmovlps vmovlpd', 0],
  ['movhps movhpd vmovhps vmovhpd', 8],
] as const)
  define(mnemonics, 'Move one half between a register and memory', (x, ...operands) => {
    const [to] = operands;
    if (to!.kind === 'mem') return x.write(to!, x.b.get(vectorPlace(operands[1]!), 64, offset));
    const [dst, a, src] = sourcesOf(x, operands);
    mergeLow(x, dst, a, x.read(src, 64), offset);
  });

for (const [mnemonics, title, from, to] of [
  ['movhlps vmovhlps', 'High half of the source to the low half', 8, 0],
  ['movlhps vmovlhps', 'Low half of the source to the high half', 0, 8],
] as const)
  define(mnemonics, title, (x, ...operands) => {
    const [dst, a, src] = sourcesOf(x, operands);
    mergeLow(x, dst, a, x.b.get(vectorPlace(src), 64, from), to);
  });

for (const [mnemonic, row, lanes] of [
  ['movmskps', 'i32x4_bitmask', 4],
  ['movmskpd', 'i64x2_bitmask', 2],
  ['pmovmskb', 'i8x16_bitmask', 16],
] as const)
  define(`${mnemonic} v${mnemonic}`, 'Gather the lanes’ top bits', (x, dst, src) => {
    const k = x.b;
    const parts = src!.w === 64 ? [k.vector(x.read(src!, 64), 128)] : readParts(x, src!);
    const bits = parts.map((part, i) => k.shl(k[row](part, 32), x.constant(lanes * i, 32)));
    x.write(
      dst!,
      k.zext(
        bits.reduce((a, b) => k.or(a, b)),
        dst!.w,
      ),
    );
  });

define('maskmovdqu vmaskmovdqu', 'Store the bytes whose mask has its top bit set at [RDI]', (x, src, mask) => {
  const k = x.b;
  const value = x.read(src!, 128);
  const chosen = x.read(mask!, 128);
  const w = x.insn.addressWidth;
  const address = x.segmented(k.zext(k.get(RDI, w), 64));
  k.call('maskedStore', 0, address, k.low(value, 64), k.high(value, 64), k.i8x16_bitmask(chosen, 32));
});

define('ldmxcsr vldmxcsr', 'Load MXCSR; #GP(0) for a reserved bit', (x, src) => {
  const value = x.read(src!, 32);
  x.trapIf(x.b.ne(x.b.and(value, x.constant(0xffff0000n, 32)), x.constant(0, 32)), VECTOR.GP, 0);
  x.b.put(MXCSR, value);
});
define('stmxcsr vstmxcsr', 'Store MXCSR', (x, dst) => x.write(dst!, x.b.get(MXCSR, 32)));
