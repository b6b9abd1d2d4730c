import type { Random } from '../../bits/random.ts';
import { calleeOf } from './answers.ts';
import type { Compared, ComparedBytes } from './compared.ts';
import type { CallInput } from './entry.ts';
import { isAllocation } from './library.ts';
import { isObject, objectAt, unknownWord } from './memory.ts';

// Towards the other side of a branch: what was compared is looked for in the input as it stands, and put equal to what it was compared with,
// or beside it (the input-to-state correspondence of Aschermann et al., «REDQUEEN», NDSS 2019).

/** What is known of a run on an input that others are made from. */
export interface Noticed {
  /** Comparisons by the branch that they decided. */
  readonly compared: ReadonlyMap<number, readonly Compared[]>;
  /** Words of unknown memory that were read. */
  readonly read: ReadonlySet<bigint>;
  /** Words of global variables that were read, with what they held. */
  readonly variables: ReadonlyMap<string, bigint>;
  /** What calls out of the build have returned, by name and number. */
  readonly returned: ReadonlyMap<string, bigint>;
}

/** What no input holds. */
export interface Limits {
  /** Whether a number may stand at a place: no enumeration has others than its enumerators. */
  allows(place: Place, value: bigint): boolean;
  /** Whether a place holds a pointer, as far as that is declared or can be seen. @param held what it holds */
  isPointer(place: Place, input: CallInput, held: bigint): boolean;
  /** Whether it is an address that no caller has, or not in both builds: of the frame, or of the code and its data. */
  isForeign(value: bigint): boolean;
}

const WORD_BYTES = 8;
const POINTER = 64;
/** Words of memory that a value is looked for in at once. */
const MOST_WORDS = 256;
/** What is below is NULL with an offset, which a path may want. */
const LOWEST_WILD = 0x1000n;
/** Objects of their own. */
const FIRST_MENDED = 1024;
const MOST_MENDED = 64;
const WIDTHS = [8, 16, 32, 64] as const;
/** What is compared is often a character less the first one of a range. */
const MOST_DELTA = 0x80n;
/** A number below a limit like this may be the number of a case. */
const MOST_CASES = 1024n;

/** A place of an input that holds a number, at a bit of it. */
export type Place = (
  | { readonly kind: 'argument'; readonly n: number }
  | { readonly kind: 'register'; readonly name: string }
  | { readonly kind: 'word'; readonly address: bigint }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'returned'; readonly call: string }
) & { readonly shift: number };

interface Held {
  readonly place: Place;
  /** All that is there, from bit 0. */
  readonly whole: bigint;
}

/**
 * An input that may take a branch in its other direction, or that lies on the edge; null where nothing of it was compared.
 * @param comparisons that have decided the branch
 */
export function towardsBranch(
  random: Random,
  input: CallInput,
  noticed: Noticed,
  comparisons: readonly Compared[],
  limits: Limits,
): CallInput | null {
  const compared = random.pick(comparisons);
  const { bytes } = compared;
  return bytes === undefined
    ? towardsNumber(random, input, noticed, compared, limits)
    : towardsBytes(random, input, bytes);
}

/** Puts the bytes at one address where the other ones are. */
function towardsBytes(random: Random, input: CallInput, { a, b, ofA, ofB }: ComparedBytes): CallInput | null {
  const sides = [
    { at: a, bytes: ofB },
    { at: b, bytes: ofA },
  ].filter(({ at }) => isObject(at));
  if (sides.length === 0) return null;
  const { at, bytes } = random.pick(sides);
  const words = new Map(input.memory.words);
  for (const [i, byte] of bytes.entries()) {
    const address = at + BigInt(i);
    const word = address & ~BigInt(WORD_BYTES - 1);
    const held = words.get(word) ?? unknownWord(input.memory, word);
    words.set(word, withBits(held, 8 * Number(address - word), 8, BigInt(byte)));
  }
  return { ...input, memory: { ...input.memory, words } };
}

function towardsNumber(
  random: Random,
  input: CallInput,
  noticed: Noticed,
  compared: Compared,
  limits: Limits,
): CallInput | null {
  const { a, b, width, by, negated, taken, place: operand } = compared;
  const flipped = by === 'order' && random.below(2) === 0;
  const [from, to] = (flipped ? [b, a] : [a, b]).map((value) => BigInt.asUintN(width, value)) as [bigint, bigint];
  if (limits.isForeign(to)) return null;
  const held = (value: bigint): bigint => (flipped && negated ? BigInt.asUintN(width, -value) : value);
  const known = heldBy(operand, input, noticed, held(from), width);
  // Nothing is taken from what is compared where it stands.
  const shift = flipped || known !== null ? 0n : taken;
  const found =
    known ?? find(random, allHeld(random, input, noticed), BigInt.asUintN(width, held(from) + shift), width);
  if (found === null) return null;
  const { bits, delta } = found;
  const { place, whole } = found.held;
  // Memory that nobody else has is there or not.
  if (place.kind === 'returned' && isAllocation(calleeOf(place.call))) return put(input, found.held, bits, 0n);
  if (limits.isPointer(place, input, whole)) {
    // A pointer is NULL or equal to another one; beside either nothing is.
    return by === 'order' && bits === POINTER && delta === 0n && shift === 0n && (to === 0n || isObject(to))
      ? put(input, found.held, bits, to)
      : null;
  }
  const wanted = by === 'order' ? beside(random, to) : bitsOf(random, from, to, by, width);
  const value = held(wanted) + shift - delta;
  return limits.allows(place, BigInt.asUintN(bits, value)) ? put(input, found.held, bits, value) : null;
}

/** The input with a pointer to an object, or NULL, where one of some values was that led nowhere; null where none is in it. */
export function withPointer(
  random: Random,
  input: CallInput,
  noticed: Noticed,
  wild: readonly bigint[],
): CallInput | null {
  const all = allHeld(random, input, noticed);
  const places = wild
    .filter((value) => value >= LOWEST_WILD)
    .flatMap((value) => matches(all, POINTER, POINTER, value, 0n));
  if (places.length === 0) return null;
  const { held } = random.pick(places);
  return put(input, held, POINTER, random.below(4) === 0 ? 0n : objectAt(FIRST_MENDED + random.below(MOST_MENDED)));
}

/** Equal, beside it, or one of the cases below a limit. */
function beside(random: Random, to: bigint): bigint {
  if (isObject(to)) return to;
  if (to > 1n && to < MOST_CASES && random.below(3) === 0) return BigInt(random.below(Number(to) + 1));
  return to + BigInt(random.below(3) - 1);
}

/** Other bits of those that a mask looks at, or the number of another bit of a set. */
function bitsOf(random: Random, from: bigint, mask: bigint, by: Compared['by'], width: number): bigint {
  if (by === 'number') return BigInt(random.below(width));
  switch (random.below(4)) {
    case 0:
      return from & ~mask;
    case 1:
      return from | mask;
    default: {
      const bits = [...mask.toString(2)].reverse().flatMap((bit, i) => (bit === '1' ? [i] : []));
      return bits.length === 0 ? from : from ^ (1n << BigInt(random.pick(bits)));
    }
  }
}

/** Everything in the input that a run has, or may have, looked at; of much memory a part. */
function allHeld(random: Random, input: CallInput, noticed: Noticed): Held[] {
  const { args, memory, registers = [] } = input;
  const found: Held[] = args.map((whole, n) => ({ place: { kind: 'argument', n, shift: 0 }, whole }));
  for (const [name, whole] of registers) found.push({ place: { kind: 'register', name, shift: 0 }, whole });
  for (const [call, whole] of noticed.returned) found.push({ place: { kind: 'returned', call, shift: 0 }, whole });
  const from = random.below(Math.max(1, noticed.read.size - MOST_WORDS + 1));
  for (const address of [...noticed.read].slice(from, from + MOST_WORDS)) {
    found.push({ place: { kind: 'word', address, shift: 0 }, whole: unknownWord(memory, address) });
  }
  for (const [name, whole] of noticed.variables) found.push({ place: { kind: 'variable', name, shift: 0 }, whole });
  return found;
}

interface Found {
  readonly held: Held;
  readonly bits: number;
  /** What was compared is so much more than what is held. */
  readonly delta: bigint;
}

/** The place of an operand in memory, where it holds a value. */
function heldBy(
  operand: bigint | null,
  input: CallInput,
  noticed: Noticed,
  value: bigint,
  width: number,
): Found | null {
  if (operand === null) return null;
  const address = operand & ~BigInt(WORD_BYTES - 1);
  if (!noticed.read.has(address)) return null;
  const whole = unknownWord(input.memory, address);
  const shift = 8 * Number(operand - address);
  if (BigInt.asUintN(width, whole >> BigInt(shift)) !== value) return null;
  return { held: { place: { kind: 'word', address, shift }, whole }, bits: width, delta: 0n };
}

/** A place that holds a value, in as many bits or fewer; sometimes one that holds nearly that. */
function find(random: Random, held: readonly Held[], value: bigint, width: number): Found | null {
  const exact = WIDTHS.filter((bits) => bits <= width && isExtended(value, bits, width)).map((bits) =>
    matches(held, bits, width, value, 0n),
  );
  const some = exact.filter((list) => list.length > 0);
  if (some.length > 0 && random.below(4) > 0) {
    // As wide as it is compared, more often than not.
    return random.pick(random.below(2) === 0 ? some.at(-1)! : random.pick(some));
  }
  const near = WIDTHS.filter((bits) => bits <= width).flatMap((bits) => matches(held, bits, width, value, MOST_DELTA));
  return near.length > 0 ? random.pick(near) : some.length > 0 ? random.pick(random.pick(some)) : null;
}

/** Whether a value is what `bits` of it give, widened with zeros or with their sign. */
const isExtended = (value: bigint, bits: number, width: number): boolean =>
  BigInt.asUintN(bits, value) === value || BigInt.asUintN(width, BigInt.asIntN(bits, value)) === value;

function matches(held: readonly Held[], bits: number, width: number, value: bigint, most: bigint): Found[] {
  const found: Found[] = [];
  const wanted = BigInt.asUintN(bits, value);
  for (const { place, whole } of held) {
    const places = place.kind === 'word' || place.kind === 'variable' ? 8 * WORD_BYTES : bits;
    for (let shift = 0; shift + bits <= places; shift += bits) {
      const here = BigInt.asUintN(bits, whole >> BigInt(shift));
      if (most === 0n ? here !== wanted : here === 0n) continue;
      const delta = most === 0n ? 0n : BigInt.asIntN(width, value - here);
      if (delta > most || delta < -most) continue;
      found.push({ held: { place: { ...place, shift }, whole }, bits, delta });
    }
  }
  return found;
}

function withBits(whole: bigint, shift: number, bits: number, value: bigint): bigint {
  const mask = ((1n << BigInt(bits)) - 1n) << BigInt(shift);
  return (whole & ~mask) | (BigInt.asUintN(bits, value) << BigInt(shift));
}

/** The input with another number at a place; null where it has that one. */
function put(input: CallInput, { place, whole }: Held, bits: number, value: bigint): CallInput | null {
  const changed = BigInt.asUintN(64, withBits(whole, place.shift, bits, value));
  if (changed === whole) return null;
  switch (place.kind) {
    case 'argument':
      return { ...input, args: input.args.with(place.n, changed) };
    case 'register':
      return {
        ...input,
        registers: (input.registers ?? []).map((row) => (row[0] === place.name ? [place.name, changed] : row)),
      };
    case 'word':
      return {
        ...input,
        memory: { ...input.memory, words: new Map(input.memory.words).set(place.address, changed) },
      };
    case 'variable':
      return { ...input, variables: new Map(input.variables).set(place.name, changed) };
    case 'returned':
      return { ...input, returned: new Map(input.returned).set(place.call, changed) };
  }
}
