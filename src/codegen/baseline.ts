import type { Analysis } from './analyse.ts';
import { CodegenError } from './error.ts';
import { addMetrics, COUNTED, type Metrics, noMetrics } from './metrics.ts';

/** What a baseline says of one function. */
interface Recorded {
  readonly name: string;
  readonly [number: string]: unknown;
}

const FORMAT = 'swapgs-codegen-baseline-1';

/** Flat numbers of a function: the plain counts, reloads and slots. */
function numbersOf(metrics: Metrics): Record<string, number> {
  const plain = Object.fromEntries(COUNTED.map(([key]) => [key, metrics[key]]));
  const slots = Object.fromEntries(Object.entries(metrics.slots).map(([slot, loads]) => [`loads of ${slot}`, loads]));
  return { ...plain, redundantReloads: metrics.reloads.redundant, barredReloads: metrics.reloads.barred, ...slots };
}

/** Numbers by name; static functions of one name, of which a kernel has many, are added up. */
function byName(functions: readonly Analysis[]): Map<string, Metrics> {
  const all = new Map<string, Metrics>();
  for (const { fn, metrics } of functions) {
    const sum = all.get(fn.name) ?? noMetrics();
    addMetrics(sum, metrics);
    all.set(fn.name, sum);
  }
  return all;
}

/** The text of a baseline: one name a line, so that a change of one function is a change of one line. */
export function writeBaseline(functions: readonly Analysis[]): string {
  const rows = [...byName(functions)]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, metrics]) => JSON.stringify({ name, ...numbersOf(metrics) }));
  return `{"format":"${FORMAT}","functions":[\n${rows.join(',\n')}\n]}\n`;
}

/** Differences of a build to a baseline, one line each; none where they agree. @throws CodegenError when it is no baseline */
export function againstBaseline(text: string, functions: readonly Analysis[]): string[] {
  let recorded: readonly Recorded[];
  try {
    const parsed = JSON.parse(text) as { readonly format?: unknown; readonly functions?: readonly Recorded[] };
    if (parsed.format !== FORMAT || !Array.isArray(parsed.functions)) throw new SyntaxError();
    recorded = parsed.functions;
  } catch {
    throw new CodegenError('this is no baseline; write one with --update-baseline');
  }
  const before = new Map(recorded.map((row) => [row.name, row]));
  const lines: string[] = [];
  for (const [name, metrics] of byName(functions)) {
    const row = before.get(name);
    if (row === undefined) {
      lines.push(`${name}: not in the baseline`);
      continue;
    }
    before.delete(name);
    const now = numbersOf(metrics);
    for (const key of new Set([...Object.keys(row), ...Object.keys(now)])) {
      const was = key === 'name' ? undefined : (row[key] ?? 0);
      if (was !== undefined && was !== (now[key] ?? 0)) lines.push(`${name}: ${key} ${String(was)} → ${now[key] ?? 0}`);
    }
  }
  for (const name of before.keys()) lines.push(`${name}: in the baseline and no more in the build`);
  return lines;
}
