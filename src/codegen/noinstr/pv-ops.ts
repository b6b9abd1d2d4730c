import { InsnStream } from '../../decode/stream.ts';
import { SHF, SHT } from '../../elf/format.ts';
import { isPlaced } from '../../elf/symbol-rows.ts';
import type { ElfUnit } from '../inputs/elf.ts';
import { type Reference, referencesOf } from '../references.ts';
import { type ElfPlace, sectionOf, TableReader } from '../tables/places.ts';

const TABLE = 'pv_ops';
const SLOT = 8;

/** The table of paravirtual operations: what each slot may hold, from its initialiser and from code that writes it. */
export class PvOps {
  readonly #unit: ElfUnit;
  readonly #isNoinstr: (name: string) => boolean;
  #slots: Map<number, Set<string>> | undefined;

  constructor(unit: ElfUnit, isNoinstr: (name: string) => boolean) {
    this.#unit = unit;
    this.#isNoinstr = isNoinstr;
  }

  /** The slot that an operand names, or null where it is no operand of the table. */
  slotOf({ place }: Reference): number | null {
    return place.symbol === TABLE ? Math.floor(place.offset / SLOT) : null;
  }

  /** Functions that a slot may hold and that may be traced. */
  outside(slot: number): readonly string[] {
    this.#slots ??= this.#collect();
    return [...(this.#slots.get(slot) ?? [])].filter((name) => !this.#isNoinstr(name));
  }

  #collect(): Map<number, Set<string>> {
    const slots = new Map<number, Set<string>>();
    const add = (slot: number, name: string | null): void => {
      if (name === null) return;
      const names = slots.get(slot) ?? new Set();
      slots.set(slot, names.add(name));
    };
    const row = this.#unit.symbols.find(({ name }) => name === TABLE);
    if (row !== undefined && isPlaced(row, this.#unit.sections)) {
      const section = this.#unit.sections[row.section]!;
      if (section.type !== SHT.NOBITS) {
        const start = this.#unit.kind === 'linked' ? Number(BigInt.asIntN(64, section.address)) : 0;
        const table = new TableReader(this.#unit, section);
        for (let slot = 0; slot * SLOT < row.size; slot++) {
          const target = table.absolute(row.value - start + slot * SLOT);
          if (target !== null) add(slot, this.#nameOf(target));
        }
      }
    }
    this.#assignments(add);
    return slots;
  }

  /** `movq $function, pv_ops+off(%rip)`. */
  #assignments(add: (slot: number, name: string | null) => void): void {
    const stream = new InsnStream();
    for (const fn of this.#unit.functions) {
      stream.decode(this.#unit.bytesOf(fn));
      const references = referencesOf(fn, stream);
      for (const memory of references) {
        if (memory.field !== 'memory' || memory.place.symbol !== TABLE) continue;
        if (stream.traits[memory.insn]!.codeName !== 'Mov_rm64_imm32') continue;
        const value = references.find(({ insn, field }) => insn === memory.insn && field === 'immediate');
        if (value !== undefined) add(Math.floor(memory.place.offset / SLOT), value.place.symbol);
      }
    }
  }

  #nameOf(place: ElfPlace): string | null {
    if (place.undefined !== null) return place.undefined;
    const section = sectionOf(this.#unit, place);
    if (section === null || !(section.flags & SHF.EXECINSTR)) return null;
    const named =
      this.#unit.kind === 'linked' ? this.#unit.placeOf(place.offset, 0) : this.#unit.placeIn(section, place.offset);
    return named?.symbol ?? null;
  }
}
