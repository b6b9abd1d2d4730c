import { ElfError } from '../../elf/error.ts';
import { ET, SHF, SHT } from '../../elf/format.ts';
import { readHeader, viewOf } from '../../elf/header.ts';
import { readImage } from '../../elf/image.ts';
import { readSections } from '../../elf/sections.ts';
import { readSymbols, SymbolTable } from '../../elf/symbols.ts';
import { Names } from '../../trace/names.ts';

/** A stretch of code with the names that hold in it. */
export interface CodeStretch {
  /** Section name, or empty. */
  readonly name: string;
  readonly address: bigint;
  readonly bytes: Uint8Array;
  readonly names: Names;
}

export const isElf = (bytes: Uint8Array): boolean =>
  bytes.length >= 4 && viewOf(bytes).getUint32(0, false) === 0x7f454c46;

/**
 * The executable sections of any x86-64 ELF file, or its executable segments where it has no sections.
 * In an object file every section begins at 0 and has names of its own.
 * @throws ElfError
 */
export function elfCode(bytes: Uint8Array): CodeStretch[] {
  const header = readHeader(bytes);
  const symbols = readSymbols(bytes);
  const sections = readSections(bytes).filter(
    (section) => section.type === SHT.PROGBITS && section.flags & SHF.EXECINSTR && section.size > 0,
  );
  if (sections.length > 0) {
    const relocatable = header.type === ET.REL;
    const all = new Names(symbols);
    return sections.map((section) => ({
      name: section.name,
      address: section.address,
      bytes: bytes.subarray(section.offset, section.offset + section.size),
      names: relocatable
        ? new Names(new SymbolTable(symbols.symbols.filter((symbol) => symbol.section === section.index)))
        : all,
    }));
  }
  const segments = readImage(bytes).segments.filter((segment) => segment.execute && segment.fileSize > 0);
  if (segments.length === 0) throw new ElfError('no code in it: no executable section or segment; give another file');
  return segments.map((segment) => ({
    name: '',
    address: segment.address,
    bytes: bytes.subarray(segment.offset, segment.offset + segment.fileSize),
    names: new Names(symbols),
  }));
}
