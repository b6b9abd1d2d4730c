import { littleEndianNumber } from '../../bits/bytes.ts';
import { type CType, sizeOf } from '../../elf/dwarf/types.ts';
import type { Piece, PlacedResult, ResultSlot } from './abi.ts';
import type { CallOutcome } from './call.ts';
import type { CallInput } from './entry.ts';
import { STACK_TOP } from './layout.ts';
import { putBytes } from './memory.ts';
import { bytesOfNumber } from './values.ts';

// Values put where a call passes them, and taken from where it returns them.

const INT = 4;
const WORD = 8;
const VECTOR = 16;

/** What a register has of a value: callers widen small integers to 32 bits, and what is above is zero here. */
function inRegister(type: CType, bytes: Uint8Array): bigint {
  const value = littleEndianNumber(bytes);
  if (type.kind !== 'integer' || !type.signed || type.size >= INT) return value;
  return BigInt.asUintN(8 * INT, BigInt.asIntN(8 * type.size, value));
}

/** An input in which a parameter has a value. */
export function withValue(input: CallInput, type: CType, pieces: readonly Piece[], bytes: Uint8Array): CallInput {
  let { args } = input;
  const registers = new Map(input.registers ?? []);
  const words = new Map(input.memory.words);
  for (const { slot, offset, size } of pieces) {
    const part = bytes.subarray(offset, offset + size);
    if (slot.kind === 'gpr') args = args.with(slot.n, inRegister(type, part));
    else if (slot.kind === 'xmm') registers.set(`xmm${slot.n}`, littleEndianNumber(part));
    else {
      putBytes(words, STACK_TOP + BigInt(slot.offset), new Uint8Array(Math.ceil(size / WORD) * WORD));
      putBytes(words, STACK_TOP + BigInt(slot.offset), part);
    }
  }
  return { ...input, args, registers: [...registers], memory: { ...input.memory, words } };
}

const slotValue = ({ rax, rdx, xmm0, xmm1, st0, st1 }: CallOutcome, slot: ResultSlot): bigint =>
  ({ rax, rdx, xmm0, xmm1, st0, st1 })[slot];

/** The bytes of a result; null where there is none, or not all of it has been written. */
export function resultBytes(outcome: CallOutcome, { type, pieces, inMemory }: PlacedResult): Uint8Array | null {
  const size = sizeOf(type);
  if (size === 0 || outcome.end.reason !== 'return') return null;
  const bytes = new Uint8Array(size);
  if (inMemory) {
    for (const written of outcome.writes) {
      for (const [i, byte] of written.bytes.entries()) {
        const at = Number(written.address + BigInt(i) - outcome.rax);
        if (at >= 0 && at < size) bytes[at] = byte;
      }
    }
    return bytes;
  }
  for (const { slot, offset, size: length } of pieces) {
    bytes.set(bytesOfNumber(slotValue(outcome, slot), Math.max(length, VECTOR)).subarray(0, length), offset);
  }
  return bytes;
}
