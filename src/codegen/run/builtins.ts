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

function stringLength(memory: BuiltinMemory, address: bigint): number {
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
};

/** Whether the third argument is a length. */
export const takesLength = (name: string): boolean => !name.startsWith('str') && name !== 'stpcpy';

/** Functions that never come back: compilers put nothing behind a call of them. */
export const NORETURN: ReadonlySet<string> = new Set(
  'exit _exit _Exit abort quick_exit __stack_chk_fail __assert_fail __fortify_fail __chk_fail longjmp siglongjmp panic do_exit make_task_dead __builtin_unreachable'.split(
    ' ',
  ),
);
