import {
  addUnpacked,
  classify,
  compareUnpacked,
  divUnpacked,
  EQUAL,
  extract,
  F80,
  type FloatEnv,
  type FloatFormat,
  FXAM_EMPTY,
  fromInt,
  GREATER,
  IE,
  type IntWidth,
  LESS,
  mulUnpacked,
  type Relation,
  remainder,
  roundToInt,
  scale,
  sqrt,
  UNORDERED,
  type Unpacked,
  unpack,
  unpackWidened,
} from '../../bits/softfloat.ts';
import type { X87 } from '../../state/x87.ts';

/** The six operations of the D8 opcode group. The reversed ones exchange their operands. */
export type X87Operation = 'add' | 'mul' | 'sub' | 'subr' | 'div' | 'divr';

const OPERATIONS: Record<X87Operation, (env: FloatEnv, a: Unpacked, b: Unpacked) => bigint> = {
  add: (env, a, b) => addUnpacked(F80, env, a, b, 0),
  mul: (env, a, b) => mulUnpacked(F80, env, a, b),
  sub: (env, a, b) => addUnpacked(F80, env, a, b, 1),
  subr: (env, a, b) => addUnpacked(F80, env, b, a, 1),
  div: (env, a, b) => divUnpacked(F80, env, a, b),
  divr: (env, a, b) => divUnpacked(F80, env, b, a),
};

/** A memory operand: a number of a narrower format, or a signed integer of so many bits. */
export type MemoryKind = FloatFormat | IntWidth;

/** Takes a memory operand apart as the double extended number it is, still knowing that it was denormal or signalling. */
function memoryOperand(env: FloatEnv, kind: MemoryKind, bits: bigint): Unpacked {
  return typeof kind === 'number' ? unpack(F80, fromInt(F80, env, bits, kind)) : unpackWidened(kind, F80, bits);
}

/** ST(dst) ← ST(dst) op ST(src), then perhaps a pop: FADD ST(0),ST(i) · FADD ST(i),ST(0) · FADDP … (SDM 2). */
export function arithmetic(x: X87, op: X87Operation, dst: number, src: number, pop = false): void {
  if (x.isEmpty(dst) || x.isEmpty(src)) {
    if (!x.underflow()) return;
    x.write(dst, F80.defaultNaN);
  } else {
    const env = x.environment();
    const result = OPERATIONS[op](env, unpack(F80, x.read(dst)), unpack(F80, x.read(src)));
    if (!x.settle(env)) return;
    x.write(dst, result);
  }
  if (pop) x.pop();
}

/** ST(0) ← ST(0) op memory: FADD m32fp, FIADD m16int … */
export function arithmeticMemory(x: X87, op: X87Operation, kind: MemoryKind, bits: bigint): void {
  if (x.isEmpty(0)) {
    if (x.underflow()) x.write(0, F80.defaultNaN);
    return;
  }
  const env = x.environment();
  const result = OPERATIONS[op](env, unpack(F80, x.read(0)), memoryOperand(env, kind, bits));
  if (x.settle(env)) x.write(0, result);
}

/** ST(0) ← f(ST(0)), with the default NaN for an empty register. */
function unary(x: X87, f: (env: FloatEnv, a: bigint) => bigint): void {
  if (x.isEmpty(0)) {
    if (x.underflow()) x.write(0, F80.defaultNaN);
    return;
  }
  const env = x.environment();
  const result = f(env, x.read(0));
  if (x.settle(env)) x.write(0, result);
}

export const fsqrt = (x: X87): void => unary(x, (env, a) => sqrt(F80, env, a));
export const frndint = (x: X87): void => unary(x, (env, a) => roundToInt(F80, env, a));
/** FCHS and FABS change the sign of anything, and raise nothing. */
export const fchs = (x: X87): void => unary(x, (_, a) => a ^ F80.signBit);
export const fabs = (x: X87): void => unary(x, (_, a) => a & ~F80.signBit);

/** FSCALE: ST(0) ← ST(0) × 2^trunc(ST(1)). */
export function fscale(x: X87): void {
  if (x.isEmpty(0) || x.isEmpty(1)) {
    if (x.underflow()) x.write(0, F80.defaultNaN);
    return;
  }
  const env = x.environment();
  const result = scale(env, x.read(0), x.read(1));
  if (x.settle(env)) x.write(0, result);
}

/** FPREM and FPREM1: ST(0) ← remainder of ST(0) ÷ ST(1); C2 when partial, else C0 C3 C1 = quotient bits 2 1 0 of a number. */
export function fprem(x: X87, nearest: boolean): void {
  x.setC2(false);
  if (x.isEmpty(0) || x.isEmpty(1)) {
    if (x.underflow()) x.write(0, F80.defaultNaN);
    return;
  }
  const env = x.environment();
  const { value, partial, quotient } = remainder(env, x.read(0), x.read(1), nearest);
  if (!x.settle(env)) return;
  x.write(0, value);
  if (quotient === null) return;
  x.setConditionCodes((quotient & 2 ? 4 : 0) | (partial ? 2 : 0) | (quotient & 4 ? 1 : 0));
  x.setC1((quotient & 1) !== 0);
}

/** FXTRACT: ST(0) becomes the exponent, and the significand is pushed. */
export function fxtract(x: X87): void {
  if (x.isEmpty(0) || x.pushOverflows()) {
    if (!(x.isEmpty(0) ? x.underflow() : x.overflow())) return;
    x.write(0, F80.defaultNaN);
    x.push(F80.defaultNaN);
    return;
  }
  const env = x.environment();
  const { exponent, significand } = extract(env, x.read(0));
  if (!x.settle(env)) return;
  x.write(0, exponent);
  x.push(significand);
}

/** C3 C2 C0 for a relation of ST(0) to the other operand (SDM 2 table 3-21). */
const CODES: Record<Relation, number> = { [GREATER]: 0, [LESS]: 1, [EQUAL]: 4, [UNORDERED]: 7 };
/** ZF PF CF for it, at their places in RFLAGS. */
const RFLAGS: Record<Relation, number> = { [GREATER]: 0, [LESS]: 0x01, [EQUAL]: 0x40, [UNORDERED]: 0x45 };

interface Comparison {
  /** Null where an unmasked invalid-operand exception leaves condition codes and flags as they are (SDM 2 FCOM, FCOMI). */
  readonly relation: Relation | null;
  /** No unmasked exception keeps the operands on the stack. */
  readonly pops: boolean;
}

/**
 * Compares ST(0) with `b`, which is null where it is empty. Of the exceptions only an invalid operand keeps the relation
 * from the flags; a stack underflow and a denormal operand set them even when unmasked.
 */
function against(x: X87, b: (env: FloatEnv) => Unpacked | null, signalling: boolean): Comparison {
  const env = x.environment();
  const other = b(env);
  if (x.isEmpty(0) || other === null) return { relation: UNORDERED, pops: x.underflow() };
  const relation = compareUnpacked(env, unpack(F80, x.read(0)), other, signalling);
  const pops = x.settle(env);
  return { relation: env.flags & ~env.masks & IE ? null : relation, pops };
}

const register = (x: X87, i: number) => (): Unpacked | null => (x.isEmpty(i) ? null : unpack(F80, x.read(i)));

/** FCOM, FCOMP, FCOMPP and, without signalling, FUCOM …: condition codes from ST(0) against ST(i), then `pops` pops. */
export function fcom(x: X87, i: number, signalling: boolean, pops = 0): void {
  setCodes(x, against(x, register(x, i), signalling), pops);
}

/** FCOM m32fp, m64fp, FICOM m16int, m32int, and the popping forms. */
export function fcomMemory(x: X87, kind: MemoryKind, bits: bigint, pop = false): void {
  const memory = (env: FloatEnv): Unpacked => memoryOperand(env, kind, bits);
  setCodes(x, against(x, memory, true), pop ? 1 : 0);
}

/** FTST: against +0. */
export function ftst(x: X87): void {
  const zero = (): Unpacked => unpack(F80, 0n);
  setCodes(x, against(x, zero, true), 0);
}

function setCodes(x: X87, comparison: Comparison, pops: number): void {
  if (comparison.relation !== null) x.setConditionCodes(CODES[comparison.relation]);
  if (!comparison.pops) return;
  for (let n = 0; n < pops; n++) x.pop();
}

/**
 * FCOMI, FUCOMI and the popping forms: ZF, PF and CF at their places in RFLAGS, or null where they stay.
 * OF, SF and AF become 0 in any case.
 */
export function fcomi(x: X87, i: number, signalling: boolean, pop = false): number | null {
  const { relation, pops } = against(x, register(x, i), signalling);
  if (pop && pops) x.pop();
  return relation === null ? null : RFLAGS[relation];
}

/** FXAM: the class of ST(0) in C3 C2 C0, its sign in C1, even of an empty register. */
export function fxam(x: X87): void {
  const bits = x.read(0);
  x.setConditionCodes(x.isEmpty(0) ? FXAM_EMPTY : classify(bits));
  x.setC1((bits & F80.signBit) !== 0n);
}
