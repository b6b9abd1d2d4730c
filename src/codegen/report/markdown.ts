import type { Comparison, FunctionDiff } from '../compare.ts';
import { verdictText } from '../run/verdict-text.ts';
import { change, delta, percent } from './numbers.ts';
import { reloadText } from './reload-text.ts';
import { headline, lineText, tableRows } from './text.ts';

const SETTLED = new Set(['identical', 'relocation-only']);
/** Functions whose code is written out. */
const MOST_LISTED = 20;
/** GitHub cuts a comment at 65,536 characters. */
const COMMENT_LIMIT = 60_000;

const cell = (text: string): string => text.replaceAll('|', '\\|');
const code = (text: string): string => `\`${cell(text)}\``;

function* totalsTable({ totals }: Comparison): Generator<string> {
  yield '| | old | new | delta | |';
  yield '|---|---:|---:|---:|---:|';
  for (const [label, before, after] of tableRows(totals.old, totals.new)) {
    yield `| ${cell(label.trim())} | ${before} | ${after} | ${delta(after - before)} | ${percent(before, after)} |`;
  }
}

function* functionsTable(changed: readonly FunctionDiff[]): Generator<string> {
  yield '| function | status | bytes | instructions | %gs loads |';
  yield '|---|---|---:|---:|---:|';
  for (const { name, status, old, new: fresh } of changed) {
    const of = (key: 'bytes' | 'instructions' | 'gsLoads'): string =>
      change(old?.metrics[key] ?? 0, fresh?.metrics[key] ?? 0);
    yield `| ${code(name)} | ${status} | ${of('bytes')} | ${of('instructions')} | ${of('gsLoads')} |`;
  }
}

function* listing(comparison: Comparison, diff: FunctionDiff): Generator<string> {
  for (const finding of comparison.findings) if (finding.function === diff.name) yield `* ${finding.text}`;
  if (diff.run !== undefined) yield `* ${verdictText(diff.run).join('; ')}`;
  for (const [side, list] of Object.entries(comparison.reloads(diff))) {
    for (const reload of list)
      if (reload.kind !== 'stored' && reload.kind !== 'loop') yield `* ${side} ${reloadText(reload)}`;
  }
  yield '';
  yield '```diff';
  for (const { old, new: fresh, same } of comparison.rows(diff)) {
    if (same) yield ` ${lineText(fresh)}`;
    else {
      if (old !== null) yield `-${lineText(old)}`;
      if (fresh !== null) yield `+${lineText(fresh)}`;
    }
  }
  yield '```';
}

/** The report as a Markdown document. */
export function* markdownReport(comparison: Comparison): Generator<string> {
  const { old, new: fresh, functions, notes } = comparison;
  yield `# ${old.name} → ${fresh.name}`;
  yield '';
  for (const note of notes) yield `> ${note}`;
  yield `${headline(comparison)}.`;
  yield '';
  yield* totalsTable(comparison);
  const changed = functions.filter(({ status }) => !SETTLED.has(status));
  if (changed.length === 0) return;
  yield '';
  yield* functionsTable(changed);
  for (const diff of changed.slice(0, MOST_LISTED)) {
    yield '';
    yield `## ${code(diff.name)}: ${diff.status}`;
    yield '';
    yield* listing(comparison, diff);
  }
}

/** The report as a comment on a pull request: short, the code folded away, and never past what a comment may hold. */
export function* githubReport(comparison: Comparison): Generator<string> {
  const { functions, notes } = comparison;
  let length = 0;
  const counted = function* (lines: Iterable<string>): Generator<string> {
    for (const line of lines) {
      length += line.length + 1;
      yield line;
    }
  };
  yield* counted([`**${headline(comparison)}**`, '', ...notes.map((note) => `> ${note}`)]);
  yield* counted(['<details open><summary>Totals</summary>', '', ...totalsTable(comparison), '', '</details>', '']);
  const changed = functions.filter(({ status }) => !SETTLED.has(status));
  if (changed.length === 0) return;
  const table = [...functionsTable(changed.slice(0, MOST_LISTED * 5))];
  yield* counted(['<details><summary>Functions</summary>', '', ...table, '', '</details>', '']);
  for (const [i, diff] of changed.entries()) {
    const text = [
      `<details><summary><code>${diff.name}</code>: ${diff.status}</summary>`,
      '',
      ...listing(comparison, diff),
      '',
      '</details>',
      '',
    ];
    const size = text.reduce((sum, line) => sum + line.length + 1, 0);
    if (length + size > COMMENT_LIMIT) {
      yield `${changed.length - i} more functions have changed.`;
      return;
    }
    yield* counted(text);
  }
}
