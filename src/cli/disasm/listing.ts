import { hex, hexBytes } from '../../bits/hex.ts';
import { MAX_INSN_LENGTH } from '../../decode/decode.ts';
import { disassemble, type InsnText } from '../../decode/text.ts';
import type { CodeStretch } from './code.ts';

const BYTES_COLUMN = 32;
const ADDRESS_DIGITS = 16;

/** The instructions of [from, to), beginning anew at every symbol: what lies before one need not be code. */
export function* instructions(stretch: CodeStretch, from: bigint, to: bigint): Generator<InsnText> {
  const last = stretch.address + BigInt(stretch.bytes.length);
  const starts = stretch.names.symbols.symbols.map((symbol) => symbol.address).filter((at) => at > from && at < last);
  let next = 0;
  for (let at = from; at < to; ) {
    while (next < starts.length && starts[next]! <= at) next++;
    const end = next < starts.length ? starts[next]! : last;
    const offset = Number(at - stretch.address);
    const room = Math.min(MAX_INSN_LENGTH, Number(end - at));
    const insn = disassemble(stretch.bytes.subarray(offset, offset + room), at);
    yield insn;
    at += BigInt(insn.bytes.length);
  }
}

/** A symbol's line before its first instruction, or null. */
export function heading(insn: InsnText, { names }: CodeStretch): string | null {
  const hit = names.symbols.at(insn.address);
  if (hit === undefined || hit.offset !== 0n) return null;
  return `${insn.address.toString(16).padStart(ADDRESS_DIGITS, '0')} <${hit.symbol.name}>:`;
}

/** `  401000:  48 31 ed    xor    %rbp,%rbp`. */
export function listingLine(insn: InsnText, { names }: CodeStretch): string {
  const address = insn.address.toString(16).padStart(8);
  return `${address}:  ${hexBytes(insn.bytes).padEnd(BYTES_COLUMN)}${names.annotate(insn)}`;
}

export function listingJson(insn: InsnText, { names }: CodeStretch): string {
  return JSON.stringify({
    address: hex(insn.address),
    symbol: names.describe(insn.address) ?? null,
    bytes: hexBytes(insn.bytes, ''),
    text: names.annotate(insn),
    target: insn.target === null ? null : hex(insn.target),
    place: insn.place === null ? null : hex(insn.place),
    segment: insn.segment,
  });
}
