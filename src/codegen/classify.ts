import type { Line } from './lines.ts';

/** What became of a function. */
export const STATUSES = [
  'identical',
  'relocation-only',
  'encoding-only',
  'register-renamed',
  'reordered',
  'changed',
  'added',
  'removed',
] as const;
export type Status = (typeof STATUSES)[number];

/** A register, or a string that may have something in it that looks like one: `%d`. */
const REGISTER = /"(?:[^"\\]|\\.)*"|%[a-z][a-z0-9]*/g;

/** What sets two lists of lines apart, the least that explains it. The two are not the same byte for byte. */
export function classify(old: readonly Line[], fresh: readonly Line[]): Status {
  if (old.length !== fresh.length) return 'changed';
  const leadAlike = sameTargets(old, fresh);
  if (old.every((line, i) => line.key === fresh[i]!.key)) {
    if (!leadAlike) return 'changed';
    const sameBytes = old.every((line, i) => line.encoded === fresh[i]!.encoded && line.at === fresh[i]!.at);
    return sameBytes ? 'relocation-only' : 'encoding-only';
  }
  if (leadAlike && renamed(old, fresh)) return 'register-renamed';
  return reordered(old, fresh) ? 'reordered' : 'changed';
}

const sameTargets = (old: readonly Line[], fresh: readonly Line[]): boolean =>
  old.every(({ target, cases }, i) => {
    const other = fresh[i]!;
    return target === other.target && cases?.join() === other.cases?.join();
  });

/** Whether one consistent exchange of registers makes the one list of the other. */
function renamed(old: readonly Line[], fresh: readonly Line[]): boolean {
  const forth = new Map<string, string>();
  const back = new Map<string, string>();
  for (const [i, line] of old.entries()) {
    const other = fresh[i]!;
    const [text, a] = withoutRegisters(line.key);
    const [otherText, b] = withoutRegisters(other.key);
    if (text !== otherText) return false;
    for (const [k, name] of a.entries()) {
      const x = family(name);
      const y = family(b[k]!);
      if (x.width !== y.width) return false;
      if ((forth.get(x.name) ?? y.name) !== y.name || (back.get(y.name) ?? x.name) !== x.name) return false;
      forth.set(x.name, y.name);
      back.set(y.name, x.name);
    }
  }
  // The stack pointer and segments are nobody's to choose.
  return [...forth].every(([x, y]) => x === y || !/^(sp|[c-gs]s)$/.test(x));
}

/** A key with a mark for each register, and the registers. */
function withoutRegisters(key: string): [text: string, registers: string[]] {
  const registers: string[] = [];
  const text = key.replace(REGISTER, (found) => {
    if (found.startsWith('"')) return found;
    registers.push(found);
    return '%';
  });
  return [text, registers];
}

/** A register as which one it is and how much of it is meant. */
function family(text: string): { readonly name: string; readonly width: string } {
  const name = text.slice(1);
  const numbered = /^(r\d+)([bwd]?)$/.exec(name);
  if (numbered !== null) return { name: numbered[1]!, width: numbered[2] || 'q' };
  const vector = /^([xyz]mm)(\d+)$/.exec(name);
  if (vector !== null) return { name: `v${vector[2]}`, width: vector[1]! };
  const legacy = /^(r|e|)([abcd]x|[sd]i|[sb]p|ip)$/.exec(name);
  if (legacy !== null) return { name: legacy[2]!, width: { r: 'q', e: 'd', '': 'w' }[legacy[1]!]! };
  const low = /^([abcd])l$/.exec(name);
  if (low !== null) return { name: `${low[1]}x`, width: 'b' };
  const lowIndex = /^([sd]i|[sb]p)l$/.exec(name);
  if (lowIndex !== null) return { name: lowIndex[1]!, width: 'b' };
  const high = /^([abcd])h$/.exec(name);
  if (high !== null) return { name: `${high[1]}x`, width: 'h' };
  return { name, width: '' };
}

/** Whether the same instructions stand in another order; where branches lead is left aside. */
function reordered(old: readonly Line[], fresh: readonly Line[]): boolean {
  const count = new Map<string, number>();
  for (const { key } of old) count.set(key, (count.get(key) ?? 0) + 1);
  for (const { key } of fresh) {
    const left = count.get(key) ?? 0;
    if (left === 0) return false;
    count.set(key, left - 1);
  }
  return true;
}
