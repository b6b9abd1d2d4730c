import type { Random } from '../bits/random.ts';
import { F32, F64, F80, type FloatFormat } from '../bits/softfloat.ts';
import type { Insn } from '../decode/insn.ts';
import { FX } from '../state/fxsave.ts';
import { SW, writeExtended } from '../state/x87.ts';
import { COMPACTED, HEADER, HEADER_BYTES, STATE_BIT, standardSize } from '../state/xsave.ts';
import { FXSAVE_BYTES, FXSAVE_MXCSR } from './record.ts';

const EXCEPTIONS = 0x3f;
const CW_FIXED = 0x40;
/** Precision control: 24, 53 and 64 bits; the fourth value is reserved. */
const PRECISIONS = [0, 2, 3] as const;

/** A control word: half of them mask every exception. */
function drawControlWord(random: Random): number {
  const masks = random.below(2) ? EXCEPTIONS : random.below(64);
  return masks | CW_FIXED | (random.pick(PRECISIONS) << 8) | (random.below(4) << 10);
}

/** A status word that agrees with the control word: ES and B tell whether an exception is pending, which it seldom is. */
function drawStatusWord(random: Random, cw: number): number {
  let sw = random.u32() & 0x7f7f;
  if (random.below(12)) sw &= ~(~cw & EXCEPTIONS);
  if (sw & ~cw & EXCEPTIONS) sw |= SW.ES | SW.B;
  return sw;
}

/** A significand with a pattern that rounding finds interesting. */
function drawSignificand(random: Random, width: number): bigint {
  const full = (1n << BigInt(width)) - 1n;
  const bit = 1n << BigInt(random.below(width));
  switch (random.below(8)) {
    case 0:
      return 0n;
    case 1:
      return full;
    case 2:
      return bit;
    case 3:
      return full ^ bit;
    case 4:
      return bit - 1n;
    case 5:
      return full ^ (bit - 1n);
    default:
      return random.u64() & full;
  }
}

/** A number of the format: ordinary, at a corner of its range, or near `other` so that sums cancel. */
function drawNumber(fmt: FloatFormat, random: Random, other?: bigint): bigint {
  const m = fmt.exponentMask;
  let exponent: number;
  if (other !== undefined && random.below(4) === 0) {
    const near = Number(other >> fmt.storedShift) & m;
    exponent = near + random.below(5) - 2 - (random.below(8) ? 0 : fmt.precision);
  } else if (random.below(2)) exponent = fmt.bias + random.below(4 * fmt.precision) - 2 * fmt.precision;
  else exponent = random.pick([0, 0, 1, 2, m, m, m - 1, m - 2, fmt.bias, fmt.bias + 1, fmt.precision, random.below(m)]);
  const field = Math.min(Math.max(exponent, 0), m);
  let bits = (BigInt(field) << fmt.storedShift) | drawSignificand(random, fmt.precision - 1);
  if (other !== undefined && random.below(8) === 0)
    bits = (BigInt(field) << fmt.storedShift) | (other & fmt.fractionMask);
  if (random.below(2)) bits |= fmt.signBit;
  // Now and then an encoding that the x87 does not support, or a pseudo-denormal.
  if (fmt === F80 && (field !== 0) !== (random.below(32) === 0)) bits |= F80.integerBit;
  return bits;
}

/** An FXSAVE image with a random x87 state and otherwise zeros but for the default MXCSR. */
export function drawFxsave(random: Random): Uint8Array {
  const image = new Uint8Array(FXSAVE_BYTES);
  const view = new DataView(image.buffer);
  const cw = drawControlWord(random);
  const sw = drawStatusWord(random, cw);
  view.setUint16(0, cw, true);
  view.setUint16(2, sw, true);
  image[4] = random.below(3) ? 0xff : random.u32();
  // Half of the stacks have room for a push.
  if (random.below(2)) image[4] &= ~(1 << (((sw >> 11) + 7) & 7));
  view.setUint16(6, random.u32() & 0x7ff, true);
  view.setBigUint64(8, random.u64() >> 17n, true);
  view.setBigUint64(16, random.u64() >> 17n, true);
  view.setUint32(FXSAVE_MXCSR, 0x1f80, true);
  let first: bigint | undefined;
  for (let i = 0; i < 8; i++) {
    const bits = drawNumber(F80, random, first);
    first ??= bits;
    writeExtended(view, 32 + 16 * i, bits);
  }
  return image;
}

const bytesOf = (bits: bigint, width: number): Uint8Array =>
  Uint8Array.from({ length: width / 8 }, (_, n) => Number((bits >> BigInt(8 * n)) & 0xffn));

function drawInteger(width: number, random: Random): bigint {
  return BigInt.asUintN(width, random.below(2) ? BigInt(random.below(8) - 4) : random.u64());
}

function drawDecimal(random: Random): bigint {
  let digits = random.below(2) << 7;
  let bits = BigInt(digits);
  for (let n = 0; n < 18; n++) {
    digits = random.below(10);
    bits = (bits << 4n) | BigInt(digits);
  }
  return bits;
}

function drawEnvironment(insn: Insn, bytes: number, random: Random): Uint8Array {
  const image = random.bytes(bytes);
  const view = new DataView(image.buffer);
  const wide = !insn.codeName.endsWith('m14byte') && !insn.codeName.endsWith('m94byte');
  const cw = drawControlWord(random);
  view.setUint16(0, cw, true);
  view.setUint16(wide ? 4 : 2, drawStatusWord(random, cw), true);
  const registers = wide ? 28 : 14;
  for (let at = registers; at + 10 <= bytes; at += 10) writeExtended(view, at, drawNumber(F80, random));
  return image;
}

/** What an x87 instruction may find at its memory operand of `width` bits; null for an instruction that is none. */
export function drawX87Operand(insn: Insn, width: number, random: Random): Uint8Array | null {
  const kind = /_m(\d+)(fp|int|bcd|byte)$/.exec(insn.codeName);
  if (kind === null || !/^f/.test(insn.mnemonic)) return null;
  if (kind[2] === 'int') return bytesOf(drawInteger(width, random), width);
  if (kind[2] === 'bcd') return bytesOf(drawDecimal(random), width);
  if (kind[2] === 'fp') return bytesOf(drawNumber(width === 80 ? F80 : width === 64 ? F64 : F32, random), width);
  if (width === 16) return bytesOf(BigInt(drawControlWord(random)), 16);
  return width === 8 * FXSAVE_BYTES ? drawFxsave(random) : drawEnvironment(insn, width / 8, random);
}

/** Bytes of the header whose bits no CPU gives a meaning. */
const UNKNOWN_BITS = [HEADER.stateBv + 2, HEADER.compBv + 2, HEADER.reserved, HEADER.reserved + 40] as const;

/** An XSAVE area of x87, SSE and AVX: mostly one that XRSTOR takes, in either format. */
export function drawArea(random: Random): Uint8Array {
  const known = Number(STATE_BIT.x87 | STATE_BIT.sse | STATE_BIT.avx);
  const area = random.bytes(standardSize(BigInt(known)));
  area.set(drawFxsave(random).subarray(0, FX.xmm));
  const view = new DataView(area.buffer);
  if (random.below(16) === 0) view.setUint32(FX.mxcsr, random.u32(), true);
  area.fill(0, HEADER.stateBv, HEADER.stateBv + HEADER_BYTES);
  const components = random.below(known + 1);
  const compacted = random.below(2) === 1;
  view.setUint32(HEADER.stateBv, compacted && random.below(16) ? components & random.u32() : components, true);
  if (compacted) view.setBigUint64(HEADER.compBv, BigInt(components) | COMPACTED, true);
  if (random.below(12) === 0) area[random.pick(UNKNOWN_BITS) + random.below(6)] = 1 << random.below(8);
  return area;
}
