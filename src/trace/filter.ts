import { MAX_INSN_LENGTH } from '../decode/decode.ts';
import type { ElfSymbol } from '../elf/symbols.ts';

/** Addresses from `from` up to but not including `to`. */
export interface AddressRange {
  readonly from: bigint;
  readonly to: bigint;
}

/** Which instructions are watched: those with these numbers and, where there are ranges, inside one of them. */
export interface Window {
  /** 1 is the first instruction of a run. */
  readonly from: number;
  readonly to: number;
  readonly ranges: readonly AddressRange[];
}

export function inRanges(address: bigint, { ranges }: Window): boolean {
  return ranges.length === 0 || ranges.some(({ from, to }) => address >= from && address < to);
}

/** What a symbol covers: its size, or, where the file does not say, up to the next symbol. */
export function symbolRange(symbol: ElfSymbol, all: readonly ElfSymbol[]): AddressRange {
  if (symbol.size > 0) return { from: symbol.address, to: symbol.address + BigInt(symbol.size) };
  const next = all.find((other) => other.address > symbol.address);
  return { from: symbol.address, to: next?.address ?? symbol.address + BigInt(MAX_INSN_LENGTH) };
}
