import {
  BCD_INDEFINITE,
  convert,
  F80,
  type FloatEnv,
  type FloatFormat,
  fromBcd,
  fromInt,
  IE,
  type IntWidth,
  PE,
  ROUND_NEAREST,
  ROUND_UP,
  type RoundingMode,
  toBcd,
  toInt,
} from '../../bits/softfloat.ts';
import type { X87 } from '../../state/x87.ts';

/** Pushes a value that is there without any exception of its own, or the default NaN when the stack is full. */
function pushExact(x: X87, bits: bigint): void {
  if (x.pushOverflows()) {
    if (x.overflow()) x.push(F80.defaultNaN);
    return;
  }
  x.clearC1();
  x.push(bits);
}

/** FLD m32fp, m64fp, m80fp. The last raises nothing, whatever the encoding. */
export function fld(x: X87, fmt: FloatFormat, bits: bigint): void {
  if (fmt === F80 || x.pushOverflows()) {
    pushExact(x, bits);
    return;
  }
  const env = x.environment();
  const value = convert(fmt, F80, env, bits);
  // An unmasked denormal operand is reported and pushed all the same.
  x.settle(env);
  if (!(env.flags & ~env.masks & IE)) x.push(value);
}

/** FLD ST(i). */
export function fldRegister(x: X87, i: number): void {
  if (x.isEmpty(i)) {
    if (x.underflow()) x.push(F80.defaultNaN);
  } else pushExact(x, x.read(i));
}

/** FILD m16int, m32int, m64int: exact. */
export function fild(x: X87, width: IntWidth, bits: bigint): void {
  pushExact(x, fromInt(F80, x.environment(), bits, width));
}

/** FBLD m80bcd. */
export function fbld(x: X87, packed: bigint): void {
  pushExact(x, fromBcd(x.environment(), packed));
}

/** What the constant instructions push (SDM 2 FLD1): the value rounded down, and the modes that take the next one up. */
const CONSTANTS = {
  fld1: [0x3fff8000000000000000n, []],
  fldl2t: [0x4000d49a784bcd1b8afen, [ROUND_UP]],
  fldl2e: [0x3fffb8aa3b295c17f0bbn, [ROUND_UP, ROUND_NEAREST]],
  fldpi: [0x4000c90fdaa22168c234n, [ROUND_UP, ROUND_NEAREST]],
  fldlg2: [0x3ffd9a209a84fbcff798n, [ROUND_UP, ROUND_NEAREST]],
  fldln2: [0x3ffeb17217f7d1cf79abn, [ROUND_UP, ROUND_NEAREST]],
  fldz: [0n, []],
} as const satisfies Record<string, readonly [bigint, readonly RoundingMode[]]>;
export type X87Constant = keyof typeof CONSTANTS;

/** FLD1, FLDL2T, FLDL2E, FLDPI, FLDLG2, FLDLN2, FLDZ: rounded as the control word says, without raising inexact. */
export function loadConstant(x: X87, name: X87Constant): void {
  const [down, up] = CONSTANTS[name];
  const { rounding } = x.environment();
  pushExact(x, (up as readonly RoundingMode[]).includes(rounding) ? down + 1n : down);
}

/**
 * What `convertTo` makes of ST(0), or `indefinite` of an empty register; pops if asked. Null where an unmasked exception
 * other than inexact stores nothing and pops nothing. The operand must be known to be writable: what is given is stored.
 */
function store(
  x: X87,
  pop: boolean,
  indefinite: bigint,
  convertTo: (env: FloatEnv, bits: bigint) => bigint,
): bigint | null {
  const env = x.environment();
  const empty = x.isEmpty(0);
  const bits = empty ? indefinite : convertTo(env, x.read(0));
  const raised = empty ? IE : env.flags;
  if (empty) x.underflow();
  else x.settle(env);
  if (raised & ~env.masks & ~PE) return null;
  if (pop) x.pop();
  return bits;
}

/** FST, FSTP m32fp, m64fp, and FSTP m80fp, which raises nothing but a stack underflow. */
export function fst(x: X87, fmt: FloatFormat, pop: boolean): bigint | null {
  return store(x, pop, fmt.defaultNaN, (env, bits) => (fmt === F80 ? bits : convert(F80, fmt, env, bits)));
}

/** FIST, FISTP, and with `truncate` FISTTP. */
export function fist(x: X87, width: IntWidth, truncate: boolean, pop: boolean): bigint | null {
  const indefinite = 1n << BigInt(width - 1);
  return store(x, pop, indefinite, (env, bits) => toInt(F80, env, bits, width, truncate));
}

/** FBSTP m80bcd. */
export const fbstp = (x: X87): bigint | null => store(x, true, BCD_INDEFINITE, toBcd);

/** FST ST(i), FSTP ST(i): a copy, of any encoding. */
export function fstRegister(x: X87, i: number, pop: boolean): void {
  if (x.isEmpty(0)) {
    if (!x.underflow()) return;
    x.write(i, F80.defaultNaN);
  } else {
    x.clearC1();
    x.write(i, x.read(0));
  }
  if (pop) x.pop();
}

/** FSTPNCE ST(i), an alias that the manual does not list: FSTP ST(i), but an empty register is popped and not copied. */
export function fstpnce(x: X87, i: number): void {
  if (x.isEmpty(0)) x.clearC1();
  else fstRegister(x, i, false);
  x.pop();
}

/** FXCH ST(i). An empty register counts as the default NaN when that is masked. */
export function fxch(x: X87, i: number): void {
  const a = x.isEmpty(0) ? F80.defaultNaN : x.read(0);
  const b = x.isEmpty(i) ? F80.defaultNaN : x.read(i);
  if (x.isEmpty(0) || x.isEmpty(i)) {
    if (!x.underflow()) return;
  } else x.clearC1();
  x.write(0, b);
  x.write(i, a);
}

/** FCMOVcc ST(0),ST(i). The operands must be there even if the condition is false. C1 stays unless they are not. */
export function fcmov(x: X87, i: number, condition: boolean): void {
  if (x.isEmpty(0) || x.isEmpty(i)) {
    if (x.underflow()) x.write(0, F80.defaultNaN);
    return;
  }
  if (condition) x.write(0, x.read(i));
}

/** FFREE ST(i), and FFREEP, which also pops. */
export function ffree(x: X87, i: number, pop = false): void {
  x.clearC1();
  x.free(i);
  if (pop) x.pop();
}

/** FINCSTP (+1) and FDECSTP (−1): turn the stack without touching tags. */
export function rotate(x: X87, by: 1 | -1): void {
  x.clearC1();
  x.top += by;
}
