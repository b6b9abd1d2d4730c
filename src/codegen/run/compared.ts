import type { Operand } from '../../decode/insn.ts';
import { GPR_NAMES } from '../../decode/registers.ts';
import type { BuiltinMemory } from './builtins.ts';
import type { Decoded } from './decoded.ts';

// What decides the branches of a function, as it stood when they were decided.

/** Bytes at two addresses that a library function has compared. */
export interface ComparedBytes {
  readonly a: bigint;
  readonly b: bigint;
  readonly ofA: Uint8Array;
  readonly ofB: Uint8Array;
}

/** The last comparison before a branch, with its operands as they were. */
export interface Compared {
  readonly a: bigint;
  readonly b: bigint;
  /** Bits. */
  readonly width: number;
  /** How the operands decide: by their order, by the bits that they share (TEST, AND), or `a` as a number of a bit of `b` (BT). */
  readonly by: 'order' | 'bits' | 'number';
  /** The second operand is held as the negative of `b`: ADD compares with what would give zero. */
  readonly negated: boolean;
  /** Where the operand in memory is, which holds `a` or `b`. */
  readonly place: bigint | null;
  /** What has been taken from `a` before, by SUB or LEA: a character less the first one of a range. */
  readonly taken: bigint;
  /** The bytes whose comparison has given `a`. */
  readonly bytes?: ComparedBytes;
}

/** The comparison that an instruction makes: its operands, and a number for the second one where it has none. */
export interface Comparison {
  readonly by: Compared['by'];
  readonly a: Operand;
  readonly b: Operand | bigint;
  /** What it leaves is compared later: it does not decide itself (LEA), or not alone (SUB, ADD). */
  readonly takes: 'only' | 'too' | false;
  /** The second operand counts negated: ADD compares with what would give zero. */
  readonly negated: boolean;
  /** Bits that are compared. */
  readonly width: number;
}

/** What a loop compares is looked at so often. */
const MOST_TIMES = 32;
/** Different comparisons that are kept of one branch. */
const MOST_KEPT = 8;
const MOST_BYTES = 32;

const COMPARING: Readonly<Record<string, Comparison['by']>> = {
  cmp: 'order',
  sub: 'order',
  add: 'order',
  test: 'bits',
  and: 'bits',
  bt: 'number',
};
/** Bits of the floating-point numbers that are compared. */
const FLOATING: Readonly<Record<string, number>> = { comisd: 64, ucomisd: 64, comiss: 32, ucomiss: 32 };
const COUNTING: Readonly<Record<string, bigint>> = { dec: 1n, inc: -1n };

/** The comparison that leaves its result in the flags; null where an instruction makes none. */
export function comparisonOf(mnemonic: string, [a, b]: readonly Operand[]): Comparison | null {
  if (a === undefined) return null;
  const { width } = a;
  const plain = { by: 'order', a, takes: false, negated: false, width } as const;
  if (mnemonic === 'lea') {
    if (b?.kind !== 'mem' || typeof b.base !== 'number' || b.index !== null) return null;
    return { ...plain, a: registerOperand(b.base), takes: 'only', b: b.displacement, negated: true };
  }
  const step = COUNTING[mnemonic];
  if (step !== undefined) return { ...plain, b: step };
  if (b === undefined) return null;
  const floating = FLOATING[mnemonic];
  if (floating !== undefined) return { ...plain, b, width: floating };
  const by = COMPARING[mnemonic];
  if (by === undefined) return null;
  if (by === 'number') return { ...plain, by, a: b, b: a };
  // TEST of a register with itself compares it with zero.
  if (by === 'bits' && sameRegister(a, b)) return { ...plain, b: 0n };
  const takes = b.kind === 'imm' && (mnemonic === 'sub' || mnemonic === 'add') ? 'too' : false;
  return { ...plain, by, b, takes, negated: mnemonic === 'add' };
}

const registerOperand = (n: number): Operand => ({
  kind: 'reg',
  register: { file: 'gpr', n, width: 64, high: false, name: GPR_NAMES[n]! },
  width: 64,
});

const sameRegister = (a: Operand, b: Operand): boolean =>
  a.kind === 'reg' && b.kind === 'reg' && a.register.name === b.register.name;

/** Reads what operands hold. */
export interface OperandReader {
  /** Where the memory operand is. */
  readonly place: bigint | null;
  register(n: number): bigint;
  vector(n: number): bigint;
  /** So many bytes of the memory operand; null where they are not there. */
  memory(bytes: number): bigint | null;
}

/** What an operand holds; null where that is not known. @param width bits of a vector register that are meant */
function operandValue(op: Operand, read: OperandReader, width: number): bigint | null {
  switch (op.kind) {
    case 'imm':
      return op.value;
    case 'reg': {
      const { file, n, high } = op.register;
      if (file === 'gpr') return BigInt.asUintN(op.width, high ? read.register(n) >> 8n : read.register(n));
      return file === 'vector' ? BigInt.asUintN(width, read.vector(n)) : null;
    }
    case 'mem':
      return read.memory(Math.min(op.width, width) / 8);
    default:
      return null;
  }
}

/** The comparisons of one call. */
export class Comparisons {
  readonly #times = new Map<Decoded, number>();
  readonly #kept = new Map<number, Compared[]>();
  #last: Compared | null = null;
  /** What the last SUB or LEA has left, and what it has taken away. */
  #taken = { left: 0n, what: 0n };
  #bytes: (ComparedBytes & { readonly result: bigint }) | null = null;

  /** Notes what an instruction is about to compare. */
  note(insn: Decoded, comparison: Comparison, read: OperandReader): void {
    const times = this.#times.get(insn) ?? 0;
    if (times === MOST_TIMES) return;
    this.#times.set(insn, times + 1);
    const { by, negated, width } = comparison;
    const value = (op: Operand | bigint): bigint | null =>
      typeof op === 'bigint' ? op : operandValue(op, read, width);
    const a = value(comparison.a);
    const b = value(comparison.b);
    if (a === null || b === null) {
      if (comparison.takes !== 'only') this.#last = null;
      return;
    }
    if (comparison.takes === 'only') {
      this.#taken = { left: a + b, what: -b };
      return;
    }
    const bytes = this.#bytes?.result === BigInt.asUintN(32, a) ? this.#bytes : null;
    const taken = BigInt.asUintN(width, this.#taken.left) === a ? this.#taken.what : 0n;
    if (comparison.takes === 'too') this.#taken = { left: negated ? a + b : a - b, what: negated ? -b : b };
    this.#last = {
      a,
      b: negated ? -b : b,
      width,
      by,
      negated,
      taken,
      place: read.place,
      ...(bytes === null ? {} : { bytes }),
    };
  }

  /** Notes that a library function has compared the bytes at two addresses, up to a NUL or for a length, and what came of it. */
  noteBytes(memory: BuiltinMemory, a: bigint, b: bigint, length: bigint | null, result: bigint): void {
    const read = (address: bigint): Uint8Array => {
      const most = length === null || length > BigInt(MOST_BYTES) ? MOST_BYTES : Number(length);
      const bytes = memory.read(address, most).slice();
      const end = length === null ? bytes.indexOf(0) : -1;
      return end < 0 ? bytes : bytes.subarray(0, end + 1);
    };
    this.#bytes = { a, b, ofA: read(a), ofB: read(b), result: BigInt.asUintN(32, result) };
  }

  /** Notes that the last comparison has decided a branch. */
  decided(branch: number): void {
    const last = this.#last;
    if (last === null) return;
    const kept = this.#kept.get(branch);
    if (kept === undefined) this.#kept.set(branch, [last]);
    else if (kept.length < MOST_KEPT && !kept.some(({ a, b }) => a === last.a && b === last.b)) kept.push(last);
  }

  /** Different comparisons before each branch, by where the branch is. */
  get kept(): ReadonlyMap<number, readonly Compared[]> {
    return this.#kept;
  }
}
