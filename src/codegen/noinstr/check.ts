import { InsnStream } from '../../decode/stream.ts';
import { FLOW } from '../../decode/traits.ts';
import type { CodeFunction } from '../build.ts';
import { insnAt } from '../cfg.ts';
import type { ElfUnit } from '../inputs/elf.ts';
import { type Reference, referencesOf } from '../references.ts';
import { type JumpSite, jumpSites } from '../tables/jump-labels.ts';
import { type ElfPlace, placeId } from '../tables/places.ts';
import { instrumentation } from './instrumentation.ts';
import { PvOps } from './pv-ops.ts';

/** One warning, as Linux' objtool words it. */
export interface Warning {
  /** `f+0x19`, or `pv_ops[3]`. */
  readonly where: string;
  readonly text: string;
  /** Offsets in the function that lead to it: its entry, then where each jump on the way went. */
  readonly path: readonly number[];
}

/** Sections that no tracing may touch (Linux include/linux/compiler_types.h, noinstr). */
const SECTIONS = new Set(['.noinstr.text', '.entry.text', '.cpuidle.text']);
/** The same in a linked kernel, by the names that its linker script gives their bounds. */
const BOUNDS = ['noinstr', 'entry', 'cpuidle'].map((name) => [`__${name}_text_start`, `__${name}_text_end`] as const);
const THUNK = /^__x86_indirect_(?:call_|jump_)?thunk_/;
const STATIC_CALL = /^__SCT__/;
const UBSAN = /^__ubsan_handle_/;

/** Checks every noinstr function of an object or kernel, in order of their addresses. */
export function checkNoinstr(unit: ElfUnit): Warning[] {
  const checker = new Checker(unit);
  const functions = unit.functions
    .filter((fn) => checker.isNoinstr(fn))
    .sort((a, b) => a.section - b.section || a.address - b.address);
  return functions.flatMap((fn) => checker.check(fn));
}

/** How far a way through a function has come. */
interface Way {
  readonly at: number;
  readonly depth: number;
  readonly path: readonly number[];
}

class Checker {
  readonly #unit: ElfUnit;
  readonly #stream = new InsnStream();
  readonly #sites: ReadonlyMap<string, JumpSite>;
  readonly #changes: ReadonlyMap<string, number>;
  readonly #pvOps: PvOps;
  readonly #bounds: readonly (readonly [number, number])[];
  readonly #byName = new Map<string, CodeFunction>();
  readonly #said = new Set<string>();

  constructor(unit: ElfUnit) {
    this.#unit = unit;
    this.#sites = jumpSites(unit);
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

  #placeOf(fn: CodeFunction, offset: number): ElfPlace {
    const section = this.#unit.kind === 'linked' ? 0 : fn.section;
    return { section, offset: fn.address + offset, undefined: null };
  }

  /** Follows every way through a function, each instruction once with instrumentation on and once with it off. */
  check(fn: CodeFunction): Warning[] {
    const stream = this.#stream;
    stream.decode(this.#unit.bytesOf(fn));
    const references = new Map<number, Reference>();
    for (const reference of referencesOf(fn, stream)) references.set(reference.insn, reference);
    const warnings: (Warning & { readonly order: number })[] = [];
    const seen = new Set<number>();
    const waiting: Way[] = [{ at: 0, depth: 0, path: [0] }];
    for (let way = waiting.pop(); way !== undefined; way = waiting.pop()) {
      for (let { at, depth, path } = way, n = insnAt(stream, at); n >= 0 && n < stream.count; n++) {
        at = stream.at[n]!;
        const place = placeId(this.#placeOf(fn, at));
        depth += this.#changes.get(place) ?? 0;
        const state = n * 2 + (depth > 0 ? 1 : 0);
        if (seen.has(state)) break;
        seen.add(state);
        const warn = (text: string, where = `${fn.name}+0x${at.toString(16)}`): void => {
          const line = `${where}: ${text}`;
          if (this.#said.has(line)) return;
          this.#said.add(line);
          warnings.push({ where, text, path: path.at(-1) === at ? path : [...path, at], order: at });
        };
        const site = this.#sites.get(place);
        if (site !== undefined) {
          if (depth <= 0 && !site.readOnly) warn(`Non __ro_after_init static key "${site.key}" in .noinstr section`);
          const to = site.target.offset - fn.address;
          if (to >= 0 && to < fn.size) waiting.push({ at: to, depth, path: [...path, to] });
          // The other way is the one that the bytes show: a no-op goes on, a jump may have been a no-op.
          continue;
        }
        const { flow } = stream.traits[n]!;
        if (flow === FLOW.return) {
          if (depth > 0) warn('return with instrumentation enabled');
          break;
        }
        if (flow === FLOW.stop) break;
        if (flow === FLOW.call || flow === FLOW.indirectCall) this.#call(stream, n, references.get(n), depth, warn);
        if (flow === FLOW.indirectJump) break;
        if (flow === FLOW.jump || flow === FLOW.conditional) {
          const to = references.has(n) ? Number.NaN : stream.target[n]!;
          if (to >= 0 && to < fn.size) waiting.push({ at: to, depth, path: [...path, to] });
          else this.#call(stream, n, references.get(n), depth, warn);
          if (flow === FLOW.jump) break;
        }
      }
    }
    return warnings.sort((a, b) => a.order - b.order).map(({ where, text, path }) => ({ where, text, path }));
  }

  /** A call, or a jump into another function. */
  #call(
    stream: InsnStream,
    n: number,
    reference: Reference | undefined,
    depth: number,
    warn: (text: string, where?: string) => void,
  ): void {
    if (depth > 0) return;
    const { flow } = stream.traits[n]!;
    if (flow === FLOW.indirectCall) {
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
    if (name === null) return;
    if (THUNK.test(name)) {
      if (flow === FLOW.call) warn('call to {dynamic}() leaves .noinstr.text section');
      return;
    }
    if (STATIC_CALL.test(name) || UBSAN.test(name) || this.#leadsInside(reference!, name)) return;
    warn(`call to ${name}() leaves .noinstr.text section`);
  }

  /** Whether a reference leads into a noinstr function, by a symbol of its section as well. */
  #leadsInside({ place }: Reference, name: string): boolean {
    return this.#isNoinstrName(name) || (SECTIONS.has(name) && place.content === null);
  }
}
