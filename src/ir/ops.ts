import { bit, flag, mask, signed } from '../bits/width.ts';
import {
  byMask,
  crcByte,
  divideLong,
  divideLongHigh,
  extend,
  multiplyHigh,
  multiplyHighSigned,
  rotate,
  signedCompare,
  swapBytes,
} from './emit-scalar.ts';
import { type Emitter, TYPE, W } from './wasm-opcodes.ts';

/** How a row's arguments and result relate; the builder derives each method's type from it. */
export type RowKind =
  /** (a) → same width */
  | 'unary'
  /** (a, b), equal widths → same width */
  | 'binary'
  /** (a, b, c), equal widths → same width */
  | 'ternary'
  /** (a) → one bit */
  | 'test'
  /** (a, b), equal widths → one bit */
  | 'compare'
  /** (a, width) → that width */
  | 'resize'
  /** (low, high), equal widths → twice the width */
  | 'join'
  /** (condition of one bit, a, b) → width of a and b */
  | 'select';

export type WidthOf = 1 | 8 | 16 | 32 | 64 | 128;

/**
 * One IR operation: its sentence, its meaning, its speed. `eval` works in ℤ on zero-extended operands of `w` bits and the caller
 * wraps the result; `emit` works on zero-extended i32 (w ≤ 32) or i64. A row without `emit` is called out to from wasm.
 */
export interface Row {
  readonly doc: string;
  readonly kind: RowKind;
  /** Operand widths at which the row exists. */
  readonly widths: readonly WidthOf[];
  /** `w` is the operands' width, `to` the result's. */
  readonly eval: (w: number, args: readonly bigint[], to: number) => bigint;
  /** [i32 opcode, i64 opcode], or code that emits; a result narrower than 32 bits is masked behind it when `dirty`. */
  readonly emit?: readonly [number, number] | ((e: Emitter, w: number, to: number) => void);
  /** Order in which wasm wants the arguments, where it is another. */
  readonly order?: readonly number[];
  /** The emitted code may leave ones above a narrow result. */
  readonly dirty?: boolean;
  /** Operands for which the row is defined; the property test draws from these only. */
  readonly when?: (w: number, args: readonly bigint[]) => boolean;
}

const INT = [8, 16, 32, 64] as const;
const BIT_AND_INT = [1, 8, 16, 32, 64] as const;
const NATIVE = [32, 64] as const;
const ONLY64 = [64] as const;

const inRange = (w: number, args: readonly bigint[]): boolean => args[1]! < BigInt(w);

function popcount(x: bigint): bigint {
  let n = 0n;
  for (let v = x; v !== 0n; v &= v - 1n) n++;
  return n;
}

const lengthOf = (x: bigint): number => (x === 0n ? 0 : x.toString(2).length);

/** Operations on integers of 1 to 64 bits. */
export const SCALAR_ROWS = {
  add: {
    doc: 'a + b',
    kind: 'binary',
    widths: INT,
    eval: (_w, [a, b]) => a! + b!,
    emit: [W.i32_add, W.i64_add],
    dirty: true,
  },
  sub: {
    doc: 'a − b',
    kind: 'binary',
    widths: INT,
    eval: (_w, [a, b]) => a! - b!,
    emit: [W.i32_sub, W.i64_sub],
    dirty: true,
  },
  mul: {
    doc: 'the low half of a · b',
    kind: 'binary',
    widths: INT,
    eval: (_w, [a, b]) => a! * b!,
    emit: [W.i32_mul, W.i64_mul],
    dirty: true,
  },
  mulhu: {
    doc: 'the high half of a · b, unsigned',
    kind: 'binary',
    widths: ONLY64,
    eval: (w, [a, b]) => (a! * b!) >> BigInt(w),
    emit: multiplyHigh,
  },
  mulhs: {
    doc: 'the high half of a · b, signed',
    kind: 'binary',
    widths: ONLY64,
    eval: (w, [a, b]) => (signed(a!, w) * signed(b!, w)) >> BigInt(w),
    emit: multiplyHighSigned,
  },
  divu: {
    doc: 'a / b, unsigned; b ≠ 0',
    kind: 'binary',
    widths: NATIVE,
    eval: (_w, [a, b]) => a! / b!,
    emit: [W.i32_div_u, W.i64_div_u],
    when: (_w, [, b]) => b !== 0n,
  },
  remu: {
    doc: 'a mod b, unsigned; b ≠ 0',
    kind: 'binary',
    widths: NATIVE,
    eval: (_w, [a, b]) => a! % b!,
    emit: [W.i32_rem_u, W.i64_rem_u],
    when: (_w, [, b]) => b !== 0n,
  },
  divs: {
    doc: 'a / b, signed, toward zero; b ≠ 0 and no overflow',
    kind: 'binary',
    widths: NATIVE,
    eval: (w, [a, b]) => signed(a!, w) / signed(b!, w),
    emit: [W.i32_div_s, W.i64_div_s],
    when: (w, [a, b]) => b !== 0n && !(a === 1n << BigInt(w - 1) && b === mask(w)),
  },
  rems: {
    doc: 'a − b · trunc(a / b), signed; b ≠ 0',
    kind: 'binary',
    widths: NATIVE,
    eval: (w, [a, b]) => signed(a!, w) % signed(b!, w),
    emit: [W.i32_rem_s, W.i64_rem_s],
    when: (_w, [, b]) => b !== 0n,
  },
  divqu: {
    doc: '(a:b) / c, unsigned, a the high half; a < c',
    kind: 'ternary',
    widths: ONLY64,
    eval: (w, [a, b, c]) => ((a! << BigInt(w)) | b!) / c!,
    emit: divideLong('divqu', W.i64_div_u, false),
    when: (_w, [a, , c]) => a! < c!,
  },
  remqu: {
    doc: '(a:b) mod c, unsigned; a < c',
    kind: 'ternary',
    widths: ONLY64,
    eval: (w, [a, b, c]) => ((a! << BigInt(w)) | b!) % c!,
    emit: divideLong('remqu', W.i64_rem_u, false),
    when: (_w, [a, , c]) => a! < c!,
  },
  divqs: {
    doc: '(a:b) / c, signed, toward zero; c ≠ 0; the low half of the quotient',
    kind: 'ternary',
    widths: ONLY64,
    eval: (w, [a, b, c]) => ((signed(a!, w) << BigInt(w)) | b!) / signed(c!, w),
    emit: divideLong('divqs', W.i64_div_s, true),
    when: (_w, [, , c]) => c !== 0n,
  },
  divqsHigh: {
    doc: '(a:b) / c, signed, toward zero; c ≠ 0; the high half of the quotient, which tells whether it overflows',
    kind: 'ternary',
    widths: ONLY64,
    eval: (w, [a, b, c]) => (((signed(a!, w) << BigInt(w)) | b!) / signed(c!, w)) >> BigInt(w),
    emit: divideLongHigh,
    when: (_w, [, , c]) => c !== 0n,
  },
  remqs: {
    doc: '(a:b) rem c, signed; c ≠ 0',
    kind: 'ternary',
    widths: ONLY64,
    eval: (w, [a, b, c]) => ((signed(a!, w) << BigInt(w)) | b!) % signed(c!, w),
    emit: divideLong('remqs', W.i64_rem_s, true),
    when: (_w, [, , c]) => c !== 0n,
  },
  and: {
    doc: 'a ∧ b',
    kind: 'binary',
    widths: BIT_AND_INT,
    eval: (_w, [a, b]) => a! & b!,
    emit: [W.i32_and, W.i64_and],
  },
  or: { doc: 'a ∨ b', kind: 'binary', widths: BIT_AND_INT, eval: (_w, [a, b]) => a! | b!, emit: [W.i32_or, W.i64_or] },
  xor: {
    doc: 'a ⊕ b',
    kind: 'binary',
    widths: BIT_AND_INT,
    eval: (_w, [a, b]) => a! ^ b!,
    emit: [W.i32_xor, W.i64_xor],
  },
  shl: {
    doc: 'a shifted left by b; b < width',
    kind: 'binary',
    widths: INT,
    eval: (_w, [a, b]) => a! << b!,
    emit: [W.i32_shl, W.i64_shl],
    dirty: true,
    when: inRange,
  },
  shr: {
    doc: 'a shifted right by b, zeros in; b < width',
    kind: 'binary',
    widths: INT,
    eval: (_w, [a, b]) => a! >> b!,
    emit: [W.i32_shr_u, W.i64_shr_u],
    when: inRange,
  },
  sar: {
    doc: 'a shifted right by b, signs in; b < width',
    kind: 'binary',
    widths: INT,
    eval: (w, [a, b]) => signed(a!, w) >> b!,
    emit: (e, w) => {
      if (w < 32)
        e.temp(TYPE.i32, (n) => {
          e.set(n);
          extend(e, w);
          e.get(n);
        });
      e.op(w === 64 ? W.i64_shr_s : W.i32_shr_s);
    },
    dirty: true,
    when: inRange,
  },
  rotl: {
    doc: 'a rotated left by b; b < width',
    kind: 'binary',
    widths: INT,
    eval: (w, [a, b]) => (a! << b!) | (a! >> (BigInt(w) - b!)),
    emit: rotate(W.i32_rotl, W.i64_rotl, true),
    dirty: true,
    when: inRange,
  },
  rotr: {
    doc: 'a rotated right by b; b < width',
    kind: 'binary',
    widths: INT,
    eval: (w, [a, b]) => (a! >> b!) | (a! << (BigInt(w) - b!)),
    emit: rotate(W.i32_rotr, W.i64_rotr, false),
    dirty: true,
    when: inRange,
  },
  not: {
    doc: '¬a',
    kind: 'unary',
    widths: BIT_AND_INT,
    eval: (_w, [a]) => ~a!,
    emit: (e, w) => {
      if (w === 64) e.i64(-1n);
      else e.i32(-1);
      e.op(w === 64 ? W.i64_xor : W.i32_xor);
    },
    dirty: true,
  },
  neg: {
    doc: '−a',
    kind: 'unary',
    widths: INT,
    eval: (_w, [a]) => -a!,
    emit: (e, w) => {
      if (w === 64) e.i64(-1n);
      else e.i32(-1);
      e.op(w === 64 ? W.i64_mul : W.i32_mul);
    },
    dirty: true,
  },
  clz: {
    doc: 'leading zeros; the width for 0',
    kind: 'unary',
    widths: INT,
    eval: (w, [a]) => BigInt(w - lengthOf(a!)),
    emit: (e, w) => {
      e.op(w === 64 ? W.i64_clz : W.i32_clz);
      if (w < 32) {
        e.i32(32 - w);
        e.op(W.i32_sub);
      }
    },
  },
  ctz: {
    doc: 'trailing zeros; the width for 0',
    kind: 'unary',
    widths: INT,
    eval: (w, [a]) => (a === 0n ? BigInt(w) : BigInt(lengthOf(a! & -a!) - 1)),
    emit: (e, w) => {
      if (w < 32) {
        e.i32(1 << w);
        e.op(W.i32_or);
      }
      e.op(w === 64 ? W.i64_ctz : W.i32_ctz);
    },
  },
  popcnt: {
    doc: 'how many ones',
    kind: 'unary',
    widths: INT,
    eval: (_w, [a]) => popcount(a!),
    emit: [W.i32_popcnt, W.i64_popcnt],
  },
  bswap: {
    doc: 'bytes in reverse order',
    kind: 'unary',
    widths: NATIVE,
    eval: (w, [a]) => {
      let out = 0n;
      for (let i = 0; i < w; i += 8) out = (out << 8n) | ((a! >> BigInt(i)) & 0xffn);
      return out;
    },
    emit: swapBytes,
  },
  pdep: {
    doc: 'the low bits of a scattered to the ones of b',
    kind: 'binary',
    widths: NATIVE,
    eval: (_w, [a, b]) => {
      let out = 0n;
      let source = a!;
      for (let m = b!; m !== 0n; m &= m - 1n, source >>= 1n) if (source & 1n) out |= m & -m;
      return out;
    },
    emit: byMask(true),
  },
  pext: {
    doc: 'the bits of a at the ones of b, gathered low',
    kind: 'binary',
    widths: NATIVE,
    eval: (_w, [a, b]) => {
      let out = 0n;
      let to = 1n;
      for (let m = b!; m !== 0n; m &= m - 1n, to <<= 1n) if (a! & m & -m) out |= to;
      return out;
    },
    emit: byMask(false),
  },
  crc32c: {
    doc: 'CRC-32C of accumulator a after the byte b (reflected polynomial 82f63b78)',
    kind: 'binary',
    widths: [32],
    eval: (_w, [a, b]) => {
      let crc = a! ^ (b! & 0xffn);
      for (let i = 0; i < 8; i++) crc = crc & 1n ? (crc >> 1n) ^ 0x82f63b78n : crc >> 1n;
      return crc;
    },
    emit: crcByte(0x82f63b78),
  },
  eqz: {
    doc: 'a = 0',
    kind: 'test',
    widths: INT,
    eval: (_w, [a]) => flag(a === 0n),
    emit: [W.i32_eqz, W.i64_eqz],
  },
  msb: {
    doc: 'the top bit of a',
    kind: 'test',
    widths: INT,
    eval: (w, [a]) => bit(a!, w - 1),
    emit: (e, w) => {
      if (w === 64) {
        e.i64(63n);
        e.op(W.i64_shr_u, W.i32_wrap_i64);
      } else {
        e.i32(w - 1);
        e.op(W.i32_shr_u);
      }
    },
  },
  parity: {
    doc: 'the low byte of a has an even number of ones',
    kind: 'test',
    widths: INT,
    eval: (_w, [a]) => (popcount(a! & 0xffn) & 1n) ^ 1n,
    emit: (e, w) => {
      if (w === 64) e.op(W.i32_wrap_i64);
      e.i32(0xff);
      e.op(W.i32_and, W.i32_popcnt);
      e.i32(1);
      e.op(W.i32_and);
      e.op(W.i32_eqz);
    },
  },
  bit4: {
    doc: 'bit 4 of a: the nibble carry of a ⊕ b ⊕ (a ± b)',
    kind: 'test',
    widths: INT,
    eval: (_w, [a]) => bit(a!, 4),
    emit: (e, w) => {
      if (w === 64) e.op(W.i32_wrap_i64);
      e.i32(4);
      e.op(W.i32_shr_u);
      e.i32(1);
      e.op(W.i32_and);
    },
  },
  eq: { doc: 'a = b', kind: 'compare', widths: INT, eval: (_w, [a, b]) => flag(a === b), emit: [W.i32_eq, W.i64_eq] },
  ne: { doc: 'a ≠ b', kind: 'compare', widths: INT, eval: (_w, [a, b]) => flag(a !== b), emit: [W.i32_ne, W.i64_ne] },
  ltu: {
    doc: 'a < b, unsigned',
    kind: 'compare',
    widths: INT,
    eval: (_w, [a, b]) => flag(a! < b!),
    emit: [W.i32_lt_u, W.i64_lt_u],
  },
  leu: {
    doc: 'a ≤ b, unsigned',
    kind: 'compare',
    widths: INT,
    eval: (_w, [a, b]) => flag(a! <= b!),
    emit: [W.i32_le_u, W.i64_le_u],
  },
  lts: {
    doc: 'a < b, signed',
    kind: 'compare',
    widths: INT,
    eval: (w, [a, b]) => flag(signed(a!, w) < signed(b!, w)),
    emit: signedCompare(W.i32_lt_s, W.i64_lt_s),
  },
  les: {
    doc: 'a ≤ b, signed',
    kind: 'compare',
    widths: INT,
    eval: (w, [a, b]) => flag(signed(a!, w) <= signed(b!, w)),
    emit: signedCompare(W.i32_le_s, W.i64_le_s),
  },
  zext: {
    doc: 'a with zeros above',
    kind: 'resize',
    widths: BIT_AND_INT,
    eval: (_w, [a]) => a!,
    emit: (e, w, to) => {
      if (w < 64 && to === 64) e.op(W.i64_extend_i32_u);
    },
  },
  sext: {
    doc: 'a with its sign above',
    kind: 'resize',
    widths: INT,
    eval: (w, [a]) => signed(a!, w),
    emit: (e, w, to) => {
      if (w < 64) extend(e, w);
      if (w < 64 && to === 64) e.op(W.i64_extend_i32_s);
    },
    dirty: true,
  },
  trunc: {
    doc: 'the low bits of a',
    kind: 'resize',
    widths: INT,
    eval: (_w, [a]) => a!,
    emit: (e, w, to) => {
      if (w === 64 && to < 64) e.op(W.i32_wrap_i64);
    },
    dirty: true,
  },
  select: {
    doc: 'a when the condition holds, else b',
    kind: 'select',
    widths: [1, 8, 16, 32, 64, 128],
    eval: (_w, [c, a, b]) => (c === 1n ? a! : b!),
    order: [1, 2, 0],
    emit: [W.select, W.select],
  },
} as const satisfies Record<string, Row>;
