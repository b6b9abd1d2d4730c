import type { Random } from '../../bits/random.ts';
import type { Operand } from '../../decode/insn.ts';
import type { CallInput, CallOutcome } from './call.ts';
import { isObject } from './memory.ts';

// Towards the other side of a branch: what was compared is looked for in the input as it stands, and put equal to what it was compared with,
// or beside it (the input-to-state correspondence of Aschermann et al., «REDQUEEN», NDSS 2019).

/** The last comparison before a branch, with its operands as they were. */
export interface Compared {
  readonly a: bigint;
  readonly b: bigint;
  /** Bits. */
  readonly width: number;
}

const WORD_BYTES = 8;
/** Both directions of a branch. */
const BOTH = 3;

/** What an operand holds; null where that is not known. @param register of a general register @param memory so many bytes of the memory operand */
export function operandValue(
  op: Operand,
  register: (n: number) => bigint,
  memory: (bytes: number) => bigint | null,
): bigint | null {
  switch (op.kind) {
    case 'imm':
      return op.value;
    case 'reg': {
      if (op.register.file !== 'gpr') return null;
      const whole = register(op.register.n);
      return BigInt.asUintN(op.width, op.register.high ? whole >> 8n : whole);
    }
    case 'mem':
      return memory(op.width / 8);
    default:
      return null;
  }
}

/** A place of an input that holds a number. */
type Place = { readonly arg: number } | { readonly word: bigint; readonly byte: number };

/**
 * An input that may take a branch in its other direction, or that lies on the edge; null where nothing of it was compared.
 * @param seen directions that have been taken, by branch @param wordOf a word of the input's memory
 * @param pointers arguments that are declared as pointers
 */
export function towardsBranch(
  random: Random,
  { input, outcome }: { readonly input: CallInput; readonly outcome: Pick<CallOutcome, 'compared' | 'read'> },
  seen: ReadonlyMap<number, number>,
  wordOf: (address: bigint) => bigint,
  pointers: ReadonlySet<number>,
): CallInput | null {
  const all = [...outcome.compared];
  const open = all.filter(([offset]) => seen.get(offset) !== BOTH);
  // Where both directions are known, the edge between them may not be.
  const among = open.length > 0 && random.below(4) > 0 ? open : all;
  if (among.length === 0) return null;
  const [, { a, b, width }] = random.pick(among);
  const flipped = random.below(2) === 0;
  const [from, to] = flipped ? [b, a] : [a, b];
  const places = placesOf(input, outcome.read, from, width, wordOf);
  if (places.length === 0) return null;
  const place = random.pick(places);
  // A pointer is NULL or equal to another one; beside either nothing is.
  const near = isPointer(place, from, to, pointers) ? 0 : random.below(3) - 1;
  const value = BigInt.asUintN(width, to + BigInt(near));
  if ('arg' in place) {
    const kept = (input.args[place.arg]! >> BigInt(width)) << BigInt(width);
    return { ...input, args: input.args.with(place.arg, kept | value) };
  }
  const shift = BigInt(8 * place.byte);
  const mask = ((1n << BigInt(width)) - 1n) << shift;
  const words = new Map(input.memory.words);
  words.set(place.word, (wordOf(place.word) & ~mask) | (value << shift));
  return { ...input, memory: { ...input.memory, words } };
}

const isPointer = (place: Place, from: bigint, to: bigint, pointers: ReadonlySet<number>): boolean =>
  isObject(from) || isObject(to) || ('arg' in place && pointers.has(place.arg));

function placesOf(
  input: CallInput,
  read: ReadonlySet<bigint>,
  value: bigint,
  width: number,
  wordOf: (address: bigint) => bigint,
): Place[] {
  const wanted = BigInt.asUintN(width, value);
  const places: Place[] = [];
  for (const [arg, held] of input.args.entries()) if (BigInt.asUintN(width, held) === wanted) places.push({ arg });
  const bytes = width / 8;
  for (const word of read) {
    const held = wordOf(word);
    for (let byte = 0; byte + bytes <= WORD_BYTES; byte += bytes)
      if (BigInt.asUintN(width, held >> BigInt(8 * byte)) === wanted) places.push({ word, byte });
  }
  return places;
}
