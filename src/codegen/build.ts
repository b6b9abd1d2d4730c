import type { Signature } from '../elf/dwarf/debug-info.ts';
import type { Relocation } from '../elf/relocations.ts';

// Addresses are signed numbers here: 0xffffffff81000000 is -0x7f000000. Every canonical address of 48 bits is exact, and kernel code
// is compared without a bigint.

/** One function of a build. Its bytes are read when they are asked for. */
export interface CodeFunction {
  readonly name: string;
  /** Other names of the same address. */
  readonly aliases: readonly string[];
  /** Address in a linked file, offset in its section in an object. */
  readonly address: number;
  readonly size: number;
  /** Whether the file says where it ends. */
  readonly exact: boolean;
  readonly section: number;
  /** The part of the build that it lies in. */
  readonly unit: CodeUnit;
}

/** Where a reference leads. */
export interface Place {
  /** Name of the symbol that covers it, as the file has it; null where none does. */
  readonly symbol: string | null;
  /** From the symbol, or the address itself where there is none. */
  readonly offset: number;
  /** What stands there, where that and no name tells what it is: a string, or the first bytes. */
  readonly content: string | null;
  /** Of a jump table: where its entries lead, as offsets in the function that refers to it. */
  readonly table?: readonly number[];
}

/** A symbol with a size, for size tables. */
export interface SizedSymbol {
  readonly name: string;
  readonly size: number;
  /** Letter of nm(1). */
  readonly letter: string;
}

/** One object, linked file, or stretch of flat code. */
export interface CodeUnit {
  /** File name; of an archive's member `archive(member)`. */
  readonly name: string;
  readonly kind: 'relocatable' | 'linked' | 'flat';
  readonly functions: readonly CodeFunction[];
  readonly sized: readonly SizedSymbol[];
  /** Code between functions that no symbol names. */
  readonly gaps?: readonly CodeFunction[];
  /** Whether a name occurs in it, defined or not. */
  knows?(name: string): boolean;
  /** The function as its source declares it; null where debug information does not say, or where the compiler may have changed it. */
  signatureOf?(fn: CodeFunction): Signature | null;
  /** What is damaged or missing of the debug information that has been looked at, a line each. */
  readonly debugNotes?: readonly string[];
  /** A function of that name as the source of `fn` declares it. */
  declarationOf?(fn: CodeFunction, name: string): Signature | null;
  bytesOf(fn: CodeFunction): Uint8Array;
  /** Relocations inside a function, by offset from its start, ascending. */
  relocationsOf(fn: CodeFunction): readonly Relocation[];
  /**
   * What stands a number of bytes behind a relocation's symbol.
   * @param size bytes that are looked at there, 0 where unknown
   * @param from the function that refers to it: a jump table is told by where it leads there
   */
  relocated(relocation: Relocation, distance: number, size: number, from?: CodeFunction): Place;
  /**
   * What an address in a function is, in an object an offset in the section of `from`; null where it is none of this file: a plain number.
   * @param size as of `relocated`
   */
  placeOf(address: number, size: number, from?: CodeFunction): Place | null;
  /** Name of an address in a segment (a per-CPU variable), or null. */
  slotName(address: number): string | null;
  /** Address of a name, or undefined: `sym`, `sym+0x10`. */
  addressOf(name: string): number | undefined;
  /** Name of the section that a function lies in. */
  sectionName(section: number): string;
}

/** One side of a comparison. */
export interface Build {
  /** As the user gave it. */
  readonly name: string;
  readonly units: readonly CodeUnit[];
  /** What the reader of a report should know: no symbols, guessed bounds. */
  readonly notes: readonly string[];
}

/** Every function of a build. */
export const functionsOf = (build: Build): CodeFunction[] => build.units.flatMap((unit) => unit.functions);

/** An address for people: kernel addresses with all their digits. */
export function addressText(address: number): string {
  return `0x${BigInt.asUintN(64, BigInt(address)).toString(16)}`;
}

/** A name with a distance: `foo`, `foo+0x10`, `foo-0x4`. */
export function withOffset(name: string, offset: number): string {
  if (offset === 0) return name;
  return offset > 0 ? `${name}+0x${offset.toString(16)}` : `${name}-0x${(-offset).toString(16)}`;
}
