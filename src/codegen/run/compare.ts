import { Random } from '../../bits/random.ts';
import { InsnStream } from '../../decode/stream.ts';
import type { Signature } from '../../elf/dwarf/debug-info.ts';
import type { CType } from '../../elf/dwarf/types.ts';
import type { CodeFunction, CodeUnit } from '../build.ts';
import { hasOwnParameters } from '../names.ts';
import { placeCall, registersTaken } from './abi.ts';
import { onStack } from './bounds.ts';
import { Caller, type CallOptions, type CallOutcome } from './call.ts';
import { comparable, differences, memoryDifferences, type ResultKind, type Side } from './differences.ts';
import type { CallInput } from './entry.ts';
import { CodeImage } from './image.ts';
import { constantsOf } from './inputs.ts';
import { Externals } from './layout.ts';
import { Reach } from './reach.ts';
import { type Coverage, Search } from './search.ts';
import { shrink } from './shrink.ts';

/** How much is run. */
export interface RunOptions extends CallOptions {
  /** Inputs for each function. */
  readonly inputs: number;
  readonly seed: number;
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
  compare(old: CodeFunction, fresh: CodeFunction, asked: RunOptions): RunVerdict {
    if (hasOwnParameters(old.name) !== hasOwnParameters(fresh.name)) return NOTHING_SAID;
    const streams = [old, fresh].map((fn) => {
      const stream = new InsnStream();
      stream.decode(fn.unit.bytesOf(fn));
      return stream;
    });
    const signature = old.unit.signatureOf?.(old) ?? fresh.unit.signatureOf?.(fresh) ?? null;
    const placed = signature === null ? null : placeCall(signature);
    const resultOf = (name: string): CType | null => declarationOf(old, fresh, name)?.result ?? null;
    const options: RunOptions = { ...asked, resultOf };
    const images = [old, fresh].map((fn) => this.#runner(fn.unit).image);
    const search = new Search(new Random(options.seed), placed, constantsOf(streams), {
      resultOf,
      isForeign: (value) => onStack(value) || images.some((image) => image.nameOf(value) !== null),
    });
    const done: Done[] = [];
    const counts = { old: noCounts(), new: noCounts() };
    for (let number = 0; number < options.inputs; number++) {
      const input = search.next(number);
      const a = this.#run(old, input, options);
      // It may be a loop without an end, which costs most and says nothing: inputs near it are not tried for what it has shown in the old build.
      const endless = a.outcome.end.reason === 'limit';
      const learned = search.seen.old.learn(a.outcome);
      if (endless && !learned) continue;
      const b = this.#run(fresh, input, options);
      const more = search.seen.new.learn(b.outcome) || (learned && !endless);
      if (a.outcome.end.reason === 'fault') search.mend(input, a.outcome);
      if (more) search.keep(input, a.outcome, b.outcome);
      if (!comparable(a.outcome, b.outcome)) continue;
      add(counts.old, a.outcome);
      add(counts.new, b.outcome);
      const memory = memoryDifferences(a, b).length > 0;
      done.push({ input, old: withoutMemory(a), new: withoutMemory(b), memory });
    }
    const guessed = kindOf(done.map(({ old: { outcome } }) => outcome));
    const kind = {
      ...guessed,
      declared: placed?.result ?? null,
      parametersOf: (name: string) => {
        const declared = declarationOf(old, fresh, name);
        return declared === null ? null : registersTaken(placeCall(declared));
      },
    };
    const base = {
      inputs: done.length,
      coverage: { old: search.seen.old.coverage(streams[0]!), new: search.seen.new.coverage(streams[1]!) },
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
    const input = shrink(
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
      const reached = new Reach(input.objects ?? new Map());
      this.#run(fn, input, { ...options, reach: reached });
      return reached;
    });
    return reach[0]!.straysFrom(reach[1]!) || reach[1]!.straysFrom(reach[0]!);
  }
}

/** How a function that both builds call is declared, where one of them says. */
const declarationOf = (old: CodeFunction, fresh: CodeFunction, name: string): Signature | null =>
  old.unit.declarationOf?.(old, name) ?? fresh.unit.declarationOf?.(fresh, name) ?? null;

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
