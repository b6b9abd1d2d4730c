import type { Analysis } from './analyse.ts';
import { CodegenError } from './error.ts';
import { COUNTED, type Metrics } from './metrics.ts';

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

/** The text of a baseline: one function a line, by name, so that a change of one is a change of one line. */
export function writeBaseline(functions: readonly Analysis[]): string {
  const rows = [...functions]
    .sort((a, b) => (a.fn.name < b.fn.name ? -1 : 1))
    .map(({ fn, metrics }) => JSON.stringify({ name: fn.name, ...numbersOf(metrics) }));
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
  for (const { fn, metrics } of functions) {
    const row = before.get(fn.name);
    if (row === undefined) {
      lines.push(`${fn.name}: not in the baseline`);
      continue;
    }
    before.delete(fn.name);
    const now = numbersOf(metrics);
    for (const key of new Set([...Object.keys(row), ...Object.keys(now)])) {
      const was = key === 'name' ? undefined : (row[key] ?? 0);
      if (was !== undefined && was !== (now[key] ?? 0))
        lines.push(`${fn.name}: ${key} ${String(was)} → ${now[key] ?? 0}`);
    }
  }
  for (const name of before.keys()) lines.push(`${name}: in the baseline and no more in the build`);
  return lines;
}
