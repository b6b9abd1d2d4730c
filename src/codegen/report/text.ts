import type { Row } from '../align.ts';
import { STATUSES } from '../classify.ts';
import type { Comparison, FunctionDiff } from '../compare.ts';
import type { Line } from '../lines.ts';
import { COUNTED, type Metrics } from '../metrics.ts';
import { verdictText } from '../run/verdict-text.ts';
import { change, delta, percent } from './numbers.ts';
import { reloadText } from './reload-text.ts';

/** How the text is to look. */
export interface TextOptions {
  /** Columns of the terminal. */
  readonly width: number;
  readonly paint: (format: 'red' | 'green' | 'yellow' | 'bold' | 'dim', text: string) => string;
  /** Functions whose code is shown side by side: those named, or the changed ones while they are few. */
  readonly functions?: ReadonlySet<string>;
  readonly all?: boolean;
}

/** More changed functions than this are only summed up unless they are asked for. */
const MOST_LISTED = 8;
const MOST_ROWS = 60;
const SETTLED = new Set(['identical', 'relocation-only']);

/** Rows of the table of numbers: label, old, new. Slots and reloads stand behind the plain counts. */
export function tableRows(old: Metrics, fresh: Metrics): (readonly [label: string, before: number, after: number])[] {
  const counts = COUNTED.map(([key, label]) => [label, old[key], fresh[key]] as const);
  const reloads = [
    ['reloads, redundant', old.reloads.redundant, fresh.reloads.redundant],
    ['reloads, barred by calls', old.reloads.barred, fresh.reloads.barred],
  ] as const;
  const slots = [...new Set([...Object.keys(old.slots), ...Object.keys(fresh.slots)])]
    .map((slot) => [slotLabel(slot), old.slots[slot] ?? 0, fresh.slots[slot] ?? 0] as const)
    .sort((a, b) => Math.max(b[1], b[2]) - Math.max(a[1], a[2]) || (a[0] < b[0] ? -1 : 1));
  return [...counts, ...reloads, ...slots].filter(([, before, after]) => before !== 0 || after !== 0);
}

const slotLabel = (slot: string): string => (slot.startsWith('fs:') ? `  %${slot}` : `  %gs:${slot}`);

/** `5 functions: 4 identical, 1 changed`. */
export function headline({ functions, statuses }: Comparison): string {
  const parts = STATUSES.filter((status) => statuses[status] > 0).map((status) => `${statuses[status]} ${status}`);
  return `${functions.length} function${functions.length === 1 ? '' : 's'}: ${parts.join(', ')}`;
}

/** The report for a terminal, line by line. */
export function* textReport(comparison: Comparison, options: TextOptions): Generator<string> {
  const { paint } = options;
  const { functions, totals, notes } = comparison;
  for (const note of notes) yield paint('yellow', `note: ${note}`);
  yield paint('bold', headline(comparison));
  yield '';
  yield* table(totals.old, totals.new, options);
  const changed = functions.filter(({ status }) => !SETTLED.has(status));
  if (changed.length > 0) {
    yield '';
    yield* summary(changed, options);
  }
  const shown = functions.filter(
    (diff) =>
      options.functions?.has(diff.name) ??
      (!SETTLED.has(diff.status) && (options.all === true || changed.length <= MOST_LISTED)),
  );
  for (const diff of shown) {
    yield '';
    yield* functionText(comparison, diff, options);
  }
  if (options.functions === undefined && shown.length < changed.length) {
    yield '';
    yield `${changed.length} functions are not shown side by side: --function NAME, or --all`;
  }
}

const LABEL_WIDTH = 28;
const NUMBER_WIDTH = 10;
const right = (text: string | number): string => String(text).padStart(NUMBER_WIDTH);

function* table(old: Metrics, fresh: Metrics, { paint }: TextOptions): Generator<string> {
  const rows = tableRows(old, fresh);
  const label = Math.max(LABEL_WIDTH, ...rows.map(([name]) => name.length + 1));
  yield paint('dim', `${''.padEnd(label)}${right('old')}${right('new')}${right('delta')}`);
  for (const [name, before, after] of rows) {
    const text = `${name.padEnd(label)}${right(before)}${right(after)}${right(delta(after - before))}  ${percent(before, after)}`;
    yield before === after ? text.trimEnd() : paint(after < before ? 'green' : 'red', text.trimEnd());
  }
}

function* summary(changed: readonly FunctionDiff[], { all, paint }: TextOptions): Generator<string> {
  const size = ({ old, new: fresh }: FunctionDiff): number =>
    Math.abs((fresh?.metrics.bytes ?? 0) - (old?.metrics.bytes ?? 0));
  const ordered = [...changed].sort((a, b) => size(b) - size(a) || (a.name < b.name ? -1 : 1));
  const shown = all === true ? ordered : ordered.slice(0, MOST_ROWS);
  const width = Math.min(48, Math.max(...shown.map(({ name }) => name.length)) + 2);
  for (const { name, status, old, new: fresh, run } of shown) {
    const numbers = [
      `bytes ${change(old?.metrics.bytes ?? 0, fresh?.metrics.bytes ?? 0)}`,
      `instructions ${change(old?.metrics.instructions ?? 0, fresh?.metrics.instructions ?? 0)}`,
    ];
    const gs = [old?.metrics.gsLoads ?? 0, fresh?.metrics.gsLoads ?? 0] as const;
    if (gs[0] + gs[1] > 0) numbers.push(`%gs loads ${change(...gs)}`);
    if (run !== undefined) numbers.push(`run: ${run.verdict}`);
    yield `${name.length < width ? name.padEnd(width) : `${name}  `}${paint('yellow', status.padEnd(18))}${numbers.join('; ')}`;
  }
  if (shown.length < ordered.length) yield paint('dim', `… and ${ordered.length - shown.length} more: --all`);
}

function* functionText(comparison: Comparison, diff: FunctionDiff, options: TextOptions): Generator<string> {
  const { paint } = options;
  const names = [diff.old?.fn.name ?? diff.name, diff.new?.fn.name ?? diff.name];
  const renamed = diff.old !== null && diff.new !== null && names[0] !== names[1] ? ` (${names.join(' → ')})` : '';
  yield paint('bold', `${diff.name}: ${diff.status}${renamed}`);
  for (const finding of comparison.findings) if (finding.function === diff.name) yield `  ${finding.text}`;
  if (diff.run !== undefined) for (const line of verdictText(diff.run)) yield `  ${line}`;
  const reloads = comparison.reloads(diff);
  for (const [side, list] of Object.entries(reloads)) {
    for (const reload of list) {
      if (reload.kind === 'stored' || reload.kind === 'loop') continue;
      yield `  ${side} ${reloadText(reload)}`;
    }
  }
  yield* sideBySide(comparison.rows(diff), options);
}

const MARGIN = 3;
const LEAST_COLUMN = 30;

function* sideBySide(rows: readonly Row[], { width, paint }: TextOptions): Generator<string> {
  const column = Math.max(LEAST_COLUMN, Math.floor((width - MARGIN) / 2));
  for (const { old, new: fresh, same } of rows) {
    const left = lineText(old).padEnd(column).slice(0, column);
    const after = lineText(fresh).slice(0, column);
    if (same) yield `${left}   ${after}`.trimEnd();
    else if (old === null) yield `${left} > ${paint('green', after)}`;
    else if (fresh === null) yield `${paint('red', left)} <`;
    else yield `${paint('red', left)} | ${paint('green', after)}`;
  }
}

/** `+13   9  mov    %gs:pcpu_hot,%rax`. */
export const lineText = (line: Line | null): string =>
  line === null ? '' : `${`+${line.at}`.padEnd(6)}${String(line.bytes.length).padStart(2)}  ${line.text}`;
