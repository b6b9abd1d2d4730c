import { define } from './define.ts';
import { logicFlags } from './flags.ts';

for (const [mnemonic, title] of [
  ['and', 'Bitwise and'],
  ['or', 'Bitwise or'],
  ['xor', 'Bitwise exclusive or'],
] as const)
  define(mnemonic, title, (x, dst, src) => {
    const b = x.read(src!, dst!.w);
    const [, r] = x.update(dst!, (old) => x.b[mnemonic](old, b));
    logicFlags(x, r);
  });

define('test', 'Bitwise and, flags only', (x, dst, src) => {
  logicFlags(x, x.b.and(x.read(dst!), x.read(src!, dst!.w)));
});

define('not', 'One’s complement; no flags', (x, dst) => {
  x.update(dst!, (old) => x.b.not(old));
});

define('andn', 'And with the complement of the first source', (x, dst, inverted, src) => {
  const k = x.b;
  const r = k.and(k.not(x.read(inverted!)), x.read(src!));
  x.write(dst!, r);
  const zero = x.constant(0, 1);
  // AF and PF are undefined in the manual; the CPU clears them.
  x.setFlags({ cf: zero, of: zero, af: zero, pf: zero, zf: k.eqz(r), sf: k.msb(r) });
});
