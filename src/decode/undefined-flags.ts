import { Decoder, DecoderOptions, RflagsBits } from './iced.ts';
import type { Insn } from './insn.ts';

/** RFLAGS bits behind iced's numbering. */
const BITS: readonly (readonly [number, number])[] = [
  [RflagsBits.OF, 1 << 11],
  [RflagsBits.SF, 1 << 7],
  [RflagsBits.ZF, 1 << 6],
  [RflagsBits.AF, 1 << 4],
  [RflagsBits.CF, 1 << 0],
  [RflagsBits.PF, 1 << 2],
];

/** Arithmetic flags that the manual leaves undefined behind this instruction, as RFLAGS bits. */
export function undefinedFlags(insn: Insn): number {
  const decoder = new Decoder(64, insn.bytes, DecoderOptions.None);
  const i = decoder.decode();
  const undefinedBits = i.rflagsUndefined;
  i.free();
  decoder.free();
  return BITS.reduce((mask, [iced, flag]) => (undefinedBits & iced ? mask | flag : mask), 0);
}
