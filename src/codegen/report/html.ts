import type { Comparison, FunctionDiff } from '../compare.ts';
import { verdictText } from '../run/verdict-text.ts';
import { delta, percent } from './numbers.ts';
import { pageScript, pageStyle } from './page.ts';
import { reloadText } from './reload-text.ts';
import { headline, tableRows } from './text.ts';

const SETTLED = new Set(['identical', 'relocation-only']);

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** A listing's row: offsets, lengths and texts of both sides, and whether they are equal. */
type RowData = readonly [
  at: number | null,
  length: number,
  text: string,
  at: number | null,
  length: number,
  text: string,
  same: 0 | 1,
];

interface FunctionData {
  readonly name: string;
  readonly status: string;
  readonly numbers: readonly number[];
  readonly notes: readonly string[];
  readonly rows: readonly RowData[];
  /** Offsets of reloads and of the earlier load, by side, to be joined by a line. */
  readonly arcs: readonly (readonly [side: 0 | 1, from: number, to: number, kind: string])[];
  /** Branches inside the function by side: from, to. */
  readonly jumps: readonly (readonly [side: 0 | 1, from: number, to: number])[];
  /** Its listing is left out: the page would be too large. */
  readonly unlisted?: true;
}

/** Instructions whose listings one page has: some 25 MB. */
const MOST_LISTED = 500_000;

/** The functions whose listings the page has: first those in both builds, with other numbers of reads by %gs, with the largest changes. */
function listed(functions: readonly FunctionDiff[]): Set<FunctionDiff> {
  const both = ({ old, new: fresh }: FunctionDiff): number => (old !== null && fresh !== null ? 1 : 0);
  const change = ({ old, new: fresh }: FunctionDiff, key: 'gsLoads' | 'bytes'): number =>
    Math.abs((fresh?.metrics[key] ?? 0) - (old?.metrics[key] ?? 0));
  const ordered = functions
    .filter(({ status }) => !SETTLED.has(status))
    .sort(
      (a, b) =>
        both(b) - both(a) || change(b, 'gsLoads') - change(a, 'gsLoads') || change(b, 'bytes') - change(a, 'bytes'),
    );
  const chosen = new Set<FunctionDiff>();
  let left = MOST_LISTED;
  for (const diff of ordered) {
    left -= (diff.old?.metrics.instructions ?? 0) + (diff.new?.metrics.instructions ?? 0);
    if (left < 0) break;
    chosen.add(diff);
  }
  return chosen;
}

/** The numbers of the overview, in the order of its columns. */
const numbersOf = ({ old, new: fresh }: FunctionDiff): number[] =>
  (['bytes', 'instructions', 'loads', 'gsLoads'] as const).flatMap((key) => [
    old?.metrics[key] ?? 0,
    fresh?.metrics[key] ?? 0,
  ]);

function functionData(comparison: Comparison, diff: FunctionDiff, isListed: boolean): FunctionData {
  const base = { name: diff.name, status: diff.status, numbers: numbersOf(diff) };
  if (SETTLED.has(diff.status)) return { ...base, notes: [], rows: [], arcs: [], jumps: [] };
  const notes = comparison.findings.filter((finding) => finding.function === diff.name).map(({ text }) => text);
  if (diff.run !== undefined) notes.push(verdictText(diff.run).join('; '));
  if (!isListed) return { ...base, notes, rows: [], arcs: [], jumps: [], unlisted: true };
  const reloads = comparison.reloads(diff);
  const arcs: [0 | 1, number, number, string][] = [];
  for (const [side, list] of [reloads.old, reloads.new].entries()) {
    for (const reload of list) {
      if (reload.kind === 'stored' || reload.kind === 'loop') continue;
      notes.push(`${side === 0 ? 'old' : 'new'} ${reloadText(reload)}`);
      arcs.push([side as 0 | 1, reload.earlier, reload.at, reload.kind]);
    }
  }
  const rows = comparison.rows(diff);
  const jumps = (['old', 'new'] as const).flatMap((side, index) => {
    const lines = rows.flatMap((row) => (row[side] === null ? [] : [row[side]]));
    return lines.flatMap((line): (readonly [0 | 1, number, number])[] => {
      const to = line.target === null ? undefined : lines[line.target];
      return to === undefined ? [] : [[index as 0 | 1, line.at, to.at]];
    });
  });
  return {
    ...base,
    notes,
    arcs,
    jumps,
    rows: rows.map(
      ({ old, new: fresh, same }): RowData => [
        old?.at ?? null,
        old?.bytes.length ?? 0,
        old?.text ?? '',
        fresh?.at ?? null,
        fresh?.bytes.length ?? 0,
        fresh?.text ?? '',
        same ? 1 : 0,
      ],
    ),
  };
}

/** JSON that may stand in a script element. */
const inScript = (value: unknown): string => JSON.stringify(value).replaceAll('<', '\\u003c');

/** The report as one page that needs nothing else: overview with filter and sorting, and a listing for each changed function. */
export function* htmlReport(comparison: Comparison): Generator<string> {
  const { old, new: fresh, totals, notes, functions } = comparison;
  const title = `${old.name} → ${fresh.name}`;
  yield `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escaped(title)}</title>
<style>${pageStyle}</style>
<header>
<h1>${escaped(title)}</h1>
<p>${escaped(headline(comparison))}</p>
${notes.map((note) => `<p class="note">${escaped(note)}</p>`).join('\n')}
<button id="theme" type="button" title="light or dark (t)">◐</button>
</header>
<main id="overview">
<details open><summary>Totals</summary>
<table class="numbers"><thead><tr><th></th><th>old</th><th>new</th><th>delta</th><th></th></tr></thead><tbody>`;
  for (const [label, before, after] of tableRows(totals.old, totals.new)) {
    const kind = after < before ? 'less' : after > before ? 'more' : '';
    yield `<tr class="${kind}"><td>${escaped(label)}</td><td>${before}</td><td>${after}</td><td>${delta(after - before)}</td><td>${percent(before, after)}</td></tr>`;
  }
  yield `</tbody></table></details>
<p><input id="filter" type="search" placeholder="filter: name or status (/)" aria-label="filter">
<label><input id="settled" type="checkbox"> identical ones too</label> <span id="count"></span></p>
<table id="functions"><thead></thead><tbody></tbody></table>
</main>
<main id="function" hidden></main>
<footer>/ filter · j k next, previous · Enter open · Esc back · t theme</footer>
<script>
const functions = [`;
  const chosen = listed(functions);
  for (const diff of functions) yield `${inScript(functionData(comparison, diff, chosen.has(diff)))},`;
  yield `];
${pageScript}
</script>
</html>`;
}
