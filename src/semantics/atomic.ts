import { VECTOR } from '../state/pending.ts';
import { define } from './define.ts';
import { addFlags, subFlags } from './flags.ts';
import { RAX, RBX, RCX, RDX } from './lift.ts';

define('xadd', 'Exchange and add', (x, dst, src) => {
  const b = x.read(src!);
  if (dst!.kind === 'reg') {
    // The sum goes last: with the same register twice it stays.
    const a = x.read(dst!);
    const r = x.b.add(a, b);
    x.write(src!, a);
    x.write(dst!, r);
    addFlags(x, a, b, r, false);
    return;
  }
  const [a, r] = x.update(dst!, (old) => x.b.add(old, b));
  x.write(src!, a);
  addFlags(x, a, b, r, false);
});

define('cmpxchg', 'Compare with the accumulator and exchange; memory is written either way', (x, dst, src) => {
  const k = x.b;
  const w = dst!.w;
  const expected = k.get(RAX, w as 64);
  const replacement = x.read(src!);
  if (dst!.kind === 'reg') {
    const old = x.read(dst!);
    const equal = k.eq(expected, old);
    // The register that does not take a new value keeps its upper half too, which a 32-bit write would clear.
    const full = w === 32 ? 64 : w;
    const keep = (place: typeof dst.place, take: ReturnType<typeof k.eq>, value: typeof old): void =>
      k.put(place, k.select(take, w === 32 ? k.zext(value, 64) : value, k.get(place, full as 64)));
    keep(RAX, k.xor(equal, x.constant(1, 1)), old);
    keep(dst!.place, equal, replacement);
    subFlags(x, expected, old, k.sub(expected, old), false);
    return;
  }
  const [old] = x.update(dst!, (value) => k.select(k.eq(expected, value), replacement, value));
  const equal = k.eq(expected, old);
  const full = w === 32 ? 64 : w;
  k.put(RAX, k.select(equal, k.get(RAX, full as 64), w === 32 ? k.zext(old, 64) : old));
  subFlags(x, expected, old, k.sub(expected, old), false);
});

define('cmpxchg8b', 'Compare EDX:EAX with eight bytes and exchange with ECX:EBX; only ZF changes', (x, dst) => {
  const k = x.b;
  const join = (high: number, low: number) =>
    k.or(k.shl(k.zext(k.get(high, 32), 64), x.constant(32, 64)), k.zext(k.get(low, 32), 64));
  const expected = join(RDX, RAX);
  const replacement = join(RCX, RBX);
  const [old] = x.update(dst!, (value) => k.select(k.eq(value, expected), replacement, value), 64);
  const equal = k.eq(old, expected);
  const keep = (place: number, value: typeof old): void =>
    k.put(place, k.select(equal, k.get(place, 64), k.and(value, x.constant(0xffff_ffffn, 64))));
  keep(RAX, old);
  keep(RDX, k.shr(old, x.constant(32, 64)));
  x.setFlags({ zf: equal });
});

define(
  'cmpxchg16b',
  'Compare RDX:RAX with sixteen aligned bytes and exchange with RCX:RBX; only ZF changes',
  (x, dst) => {
    const k = x.b;
    if (dst!.kind !== 'mem') throw new TypeError('CMPXCHG16B of a register');
    const address = x.address(dst!);
    x.trapIf(k.ne(k.and(address, x.constant(15, 64)), x.constant(0, 64)), VECTOR.GP, 0);
    const expected = k.pair(k.get(RAX, 64), k.get(RDX, 64));
    const replacement = k.pair(k.get(RBX, 64), k.get(RCX, 64));
    const old = k.load(address, 128, dst!.fault, 'write');
    const equal = k.eqz(k.zext(k.anyTrue(k.v128_xor(old, expected)), 8));
    k.store(address, k.select(equal, replacement, old), dst!.fault);
    k.put(RAX, k.low(old, 64));
    k.put(RDX, k.high(old, 64));
    x.setFlags({ zf: equal });
  },
);
