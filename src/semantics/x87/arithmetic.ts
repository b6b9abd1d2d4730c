import { defineX87, stackIndex, yes } from './instruction.ts';

for (const [op, title] of [
  ['add', 'Add'],
  ['mul', 'Multiply'],
  ['sub', 'Subtract'],
  ['subr', 'Subtract from the source'],
  ['div', 'Divide'],
  ['divr', 'Divide the source'],
] as const) {
  defineX87(`f${op}`, title, (x, dst, src) => {
    if (dst!.kind === 'mem') x.b.call(`x87.${op}.f${dst!.w}`, 0, x.read(dst!));
    else x.b.call(`x87.${op}.st`, 0, stackIndex(x, dst!), stackIndex(x, src!), yes(x, false));
  });
  defineX87(`f${op}p`, `${title} and pop`, (x, dst, src) => {
    x.b.call(`x87.${op}.st`, 0, stackIndex(x, dst!), stackIndex(x, src!), yes(x, true));
  });
  defineX87(`fi${op}`, `${title}: an integer operand`, (x, src) => {
    x.b.call(`x87.${op}.i${src!.w}`, 0, x.read(src!));
  });
}

for (const [mnemonic, title] of [
  ['fsqrt', 'Square root'],
  ['frndint', 'Round to an integer by RC'],
  ['fchs', 'Change the sign'],
  ['fabs', 'Absolute value'],
  ['fscale', 'Scale by a power of two'],
  ['fprem', 'Partial remainder, the quotient truncated'],
  ['fprem1', 'Partial remainder, the quotient rounded to nearest'],
  ['fxtract', 'Exponent and significand'],
  ['f2xm1', 'Two to the power of ST(0), less one'],
  ['fyl2x', 'ST(1) times the binary logarithm of ST(0)'],
  ['fyl2xp1', 'ST(1) times the binary logarithm of ST(0) and one'],
  ['fpatan', 'Angle of a point'],
  ['fsin', 'Sine'],
  ['fcos', 'Cosine'],
  ['fsincos', 'Sine and cosine'],
  ['fptan', 'Tangent'],
] as const)
  defineX87(mnemonic, title, (x) => void x.b.call(`x87.${mnemonic}`, 0));
