import { Random } from '../bits/random.ts';
import type { Insn } from '../decode/insn.ts';
import { allTemplates, type Template } from '../decode/templates.ts';
import { profileNamed } from '../machine/profiles.ts';
import '../semantics/index.ts';
import { BANNED, HINTS } from '../oracle/campaign.ts';
import { instructionNamed } from '../semantics/define.ts';
import { isSupported } from '../semantics/lift.ts';
import { constantOperands } from '../semantics/operands.ts';
import { drawInstance } from './draw.ts';
import { STACK } from './targets.ts';

/** What sequences are made of. */
export interface VocabularyOptions {
  /** Features by the decoder's names; an instruction needs all of its own among them. Null: every feature. */
  readonly features: ReadonlySet<string> | null;
  /** Mnemonics; null: every one. */
  readonly include: ReadonlySet<string> | null;
  readonly exclude: ReadonlySet<string>;
  /** How often a mnemonic or feature is drawn, where other than 1. */
  readonly weights: ReadonlyMap<string, number>;
  /** What the host CPU has, where it judges; null: no host. */
  readonly host: ReadonlySet<string> | null;
  readonly cpl: 0 | 3;
}

export interface Word {
  readonly template: Template;
  readonly mnemonic: string;
}

const SAMPLE_SEED = 0x5a3b1e;
const SAMPLES = 4;
const SYSTEM_FILES: ReadonlySet<string> = new Set(['seg', 'cr', 'dr']);

let sampled: readonly { readonly template: Template; readonly insn: Insn }[] | undefined;

/** Every encoding with one instance of it; those of which none could be made are left out. */
function samples(): NonNullable<typeof sampled> {
  if (sampled === undefined) {
    const random = new Random(SAMPLE_SEED);
    const known = Array.from({ length: 16 }, (_, n) => (n === 1 ? 1 : STACK));
    sampled = allTemplates().flatMap((template) => {
      for (let n = 0; n < SAMPLES; n++) {
        const drawn = drawInstance(template, random, known, () => STACK);
        if (drawn !== null) return [{ template, insn: drawn.insn }];
      }
      return [];
    });
  }
  return sampled;
}

const implemented = (insn: Insn): boolean =>
  instructionNamed(insn.mnemonic) !== undefined && constantOperands(insn, 0n).every(isSupported);

/** Whether the result is a matter of the machine around the CPU: only engines are compared on it. */
const ofTheMachine = (insn: Insn): boolean =>
  BANNED.has(insn.mnemonic) || insn.operands.some((op) => op.kind === 'reg' && SYSTEM_FILES.has(op.register.file));

interface Names {
  readonly mnemonics: ReadonlySet<string>;
  readonly features: ReadonlySet<string>;
}
let names: Names | undefined;

/** Every mnemonic and every feature that a vocabulary may name. */
export function knownNames(): Names {
  const all = samples();
  names ??= {
    mnemonics: new Set(all.map(({ insn }) => insn.mnemonic)),
    features: new Set(all.flatMap(({ insn }) => insn.features)),
  };
  return names;
}

/** What a host lacks, an engine lacks, and nobody asked for is left out; each draw is by weight. */
export class Vocabulary {
  readonly words: readonly Word[];
  /** Nobody has asked for some instructions only: sequences may hold others too. */
  readonly whole: boolean;
  /** System instructions belong to it. */
  readonly system: boolean;
  /** Near branches to an address that is part of the instruction. */
  readonly branches: readonly Word[];
  /** Features and mnemonics that were asked for and cannot be checked here, as «NAME (why)». */
  readonly unchecked: readonly string[];
  readonly #cumulative: Float64Array;
  #codes: ReadonlySet<number> | undefined;

  constructor(options: VocabularyOptions) {
    const words: Word[] = [];
    const missing = new Map<string, string>();
    for (const { template, insn } of samples()) {
      const { mnemonic, features } = insn;
      if (options.include !== null && !options.include.has(mnemonic)) continue;
      if (options.exclude.has(mnemonic)) continue;
      if (options.features !== null && !features.every((name) => options.features!.has(name))) continue;
      if (options.cpl === 3 && (template.system || ofTheMachine(insn))) {
        // Nobody else misses them: that is what the privilege is about.
        if (options.include?.has(mnemonic)) missing.set(mnemonic, 'between engines only: --cpl 0');
        continue;
      }
      if (mnemonic === 'hlt') continue;
      if (!implemented(insn)) {
        missing.set(mnemonic, features.every(profileNamed('default').has) ? 'not implemented' : 'no CPU here has it');
        continue;
      }
      const lacking = options.host === null ? [] : features.filter((f) => !options.host!.has(f) && !HINTS.has(f));
      if (lacking.length > 0) {
        missing.set(lacking.join(' '), 'the host CPU lacks it');
        continue;
      }
      words.push({ template, mnemonic });
    }
    this.words = words;
    this.whole = options.include === null && options.features === null;
    this.system = options.cpl === 0;
    this.branches = words.filter(({ template }) => template.relative !== 0);
    const present = new Set(words.map(({ mnemonic }) => mnemonic));
    this.unchecked = [...missing].filter(([name]) => !present.has(name)).map(([name, why]) => `${name} (${why})`);
    const codes = new Map<string, number>();
    for (const { mnemonic } of words) codes.set(mnemonic, (codes.get(mnemonic) ?? 0) + 1);
    let sum = 0;
    // Half of the weight goes to encodings alike, half to mnemonics alike: neither may drown the other.
    this.#cumulative = Float64Array.from(words, ({ template, mnemonic }) => {
      const own = options.weights.get(mnemonic) ?? 1;
      const weight = template.features.reduce((w, name) => w * (options.weights.get(name) ?? 1), own);
      sum += weight * (1 / words.length + 1 / (codes.size * codes.get(mnemonic)!));
      return sum;
    });
  }

  /** Whether an encoding, by iced's number, is one of them. */
  has(code: number): boolean {
    this.#codes ??= new Set(this.words.map(({ template }) => template.code));
    return this.#codes.has(code);
  }

  /** What all of them weigh: nothing where there are none, or nobody is to draw them. */
  get weight(): number {
    return this.#cumulative.at(-1) ?? 0;
  }

  /** One encoding. */
  pick(random: Random): Word {
    const sums = this.#cumulative;
    const wanted = (random.u32() / 0x1_0000_0000) * sums[sums.length - 1]!;
    let low = 0;
    let high = sums.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle]! <= wanted) low = middle + 1;
      else high = middle;
    }
    return this.words[low]!;
  }
}
