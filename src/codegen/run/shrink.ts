import type { CallInput } from './entry.ts';
import { unknownWord } from './memory.ts';

/** Of an input that differs, so many smaller ones are run. */
const MOST_TRIALS = 400;

/** Makes an input smaller as long as it still shows a difference: memory, many words at a time, then arguments, then words to one. */
export function shrink(from: CallInput, read: readonly bigint[], shows: (input: CallInput) => boolean): CallInput {
  let input = from;
  let trials = 0;
  const keep = (candidate: CallInput): boolean => {
    if (trials++ >= MOST_TRIALS || !shows(candidate)) return false;
    input = candidate;
    return true;
  };
  const words = new Map(read.map((word) => [word, unknownWord(from.memory, word)]));
  keep({ ...input, memory: { ...input.memory, seed: null, words } });
  const fill = (value: bigint, chosen: readonly bigint[]): void => {
    if (chosen.length === 0) return;
    const smaller = new Map(input.memory.words);
    for (const word of chosen) {
      if (value === 0n && input.memory.seed === null) smaller.delete(word);
      else smaller.set(word, value);
    }
    if (keep({ ...input, memory: { ...input.memory, words: smaller } }) || chosen.length === 1) return;
    const middle = chosen.length >> 1;
    fill(value, chosen.slice(0, middle));
    fill(value, chosen.slice(middle));
  };
  keep({ ...input, variables: new Map(), returned: new Map() });
  for (const [name] of input.variables ?? []) keep({ ...input, variables: without(input.variables!, name) });
  for (const [call] of input.returned ?? []) keep({ ...input, returned: without(input.returned!, call) });
  keep({ ...input, registers: [] });
  fill(0n, [...input.memory.words.keys()]);
  for (const [i] of input.args.entries()) {
    for (const value of [0n, 1n, 2n]) {
      if (input.args[i] === value) break;
      if (keep({ ...input, args: input.args.with(i, value) })) break;
    }
  }
  for (const [word, value] of input.memory.words) if (value > 1n) fill(1n, [word]);
  return input;
}

function without(map: ReadonlyMap<string, bigint>, key: string): Map<string, bigint> {
  const rest = new Map(map);
  rest.delete(key);
  return rest;
}
