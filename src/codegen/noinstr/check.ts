import { FLOW } from '../../decode/traits.ts';
import type { CodeFunction } from '../build.ts';
import { insnAt } from '../cfg.ts';
import type { ElfUnit } from '../inputs/elf.ts';
import type { Reference } from '../references.ts';
import { type Alternative, alternatives } from '../tables/alternatives.ts';
import { type JumpSite, jumpSites } from '../tables/jump-labels.ts';
import { jumpTableTargets } from '../tables/jump-tables.ts';
import { placeId } from '../tables/places.ts';
import { instrumentation } from './instrumentation.ts';
import { Piece } from './piece.ts';
import { PvOps } from './pv-ops.ts';
import { isAlwaysAllowed, isIndirectThunk, isReturnThunk, isTakenOut } from './thunks.ts';

/** One warning, as Linux' objtool words it. */
export interface Warning {
  /** `f+0x19`, `pv_ops[3]`, or `.altinstr_replacement+0x5`. */
  readonly where: string;
  readonly text: string;
  /** The function that it was found in. */
  readonly fn: string;
  /** Offsets in the function that lead to it: its entry, then where each jump on the way went. */
  readonly path: readonly number[];
}

/** Sections that no tracing may touch (Linux include/linux/compiler_types.h, noinstr). */
const SECTIONS = new Set(['.noinstr.text', '.entry.text', '.cpuidle.text']);
/** The same in a linked kernel, by the names that its linker script gives their bounds. */
const BOUNDS = ['noinstr', 'entry', 'cpuidle'].map((name) => [`__${name}_text_start`, `__${name}_text_end`] as const);
/** Checks every noinstr function of an object or kernel, in order of their addresses. */
export function checkNoinstr(unit: ElfUnit): Warning[] {
  const checker = new Checker(unit);
  const functions = unit.functions
    .filter((fn) => checker.isNoinstr(fn))
    .sort((a, b) => a.section - b.section || a.address - b.address);
  return functions.flatMap((fn) => checker.check(fn));
}

/** Begins without an end are counted up to this, and ends without a begin: a loop may have one more each time. */
const DEEPEST = 4;

/** How far a way through a function has come. */
interface Way {
  readonly piece: Piece;
  readonly at: number;
  readonly depth: number;
  readonly path: readonly number[];
}

/** An instruction on a way, and what to do where it is wrong. */
interface Step {
  readonly piece: Piece;
  readonly n: number;
  readonly depth: number;
  warn(text: string, where?: string): void;
}

/** The code that objtool never looks at where an alternative has it: `call __sw_hweight64` (X86_FEATURE_POPCNT, word 4 bit 23). */
const POPCNT = 4 * 32 + 23;

class Checker {
  readonly #unit: ElfUnit;
  readonly #sites: ReadonlyMap<string, JumpSite>;
  readonly #alternatives = new Map<string, Alternative[]>();
  readonly #changes: ReadonlyMap<string, number>;
  readonly #pvOps: PvOps;
  readonly #bounds: readonly (readonly [number, number])[];
  readonly #byName = new Map<string, CodeFunction>();
  readonly #said = new Set<string>();

  constructor(unit: ElfUnit) {
    this.#unit = unit;
    this.#sites = jumpSites(unit);
    for (const alternative of alternatives(unit)) {
      const id = placeId(alternative.code);
      this.#alternatives.set(id, [...(this.#alternatives.get(id) ?? []), alternative]);
    }
    this.#changes = instrumentation(unit);
    this.#bounds = BOUNDS.flatMap(([from, to]) => {
      const low = unit.addressOf(from);
      const high = unit.addressOf(to);
      return unit.kind === 'linked' && low !== undefined && high !== undefined ? [[low, high] as const] : [];
    });
    for (const fn of unit.functions) for (const name of [fn.name, ...fn.aliases]) this.#byName.set(name, fn);
    this.#pvOps = new PvOps(unit, (name) => this.#isNoinstrName(name));
  }

  isNoinstr(fn: CodeFunction): boolean {
    return (
      SECTIONS.has(this.#unit.sectionName(fn.section)) ||
      this.#bounds.some(([low, high]) => fn.address >= low && fn.address < high)
    );
  }

  #isNoinstrName(name: string): boolean {
    const fn = this.#byName.get(name);
    return fn !== undefined && this.isNoinstr(fn);
  }

  /** Follows every way through a function, each instruction once for each depth of instrumentation. */
  check(fn: CodeFunction): Warning[] {
    const whole = Piece.ofFunction(fn);
    const replacements = new Map<Alternative, Piece | null>();
    const warnings: (Warning & { readonly order: number })[] = [];
    const waiting: Way[] = [{ piece: whole, at: 0, depth: 0, path: [0] }];
    for (let way = waiting.pop(); way !== undefined; way = waiting.pop()) {
      const { piece, path } = way;
      const { stream, seen, instead } = piece;
      let { depth } = way;
      /** Goes on elsewhere. */
      const goTo = (where: Piece, to: number): void => {
        const way = where === whole ? [...path, to] : path;
        if (where.holds(to)) waiting.push({ piece: where, at: to, depth, path: way });
      };
      let n = insnAt(stream, way.at);
      for (; n >= 0 && n < stream.count; n++) {
        const at = stream.at[n]!;
        const place = placeId(piece.placeOf(at));
        depth = Math.max(-DEEPEST, Math.min(DEEPEST, depth + (this.#changes.get(place) ?? 0)));
        const state = n * (2 * DEEPEST + 1) + depth + DEEPEST;
        if (seen.has(state)) break;
        seen.add(state);
        const order = instead?.from ?? at;
        const warn = (text: string, where = piece.where(at)): void => {
          const line = `${where}: ${text}`;
          if (this.#said.has(line)) return;
          this.#said.add(line);
          const end = path.at(-1) === order ? path : [...path, order];
          warnings.push({ where, text, fn: fn.name, path: end, order });
        };
        const site = this.#sites.get(place);
        if (site !== undefined) {
          if (depth <= 0 && !site.readOnly) warn(`Non __ro_after_init static key "${site.key}" in .noinstr section`);
          goTo(whole, site.target.offset - fn.address);
          // The other way is the one that the bytes show: a no-op goes on, a jump may have been a no-op.
          continue;
        }
        const alternatives = (instead === null ? this.#alternatives.get(place) : undefined) ?? [];
        // The last that waits is the first that is walked.
        for (const alternative of alternatives.toReversed()) {
          if (alternative.direct) continue;
          if (!replacements.has(alternative)) {
            replacements.set(alternative, Piece.ofReplacement(this.#unit, at, alternative));
          }
          const other = replacements.get(alternative) ?? null;
          if (other !== null) waiting.push({ piece: other, at: 0, depth, path: [...path, at] });
          else if (alternative.replacementSize === 0) goTo(whole, at + alternative.size);
        }
        if (alternatives.some(({ feature, inverted }) => feature === POPCNT && !inverted)) break;
        if (this.#ends({ piece, n, depth, warn }, whole, goTo)) break;
      }
      // Behind a replacement comes what stands behind the code that it took the place of.
      if (instead !== null && n === stream.count) {
        waiting.push({ piece: whole, at: instead.to, depth, path });
      }
    }
    return warnings.sort((a, b) => a.order - b.order).map(({ order, ...warning }) => warning);
  }

  /** Judges an instruction, and says whether the next one does not follow it; `goTo` takes the other ways. */
  #ends(step: Step, whole: Piece, goTo: (where: Piece, to: number) => void): boolean {
    const { piece, n, depth, warn } = step;
    const { stream } = piece;
    const { flow } = stream.traits[n]!;
    const reference = piece.references.get(n);
    const returns = (): true => {
      if (depth > 0) warn('return with instrumentation enabled');
      return true;
    };
    const switches = (): true => {
      const targets = jumpTableTargets(this.#unit, piece.fn, stream, n);
      if (targets === null) this.#call(step);
      else for (const to of targets) goTo(whole, to);
      return true;
    };
    switch (flow) {
      case FLOW.return:
        return returns();
      case FLOW.stop:
        return true;
      case FLOW.call:
      case FLOW.indirectCall:
        this.#call(step);
        return false;
      case FLOW.indirectJump:
        return switches();
      case FLOW.jump:
      case FLOW.conditional: {
        const name = reference?.place.symbol ?? '';
        if (flow === FLOW.jump && (isReturnThunk(name) || isTakenOut(name))) return returns();
        if (flow === FLOW.jump && isIndirectThunk(name)) return switches();
        const own = ownOffset(whole.fn, reference);
        if (own !== null) goTo(whole, own);
        else if (reference === undefined && piece.holds(stream.target[n]!)) goTo(piece, stream.target[n]!);
        else this.#call(step);
        return flow === FLOW.jump;
      }
      default:
        return false;
    }
  }

  /** A call, or a jump into another function. */
  #call({ piece, n, depth, warn }: Step): void {
    if (depth > 0) return;
    const { flow } = piece.stream.traits[n]!;
    const reference = piece.references.get(n);
    if (flow === FLOW.indirectCall || flow === FLOW.indirectJump) {
      const slot = reference === undefined ? null : this.#pvOps.slotOf(reference);
      if (slot === null) {
        warn('call to {dynamic}() leaves .noinstr.text section');
        return;
      }
      for (const name of this.#pvOps.outside(slot)) {
        warn(`indirect call to ${name}() leaves .noinstr.text section`, `pv_ops[${slot}]`);
      }
      return;
    }
    const name = reference?.place.symbol ?? null;
    if (name === null || isTakenOut(name) || isAlwaysAllowed(name)) return;
    if (isIndirectThunk(name)) warn('call to {dynamic}() leaves .noinstr.text section');
    else if (!this.#leadsInside(reference!, name)) warn(`call to ${name}() leaves .noinstr.text section`);
  }

  /** Whether a reference leads into a noinstr function, by a symbol of its section as well. */
  #leadsInside({ place }: Reference, name: string): boolean {
    return this.#isNoinstrName(name) || (SECTIONS.has(name) && place.content === null);
  }
}

/** Where a jump leads in a function that a relocation or an address names, behind its entry; null where it leads elsewhere. */
function ownOffset(fn: CodeFunction, reference: Reference | undefined): number | null {
  const { symbol, offset } = reference?.place ?? { symbol: null, offset: 0 };
  const isOwn = symbol !== null && (symbol === fn.name || fn.aliases.includes(symbol));
  return isOwn && offset > 0 && offset < fn.size ? offset : null;
}
