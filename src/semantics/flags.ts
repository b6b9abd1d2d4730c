import type { Val } from '../ir/nodes.ts';
import type { Flags, Lift } from './lift.ts';

/** ZF, SF and PF of a result: what almost every instruction agrees on. */
export function resultFlags(x: Lift, r: Val): Flags {
  return { zf: x.b.eqz(r), sf: x.b.msb(r), pf: x.b.parity(r) };
}

/** All six flags of r = a + b (+ carry in). */
export function addFlags(x: Lift, a: Val, b: Val, r: Val, carryIn: boolean): void {
  const { b: k } = x;
  const cf = carryIn ? k.msb(k.or(k.and(a, b), k.and(k.or(a, b), k.not(r)))) : k.ltu(r, a);
  x.setFlags({ cf, ...resultFlags(x, r), ...signedOverflow(x, k.xor(a, r), k.xor(b, r)), af: nibbleCarry(x, a, b, r) });
}

/** All six flags of r = a − b (− borrow in). */
export function subFlags(x: Lift, a: Val, b: Val, r: Val, borrowIn: boolean): void {
  const { b: k } = x;
  const cf = borrowIn ? k.msb(k.or(k.and(k.not(a), b), k.and(k.or(k.not(a), b), r))) : k.ltu(a, b);
  x.setFlags({ cf, ...resultFlags(x, r), ...signedOverflow(x, k.xor(a, b), k.xor(a, r)), af: nibbleCarry(x, a, b, r) });
}

/** The flags of AND, OR, XOR, TEST: CF and OF cleared, AF undefined in the manual and cleared on the CPU. */
export function logicFlags(x: Lift, r: Val): void {
  const zero = x.constant(0, 1);
  x.setFlags({ cf: zero, ...resultFlags(x, r), af: zero, of: zero });
}

function signedOverflow(x: Lift, a: Val, b: Val): Flags {
  return { of: x.b.msb(x.b.and(a, b)) };
}

/** AF: the carry between bits 3 and 4. */
export function nibbleCarry(x: Lift, a: Val, b: Val, r: Val): Val {
  return x.b.bit4(x.b.xor(x.b.xor(a, b), r));
}

/** The sixteen conditions by their suffixes (SDM 1 appendix B), each synonym on its own. */
export const CONDITIONS: Readonly<Record<string, (x: Lift) => Val>> = {
  o: (x) => x.flag('of'),
  no: (x) => not(x, x.flag('of')),
  b: (x) => x.flag('cf'),
  ae: (x) => not(x, x.flag('cf')),
  e: (x) => x.flag('zf'),
  ne: (x) => not(x, x.flag('zf')),
  be: (x) => x.b.or(x.flag('cf'), x.flag('zf')),
  a: (x) => not(x, x.b.or(x.flag('cf'), x.flag('zf'))),
  s: (x) => x.flag('sf'),
  ns: (x) => not(x, x.flag('sf')),
  p: (x) => x.flag('pf'),
  np: (x) => not(x, x.flag('pf')),
  l: (x) => x.b.xor(x.flag('sf'), x.flag('of')),
  ge: (x) => not(x, x.b.xor(x.flag('sf'), x.flag('of'))),
  le: (x) => x.b.or(x.flag('zf'), x.b.xor(x.flag('sf'), x.flag('of'))),
  g: (x) => not(x, x.b.or(x.flag('zf'), x.b.xor(x.flag('sf'), x.flag('of')))),
};

const not = (x: Lift, v: Val): Val => x.b.xor(v, x.constant(1, 1));
