import type { Random } from '../../bits/random.ts';
import { type CType, sizeOf, typeText } from '../../elf/dwarf/types.ts';
import { ownRegister, type PlacedParameter } from './abi.ts';
import type { CallInput } from './entry.ts';
import { ARENA_OBJECT } from './layout.ts';
import { isObject, objectAt, putBytes, SCRATCH } from './memory.ts';
import { withValue } from './placed.ts';
import { bytesOfNumber, floatBits } from './values.ts';

// Arguments and memory as the source declares them, where debug information says how (System V ABI, x86-64 3.2.3).

const GPRS = 6;
const XMMS = 8;
const VECTOR = 16;
/** A pair of long double. */
const LARGEST = 32;
const WORD = 8;
/** Of a structure behind a pointer, as much is drawn by its members; the rest is drawn as any memory is. */
const MOST_OBJECT = 512;
const MOST_ELEMENTS = 32;
const MAX_DEPTH = 3;
/** One integer of so many is near another one. */
const NEAR = 5;
/** Objects that arguments do not lead to themselves. */
const FIRST_INNER = 32;
/** Large objects come behind allocated ones, so many places apart. */
const FIRST_LARGE = 3072;
const ROOM = 16;
const MOST_LARGE = 60;
const MOST_TEXT = 24;
const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789 ./-+_,:%';

const isStructure = (type: CType): boolean => type.kind === 'struct' || type.kind === 'union';

/** An input for declared parameters: what is not declared is kept of `input`. */
export function drawTyped(random: Random, parameters: readonly PlacedParameter[], input: CallInput): CallInput {
  let typed = input;
  for (const i of parameters.keys()) typed = drawParameter(random, parameters, i, typed);
  return typed;
}

/** The same input with one parameter drawn anew. */
export function drawParameter(
  random: Random,
  parameters: readonly PlacedParameter[],
  i: number,
  input: CallInput,
): CallInput {
  const { type, pieces } = parameters[i]!;
  const drawer = new Drawer(random, input, objectsOf(parameters, i, input));
  const gpr = ownRegister(parameters[i]!);
  const near = type.kind === 'integer' && random.below(NEAR) === 0 ? neighbour(random, parameters, i, input) : null;
  if (gpr !== null && near !== null) return { ...input, args: input.args.with(gpr, near) };
  const bytes = drawer.value(type, i);
  const drawn = { ...input, memory: { ...input.memory, words: drawer.words }, objects: drawer.objects };
  return withValue(drawn, type, pieces, bytes);
}

type PointerType = Extract<CType, { readonly kind: 'pointer' }>;

/** An object that a pointer to const leads to, with the text of its type. */
interface Drawn {
  readonly type: string;
  readonly address: bigint;
}

/** What the other parameters lead to. */
const objectsOf = (parameters: readonly PlacedParameter[], i: number, { args }: CallInput): Drawn[] =>
  parameters.flatMap((parameter, n) => {
    const { type } = parameter;
    const gpr = ownRegister(parameter);
    return n !== i && gpr !== null && type.kind === 'pointer' && type.toConst() && isObject(args[gpr]!)
      ? [{ type: typeText(type.to()), address: args[gpr]! }]
      : [];
  });

/** The value of another integer parameter, or one beside it: bounds are compared with what they bound. */
function neighbour(random: Random, parameters: readonly PlacedParameter[], i: number, input: CallInput): bigint | null {
  const others = parameters.flatMap((parameter, n) => {
    const gpr = ownRegister(parameter);
    return n !== i && gpr !== null && parameter.type.kind === 'integer' ? [gpr] : [];
  });
  if (others.length === 0) return null;
  const value = input.args[random.pick(others)]! + BigInt(random.below(3) - 1);
  return BigInt.asUintN(sizeOf(parameters[i]!.type) <= 4 ? 32 : 64, value);
}

/** Where the nth object is: one that reaches into the next ones has a place with more room. */
const placeOf = (type: CType, n: number): bigint =>
  BigInt(sizeOf(type)) <= ARENA_OBJECT ? objectAt(n) : objectAt(FIRST_LARGE + ROOM * (n % MOST_LARGE));

/** Draws values of types, and the objects that pointers lead to. */
class Drawer {
  readonly #random: Random;
  readonly #constants: readonly bigint[];
  words: Map<bigint, bigint>;
  readonly objects: Map<bigint, CType>;
  #inner = FIRST_INNER;
  /** Objects that pointers lead to, by the text of their type. */
  readonly #drawn: Drawn[];

  constructor(random: Random, { memory, objects }: CallInput, drawn: readonly Drawn[]) {
    this.#drawn = [...drawn];
    this.#random = random;
    this.#constants = memory.constants;
    this.words = new Map(memory.words);
    this.objects = new Map(objects);
  }

  /** The bytes of a value, and what it leads to. @param number of the parameter that it is for */
  value(type: CType, number: number): Uint8Array {
    const size = sizeOf(type);
    if (type.kind === 'pointer') return bytesOfNumber(this.#pointer(type, number, 0), size);
    const { words } = this;
    this.words = new Map();
    this.#fill(type, SCRATCH, SCRATCH + BigInt(MOST_OBJECT), 0);
    const bytes = Uint8Array.from({ length: size }, (_, i) => {
      const at = SCRATCH + BigInt(i);
      return Number(((this.words.get(at & ~7n) ?? 0n) >> ((at & 7n) * 8n)) & 0xffn);
    });
    for (let at = 0; at < size; at += WORD) this.words.delete(SCRATCH + BigInt(at));
    // What members lead to.
    for (const [address, word] of this.words) words.set(address, word);
    this.words = words;
    return bytes;
  }

  /** A value of a scalar type, as it stands in a register. @param number of the parameter that it is for */
  #scalar(type: CType, number: number, depth: number): bigint {
    const random = this.#random;
    switch (type.kind) {
      case 'boolean':
        return BigInt(random.below(2));
      // What no enumerator says leaves switches without a case.
      case 'enum':
        return type.values.length > 0
          ? BigInt.asUintN(type.size * 8, BigInt(random.pick(type.values).value))
          : BigInt(random.below(8));
      case 'pointer':
        return this.#pointer(type, number, depth);
      case 'integer':
        return this.#integer(type.size, type.signed);
      default:
        return this.#integer(WORD, false);
    }
  }

  #integer(size: number, signed: boolean): bigint {
    const random = this.#random;
    const drawn = (): bigint => {
      const kind = random.below(8);
      if (kind < 3) return BigInt(random.below(size === 1 ? 256 : 20));
      if (kind < 5 && this.#constants.length > 0) return random.pick(this.#constants);
      if (kind < 6) return signed ? -BigInt(1 + random.below(20)) : BigInt(random.below(300));
      return random.u64() >> BigInt(random.below(64));
    };
    const value = signed ? BigInt.asIntN(size * 8, drawn()) : BigInt.asUintN(size * 8, drawn());
    // Callers widen to 32 bits; what is above is anybody's, and zero here.
    return BigInt.asUintN(size <= 4 ? 32 : 64, value);
  }

  #float(size: number): bigint {
    const random = this.#random;
    const kind = random.below(8);
    const value =
      kind === 0
        ? 0
        : kind < 4
          ? random.below(2000) - 1000
          : kind < 7
            ? (random.u32() - 2 ** 31) / 2 ** random.below(40)
            : -0.5;
    return floatBits(value, size);
  }

  #pointer(type: PointerType, number: number, depth: number): bigint {
    const to = type.to();
    if (this.#random.below(10) === 0 || depth > MAX_DEPTH) return 0n;
    // What is written overlaps nothing: memcpy and inlined copies differ there, and C allows it.
    const shared = type.toConst() ? this.#drawn.filter((object) => object.type === typeText(to)) : [];
    if (shared.length > 0 && sizeOf(to) > 0 && this.#random.below(NEAR) === 0) {
      // The end of what another pointer begins, or somewhere between.
      return this.#random.pick(shared).address + BigInt(sizeOf(to) * this.#random.below(MOST_TEXT));
    }
    const address = placeOf(to, depth === 0 ? number + 8 * this.#random.below(2) : this.#inner++);
    this.objects.set(address, to);
    if (type.toConst()) this.#drawn.push({ type: typeText(to), address });
    this.#object(to, address, depth + 1);
    return address;
  }

  /** Fills an object at an address; one of characters with text, one of other scalars as an array. */
  #object(type: CType, address: bigint, depth: number): void {
    if (type.kind === 'integer' && type.size === 1) {
      this.#text(address);
    } else if (isStructure(type) || type.kind === 'array') {
      this.#fill(type, address, address + BigInt(MOST_OBJECT), depth);
    } else if (sizeOf(type) > 0) {
      const count = 1 + this.#random.below(MOST_ELEMENTS);
      for (let n = 0; n < count; n++) this.#put(address + BigInt(n * sizeOf(type)), type, depth);
    }
  }

  #fill(type: CType, address: bigint, end: bigint, depth: number): void {
    if (address >= end) return;
    if (type.kind === 'array') {
      const count = Math.min(type.count ?? 4, MOST_ELEMENTS);
      for (let n = 0; n < count; n++) this.#fill(type.of, address + BigInt(n * sizeOf(type.of)), end, depth);
    } else if (type.kind === 'struct' || type.kind === 'union') {
      if (/\b__va_list_tag$/.test(type.name)) return this.#vaList(address);
      // One member of a union: the others would overwrite it.
      const members = type.kind === 'union' ? type.members().slice(0, 1) : type.members();
      for (const member of members) {
        if (member.bits === null) this.#fill(member.type, address + BigInt(member.offset), end, depth);
      }
    } else this.#put(address, type, depth);
  }

  /** gp_offset, fp_offset, overflow_arg_area, reg_save_area (psABI 3.5.7): offsets are those of registers. */
  #vaList(address: bigint): void {
    const random = this.#random;
    const bytes = new DataView(new ArrayBuffer(24));
    bytes.setUint32(0, WORD * random.below(GPRS + 1), true);
    bytes.setUint32(4, WORD * GPRS + VECTOR * random.below(XMMS + 1), true);
    bytes.setBigUint64(8, objectAt(this.#inner++), true);
    bytes.setBigUint64(16, objectAt(this.#inner++), true);
    putBytes(this.words, address, new Uint8Array(bytes.buffer));
  }

  #put(address: bigint, type: CType, depth: number): void {
    const size = sizeOf(type);
    if (size === 0 || size > LARGEST) return;
    if (type.kind === 'complex') {
      const half = size / 2;
      for (const at of [0, half]) putBytes(this.words, address + BigInt(at), bytesOfNumber(this.#float(half), half));
      return;
    }
    const value = type.kind === 'float' ? this.#float(size) : this.#scalar(type, 0, depth);
    putBytes(this.words, address, bytesOfNumber(value, size));
  }

  #text(address: bigint): void {
    const length = this.#random.below(MOST_TEXT);
    const text = Array.from({ length }, () => LETTERS.charCodeAt(this.#random.below(LETTERS.length)));
    putBytes(this.words, address, Uint8Array.from([...text, 0]));
  }
}
