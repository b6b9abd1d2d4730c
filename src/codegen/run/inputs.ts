import type { Random } from '../../bits/random.ts';
import type { InsnStream } from '../../decode/stream.ts';
import { signedAt } from '../../decode/stream.ts';
import { calleeOf } from './answers.ts';
import type { CallInput } from './entry.ts';
import { isAllocation } from './library.ts';
import { drawWord, objectAt } from './memory.ts';
import type { Noticed } from './towards.ts';

const ARGUMENTS = 6;
const VECTORS = 8;
/** Each is a number as a double, and another as a float in its low half. */
const FLOATS = [0n, 0x3ff8_0000_3fc0_0000n, 0xc009_1eb8_c0a0_0000n, 0x4059_0000_42c8_0000n, 0x3fb9_9999_3dcc_cccdn];
/** Immediates of fewer bits than this are offsets and masks as often as limits. */
const LARGEST_CONSTANTS = 64;

/** Numbers that code compares and computes with, and their neighbours. */
export function constantsOf(streams: readonly InsnStream[]): bigint[] {
  const found = new Set<bigint>();
  for (const stream of streams) {
    for (let n = 0; n < stream.count; n++) {
      const { immediate, mnemonic } = stream.traits[n]!;
      if (immediate === 0 || !Number.isNaN(stream.target[n]!) || immediate > 8) continue;
      if (!/^(cmp|sub|add|test|and|mov|lea)$/.test(mnemonic)) continue;
      const value = BigInt(signedAt(stream.bytes, stream.at[n]! + stream.length[n]! - immediate, immediate));
      for (const near of mnemonic === 'cmp' ? [value - 1n, value, value + 1n] : [value]) {
        found.add(BigInt.asUintN(64, near));
        found.add(BigInt.asUintN(32, near));
      }
    }
  }
  return [...found].slice(0, LARGEST_CONSTANTS);
}

/** A new input. */
export function drawInput(random: Random, constants: readonly bigint[], number: number): CallInput {
  const args = Array.from({ length: ARGUMENTS }, (_, i) => drawArgument(random, constants, i));
  const seed = number === 0 ? null : random.u32();
  return {
    args: number === 0 ? args.map((_, i) => objectAt(i)) : args,
    memory: { seed, words: new Map(), constants },
    registers: vectors(random),
  };
}

function vectors(random: Random): (readonly [string, bigint])[] {
  return Array.from({ length: VECTORS }, (_, i) => [`xmm${i}`, FLOATS[random.below(FLOATS.length)]!] as const);
}

/** Pointers as often as numbers: a pointer where a number is wanted does no harm, a number where a pointer is ends the run. */
function drawArgument(random: Random, constants: readonly bigint[], i: number): bigint {
  const kind = random.below(8);
  if (kind < 3) return objectAt(i + 8 * random.below(2));
  if (kind < 5) return BigInt(random.below(64));
  if (kind < 6 && constants.length > 0) return constants[random.below(constants.length)]!;
  return drawWord(random.u32(), constants);
}

/** The same input with something else in one of the places that were read; null where none was. */
export function mutateRead(random: Random, input: CallInput, { read, variables, returned }: Noticed): CallInput | null {
  const { memory } = input;
  const drawn = drawWord(random.u32(), memory.constants);
  const calls = [...returned.keys()].filter((call) => !isAllocation(calleeOf(call)));
  const which = random.below(Math.max(1, read.size + variables.size + calls.length));
  if (which < read.size) {
    return { ...input, memory: { ...memory, words: new Map(memory.words).set([...read][which]!, drawn) } };
  }
  const variable = [...variables.keys()][which - read.size];
  if (variable !== undefined) return { ...input, variables: new Map(input.variables).set(variable, drawn) };
  const call = calls[which - read.size - variables.size];
  return call === undefined ? null : { ...input, returned: new Map(input.returned).set(call, drawn) };
}

/** An input near another one: an argument is another. */
export function mutate(random: Random, input: CallInput): CallInput {
  const which = random.below(input.args.length);
  return { ...input, args: input.args.with(which, drawArgument(random, input.memory.constants, which)) };
}
