import { define } from './define.ts';
import { addFlags, nibbleCarry, resultFlags, subFlags } from './flags.ts';

define('add', 'Add', (x, dst, src) => {
  const b = x.read(src!, dst!.w);
  const [a, r] = x.update(dst!, (old) => x.b.add(old, b));
  addFlags(x, a, b, r, false);
});

define('adc', 'Add with carry', (x, dst, src) => {
  const b = x.read(src!, dst!.w);
  const carry = x.b.zext(x.flag('cf'), b.w);
  const [a, r] = x.update(dst!, (old) => x.b.add(x.b.add(old, b), carry));
  addFlags(x, a, b, r, true);
});

define('sub', 'Subtract', (x, dst, src) => {
  const b = x.read(src!, dst!.w);
  const [a, r] = x.update(dst!, (old) => x.b.sub(old, b));
  subFlags(x, a, b, r, false);
});

define('sbb', 'Subtract with borrow', (x, dst, src) => {
  const b = x.read(src!, dst!.w);
  const borrow = x.b.zext(x.flag('cf'), b.w);
  const [a, r] = x.update(dst!, (old) => x.b.sub(x.b.sub(old, b), borrow));
  subFlags(x, a, b, r, true);
});

define('cmp', 'Compare', (x, dst, src) => {
  const a = x.read(dst!);
  const b = x.read(src!, dst!.w);
  subFlags(x, a, b, x.b.sub(a, b), false);
});

define('inc', 'Increment; CF stays', (x, dst) => {
  const one = x.constant(1, dst!.w);
  const [a, r] = x.update(dst!, (old) => x.b.add(old, one));
  const of = x.b.eq(r, x.constant(1n << BigInt(dst!.w - 1), dst!.w));
  x.setFlags({ ...resultFlags(x, r), of, af: nibbleCarry(x, a, one, r) });
});

define('dec', 'Decrement; CF stays', (x, dst) => {
  const one = x.constant(1, dst!.w);
  const [a, r] = x.update(dst!, (old) => x.b.sub(old, one));
  const of = x.b.eq(a, x.constant(1n << BigInt(dst!.w - 1), dst!.w));
  x.setFlags({ ...resultFlags(x, r), of, af: nibbleCarry(x, a, one, r) });
});

define('neg', 'Two’s complement negation', (x, dst) => {
  const zero = x.constant(0, dst!.w);
  const [a, r] = x.update(dst!, (old) => x.b.neg(old));
  subFlags(x, zero, a, r, false);
});

for (const [mnemonic, flag, title] of [
  ['adcx', 'cf', 'Add with CF as carry, other flags untouched'],
  ['adox', 'of', 'Add with OF as carry, other flags untouched'],
] as const)
  define(mnemonic, title, (x, dst, src) => {
    const k = x.b;
    const a = x.read(dst!);
    const b = x.read(src!);
    const r = k.add(k.add(a, b), k.zext(x.flag(flag), a.w));
    x.write(dst!, r);
    x.setFlags({ [flag]: k.msb(k.or(k.and(a, b), k.and(k.or(a, b), k.not(r)))) });
  });
