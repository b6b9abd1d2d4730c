import { type CpuMask, parseCpuList, weight } from './cpulist.ts';
import { type EventField, type EventType, glob } from './events.ts';
import type { FieldValue, TraceEvent } from './record.ts';

/** Whether an event passes. */
export type Predicate = (event: TraceEvent) => boolean;

/** What a filter's names mean. */
export interface FilterScope {
  /** CPUs of the machine: lists name no others, and a field with a higher number never matches one. */
  readonly cpus: number;
  /** Bounds of a function, for `.function`. */
  readonly function?: (name: string) => { readonly from: bigint; readonly to: bigint } | null;
}

/** Linux' messages (kernel/trace/trace_events_filter.c). */
export const FILTER_ERRORS = {
  operator: 'Invalid operator',
  open: "Too many '('",
  close: "Too few '('",
  quote: 'Missing quote',
  braceOpen: "Missing '{'",
  braceClose: "Missing '}'",
  long: 'Operand too long',
  field: 'Field not found',
  illegal: 'Illegal operation for field type',
  integer: 'Illegal integer value',
  subsystem: "Couldn't find or set field in one of a subsystem's events",
  expectInteger: 'Expecting an integer value',
  cpulist: 'Invalid cpulist',
  meaningless: 'Meaningless filter expression',
  function: 'Function not found',
} as const;

/** A filter that is none: what is wrong, and where. */
export class FilterError extends Error {
  override readonly name = 'FilterError';
  readonly text: string;
  /** Index of the character. */
  readonly position: number;

  constructor(text: string, position: number, message: string) {
    super(`EINVAL: parse_error: ${message}; see swapgs run --help`);
    this.text = text;
    this.position = position;
    this.#message = message;
  }

  readonly #message: string;

  /** As Linux shows it when the filter is read back: the text, a caret below the place, the reason. */
  get lines(): readonly string[] {
    return [this.text, `${' '.repeat(this.position)}^`, `parse_error: ${this.#message}`];
  }
}

const COMMON: readonly EventField[] = [
  { name: 'common_type', kind: 'int', size: 2, type: 'unsigned short' },
  { name: 'common_flags', kind: 'int', size: 1, type: 'unsigned char' },
  { name: 'common_preempt_count', kind: 'int', size: 1, type: 'unsigned char' },
  { name: 'common_pid', kind: 'int', size: 4, type: 'int' },
];
const CPU_FIELD: EventField = { name: 'CPU', kind: 'int', size: 4, type: 'int' };
const COMM_FIELD: EventField = { name: 'comm', kind: 'string', size: 16, type: 'char[16]' };
/** Longest value (MAX_FILTER_STR_VAL). */
const LONGEST = 256;
/** Deeper than this no filter is nested. */
const DEEPEST = 1000;

type Operator = '==' | '!=' | '<' | '<=' | '>' | '>=' | '&' | '~';
const OPERATORS: readonly Operator[] = ['==', '!=', '<=', '>=', '<', '>', '&', '~'];

function fieldNamed(name: string, { fields }: EventType): EventField | undefined {
  const own = fields.find((field) => field.name === name) ?? COMMON.find((field) => field.name === name);
  if (own !== undefined) return own;
  if (name === 'CPU' || name === 'cpu' || name === 'common_cpu') return CPU_FIELD;
  return name === 'COMM' || name === 'comm' || name === 'common_comm' ? COMM_FIELD : undefined;
}

function fieldValue(field: EventField, event: TraceEvent): FieldValue {
  switch (field.name) {
    case 'common_type':
      return BigInt(event.type.id);
    case 'common_flags':
      return BigInt((event.irqsOff ? 1 : 0) | (event.hardirq ? 8 : 0));
    case 'common_preempt_count':
      return BigInt(event.preempt);
    case 'common_pid':
      return BigInt(event.pid);
    case 'CPU':
      return BigInt(event.cpu);
    case 'comm':
      return field === COMM_FIELD ? event.comm : event.values['comm']!;
    default:
      return event.values[field.name]!;
  }
}

/** A filter of one event, by descent: `or := and ('||' and)*`, `and := not ('&&' not)*`, `not := '!' not | '(' or ')' | test`. */
class Parser {
  readonly #text: string;
  readonly #type: EventType;
  readonly #scope: FilterScope;
  #at = 0;
  #depth = 0;

  constructor(text: string, type: EventType, scope: FilterScope) {
    this.#text = text;
    this.#type = type;
    this.#scope = scope;
  }

  whole(): Predicate {
    this.#checkParentheses();
    const predicate = this.#or();
    this.#blank();
    if (this.#at < this.#text.length) this.#fail('operator');
    return predicate;
  }

  #fail(error: keyof typeof FILTER_ERRORS, at = this.#at): never {
    throw new FilterError(this.#text, at, FILTER_ERRORS[error]);
  }

  /** Before anything else, as Linux does: parentheses outside quotes must balance. */
  #checkParentheses(): void {
    const open: number[] = [];
    let quote = '';
    for (let i = 0; i < this.#text.length; i++) {
      const c = this.#text[i]!;
      if (quote !== '') quote = c === quote ? '' : quote;
      else if (c === '"' || c === "'") quote = c;
      else if (c === '(') open.push(i);
      else if (c === ')' && open.pop() === undefined) this.#fail('close', i);
    }
    if (quote === '' && open.length > 0) this.#fail('open', open.at(-1));
  }

  #blank(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at++;
  }

  #take(token: string): boolean {
    this.#blank();
    if (!this.#text.startsWith(token, this.#at)) return false;
    this.#at += token.length;
    return true;
  }

  #or(): Predicate {
    const terms = [this.#and()];
    while (this.#take('||')) terms.push(this.#and());
    return terms.length === 1 ? terms[0]! : (event) => terms.some((term) => term(event));
  }

  #and(): Predicate {
    const terms = [this.#not()];
    while (this.#take('&&')) terms.push(this.#not());
    return terms.length === 1 ? terms[0]! : (event) => terms.every((term) => term(event));
  }

  #not(): Predicate {
    if (++this.#depth > DEEPEST) this.#fail('open');
    try {
      this.#blank();
      if (this.#at >= this.#text.length) this.#fail('meaningless');
      if (this.#take('!')) {
        const term = this.#not();
        return (event) => !term(event);
      }
      if (!this.#take('(')) return this.#test();
      const inner = this.#or();
      if (!this.#take(')')) this.#fail('operator');
      return inner;
    } finally {
      this.#depth--;
    }
  }

  #test(): Predicate {
    const start = this.#at;
    const name = /^[A-Za-z_]\w*/.exec(this.#text.slice(start))?.[0];
    if (name === undefined) return this.#fail(this.#text[start] === ')' ? 'meaningless' : 'field');
    this.#at += name.length;
    const field = fieldNamed(name, this.#type);
    if (field === undefined) return this.#fail('field', start);
    const suffix = this.#take('.function') ? 'function' : this.#take('.ustring') ? 'string' : null;
    this.#blank();
    const place = this.#at;
    const operator = OPERATORS.find((candidate) => this.#text.startsWith(candidate, place));
    if (operator === undefined || this.#text.startsWith('&&', place)) return this.#fail('operator', place);
    this.#at += operator.length;
    this.#blank();
    if (suffix === 'function') return this.#inFunction(field, operator, place);
    if (/^CPUS(?!\w)/.test(this.#text.slice(this.#at))) return this.#inCpus(field, operator, place);
    if (field.kind === 'string' || suffix === 'string') return this.#isText(field, operator, place);
    if (field.kind === 'cpumask') return this.#fail('cpulist');
    return this.#isNumber(field, operator, place);
  }

  #inCpus(field: EventField, operator: Operator, place: number): Predicate {
    if (field.kind === 'string' || !['&', '==', '!='].includes(operator)) this.#fail('illegal', place);
    this.#at += 'CPUS'.length;
    if (this.#text[this.#at] !== '{') this.#fail('braceOpen');
    const from = this.#at + 1;
    const end = this.#text.indexOf('}', from);
    if (end < 0) this.#fail('braceClose', this.#text.length);
    const { cpus } = this.#scope;
    const mask = parseCpuList(this.#text.slice(from, end), cpus);
    if (mask === null) return this.#fail('cpulist', from);
    this.#at = end + 1;
    const test = field.kind === 'cpumask' ? maskTest(operator, mask) : scalarTest(operator, mask, cpus);
    return (event) => test(fieldValue(field, event) as bigint);
  }

  #inFunction(field: EventField, operator: Operator, place: number): Predicate {
    if (field.size !== 8 || field.kind === 'string' || (operator !== '==' && operator !== '!='))
      this.#fail('illegal', place);
    const at = this.#at;
    const name = this.#word();
    const bounds = this.#scope.function?.(name) ?? null;
    if (bounds === null) return this.#fail('function', at);
    const { from, to } = bounds;
    return (event) => {
      const value = fieldValue(field, event) as bigint;
      return (value >= from && value < to) === (operator === '==');
    };
  }

  /** A value in quotes, or up to a blank or the end of the test. */
  #word(): string {
    const at = this.#at;
    const quote = this.#text[at];
    let word: string;
    if (quote === '"' || quote === "'") {
      const end = this.#text.indexOf(quote, at + 1);
      if (end < 0) return this.#fail('quote', at);
      word = this.#text.slice(at + 1, end);
      this.#at = end + 1;
    } else {
      word = /^(?:(?!&&|\|\||[\s)]).)*/s.exec(this.#text.slice(at))![0];
      this.#at += word.length;
    }
    if (word.length >= LONGEST) this.#fail('long', at);
    return word;
  }

  #isText(field: EventField, operator: Operator, place: number): Predicate {
    if (operator !== '==' && operator !== '!=' && operator !== '~') this.#fail('illegal', place);
    const at = this.#at;
    const word = this.#word();
    if (word === '' && this.#at === at) this.#fail('meaningless', at);
    const text = (event: TraceEvent): string => String(fieldValue(field, event));
    if (operator === '~') {
      const pattern = glob(word);
      return (event) => pattern.test(text(event));
    }
    return (event) => (text(event) === word) === (operator === '==');
  }

  #isNumber(field: EventField, operator: Operator, place: number): Predicate {
    if (operator === '~') this.#fail('illegal', place);
    const at = this.#at;
    const word = this.#word();
    if (!/^-?\d/.test(word)) this.#fail('expectInteger', at);
    const wanted = integer(word);
    if (wanted === null) return this.#fail('integer', at);
    const bits = 8 * field.size;
    const signed = field.type === 'int';
    const trim = (value: bigint): bigint => (signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value));
    const limit = trim(wanted);
    const compare = COMPARISONS[operator as Exclude<Operator, '~'>];
    return (event) => compare(trim(fieldValue(field, event) as bigint), limit);
  }
}

const COMPARISONS: Readonly<Record<Exclude<Operator, '~'>, (a: bigint, b: bigint) => boolean>> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
  '&': (a, b) => (a & b) !== 0n,
};

/** Decimal, hexadecimal or octal, of 64 bits. */
function integer(word: string): bigint | null {
  const match = /^(-?)(0x[0-9a-f]+|0[0-7]*|[1-9]\d*)$/i.exec(word);
  if (match === null) return null;
  const digits = match[2]!;
  const value = BigInt(/^0\d/.test(digits) ? `0o${digits.slice(1)}` : digits);
  if (value >= 1n << 64n) return null;
  return match[1] === '-' ? -value : value;
}

/** A mask against a list: `&` they have a CPU in common, `==` they are the same. */
function maskTest(operator: Operator, list: CpuMask): (mask: bigint) => boolean {
  if (operator === '&') return (mask) => (mask & list) !== 0n;
  return operator === '==' ? (mask) => mask === list : (mask) => mask !== list;
}

/** A number against a list: `&` it is in there, `==` the list is just that CPU. */
function scalarTest(operator: Operator, list: CpuMask, cpus: number): (cpu: bigint) => boolean {
  const single = weight(list) === 1;
  return (cpu) => {
    if (cpu < 0n || cpu >= BigInt(cpus)) return false;
    const inside = (list & (1n << cpu)) !== 0n;
    if (operator === '&') return inside;
    return operator === '==' ? single && inside : !(single && inside);
  };
}

/**
 * Reads a filter of an event. `0` is no filter: everything passes.
 * @throws FilterError
 */
export function parseFilter(text: string, type: EventType, scope: FilterScope): Predicate {
  if (text.trim() === '0') return () => true;
  return new Parser(text, type, scope).whole();
}

/**
 * The same filter for several events: for those that have its fields.
 * @throws FilterError where it fits none
 */
export function parseFilters(
  text: string,
  types: readonly EventType[],
  scope: FilterScope,
): ReadonlyMap<EventType, Predicate> {
  const found = new Map<EventType, Predicate>();
  let failure: FilterError | null = null;
  for (const type of types) {
    try {
      found.set(type, parseFilter(text, type, scope));
    } catch (error) {
      if (!(error instanceof FilterError)) throw error;
      failure ??= error;
    }
  }
  if (found.size > 0 || failure === null) return found;
  throw types.length === 1 ? failure : new FilterError(text, failure.position, FILTER_ERRORS.subsystem);
}
