import type { Val } from '../../ir/nodes.ts';
import { define } from '../define.ts';
import type { Lift } from '../lift.ts';
import { vectorPlace } from './operands.ts';

/** Fields of bits in the low half of a register, as CPUs of AMD have them (AMD64 Architecture 4: EXTRQ, INSERTQ). */

/** Length (0: all 64 bits) and index of a field: two immediates, or the low bits of two bytes in a row. */
function field(x: Lift, length: Val, index: Val): { readonly mask: Val; readonly index: Val } {
  const k = x.b;
  const low = (v: Val): Val => k.and(k.zext(v, 64), x.constant(63, 64));
  const missing = low(k.sub(x.constant(0, 64), low(length)));
  return { mask: k.shr(x.constant(-1, 64), missing), index: low(index) };
}

/** The same where one register holds both. */
const fieldOf = (x: Lift, control: Val): ReturnType<typeof field> =>
  field(x, control, x.b.shr(control, x.constant(8, 64)));

define('extrq', 'Extract a field of bits', (x, dst, by, index) => {
  const k = x.b;
  const place = vectorPlace(dst!);
  const wanted =
    index === undefined ? fieldOf(x, k.get(vectorPlace(by!), 64)) : field(x, x.read(by!, 8), x.read(index, 8));
  k.put(place, k.pair(k.and(k.shr(k.get(place, 64), wanted.index), wanted.mask), x.constant(0, 64)));
});

define('insertq', 'Insert a field of bits', (x, dst, src, by, index) => {
  const k = x.b;
  const place = vectorPlace(dst!);
  const source = vectorPlace(src!);
  const into = index === undefined ? fieldOf(x, k.get(source, 64, 8)) : field(x, x.read(by!, 8), x.read(index, 8));
  const hole = k.not(k.shl(into.mask, into.index));
  const value = k.shl(k.and(k.get(source, 64), into.mask), into.index);
  k.put(place, k.pair(k.or(k.and(k.get(place, 64), hole), value), x.constant(0, 64)));
});

for (const [mnemonic, w] of [
  ['movntss', 32],
  ['movntsd', 64],
] as const)
  define(mnemonic, 'Store a scalar past the caches', (x, dst, src) => x.write(dst!, x.read(src!, w)));
