import type { Section } from '../sections.ts';
import { DwarfError } from './cursor.ts';
import type { DebugFile } from './debug-file.ts';
import { Unit } from './unit.ts';

/** One section of units: `.debug_info`, `.debug_types`, or one of these of a split file (`….dwo`). */
export class InfoSection {
  readonly file: DebugFile;
  readonly section: Section;
  /** Each of its units describes one type (DWARF 4). */
  readonly isTypes: boolean;
  /** What the names of the sections that go with it end in. */
  readonly suffix: '' | '.dwo';
  readonly #units = new Map<number, Unit>();
  #offsets: readonly number[] | null = null;

  constructor(file: DebugFile, section: Section) {
    this.file = file;
    this.section = section;
    this.isTypes = section.name.includes('debug_types');
    this.suffix = section.name.endsWith('.dwo') ? '.dwo' : '';
  }

  get size(): number {
    return this.file.sections.size(this.section);
  }

  read(offset: number, size: number): Uint8Array {
    return this.file.sections.read(this.section, offset, size);
  }

  /** The unit that begins at an offset. @throws DwarfError */
  unit(offset: number): Unit {
    let unit = this.#units.get(offset);
    if (unit === undefined) {
      unit = new Unit(this, offset);
      this.#units.set(offset, unit);
    }
    return unit;
  }

  /** Offsets of all units, ascending. */
  get offsets(): readonly number[] {
    if (this.#offsets === null) {
      const offsets: number[] = [];
      const { size } = this;
      for (let at = 0; at < size; at = new Unit(this, at).end) offsets.push(at);
      this.#offsets = offsets;
    }
    return this.#offsets;
  }

  /** The unit that an entry lies in. @throws DwarfError */
  unitOf(offset: number): Unit {
    const all = this.offsets;
    let low = 0;
    let high = all.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (all[middle]! <= offset) low = middle + 1;
      else high = middle;
    }
    if (low === 0) throw new DwarfError('an entry of it refers outside every unit');
    return this.unit(all[low - 1]!);
  }
}
