import { AT, ATE, TAG } from './constants.ts';
import { DwarfError } from './cursor.ts';
import type { InfoSection } from './info-section.ts';
import type { Die } from './unit.ts';

/** A C type, without the qualifiers that say nothing of its bytes. What others refer to is read when it is asked for. */
export type CType =
  | { readonly kind: 'void' }
  | { readonly kind: 'integer'; readonly name: string; readonly size: number; readonly signed: boolean }
  | { readonly kind: 'boolean'; readonly name: string; readonly size: number }
  | { readonly kind: 'float'; readonly name: string; readonly size: number }
  /** Two floating-point numbers of half its size. */
  | { readonly kind: 'complex'; readonly name: string; readonly size: number }
  | {
      readonly kind: 'enum';
      readonly name: string;
      readonly size: number;
      readonly values: readonly { readonly name: string; readonly value: number }[];
    }
  | {
      readonly kind: 'pointer';
      readonly size: number;
      readonly to: () => CType;
      /** What it leads to is declared const. */
      readonly toConst: () => boolean;
    }
  /** `vector`: one of GNU C, which is passed in vector registers. */
  | { readonly kind: 'array'; readonly of: CType; readonly count: number | null; readonly vector: boolean }
  | {
      readonly kind: 'struct' | 'union';
      readonly name: string;
      readonly size: number;
      readonly members: () => readonly Member[];
      /** A class of C++ that is passed by its address, whatever is in it. */
      readonly byReference: boolean;
    }
  | { readonly kind: 'function' }
  | { readonly kind: 'unknown'; readonly size: number };

/** A member of a structure or union. */
export interface Member {
  /** Empty for an unnamed structure in another. */
  readonly name: string;
  readonly offset: number;
  readonly type: CType;
  /** Of a bit-field: its lowest bit from the structure's start, and how many they are. */
  readonly bits: { readonly at: number; readonly size: number } | null;
}

/** The entry of the type that has a signature, for an entry that names it; null where there is none. */
export type FindType = (signature: bigint, from: Die) => Die | null;

const MAX_CHAIN = 64;
const POINTER_SIZE = 8;
const DW_OP_PLUS_UCONST = 0x23;
const DW_CC_PASS_BY_REFERENCE = 0x04;

/** Attributes as plain values. */
export const numberOf = (die: Die, at: number): number | null => {
  const value = die.attributes.get(at);
  return value?.kind === 'number' ? value.value : null;
};
export const nameOf = (die: Die): string => {
  const value = die.attributes.get(AT.name);
  return value?.kind === 'text' ? value.value : '';
};

/** Reads C types from their entries. What is damaged is unknown, and told once it is looked at. */
export class Types {
  readonly #find: FindType;
  readonly #damaged: (error: unknown) => void;
  readonly #known = new Map<InfoSection, Map<number, CType>>();

  /** @param damaged what is done with an error in what is read later; throws what it does not know */
  constructor(find: FindType, damaged: (error: unknown) => void) {
    this.#find = find;
    this.#damaged = damaged;
  }

  /** The entry that an attribute of another one refers to. @throws DwarfError */
  referred(die: Die, at: number): Die | null {
    const value = die.attributes.get(at);
    if (value?.kind === 'signature') return this.#find(value.value, die);
    return value?.kind === 'ref' ? value.info.unitOf(value.value).die(value.value) : null;
  }

  /** The type that an entry has; void where it has none. @throws DwarfError */
  typeOf(die: Die): CType {
    return this.#typeOf(die, 0);
  }

  #later<T>(read: () => T, otherwise: T): T {
    try {
      return read();
    } catch (error) {
      this.#damaged(error);
      return otherwise;
    }
  }

  /** Whether the type that an entry has is const, itself or by a name for such a type. */
  #isConst(die: Die): boolean {
    let type = this.referred(die, AT.type);
    for (let depth = 0; type !== null && depth < MAX_CHAIN; depth++) {
      if (type.tag === TAG.const_type) return true;
      if (type.tag !== TAG.typedef && type.tag !== TAG.volatile_type) return false;
      type = this.referred(type, AT.type);
    }
    return false;
  }

  #typeOf(die: Die, depth: number): CType {
    if (depth > MAX_CHAIN) throw new DwarfError('its types refer to themselves');
    const type = this.referred(die, AT.type);
    // In a file that is missing: that there is one is all that is known.
    if (type === null) return die.attributes.has(AT.type) ? { kind: 'unknown', size: 0 } : { kind: 'void' };
    const { info } = type.unit;
    const inSection = this.#known.get(info) ?? new Map<number, CType>();
    this.#known.set(info, inSection);
    let known = inSection.get(type.offset);
    if (known === undefined) {
      known = this.#read(type, depth + 1);
      inSection.set(type.offset, known);
    }
    return known;
  }

  #read(die: Die, depth: number): CType {
    const size = numberOf(die, AT.byte_size) ?? 0;
    switch (die.tag) {
      case TAG.base_type:
        return baseType(die, size);
      case TAG.pointer_type:
      case TAG.reference_type:
      case TAG.rvalue_reference_type: {
        let to: CType | null = null;
        return {
          kind: 'pointer',
          size: POINTER_SIZE,
          to: () => {
            to ??= this.#later<CType>(() => this.#typeOf(die, 0), { kind: 'unknown', size: 0 });
            return to;
          },
          toConst: () => this.#later(() => this.#isConst(die), false),
        };
      }
      case TAG.enumeration_type:
        return this.#enumeration(this.referred(die, AT.signature) ?? die);
      case TAG.structure_type:
      case TAG.class_type:
      case TAG.union_type:
        return this.#structure(this.referred(die, AT.signature) ?? die);
      case TAG.array_type:
        return this.#array(die, depth);
      case TAG.subroutine_type:
        return { kind: 'function' };
      case TAG.unspecified_type:
        return { kind: 'void' };
      case TAG.typedef:
      case TAG.const_type:
      case TAG.volatile_type:
      case TAG.restrict_type:
      case TAG.atomic_type:
        return this.#typeOf(die, depth);
      default:
        return { kind: 'unknown', size };
    }
  }

  #structure(die: Die): CType {
    const size = numberOf(die, AT.byte_size) ?? 0;
    const kind = die.tag === TAG.union_type ? 'union' : 'struct';
    let members: readonly Member[] | null = null;
    return {
      kind,
      name: `${kind} ${nameOf(die)}`.trim(),
      size,
      byReference: numberOf(die, AT.calling_convention) === DW_CC_PASS_BY_REFERENCE,
      members: () => {
        members ??= this.#later<readonly Member[]>(() => this.#members(die), []);
        return members;
      },
    };
  }

  #enumeration(die: Die): CType {
    const size = numberOf(die, AT.byte_size) ?? 0;
    return { kind: 'enum', name: `enum ${nameOf(die)}`.trim(), size, values: enumerators(die) };
  }

  #members(die: Die): Member[] {
    // Bases of a class are members without a name; static members are not in it.
    const inside = ({ tag, attributes }: Die): boolean =>
      tag === TAG.inheritance || (tag === TAG.member && !attributes.has(AT.external));
    return [...die.unit.children(die)].filter(inside).map((row) => this.#member(row));
  }

  #member(die: Die): Member {
    const type = this.typeOf(die);
    const location = die.attributes.get(AT.data_member_location);
    const offset =
      location?.kind === 'number'
        ? location.value
        : location?.kind === 'block' && location.value[0] === DW_OP_PLUS_UCONST
          ? location.value[1]!
          : 0;
    const size = numberOf(die, AT.bit_size);
    const at = numberOf(die, AT.data_bit_offset) ?? offset * 8;
    return { name: nameOf(die), offset, type, bits: size === null ? null : { at, size } };
  }

  #array(die: Die, depth: number): CType {
    let type = this.#typeOf(die, depth);
    const counts = [...die.unit.children(die)]
      .filter(({ tag }) => tag === TAG.subrange_type)
      .map((range) => {
        const last = numberOf(range, AT.upper_bound);
        return numberOf(range, AT.count) ?? (last === null ? null : last + 1);
      });
    const vector = die.attributes.has(AT.gnu_vector);
    for (const count of counts.reverse()) type = { kind: 'array', of: type, count, vector };
    return type;
  }
}

function baseType(die: Die, size: number): CType {
  const name = nameOf(die);
  switch (numberOf(die, AT.encoding)) {
    case ATE.boolean:
      return { kind: 'boolean', name, size };
    case ATE.float:
      return { kind: 'float', name, size };
    case ATE.complex_float:
      return { kind: 'complex', name, size };
    case ATE.signed:
    case ATE.signed_char:
      return { kind: 'integer', name, size, signed: true };
    case null:
      return { kind: 'unknown', size };
    default:
      return { kind: 'integer', name, size, signed: false };
  }
}

function enumerators(die: Die): { readonly name: string; readonly value: number }[] {
  return [...die.unit.children(die)]
    .filter(({ tag }) => tag === TAG.enumerator)
    .map((row) => ({ name: nameOf(row), value: numberOf(row, AT.const_value) ?? 0 }));
}

/** Bytes of a value of a type. */
export function sizeOf(type: CType): number {
  switch (type.kind) {
    case 'void':
    case 'function':
      return 0;
    case 'array':
      return sizeOf(type.of) * (type.count ?? 0);
    default:
      return type.size;
  }
}

/** A type as C writes it. */
export function typeText(type: CType): string {
  switch (type.kind) {
    case 'void':
      return 'void';
    case 'function':
      return 'function';
    case 'unknown':
      return '?';
    case 'pointer': {
      const to = typeText(type.to());
      return to.endsWith('*') ? `${to}*` : `${to} *`;
    }
    case 'array':
      return `${typeText(type.of)}[${type.count ?? ''}]`;
    default:
      return type.name;
  }
}
