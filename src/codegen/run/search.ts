import type { Random } from '../../bits/random.ts';
import type { InsnStream } from '../../decode/stream.ts';
import { FLOW } from '../../decode/traits.ts';
import type { CType } from '../../elf/dwarf/types.ts';
import { ownRegister, type PlacedCall } from './abi.ts';
import { calleeOf, callKey } from './answers.ts';
import type { CallInput } from './entry.ts';
import { drawInput, mutate, mutateRead } from './inputs.ts';
import { STACK_TOP } from './layout.ts';
import { isObject, objectAt } from './memory.ts';
import type { CallOutcome } from './outcome.ts';
import { isInVaList, isPointerAt } from './reach.ts';
import { type Limits, type Noticed, towardsBranch, withPointer } from './towards.ts';
import { drawParameter, drawTyped } from './typed.ts';

/** Directions of conditional branches that some input took, of all. */
export interface Coverage {
  readonly taken: number;
  readonly all: number;
}

/** An input that has shown something new, and what it did. */
interface Parent {
  readonly input: CallInput;
  readonly old: Noticed;
  readonly new: Noticed;
}

const BATCH = 16;
/** Of each batch, so many inputs are new. */
const NEW = 4;
/** Of the others, one of so many is varied at random. */
const VARIED = 3;
/** Branches that are tried before an input is varied at random. */
const TRIALS = 8;
/** One of so many inputs is led to any branch. */
const EDGES = 8;
/** So often in a row the last input is made again with another pointer. */
const MENDED = 4;
/** Number of the object that a large result is written to. */
const RESULT = 16;
const VECTORS = 8n;
/** Both directions of a branch. */
const BOTH = 3;

/** Where the inputs so far have led. */
export class Seen {
  /** Directions by condition: bit 0 not taken, bit 1 taken. */
  readonly ways = new Map<number, number>();
  readonly #targets = new Set<number>();

  /** Notes where a run has led; whether anything was new. */
  learn({ branches, conditions, targets }: CallOutcome): boolean {
    const before = this.#targets.size;
    for (const target of targets) this.#targets.add(target);
    let more = this.#targets.size > before;
    for (const [offset, ways] of [...branches, ...conditions]) {
      const known = this.ways.get(offset) ?? 0;
      if ((known | ways) === known) continue;
      this.ways.set(offset, known | ways);
      more = true;
    }
    return more;
  }

  /** Directions of the conditional branches in some code that a run has taken. */
  coverage(stream: InsnStream): Coverage {
    let all = 0;
    let taken = 0;
    for (let n = 0; n < stream.count; n++) {
      if (stream.traits[n]!.flow !== FLOW.conditional) continue;
      const ways = this.ways.get(stream.at[n]!) ?? 0;
      all += 2;
      taken += (ways & 1) + (ways >> 1);
    }
    return { taken, all };
  }
}

/** What a search asks about the code. */
export interface Known {
  /** What a function outside is declared to return. */
  resultOf(name: string): CType | null;
  /** Whether it is an address that no caller has, or not in both builds: of the frame, or of the code and its data. */
  isForeign(value: bigint): boolean;
}

/** Draws inputs that lead two builds of a function to different places. */
export class Search {
  readonly seen = { old: new Seen(), new: new Seen() };
  readonly #random: Random;
  readonly #placed: PlacedCall | null;
  readonly #constants: readonly bigint[];
  readonly #limits: Limits;
  readonly #pool: Parent[] = [];
  /** Words of the stack that hold an enumeration. */
  readonly #enumerations: ReadonlySet<bigint>;
  #mended: CallInput | null = null;
  #mending = 0;

  constructor(random: Random, placed: PlacedCall | null, constants: readonly bigint[], known: Known) {
    this.#random = random;
    this.#placed = placed;
    const parameters = placed?.parameters ?? [];
    this.#constants = constants;
    const pointers = new Set(parameters.filter(({ type }) => type.kind === 'pointer').map(ownRegister));
    this.#enumerations = new Set(
      parameters
        .filter(({ type }) => type.kind === 'enum')
        .flatMap(({ pieces }) =>
          pieces.flatMap(({ slot }) => (slot.kind === 'stack' ? [STACK_TOP + BigInt(slot.offset)] : [])),
        ),
    );
    this.#limits = {
      isForeign: (value) => known.isForeign(value),
      allows: (place, value) => {
        const type =
          place.kind === 'argument' ? parameters.find((row) => ownRegister(row) === place.n)?.type : undefined;
        return (
          type?.kind !== 'enum' || type.values.some((row) => BigInt.asUintN(8 * type.size, BigInt(row.value)) === value)
        );
      },
      isPointer: (place, { objects }, held) => {
        // What an undeclared function is given may be meant for either.
        if (placed === null) return false;
        if (isObject(held)) return true;
        if (place.kind === 'argument') return pointers.has(place.n);
        if (place.kind === 'returned') return known.resultOf(calleeOf(place.call))?.kind === 'pointer';
        return place.kind === 'word' && objects !== undefined && isPointerAt(objects, place.address);
      },
    };
  }

  /** The input to run as the nth. */
  next(n: number): CallInput {
    const random = this.#random;
    const mended = this.#mended;
    this.#mended = null;
    if (mended !== null) return mended;
    this.#mending = 0;
    if (this.#pool.length === 0 || n % BATCH <= NEW) {
      return drawTyped(random, this.#placed?.parameters ?? [], this.#begin(drawInput(random, this.#constants, n)));
    }
    return (n % VARIED === 0 ? null : this.#towards()) ?? this.#vary(random.pick(this.#pool));
  }

  /** What a caller sets beside the parameters: where a large result goes, and how many vector registers a variadic function finds. */
  #begin(input: CallInput): CallInput {
    if (this.#placed === null) return input;
    const { result, variadic } = this.#placed;
    const args = result.inMemory ? input.args.with(0, objectAt(RESULT)) : input.args;
    const registers = [...(input.registers ?? []), ...(variadic ? [['rax', VECTORS] as const] : [])];
    return { ...input, args, registers };
  }

  /** What is known of a run, without what nothing else may stand for: a va_list, an enumeration on the stack. */
  #noticed({ objects = new Map() }: CallInput, { compared, read, variables, calls }: CallOutcome): Noticed {
    const isFixed = (word: bigint): boolean => isInVaList(objects, word) || this.#enumerations.has(word);
    return {
      compared,
      read: new Set([...read].filter((word) => !isFixed(word))),
      variables,
      returned: new Map(calls.map(({ name, nth, returned }) => [callKey(name, nth), returned])),
    };
  }

  /** Keeps an input that has shown something new, to make others from. */
  keep(input: CallInput, old: CallOutcome, fresh: CallOutcome): void {
    this.#pool.push({ input, old: this.#noticed(input, old), new: this.#noticed(input, fresh) });
  }

  /** Makes the next input of one that has faulted, with another pointer where the one that led nowhere was; a few times in a row. */
  mend(input: CallInput, outcome: CallOutcome): void {
    if (this.#mending++ < MENDED)
      this.#mended = withPointer(this.#random, input, this.#noticed(input, outcome), outcome.wild);
  }

  /** An input that may take a branch of either build in a direction that nothing has taken yet; null where none can be made. */
  #towards(): CallInput | null {
    const random = this.#random;
    for (let trial = 0; trial < TRIALS; trial++) {
      const side = random.below(2) === 0 ? 'old' : 'new';
      const { ways } = this.seen[side];
      // Where both directions are known, the edge between them may not be.
      const edge = random.below(EDGES) === 0;
      const open = [...ways].flatMap(([offset, way]) => (way === BOTH && !edge ? [] : [offset]));
      if (open.length === 0) continue;
      const branch = random.pick(open);
      const there = this.#pool.filter((parent) => parent[side].compared.has(branch));
      if (there.length === 0) continue;
      const parent = random.pick(there);
      const input = towardsBranch(random, parent.input, parent[side], parent[side].compared.get(branch)!, this.#limits);
      if (input !== null) return input;
    }
    return null;
  }

  /** An input near another one; one that is declared differs in a parameter, or in anything that was read. */
  #vary({ input, old, new: fresh }: Parent): CallInput {
    const random = this.#random;
    const read = random.below(2) === 0 ? old : fresh;
    if (random.below(2) === 0) {
      const varied = mutateRead(random, input, read);
      if (varied !== null) return varied;
    }
    const parameters = this.#placed?.parameters ?? [];
    return parameters.length === 0
      ? mutate(random, input)
      : drawParameter(random, parameters, random.below(parameters.length), input);
  }
}
