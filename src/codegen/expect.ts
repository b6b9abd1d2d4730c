import { closest } from '../bits/closest.ts';
import type { Analysis } from './analyse.ts';
import { MEASURES } from './conditions.ts';
import { CodegenError } from './error.ts';
import { addMetrics, type Metrics, noMetrics } from './metrics.ts';

/** One counted assertion. */
export interface Expectation {
  readonly line: number;
  readonly text: string;
  /** What is there instead, or null where it holds. */
  broken(functions: readonly Analysis[]): string | null;
}

const WORDS = 'no one two three four five six seven eight nine ten'.split(' ');
const FORM =
  /^(?:(exactly|at most|at least)\s+)?(no|one|two|three|four|five|six|seven|eight|nine|ten|zero|\d+)\s+(.+?)(?:\s+of\s+(\S+))?\s+in\s+(\S+)$/i;
/** Whole builds by a name that no function has. */
const TOTAL = 'total';

/**
 * Reads assertions, one a line, `#` begins a comment: `exactly one load of pcpu_hot in syscall_exit_work`, `at most 12 instructions in f`,
 * `no gs loads in g`, `at least 2 calls in total`.
 * @throws CodegenError naming the line
 */
export function parseExpectations(text: string): Expectation[] {
  return text.split(/\r?\n/).flatMap((raw, i) => {
    const line = raw.replace(/#.*$/, '').trim();
    return line === '' ? [] : [parseLine(line, i + 1)];
  });
}

function parseLine(text: string, line: number): Expectation {
  const match = FORM.exec(text);
  const bad = (what: string): never => {
    throw new CodegenError(`line ${line}: ${what}; as «exactly one load of pcpu_hot in syscall_exit_work»`);
  };
  if (match === null) return bad(`cannot read «${text}»`);
  const [, how = 'exactly', amount, thing, slot, name] = match;
  const wanted =
    amount === 'zero'
      ? 0
      : WORDS.includes(amount!.toLowerCase())
        ? WORDS.indexOf(amount!.toLowerCase())
        : Number(amount);
  const noun = thing!.toLowerCase().replace(/^%/, '').replace(/\s+/g, '-');
  const plural = noun.endsWith('s') ? noun : noun === 'push' ? 'pushes' : noun === 'branch' ? 'branches' : `${noun}s`;
  const isLoad = plural === 'loads' || plural === 'gs-loads' || plural === 'fs-loads';
  const measure =
    slot === undefined ? (MEASURES[plural] ?? MEASURES[noun]) : isLoad ? (m: Metrics) => m.slots[slot] ?? 0 : undefined;
  if (measure === undefined) return bad(`nothing is counted as «${thing}${slot === undefined ? '' : ` of ${slot}`}»`);
  return {
    line,
    text,
    broken: (functions) => {
      const found = select(functions, name!);
      if (found.length === 0) return `there is no function ${name}${nearest(functions, name!)}`;
      const sum = noMetrics();
      for (const { metrics } of found) addMetrics(sum, metrics);
      const count = measure(sum);
      const holds = /most/i.test(how!) ? count <= wanted : /least/i.test(how!) ? count >= wanted : count === wanted;
      return holds ? null : `there are ${count}`;
    },
  };
}

const select = (functions: readonly Analysis[], name: string): readonly Analysis[] =>
  name === TOTAL ? functions : functions.filter(({ fn }) => fn.name === name || fn.aliases.includes(name));

/** `: did you mean a, b?` */
export function nearest(functions: readonly { readonly fn: { readonly name: string } }[], name: string): string {
  const names = closest(name, [...new Set(functions.map(({ fn }) => fn.name))]);
  return names.length === 0 ? '' : `, the nearest are ${names.join(', ')}`;
}
