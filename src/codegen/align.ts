import type { Line } from './lines.ts';

/** Two lines that stand beside each other; null where there is none. */
export interface Row {
  readonly old: Line | null;
  readonly new: Line | null;
  readonly same: boolean;
}

/** More differences than this are not worth aligning line by line. */
const MOST_DIFFERENCES = 4000;

/** Puts two functions beside each other: equal lines in one row, in the order of both (Myers' shortest edit script). */
export function align(old: readonly Line[], fresh: readonly Line[]): Row[] {
  let from = 0;
  while (from < old.length && from < fresh.length && old[from]!.key === fresh[from]!.key) from++;
  let oldEnd = old.length;
  let newEnd = fresh.length;
  while (oldEnd > from && newEnd > from && old[oldEnd - 1]!.key === fresh[newEnd - 1]!.key) {
    oldEnd--;
    newEnd--;
  }
  const same = (a: Line, b: Line): Row => ({ old: a, new: b, same: true });
  const rows: Row[] = [];
  for (let i = 0; i < from; i++) rows.push(same(old[i]!, fresh[i]!));
  const matches = editScript(old.slice(from, oldEnd), fresh.slice(from, newEnd));
  let a = from;
  let b = from;
  for (const [x, y] of [...matches, [oldEnd - from, newEnd - from] as const]) {
    rows.push(...beside(old.slice(a, from + x), fresh.slice(b, from + y)));
    a = from + x;
    b = from + y;
    if (a < oldEnd && b < newEnd) rows.push(same(old[a++]!, fresh[b++]!));
  }
  for (let i = 0; oldEnd + i < old.length; i++) rows.push(same(old[oldEnd + i]!, fresh[newEnd + i]!));
  return judged(rows);
}

/** Equal lines that lead elsewhere are not the same, and lines that differ by what cannot be seen in them say so. */
function judged(rows: readonly Row[]): Row[] {
  // A place in a function by how many equal lines stand before it: what has changed in front of it moves it nowhere.
  const places: Readonly<Record<'old' | 'new', number[]>> = { old: [], new: [] };
  let equal = 0;
  for (const row of rows) {
    if (row.old !== null) places.old.push(equal);
    if (row.new !== null) places.new.push(equal);
    if (row.same) equal++;
  }
  const where = (side: 'old' | 'new', target: number): number =>
    target < 0 ? target : (places[side][target] ?? equal);
  const leads = (side: 'old' | 'new', { target, cases }: Line): string =>
    [target ?? -1, ...(cases ?? [])].map((to) => where(side, to)).join();
  return rows.map((row) => {
    const { old, new: fresh } = row;
    if (old === null || fresh === null) return row;
    const elsewhere = leads('old', old) !== leads('new', fresh);
    if (row.same && !elsewhere) return row;
    const unseen = row.same && fresh.cases !== undefined ? 'leads elsewhere' : 'other contents';
    const text = old.text === fresh.text ? `${fresh.text} ; ${unseen}` : fresh.text;
    return { old, new: { ...fresh, text }, same: false };
  });
}

/** Pairs of equal lines, ascending. */
function editScript(a: readonly Line[], b: readonly Line[]): (readonly [number, number])[] {
  const limit = Math.min(a.length + b.length, MOST_DIFFERENCES);
  const size = 2 * limit + 2;
  const reach = new Int32Array(size);
  const trace: Int32Array[] = [];
  for (let d = 0; d <= limit; d++) {
    for (let k = -d; k <= d; k += 2) {
      const down = k === -d || (k !== d && reach[limit + k - 1]! < reach[limit + k + 1]!);
      let x = down ? reach[limit + k + 1]! : reach[limit + k - 1]! + 1;
      while (x < a.length && x - k < b.length && a[x]!.key === b[x - k]!.key) x++;
      reach[limit + k] = x;
      if (x >= a.length && x - k >= b.length) return walkBack(trace, a.length, b.length, d);
    }
    trace.push(reach.slice(limit - d, limit + d + 1));
  }
  return [];
}

function walkBack(
  trace: readonly Int32Array[],
  length: number,
  other: number,
  last: number,
): (readonly [number, number])[] {
  const matches: (readonly [number, number])[] = [];
  let x = length;
  let y = other;
  for (let d = last; d > 0; d--) {
    const before = trace[d - 1]!;
    const at = (k: number): number => (k < -(d - 1) || k > d - 1 ? -1 : before[k + d - 1]!);
    const k = x - y;
    const down = k === -d || (k !== d && at(k - 1) < at(k + 1));
    const from = down ? k + 1 : k - 1;
    const startX = at(from);
    const startY = startX - from;
    const midX = down ? startX : startX + 1;
    while (x > midX) matches.push([--x, --y]);
    x = startX;
    y = startY;
  }
  while (x > 0 && y > 0) matches.push([--x, --y]);
  return matches.reverse();
}

const mnemonic = (line: Line): string => line.text.split(' ', 1)[0]!;

/** Lines between two equal ones: those with one mnemonic stand beside each other, in order. */
function beside(old: readonly Line[], fresh: readonly Line[]): Row[] {
  const rows: Row[] = [];
  let b = 0;
  for (const line of old) {
    const match = fresh.findIndex((other, i) => i >= b && mnemonic(other) === mnemonic(line));
    if (match < 0) rows.push({ old: line, new: null, same: false });
    else {
      while (b < match) rows.push({ old: null, new: fresh[b++]!, same: false });
      rows.push({ old: line, new: fresh[b++]!, same: false });
    }
  }
  while (b < fresh.length) rows.push({ old: null, new: fresh[b++]!, same: false });
  return rows;
}
