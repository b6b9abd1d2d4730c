import type { Val } from '../../ir/nodes.ts';
import { CR0 } from '../../state/layout.ts';
import { VECTOR } from '../../state/pending.ts';
import { resultFlags } from '../flags.ts';
import { RAX } from '../lift.ts';
import { defineLegacy } from './define.ts';
import type { LegacyLift } from './lift.ts';

// What 64-bit mode has dropped: decimal arithmetic, BOUND, INTO, ARPL, SALC.

const AH = RAX + 1;
const CR0_PE = 1;
const OVERFLOW = 4;
const not = (x: LegacyLift, value: Val): Val => x.b.xor(value, x.constant(1, 1));

/** Whether the low digit of AL is none, or AF says so. */
function digitOverflows(x: LegacyLift, al: Val): Val {
  const k = x.b;
  return k.or(k.ltu(x.constant(9, 8), k.and(al, x.constant(0xf, 8))), x.flag('af'));
}

/** DAA and DAS: AL is two decimal digits behind ADD or SUB of such. OF, which the manual leaves open, is cleared. */
function adjustDecimal(x: LegacyLift, subtract: boolean): void {
  const k = x.b;
  const al = k.get(RAX, 8);
  const carried = x.flag('cf');
  const low = digitOverflows(x, al);
  const high = k.or(k.ltu(x.constant(0x99, 8), al), carried);
  const step = (from: Val, by: number, when: Val): Val => {
    const other = x.constant(by, 8);
    return k.select(when, subtract ? k.sub(from, other) : k.add(from, other), from);
  };
  const r = step(step(al, 6, low), 0x60, high);
  // A borrow of DAS's first step stays, although the second is not made.
  const cf = subtract ? k.or(high, k.and(low, k.ltu(al, x.constant(6, 8)))) : high;
  k.put(RAX, r);
  x.setFlags({ ...resultFlags(x, r), cf, af: low, of: x.constant(0, 1) });
}
defineLegacy('daa', (x) => adjustDecimal(x, false));
defineLegacy('das', (x) => adjustDecimal(x, true));

/** AAA and AAS: AL is one digit, AH the next. What the manual leaves open of flags is as behind AND of AL with 15. */
function adjustDigit(x: LegacyLift, subtract: boolean): void {
  const k = x.b;
  const over = digitOverflows(x, k.get(RAX, 8));
  const ax = k.get(RAX, 16);
  const by = x.constant(0x106, 16);
  const moved = k.select(over, subtract ? k.sub(ax, by) : k.add(ax, by), ax);
  const r = k.and(moved, x.constant(0xff0f, 16));
  k.put(RAX, r);
  x.setFlags({ ...resultFlags(x, k.trunc(r, 8)), cf: over, af: over, of: x.constant(0, 1) });
}
defineLegacy('aaa', (x) => adjustDigit(x, false));
defineLegacy('aas', (x) => adjustDigit(x, true));

/** Flags of AAM and AAD: of AL; those that the manual leaves open are cleared. */
function digitFlags(x: LegacyLift, al: Val): void {
  const no = x.constant(0, 1);
  x.setFlags({ ...resultFlags(x, al), cf: no, af: no, of: no });
}

defineLegacy('aam', (x, base) => {
  const k = x.b;
  const by = x.read(base!, 8);
  x.trapIf(k.eqz(by), VECTOR.DE);
  const [n, d] = [k.zext(k.get(RAX, 8), 64), k.zext(by, 64)];
  const al = k.trunc(k.remu(n, d), 8);
  k.put(AH, k.trunc(k.divu(n, d), 8));
  k.put(RAX, al);
  digitFlags(x, al);
});

defineLegacy('aad', (x, base) => {
  const k = x.b;
  const product = k.mul(k.zext(k.get(AH, 8), 32), k.zext(x.read(base!, 8), 32));
  const al = k.trunc(k.add(k.zext(k.get(RAX, 8), 32), product), 8);
  k.put(RAX, k.zext(al, 16));
  digitFlags(x, al);
});

defineLegacy('salc', (x) => {
  const k = x.b;
  k.put(RAX, k.select(x.flag('cf'), x.constant(0xff, 8), x.constant(0, 8)));
});

defineLegacy('into', (x) => {
  const k = x.b;
  k.skipIf(not(x, x.flag('of')));
  k.call('legacy.interrupt', 0, x.constant(OVERFLOW, 32), x.next());
});

defineLegacy('bound', (x, index, bounds) => {
  const k = x.b;
  if (bounds!.kind !== 'mem') throw new TypeError('BOUND of a register');
  const w = index!.w;
  const at = x.address({ ...bounds!, w: 2 * w });
  const i = x.read(index!);
  const lower = x.load(at, w, bounds!.fault);
  const upper = x.load(k.add(at, x.constant(w / 8, 64)), w, bounds!.fault);
  x.trapIf(k.or(k.lts(i, lower), k.lts(upper, i)), VECTOR.BR);
});

/** Bits of a selector that are its privilege level. */
const RPL = 3;

defineLegacy('arpl', (x, dst, src) => {
  const k = x.b;
  const protectedMode = k.ne(k.and(k.get(CR0, 32), x.constant(CR0_PE, 32)), x.constant(0, 32));
  x.trapIf(not(x, protectedMode), VECTOR.UD);
  const level = (selector: Val): Val => k.and(selector, x.constant(RPL, 16));
  const wanted = level(x.read(src!, 16));
  const raised = (old: Val): Val => k.ltu(level(old), wanted);
  const [old] = x.update(
    dst!,
    (before) => k.select(raised(before), k.or(k.and(before, x.constant(~RPL & 0xffff, 16)), wanted), before),
    16,
  );
  x.setFlags({ zf: raised(old) });
});
