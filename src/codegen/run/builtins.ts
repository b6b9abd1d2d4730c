/** Memory as the models of library functions see it. */
export interface BuiltinMemory {
  read(address: bigint, length: number): Uint8Array;
  write(address: bigint, bytes: Uint8Array): void;
}

/** More than this at once is a length that nobody meant. */
export const MOST_BYTES = 1 << 20;
const CHUNK = 64;

const sign = (a: Uint8Array, b: Uint8Array): number => {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return 0;
};

/** Bytes before the NUL. */
export function stringLength(memory: BuiltinMemory, address: bigint): number {
  for (let length = 0; length < MOST_BYTES; length += CHUNK) {
    const end = memory.read(address + BigInt(length), CHUNK).indexOf(0);
    if (end >= 0) return length + end;
  }
  return MOST_BYTES;
}

type Builtin = (memory: BuiltinMemory, a: bigint, b: bigint, c: bigint) => bigint;

const copy: Builtin = (memory, to, from, length) => {
  memory.write(to, memory.read(from, Number(length)));
  return to;
};
const compare: Builtin = (memory, a, b, length) =>
  BigInt.asUintN(32, BigInt(sign(memory.read(a, Number(length)), memory.read(b, Number(length)))));

const boundedLength = (memory: BuiltinMemory, address: bigint, most: bigint): number => {
  const length = most > BigInt(MOST_BYTES) ? MOST_BYTES : Number(most);
  for (let at = 0; at < length; at += CHUNK) {
    const end = memory.read(address + BigInt(at), Math.min(CHUNK, length - at)).indexOf(0);
    if (end >= 0) return at + end;
  }
  return length;
};

/** The sign of the difference, as 32 bits; what size it has is nobody's to rely on. */
function compareText(memory: BuiltinMemory, a: bigint, b: bigint, most: bigint): bigint {
  for (let at = 0n; at < most; at++) {
    const [x] = memory.read(a + at, 1);
    const [y] = memory.read(b + at, 1);
    if (x !== y) return BigInt.asUintN(32, BigInt(x! - y!));
    if (x === 0) break;
  }
  return 0n;
}

/** Functions that compilers call for loops and assignments, and leave out again: they run, and are no calls to compare. */
export const BUILTINS: Readonly<Record<string, Builtin>> = {
  memcpy: copy,
  memmove: copy,
  __memcpy: copy,
  memset: (memory, to, value, length) => {
    memory.write(to, new Uint8Array(Number(length)).fill(Number(value & 0xffn)));
    return to;
  },
  memcmp: compare,
  bcmp: compare,
  strlen: (memory, address) => BigInt(stringLength(memory, address)),
  strcpy: (memory, to, from) => {
    memory.write(to, memory.read(from, stringLength(memory, from) + 1));
    return to;
  },
  stpcpy: (memory, to, from) => {
    const length = stringLength(memory, from);
    memory.write(to, memory.read(from, length + 1));
    return to + BigInt(length);
  },
  mempcpy: (memory, to, from, length) => copy(memory, to, from, length) + length,
  bzero: (memory, to, length) => {
    memory.write(to, new Uint8Array(Number(length > BigInt(MOST_BYTES) ? MOST_BYTES : length)));
    return 0n;
  },
  strnlen: (memory, address, most) => BigInt(boundedLength(memory, address, most)),
  strcat: (memory, to, from) => {
    memory.write(to + BigInt(stringLength(memory, to)), memory.read(from, stringLength(memory, from) + 1));
    return to;
  },
  strncpy: (memory, to, from, most) => {
    const bytes = new Uint8Array(Number(most));
    bytes.set(memory.read(from, boundedLength(memory, from, most)));
    memory.write(to, bytes);
    return to;
  },
  strcmp: (memory, a, b) => compareText(memory, a, b, BigInt(MOST_BYTES)),
  strncmp: compareText,
  strchr: (memory, address, letter) => {
    const at = memory.read(address, stringLength(memory, address) + 1).indexOf(Number(letter & 0xffn));
    return at < 0 ? 0n : address + BigInt(at);
  },
  strrchr: (memory, address, letter) => {
    const at = memory.read(address, stringLength(memory, address) + 1).lastIndexOf(Number(letter & 0xffn));
    return at < 0 ? 0n : address + BigInt(at);
  },
  memchr: (memory, address, letter, length) => {
    const at = memory.read(address, Number(length)).indexOf(Number(letter & 0xffn));
    return at < 0 ? 0n : address + BigInt(at);
  },
};

/** Whether the third argument is a length. */
export const takesLength = (name: string): boolean => /^(__)?mem|^bcmp$|^strncpy$/.test(name);

/** Whether its result says how bytes at the first two arguments compare. */
export const comparesBytes = (name: string): boolean => /^(memcmp|bcmp|strn?cmp)$/.test(name);

/** Functions that never come back: compilers put nothing behind a call of them. */
export const NORETURN: ReadonlySet<string> = new Set(
  'exit _exit _Exit abort quick_exit __stack_chk_fail __assert_fail __fortify_fail __chk_fail longjmp siglongjmp panic do_exit make_task_dead __builtin_unreachable'.split(
    ' ',
  ),
);
