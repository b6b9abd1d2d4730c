import type { Signature } from '../../elf/dwarf/debug-info.ts';
import { type CType, type Member, sizeOf } from '../../elf/dwarf/types.ts';

// Where the System V ABI passes values (x86-64 psABI 3.2.3): eight bytes at a time, each in a register of its class, or all of it on the stack.

/** Where some bytes of a value are passed. */
export type Slot =
  /** An argument register by its number: 0 RDI … 5 R9. */
  | { readonly kind: 'gpr'; readonly n: number }
  | { readonly kind: 'xmm'; readonly n: number }
  /** Bytes above the return address. */
  | { readonly kind: 'stack'; readonly offset: number };

/** Some bytes of a value, and where they are. */
export interface Piece<Where = Slot> {
  readonly slot: Where;
  /** From the first byte of the value. */
  readonly offset: number;
  readonly size: number;
}

/** A parameter and the pieces of it. One that is passed by its address is a pointer here. */
export interface PlacedParameter {
  readonly name: string;
  readonly type: CType;
  readonly pieces: readonly Piece[];
}

/** Where a result is returned. */
export type ResultSlot = 'rax' | 'rdx' | 'xmm0' | 'xmm1' | 'st0' | 'st1';

/** A result and the pieces of it. */
export interface PlacedResult {
  readonly type: CType;
  /** The caller has given memory for it, by an address in RDI that comes back in RAX. */
  readonly inMemory: boolean;
  readonly pieces: readonly Piece<ResultSlot>[];
}

/** How a call of a function passes its values. */
export interface PlacedCall {
  readonly parameters: readonly PlacedParameter[];
  readonly result: PlacedResult;
  readonly variadic: boolean;
  /** Argument registers, vector registers and bytes of the stack that the declared parameters take: others come behind. */
  readonly used: { readonly gprs: number; readonly xmms: number; readonly stack: number };
}

type Class = 'none' | 'integer' | 'sse' | 'sseup' | 'x87' | 'x87up' | 'memory';

const WORD = 8;
const GPRS = 6;
const XMMS = 8;
/** More is in memory, but for vectors. */
const IN_REGISTERS = 16;
const LARGEST_VECTOR = 64;
const LONG_DOUBLE = 16;
/** Of __int128, long double and vectors. */
const WIDE = 16;
const QUAD = /float128|_Float128/i;

/** The boundary that a value of a type wants. */
function alignmentOf(type: CType): number {
  switch (type.kind) {
    case 'struct':
    case 'union':
      return Math.max(1, ...type.members().map((member) => alignmentOf(member.type)));
    case 'array':
      return type.vector ? sizeOf(type) : alignmentOf(type.of);
    case 'complex':
      return type.size / 2;
    default:
      return Math.max(1, sizeOf(type));
  }
}

const isStructure = (type: CType): type is Extract<CType, { readonly kind: 'struct' | 'union' }> =>
  type.kind === 'struct' || type.kind === 'union';

/** The class of each eight bytes of a value; `memory` for all of it where it does not go into registers. */
function classify(type: CType): Class[] {
  const size = sizeOf(type);
  const words = Math.ceil(size / WORD);
  const classes: Class[] = Array.from({ length: words }, () => 'none');
  const memory: Class[] = Array.from({ length: Math.max(1, words) }, () => 'memory');
  if (isStructure(type) && type.byReference) return memory;
  if (size > LARGEST_VECTOR || !fill(classes, type, 0)) return memory;
  if (classes.includes('memory')) return memory;
  if (size > IN_REGISTERS && !(classes[0] === 'sse' && classes.slice(1).every((row) => row === 'sseup'))) return memory;
  if (classes.some((row, n) => row === 'x87up' && classes[n - 1] !== 'x87')) return memory;
  return classes.map((row, n) => {
    const before = classes[n - 1];
    return row === 'sseup' && before !== 'sse' && before !== 'sseup' ? 'sse' : row;
  });
}

/** Merges the classes of a value at an offset; false where one of its members is not on its boundary. */
function fill(classes: Class[], type: CType, at: number): boolean {
  const mark = (from: number, row: Class): void => {
    const n = Math.floor(from / WORD);
    if (n < classes.length) classes[n] = merge(classes[n]!, row);
  };
  const marked = (...rows: Class[]): boolean => {
    for (const [n, row] of rows.entries()) mark(at + n * WORD, row);
    return true;
  };
  if (at % alignmentOf(type) !== 0 && !isStructure(type)) return false;
  switch (type.kind) {
    case 'void':
    case 'function':
      return true;
    case 'float':
      if (type.size < LONG_DOUBLE) return marked('sse');
      return QUAD.test(type.name) ? marked('sse', 'sseup') : marked('x87', 'x87up');
    case 'complex':
      // As two members; the one of long double goes to memory as an argument, and to ST(0) and ST(1) as a result.
      if (type.size > WIDE) return marked('memory');
      mark(at, 'sse');
      mark(at + type.size / 2, 'sse');
      return true;
    case 'array':
      if (type.vector) return marked('sse', ...Array.from({ length: sizeOf(type) / WORD - 1 }, (): Class => 'sseup'));
      for (let n = 0; n < (type.count ?? 0); n++) if (!fill(classes, type.of, at + n * sizeOf(type.of))) return false;
      return true;
    case 'struct':
    case 'union':
      return type.members().every((member) => fillMember(classes, member, at, mark));
    default:
      return type.size > WORD ? marked('integer', 'integer') : marked('integer');
  }
}

function fillMember(
  classes: Class[],
  { bits, type, offset }: Member,
  at: number,
  mark: (from: number, row: Class) => void,
): boolean {
  if (bits === null) return fill(classes, type, at + offset);
  // Bit-fields are integers wherever they are.
  for (let bit = bits.at; bit < bits.at + bits.size; bit += WORD) mark(at + Math.floor(bit / 8), 'integer');
  return true;
}

function merge(a: Class, b: Class): Class {
  if (a === b || b === 'none') return a;
  if (a === 'none') return b;
  if (a === 'memory' || b === 'memory') return 'memory';
  if (a === 'integer' || b === 'integer') return 'integer';
  return [a, b].some((row) => row === 'x87' || row === 'x87up') ? 'memory' : 'sse';
}

/** Places the parameters and the result of a function. @param more types of what follows the declared parameters */
export function placeCall({ result, parameters, variadic }: Signature, more: readonly CType[] = []): PlacedCall {
  const placedResult = placeResult(result);
  let gprs = placedResult.inMemory ? 1 : 0;
  let xmms = 0;
  let stack = 0;
  const pieces = (type: CType): Piece[] => {
    const size = sizeOf(type);
    const classes = classify(type);
    const wanted = (row: Class): number => classes.filter((other) => other === row).length;
    const inRegisters =
      !classes.some((row) => row === 'memory' || row === 'x87') &&
      gprs + wanted('integer') <= GPRS &&
      xmms + wanted('sse') <= XMMS;
    if (inRegisters) {
      const found: Piece[] = [];
      for (const [n, row] of classes.entries()) {
        const part = { offset: n * WORD, size: Math.min(WORD, size - n * WORD) };
        if (row === 'integer') found.push({ ...part, slot: { kind: 'gpr', n: gprs++ } });
        else if (row === 'sse') found.push({ ...part, slot: { kind: 'xmm', n: xmms++ } });
        else if (row === 'sseup') found.push({ ...found.pop()!, size: (n + 1) * WORD - lastSse(classes, n) * WORD });
      }
      return found;
    }
    const alignment = Math.max(WORD, alignmentOf(type) >= WIDE ? alignmentOf(type) : WORD);
    stack = Math.ceil(stack / alignment) * alignment;
    const slot: Slot = { kind: 'stack', offset: stack };
    stack += Math.ceil(size / WORD) * WORD;
    return size === 0 ? [] : [{ slot, offset: 0, size }];
  };
  const placed = [...parameters, ...more.map((type) => ({ name: '', type }))].map(({ name, type }) => {
    const passed: CType = isStructure(type) && type.byReference ? addressOf(type) : type;
    return { name, type: passed, pieces: pieces(passed) };
  });
  return { parameters: placed, result: placedResult, variadic, used: { gprs, xmms, stack } };
}

const lastSse = (classes: readonly Class[], before: number): number => classes.lastIndexOf('sse', before);

const addressOf = (type: CType): CType => ({ kind: 'pointer', size: WORD, to: () => type, toConst: () => false });

/** Where a result is. */
function placeResult(type: CType): PlacedResult {
  const size = sizeOf(type);
  const at = (pieces: readonly Piece<ResultSlot>[], inMemory = false): PlacedResult => ({ type, inMemory, pieces });
  if (size === 0) return at([]);
  if (type.kind === 'complex' && type.size > WIDE) {
    return at([
      { slot: 'st0', offset: 0, size: LONG_DOUBLE },
      { slot: 'st1', offset: LONG_DOUBLE, size: LONG_DOUBLE },
    ]);
  }
  const classes = classify(type);
  if (classes.includes('memory')) return at([], true);
  const integers: ResultSlot[] = ['rax', 'rdx'];
  const vectors: ResultSlot[] = ['xmm0', 'xmm1'];
  const pieces: Piece<ResultSlot>[] = [];
  for (const [n, row] of classes.entries()) {
    const part = { offset: n * WORD, size: Math.min(WORD, size - n * WORD) };
    if (row === 'integer') pieces.push({ ...part, slot: integers.shift()! });
    else if (row === 'sse') pieces.push({ ...part, slot: vectors.shift()! });
    else if (row === 'x87') pieces.push({ ...part, slot: 'st0', size: LONG_DOUBLE });
    else if (row === 'sseup') pieces.push({ ...pieces.pop()!, size: (n + 1 - lastSse(classes, n)) * WORD });
  }
  return at(pieces);
}

/** The general registers that the parameters take, where they are all that is passed; null where anything else is. */
export function registersTaken({ parameters, variadic }: PlacedCall): number | null {
  const pieces = parameters.flatMap((row) => row.pieces);
  return variadic || pieces.some(({ slot }) => slot.kind !== 'gpr') ? null : pieces.length;
}

/** The one general register that a parameter is in; null where it is elsewhere, or in more than that. */
export function ownRegister({ pieces }: PlacedParameter): number | null {
  const slot = pieces.length === 1 ? pieces[0]!.slot : null;
  return slot?.kind === 'gpr' ? slot.n : null;
}
