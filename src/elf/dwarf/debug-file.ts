import { ElfError } from '../error.ts';
import { readHeader } from '../header.ts';
import { readSectionsFrom } from '../sections.ts';
import type { ByteSource } from '../source.ts';
import { type Companions, openPackage, openSplit, openSupplementary } from './companions.ts';
import { AT } from './constants.ts';
import { Cursor, DwarfError } from './cursor.ts';
import { InfoSection } from './info-section.ts';
import { type Contribution, readPackageIndex } from './package.ts';
import { DebugSections } from './sections.ts';
import type { Die, Unit } from './unit.ts';

/** Says what a reader of results should know: a file that is missing, what is damaged. */
export type Note = (text: string) => void;

const ALT_LINK = '.gnu_debugaltlink';
const SUPPLEMENTARY = '.debug_sup';
const BUILD_ID = '.note.gnu.build-id';
const NOTE_HEADER = 16;
const EHDR_SIZE = 64;

/** The debug information of one file, and the way to the files that belong to it. */
export class DebugFile {
  readonly sections: DebugSections;
  /** Sections with the units of programs; an object may have more, of one type each. */
  readonly info: readonly InfoSection[];
  readonly #types: readonly InfoSection[];
  readonly #companions: Companions;
  readonly #note: Note;
  #signatures: ReadonlyMap<bigint, Unit> | null = null;
  #supplementary: DebugFile | null | undefined;
  #package: DebugFile | null | undefined;
  readonly #split = new Map<Unit, Unit | null>();
  /** Of a package: what belongs to the unit at an offset, by section. */
  readonly #contributions = new Map<string, ReadonlyMap<number, Contribution>>();

  /** @param suffix what the names of its sections end in */
  constructor(sections: DebugSections, suffix: '' | '.dwo', companions: Companions, note: Note) {
    this.sections = sections;
    this.#companions = companions;
    this.#note = note;
    this.info = sections.all(`.debug_info${suffix}`).map((section) => new InfoSection(this, section));
    this.#types = sections.all(`.debug_types${suffix}`).map((section) => new InfoSection(this, section));
  }

  /** The section of units at an index of section headers. */
  infoAt(index: number): InfoSection | undefined {
    return index === 0 ? undefined : this.info.find(({ section }) => section.index === index);
  }

  /** The entry of a type that has a unit of its own; null where this file has none. @throws DwarfError */
  typeOf(signature: bigint): Die | null {
    if (this.#signatures === null) {
      const found = new Map<bigint, Unit>();
      for (const info of [...this.info, ...this.#types]) {
        for (const offset of info.offsets) {
          const unit = info.unit(offset);
          if (unit.type !== null) found.set(unit.type.signature, unit);
        }
      }
      this.#signatures = found;
    }
    const unit = this.#signatures.get(signature);
    return unit === undefined ? null : unit.die(unit.type!.at);
  }

  /** The file that this one shares entries with (dwz); null where there is none, or it is missing. */
  get supplementary(): DebugFile | null {
    if (this.#supplementary === undefined) this.#supplementary = this.#openSupplementary();
    return this.#supplementary;
  }

  #openSupplementary(): DebugFile | null {
    const link = this.#link();
    if (link === null) return null;
    const source = openSupplementary(this.#companions, link.name, link.id);
    if (source === null) {
      this.#note(`debug information is shared with ${link.name}, which is not there; what it describes is unknown`);
      return null;
    }
    const file = this.#open(source, '', link.name);
    if (file === null || idOf(file.sections) === link.id) return file;
    this.#note(`${link.name} belongs to another build; what it describes is unknown`);
    return null;
  }

  /** Name and id of the supplementary file, as dwz or DWARF 5 has them. */
  #link(): { readonly name: string; readonly id: string } | null {
    const isOld = this.sections.has(ALT_LINK);
    const section = isOld ? ALT_LINK : SUPPLEMENTARY;
    const size = this.sections.size(section);
    if (size === 0) return null;
    const c = new Cursor(this.sections.read(section, 0, size));
    if (!isOld) c.skip(2);
    if (!isOld && c.unsigned(1) !== 0) return null;
    const name = c.text();
    const from = isOld ? c.at : c.at + 1;
    return { name, id: Buffer.from(c.bytes.subarray(from)).toString('hex') };
  }

  /** The whole of a unit: itself, or what its skeleton says is in a split file; null where that is missing. @throws DwarfError */
  whole(unit: Unit): Unit | null {
    let whole = this.#split.get(unit);
    if (whole === undefined) {
      whole = this.#wholeOf(unit);
      this.#split.set(unit, whole);
    }
    return whole;
  }

  #wholeOf(unit: Unit): Unit | null {
    const { root } = unit;
    const text = (at: number): string | null => {
      const value = root?.attributes.get(at);
      return value?.kind === 'text' ? value.value : null;
    };
    const name = text(AT.dwo_name) ?? text(AT.gnu_dwo_name);
    const { id } = unit;
    if (name === null || id === null) return unit;
    const packed = this.#packaged(id);
    if (packed !== null) return joined(packed, unit);
    const source = openSplit(this.#companions, name, text(AT.comp_dir) ?? '');
    if (source === null) {
      this.#note(`debug information is in ${name}, which is not there; types are unknown`);
      return null;
    }
    const file = this.#open(source, '.dwo', name);
    if (file === null) return null;
    for (const info of file.info) {
      for (const offset of info.offsets) {
        const other = info.unit(offset);
        if (other.type === null && other.id === id) return joined(other, unit);
      }
    }
    this.#note(`${name} belongs to another build; types are unknown`);
    return null;
  }

  /** The split unit of an id in the package beside the file. */
  #packaged(id: bigint): Unit | null {
    if (this.#package === undefined) {
      const source = openPackage(this.#companions);
      this.#package = source === null ? null : this.#open(source, '.dwo', 'the package of debug information');
      this.#package?.readIndices();
    }
    const info = this.#package?.info[0];
    const at = this.#package?.unitOf(id);
    return info === undefined || at === undefined ? null : info.unit(at);
  }

  readonly #units = new Map<bigint, number>();

  /** Of a package: learns which parts belong to which unit. @throws DwarfError */
  readIndices(): void {
    const add = (name: string, index: ReadonlyMap<bigint, Contribution>): void => {
      const known = this.#contributions.get(name) ?? new Map<number, Contribution>();
      this.#contributions.set(
        name,
        new Map([...known, ...[...index.values()].map((row) => [row.units, row] as const)]),
      );
    };
    const units = readPackageIndex(this.sections, '.debug_cu_index');
    for (const [id, { units: at }] of units) this.#units.set(id, at);
    add('.debug_info.dwo', units);
    const types = readPackageIndex(this.sections, '.debug_tu_index');
    add(this.sections.has('.debug_types.dwo') ? '.debug_types.dwo' : '.debug_info.dwo', types);
  }

  /** Offset of the unit with an id, of a package. */
  unitOf(id: bigint): number | undefined {
    return this.#units.get(id);
  }

  contributionOf({ section }: InfoSection, offset: number): Contribution | undefined {
    return this.#contributions.get(section.name)?.get(offset);
  }

  #open(source: ByteSource, suffix: '' | '.dwo', name: string): DebugFile | null {
    try {
      const header = readHeader(source.read(0, EHDR_SIZE));
      const sections = new DebugSections(source, readSectionsFrom(source, header), [], header.type);
      return new DebugFile(sections, suffix, this.#companions, this.#note);
    } catch (error) {
      if (!(error instanceof ElfError)) throw error;
      this.#note(`${name}: ${error.message}`);
      return null;
    }
  }
}

function joined(unit: Unit, skeleton: Unit): Unit {
  unit.skeleton = skeleton;
  return unit;
}

/** What a file that others share is known by: its build id, or what DWARF 5 has for it. @throws DwarfError */
function idOf(sections: DebugSections): string {
  const size = sections.size(SUPPLEMENTARY);
  if (size > 0) {
    const c = new Cursor(sections.read(SUPPLEMENTARY, 0, size), 3);
    c.text();
    return Buffer.from(c.bytes.subarray(c.at + 1)).toString('hex');
  }
  if (!sections.has(BUILD_ID)) throw new DwarfError('the file that it shares has no id');
  return Buffer.from(sections.read(BUILD_ID, NOTE_HEADER, sections.size(BUILD_ID))).toString('hex');
}
