import { type FloatEnv, IE } from './env.ts';
import type { FloatFormat } from './format.ts';
import { denormalOperand, INFINITY, SNAN, type Unpacked, unpack, ZERO } from './unpack.ts';

export const LESS = 0;
export const EQUAL = 1;
export const GREATER = 2;
export const UNORDERED = 3;
export type Relation = 0 | 1 | 2 | 3;

/**
 * The relation of `a` to `b`. A signalling comparison (COMISS, FCOM) raises invalid for any NaN, a quiet one (UCOMISS,
 * FUCOM) for an SNaN or an unsupported encoding only.
 */
export function compare(fmt: FloatFormat, env: FloatEnv, a: bigint, b: bigint, signalling: boolean): Relation {
  return compareUnpacked(env, unpack(fmt, a, env.daz), unpack(fmt, b, env.daz), signalling);
}

/** `compare` on operands taken apart. */
export function compareUnpacked(env: FloatEnv, a: Unpacked, b: Unpacked, signalling: boolean): Relation {
  if (a.kind > INFINITY || b.kind > INFINITY) {
    if (signalling || a.kind >= SNAN || b.kind >= SNAN) env.flags |= IE;
    return UNORDERED;
  }
  denormalOperand(env, a, b);
  return order(a, b);
}

/** The order of two operands that are not NaNs. */
function order(a: Unpacked, b: Unpacked): Relation {
  if (a.kind === ZERO && b.kind === ZERO) return EQUAL;
  if (a.kind === ZERO) return b.sign ? GREATER : LESS;
  if (b.kind === ZERO || a.sign !== b.sign) return a.sign ? LESS : GREATER;
  const magnitude = a.kind - b.kind || (a.kind === INFINITY ? 0 : a.exp - b.exp);
  if (magnitude === 0 && a.sig === b.sig) return EQUAL;
  const larger = magnitude > 0 || (magnitude === 0 && a.sig > b.sig);
  return larger === (a.sign === 0) ? GREATER : LESS;
}

/** MINSS, MINPD …: `b` unless a < b. A NaN anywhere, or two zeros, give the second operand (SDM 2 MINPS). */
export function min(fmt: FloatFormat, env: FloatEnv, a: bigint, b: bigint): bigint {
  return select(fmt, env, a, b, LESS);
}

/** MAXSS, MAXPD …: `b` unless a > b. */
export function max(fmt: FloatFormat, env: FloatEnv, a: bigint, b: bigint): bigint {
  return select(fmt, env, a, b, GREATER);
}

function select(fmt: FloatFormat, env: FloatEnv, aBits: bigint, bBits: bigint, takesA: Relation): bigint {
  const a = unpack(fmt, aBits, env.daz);
  const b = unpack(fmt, bBits, env.daz);
  return compareUnpacked(env, a, b, true) === takesA ? a.bits : b.bits;
}

/**
 * For which relations predicates 0 … 15 of CMPPS hold, one bit each in the order of `Relation` (SDM 2 table 3-1):
 * EQ LT LE UNORD NEQ NLT NLE ORD · EQ_U NGE NGT FALSE NEQ_O GE GT TRUE.
 */
const HOLDS = [0x2, 0x1, 0x3, 0x8, 0xd, 0xe, 0xc, 0x7, 0xa, 0x9, 0xb, 0x0, 0x5, 0x6, 0x4, 0xf] as const;
/** Predicates 0 … 15 that signal on a QNaN: LT LE NLT NLE NGE NGT GE GT. Those of 16 … 31 are the opposite. */
const SIGNALS = 0b0110_0110_0110_0110;

/** CMPPS and its kin: predicates 0 … 7 of SSE, 0 … 31 of AVX. */
export function cmpPredicate(fmt: FloatFormat, env: FloatEnv, a: bigint, b: bigint, predicate: number): boolean {
  const index = predicate & 15;
  const signalling = ((SIGNALS >> index) & 1) !== ((predicate >> 4) & 1);
  return ((HOLDS[index]! >> compare(fmt, env, a, b, signalling)) & 1) === 1;
}
