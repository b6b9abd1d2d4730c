import type { Random } from '../../bits/random.ts';
import type { Signature } from '../../elf/dwarf/debug-info.ts';
import { type CType, sizeOf, typeText } from '../../elf/dwarf/types.ts';
import type { CallInput } from './entry.ts';
import { isObject, objectAt, putBytes } from './memory.ts';

// Arguments and memory as the source declares them, where debug information says how (System V ABI, x86-64 3.2.3).

/** Where a parameter is passed, by number: RDI … R9, XMM0 … XMM7. Null: on the stack, or in more than one register. */
export interface TypedParameter {
  readonly name: string;
  readonly type: CType;
  readonly gpr: number | null;
  readonly xmm: number | null;
}

/** What the result of a function is. */
export interface TypedResult {
  /** Bits of RAX that are meant. */
  readonly integer: number;
  /** Bits of XMM0 that are meant. */
  readonly float: number;
}

const GPRS = 6;
const XMMS = 8;
const IN_REGISTERS = 16;
const WORD = 8;
/** Of a structure behind a pointer, as much is drawn by its members; the rest is drawn as any memory is. */
const MOST_OBJECT = 512;
const MOST_ELEMENTS = 32;
const MAX_DEPTH = 3;
/** One integer of so many is near another one. */
const NEAR = 5;
/** Objects that arguments do not lead to themselves. */
const FIRST_INNER = 32;
const MOST_TEXT = 24;
const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789 ./-+_,:%';

/** The registers of a function's parameters. */
export function placeParameters({ result, parameters }: Signature): TypedParameter[] {
  // A structure that does not fit in registers is written where the caller says, in RDI.
  let gpr = isStructure(result) && sizeOf(result) > IN_REGISTERS ? 1 : 0;
  let xmm = 0;
  return parameters.map(({ name, type }) => {
    const place = { name, type, gpr: null, xmm: null };
    if (type.kind === 'float') return type.size <= WORD && xmm < XMMS ? { ...place, xmm: xmm++ } : place;
    if (isStructure(type)) {
      const size = sizeOf(type);
      const words = Math.ceil(size / WORD);
      if (size > IN_REGISTERS || hasFloats(type) || gpr + words > GPRS) return place;
      gpr += words;
      return words === 1 ? { ...place, gpr: gpr - 1 } : place;
    }
    return gpr < GPRS ? { ...place, gpr: gpr++ } : place;
  });
}

/** What a function leaves where. Structures with floating-point members are not looked at. */
export function placeResult({ result }: Signature): TypedResult {
  switch (result.kind) {
    case 'void':
    case 'function':
      return { integer: 0, float: 0 };
    case 'float':
      return { integer: 0, float: result.size <= WORD ? result.size * 8 : 0 };
    case 'struct':
    case 'union':
      return { integer: sizeOf(result) <= WORD && !hasFloats(result) ? sizeOf(result) * 8 : 0, float: 0 };
    default:
      return { integer: sizeOf(result) * 8, float: 0 };
  }
}

const isStructure = (type: CType): boolean => type.kind === 'struct' || type.kind === 'union';

function hasFloats(type: CType): boolean {
  if (type.kind === 'array') return hasFloats(type.of);
  if (type.kind === 'struct' || type.kind === 'union') return type.members().some((member) => hasFloats(member.type));
  return type.kind === 'float';
}

/** An input for declared parameters: what is not declared is kept of `input`. */
export function drawTyped(random: Random, parameters: readonly TypedParameter[], input: CallInput): CallInput {
  let typed = input;
  for (const i of parameters.keys()) typed = drawParameter(random, parameters, i, typed);
  return typed;
}

/** The same input with one parameter drawn anew. */
export function drawParameter(
  random: Random,
  parameters: readonly TypedParameter[],
  i: number,
  input: CallInput,
): CallInput {
  const { type, gpr, xmm } = parameters[i]!;
  const drawer = new Drawer(random, input, objectsOf(parameters, i, input));
  if (gpr !== null) {
    const near = type.kind === 'integer' && random.below(NEAR) === 0 ? neighbour(random, parameters, i, input) : null;
    const args = input.args.with(gpr, near ?? drawer.scalar(type, i, 0));
    return { ...input, args, memory: { ...input.memory, words: drawer.words }, objects: drawer.objects };
  }
  if (xmm === null || type.kind !== 'float') return input;
  const name = `xmm${xmm}`;
  const value = drawer.float(type.size);
  const registers = (input.registers ?? []).filter(([other]) => other !== name);
  return { ...input, registers: [...registers, [name, value]] };
}

type PointerType = Extract<CType, { readonly kind: 'pointer' }>;

/** An object that a pointer to const leads to, with the text of its type. */
interface Drawn {
  readonly type: string;
  readonly address: bigint;
}

/** What the other parameters lead to. */
const objectsOf = (parameters: readonly TypedParameter[], i: number, { args }: CallInput): Drawn[] =>
  parameters.flatMap(({ type, gpr }, n) =>
    n !== i && gpr !== null && type.kind === 'pointer' && type.toConst() && isObject(args[gpr]!)
      ? [{ type: typeText(type.to()), address: args[gpr]! }]
      : [],
  );

/** The value of another integer parameter, or one beside it: bounds are compared with what they bound. */
function neighbour(random: Random, parameters: readonly TypedParameter[], i: number, input: CallInput): bigint | null {
  const others = parameters.filter(({ type, gpr }, n) => n !== i && gpr !== null && type.kind === 'integer');
  if (others.length === 0) return null;
  const value = input.args[random.pick(others).gpr!]! + BigInt(random.below(3) - 1);
  return BigInt.asUintN(sizeOf(parameters[i]!.type) <= 4 ? 32 : 64, value);
}

/** Draws values of types, and the objects that pointers lead to. */
class Drawer {
  readonly #random: Random;
  readonly #constants: readonly bigint[];
  readonly words: Map<bigint, bigint>;
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

  /** A value of a scalar type, as it stands in a register. @param number of the parameter that it is for */
  scalar(type: CType, number: number, depth: number): bigint {
    const random = this.#random;
    switch (type.kind) {
      case 'boolean':
        return BigInt(random.below(2));
      case 'enum':
        return type.values.length > 0 && random.below(8) > 0
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

  float(size: number): bigint {
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
    const view = new DataView(new ArrayBuffer(WORD));
    if (size === 4) view.setFloat32(0, value, true);
    else view.setFloat64(0, value, true);
    return view.getBigUint64(0, true);
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
    const address = objectAt(depth === 0 ? number + 8 * this.#random.below(2) : this.#inner++);
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
    bytes.setUint32(4, WORD * GPRS + IN_REGISTERS * random.below(XMMS + 1), true);
    bytes.setBigUint64(8, objectAt(this.#inner++), true);
    bytes.setBigUint64(16, objectAt(this.#inner++), true);
    putBytes(this.words, address, new Uint8Array(bytes.buffer));
  }

  #put(address: bigint, type: CType, depth: number): void {
    const size = sizeOf(type);
    if (size === 0 || size > WORD) return;
    const value = type.kind === 'float' ? this.float(size) : this.scalar(type, 0, depth);
    const bytes = new Uint8Array(WORD);
    new DataView(bytes.buffer).setBigUint64(0, value, true);
    putBytes(this.words, address, bytes.subarray(0, size));
  }

  #text(address: bigint): void {
    const length = this.#random.below(MOST_TEXT);
    const text = Array.from({ length }, () => LETTERS.charCodeAt(this.#random.below(LETTERS.length)));
    putBytes(this.words, address, Uint8Array.from([...text, 0]));
  }
}
