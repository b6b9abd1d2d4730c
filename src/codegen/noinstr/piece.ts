import { InsnStream } from '../../decode/stream.ts';
import type { CodeFunction } from '../build.ts';
import type { ElfUnit } from '../inputs/elf.ts';
import { type Reference, referencesOf } from '../references.ts';
import type { Alternative } from '../tables/alternatives.ts';
import { type ElfPlace, sectionOf } from '../tables/places.ts';

const startOf = (address: bigint): number => Number(BigInt.asIntN(64, address));

/** Code that is walked in one go: a function, or what takes the place of a part of it. */
export class Piece {
  readonly fn: CodeFunction;
  readonly stream = new InsnStream();
  readonly references = new Map<number, Reference>();
  /** What `+0x…` is counted from in messages, and its name: a replacement has its section. */
  readonly name: string;
  readonly #from: number;
  /** The function's offset behind a replacement, and that of the code which it takes the place of; null in the function itself. */
  readonly instead: { readonly from: number; readonly to: number } | null;
  /** Instructions that a way has come by, by number and how deep instrumentation was. */
  readonly seen = new Set<number>();

  constructor(fn: CodeFunction, name: string, from: number, instead: Piece['instead']) {
    this.fn = fn;
    this.name = name;
    this.#from = from;
    this.instead = instead;
    this.stream.decode(fn.unit.bytesOf(fn));
    for (const reference of referencesOf(fn, this.stream)) this.references.set(reference.insn, reference);
  }

  static ofFunction(fn: CodeFunction): Piece {
    return new Piece(fn, fn.name, 0, null);
  }

  /** The replacement of the code at an offset of a function; null where none is there to be walked. */
  static ofReplacement(unit: ElfUnit, at: number, { size, replacement, replacementSize }: Alternative): Piece | null {
    const section = sectionOf(unit, replacement);
    if (section === null || replacementSize === 0) return null;
    const start = unit.kind === 'linked' ? startOf(section.address) : 0;
    const name = section.name;
    const { offset: address } = replacement;
    if (address < start || address + replacementSize > start + section.size) return null;
    const fn = { name, aliases: [], address, size: replacementSize, exact: true, section: section.index, unit };
    return new Piece(fn, name, address - start, { from: at, to: at + size });
  }

  holds(at: number): boolean {
    return at >= 0 && at < this.fn.size;
  }

  /** As objtool says where an instruction is. */
  where(at: number): string {
    return `${this.name}+0x${(this.#from + at).toString(16)}`;
  }

  /** The place of an offset, as tables name places. */
  placeOf(at: number): ElfPlace {
    const { unit, section, address } = this.fn;
    return { section: unit.kind === 'linked' ? 0 : section, offset: address + at, undefined: null };
  }
}
