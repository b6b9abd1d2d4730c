import type { Analysis } from './analyse.ts';
import { pairingName } from './names.ts';

/** A function of the old build, of the new one, or of both. */
export interface Pair {
  readonly name: string;
  readonly old: Analysis | null;
  readonly new: Analysis | null;
  /** How the two came together. */
  readonly by: 'name' | 'stripped name' | 'content' | 'order' | null;
}

/** Content alone pairs functions of at least this many bytes: shorter ones are alike by chance. */
const LEAST_CONTENT = 16;

/** Takes rows out of two lists that have a key in common, one for one in order. */
class Matcher {
  readonly pairs: Pair[] = [];
  old: Analysis[];
  new: Analysis[];

  constructor(old: readonly Analysis[], fresh: readonly Analysis[]) {
    this.old = [...old];
    this.new = [...fresh];
  }

  match(key: (row: Analysis) => string | null, by: NonNullable<Pair['by']>, unique: boolean): void {
    const group = (rows: readonly Analysis[]): Map<string, Analysis[]> => {
      const groups = new Map<string, Analysis[]>();
      for (const row of rows) {
        const k = key(row);
        if (k === null) continue;
        const list = groups.get(k);
        if (list === undefined) groups.set(k, [row]);
        else list.push(row);
      }
      return groups;
    };
    const fresh = group(this.new);
    const taken = new Set<Analysis>();
    for (const [k, olds] of group(this.old)) {
      const news = fresh.get(k);
      if (news === undefined || (unique && (olds.length > 1 || news.length > 1))) continue;
      const close = olds.length > 1 || news.length > 1 ? alike(olds, news) : [[olds[0]!, news[0]!] as const];
      for (const [a, b] of close) this.#take(a, b, by, taken);
    }
    this.#drop(taken);
  }

  pair(a: Analysis, b: Analysis, by: NonNullable<Pair['by']>, taken: Set<Analysis>): void {
    this.#take(a, b, by, taken);
  }

  #take(a: Analysis, b: Analysis, by: NonNullable<Pair['by']>, taken: Set<Analysis>): void {
    taken.add(a);
    taken.add(b);
    const name = by === 'stripped name' ? pairingName(a.fn.name) : a.fn.name;
    this.pairs.push({ name, old: a, new: b, by });
  }

  #drop(taken: ReadonlySet<Analysis>): void {
    this.old = this.old.filter((row) => !taken.has(row));
    this.new = this.new.filter((row) => !taken.has(row));
  }

  drop(taken: ReadonlySet<Analysis>): void {
    this.#drop(taken);
  }
}

/** Pairs rows of one name: those with the same code first, the rest in order. */
function alike(olds: readonly Analysis[], news: readonly Analysis[]): (readonly [Analysis, Analysis])[] {
  const pairs: (readonly [Analysis, Analysis])[] = [];
  const left = [...news];
  const rest: Analysis[] = [];
  for (const a of olds) {
    const same = left.findIndex((b) => b.masked === a.masked && b.referred === a.referred);
    if (same >= 0) pairs.push([a, left.splice(same, 1)[0]!]);
    else rest.push(a);
  }
  for (const [i, a] of rest.entries()) if (left[i] !== undefined) pairs.push([a, left[i]!]);
  return pairs;
}

/** File name of the unit that a function lies in, without the archive around it. */
const member = ({ fn }: Analysis): string => /\(([^()]*)\)$/.exec(fn.unit.name)?.[1] ?? '';

/**
 * Pairs the functions of two builds: by name in the same archive member, by name, by name without the compiler's suffixes, then by
 * content. Functions without names are paired by content, and what lies between equal neighbours by order.
 */
export function pairFunctions(old: readonly Analysis[], fresh: readonly Analysis[], nameless: boolean): Pair[] {
  const matcher = new Matcher(old, fresh);
  if (!nameless) {
    matcher.match((row) => `${member(row)}\0${row.fn.name}`, 'name', false);
    matcher.match((row) => row.fn.name, 'name', false);
    matcher.match((row) => pairingName(row.fn.name), 'stripped name', false);
    matcher.match(
      (row) => (row.metrics.bytes >= LEAST_CONTENT ? `${row.masked} ${row.referred}` : null),
      'content',
      true,
    );
  } else {
    matcher.match((row) => `${row.masked} ${row.referred}`, 'content', true);
    matcher.match((row) => `${row.masked}`, 'content', true);
    matcher.match((row) => `${row.masked} ${row.referred}`, 'content', false);
    matcher.match((row) => `${row.masked}`, 'content', false);
    between(matcher, old, fresh);
  }
  const single = [
    ...matcher.old.map((row): Pair => ({ name: row.fn.name, old: row, new: null, by: null })),
    ...matcher.new.map((row): Pair => ({ name: row.fn.name, old: null, new: row, by: null })),
  ];
  return [...matcher.pairs, ...single];
}

/** Pairs what is left between two pairs that follow each other in both builds, where it is as many on either side. */
function between(matcher: Matcher, old: readonly Analysis[], fresh: readonly Analysis[]): void {
  const partner = new Map(matcher.pairs.map((pair) => [pair.old!, pair.new!]));
  const place = new Map(fresh.map((row, i) => [row, i]));
  const free = new Set(matcher.new);
  const taken = new Set<Analysis>();
  let from = -1;
  let waiting: Analysis[] = [];
  const close = (to: number): void => {
    const candidates = fresh.slice(from + 1, to).filter((row) => free.has(row));
    if (to > from && candidates.length === waiting.length) {
      for (const [i, a] of waiting.entries()) matcher.pair(a, candidates[i]!, 'order', taken);
    }
    waiting = [];
  };
  for (const row of old) {
    const other = partner.get(row);
    if (other === undefined) {
      waiting.push(row);
      continue;
    }
    const to = place.get(other)!;
    close(to);
    from = to;
  }
  close(fresh.length);
  matcher.drop(taken);
}
