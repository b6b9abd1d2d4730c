import { createRequire } from 'node:module';
import type * as Iced from 'iced-x86';

/**
 * The decoder library, by `require`: it is CommonJS, and looking through its 900 KB for the names of an ESM import takes
 * three times as long as loading it.
 */
const iced: typeof Iced = createRequire(import.meta.url)('iced-x86');

export const {
  Code,
  CodeExt,
  CpuidFeature,
  Decoder,
  DecoderError,
  DecoderOptions,
  Encoder,
  EncodingKind,
  FlowControl,
  Formatter,
  FormatterSyntax,
  Instruction,
  InstructionInfoFactory,
  MemorySizeExt,
  Mnemonic,
  OpAccess,
  OpCodeOperandKind,
  OpCodeTableKind,
  OpKind,
  Register,
  RflagsBits,
} = iced;

export type Formatter = Iced.Formatter;
export type Decoder = Iced.Decoder;
export type Instruction = Iced.Instruction;
export type InstructionInfoFactory = Iced.InstructionInfoFactory;
export type UsedMemory = Iced.UsedMemory;
