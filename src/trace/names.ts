import { hex } from '../bits/hex.ts';
import type { InsnText } from '../decode/text.ts';
import { STB, STT } from '../elf/format.ts';
import { type ElfSymbol, SymbolTable } from '../elf/symbols.ts';

/** Column at which objdump's comments begin, counted from the operands' end. */
const COMMENT_GAP = '        ';

/** Names of addresses: a file's symbols, and those that somebody gave by hand. */
export class Names {
  readonly symbols: SymbolTable;

  constructor(symbols: SymbolTable = new SymbolTable([])) {
    this.symbols = symbols;
  }

  /** Symbols by hand: name and address. A name covers what follows it, up to the next one. */
  static of(given: Iterable<readonly [string, bigint]>): Names {
    return new Names(new SymbolTable([...given].map(([name, address]) => handMade(name, address))));
  }

  /** These names and more of them by hand. */
  with(given: Iterable<readonly [string, bigint]>): Names {
    return new Names(
      new SymbolTable([...this.symbols.symbols, ...[...given].map(([name, address]) => handMade(name, address))]),
    );
  }

  /** `main+0x12`, or undefined where no name covers the address. */
  describe(address: bigint): string | undefined {
    return this.symbols.describe(address);
  }

  /**
   * The instruction's text as objdump completes it: a branch target's name behind it, and as a comment where a RIP-relative
   * or absolute operand lies. A place behind %fs or %gs is an offset; with a zero-based per-CPU area its symbol is that offset.
   */
  annotate(insn: InsnText): string {
    const { text, target, place } = insn;
    if (target !== null) {
      const name = this.describe(target);
      return name === undefined ? text : `${text.replace(/0x(?=[0-9a-f]+$)/, '')} <${name}>`;
    }
    if (place === null) return text;
    const name = insn.segment === 'fs' ? undefined : this.describe(place);
    if (name === undefined && !insn.ripRelative) return text;
    return `${text}${COMMENT_GAP}# ${hex(place)}${name === undefined ? '' : ` <${name}>`}`;
  }
}

function handMade(name: string, address: bigint): ElfSymbol {
  return { name, address, size: 0, type: STT.NOTYPE, binding: STB.GLOBAL, section: 0 };
}
