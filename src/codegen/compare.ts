import { align, type Row } from './align.ts';
import { Analyser, type Analysis } from './analyse.ts';
import { type Build, functionsOf } from './build.ts';
import { classify, STATUSES, type Status } from './classify.ts';
import { CodegenError } from './error.ts';
import { type Finding, findings } from './findings.ts';
import { type Line, linesOf, STEPS, type Step } from './lines.ts';
import type { Assumptions } from './locations.ts';
import { addMetrics, type Metrics, noMetrics } from './metrics.ts';
import { type Pair, pairFunctions } from './pair.ts';
import type { Reload } from './reloads.ts';
import { RunComparer, type RunOptions, type RunVerdict } from './run/compare.ts';
import { slotAliases } from './slots.ts';

/** How two builds are compared. */
export interface CompareOptions {
  /** Steps of normalisation; all unless said. */
  readonly steps?: ReadonlySet<Step>;
  readonly assume?: Assumptions;
  /** Only functions for which it is true. */
  readonly select?: (name: string) => boolean;
  /** Called now and then with how far it is, 0 to 1. */
  readonly progress?: (share: number) => void;
}

/** One function in both builds. */
export interface FunctionDiff extends Pair {
  readonly status: Status;
  /** What running both has shown, where they were run. */
  run?: RunVerdict;
}

/** Two builds beside each other. */
export interface Comparison {
  readonly old: Build;
  readonly new: Build;
  /** By name of the old build, then of the new. */
  readonly functions: readonly FunctionDiff[];
  readonly totals: { readonly old: Metrics; readonly new: Metrics };
  readonly statuses: Readonly<Record<Status, number>>;
  readonly findings: readonly Finding[];
  readonly notes: string[];
  /** The lines of one pair side by side. */
  rows(diff: FunctionDiff): readonly Row[];
  /** The reloads of either side, with paths. */
  reloads(diff: FunctionDiff): { readonly old: readonly Reload[]; readonly new: readonly Reload[] };
}

const NOTHING_ASSUMED: Assumptions = { percpuPrivate: false };
const ALL_STEPS: ReadonlySet<Step> = new Set(STEPS);
/** Functions between two words about progress. */
const PROGRESS_EVERY = 2000;

/** Compares two builds function by function. @throws CodegenError where there is nothing to compare */
export function compare(old: Build, fresh: Build, options: CompareOptions = {}): Comparison {
  const analyser = new Analyser(options.assume ?? NOTHING_ASSUMED);
  const steps = options.steps ?? ALL_STEPS;
  const share = { done: 0, all: functionsOf(old).length + functionsOf(fresh).length };
  const before = analyseAll(analyser, old, options, share);
  const after = analyseAll(analyser, fresh, options, share);
  slotAliases(before, after);
  const nameless = old.units
    .concat(fresh.units)
    .some((unit) => unit.functions.some((fn) => fn.name.startsWith('sub_') && !fn.exact));
  const functions = pairFunctions(before, after, nameless)
    .map((pair): FunctionDiff => ({ ...pair, status: statusOf(analyser, pair, steps) }))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const statuses = Object.fromEntries(STATUSES.map((status) => [status, 0])) as Record<Status, number>;
  const totals = { old: noMetrics(), new: noMetrics() };
  for (const diff of functions) {
    statuses[diff.status]++;
    if (diff.old !== null) addMetrics(totals.old, diff.old.metrics);
    if (diff.new !== null) addMetrics(totals.new, diff.new.metrics);
  }
  return {
    old,
    new: fresh,
    functions,
    totals,
    statuses,
    findings: findings(functions),
    notes: [...old.notes, ...fresh.notes],
    rows: (diff) => align(lines(analyser, diff.old, steps), lines(analyser, diff.new, steps)),
    reloads: (diff) => ({
      old: diff.old === null ? [] : analyser.reloads(diff.old.fn).reloads,
      new: diff.new === null ? [] : analyser.reloads(diff.new.fn).reloads,
    }),
  };
}

function analyseAll(
  analyser: Analyser,
  build: Build,
  { select, progress }: CompareOptions,
  share: { done: number; readonly all: number },
): Analysis[] {
  const rows: Analysis[] = [];
  for (const fn of functionsOf(build)) {
    if (share.done++ % PROGRESS_EVERY === 0) progress?.(share.done / share.all);
    if (select === undefined || select(fn.name)) rows.push(analyser.analyse(fn));
  }
  if (rows.length === 0 && select === undefined) throw new CodegenError('no functions in it; give another file');
  return rows;
}

function lines(analyser: Analyser, side: Analysis | null, steps: ReadonlySet<Step>): Line[] {
  if (side === null) return [];
  const { references, sites } = analyser.decode(side.fn);
  return linesOf(side.fn, analyser.stream, references, steps, sites);
}

function statusOf(analyser: Analyser, pair: Pair, steps: ReadonlySet<Step>): Status {
  const { old, new: fresh } = pair;
  if (old === null) return 'added';
  if (fresh === null) return 'removed';
  if (old.masked === fresh.masked && old.referred === fresh.referred) {
    return old.exact === fresh.exact ? 'identical' : 'relocation-only';
  }
  if (old.mnemonics !== fresh.mnemonics) return 'changed';
  const status = classify(lines(analyser, old, steps), lines(analyser, fresh, steps));
  // What has been left out of the lines, as padding is, counts as encoding.
  const longer = status === 'relocation-only' && old.metrics.bytes !== fresh.metrics.bytes;
  return longer ? 'encoding-only' : status;
}

/** Runs every function that has changed in both builds on the same inputs. */
export function runChanged(comparison: Comparison, options: RunOptions): void {
  const comparer = new RunComparer();
  for (const diff of comparison.functions) {
    if (diff.old === null || diff.new === null || diff.status === 'identical' || diff.status === 'relocation-only')
      continue;
    diff.run = comparer.compare(diff.old.fn, diff.new.fn, options);
  }
  comparison.notes.push(...debugNotes(comparison.old, comparison.new));
}

/** What the debug information of builds lacks, once a file. */
function debugNotes(...builds: readonly Build[]): Set<string> {
  const units = builds.flatMap((build) => build.units);
  return new Set(units.flatMap((unit) => (unit.debugNotes ?? []).map((note) => `${unit.name}: ${note}`)));
}
