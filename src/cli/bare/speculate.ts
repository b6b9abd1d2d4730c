import { hex } from '../../bits/hex.ts';
import type { SpeculatedWalk, SpeculationPlan } from '../../machine/system/speculator.ts';
import { ENTRY_NAMES } from '../../memory/page-walk.ts';
import type { Marked } from '../../memory/paging.ts';
import type { Names } from '../../trace/names.ts';
import { CliError } from '../errors.ts';
import { integer } from '../values.ts';

const FORM = 'as walk=0xffffc90000000000,every=1000,cpu=1, walk=LO-HI for random pages, at=SYMBOL,for=8 for a place';
/** Draws are of 32 bits. */
const MOST_PAGES = 1n << 32n;
const PAGE_SHIFT = 12n;

/** `walk=…,every=N` or `walk=…,at=PLACE[,for=N]`, with `cpu=N` where it is for one. @throws CliError */
export function speculationPlan(text: string, cpus: number, names: Names): SpeculationPlan {
  const bad = (what: string): never => {
    throw new CliError(what, '--speculate', FORM);
  };
  const fields = new Map<string, string[]>();
  for (const part of text.split(',')) {
    const [, key = '', value = ''] = /^(walk|every|at|for|cpu)=(.+)$/.exec(part.trim()) ?? [];
    if (key === '') bad(`'${part}' is none of walk=, every=, at=, for= and cpu=`);
    fields.set(key, [...(fields.get(key) ?? []), value]);
  }
  const one = (key: string): string | undefined => {
    const values = fields.get(key) ?? [];
    return values.length > 1 ? bad(`${key}= stands there twice`) : values[0];
  };
  const number = (key: string, least: number): number | null => {
    const value = one(key);
    if (value === undefined) return null;
    const parsed = integer(value);
    return parsed !== null && parsed >= BigInt(least) && parsed <= BigInt(Number.MAX_SAFE_INTEGER)
      ? Number(parsed)
      : bad(`'${value}' is no ${key}`);
  };
  const place = (value: string): bigint => {
    const [, name = '', offset] = /^(.*?)(?:\+(\w+))?$/.exec(value) ?? [];
    const base = integer(name) ?? names.symbols.named(name)?.address;
    const more = offset === undefined ? 0n : integer(offset);
    return base === undefined || more === null ? bad(`no place '${value}'`) : base + more;
  };
  const walks = (fields.get('walk') ?? bad('no walk= says where')).map((value) => {
    const [low = '', high] = value.split('-');
    const [from, to] = [place(low), high === undefined ? null : place(high)];
    if (to !== null && (from >= to || (to - from) >> PAGE_SHIFT > MOST_PAGES)) bad(`'${value}' is no range`);
    return { from, to };
  });
  const [first] = walks;
  if (walks.length > 1 && walks.some(({ to }) => to !== null)) bad('a range stands alone');
  const [cpu, every, at, count] = [number('cpu', 0), number('every', 1), one('at'), number('for', 1)];
  if (cpu !== null && cpu >= cpus) bad(`there is no CPU ${cpu}`);
  if ((every === null) === (at === undefined)) bad('give every= or at=');
  if (every !== null && count !== null) bad('for= belongs to at=');
  return {
    cpu,
    when: every !== null ? { every } : { at: place(at!), count: count ?? 1 },
    walks: first!.to !== null ? { from: first!.from, to: first!.to } : walks.map(({ from }) => from),
  };
}

/** @throws CliError where plans name two places */
export function checkPlans(plans: readonly SpeculationPlan[]): void {
  const places = new Set(plans.flatMap(({ when }) => ('at' in when ? [when.at] : [])));
  if (places.size > 1) throw new CliError('at= names two places', '--speculate', 'give one');
}

const marks = (marked: readonly Marked[]): string =>
  marked.map(({ level, at }) => `${ENTRY_NAMES[level]} at ${hex(at)}`).join(', ');

/** What walks without an instruction have changed, each once, with how often. */
export class SpeculationReport {
  readonly #names: Names;
  /** As they were typed. */
  readonly #plans: readonly string[];
  readonly #lines = new Map<string, number>();
  #walks = 0;
  #kept = 0;

  constructor(names: Names, plans: readonly string[]) {
    this.#names = names;
    this.#plans = plans;
  }

  readonly add = ({ cpu, rip, index, linear, outcome }: SpeculatedWalk): void => {
    if (!outcome.walked) {
      if (outcome.why === 'kept out') this.#kept++;
      return;
    }
    this.#walks++;
    if (outcome.marked.length === 0) return;
    const at = `${hex(rip)}${this.#described(rip)}`;
    const where = index === null ? `at ${at}` : `before insn ${index} from ${this.#point()}, ${at}`;
    const line = `CPU ${cpu} walked ${where}: ${hex(linear)}: A set in ${marks(outcome.marked)}`;
    this.#lines.set(line, (this.#lines.get(line) ?? 0) + 1);
  };

  #described(address: bigint): string {
    const name = this.#names.describe(address);
    return name === undefined ? '' : ` <${name}>`;
  }

  #point(): string {
    return this.#plans.map((plan) => /at=([^,]+)/.exec(plan)?.[1]).find((at) => at !== undefined) ?? '';
  }

  lines(): string[] {
    if (this.#plans.length === 0) return [];
    const found = [...this.#lines].map(([line, count]) => `swapgs: ${line}${count === 1 ? '' : `, ${count} times`}`);
    const kept = this.#kept === 0 ? '' : `, ${this.#kept} kept out by LASS`;
    return [...found, `swapgs: ${this.#walks} speculative walk${this.#walks === 1 ? '' : 's'}${kept}`];
  }
}
