import type { Comparison, FunctionDiff } from '../compare.ts';
import type { Metrics } from '../metrics.ts';
import type { Reload } from '../reloads.ts';
import { verdictJson } from '../run/verdict-text.ts';

/** One side of a function, or a sum. */
const side = (metrics: Metrics | undefined): Metrics | null => metrics ?? null;

const site = ({ at, kind, what, earlier, path, by }: Reload): object => ({ at, kind, what, earlier, path, by });

/** What the JSON report says of one function. */
export function functionJson(comparison: Comparison, diff: FunctionDiff): object {
  const { name, status, by, old, new: fresh } = diff;
  const settled = status === 'identical' || status === 'relocation-only';
  const reloads = settled ? null : comparison.reloads(diff);
  return {
    name,
    status,
    pairedBy: by,
    old: side(old?.metrics),
    new: side(fresh?.metrics),
    ...(old !== null && fresh !== null && old.fn.name !== fresh.fn.name
      ? { oldName: old.fn.name, newName: fresh.fn.name }
      : {}),
    ...(diff.run === undefined ? {} : { run: verdictJson(diff.run) }),
    ...(reloads === null ? {} : { reloadSites: { old: reloads.old.map(site), new: reloads.new.map(site) } }),
  };
}

/** The whole report in pieces: a kernel's has a hundred thousand functions. */
export function* jsonReport(comparison: Comparison): Generator<string> {
  const { old, new: fresh, functions, totals, statuses, findings, notes } = comparison;
  yield `{"old":${JSON.stringify(old.name)},"new":${JSON.stringify(fresh.name)},"functions":[`;
  for (const [i, diff] of functions.entries()) {
    yield `${i === 0 ? '' : ','}\n${JSON.stringify(functionJson(comparison, diff))}`;
  }
  const rest = JSON.stringify({ totals, statuses, findings, notes });
  yield `\n],${rest.slice(1)}\n`;
}
