import type { Random } from '../../bits/random.ts';
import type { InsnStream } from '../../decode/stream.ts';
import { signedAt } from '../../decode/stream.ts';
import type { CallInput } from './call.ts';
import { drawWord, objectAt } from './memory.ts';

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

/** The same input with another word in one of the places that were read. */
export function mutateWord(random: Random, input: CallInput, read: readonly bigint[]): CallInput {
  const { memory } = input;
  const words = new Map(memory.words);
  words.set(read[random.below(read.length)]!, drawWord(random.u32(), memory.constants));
  return { ...input, memory: { ...memory, words } };
}

/** An input near another one: an argument, or a word that was read, is another. */
export function mutate(random: Random, input: CallInput, read: readonly bigint[]): CallInput {
  if (read.length > 0 && random.below(2) === 0) return mutateWord(random, input, read);
  const args = [...input.args];
  const which = random.below(args.length);
  args[which] = drawArgument(random, input.memory.constants, which);
  return { ...input, args };
}
