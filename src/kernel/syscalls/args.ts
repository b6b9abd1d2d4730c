import { hex } from '../../bits/hex.ts';
import { AT } from '../fs/mode.ts';
import { signalName } from '../signals/numbers.ts';
import type { UserMemory } from '../user-memory.ts';

/** What is known when an argument is written down. */
export interface ShowContext {
  readonly user: UserMemory;
  /** All arguments, decoded. */
  readonly args: readonly number[];
  /** The result, or -1 before the call. */
  readonly result: number;
}

/** The kind of one argument: how the register becomes a number, and how strace writes it. */
export interface ArgKind {
  readonly decode: (raw: bigint) => number;
  readonly show: (value: number, context: ShowContext) => string;
  /** True when the call fills in what the argument points to: shown after the call, and only when it succeeded. */
  readonly out?: boolean;
}

const asInt = (raw: bigint): number => Number(BigInt.asIntN(32, raw));
const asUint = (raw: bigint): number => Number(BigInt.asUintN(32, raw));
const asLong = (raw: bigint): number => Number(BigInt.asIntN(64, raw));
/** Above 2^53 a little inexact, which is past every valid address and size. */
const asUlong = (raw: bigint): number => Number(raw);

/** The same for pointers: the kernel takes the tag of LAM off before. */
export const asPointer = (raw: bigint): number => Number(raw);

const pointer = (value: number): string => (value === 0 ? 'NULL' : hex(value));

export const INT: ArgKind = { decode: asInt, show: String };
export const UINT: ArgKind = { decode: asUint, show: String };
export const LONG: ArgKind = { decode: asLong, show: String };
export const SIZE: ArgKind = { decode: asUlong, show: String };
export const HEX: ArgKind = { decode: asUlong, show: (value) => (value === 0 ? '0' : hex(value)) };
export const HEX32: ArgKind = { decode: asUint, show: (value) => (value === 0 ? '0' : hex(value)) };
export const ADDRESS: ArgKind = { decode: asPointer, show: pointer };
/** An address that is taken as it is, tag and all: where mmap(2) is to put a mapping. */
export const PLACE: ArgKind = { decode: asUlong, show: pointer };
export const FD: ArgKind = { decode: asInt, show: String };
export const DIRFD: ArgKind = { decode: asInt, show: (value) => (value === AT.FDCWD ? 'AT_FDCWD' : String(value)) };
export const MODE: ArgKind = { decode: asUint, show: (value) => `0${value.toString(8).padStart(2, '0')}` };
export const SIGNAL: ArgKind = { decode: asInt, show: signalName };

/** Names of single bits, or of masks; the first names win. A name whose mask is 0 stands for «none of them». */
export type FlagNames = Readonly<Record<string, number>>;

/** Bits by name, joined by `|`; what has no name in hexadecimal. */
export function flagText(value: number, names: FlagNames): string {
  const parts: string[] = [];
  let rest = BigInt(value);
  for (const [name, number] of Object.entries(names)) {
    const bits = BigInt(number);
    if (bits !== 0n && (rest & bits) === bits) {
      parts.push(name);
      rest &= ~bits;
    }
  }
  if (rest !== 0n) parts.push(hex(rest));
  if (parts.length > 0) return parts.join('|');
  return Object.entries(names).find(([, bits]) => bits === 0)?.[0] ?? '0';
}

/** A set of flags in 32 bits. */
export function flags(names: FlagNames): ArgKind {
  return { decode: asUint, show: (value) => flagText(value, names) };
}

/** One of several named values. */
export function choice(names: FlagNames): ArgKind {
  const byValue = new Map(Object.entries(names).map(([name, value]) => [value, name]));
  return { decode: asInt, show: (value) => byValue.get(value) ?? hex(value >>> 0) };
}

/** Characters of a string that strace shows before it cuts. */
const SHOWN = 32;

const ESCAPES: Readonly<Record<number, string>> = {
  9: '\\t',
  10: '\\n',
  11: '\\v',
  12: '\\f',
  13: '\\r',
  34: '\\"',
  92: '\\\\',
};

/** Bytes as a C string literal, the way strace writes them. */
export function quote(bytes: Uint8Array, limit = SHOWN): string {
  let text = '';
  for (let i = 0; i < Math.min(bytes.length, limit); i++) {
    const byte = bytes[i]!;
    const next = bytes[i + 1];
    const digit = i + 1 < limit && next !== undefined && next >= 0x30 && next <= 0x39;
    if (ESCAPES[byte] !== undefined) text += ESCAPES[byte];
    else if (byte >= 0x20 && byte < 0x7f) text += String.fromCharCode(byte);
    else text += `\\${digit ? byte.toString(8).padStart(3, '0') : byte.toString(8)}`;
  }
  return `"${text}"${bytes.length > limit ? '...' : ''}`;
}

/** Shows what `value` points to, or the pointer itself when it cannot be read. */
function peek(value: number, read: () => string): string {
  if (value === 0) return 'NULL';
  try {
    return read();
  } catch {
    return pointer(value);
  }
}

/** A path: never cut. */
export const PATH: ArgKind = {
  decode: asPointer,
  show: (value, { user }) => peek(value, () => quote(user.cstring(value), Number.POSITIVE_INFINITY)),
};

/** A buffer that the call reads; argument `index` is its length. */
export function inBytes(index: number): ArgKind {
  return {
    decode: asPointer,
    show: (value, { user, args }) =>
      peek(value, () => {
        const length = args[index]!;
        const bytes = quote(user.read(value, Math.min(length, SHOWN)));
        return length > SHOWN ? `${bytes}...` : bytes;
      }),
  };
}

/** A buffer that the call fills; its result is the length. */
export const OUT_BYTES: ArgKind = {
  decode: asPointer,
  out: true,
  show: (value, { user, result }) =>
    peek(value, () => {
      const bytes = quote(user.read(value, Math.min(result, SHOWN)));
      return result > SHOWN ? `${bytes}...` : bytes;
    }),
};

/** A buffer of random bytes that the call fills: strace writes those in hexadecimal. */
export const OUT_HEX_BYTES: ArgKind = {
  decode: asPointer,
  out: true,
  show: (value, { user, result }) =>
    peek(value, () => {
      const bytes = user.read(value, Math.min(result, SHOWN));
      const text = Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
      return `"${text}"${result > SHOWN ? '...' : ''}`;
    }),
};

/** An argument that only some calls have: shown while `present`. */
export function onlyIf(kind: ArgKind, present: (args: readonly number[]) => boolean): ArgKind {
  return { ...kind, show: (value, context) => (present(context.args) ? kind.show(value, context) : '') };
}

/** A structure that the call reads. */
export function inStruct(show: (address: number, user: UserMemory) => string): ArgKind {
  return { decode: asPointer, show: (value, { user }) => peek(value, () => show(value, user)) };
}

/** A structure that the call fills. */
export function outStruct(show: (address: number, user: UserMemory, context: ShowContext) => string): ArgKind {
  return {
    decode: asPointer,
    out: true,
    show: (value, context) => peek(value, () => show(value, context.user, context)),
  };
}
