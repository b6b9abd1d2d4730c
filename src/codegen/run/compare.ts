import { Random } from '../../bits/random.ts';
import { InsnStream } from '../../decode/stream.ts';
import { FLOW } from '../../decode/traits.ts';
import type { CodeFunction, CodeUnit } from '../build.ts';
import { hasOwnParameters } from '../names.ts';
import { Caller, type CallInput, type CallOptions, type CallOutcome } from './call.ts';
import { towardsBranch } from './compared.ts';
import { comparable, differences, memoryDifferences, type ResultKind, type Side } from './differences.ts';
import { CodeImage } from './image.ts';
import { constantsOf, drawInput, mutate, mutateWord } from './inputs.ts';
import { Externals } from './layout.ts';
import { unknownWord } from './memory.ts';
import { Reach } from './reach.ts';
import { drawParameter, drawTyped, placeParameters, placeResult, type TypedParameter } from './typed.ts';

/** How much is run. */
export interface RunOptions extends CallOptions {
  /** Inputs for each function. */
  readonly inputs: number;
  readonly seed: number;
}

/** Directions of conditional branches that some input took, of all. */
export interface Coverage {
  readonly taken: number;
  readonly all: number;
}

/** Numbers of one build over all inputs that both ran. */
export interface RunCounts {
  instructions: number;
  loads: number;
  gsLoads: number;
}

/** What running both builds of a function has shown. */
export interface RunVerdict {
  readonly verdict: 'equal' | 'different' | 'inconclusive';
  /** Inputs that say something: the old build did not fault. */
  readonly inputs: number;
  readonly coverage: { readonly old: Coverage; readonly new: Coverage };
  readonly counts: { readonly old: RunCounts; readonly new: RunCounts };
  /** What differs on the smallest input found. */
  readonly differences: readonly string[];
  readonly input: CallInput | null;
  /** Which build's behaviour depends on registers or stack that nobody has set. */
  readonly uninitialised: 'old' | 'new' | 'both' | null;
  /** Why nothing can be said, where it is not that no input ran to its end. */
  readonly reason?: string;
}

/** An input that has shown something new, and what it did. */
interface Parent {
  readonly input: CallInput;
  readonly read: readonly bigint[];
  readonly old: Noticed;
  readonly new: Noticed;
}

type Noticed = Pick<CallOutcome, 'compared' | 'read'>;

const noticed = ({ compared, read }: CallOutcome): Noticed => ({ compared, read });

/** A pair of runs, and whether what they have written differs: that itself is not kept, it may be megabytes. */
interface Done {
  readonly input: CallInput;
  readonly old: Side;
  readonly new: Side;
  readonly memory: boolean;
}

const withoutMemory = ({ image, outcome }: Side): Side => ({
  image,
  outcome: { ...outcome, writes: [], words: new Map(), pages: new Map() },
});

const BATCH = 16;
/** Of an input that differs, so many smaller ones are run. */
const MOST_TRIALS = 400;
const DEFAULT_INSTRUCTIONS = 20_000;
/** Salts of what nobody has set, beside 0. */
const SALTS = [0x5a, 0xa7] as const;

/** One build has a clone with parameters of its own: no input is the same for both. */
const NOTHING_SAID: RunVerdict = {
  verdict: 'inconclusive',
  inputs: 0,
  coverage: { old: { taken: 0, all: 0 }, new: { taken: 0, all: 0 } },
  counts: { old: { instructions: 0, loads: 0, gsLoads: 0 }, new: { instructions: 0, loads: 0, gsLoads: 0 } },
  differences: [],
  input: null,
  uninitialised: null,
  reason: 'one build has a clone of it (.isra, .constprop, .part) whose parameters are not those of the source',
};

/** Runs functions of two builds on the same inputs. Names outside have one address in both. */
export class RunComparer {
  readonly #externals = new Externals();
  readonly #images = new Map<CodeUnit, { readonly image: CodeImage; readonly caller: Caller }>();

  #runner(unit: CodeUnit): { readonly image: CodeImage; readonly caller: Caller } {
    let runner = this.#images.get(unit);
    if (runner === undefined) {
      const image = new CodeImage(unit, this.#externals);
      runner = { image, caller: new Caller(image, this.#externals) };
      this.#images.set(unit, runner);
    }
    return runner;
  }

  /** Compares two builds of one function; the same options give the same verdict. */
  compare(old: CodeFunction, fresh: CodeFunction, options: RunOptions): RunVerdict {
    if (hasOwnParameters(old.name) !== hasOwnParameters(fresh.name)) return NOTHING_SAID;
    const streams = [old, fresh].map((fn) => {
      const stream = new InsnStream();
      stream.decode(fn.unit.bytesOf(fn));
      return stream;
    });
    const signature = old.unit.signatureOf?.(old) ?? fresh.unit.signatureOf?.(fresh) ?? null;
    const parameters = signature === null ? [] : placeParameters(signature);
    const pointers = new Set(
      parameters.flatMap(({ type, gpr }) => (type.kind === 'pointer' && gpr !== null ? [gpr] : [])),
    );
    const constants = constantsOf(streams);
    const random = new Random(options.seed);
    const seen = { old: new Map<number, number>(), new: new Map<number, number>() };
    const pool: Parent[] = [];
    const done: Done[] = [];
    const counts = { old: noCounts(), new: noCounts() };
    for (let number = 0; number < options.inputs; number++) {
      const parent = pool.length > 0 && number % BATCH > BATCH / 4 ? pool[random.below(pool.length)]! : null;
      const input =
        parent === null
          ? drawTyped(random, parameters, drawInput(random, constants, number))
          : (towards(random, parent, seen, pointers) ?? vary(random, parameters, parent));
      const a = this.#run(old, input, options);
      // It may be a loop without an end, which costs most and says nothing: inputs near it are not tried for what it has shown in the old build.
      const endless = a.outcome.end.reason === 'limit';
      const learned = learn(seen.old, a.outcome);
      if (endless && !learned) continue;
      const b = this.#run(fresh, input, options);
      const more = learn(seen.new, b.outcome) || (learned && !endless);
      if (a.outcome.end.reason === 'fault' && !more) continue;
      if (more)
        pool.push({
          input,
          read: [...new Set([...a.outcome.read, ...b.outcome.read])],
          old: noticed(a.outcome),
          new: noticed(b.outcome),
        });
      if (!comparable(a.outcome, b.outcome)) continue;
      add(counts.old, a.outcome);
      add(counts.new, b.outcome);
      const memory = memoryDifferences(a, b).length > 0;
      done.push({ input, old: withoutMemory(a), new: withoutMemory(b), memory });
    }
    const guessed = kindOf(done.map(({ old: { outcome } }) => outcome));
    const kind = {
      ...guessed,
      declared: signature === null ? null : placeResult(signature),
      parametersOf: (name: string) => registersOf(old, name),
    };
    const base = {
      inputs: done.length,
      coverage: { old: coverage(streams[0]!, seen.old), new: coverage(streams[1]!, seen.new) },
      counts,
    };
    const bad = done.find(
      (run) =>
        (run.memory || differences(run.old, run.new, kind).length > 0) && !this.#strays(old, fresh, run.input, options),
    );
    if (bad === undefined) {
      const verdict = done.length > 0 ? 'equal' : 'inconclusive';
      return { ...base, verdict, differences: [], input: null, uninitialised: null };
    }
    const differ = (input: CallInput): string[] =>
      differences(this.#run(old, input, options), this.#run(fresh, input, options), kind);
    const input = this.#shrink(
      bad.input,
      [...bad.old.outcome.read, ...bad.new.outcome.read],
      (candidate) => differ(candidate).length > 0 && !this.#strays(old, fresh, candidate, options),
    );
    const depends = (fn: CodeFunction): boolean => {
      const plain = this.#run(fn, input, options);
      return SALTS.some((salt) => differences(plain, this.#run(fn, { ...input, salt }, options), kind).length > 0);
    };
    const uses = [depends(old), depends(fresh)];
    const uninitialised = uses[0] && uses[1] ? 'both' : uses[0] ? 'old' : uses[1] ? 'new' : null;
    return { ...base, verdict: 'different', differences: differ(input), input, uninitialised };
  }

  #run(fn: CodeFunction, input: CallInput, options: RunOptions): Side {
    const { image, caller } = this.#runner(fn.unit);
    const limits = { instructions: DEFAULT_INSTRUCTIONS, withinObjects: true, ...options };
    return { image, outcome: caller.call(image.addressOf(fn), input, limits) };
  }

  /** Whether one build reaches from one object of its image into another, where the other one does not: an index out of bounds. */
  #strays(old: CodeFunction, fresh: CodeFunction, input: CallInput, options: RunOptions): boolean {
    const reach = [old, fresh].map((fn) => {
      const reached = new Reach();
      this.#run(fn, input, { ...options, reach: reached });
      return reached;
    });
    return reach[0]!.straysFrom(reach[1]!) || reach[1]!.straysFrom(reach[0]!);
  }

  /** Makes an input smaller as long as it still shows a difference: memory, many words at a time, then arguments, then words to one. */
  #shrink(from: CallInput, read: readonly bigint[], shows: (input: CallInput) => boolean): CallInput {
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
}

/** Registers that the parameters of a function outside take, where the file declares it with integers and pointers alone. */
function registersOf(fn: CodeFunction, name: string): number | null {
  const declared = fn.unit.declarationOf?.(fn, name) ?? null;
  if (declared === null || declared.variadic) return null;
  const places = placeParameters(declared);
  return places.every(({ gpr }) => gpr !== null) ? places.length : null;
}

/** Every other time, an input that may take a branch of either build in a direction that nothing has taken yet. */
function towards(
  random: Random,
  parent: Parent,
  seen: { readonly old: ReadonlyMap<number, number>; readonly new: ReadonlyMap<number, number> },
  pointers: ReadonlySet<number>,
): CallInput | null {
  if (random.below(2) === 0) return null;
  const side = random.below(2) === 0 ? 'old' : 'new';
  const { input } = parent;
  return towardsBranch(
    random,
    { input, outcome: parent[side] },
    seen[side],
    (at) => unknownWord(input.memory, at),
    pointers,
  );
}

/** An input near another one; one that is declared differs in a parameter, or in any word that was read. */
function vary(random: Random, parameters: readonly TypedParameter[], { input, read }: Parent): CallInput {
  if (parameters.length === 0) return mutate(random, input, read);
  if (read.length > 0 && random.below(2) === 0) return mutateWord(random, input, read);
  return drawParameter(random, parameters, random.below(parameters.length), input);
}

/** What kind of result the runs of the old build have left. */
function kindOf(outcomes: readonly CallOutcome[]): ResultKind {
  const returned = outcomes.filter(({ end }) => end.reason === 'return');
  const written = returned.filter(({ explicit }) => explicit);
  return {
    integer: written.length > 0 && returned.every(({ resultWidth }) => resultWidth > 0),
    extended: written.length > 0 && returned.every(({ extended }) => extended),
    float: returned.length > 0 && returned.every(({ xmm0Width }) => xmm0Width > 0),
    declared: null,
    parametersOf: () => null,
  };
}

const noCounts = (): RunCounts => ({ instructions: 0, loads: 0, gsLoads: 0 });

function add(counts: RunCounts, outcome: CallOutcome): void {
  counts.instructions += outcome.instructions;
  counts.loads += outcome.loads;
  counts.gsLoads += outcome.gsLoads;
}

/** Notes directions of conditions; whether one was new. */
function learn(seen: Map<number, number>, { branches, conditions }: CallOutcome): boolean {
  let more = false;
  for (const [offset, ways] of [...branches, ...conditions]) {
    const before = seen.get(offset) ?? 0;
    if ((before | ways) === before) continue;
    seen.set(offset, before | ways);
    more = true;
  }
  return more;
}

function coverage(stream: InsnStream, seen: ReadonlyMap<number, number>): Coverage {
  let all = 0;
  let taken = 0;
  for (let n = 0; n < stream.count; n++) {
    if (stream.traits[n]!.flow !== FLOW.conditional) continue;
    const ways = seen.get(stream.at[n]!) ?? 0;
    all += 2;
    taken += (ways & 1) + (ways >> 1);
  }
  return { taken, all };
}
