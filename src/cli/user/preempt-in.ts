import { closest } from '../../bits/closest.ts';
import { hex } from '../../bits/hex.ts';
import { describeEnd, type ProcessEnd } from '../../kernel/end.ts';
import type { Stdio } from '../../kernel/fs/stdio.ts';
import { symbolRange } from '../../trace/filter.ts';
import type { Names } from '../../trace/names.ts';
import { SteppingMachine } from '../../trace/stepping.ts';
import type { Step } from '../../trace/watcher.ts';
import type { RunOptions } from '../commands/run.ts';
import { CliError } from '../errors.ts';
import { Output } from '../output.ts';
import { integer } from '../values.ts';
import { namesOf } from './names.ts';
import { type Program, readProgram, Session } from './session.ts';

/** What became of the code that was interrupted at one place. */
type Outcome = 'committed' | 'aborted' | 'violated';

interface Point {
  /** Instructions executed before the interruption. */
  readonly count: number;
  readonly rip: bigint;
  readonly text: string;
}

interface Finding extends Point {
  readonly outcome: Outcome;
  /** How the run ended. */
  readonly end: string;
}

/** A visit of more instructions than this is no critical section. */
const MOST_POINTS = 4096;

/** Keeps what the guest writes; it has nothing to read. */
class Kept implements Stdio {
  readonly #out: Uint8Array[] = [];
  read(): Uint8Array {
    return new Uint8Array(0);
  }
  write(_stream: 1 | 2, bytes: Uint8Array): number {
    this.#out.push(bytes.slice());
    return bytes.length;
  }
  get text(): string {
    return Buffer.concat(this.#out).toString('latin1');
  }
}

interface Invariant {
  readonly name: string;
  readonly address: number;
  readonly value: bigint;
}

/** `SYMBOL=VALUE`: what the 8 bytes at a symbol must be in the end. @throws CliError */
function invariantOf(text: string, names: Names): Invariant {
  const [name = '', value = ''] = text.split('=');
  const number = integer(value);
  if (number === null) throw new CliError(`'${text}' is not SYMBOL=VALUE`, '--invariant', 'as total=800000');
  return { name, address: Number(symbol(names, name, '--invariant').address), value: BigInt.asUintN(64, number) };
}

function symbol(names: Names, name: string, where: string) {
  const found = names.symbols.symbols.find((one) => one.name === name);
  if (found !== undefined) return found;
  const near = closest(
    name,
    names.symbols.symbols.map((one) => one.name),
  );
  throw new CliError(
    `no symbol '${name}'`,
    where,
    near.length > 0 ? `near it: ${near.join(', ')}` : 'build it with symbols',
  );
}

/** Instructions of the first visit of a function, in order, each as a place before it; and the place behind the last. */
function pointsOf(
  program: Program,
  name: string,
  names: (session: Session) => Names,
): { points: Point[]; end: ProcessEnd; output: string } {
  const stdio = new Kept();
  const steps: Step[] = [];
  let window = { from: 1, to: 0, ranges: [] as { from: bigint; to: bigint }[] };
  const probe = new Session(program, { warn: false });
  const known = names(probe);
  const range = symbolRange(symbol(known, name, '--preempt-in'), known.symbols.symbols);
  window = { from: 1, to: Number.POSITIVE_INFINITY, ranges: [range] };
  const session = new Session(program, {
    stdio,
    warn: false,
    preempt: {},
    wrap: (machine) =>
      new SteppingMachine(machine, window, (step) => {
        const last = steps.at(-1);
        // The first visit only: what comes behind a gap is another one, or another thread's.
        if (last === undefined || (step.number === last.number + 1 && steps.length < MOST_POINTS)) steps.push(step);
      }),
  });
  const end = session.run();
  if (steps.length === 0)
    throw new CliError(`${name} is not executed`, '--preempt-in', 'name a function that the run reaches');
  const points = steps.map(({ number, insn }) => ({ count: number - 1, rip: insn.address, text: insn.text }));
  const last = steps.at(-1)!;
  points.push({ count: last.number, rip: last.insn.address + BigInt(last.insn.bytes.length), text: '(behind it)' });
  return { points, end, output: stdio.text };
}

/**
 * `swapgs run --preempt-in SYMBOL`: one run for every instruction of the first visit, interrupted before it. Violated is a run that
 * ends or prints otherwise than the undisturbed one, or that breaks the invariant. Returns 1 where there is one.
 */
export function runPreemptions(path: string, args: readonly string[], options: RunOptions): number {
  const program = readProgram(path, args, options);
  const namesFor = (session: Session): Names => namesOf(program.image.bytes, session.loadBias);
  const { points, end: calm, output } = pointsOf(program, options.preemptIn!, namesFor);
  const by = options.preemptBy ?? 'switch';
  const findings: Finding[] = points.map((point) => {
    const stdio = new Kept();
    const session = new Session(program, { stdio, warn: false, preempt: { at: [point.count], by } });
    let aborted = false;
    session.kernel.onAbort = (_, rip) => {
      if (rip === point.rip) aborted = true;
    };
    const end = session.run();
    const names = namesFor(session);
    const invariant = options.invariant === undefined ? null : invariantOf(options.invariant, names);
    const value = invariant === null ? null : (session.kernel.process?.user.u64(invariant.address) ?? null);
    const same = JSON.stringify(plain(end)) === JSON.stringify(plain(calm)) && stdio.text === output;
    const holds = invariant === null ? same : value === invariant.value;
    const outcome: Outcome = !holds ? 'violated' : aborted ? 'aborted' : 'committed';
    const how =
      invariant === null || holds ? describeEnd(end) : `${invariant.name} is ${value}, not ${invariant.value}`;
    session.kernel.close();
    return { ...point, outcome, end: how };
  });
  const out = new Output(1);
  if (options.json === true) {
    out.line(JSON.stringify(findings.map((one) => ({ ...one, rip: hex(one.rip) }))));
  } else {
    for (const { rip, text, outcome, end, count } of findings)
      out.line(
        `${String(count).padStart(9)}  ${hex(rip)}  ${text.padEnd(36)} ${outcome}${outcome === 'violated' ? `: ${end}` : ''}`,
      );
    const number = (outcome: Outcome): number => findings.filter((one) => one.outcome === outcome).length;
    out.line(
      `${findings.length} places by ${by}: ${number('aborted')} aborted, ${number('committed')} committed, ${number('violated')} violated`,
    );
  }
  out.flush();
  return findings.some(({ outcome }) => outcome === 'violated') ? 1 : 0;
}

/** An ending without what differs from place to place: numbers as text. */
const plain = (end: ProcessEnd): unknown =>
  JSON.parse(JSON.stringify(end, (_, value) => (typeof value === 'bigint' ? String(value) : value)));
