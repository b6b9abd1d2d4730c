import { mask, type Width } from '../bits/width.ts';
import { type Builder, identity } from './builder.ts';
import type { Val } from './nodes.ts';

type Args = readonly Val[];
/** A simpler value that is equal to the operation on these arguments, or null. */
type Rule = (k: Builder, w: Width, args: Args) => Val | null;

const isConst = (v: Val): boolean => v.op === 'const';
const literal = (v: Val): bigint => v.attr.value!;
const isValue = (v: Val, value: bigint): boolean => isConst(v) && literal(v) === value;
const arg = (v: Val, i: number): Val => v.args[i] as Val;

/** The operands of a comparison: a difference a − b, however it is written. */
function difference(k: Builder, v: Val): [Val, Val] | null {
  if (v.op === 'sub') return [arg(v, 0), arg(v, 1)];
  if (v.op === 'add' && isConst(arg(v, 1))) return [arg(v, 0), k.constant(-literal(arg(v, 1)), v.w)];
  return null;
}

/** OF of the subtraction a − b = r as `subFlags` writes it. */
const overflow = (k: Builder, a: Val, b: Val, r: Val): Val => k.msb(k.and(k.xor(a, b), k.xor(a, r)));

/** SF ⊕ OF of a subtraction is «less, signed» of its operands. */
function signedLess(k: Builder, sf: Val, of: Val): Val | null {
  if (sf.op !== 'msb') return null;
  const r = arg(sf, 0);
  const operands = difference(k, r);
  if (operands === null) return null;
  const [a, b] = operands;
  return overflow(k, a, b, r) === of ? k.lts(a, b) : null;
}

/** x = 0 as an equality of two values, where it is one. */
function equality(k: Builder, v: Val): [Val, Val] | null {
  if (v.op === 'eq') return [arg(v, 0), arg(v, 1)];
  if (v.op !== 'eqz') return null;
  return [arg(v, 0), k.constant(0n, arg(v, 0).w)];
}

/** A comparison a < b, signed or not, as its row's name and operands; a negative value is one below zero. */
function lessThan(k: Builder, v: Val): ['leu' | 'les', Val, Val] | null {
  if (v.op === 'ltu') return ['leu', arg(v, 0), arg(v, 1)];
  if (v.op === 'lts') return ['les', arg(v, 0), arg(v, 1)];
  if (v.op === 'msb') return ['les', arg(v, 0), k.constant(0n, arg(v, 0).w)];
  return null;
}

/** The opposite of a condition without a negation, where there is one. */
function negated(k: Builder, v: Val): Val | null {
  switch (v.op) {
    case 'eq':
      return k.ne(arg(v, 0), arg(v, 1));
    case 'ne':
      return k.eq(arg(v, 0), arg(v, 1));
    case 'eqz':
      return k.ne(arg(v, 0), k.constant(0n, arg(v, 0).w));
    case 'ltu':
      return k.leu(arg(v, 1), arg(v, 0));
    case 'leu':
      return k.ltu(arg(v, 1), arg(v, 0));
    case 'lts':
      return k.les(arg(v, 1), arg(v, 0));
    case 'les':
      return k.lts(arg(v, 1), arg(v, 0));
    default:
      return null;
  }
}

/** Whether a mask keeps the low `w` bits. */
const keepsLow = (m: bigint, w: number): boolean => (m & mask(w)) === mask(w);

const RULES: Readonly<Record<string, Rule>> = {
  add: (k, w, [a, b]) => {
    if (isConst(a!)) return k.add(b!, a!);
    if (isConst(b!) && a!.op === 'add' && isConst(arg(a!, 1)))
      return k.add(arg(a!, 0), k.constant(literal(b!) + literal(arg(a!, 1)), w));
    return null;
  },
  sub: (k, w, [a, b]) => {
    if (a === b) return k.constant(0n, w);
    return isConst(b!) ? k.add(a!, k.constant(-literal(b!), w)) : null;
  },
  and: (k, w, [a, b]) => {
    if (a === b) return a!;
    if (isValue(a!, 0n) || isValue(b!, 0n)) return k.constant(0n, w);
    return isConst(a!) ? k.and(b!, a!) : null;
  },
  or: (k, w, [a, b]) => {
    if (a === b) return a!;
    if (w !== 1) return null;
    // CF ∨ ZF is «below or equal»; ZF ∨ (SF ⊕ OF) is «less or equal».
    for (const [p, q] of [
      [a!, b!],
      [b!, a!],
    ] as const) {
      const less = lessThan(k, p);
      const equal = equality(k, q);
      if (less !== null && equal !== null && less[1] === equal[0] && less[2] === equal[1])
        return k[less[0]](less[1], less[2]);
    }
    return null;
  },
  xor: (k, w, [a, b]) => {
    if (a === b) return k.constant(0n, w);
    if (isConst(a!)) return k.xor(b!, a!);
    if (w !== 1) return null;
    if (isValue(b!, 1n)) return a!.op === 'xor' && isValue(arg(a!, 1), 1n) ? arg(a!, 0) : negated(k, a!);
    return signedLess(k, a!, b!) ?? signedLess(k, b!, a!);
  },
  eqz: (k, _w, [a]) => {
    const operands = difference(k, a!);
    return operands === null ? null : k.eq(operands[0], operands[1]);
  },
  eq: (k, _w, [a, b]) => (a === b ? k.constant(1n, 1) : isValue(b!, 0n) ? k.eqz(a!) : null),
  ltu: (k, _w, [a, b]) => (a === b || isValue(b!, 0n) ? k.constant(0n, 1) : null),
  trunc: (k, w, [a]) => {
    const from = a!;
    if (from.op === 'zext' || from.op === 'trunc' || from.op === 'sext') {
      const inner = arg(from, 0);
      if (inner.w === w) return inner;
      if (inner.w > w) return k.trunc(inner, w);
      return from.op === 'sext' ? k.sext(inner, w) : k.zext(inner, w);
    }
    if (from.op === 'low' && w === 32) return k.low(arg(from, 0), 32);
    if (from.op === 'and' && isConst(arg(from, 1)) && keepsLow(literal(arg(from, 1)), w))
      return k.trunc(arg(from, 0), w);
    return null;
  },
  zext: (k, w, [a]) => (a!.op === 'zext' ? k.zext(arg(a!, 0), w) : null),
  low: (k, w, [a]) => {
    const from = a!;
    if (from.op === 'pair') return k.trunc(arg(from, 0), w);
    if (from.op === 'vector') return arg(from, 0).w >= w ? k.trunc(arg(from, 0), w) : k.zext(arg(from, 0), w);
    return null;
  },
  high: (k, w, [a]) => (a!.op === 'pair' ? arg(a!, 1) : a!.op === 'vector' ? k.constant(0n, w) : null),
  pair: (k, _w, [a, b]) => {
    if (a!.op === 'low' && b!.op === 'high' && arg(a!, 0) === arg(b!, 0)) return arg(a!, 0);
    return isValue(b!, 0n) ? k.vector(a!, 128) : null;
  },
  select: (_k, _w, [, a, b]) => (a === b ? a! : null),
};

/** A simpler value equal to the operation, or null. What it builds on the way goes through the same rules. */
export function simplify(k: Builder, op: string, w: Width, args: Args): Val | null {
  return identity(op, args) ?? (Object.hasOwn(RULES, op) ? RULES[op]!(k, w, args) : null);
}
