import { littleEndianNumber } from '../../bits/bytes.ts';
import { convert } from '../../bits/float/convert.ts';
import { floatEnv } from '../../bits/float/env.ts';
import { F32, F64, F80 } from '../../bits/float/format.ts';
import { hex } from '../../bits/hex.ts';
import { type CType, type Member, sizeOf } from '../../elf/dwarf/types.ts';

// Values of C types as bytes: what they say, and whether two say the same.

const SINGLE = 4;
const DOUBLE = 8;
const LONG_DOUBLE = 16;
const LONG_DOUBLE_BITS = 80;

/** The bytes of a number, the lowest first. */
export function bytesOfNumber(value: bigint, size: number): Uint8Array {
  let rest = BigInt.asUintN(8 * size, value);
  return Uint8Array.from({ length: size }, () => {
    const byte = Number(rest & 0xffn);
    rest >>= 8n;
    return byte;
  });
}

const doubleBits = (value: number): bigint => {
  const view = new DataView(new ArrayBuffer(DOUBLE));
  view.setFloat64(0, value);
  return view.getBigUint64(0);
};

/** The bits of a floating-point number of 4, 8 or 16 bytes (long double: 80 bits of them). */
export function floatBits(value: number, size: number): bigint {
  const bits = doubleBits(value);
  if (size === DOUBLE) return bits;
  return convert(F64, size === SINGLE ? F32 : F80, floatEnv(), bits);
}

/** The nearest double of such bits. */
export function floatOf(bits: bigint, size: number): number {
  const view = new DataView(new ArrayBuffer(DOUBLE));
  if (size === SINGLE) {
    view.setUint32(0, Number(BigInt.asUintN(32, bits)));
    return view.getFloat32(0);
  }
  const double = size === LONG_DOUBLE ? convert(F80, F64, floatEnv(), BigInt.asUintN(LONG_DOUBLE_BITS, bits)) : bits;
  view.setBigUint64(0, BigInt.asUintN(64, double));
  return view.getFloat64(0);
}

const integerOf = (bytes: Uint8Array, signed: boolean): bigint => {
  const value = littleEndianNumber(bytes);
  return signed ? BigInt.asIntN(8 * bytes.length, value) : value;
};

/** A number as C writes it. */
const floatText = (bytes: Uint8Array): string => {
  const value = floatOf(littleEndianNumber(bytes), bytes.length);
  return Object.is(value, -0)
    ? '-0'
    : Number.isFinite(value)
      ? String(value)
      : Number.isNaN(value)
        ? 'nan'
        : value < 0
          ? '-inf'
          : 'inf';
};

/** A value as C writes it. @param pointer how an address is shown */
export function valueText(type: CType, bytes: Uint8Array, pointer: (address: bigint) => string): string {
  switch (type.kind) {
    case 'integer':
      return String(integerOf(bytes, type.signed));
    case 'boolean':
      return bytes[0] === 0 ? 'false' : 'true';
    case 'enum': {
      const value = Number(integerOf(bytes, true));
      return type.values.find((row) => row.value === value)?.name ?? String(value);
    }
    case 'float':
      return floatText(bytes);
    case 'complex': {
      const half = type.size / 2;
      const [re, im] = [floatText(bytes.subarray(0, half)), floatText(bytes.subarray(half))];
      return `${re}${im.startsWith('-') ? '' : '+'}${im}i`;
    }
    case 'pointer': {
      const address = littleEndianNumber(bytes);
      return address === 0n ? 'NULL' : pointer(address);
    }
    case 'array': {
      const size = sizeOf(type.of);
      const elements = Array.from({ length: type.count ?? 0 }, (_, n) => bytes.subarray(n * size, (n + 1) * size));
      return `{${elements.map((element) => valueText(type.of, element, pointer)).join(', ')}}`;
    }
    case 'struct': {
      const text = (member: Member): string => {
        const value = valueText(member.type, bytesOfMember(member, bytes), pointer);
        return member.name === '' ? value : `.${member.name} = ${value}`;
      };
      return `{${type.members().map(text).join(', ')}}`;
    }
    default:
      return hex(littleEndianNumber(bytes));
  }
}

/** The bytes of a member; those of a bit-field as its type has them. */
function bytesOfMember({ offset, type, bits }: Member, bytes: Uint8Array): Uint8Array {
  if (bits === null) return bytes.subarray(offset, offset + sizeOf(type));
  const raw = BigInt.asUintN(bits.size, littleEndianNumber(bytes) >> BigInt(bits.at));
  const signed = type.kind === 'integer' && type.signed;
  return bytesOfNumber(signed ? BigInt.asIntN(bits.size, raw) : raw, Math.max(1, sizeOf(type)));
}

/** Whether two values say the same: bytes between members, and which NaN it is, say nothing. @param same whether two addresses are of the same thing */
export function sameValue(type: CType, a: Uint8Array, b: Uint8Array, same: (a: bigint, b: bigint) => boolean): boolean {
  switch (type.kind) {
    case 'struct':
      return type
        .members()
        .every((member) => sameValue(member.type, bytesOfMember(member, a), bytesOfMember(member, b), same));
    case 'array': {
      const size = sizeOf(type.of);
      for (let at = 0; at < a.length; at += Math.max(1, size)) {
        if (!sameValue(type.of, a.subarray(at, at + size), b.subarray(at, at + size), same)) return false;
      }
      return true;
    }
    case 'complex': {
      const half = type.size / 2;
      const part: CType = { kind: 'float', name: type.name, size: half };
      return (
        sameValue(part, a.subarray(0, half), b.subarray(0, half), same) &&
        sameValue(part, a.subarray(half), b.subarray(half), same)
      );
    }
    case 'float': {
      const [x, y] = [a, b].map((bytes) => {
        const bits = littleEndianNumber(bytes);
        return type.size === LONG_DOUBLE ? BigInt.asUintN(LONG_DOUBLE_BITS, bits) : bits;
      });
      return x === y || (Number.isNaN(floatOf(x!, type.size)) && Number.isNaN(floatOf(y!, type.size)));
    }
    case 'boolean':
      return a[0] === b[0];
    default: {
      const [x, y] = [littleEndianNumber(a), littleEndianNumber(b)];
      return x === y || same(x, y);
    }
  }
}
