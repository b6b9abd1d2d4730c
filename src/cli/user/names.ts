import { ElfError } from '../../elf/error.ts';
import { readSymbols, type SymbolTable } from '../../elf/symbols.ts';
import { Names } from '../../trace/names.ts';

/** The symbols of a file, `bias` further up; none where its table is damaged, since a program runs without names too. */
export function namesOf(bytes: Uint8Array, bias: bigint): Names {
  return new Names(symbolsOf(bytes)?.moved(bias));
}

function symbolsOf(bytes: Uint8Array): SymbolTable | undefined {
  try {
    return readSymbols(bytes);
  } catch (error) {
    if (error instanceof ElfError) return undefined;
    throw error;
  }
}
