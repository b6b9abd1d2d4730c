import { GPR_NAMES } from '../decode/registers.ts';
import { type InsnStream, SEGMENT_FS, SEGMENT_GS } from '../decode/stream.ts';
import { FLOW } from '../decode/traits.ts';
import type { CodeFunction } from './build.ts';
import { buildCfg, type Cfg } from './cfg.ts';
import { hexSigned } from './count.ts';
import { ElfUnit } from './inputs/elf.ts';
import {
  type Assumptions,
  frameOf,
  type Location,
  locationKey,
  locationOf,
  mayAlias,
  reads,
  writes,
} from './locations.ts';
import { noReloads, type ReloadCounts } from './metrics.ts';
import { placeText, type Reference } from './references.ts';
import { jumpTableTargets } from './tables/jump-tables.ts';
import { numberValues, type Values } from './values.ts';

// A forward data flow: for each location, in which conditions it may stand at a point, one bit for each condition that some path
// brings. The conditions of one path exclude each other, so that the join is the union and nothing is lost.

/** No load of it yet; loaded and untouched; a call or barrier since; a store since that may have changed it. */
const NONE = 1;
const VALID = 2;
const CALLED = 4;
const STORED = 8;

export type ReloadKind = 'redundant' | 'barred' | 'partial' | 'loop' | 'stored';

/** A load of what has been loaded before. */
export interface Reload {
  /** Offset of the load in the function. */
  readonly at: number;
  readonly kind: ReloadKind;
  /** What is loaded, as text. */
  readonly what: string;
  /** Offset of an earlier load, and the offsets of the blocks between that lead here. */
  readonly earlier: number;
  readonly path: readonly number[];
  /** What forbids removing it: offset and name of a call, barrier or store; null for a redundant one. */
  readonly by: { readonly at: number; readonly what: string } | null;
}

/** What the analysis found. */
export interface ReloadResult {
  readonly counts: ReloadCounts;
  /** Only where they were asked for. */
  readonly reloads: readonly Reload[];
}

/** More blocks × locations than this are not followed. */
const LARGEST = 1 << 27;

const BARRIERS = new Set(
  'mfence lfence sfence serialize cpuid wrmsr wrmsrns rdmsr swapgs wrgsbase wrfsbase syscall sysenter int int3 int1 into hlt sti cli invlpg invpcid wbinvd invd mwait monitor umwait umonitor lgdt lidt ltr lldt in out insb insw insd outsb outsw outsd vmcall vmmcall vmfunc vmgexit vmlaunch vmresume vmrun tdcall seamcall enclu encls enclv xbegin xend clflush clflushopt clwb popf popfq popfd pause'.split(
    ' ',
  ),
);

interface Step {
  /** Location loaded, or -1. */
  readonly load: number;
  /** Locations that a store may change. */
  readonly stored: Int32Array | null;
  /** Call or barrier. */
  readonly bars: boolean;
  /** Locations whose registers get new values. */
  readonly renamed: Int32Array | null;
}

/** Finds reloads in a function whose instructions `stream` holds. @param detail whether paths are wanted */
export function findReloads(
  fn: CodeFunction,
  stream: InsnStream,
  references: readonly Reference[],
  assume: Assumptions,
  detail: boolean,
): ReloadResult {
  const counts = noReloads();
  if (loadCount(stream) === 0) return { counts, reloads: [] };
  const { unit } = fn;
  const cfg = buildCfg(stream, (n) => (unit instanceof ElfUnit ? jumpTableTargets(unit, fn, stream, n) : null));
  const values = numberValues(stream, cfg);
  const { locations, loadOf, memoryOf } = collect(fn, stream, references, values);
  if (locations.length === 0) return { counts, reloads: [] };
  const blocks = cfg.successors.length;
  if (blocks * locations.length > LARGEST) return { counts, reloads: [] };
  const moves = transfer(fn, stream, cfg, values, locations, loadOf, memoryOf, assume);
  const { steps, entering } = moves;
  const states = solve(cfg, steps, entering, locations.length);
  const found: Reload[] = [];
  const state = new Uint8Array(locations.length);
  for (let b = 0; b < blocks; b++) {
    state.set(states.subarray(b * locations.length, (b + 1) * locations.length));
    rename(state, entering[b]!);
    for (let n = cfg.first[b]!; n < cfg.first[b + 1]!; n++) {
      const step = steps[n];
      if (step === undefined) continue;
      const kind = step.load < 0 ? null : judge(state[step.load]!);
      if (kind !== null) {
        const others = kind === 'partial' ? reachedByOther(cfg, moves, n, step.load) : true;
        const real = others ? kind : 'loop';
        if (real === 'partial') counts.redundant++;
        counts[real]++;
        if (detail) {
          const text = locationText(locations[step.load]!, memoryOf[n]);
          found.push(explain(stream, cfg, moves, n, step.load, real, text, references));
        }
      }
      apply(state, step);
    }
  }
  return { counts, reloads: found };
}

function judge(state: number): ReloadKind | null {
  if (state & STORED) return 'stored';
  if (state & CALLED) return 'barred';
  if (state === VALID) return 'redundant';
  return state & VALID ? 'partial' : null;
}

interface Collected {
  readonly locations: Location[];
  /** By instruction: its location if it loads it, else -1. */
  readonly loadOf: Int32Array;
  readonly memoryOf: (Reference | undefined)[];
}

function collect(fn: CodeFunction, stream: InsnStream, references: readonly Reference[], values: Values): Collected {
  const memoryOf: (Reference | undefined)[] = [];
  for (const reference of references) if (reference.field === 'memory') memoryOf[reference.insn] = reference;
  const loadOf = new Int32Array(stream.count).fill(-1);
  const numbers = new Map<string, number>();
  const locations: Location[] = [];
  const times: number[] = [];
  for (let n = 0; n < stream.count; n++) {
    if (!reads(stream, n)) continue;
    const location = locationOf(fn, stream, n, memoryOf[n], values)!;
    const key = locationKey(location);
    let number = numbers.get(key);
    if (number === undefined) {
      number = locations.length;
      numbers.set(key, number);
      locations.push(location);
      times.push(0);
    }
    times[number]!++;
    loadOf[n] = number;
  }
  // A location that is loaded once may be loaded again by a loop alone; that is followed for places that no register decides.
  const loops = hasLoop(stream);
  const kept: Location[] = [];
  const renumbered = times.map((count, number) =>
    count > 1 || (loops && locations[number]!.constant) ? kept.push(locations[number]!) - 1 : -1,
  );
  for (let n = 0; n < loadOf.length; n++) if (loadOf[n]! >= 0) loadOf[n] = renumbered[loadOf[n]!]!;
  return { locations: kept, loadOf, memoryOf };
}

function loadCount(stream: InsnStream): number {
  let loads = 0;
  for (let n = 0; n < stream.count; n++) if (reads(stream, n)) loads++;
  return loads;
}

function hasLoop(stream: InsnStream): boolean {
  for (let n = 0; n < stream.count; n++) {
    const { flow } = stream.traits[n]!;
    if (flow === FLOW.indirectJump) return true;
    if (
      (flow === FLOW.jump || flow === FLOW.conditional) &&
      stream.target[n]! <= stream.at[n]! &&
      stream.target[n]! >= 0
    )
      return true;
  }
  return false;
}

/** What each instruction, and entering each block, does to the locations. */
interface Transfer {
  readonly steps: readonly (Step | undefined)[];
  readonly entering: readonly (Int32Array | null)[];
}

/** A store by a string instruction: nobody knows where to. */
const SOMEWHERE: Location = {
  segment: 0,
  constant: false,
  symbol: null,
  offset: 0,
  size: 0,
  base: -2,
  index: -1,
  scale: 0,
  baseValue: -2,
  indexValue: -1,
};

function transfer(
  fn: CodeFunction,
  stream: InsnStream,
  cfg: Cfg,
  values: Values,
  locations: readonly Location[],
  loadOf: Int32Array,
  memoryOf: readonly (Reference | undefined)[],
  assume: Assumptions,
): Transfer {
  const frame = frameOf(stream);
  const steps: (Step | undefined)[] = new Array(stream.count);
  const holding = new Map<number, number[]>();
  for (const [l, { baseValue, indexValue }] of locations.entries()) {
    for (const value of new Set([baseValue, indexValue])) {
      if (value < 0) continue;
      const list = holding.get(value);
      if (list === undefined) holding.set(value, [l]);
      else list.push(l);
    }
  }
  const remade = (made: readonly number[]): Int32Array | null => {
    const numbers = made.flatMap((value) => holding.get(value) ?? []);
    return numbers.length === 0 ? null : Int32Array.from(numbers);
  };
  const changedBy = (store: Location): Int32Array | null => {
    const numbers: number[] = [];
    for (let l = 0; l < locations.length; l++) {
      if (mayAlias(store, locations[l]!, frame, assume)) numbers.push(l);
    }
    return numbers.length === 0 ? null : Int32Array.from(numbers);
  };
  for (let n = 0; n < stream.count; n++) {
    const traits = stream.traits[n]!;
    const called = traits.flow === FLOW.call || traits.flow === FLOW.indirectCall;
    const bars = called || stream.locked[n] === 1 || BARRIERS.has(traits.mnemonic);
    const stores = writes(stream, n);
    const string = traits.stringWrites > 0;
    const renamed = holding.size === 0 ? null : remade(values.made(n));
    const load = loadOf[n]!;
    if (!bars && !stores && !string && renamed === null && load < 0) continue;
    const to = stores ? locationOf(fn, stream, n, memoryOf[n], values)! : SOMEWHERE;
    steps[n] = { load, stored: stores || string ? changedBy(to) : null, bars, renamed };
  }
  const entering = cfg.successors.map((_, block) => (holding.size === 0 ? null : remade(values.madeAt(block))));
  return { steps, entering };
}

function rename(state: Uint8Array, locations: Int32Array | null): void {
  if (locations !== null) for (const l of locations) if (state[l] !== 0) state[l] = NONE;
}

function apply(state: Uint8Array, step: Step): void {
  const { load, stored, bars, renamed } = step;
  if (load >= 0) state[load] = VALID;
  if (bars) {
    for (let l = 0; l < state.length; l++) if (state[l]! & VALID) state[l] = (state[l]! & ~VALID) | CALLED;
  }
  if (stored !== null) {
    for (const l of stored) if (state[l]! & (VALID | CALLED)) state[l] = (state[l]! & NONE) | STORED;
  }
  rename(state, renamed);
}

/** States at the start of each block, after a work list has come to rest. */
function solve(
  cfg: Cfg,
  steps: readonly (Step | undefined)[],
  entering: readonly (Int32Array | null)[],
  width: number,
): Uint8Array {
  const blocks = cfg.successors.length;
  const states = new Uint8Array(blocks * width);
  states.fill(NONE, 0, width);
  // Sweeps in the order of addresses: most edges lead down, so that few sweeps are needed.
  const waiting = new Uint8Array(blocks);
  const visited = new Uint8Array(blocks);
  const out = new Uint8Array(width);
  waiting[0] = 1;
  for (let again = true; again; ) {
    again = false;
    for (let b = 0; b < blocks; b++) {
      if (waiting[b] === 0) continue;
      waiting[b] = 0;
      visited[b] = 1;
      out.set(states.subarray(b * width, (b + 1) * width));
      rename(out, entering[b]!);
      for (let n = cfg.first[b]!; n < cfg.first[b + 1]!; n++) {
        const step = steps[n];
        if (step !== undefined) apply(out, step);
      }
      for (const next of cfg.successors[b]!) {
        let changed = visited[next] === 0;
        for (let l = 0, at = next * width; l < width; l++, at++) {
          const joined = states[at]! | out[l]!;
          if (joined !== states[at]) {
            states[at] = joined;
            changed = true;
          }
        }
        if (changed) {
          waiting[next] = 1;
          if (next <= b) again = true;
        }
      }
    }
  }
  return states;
}

/** A way back from a load to an earlier one of the same location. */
interface Way {
  readonly load: number;
  /** Blocks from the earlier load's to the later one's. */
  readonly blocks: readonly number[];
  /** The first instruction after the earlier load that `matters`, or -1. */
  readonly by: number;
}

/** The shortest ways back from an instruction to earlier loads of a location: through every block once, and once behind what `matters`. */
function* waysBack(
  cfg: Cfg,
  { steps, entering }: Transfer,
  site: number,
  location: number,
  matters: (step: Step) => boolean,
): Generator<Way> {
  const home = cfg.blockOf[site]!;
  const seen = new Set<number>();
  const queue = [{ block: home, from: site - 1, blocks: [home] as readonly number[], by: -1 }];
  for (let head = 0; head < queue.length; head++) {
    const { block, from, blocks, by: behind } = queue[head]!;
    let by = behind;
    let ended = false;
    for (let n = from; n >= cfg.first[block]! && !ended; n--) {
      const step = steps[n];
      if (step === undefined) continue;
      if (step.renamed?.includes(location)) ended = true;
      else {
        if (matters(step)) by = n;
        if (step.load === location) {
          yield { load: n, blocks, by };
          ended = true;
        }
      }
    }
    if (ended || entering[block]?.includes(location)) continue;
    for (const before of cfg.predecessors[block]!) {
      const state = before * 2 + (by < 0 ? 0 : 1);
      if (seen.has(state)) continue;
      seen.add(state);
      queue.push({ block: before, from: cfg.first[before + 1]! - 1, blocks: [before, ...blocks], by });
    }
  }
}

function reachedByOther(cfg: Cfg, transfer: Transfer, site: number, location: number): boolean {
  for (const { load } of waysBack(cfg, transfer, site, location, () => false)) if (load !== site) return true;
  return false;
}

function explain(
  stream: InsnStream,
  cfg: Cfg,
  transfer: Transfer,
  site: number,
  location: number,
  kind: ReloadKind,
  what: string,
  references: readonly Reference[],
): Reload {
  const hindered = kind === 'stored' || kind === 'barred';
  const matters = (step: Step): boolean =>
    kind === 'stored' ? (step.stored?.includes(location) ?? false) : kind === 'barred' && step.bars;
  let best: Way | null = null;
  for (const way of waysBack(cfg, transfer, site, location, matters)) {
    const fits = hindered ? way.by >= 0 : kind === 'loop' || way.load !== site;
    if (fits || best === null) best = way;
    if (fits) break;
  }
  const { load, blocks, by } = best ?? { load: site, blocks: [], by: -1 };
  return {
    at: stream.at[site]!,
    kind,
    what,
    earlier: stream.at[load]!,
    path: blocks.flatMap((block, i) =>
      i > 0 && cfg.first[block]! < stream.count ? [stream.at[cfg.first[block]!]!] : [],
    ),
    by: by < 0 ? null : { at: stream.at[by]!, what: nameOf(stream, by, references) },
  };
}

function nameOf(stream: InsnStream, n: number, references: readonly Reference[]): string {
  const { mnemonic, flow } = stream.traits[n]!;
  if (flow === FLOW.call) {
    const target = references.find((reference) => reference.insn === n);
    return `call ${target === undefined ? `+${stream.target[n]}` : placeText(target.place)}`;
  }
  if (flow === FLOW.indirectCall) return 'indirect call';
  return stream.locked[n] ? `lock ${mnemonic}` : mnemonic;
}

/** A location as an assembler writes it. */
function locationText(location: Location, reference: Reference | undefined): string {
  const segment = location.segment === SEGMENT_GS ? '%gs:' : location.segment === SEGMENT_FS ? '%fs:' : '';
  if (location.constant) {
    if (reference !== undefined) return segment + placeText(reference.place);
    const { offset } = location;
    return `${segment}${offset < 0 && segment === '' ? `0x${BigInt.asUintN(64, BigInt(offset)).toString(16)}` : hexSigned(offset)}`;
  }
  const base = location.base >= 0 ? `%${GPR_NAMES[location.base]}` : '';
  const index = location.index >= 0 && location.index < 16 ? `,%${GPR_NAMES[location.index]},${location.scale}` : '';
  return `${segment}${location.offset === 0 ? '' : hexSigned(location.offset)}(${base}${index})`;
}
