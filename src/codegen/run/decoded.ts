import { decode } from '../../decode/decode.ts';
import { isPrefix } from '../../decode/insn.ts';
import type { InsnStream } from '../../decode/stream.ts';
import { ACCESS } from '../../decode/traits.ts';
import { type RegisterUse, registerUse } from '../../decode/usage.ts';
import { type BarrierKind, barrierOf } from './barriers.ts';
import { type Comparison, comparisonOf } from './compared.ts';

/** An instruction as a call that is watched wants it. */
export interface Decoded {
  readonly length: number;
  readonly flow: number;
  readonly loads: number;
  readonly stores: number;
  /** A number of `ACCESS` for the explicit memory operand. */
  readonly memory: number;
  readonly segment: number;
  readonly base: number;
  readonly index: number;
  readonly scale: number;
  readonly displacement: number;
  readonly use: RegisterUse;
  readonly size: number;
  readonly pops: boolean;
  readonly barrier: BarrierKind | null;
  /** It widens with the sign to 64 bits. */
  readonly extends: boolean;
  /** What it compares, where it does. */
  readonly comparison: Comparison | null;
  /** The condition of SETcc and CMOVcc, and the carry that SBB and ADC take; null for everything else. */
  readonly condition: number | null;
}

const EXTENDS = /^(Movsxd?_r64_|Cdqe)/;

/** Compilers make masks of the carry. */
const CARRIES: ReadonlySet<string> = new Set(['sbb', 'adc']);
/** The condition B: CF = 1. */
const CARRY = 2;

/** Decodes the first of some bytes, with `stream` as scratch. */
export function decodeFirst(bytes: Uint8Array, stream: InsnStream): Decoded {
  stream.decode(bytes);
  const traits = stream.traits[0]!;
  const length = stream.length[0]!;
  const own = bytes.subarray(0, length);
  return {
    length,
    flow: traits.flow,
    loads: (traits.access & ACCESS.read ? 1 : 0) + traits.stringReads,
    stores: (traits.access & ACCESS.write ? 1 : 0) + traits.stringWrites,
    memory: traits.access,
    segment: stream.segment[0]!,
    base: stream.base[0]!,
    index: stream.index[0]!,
    scale: stream.scale[0]!,
    displacement: stream.displacement[0]!,
    size: traits.size,
    barrier: barrierOf(traits.mnemonic, stream.locked[0] === 1),
    pops: traits.mnemonic === 'pop',
    extends: EXTENDS.test(traits.codeName),
    use: registerUse(own),
    comparison: comparedBy(own),
    condition: CARRIES.has(traits.mnemonic) ? CARRY : conditionOf(own),
  };
}

/** 0F 40–4F and 0F 90–9F. */
function conditionOf(bytes: Uint8Array): number | null {
  const at = bytes.findIndex((byte) => !isPrefix(byte));
  if (bytes[at] !== 0x0f) return null;
  const opcode = bytes[at + 1]!;
  return (opcode & 0xf0) === 0x40 || (opcode & 0xf0) === 0x90 ? opcode & 15 : null;
}

function comparedBy(bytes: Uint8Array): Comparison | null {
  const insn = decode(bytes);
  return typeof insn === 'string' ? null : comparisonOf(insn.mnemonic, insn.operands);
}
